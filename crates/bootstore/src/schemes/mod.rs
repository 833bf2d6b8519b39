//! Versions of the trust quorum protocol.
//!
//! A scheme is announced in the first octets of each connection, and a node speaks exactly one. Each scheme
//! is a value without fields that prints what it promises, so that a log or a status shows it.
//!
//! - [`v0`]: unauthenticated channels; protects against offline theft only.
//! - [`V1Scheme`]: the protocol of V0 on channels with mutual authentication.

pub mod v0;

use core::fmt;
pub use v0::V0Scheme;

/// The scheme that a node speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// [`V0Scheme`]
    V0,
    /// [`V1Scheme`]
    V1,
}

impl Scheme {
    /// Number of the scheme on the wire.
    pub const fn number(self) -> u32 {
        match self {
            Self::V0 => V0Scheme::NUMBER,
            Self::V1 => V1Scheme::NUMBER,
        }
    }

    /// The scheme with this number.
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            V0Scheme::NUMBER => Some(Self::V0),
            V1Scheme::NUMBER => Some(Self::V1),
            _ => None,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V0 => V0Scheme.fmt(f),
            Self::V1 => V1Scheme.fmt(f),
        }
    }
}

/// Scheme 1: the protocol of scheme 0 inside TLS 1.3, where both ends prove their identity.
///
/// The state machine is that of [`v0`]. What differs is the channel: a node refuses a peer whose
/// certificate does not lead to a configured anchor, whose certificate names another board than the peer
/// claims to be, or that is not on the list of allowed boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct V1Scheme;

impl V1Scheme {
    /// Number of the scheme on the wire.
    pub const NUMBER: u32 = 1;
}

impl fmt::Display for V1Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "scheme 1: the protocol of scheme 0 inside TLS 1.3 with mutual authentication; protects against \
             theft of fewer boards than the threshold and against strangers on the network, not against an \
             allowed board that has been taken over",
        )
    }
}
