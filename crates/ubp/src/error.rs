//! Errors that end a transfer, with stable numbers.

use crate::wire::ErrorCode;
use core::fmt;
use netboot_core::{Blame, Coded, Console, Module};
use netboot_verity::VerityError;

/// Says why there is no transfer, or no longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UbpError {
    /// The file's name is empty or longer than [`NAME_MAX`](crate::wire::NAME_MAX), or it is to be the digest and there is none.
    Name,
    /// The window of the request is 0 or greater than [`WINDOW_MAX`](crate::client::WINDOW_MAX).
    Parameter,
    /// The client has failed or was ended before. It goes on only with a server that it is told.
    Closed,
    /// No server answered the request.
    NoAnswer,
    /// The server fell silent in the middle of the file.
    Stalled {
        /// Octets of the file that had been used.
        offset: u64,
    },
    /// The server had no time for longer than the client waits.
    Busy,
    /// The server has another file now than at the beginning of the transfer.
    Changed,
    /// More wrong blocks came in a row than the window has.
    WrongBlocks {
        /// Number of the block that was wrong last.
        number: u32,
    },
    /// The server sent an ERROR message.
    Server {
        /// Its code.
        code: ErrorCode,
    },
    /// The server's file is not the one with the digest, or it is too large.
    Verity(VerityError),
}

impl fmt::Display for UbpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UbpError::Name => f.write_str("the name of the file is empty or too long for UBP"),
            UbpError::Parameter => f.write_str("a parameter of the UBP request is out of range"),
            UbpError::Closed => f.write_str("the UBP transfer has already ended"),
            UbpError::NoAnswer => {
                f.write_str("the UBP server did not answer; check its address, port and firewalls")
            }
            UbpError::Stalled { offset } => {
                write!(f, "the UBP server fell silent after {offset} octets")
            }
            UbpError::Busy => f.write_str("the UBP server stayed busy"),
            UbpError::Changed => {
                f.write_str("the UBP server has another file than at the beginning")
            }
            UbpError::WrongBlocks { number } => {
                write!(
                    f,
                    "too many wrong blocks came by UBP, the last one was {number}"
                )
            }
            UbpError::Server { code } => write!(f, "the UBP server says: {}", code.as_str()),
            UbpError::Verity(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for UbpError {}

impl Coded for UbpError {
    fn facts(&self, out: &mut dyn Console) {
        if let UbpError::Verity(error) = self {
            error.facts(out);
        }
    }

    fn code(&self) -> u32 {
        Module::Ubp.code(match self {
            UbpError::Name => 1,
            UbpError::Parameter => 2,
            UbpError::Closed => 3,
            UbpError::NoAnswer => 4,
            UbpError::Stalled { .. } => 5,
            UbpError::Busy => 6,
            UbpError::Changed => 7,
            UbpError::WrongBlocks { .. } => 8,
            // The server's own code, so that a status register shows it: 33 to 36, 47 for others.
            UbpError::Server { code } => match code.0 {
                known @ 1..=4 => 32 + known,
                _ => 47,
            },
            UbpError::Verity(error) => return error.code(),
        })
    }

    fn blame(&self) -> Blame {
        match self {
            UbpError::Parameter | UbpError::Closed => Blame::Caller,
            UbpError::NoAnswer | UbpError::Stalled { .. } => Blame::Network,
            UbpError::Busy | UbpError::Changed => Blame::Server,
            UbpError::WrongBlocks { .. } => Blame::Peer,
            // As with HTTP's 403 and 404: the path is wrong, or the rules for access are.
            UbpError::Name
            | UbpError::Server {
                code: ErrorCode::NOT_FOUND | ErrorCode::REFUSED,
            } => Blame::Configuration,
            UbpError::Server { .. } => Blame::Server,
            UbpError::Verity(error) => error.blame(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_culprits_and_sentences() {
        use Blame::{Caller, Configuration, Network, Peer, Server};
        let server = |code| UbpError::Server {
            code: ErrorCode(code),
        };
        for (error, number, blame, sentence) in [
            (UbpError::Name, 1, Configuration, "is empty or too long"),
            (UbpError::Parameter, 2, Caller, "is out of range"),
            (UbpError::Closed, 3, Caller, "has already ended"),
            (UbpError::NoAnswer, 4, Network, "did not answer"),
            (
                UbpError::Stalled { offset: 7 },
                5,
                Network,
                "silent after 7 octets",
            ),
            (UbpError::Busy, 6, Server, "stayed busy"),
            (UbpError::Changed, 7, Server, "another file"),
            (
                UbpError::WrongBlocks { number: 9 },
                8,
                Peer,
                "the last one was 9",
            ),
            (server(1), 33, Configuration, "says: file not found"),
            (server(2), 34, Configuration, "says: access denied"),
            (server(3), 35, Server, "says: the file cannot be read"),
            (
                server(4),
                36,
                Server,
                "says: the file is not served any longer",
            ),
            (server(0), 47, Server, "says: unknown error code"),
            (server(5), 47, Server, "says: unknown error code"),
        ] {
            assert_eq!(error.code(), 0x0010_0000 + number, "{error:?}");
            assert_eq!(error.blame(), blame, "{error:?}");
            assert!(error.to_string().contains(sentence), "{error}");
        }
    }

    #[test]
    fn an_error_of_the_tree_keeps_its_number() {
        let inner = VerityError::WrongHead;
        let error = UbpError::Verity(inner);
        assert_eq!(error.code(), inner.code());
        assert_eq!(error.blame(), inner.blame());
        assert_eq!(error.to_string(), inner.to_string());
    }
}
