//! Why a file, or a block of it, is not accepted.

use core::fmt;
use netboot_core::{Blame, Coded, Module};

/// Why a file, or a block of it, is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerityError {
    /// The file does not begin like a packed file.
    NotPacked,
    /// The head of the packed file is of another version or kind than this crate knows.
    Unsupported,
    /// The head does not belong to the digest: it is another file, or its head was changed.
    WrongHead,
    /// The file is larger than the verifier has memory for, in octets.
    TooLarge {
        /// Size of the file.
        size: u64,
    },
    /// The block is not the one that the tree has the hash of.
    WrongBlock {
        /// Number of the block, in the order of the packed file.
        number: u32,
    },
    /// The block has not the length that it has to have, in octets.
    WrongLength {
        /// Number of the block.
        number: u32,
        /// Length that it has.
        found: u16,
    },
    /// The block cannot be verified yet: the node with its hash has not come.
    TooEarly {
        /// Number of the block.
        number: u32,
    },
    /// The block has come before.
    Repeated {
        /// Number of the block.
        number: u32,
    },
    /// The file has no block with this number.
    NoSuchBlock {
        /// The number.
        number: u32,
    },
    /// Octets follow the last block.
    TooLong,
}

impl fmt::Display for VerityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerityError::NotPacked => f.write_str("the file is not packed for verified streaming"),
            VerityError::Unsupported => {
                f.write_str("the packed file is of a version or kind that is not known")
            }
            VerityError::WrongHead => {
                f.write_str("the packed file is not the one with the expected verity digest")
            }
            VerityError::TooLarge { size } => {
                write!(
                    f,
                    "a file of {size} octets is larger than can be verified here"
                )
            }
            VerityError::WrongBlock { number } => {
                write!(f, "block {number} is not what it has to be")
            }
            VerityError::WrongLength { number, found } => {
                write!(f, "block {number} has a wrong length: {found} octets")
            }
            VerityError::TooEarly { number } => {
                write!(f, "block {number} came before the node with its hash")
            }
            VerityError::Repeated { number } => write!(f, "block {number} came before"),
            VerityError::NoSuchBlock { number } => write!(f, "the file has no block {number}"),
            VerityError::TooLong => f.write_str("octets follow the last block"),
        }
    }
}

impl core::error::Error for VerityError {}

impl Coded for VerityError {
    fn code(&self) -> u32 {
        Module::Verity.code(match self {
            VerityError::NotPacked => 1,
            VerityError::Unsupported => 2,
            VerityError::WrongHead => 3,
            VerityError::TooLarge { .. } => 4,
            VerityError::WrongBlock { .. } => 5,
            VerityError::WrongLength { .. } => 6,
            VerityError::TooEarly { .. } => 7,
            VerityError::Repeated { .. } => 8,
            VerityError::NoSuchBlock { .. } => 9,
            VerityError::TooLong => 10,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            VerityError::NotPacked | VerityError::Unsupported | VerityError::TooLarge { .. } => {
                Blame::Configuration
            }
            VerityError::WrongHead
            | VerityError::WrongBlock { .. }
            | VerityError::WrongLength { .. }
            | VerityError::TooLong => Blame::Server,
            VerityError::TooEarly { .. }
            | VerityError::Repeated { .. }
            | VerityError::NoSuchBlock { .. } => Blame::Caller,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_culprits_and_sentences() {
        use Blame::{Caller, Configuration, Server};
        use VerityError as E;
        let number = 7;
        for (at, (error, blame, sentence)) in (1..).zip([
            (
                E::NotPacked,
                Configuration,
                "the file is not packed for verified streaming",
            ),
            (
                E::Unsupported,
                Configuration,
                "the packed file is of a version or kind that is not known",
            ),
            (
                E::WrongHead,
                Server,
                "the packed file is not the one with the expected verity digest",
            ),
            (
                E::TooLarge { size: 9000 },
                Configuration,
                "a file of 9000 octets is larger than can be verified here",
            ),
            (
                E::WrongBlock { number },
                Server,
                "block 7 is not what it has to be",
            ),
            (
                E::WrongLength { number, found: 12 },
                Server,
                "block 7 has a wrong length: 12 octets",
            ),
            (
                E::TooEarly { number },
                Caller,
                "block 7 came before the node with its hash",
            ),
            (E::Repeated { number }, Caller, "block 7 came before"),
            (E::NoSuchBlock { number }, Caller, "the file has no block 7"),
            (E::TooLong, Server, "octets follow the last block"),
        ]) {
            assert_eq!(error.code(), Module::Verity.code(at), "{error:?}");
            assert_eq!(error.code() & 0xffff, u32::from(at), "{error:?}");
            assert_eq!(error.blame(), blame, "{error:?}");
            assert_eq!(error.to_string(), sentence);
        }
    }
}
