//! Collections of shares that are under way: for the node's own loads, and for learners.

use super::COLLECTIONS_MAX;
use super::peers::{Slot, SlotSet};
use crate::RequestId;
use crate::trust_quorum::{
    RackSecret, Share, SharePkgCommon, THRESHOLD_MAX, TrustQuorumError, shamir,
};
use heapless::Vec;
use netboot_core::Instant;

/// Whom the recovered secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    /// The caller of `load_rack_secret`.
    Load,
    /// A learner; the answer goes to its latest request.
    Learner { slot: Slot, answer_to: RequestId },
}

/// One collection. Each has its own deadline.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Collection {
    pub(super) id: RequestId,
    pub(super) purpose: Purpose,
    pub(super) deadline: Instant,
    pub(super) answered: SlotSet,
    shares: Vec<Share, THRESHOLD_MAX, u8>,
}

impl Collection {
    pub(super) fn new(id: RequestId, purpose: Purpose, deadline: Instant) -> Self {
        Self {
            id,
            purpose,
            deadline,
            answered: SlotSet::default(),
            shares: Vec::new(),
        }
    }

    /// Number of shares that are there, the node's own among them.
    pub(super) fn have(&self) -> u8 {
        self.shares.len().saturating_add(1) as u8
    }

    /// Adds a peer's share, whose digest is checked. A share that is there already does no harm and does
    /// not count.
    ///
    /// # Errors
    /// [`TrustQuorumError::DuplicateX`].
    pub(super) fn add(&mut self, share: &Share, own: &Share) -> Result<(), TrustQuorumError> {
        let x = share.x();
        if own.x() == x || self.shares.iter().any(|other| other.x() == x) {
            return Err(TrustQuorumError::DuplicateX { x });
        }
        // A full collection is complete and has been removed.
        let _ = self.shares.push(share.clone());
        Ok(())
    }

    /// The secret, once there are enough shares.
    pub(super) fn secret(
        &self,
        own: &SharePkgCommon,
    ) -> Option<Result<RackSecret, TrustQuorumError>> {
        (self.have() >= own.threshold).then(|| {
            shamir::combine(
                core::iter::once(&own.share).chain(&self.shares),
                usize::from(own.threshold),
            )
        })
    }
}

/// The collections that are under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Collections(Vec<Collection, COLLECTIONS_MAX, u8>);

impl Collections {
    pub(super) fn is_full(&self) -> bool {
        self.0.is_full()
    }

    pub(super) fn push(&mut self, collection: Collection) -> bool {
        self.0.push(collection).is_ok()
    }

    pub(super) fn find_mut(&mut self, id: RequestId) -> Option<&mut Collection> {
        self.0.iter_mut().find(|collection| collection.id == id)
    }

    pub(super) fn remove(&mut self, id: RequestId) -> Option<Collection> {
        let index = self.0.iter().position(|collection| collection.id == id)?;
        Some(self.0.remove(index))
    }

    /// Removes one collection whose time is up; any, whatever stands before it.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<Collection> {
        let expired = |collection: &Collection| collection.deadline <= now;
        let index = self.0.iter().position(expired)?;
        Some(self.0.remove(index))
    }

    pub(super) fn for_learner(&mut self, learner: Slot) -> Option<&mut Collection> {
        self.0.iter_mut().find(
            |collection| matches!(collection.purpose, Purpose::Learner { slot, .. } if slot == learner),
        )
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Collection> {
        self.0.iter()
    }

    /// Forgets that the peer in `slot` has answered: the slot has a new owner.
    pub(super) fn forget(&mut self, slot: Slot) {
        for collection in &mut self.0 {
            collection.answered.remove(slot);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.0.iter().map(|collection| collection.deadline).min()
    }
}
