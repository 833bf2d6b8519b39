//! What can go wrong between two ends that speak TLS.

use crate::Alert;
use crate::verify::VerifyError;
use core::fmt;
use netboot_core::{Blame, Coded, Module};

/// Why a connection failed. After any of them it is over; nothing more is read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// The server sent an alert.
    Alert(Alert),
    /// The server's certificate is refused.
    Certificate(VerifyError),
    /// The server does not speak TLS 1.3.
    NoTls13,
    /// The server wants a key exchange that we do not have (HelloRetryRequest, RFC 8446, section 4.1.4).
    HelloRetryRequest,
    /// The server found nothing in common with what we offer.
    NothingInCommon,
    /// A message that does not belong here.
    UnexpectedMessage,
    /// The server ended its handshake without a certificate.
    NoCertificate,
    /// The server showed a certificate, and ended its handshake without a proof that the key is its own.
    NoProof,
    /// The server's Finished does not fit the handshake.
    WrongFinished,
    /// A record of a type or length that must not come here; also one in the clear where all has to be encrypted.
    BadRecord,
    /// A record that does not decrypt: changed on the way, or forged.
    BadSeal,
    /// A handshake message that cannot be read.
    BadMessage,
    /// The server chose what was not offered, or a field has a value that it must not have.
    IllegalParameter,
    /// The server sent an extension that was not asked for.
    UnexpectedExtension,
    /// A record is longer than the receive buffer.
    RecordTooLarge,
    /// A handshake message is longer than the receive buffer: most often the one with the certificates.
    MessageTooLarge,
    /// The connection ended without the server's close_notify: cut short.
    Truncated,
    /// Too many records that carry nothing, or too many messages in a row without an octet of the application.
    Flood,
    /// One key has encrypted as many records as it may.
    KeysWornOut,
    /// The random source gave no usable key.
    NoEntropy,
    /// The send buffer is too small for a message.
    SendBuffer,
    /// Our own key did not sign.
    Signer,
    /// The call makes no sense now.
    NotOpen,
    /// The deadline of the call.
    Deadline,
    /// The connection below failed.
    Transport,
    /// A record is longer than TLS allows (RFC 8446, sections 5.1, 5.2 and 5.4).
    RecordOverflow,
    /// The server left out an extension that has to be there (RFC 8446, section 9.2).
    MissingExtension,
}

impl From<VerifyError> for TlsError {
    fn from(error: VerifyError) -> Self {
        Self::Certificate(error)
    }
}

impl TlsError {
    const fn number(self) -> u16 {
        match self {
            Self::Alert(_) => 0x01,
            Self::NoTls13 => 0x02,
            Self::HelloRetryRequest => 0x03,
            Self::NothingInCommon => 0x04,
            Self::UnexpectedMessage => 0x05,
            Self::NoCertificate => 0x06,
            Self::NoProof => 0x07,
            Self::WrongFinished => 0x08,
            Self::BadRecord => 0x09,
            Self::BadSeal => 0x0a,
            Self::BadMessage => 0x0b,
            Self::IllegalParameter => 0x0c,
            Self::UnexpectedExtension => 0x0d,
            Self::RecordTooLarge => 0x0e,
            Self::MessageTooLarge => 0x0f,
            Self::Truncated => 0x10,
            Self::Flood => 0x11,
            Self::KeysWornOut => 0x12,
            Self::NoEntropy => 0x13,
            Self::SendBuffer => 0x14,
            Self::Signer => 0x15,
            Self::NotOpen => 0x16,
            Self::Deadline => 0x17,
            Self::Transport => 0x18,
            Self::RecordOverflow => 0x19,
            Self::MissingExtension => 0x1a,
            // Has numbers of its own.
            Self::Certificate(_) => 0,
        }
    }

    /// What the server is told before we go (RFC 8446, section 6.2); `None` when there is nobody to tell.
    pub const fn alert(self) -> Option<Alert> {
        Some(match self {
            Self::Alert(_) | Self::Truncated | Self::Transport | Self::NotOpen => return None,
            Self::Certificate(error) => refusal(error),
            Self::NoTls13 => Alert::PROTOCOL_VERSION,
            Self::NothingInCommon => Alert::HANDSHAKE_FAILURE,
            Self::MissingExtension => Alert::MISSING_EXTENSION,
            Self::UnexpectedMessage
            | Self::NoCertificate
            | Self::NoProof
            | Self::BadRecord
            | Self::Flood => Alert::UNEXPECTED_MESSAGE,
            Self::WrongFinished => Alert::DECRYPT_ERROR,
            Self::BadSeal => Alert::BAD_RECORD_MAC,
            Self::BadMessage => Alert::DECODE_ERROR,
            // A group that was not offered (section 4.2.8).
            Self::IllegalParameter | Self::HelloRetryRequest => Alert::ILLEGAL_PARAMETER,
            Self::UnexpectedExtension => Alert::UNSUPPORTED_EXTENSION,
            Self::RecordTooLarge | Self::RecordOverflow => Alert::RECORD_OVERFLOW,
            Self::MessageTooLarge
            | Self::KeysWornOut
            | Self::NoEntropy
            | Self::SendBuffer
            | Self::Signer => Alert::INTERNAL_ERROR,
            Self::Deadline => Alert::USER_CANCELED,
        })
    }
}

