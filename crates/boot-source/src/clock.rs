//! Time, for the two sides that wait.

use netboot_core::{Instant, Platform};

/// A clock, and a way to let time pass. Each [`Platform`] is one.
pub trait Clock {
    /// Tells the time; it never goes back.
    fn now(&mut self) -> Instant;

    /// Nothing can be done before `until` unless a message comes. Returning early is always right.
    fn idle(&mut self, until: Instant);
}

impl<P: Platform> Clock for P {
    fn now(&mut self) -> Instant {
        Platform::now(self)
    }

    fn idle(&mut self, until: Instant) {
        Platform::idle(self, until);
    }
}
