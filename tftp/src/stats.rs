//! Counts what happened in a transfer, and says what follows from it for the next one.

use netboot_core::Duration;

/// Counters of a transfer. Without the feature `stats` all are 0 but `windows` and `gaps`. Without the
/// feature `adaptive` these are 0 as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Number of windows that were received and acknowledged for the first time. The answer to the request is one.
    pub windows: u32,
    /// Number of blocks that had arrived already.
    pub duplicates: u32,
    /// Number of packets that were sent again after a time-out or a duplicate.
    pub retransmissions: u32,
    /// Number of times that a window lacked a block, or its end, which only a time-out shows.
    pub gaps: u32,
    /// Number of datagrams from a port or address that is no part of the transfer.
    pub stray_tid: u32,
    /// Number of datagrams from the server that made no sense, or that came while the caller held a payload.
    pub ignored: u32,
    /// Smoothed round-trip time. `None` before the first measurement.
    pub rtt: Option<Duration>,
}

/// Number of windows from which on a judgement is possible.
const ENOUGH: u32 = 8;
/// The window grows again while at most one window in this many loses something.
const RARELY: u32 = 16;

impl Stats {
    /// Tells the windowsize to ask for after a transfer in which the client asked for `asked` blocks and the server gave `agreed`.
    pub(crate) fn next_windowsize(&self, asked: u16, agreed: u16) -> u16 {
        let lost = self.gaps;
        // A window that lost something is acknowledged in part, which `windows` has not.
        let all = self.windows.wrapping_add(lost);
        if all >= ENOUGH && lost >= all / 2 {
            // Half of one is one.
            asked.min(agreed.wrapping_sub(agreed / 2))
        } else if all >= ENOUGH && lost <= all / RARELY {
            asked.max(asked.wrapping_shl(1))
        } else {
            asked
        }
    }
}

/// Adds one to a counter that only users of [`Stats`] read.
#[inline(always)]
pub(crate) fn count(counter: &mut u32) {
    if cfg!(feature = "stats") {
        *counter = counter.saturating_add(1);
    }
}

/// Adds one to a counter from which the next window is chosen.
#[inline(always)]
pub(crate) fn learn(counter: &mut u32) {
    if cfg!(feature = "adaptive") {
        // As many windows as would make it wrap take years.
        *counter = counter.wrapping_add(1);
    }
}
