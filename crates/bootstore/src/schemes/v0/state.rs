//! The state of a node: what it stores.

use super::LEARNERS_MAX;
use crate::trust_quorum::{LearnedSharePkg, SharePkg, SharePkgCommon};
use crate::{Baseboard, RackUuid};
use core::fmt;
use heapless::Vec;

/// State of a node, and all that it stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocator to box the packages with"
)]
pub enum State {
    /// The node belongs to no rack.
    #[default]
    Uninitialized,
    /// The node was there when the rack was initialised.
    InitialMember(InitialMember),
    /// The node waits for a share.
    Learning,
    /// The node got its share later.
    Learned(LearnedSharePkg),
}

impl State {
    /// One word for a log or a status.
    pub const fn name(&self) -> StateName {
        match self {
            Self::Uninitialized => StateName::Uninitialized,
            Self::InitialMember(_) => StateName::InitialMember,
            Self::Learning => StateName::Learning,
            Self::Learned(_) => StateName::Learned,
        }
    }

    /// The share and what goes with it, if the node has one.
    pub const fn common(&self) -> Option<&SharePkgCommon> {
        match self {
            Self::InitialMember(member) => Some(&member.pkg.common),
            Self::Learned(pkg) => Some(&pkg.common),
            Self::Uninitialized | Self::Learning => None,
        }
    }

    /// The rack that the node belongs to.
    pub fn rack_uuid(&self) -> Option<RackUuid> {
        self.common().map(|common| common.rack_uuid)
    }
}

/// Which state a node is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateName {
    /// [`State::Uninitialized`]
    Uninitialized,
    /// [`State::InitialMember`]
    InitialMember,
    /// [`State::Learning`]
    Learning,
    /// [`State::Learned`]
    Learned,
}

impl StateName {
    /// The name in lower case, with hyphens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uninitialized => "uninitialized",
            Self::InitialMember => "initial-member",
            Self::Learning => "learning",
            Self::Learned => "learned",
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An initial member's package, and to whom it gave extra shares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InitialMember {
    /// The member's package.
    pub pkg: SharePkg,
    /// Learners, each with the index of the extra share that is set aside for it.
    pub distributed_shares: Vec<(Baseboard, u8), LEARNERS_MAX, u8>,
    /// Set on the coordinator until every member has stored its package.
    ///
    /// A coordinator that restarts meanwhile has forgotten the packages. It asks every member for its
    /// share instead, and knows by the shares that all are there.
    pub init_pending: bool,
}

impl InitialMember {
    /// A member that has given no share away.
    pub const fn new(pkg: SharePkg, init_pending: bool) -> Self {
        Self {
            pkg,
            distributed_shares: Vec::new(),
            init_pending,
        }
    }

    /// The index that `learner` gets: the same as last time, else the next unused one.
    ///
    /// Returns `None` when no share is left, or too many learners are known.
    pub(crate) fn index_for(&self, learner: &Baseboard) -> Option<u8> {
        if let Some((_, index)) = self
            .distributed_shares
            .iter()
            .find(|(known, _)| known == learner)
        {
            return Some(*index);
        }
        let next = self.distributed_shares.len();
        if next >= self.pkg.extra_shares() || next >= LEARNERS_MAX {
            return None;
        }
        u8::try_from(next).ok()
    }

    /// Notes that `learner` gets the share at `index`; whether that is new.
    pub(crate) fn set_aside(&mut self, learner: &Baseboard, index: u8) -> bool {
        let known = self
            .distributed_shares
            .iter()
            .any(|(other, _)| other == learner);
        !known
            && self
                .distributed_shares
                .push((learner.clone(), index))
                .is_ok()
    }
}
