//! Alerts (RFC 8446, section 6): what one end tells the other before it goes.

use core::fmt;

/// An alert's description, as on the wire; values that no specification names are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert(pub u8);

impl Alert {
    /// The end of what the peer has to say; the only one that is no error.
    pub const CLOSE_NOTIFY: Self = Self(0);
    /// A message that does not belong here.
    pub const UNEXPECTED_MESSAGE: Self = Self(10);
    /// A record that does not decrypt.
    pub const BAD_RECORD_MAC: Self = Self(20);
    /// A record longer than agreed.
    pub const RECORD_OVERFLOW: Self = Self(22);
    /// No set of parameters suits both.
    pub const HANDSHAKE_FAILURE: Self = Self(40);
    /// A certificate that is malformed or wrongly signed.
    pub const BAD_CERTIFICATE: Self = Self(42);
    /// A certificate of a kind that is not supported.
    pub const UNSUPPORTED_CERTIFICATE: Self = Self(43);
    /// A certificate out of its validity.
    pub const CERTIFICATE_EXPIRED: Self = Self(45);
    /// A certificate that is refused for another reason.
    pub const CERTIFICATE_UNKNOWN: Self = Self(46);
    /// A field with a value that it must not have.
    pub const ILLEGAL_PARAMETER: Self = Self(47);
    /// A chain that leads to nothing trusted.
    pub const UNKNOWN_CA: Self = Self(48);
    /// A message that cannot be read.
    pub const DECODE_ERROR: Self = Self(50);
    /// A signature or a Finished that is wrong.
    pub const DECRYPT_ERROR: Self = Self(51);
    /// No common version.
    pub const PROTOCOL_VERSION: Self = Self(70);
    /// A fault of the sender's own.
    pub const INTERNAL_ERROR: Self = Self(80);
    /// The user gave up.
    pub const USER_CANCELED: Self = Self(90);
    /// An extension that has to be there is not.
    pub const MISSING_EXTENSION: Self = Self(109);
    /// An extension that was not asked for.
    pub const UNSUPPORTED_EXTENSION: Self = Self(110);
    /// The server wants a certificate from us.
    pub const CERTIFICATE_REQUIRED: Self = Self(116);

    /// The name in the specification.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            22 => "record_overflow",
            40 => "handshake_failure",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            109 => "missing_extension",
            110 => "unsupported_extension",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => "an alert that no specification names",
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers and names of RFC 8446, section 6.
    const NAMES: [(u8, &str); 27] = [
        (0, "close_notify"),
        (10, "unexpected_message"),
        (20, "bad_record_mac"),
        (22, "record_overflow"),
        (40, "handshake_failure"),
        (42, "bad_certificate"),
        (43, "unsupported_certificate"),
        (44, "certificate_revoked"),
        (45, "certificate_expired"),
        (46, "certificate_unknown"),
        (47, "illegal_parameter"),
        (48, "unknown_ca"),
        (49, "access_denied"),
        (50, "decode_error"),
        (51, "decrypt_error"),
        (70, "protocol_version"),
        (71, "insufficient_security"),
        (80, "internal_error"),
        (86, "inappropriate_fallback"),
        (90, "user_canceled"),
        (109, "missing_extension"),
        (110, "unsupported_extension"),
        (112, "unrecognized_name"),
        (113, "bad_certificate_status_response"),
        (115, "unknown_psk_identity"),
        (116, "certificate_required"),
        (120, "no_application_protocol"),
    ];

    #[test]
    fn each_alert_has_the_name_of_the_specification() {
        for number in 0..=u8::MAX {
            let known = NAMES.iter().find(|(known, _)| *known == number);
            let name = known.map_or("an alert that no specification names", |(_, name)| name);
            assert_eq!(Alert(number).name(), name, "{number}");
            assert_eq!(Alert(number).to_string(), format!("{name} ({number})"));
        }
    }
}
