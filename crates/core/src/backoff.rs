//! Waits between tries.

use crate::time::Duration;

/// The waits between tries. They grow, and they are random: stations that failed at the same time, such as those of a rack whose server went away, do
/// not come back at the same time.
///
/// Each wait is drawn evenly between the first one and three times the one before it, up to a longest one. This is known as decorrelated jitter.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    last: Duration,
}

impl Backoff {
    /// Makes the waits that begin with `first` and are never longer than `longest`. Longer ones than 71 minutes (2^32 µs) are never drawn.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            last: first,
        }
    }

    /// Gives the next wait. `random` is a number of which every value is as likely as any other.
    #[inline(never)]
    pub fn next(&mut self, random: u32) -> Duration {
        let spread = self.last + self.last + self.last - self.first;
        let wait = self.first + spread.portion(random);
        self.last = wait.min(self.longest);
        self.last
    }

    /// Begins anew, after something went well.
    pub fn reset(&mut self) {
        self.last = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(10);

    #[test]
    fn the_first_wait_is_up_to_three_times_the_least_one() {
        assert_eq!(Backoff::new(FIRST, LONGEST).next(0), FIRST);
        let most = Backoff::new(FIRST, LONGEST).next(u32::MAX);
        assert!(most > Duration::from_millis(599) && most <= Duration::from_millis(600));
        let half = Backoff::new(FIRST, LONGEST).next(1 << 31);
        assert_eq!(half, Duration::from_millis(400));
    }

    #[test]
    fn waits_grow_to_the_longest_one_and_begin_anew() {
        let mut waits = Backoff::new(FIRST, LONGEST);
        let mut all = Vec::new();
        for _ in 0..6 {
            all.push(waits.next(u32::MAX).as_millis());
        }
        assert_eq!(all, [599, 1799, 5399, 10_000, 10_000, 10_000]);
        waits.reset();
        assert_eq!(waits.next(0), FIRST);
    }

    #[test]
    fn a_wait_of_nothing_stays_one() {
        let mut waits = Backoff::new(Duration::ZERO, LONGEST);
        assert_eq!(waits.next(u32::MAX), Duration::ZERO);
        assert_eq!(waits.next(u32::MAX), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn every_wait_is_in_its_range(randoms in prop::collection::vec(any::<u32>(), 1..40), first in 0..u64::MAX, longest in 0..u64::MAX) {
            let (first, longest) = (Duration::from_micros(first), Duration::from_micros(longest));
            let mut waits = Backoff::new(first, longest);
            for random in randoms {
                let wait = waits.next(random);
                prop_assert!(wait <= longest);
                prop_assert!(wait >= first.min(longest));
            }
        }
    }
}