/// What a server is told whose certificate is refused (RFC 8446, section 6.2).
const fn refusal(error: VerifyError) -> Alert {
    use VerifyError as E;
    match error {
        E::Expired(_) | E::NotYetValid(_) => Alert::CERTIFICATE_EXPIRED,
        E::UnknownIssuer | E::NotPinned | E::NoTrust | E::TooMuchTrust => Alert::UNKNOWN_CA,
        E::RsaOnly | E::UnsupportedKey | E::UnsupportedSignature => Alert::UNSUPPORTED_CERTIFICATE,
        E::WrongProof => Alert::DECRYPT_ERROR,
        E::WrongScheme => Alert::ILLEGAL_PARAMETER,
        E::NoCertificate => Alert::DECODE_ERROR,
        E::WrongName | E::BroadWildcard | E::BadName => Alert::CERTIFICATE_UNKNOWN,
        _ => Alert::BAD_CERTIFICATE,
    }
}

impl Coded for TlsError {
    fn code(&self) -> u32 {
        match self {
            Self::Certificate(error) => error.code(),
            error => Module::Tls.code(error.number()),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Certificate(error) => error.blame(),
            Self::Alert(_) | Self::NoTls13 | Self::HelloRetryRequest | Self::NothingInCommon => {
                Blame::Server
            }
            Self::UnexpectedMessage
            | Self::NoCertificate
            | Self::NoProof
            | Self::WrongFinished
            | Self::BadRecord
            | Self::BadSeal
            | Self::BadMessage
            | Self::IllegalParameter
            | Self::UnexpectedExtension
            | Self::Flood
            | Self::RecordOverflow
            | Self::MissingExtension
            | Self::KeysWornOut => Blame::Peer,
            Self::RecordTooLarge | Self::MessageTooLarge => Blame::Configuration,
            Self::Truncated | Self::Deadline | Self::Transport => Blame::Network,
            Self::NoEntropy | Self::SendBuffer | Self::Signer | Self::NotOpen => Blame::Caller,
        }
    }
}

