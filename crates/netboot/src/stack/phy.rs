//! smoltcp's clock, and its packets as the link has them.

use crate::link::Tx;
use netboot_core::{Instant, TxSlot};
use smoltcp::phy;

/// Gives smoltcp's clock for ours.
pub(crate) fn timestamp(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

/// Gives smoltcp's span for ours.
pub(crate) fn span(duration: netboot_core::Duration) -> smoltcp::time::Duration {
    smoltcp::time::Duration::from_micros(duration.as_micros())
}

/// Gives our clock for smoltcp's.
pub(super) fn instant(at: smoltcp::time::Instant) -> Instant {
    Instant::from_micros(u64::try_from(at.total_micros()).unwrap_or(0))
}

/// An IP packet that has arrived.
pub(super) struct Rx<'f>(pub &'f [u8]);

impl phy::RxToken for Rx<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl<T: TxSlot> phy::TxToken for Tx<'_, '_, T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.fill(len, f)
    }
}
