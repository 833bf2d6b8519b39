//! A coordinator's initialisation of a rack.

use crate::RequestId;
use crate::trust_quorum::Dealer;
use netboot_core::Instant;

/// An initialisation that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RackInit {
    /// Knows the packages; `None` after a restart, when members are asked for their shares instead.
    pub(super) dealer: Option<Dealer>,
    pub(super) id: RequestId,
    pub(super) deadline: Instant,
    /// Bit *i* is set once member *i* is known to have its package.
    acked: u32,
}

impl RackInit {
    pub(super) const fn new(dealer: Option<Dealer>, id: RequestId, deadline: Instant) -> Self {
        Self {
            dealer,
            id,
            deadline,
            acked: 0,
        }
    }

    pub(super) const fn ack(&mut self, member: usize) {
        // Members are at most 32.
        self.acked |= 1u32.wrapping_shl(member as u32);
    }

    pub(super) const fn has_acked(&self, member: usize) -> bool {
        self.acked & 1u32.wrapping_shl(member as u32) != 0
    }

    /// Number of members that have their package.
    pub(super) const fn acked(&self) -> u8 {
        self.acked.count_ones() as u8
    }
}
