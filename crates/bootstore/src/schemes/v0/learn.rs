//! A learner's current request.

use super::peers::Slot;
use crate::RequestId;
use netboot_core::Instant;

/// One peer has been asked for a share to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    pub(super) peer: Slot,
    pub(super) id: RequestId,
    pub(super) deadline: Instant,
}
