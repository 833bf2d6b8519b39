//! What can be wrong with octets from the network.

use crate::error::number;
use crate::trust_quorum::TrustQuorumError;
use core::fmt;
use netboot_core::{Blame, Coded};

/// Why octets are refused. Offsets count octets of the frame's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireError {
    /// The octets are no CBOR of the expected type, or end too early.
    Malformed {
        /// Where reading stopped.
        at: usize,
    },
    /// A map has an unknown key, a key twice, or too few.
    Fields {
        /// Where reading stopped.
        at: usize,
    },
    /// An enumeration has an unknown variant.
    Variant {
        /// Where reading stopped.
        at: usize,
    },
    /// A text, a list or a number is outside its bounds.
    Bounds {
        /// Where reading stopped.
        at: usize,
    },
    /// Octets follow the item.
    Trailing {
        /// Number of octets too many.
        octets: usize,
    },
    /// A share or the digests are impossible.
    TrustQuorum(TrustQuorumError),
    /// A frame is empty, or longer than allowed here.
    FrameLength {
        /// Length that the frame announces, in octets.
        length: u32,
        /// Greatest length that is allowed here.
        limit: u32,
    },
    /// The peer speaks another scheme or another version of it.
    Scheme {
        /// The peer's scheme.
        scheme: u32,
        /// The peer's version of it.
        version: u32,
    },
    /// The buffer is too small for what is written.
    Buffer,
}

impl From<TrustQuorumError> for WireError {
    fn from(error: TrustQuorumError) -> Self {
        Self::TrustQuorum(error)
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { at } => write!(
                f,
                "the item is not the expected CBOR at octet {at}, or ends there"
            ),
            Self::Fields { at } => write!(
                f,
                "a map has wrong keys: unknown, twice or missing, before octet {at}"
            ),
            Self::Variant { at } => write!(f, "an unknown variant stands before octet {at}"),
            Self::Bounds { at } => write!(f, "a value before octet {at} is outside its bounds"),
            Self::Trailing { octets } => write!(f, "{octets} octets follow the item"),
            Self::TrustQuorum(error) => error.fmt(f),
            Self::FrameLength { length, limit } => {
                write!(
                    f,
                    "a frame of {length} octets came, 1 to {limit} are allowed"
                )
            }
            Self::Scheme { scheme, version } => {
                write!(f, "the peer speaks version {version} of scheme {scheme}")
            }
            Self::Buffer => f.write_str("the buffer is too small for the item"),
        }
    }
}

impl core::error::Error for WireError {}

impl Coded for WireError {
    fn code(&self) -> u32 {
        number(match self {
            Self::Malformed { .. } => 0x41,
            Self::Fields { .. } => 0x42,
            Self::Variant { .. } => 0x43,
            Self::Bounds { .. } => 0x44,
            Self::Trailing { .. } => 0x45,
            Self::TrustQuorum(error) => return error.code(),
            Self::FrameLength { .. } => 0x46,
            Self::Scheme { .. } => 0x47,
            Self::Buffer => 0x48,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Buffer => Blame::Caller,
            Self::Scheme { .. } => Blame::Configuration,
            _ => Blame::Peer,
        }
    }
}
