//! A budget of octets in a second.

use netboot_core::{Duration, Instant};

/// Least time in ms that a client is told to wait.
const LEAST: u64 = 10;

/// A token bucket. What is taken may leave it in debt by one GET; it then has to fill up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Octets in a second, 1 at the least.
    rate: u64,
    /// Octets that it holds at the most.
    size: i64,
    /// Octets that are in it; below zero a debt.
    level: i64,
    /// When it was filled last.
    at: Instant,
}

impl Bucket {
    /// A full bucket of `size` octets, which fills with `rate` octets in a second.
    pub fn new(rate: u32, size: u32, now: Instant) -> Self {
        Self {
            rate: u64::from(rate.max(1)),
            size: size.into(),
            level: size.into(),
            at: now,
        }
    }

    /// The time in ms to wait until something may be taken; `None` when it may be taken now.
    pub fn wait(&mut self, now: Instant) -> Option<u32> {
        let micros = now.since(self.at).as_micros();
        let filled = micros.saturating_mul(self.rate) / 1_000_000;
        // The time of whole octets is used up, so that nothing is lost between frequent calls.
        let used = filled.saturating_mul(1_000_000) / self.rate;
        self.at += Duration::from_micros(used.min(micros));
        let filled = i64::try_from(filled).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(filled).min(self.size);
        if self.level > 0 {
            return None;
        }
        let debt = self.level.unsigned_abs().saturating_add(1);
        let millis = debt.saturating_mul(1_000) / self.rate;
        u32::try_from(millis.max(LEAST)).ok().or(Some(u32::MAX))
    }

    /// Takes octets out.
    pub fn take(&mut self, octets: u32) {
        self.level = self.level.saturating_sub(octets.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn it_gives_its_rate_and_no_more() {
        let mut bucket = Bucket::new(1_000_000, 50_000, at(0));
        let mut given = 0u64;
        for millis in 0..10_000 {
            while bucket.wait(at(millis)).is_none() {
                bucket.take(30_000);
                given += 30_000;
            }
        }
        assert!((10_000_000..10_090_000).contains(&given), "{given}");
    }

    #[test]
    fn the_wait_it_tells_is_long_enough() {
        let mut bucket = Bucket::new(100_000, 10_000, at(5));
        assert_eq!(bucket.wait(at(5)), None);
        bucket.take(60_000);
        let wait = bucket.wait(at(5)).unwrap();
        assert_eq!(wait, 500);
        assert!(bucket.wait(at(5 + 499)).is_some());
        assert_eq!(bucket.wait(at(5 + u64::from(wait) + 1)), None);
    }

    #[test]
    fn it_never_holds_more_than_its_size() {
        let mut bucket = Bucket::new(1, 100, at(0));
        assert_eq!(bucket.wait(Instant::FAR_FUTURE), None);
        bucket.take(100);
        assert!(bucket.wait(Instant::FAR_FUTURE).is_some());
        let mut none = Bucket::new(0, 0, at(0));
        assert_eq!(none.wait(at(0)), Some(1000));
        assert_eq!(none.wait(at(1000)), Some(1000));
    }
}
