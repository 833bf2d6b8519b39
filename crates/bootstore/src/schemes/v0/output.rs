//! What the state machine tells its caller.

use crate::trust_quorum::RackSecret;
use crate::{Baseboard, RackUuid, RequestId};

/// Something that happened inside the machine.
///
/// [`must_persist`](Self::must_persist) tells whether the state has changed. The caller stores it before it
/// acts on the output in any other way, and [`Fsm::drain_envelopes`](super::Fsm::drain_envelopes) waits
/// for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiOutput {
    /// This node coordinates the initialisation of a rack and has its own share. Store the state.
    RackInitStarted {
        /// The new rack.
        rack_uuid: RackUuid,
    },
    /// Every initial member has stored its package. Store the state.
    RackInitComplete {
        /// The new rack.
        rack_uuid: RackUuid,
    },
    /// Another node made this one an initial member. Store the state.
    PeerInitialized {
        /// The new rack.
        rack_uuid: RackUuid,
    },
    /// This node asks its peers for a share to keep. Store the state.
    LearningStarted,
    /// This node has learned its share. Store the state.
    LearningCompleted {
        /// Rack that the share belongs to.
        rack_uuid: RackUuid,
    },
    /// This node has set an extra share aside for a learner. Store the state.
    ShareDistributedToLearner {
        /// The board that gets the share.
        learner: Baseboard,
    },
    /// This node asks its peers for their shares; the secret comes in a later output, or an error from `tick`.
    RackSecretRequested {
        /// Id of the load.
        request_id: RequestId,
    },
    /// A load is done.
    RackSecret {
        /// Id of the load.
        request_id: RequestId,
        /// The secret of the rack.
        secret: RackSecret,
    },
}

impl ApiOutput {
    /// Whether the caller has to store the state before anything that depends on this output leaves the node.
    pub const fn must_persist(&self) -> bool {
        match self {
            Self::RackInitStarted { .. }
            | Self::RackInitComplete { .. }
            | Self::PeerInitialized { .. }
            | Self::LearningStarted
            | Self::LearningCompleted { .. }
            | Self::ShareDistributedToLearner { .. } => true,
            Self::RackSecretRequested { .. } | Self::RackSecret { .. } => false,
        }
    }
}
