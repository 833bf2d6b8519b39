//! What nodes say to each other. `crate::wire` has the octets.

use crate::trust_quorum::{LearnedSharePkg, Share, SharePkg};
use crate::{Baseboard, RackUuid, RequestId};
use core::fmt;

/// A request or a response.
///
/// A message with a package takes up to 20 KiB, so messages are passed by reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocator to box the packages with"
)]
pub enum Message {
    /// A request; its answer carries the same id.
    Request {
        /// Id that the sender chose.
        id: RequestId,
        /// What is asked for.
        request: Request,
    },
    /// The answer to a request.
    Response {
        /// Id of the request.
        request_id: RequestId,
        /// The answer.
        response: Response,
    },
}

/// What a node asks of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocator to box the packages with"
)]
pub enum Request {
    /// Asks the receiver to become an initial member with this package.
    Init(SharePkg),
    /// Asks for the receiver's own share.
    GetShare {
        /// Rack whose share is wanted.
        rack_uuid: RackUuid,
    },
    /// Asks for a share to keep, because the sender joins the rack.
    Learn,
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocator to box the packages with"
)]
pub enum Response {
    /// The receiver of `Init` has stored its package.
    InitAck,
    /// The share that `GetShare` asked for.
    Share(Share),
    /// The share that `Learn` asked for.
    LearnPkg(LearnedSharePkg),
    /// The request is refused.
    Error(RemoteError),
}

/// Why a node refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RemoteError {
    /// The node is a member of a rack already.
    AlreadyInitialized,
    /// The node has no share.
    NotInitialized,
    /// The node is waiting for its own share.
    StillLearning,
    /// The node has no extra share, or none left.
    CannotSpareAShare,
    /// The node belongs to another rack.
    RackUuidMismatch {
        /// Rack of the node that answers.
        expected: RackUuid,
        /// Rack that was asked for.
        got: RackUuid,
    },
}

impl core::error::Error for RemoteError {}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyInitialized => f.write_str("it is a member of a rack already"),
            Self::NotInitialized => f.write_str("it has no share"),
            Self::StillLearning => f.write_str("it is waiting for its own share"),
            Self::CannotSpareAShare => f.write_str("it has no share to spare"),
            Self::RackUuidMismatch { expected, got } => {
                write!(f, "it belongs to rack {expected} and was asked for {got}")
            }
        }
    }
}

/// A message and the board it goes to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// Connected board that gets the message.
    pub to: Baseboard,
    /// The message.
    pub message: Message,
}
