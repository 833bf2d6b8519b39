//! Why a text is no URI that we can use.

use core::fmt;

use crate::error::{Blame, Coded, Module};

/// Why a URI was refused. Holds nothing of its text, which may carry a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriError {
    /// More than [`MAX_URI`](super::MAX_URI) octets.
    TooLong,
    /// A control character, a space, an octet outside ASCII, or one that must be percent-encoded.
    IllegalCharacter {
        /// Offset of the octet in the text given.
        at: u16,
    },
    /// No scheme in front, and no base to resolve against.
    NotAbsolute,
    /// Neither `tftp` nor `http` nor `https`.
    UnsupportedScheme,
    /// No `//host` after the scheme.
    NoHost,
    /// The host is no host name of RFC 1123.
    BadHost,
    /// The host looks like an IP address and is none, or has a zone.
    BadAddress,
    /// The port is no number from 1 to 65535.
    BadPort,
    /// A `%` without two hexadecimal digits after it.
    BadEncoding,
    /// A percent-encoded control character where text is wanted.
    DecodedControl,
    /// Percent-encoded octets are not UTF-8 where text is wanted.
    NotText,
    /// The caller's buffer cannot hold the decoded text.
    BufferTooSmall,
    /// A TFTP URI asks for another mode than `octet`.
    TransferMode,
    /// A TFTP URI has a query.
    TftpQuery,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            UriError::IllegalCharacter { at } => {
                return write!(
                    f,
                    "URI has a character at offset {} that must be percent-encoded",
                    u32::from(*at)
                );
            }
            UriError::TooLong => "URI is longer than 255 octets",
            UriError::NotAbsolute => "URI has no scheme such as http: in front",
            #[cfg(not(feature = "ubp"))]
            UriError::UnsupportedScheme => "URI scheme is none of tftp, http, https",
            #[cfg(feature = "ubp")]
            UriError::UnsupportedScheme => "URI scheme is none of tftp, http, https, ubp",
            UriError::NoHost => "URI names no host",
            UriError::BadHost => "URI host is not a valid host name",
            UriError::BadAddress => "URI host is not a valid IP address",
            UriError::BadPort => "URI port is not a number from 1 to 65535",
            UriError::BadEncoding => "URI has a % without two hexadecimal digits after it",
            UriError::DecodedControl => "URI hides a control character behind percent-encoding",
            UriError::NotText => "URI does not decode to UTF-8 text",
            UriError::BufferTooSmall => "buffer is too small for the decoded URI",
            UriError::TransferMode => "TFTP URI asks for a mode other than octet",
            UriError::TftpQuery => "TFTP URI has a query; write %3F for a question mark",
        };
        f.write_str(text)
    }
}

impl core::error::Error for UriError {}

impl Coded for UriError {
    fn code(&self) -> u32 {
        Module::Uri.code(match self {
            UriError::TooLong => 1,
            UriError::IllegalCharacter { .. } => 2,
            UriError::NotAbsolute => 3,
            UriError::UnsupportedScheme => 4,
            UriError::NoHost => 5,
            UriError::BadHost => 6,
            UriError::BadAddress => 7,
            UriError::BadPort => 8,
            UriError::BadEncoding => 9,
            UriError::DecodedControl => 10,
            UriError::NotText => 11,
            UriError::BufferTooSmall => 12,
            UriError::TransferMode => 13,
            UriError::TftpQuery => 14,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            UriError::BufferTooSmall => Blame::Caller,
            _ => Blame::Configuration,
        }
    }
}

#[cfg(test)]
pub(crate) fn samples() -> Vec<UriError> {
    vec![
        UriError::TooLong,
        UriError::IllegalCharacter { at: 7 },
        UriError::NotAbsolute,
        UriError::UnsupportedScheme,
        UriError::NoHost,
        UriError::BadHost,
        UriError::BadAddress,
        UriError::BadPort,
        UriError::BadEncoding,
        UriError::DecodedControl,
        UriError::NotText,
        UriError::BufferTooSmall,
        UriError::TransferMode,
        UriError::TftpQuery,
    ]
}
