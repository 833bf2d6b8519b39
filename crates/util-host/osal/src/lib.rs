#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

use core::fmt;

/// A clock that can wait.
pub trait Clock: Send + Sync {
    /// Milliseconds since an arbitrary start. The value never goes back.
    fn now_ms(&self) -> u64;

    /// Waits for about `ms` milliseconds.
    fn sleep_ms(&self, ms: u32);

    /// Gives way for a moment, between two looks at a device. The default does nothing.
    fn relax(&self) {
        core::hint::spin_loop();
    }
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now_ms(&self) -> u64 {
        (**self).now_ms()
    }

    fn sleep_ms(&self, ms: u32) {
        (**self).sleep_ms(ms);
    }

    fn relax(&self) {
        (**self).relax();
    }
}

/// A clock for programs that have none: time stands still, and waiting takes no time. Retries then follow each other at
/// once, and keep-alive never becomes due.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoClock;

impl Clock for NoClock {
    fn now_ms(&self) -> u64 {
        0
    }

    fn sleep_ms(&self, _ms: u32) {}
}

/// The operating system's monotonic clock.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct StdClock;

#[cfg(feature = "std")]
impl Clock for StdClock {
    fn now_ms(&self) -> u64 {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep_ms(&self, ms: u32) {
        std::thread::sleep(std::time::Duration::from_millis(u64::from(ms)));
    }

    fn relax(&self) {
        std::thread::yield_now();
    }
}

/// The clock that a build has by default: [`StdClock`] with the feature `std`, else [`NoClock`].
pub fn default_clock() -> &'static dyn Clock {
    #[cfg(feature = "std")]
    return &StdClock;
    #[cfg(not(feature = "std"))]
    return &NoClock;
}

/// A point in time at which a wait ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    at_ms: u64,
}

impl Deadline {
    /// `timeout_ms` from now.
    pub fn after(clock: &dyn Clock, timeout_ms: u32) -> Self {
        Self {
            at_ms: clock.now_ms().saturating_add(u64::from(timeout_ms)),
        }
    }

    /// Milliseconds left; 0 when it has passed.
    pub fn left_ms(self, clock: &dyn Clock) -> u64 {
        self.at_ms.saturating_sub(clock.now_ms())
    }

    /// Whether it has passed.
    pub fn has_passed(self, clock: &dyn Clock) -> bool {
        clock.now_ms() >= self.at_ms
    }
}

/// A failure of the operating system's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OsalError {
    /// Memory is exhausted.
    OutOfMemory,
    /// A thread that held the session panicked, so the session's state is unknown.
    Poisoned,
    /// The thread could not be started.
    Thread,
    /// The system does not have what is needed.
    NotSupported(&'static str),
}

impl OsalError {
    /// A stable number, unique among all errors of the host library.
    pub const fn code(&self) -> u32 {
        match self {
            Self::OutOfMemory => 0x2501,
            Self::Poisoned => 0x2502,
            Self::Thread => 0x2503,
            Self::NotSupported(_) => 0x2504,
        }
    }
}

impl fmt::Display for OsalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("the host has no memory left"),
            Self::Poisoned => {
                f.write_str("a thread of this program panicked while it used the session")
            }
            Self::Thread => f.write_str("the host cannot start a thread"),
            Self::NotSupported(what) => write!(f, "this host does not have {what}"),
        }
    }
}

impl core::error::Error for OsalError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_pass() {
        let now = Deadline::after(&NoClock, 0);
        assert!(now.has_passed(&NoClock));
        let later = Deadline::after(&NoClock, 10);
        assert_eq!(later.left_ms(&NoClock), 10);
        assert!(!later.has_passed(&NoClock));
    }

    #[cfg(feature = "std")]
    #[test]
    fn the_clock_goes_on() {
        let begun = StdClock.now_ms();
        StdClock.sleep_ms(5);
        assert!(StdClock.now_ms() >= begun + 4);
    }
}
