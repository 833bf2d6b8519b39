//! What can go wrong with secrets and shares.

use crate::error::number;
use core::fmt;
use netboot_core::{Blame, Coded};

/// Why a secret, a share or a package is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrustQuorumError {
    /// A rack needs at least one member.
    NoMembers,
    /// The rack has more members than [`MEMBERS_MAX`](super::MEMBERS_MAX).
    TooManyMembers {
        /// Number of members asked for.
        members: usize,
    },
    /// The same board is named twice among the members.
    DuplicateMember,
    /// A share's x is zero, which would be the secret itself.
    ZeroX,
    /// A share's y is not the canonical encoding of a scalar.
    NonCanonical {
        /// The share's x.
        x: u8,
    },
    /// Two shares have the same x.
    DuplicateX {
        /// The x that came twice.
        x: u8,
    },
    /// There are fewer shares than the threshold.
    TooFewShares {
        /// Shares present.
        have: usize,
        /// Shares needed.
        need: usize,
    },
    /// A share's digest is not among those of the rack.
    UnknownShare {
        /// The share's x.
        x: u8,
    },
    /// A package's parts contradict each other.
    BadPackage(PackageFault),
    /// The extra shares do not decrypt under the rack secret.
    Decryption,
    /// The buffer is too small.
    Buffer {
        /// Octets needed.
        need: usize,
    },
}

/// Which rule a package breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PackageFault {
    /// The epoch is not 0, the only one of scheme V0.
    Epoch,
    /// The threshold does not follow from the number of members.
    Threshold,
    /// The members are not sorted, or one is named twice.
    Membership,
    /// The receiving board is not among the members.
    NotForThisBoard,
    /// The sender is not among the members.
    FromOutside,
    /// The share is not the one that this member gets.
    WrongShare,
    /// The extra shares have the wrong length.
    ExtraLength,
    /// The digests are not sorted, or one is there twice.
    Digests,
}

impl PackageFault {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Epoch => "its epoch is not 0",
            Self::Threshold => "its threshold does not follow from its members",
            Self::Membership => "its members are not a sorted set",
            Self::NotForThisBoard => "this board is not among its members",
            Self::FromOutside => "its sender is not among its members",
            Self::WrongShare => "its share belongs to another member",
            Self::ExtraLength => "its extra shares have the wrong length",
            Self::Digests => "its digests are not a sorted set",
        }
    }
}

impl fmt::Display for PackageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for PackageFault {}

impl fmt::Display for TrustQuorumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoMembers => f.write_str("the rack would have no member"),
            Self::TooManyMembers { members } => write!(
                f,
                "the rack would have {members} members and may have {}",
                super::MEMBERS_MAX
            ),
            Self::DuplicateMember => f.write_str("a board is named twice among the members"),
            Self::ZeroX => f.write_str("a share has x 0"),
            Self::NonCanonical { x } => write!(f, "share {x} is not a canonical scalar"),
            Self::DuplicateX { x } => write!(f, "share {x} came twice"),
            Self::TooFewShares { have, need } => {
                write!(f, "{have} shares are there and {need} are needed")
            }
            Self::UnknownShare { x } => write!(f, "share {x} is none of this rack's shares"),
            Self::BadPackage(fault) => write!(f, "the share package is wrong: {fault}"),
            Self::Decryption => {
                f.write_str("the extra shares do not decrypt under this rack's secret")
            }
            Self::Buffer { need } => write!(f, "the buffer is too small, {need} octets are needed"),
        }
    }
}

impl core::error::Error for TrustQuorumError {}

impl Coded for TrustQuorumError {
    fn code(&self) -> u32 {
        number(match self {
            Self::NoMembers => 0x01,
            Self::TooManyMembers { .. } => 0x02,
            Self::DuplicateMember => 0x03,
            Self::ZeroX => 0x04,
            Self::NonCanonical { .. } => 0x05,
            Self::DuplicateX { .. } => 0x06,
            Self::TooFewShares { .. } => 0x07,
            Self::UnknownShare { .. } => 0x08,
            Self::BadPackage(_) => 0x09,
            Self::Decryption => 0x0a,
            Self::Buffer { .. } => 0x0b,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::NoMembers | Self::TooManyMembers { .. } | Self::DuplicateMember => {
                Blame::Configuration
            }
            Self::TooFewShares { .. } => Blame::Network,
            Self::Buffer { .. } => Blame::Caller,
            _ => Blame::Peer,
        }
    }
}
