//! What a node tells its caller.

use crate::Baseboard;
use crate::error::number;
use crate::schemes::v0::{ApiOutput, MsgError};
use crate::wire::WireError;
use core::fmt;
use netboot_core::{Blame, Coded};

/// Something that a frame has caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The handshake with a peer is done.
    PeerConnected(Baseboard),
    /// The trust quorum has an output.
    Trust(ApiOutput),
    /// The trust quorum did not act upon a message, for a reason to log.
    Refused(MsgError),
    /// A newer network configuration came, with this generation.
    NetworkConfig(u64),
}

/// Why a connection is refused or ended by this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeError {
    /// The connection is closed already.
    UnknownConnection,
    /// There is no room for another connection.
    TooManyConnections,
    /// The peer sent something at the wrong time.
    OutOfOrder,
    /// The peer's octets are wrong.
    Wire(WireError),
    /// The peer claims to be this node.
    OwnIdentity,
    /// The peer claims to be another board than its certificate says.
    FalseIdentity,
    /// The peer dialled although its address is lower, so this node is to dial it.
    WrongDirection,
    /// The peer has another address than the one that was dialled.
    WrongAddress,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownConnection => f.write_str("the connection is closed already"),
            Self::TooManyConnections => f.write_str("there is no room for another connection"),
            Self::OutOfOrder => f.write_str("the peer sent something at the wrong time"),
            Self::Wire(error) => error.fmt(f),
            Self::OwnIdentity => f.write_str("the peer claims to be this node"),
            Self::FalseIdentity => {
                f.write_str("the peer claims to be another board than its certificate says")
            }
            Self::WrongDirection => {
                f.write_str("the peer has the lower address and must wait for this node to dial")
            }
            Self::WrongAddress => f.write_str("the peer has another address than the dialled one"),
        }
    }
}

impl core::error::Error for NodeError {}

impl Coded for NodeError {
    fn code(&self) -> u32 {
        number(match self {
            Self::UnknownConnection => 0x91,
            Self::TooManyConnections => 0x92,
            Self::OutOfOrder => 0x93,
            Self::Wire(error) => return error.code(),
            Self::OwnIdentity => 0x94,
            Self::FalseIdentity => 0x95,
            Self::WrongDirection => 0x96,
            Self::WrongAddress => 0x97,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::UnknownConnection => Blame::Caller,
            Self::TooManyConnections => Blame::Network,
            Self::OutOfOrder | Self::FalseIdentity => Blame::Peer,
            Self::Wire(error) => error.blame(),
            Self::OwnIdentity | Self::WrongDirection | Self::WrongAddress => Blame::Configuration,
        }
    }
}

/// Why the caller has to close a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Nothing came for too long.
    Inactive,
    /// The handshake took too long.
    Handshake,
    /// Too many connections are in their handshake, and this is the oldest.
    Crowded,
    /// The same peer has connected again.
    Replaced,
    /// The peer broke a rule.
    Error(NodeError),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inactive => f.write_str("the peer was silent for too long"),
            Self::Handshake => f.write_str("the handshake took too long"),
            Self::Crowded => f.write_str("too many connections are in their handshake"),
            Self::Replaced => f.write_str("the peer has connected again"),
            Self::Error(error) => error.fmt(f),
        }
    }
}
