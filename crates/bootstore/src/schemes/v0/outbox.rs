//! Messages that wait for the caller.
//!
//! A package is large, so the queue holds what a message will say, and the message itself is made when it
//! is taken out.

use super::peers::Slot;
use super::{COLLECTIONS_MAX, PEERS_MAX, RemoteError};
use crate::RequestId;
use crate::trust_quorum::Share;
use heapless::Vec;

/// Capacity: a load to all peers, and the answers and repetitions of a few calls.
const ENVELOPES_MAX: usize = PEERS_MAX + 4 * COLLECTIONS_MAX;

/// What a waiting message will say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Intent {
    Init(RequestId),
    GetShare(RequestId),
    Learn(RequestId),
    InitAck(RequestId),
    Share(RequestId),
    LearnPkg(RequestId, Share),
    Error(RequestId, RemoteError),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Outbox {
    waiting: Vec<(Slot, Intent), ENVELOPES_MAX, u8>,
    dropped: u32,
}

impl Outbox {
    /// Queues a message. A full queue drops it, which protocol and caller treat like a loss on the network.
    pub(super) fn push(&mut self, to: Slot, intent: Intent) {
        if self.waiting.push((to, intent)).is_err() {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    pub(super) fn pop(&mut self) -> Option<(Slot, Intent)> {
        (!self.waiting.is_empty()).then(|| self.waiting.remove(0))
    }

    pub(super) fn forget(&mut self, slot: Slot) {
        self.waiting.retain(|(to, _)| *to != slot);
    }

    pub(super) const fn dropped(&self) -> u32 {
        self.dropped
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
