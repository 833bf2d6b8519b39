//! What can go wrong in the state machine.

use super::message::RemoteError;
use crate::Baseboard;
use crate::error::number;
use crate::trust_quorum::TrustQuorumError;
use core::fmt;
use netboot_core::{Blame, Coded};

/// Why a call of the machine's interface fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiError {
    /// The node is a member, or is becoming one.
    AlreadyInitialized,
    /// The node belongs to no rack.
    NotInitialized,
    /// The node is waiting for its share.
    StillLearning,
    /// The node is not among the members of the rack that it is to initialise.
    NotAMember,
    /// Not all members stored their packages in time. The rack has to be reset.
    RackInitTimeout {
        /// Members that have stored their package, this node among them.
        acked: u8,
        /// Members of the rack.
        members: u8,
    },
    /// Too few shares came in time.
    RackSecretTimeout {
        /// Shares that are there, the node's own among them.
        have: u8,
        /// Shares that are needed.
        need: u8,
    },
    /// Too many loads and learners are waiting for shares.
    TooManyRequests,
    /// The membership or a share is wrong.
    TrustQuorum(TrustQuorumError),
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyInitialized => {
                f.write_str("this node is a member of a rack already; reset it first")
            }
            Self::NotInitialized => f.write_str(
                "this node belongs to no rack; run init-rack on one node, or learn on this one",
            ),
            Self::StillLearning => {
                f.write_str("this node is still waiting for a share from a member")
            }
            Self::NotAMember => f.write_str("this node is not among the members of the new rack"),
            Self::RackInitTimeout { acked, members } => write!(
                f,
                "only {acked} of {members} members stored their package in time; reset all of them and try again"
            ),
            Self::RackSecretTimeout { have, need } => write!(
                f,
                "only {have} of the {need} shares that unlock the rack came in time; connect more members"
            ),
            Self::TooManyRequests => {
                f.write_str("too many requests for shares are running; try again later")
            }
            Self::TrustQuorum(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ApiError {}

impl Coded for ApiError {
    fn code(&self) -> u32 {
        match self {
            Self::AlreadyInitialized => number(0x21),
            Self::NotInitialized => number(0x22),
            Self::StillLearning => number(0x23),
            Self::NotAMember => number(0x24),
            Self::RackInitTimeout { .. } => number(0x25),
            Self::RackSecretTimeout { .. } => number(0x26),
            Self::TooManyRequests => number(0x27),
            Self::TrustQuorum(error) => error.code(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::AlreadyInitialized | Self::NotInitialized | Self::NotAMember => {
                Blame::Configuration
            }
            Self::StillLearning | Self::RackInitTimeout { .. } | Self::RackSecretTimeout { .. } => {
                Blame::Network
            }
            Self::TooManyRequests => Blame::Caller,
            Self::TrustQuorum(error) => error.blame(),
        }
    }
}

/// Why a message from a peer is not acted upon. The caller logs it; the machine's state is as before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MsgError {
    /// The sender is not connected.
    NotConnected,
    /// The response answers nothing that this node asked.
    UnexpectedResponse,
    /// The sender refused a request of this node.
    Remote(RemoteError),
    /// The share belongs to another member than the one that sent it.
    ShareOfAnother {
        /// The share's x.
        x: u8,
    },
    /// Too many loads and learners are waiting for shares.
    TooManyRequests,
    /// A share or a package is wrong.
    TrustQuorum(TrustQuorumError),
}

impl From<TrustQuorumError> for MsgError {
    fn from(error: TrustQuorumError) -> Self {
        Self::TrustQuorum(error)
    }
}

impl fmt::Display for MsgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("the sender is not connected"),
            Self::UnexpectedResponse => f.write_str("the response answers nothing that was asked"),
            Self::Remote(error) => write!(f, "the peer refused: {error}"),
            Self::ShareOfAnother { x } => {
                write!(f, "the peer sent share {x}, which is another member's")
            }
            Self::TooManyRequests => {
                f.write_str("too many requests for shares are running to serve another learner")
            }
            Self::TrustQuorum(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for MsgError {}

impl Coded for MsgError {
    fn code(&self) -> u32 {
        match self {
            Self::NotConnected => number(0x31),
            Self::UnexpectedResponse => number(0x32),
            Self::Remote(_) => number(0x33),
            Self::ShareOfAnother { .. } => number(0x34),
            Self::TooManyRequests => number(0x35),
            Self::TrustQuorum(error) => error.code(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::NotConnected => Blame::Caller,
            Self::UnexpectedResponse | Self::ShareOfAnother { .. } => Blame::Peer,
            Self::Remote(_) => Blame::Server,
            Self::TooManyRequests => Blame::Network,
            Self::TrustQuorum(error) => error.blame(),
        }
    }
}

/// A peer cannot be taken note of: [`PEERS_MAX`](super::PEERS_MAX) others are connected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TooManyPeers(
    /// The peer that found no place.
    pub Baseboard,
);

impl fmt::Display for TooManyPeers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cannot connect: {} peers are connected",
            self.0,
            super::PEERS_MAX
        )
    }
}

impl core::error::Error for TooManyPeers {}

impl Coded for TooManyPeers {
    fn code(&self) -> u32 {
        number(0x36)
    }

    fn blame(&self) -> Blame {
        Blame::Network
    }
}