impl core::error::Error for TlsError {}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Alert(alert) => {
                f.write_str("the server gave up with the alert ")?;
                return alert.fmt(f);
            }
            Self::Certificate(error) => return error.fmt(f),
            Self::NoTls13 => "the server does not speak TLS 1.3",
            Self::HelloRetryRequest => {
                "the server asks for a key exchange other than P-256 (HelloRetryRequest): enable P-256 (prime256v1) there"
            }
            Self::NothingInCommon => {
                "the server finds nothing in common with us: it needs TLS 1.3, a certificate with an ECDSA key (an RSA-only server?), P-256 key exchange, and AES-128-GCM or ChaCha20-Poly1305"
            }
            Self::UnexpectedMessage => "the server sent a message out of its order",
            Self::NoCertificate => "the server showed no certificate",
            Self::NoProof => "the server did not prove that it has the certificate's key",
            Self::WrongFinished => "the end of the handshake does not fit what went before",
            Self::BadRecord => "a record of a type or length that must not come here",
            Self::BadSeal => "a record does not decrypt: damaged or forged",
            Self::BadMessage => "a handshake message cannot be read",
            Self::IllegalParameter => {
                "the server chose what was not offered, or sent a value that TLS does not allow"
            }
            Self::UnexpectedExtension => "the server sent an extension that was not asked for",
            Self::RecordTooLarge => {
                "the server's records are larger than the receive buffer: limit them there (nginx: ssl_buffer_size 4k), or build with the large record profile"
            }
            Self::MessageTooLarge => {
                "a handshake message of the server, most often its certificates, is larger than the receive buffer"
            }
            Self::Truncated => "the connection was cut before the server ended it",
            Self::Flood => "too many records or messages without an octet of the application",
            Self::KeysWornOut => "too many records under one key",
            Self::NoEntropy => "no usable random numbers: TLS is refused",
            Self::SendBuffer => "the send buffer is too small",
            Self::Signer => "the client's key did not sign",
            Self::NotOpen => "the connection is not open",
            Self::Deadline => "the deadline has passed",
            Self::Transport => "the connection below failed",
            Self::RecordOverflow => "a record of the server is longer than TLS allows",
            Self::MissingExtension => "the server left out an extension that TLS 1.3 needs",
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::Role;
    use std::collections::BTreeSet;

    /// Each error with its number, what the server is told, and whose fault it is.
    const ALL: [(TlsError, u16, Option<Alert>, Blame); 26] = {
        use Alert as A;
        use Blame as B;
        use TlsError as E;
        [
            (E::Alert(A(40)), 0x01, None, B::Server),
            (E::NoTls13, 0x02, Some(A(70)), B::Server),
            (E::HelloRetryRequest, 0x03, Some(A(47)), B::Server),
            (E::NothingInCommon, 0x04, Some(A(40)), B::Server),
            (E::UnexpectedMessage, 0x05, Some(A(10)), B::Peer),
            (E::NoCertificate, 0x06, Some(A(10)), B::Peer),
            (E::NoProof, 0x07, Some(A(10)), B::Peer),
            (E::WrongFinished, 0x08, Some(A(51)), B::Peer),
            (E::BadRecord, 0x09, Some(A(10)), B::Peer),
            (E::BadSeal, 0x0a, Some(A(20)), B::Peer),
            (E::BadMessage, 0x0b, Some(A(50)), B::Peer),
            (E::IllegalParameter, 0x0c, Some(A(47)), B::Peer),
            (E::UnexpectedExtension, 0x0d, Some(A(110)), B::Peer),
            (E::RecordTooLarge, 0x0e, Some(A(22)), B::Configuration),
            (E::MessageTooLarge, 0x0f, Some(A(80)), B::Configuration),
            (E::Truncated, 0x10, None, B::Network),
            (E::Flood, 0x11, Some(A(10)), B::Peer),
            (E::KeysWornOut, 0x12, Some(A(80)), B::Peer),
            (E::NoEntropy, 0x13, Some(A(80)), B::Caller),
            (E::SendBuffer, 0x14, Some(A(80)), B::Caller),
            (E::Signer, 0x15, Some(A(80)), B::Caller),
            (E::NotOpen, 0x16, None, B::Caller),
            (E::Deadline, 0x17, Some(A(90)), B::Network),
            (E::Transport, 0x18, None, B::Network),
            (E::RecordOverflow, 0x19, Some(A(22)), B::Peer),
            (E::MissingExtension, 0x1a, Some(A(109)), B::Peer),
        ]
    };

    #[test]
    fn each_error_has_its_number_its_alert_and_its_culprit() {
        let mut sentences = BTreeSet::new();
        for (error, number, alert, blame) in ALL {
            assert_eq!(error.code(), Module::Tls.code(number), "{error:?}");
            assert_eq!(error.alert(), alert, "{error:?}");
            assert_eq!(error.blame(), blame, "{error:?}");
            assert!(sentences.insert(error.to_string()), "{error:?}");
        }
        assert_eq!(
            TlsError::Alert(Alert(40)).to_string(),
            "the server gave up with the alert handshake_failure (40)"
        );
        assert!(sentences.contains("the deadline has passed"));
    }

    /// RFC 8446, section 6.2: what the server is told about its certificate.
    #[test]
    fn a_refused_certificate_keeps_its_number_and_has_its_alert() {
        use VerifyError as V;
        for (refused, alert) in [
            (V::Expired(Role::Leaf), 45),
            (V::NotYetValid(Role::Root), 45),
            (V::UnknownIssuer, 48),
            (V::NotPinned, 48),
            (V::NoTrust, 48),
            (V::TooMuchTrust, 48),
            (V::RsaOnly, 43),
            (V::UnsupportedKey, 43),
            (V::UnsupportedSignature, 43),
            (V::WrongProof, 51),
            (V::WrongScheme, 47),
            (V::NoCertificate, 50),
            (V::WrongName, 46),
            (V::BroadWildcard, 46),
            (V::BadName, 46),
            (V::BadSignature, 42),
            (V::BadCertificate(Role::Issuer), 42),
        ] {
            let error = TlsError::from(refused);
            assert_eq!(error.alert(), Some(Alert(alert)), "{refused:?}");
            assert_eq!(error.code(), refused.code());
            assert_eq!(error.blame(), refused.blame());
            assert_eq!(error.to_string(), refused.to_string());
        }
    }
}
