//! Instants and durations in microseconds.
//!
//! `core::time::Duration` panics on overflow and carries nanoseconds that a ROM has no use for;
//! these saturate, take eight octets, and need no division to compare or add.

use crate::divide::quotient;
use core::fmt;
use core::ops::{Add, AddAssign, Div, Mul, Sub};

/// A point in time: microseconds since an arbitrary start, such as power-on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

/// A span of time in microseconds. Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Instant {
    /// The start of the clock.
    pub const ZERO: Instant = Instant(0);
    /// Later than any instant a clock will show.
    pub const FAR_FUTURE: Instant = Instant(u64::MAX);

    /// The instant `micros` µs after the start of the clock.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The instant `millis` ms after the start of the clock.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// µs since the start of the clock.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole ms since the start of the clock.
    pub const fn as_millis(self) -> u64 {
        quotient(self.0, 1_000)
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    #[inline(never)]
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// Longer than any boot.
    pub const MAX: Duration = Duration(u64::MAX);

    /// `micros` µs.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// `millis` ms.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// `secs` s.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// The span in µs.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The span in whole ms.
    pub const fn as_millis(self) -> u64 {
        quotient(self.0, 1_000)
    }

    /// A part of the span, `random` parts of 2^32: with every value of `random` as likely as any other, a span between none and this one. A span
    /// longer than 71 minutes (2^32 µs) is taken for one of 71 minutes.
    pub fn portion(self, random: u32) -> Duration {
        let span = u32::try_from(self.0).unwrap_or(u32::MAX);
        Duration((u64::from(span) * u64::from(random)) >> 32)
    }

    /// The span in whole s.
    pub const fn as_secs(self) -> u64 {
        quotient(self.0, 1_000_000)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    #[inline(never)]
    fn add(self, rhs: Duration) -> Instant {
        Instant(self.0.saturating_add(rhs.0))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, rhs: Duration) -> Instant {
        Instant(self.0.saturating_sub(rhs.0))
    }
}

impl Add for Duration {
    type Output = Duration;
    fn add(self, rhs: Duration) -> Duration {
        Duration(self.0.saturating_add(rhs.0))
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub for Duration {
    type Output = Duration;
    fn sub(self, rhs: Duration) -> Duration {
        Duration(self.0.saturating_sub(rhs.0))
    }
}

impl Mul<u32> for Duration {
    type Output = Duration;
    fn mul(self, rhs: u32) -> Duration {
        Duration(self.0.saturating_mul(u64::from(rhs)))
    }
}

impl Div<u32> for Duration {
    type Output = Duration;
    /// Division by zero gives [`Duration::MAX`].
    fn div(self, rhs: u32) -> Duration {
        Duration(self.0.checked_div(u64::from(rhs)).unwrap_or(u64::MAX))
    }
}

impl From<core::time::Duration> for Duration {
    fn from(value: core::time::Duration) -> Self {
        Duration::from_secs(value.as_secs())
            + Duration::from_micros(u64::from(value.subsec_micros()))
    }
}

impl fmt::Display for Instant {
    /// Seconds with milliseconds, as in a log line: `12.345`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Duration(self.0), f)
    }
}

impl fmt::Display for Duration {
    /// Seconds with milliseconds: `12.345`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.as_secs(), self.as_millis() % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(
            Instant::FAR_FUTURE + Duration::from_secs(1),
            Instant::FAR_FUTURE
        );
        assert_eq!(Instant::ZERO - Duration::from_secs(1), Instant::ZERO);
        assert_eq!(Instant::ZERO.since(Instant::from_millis(1)), Duration::ZERO);
        assert_eq!(Duration::MAX * 2, Duration::MAX);
        assert_eq!(Duration::from_secs(1) / 0, Duration::MAX);
    }

    #[test]
    fn display_shows_milliseconds() {
        assert_eq!(Instant::from_millis(12_045).to_string(), "12.045");
        assert_eq!(
            Duration::from(core::time::Duration::from_micros(1_500)).to_string(),
            "0.001"
        );
    }
}
