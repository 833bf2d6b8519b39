//! One step of a wait.

use netboot_core::Instant;

/// What a step of a wait came to.
pub enum Step<T> {
    /// The wait is over.
    Done(T),
    /// The wait goes on; the step wants to look again at this instant at the latest.
    Again(Instant),
}

impl<T> Step<T> {
    /// The wait goes on; only a frame, or one of the stack's own timers, can change anything.
    pub const WAIT: Self = Step::Again(Instant::FAR_FUTURE);
}

impl Step<()> {
    /// The wait is over at `until`.
    pub fn until(now: Instant, until: Instant) -> Self {
        match now >= until {
            true => Step::Done(()),
            false => Step::Again(until),
        }
    }
}
