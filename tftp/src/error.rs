//! Errors that end a transfer, with stable numbers.

use crate::options::OptionError;
use crate::packet::ErrorCode;
use core::fmt;
use core::net::IpAddr;
pub use netboot_core::message::{MESSAGE_MAX, ServerMessage};
use netboot_core::{Blame, Coded, Console, Module};

/// Says why there is no transfer, or no longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TftpError {
    /// The file name is empty, has a NUL in it, or is longer than
    /// [`FILENAME_MAX`](crate::client::FILENAME_MAX).
    Filename,
    /// The request has a `blksize` outside of 8 to 65464, a `windowsize` of 0 or a `timeout` of 0.
    Parameter,
    /// The client has failed or was aborted before. The caller has to make a new one.
    Closed,
    /// The request has no answer.
    NoAnswer,
    /// The request has no answer from the server that was asked, and something came from another address.
    OtherAddress {
        /// The other address.
        address: IpAddr,
    },
    /// The server fell silent in the middle of the file.
    Stalled {
        /// Number of octets that had arrived.
        offset: u64,
    },
    /// The server sent an ERROR packet.
    Server {
        /// Code of the packet.
        code: ErrorCode,
        /// Message of the packet: printable ASCII only, cut at 64 octets.
        message: ServerMessage,
    },
    /// The server's OACK breaks the rules of negotiation.
    Options(OptionError),
    /// A block is longer than the agreed `blksize`.
    Oversized {
        /// Length of the block's payload in octets.
        len: usize,
        /// The agreed `blksize`.
        blksize: u16,
    },
    /// The file is not as long as `tsize` said.
    SizeMismatch {
        /// The size in octets that `tsize` said.
        expected: u64,
        /// Number of octets that were received when the error was clear.
        received: u64,
    },
}

impl TftpError {
    /// The function is cold, because the message is large and must not be built in the caller's frame.
    #[inline(never)]
    pub(crate) fn server(code: ErrorCode, message: &[u8]) -> Self {
        TftpError::Server {
            code,
            message: ServerMessage::new(message),
        }
    }
}

impl fmt::Display for TftpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TftpError::Filename => {
                f.write_str("the TFTP file name is empty, too long or has a NUL")
            }
            TftpError::Parameter => f.write_str("a TFTP request parameter is out of range"),
            TftpError::Closed => f.write_str("the TFTP transfer has already ended"),
            TftpError::OtherAddress { address } => {
                f.write_str("TFTP server did not answer from the address that was asked; ")?;
                let out: &mut dyn Console = f;
                out.ip(*address);
                f.write_str(" did")
            }
            TftpError::NoAnswer => f.write_str(
                "the TFTP server did not answer; check its address, port 69 and firewalls",
            ),
            TftpError::Stalled { offset } => {
                write!(f, "the TFTP server fell silent after {offset} octets")
            }
            TftpError::Server { code, message } => {
                write!(f, "the TFTP server says: {} ({message})", code.as_str())
            }
            TftpError::Options(error) => f.write_str(match error {
                OptionError::Malformed => "the TFTP server sent a malformed OACK",
                OptionError::NotRequested => "the TFTP server's OACK has an option not asked for",
                OptionError::Duplicate => "the TFTP server's OACK has an option twice",
                OptionError::Blksize => "the TFTP server's OACK has a wrong blksize",
                OptionError::Windowsize => "the TFTP server's OACK has a wrong windowsize",
                OptionError::Timeout => "the TFTP server's OACK has a wrong timeout",
                OptionError::Tsize => "the TFTP server's OACK has a wrong tsize",
            }),
            TftpError::Oversized { len, blksize } => {
                let blksize = u32::from(*blksize);
                write!(f, "a TFTP block has {len} octets, {blksize} were agreed")
            }
            TftpError::SizeMismatch { expected, received } => write!(
                f,
                "the TFTP server announced {expected} octets but sent {received}"
            ),
        }
    }
}

impl core::error::Error for TftpError {}

impl Coded for TftpError {
    fn facts(&self, out: &mut dyn Console) {
        if let TftpError::OtherAddress { address } = self {
            out.key("address");
            out.ip(*address);
        }
    }

    fn code(&self) -> u32 {
        Module::Tftp.code(match self {
            TftpError::Filename => 1,
            TftpError::Parameter => 2,
            TftpError::Closed => 3,
            TftpError::NoAnswer => 4,
            TftpError::Stalled { .. } => 5,
            TftpError::Oversized { .. } => 6,
            TftpError::SizeMismatch { .. } => 7,
            TftpError::OtherAddress { .. } => 8,
            TftpError::Options(error) => match error {
                OptionError::Malformed => 16,
                OptionError::NotRequested => 17,
                OptionError::Duplicate => 18,
                OptionError::Blksize => 19,
                OptionError::Windowsize => 20,
                OptionError::Timeout => 21,
                OptionError::Tsize => 22,
            },
            // The server's own code, so that a status register shows it: 32 to 40, 47 for others.
            TftpError::Server { code, .. } => match code.0 {
                known @ 0..=8 => 32 + known,
                _ => 47,
            },
        })
    }

    fn blame(&self) -> Blame {
        match self {
            TftpError::Filename => Blame::Configuration,
            TftpError::Parameter | TftpError::Closed => Blame::Caller,
            TftpError::NoAnswer | TftpError::Stalled { .. } => Blame::Network,
            TftpError::OtherAddress { .. } => Blame::Server,
            // As with HTTP's 403 and 404: the path is wrong, or the rules for access are.
            TftpError::Server {
                code: ErrorCode(1 | 2),
                ..
            } => Blame::Configuration,
            TftpError::Server { .. } | TftpError::SizeMismatch { .. } => Blame::Server,
            TftpError::Options(_) | TftpError::Oversized { .. } => Blame::Peer,
        }
    }
}

/// One value of every error, for tests that compare numbers.
#[cfg(test)]
pub(crate) fn samples() -> Vec<TftpError> {
    use OptionError as O;
    let mut all = vec![
        TftpError::Filename,
        TftpError::Parameter,
        TftpError::Closed,
        TftpError::NoAnswer,
        TftpError::OtherAddress {
            address: IpAddr::from([10, 0, 0, 2]),
        },
        TftpError::Stalled { offset: 1 },
        TftpError::Oversized {
            len: 600,
            blksize: 512,
        },
        TftpError::SizeMismatch {
            expected: 1,
            received: 2,
        },
    ];
    all.extend(
        [
            O::Malformed,
            O::NotRequested,
            O::Duplicate,
            O::Blksize,
            O::Windowsize,
            O::Timeout,
            O::Tsize,
        ]
        .map(TftpError::Options),
    );
    all.extend((0..10).map(|code| TftpError::server(ErrorCode(code), b"text")));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_are_unique_and_sentences_differ() {
        let all = samples();
        let numbers: BTreeSet<_> = all.iter().map(Coded::code).collect();
        assert_eq!(numbers.len(), all.len());
        assert!(numbers.iter().all(|number| number >> 16 == 2));
        let sentences: BTreeSet<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(sentences.len(), all.len());
    }

    #[test]
    fn a_servers_message_is_made_printable_and_cut() {
        let error = TftpError::server(ErrorCode::UNDEFINED, b"\x1b[31mred\r\n\xff");
        assert!(
            matches!(&error, TftpError::Server { message, .. } if message.as_str() == "[31mred")
        );
        let error = TftpError::server(ErrorCode::UNDEFINED, &[b'x'; 500]);
        assert!(
            matches!(&error, TftpError::Server { message, .. } if message.as_str().len() == MESSAGE_MAX)
        );
    }
}
