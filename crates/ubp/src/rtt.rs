//! Says how long to wait for a block that may be lost.

use netboot_core::{Duration, RoundTrip};

/// The round-trip time and the time-out that follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rtt {
    measured: RoundTrip,
    /// Time-out without back-off.
    base: Duration,
    min: Duration,
    max: Duration,
    /// Number of times that the time-out was doubled.
    backoff: u8,
}

impl Rtt {
    /// Makes an estimator that begins with `initial` and stays within `min` (1 ms at the least) and `max`.
    pub fn new(initial: Duration, min: Duration, max: Duration) -> Self {
        // A time-out of zero would fire for ever at one instant.
        let min = min.max(Duration::from_millis(1));
        let max = max.max(min);
        Self {
            measured: RoundTrip::UNKNOWN,
            base: initial.max(min).min(max),
            min,
            max,
            backoff: 0,
        }
    }

    /// Takes a measured round trip. What was asked for twice gives no sample (Karn's rule).
    pub fn sample(&mut self, rtt: Duration) {
        self.measured.sample(rtt);
        // 1.25 times the round trip, and jitter: the time-out ends a burst that the server sends at once, so it need not wait as long as
        // one that doubts the server.
        let smoothed = self.measured.smoothed().unwrap_or(rtt);
        let wait = smoothed + smoothed / 4 + self.measured.margin();
        // Not `clamp`, which panics when the bounds are swapped and so links a panic.
        self.base = wait.max(self.min).min(self.max);
    }

    /// Doubles the time-out, when the server did not answer in time.
    pub fn back_off(&mut self) {
        self.backoff = self.backoff.saturating_add(1).min(16);
    }

    /// Ends the back-off, when something right has come.
    pub fn reset_back_off(&mut self) {
        self.backoff = 0;
    }

    /// The time-out that applies now.
    pub fn timeout(&self) -> Duration {
        (self.base * (1u32 << self.backoff.min(16))).min(self.max)
    }

    /// The smoothed round-trip time, once there is one.
    pub fn smoothed(&self) -> Option<Duration> {
        self.measured.smoothed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_first_sample_has_jitter_of_half_of_it() {
        let mut rtt = Rtt::new(MS(250), MS(2), MS(4000));
        assert_eq!((rtt.timeout(), rtt.smoothed()), (MS(250), None));
        rtt.sample(MS(8));
        assert_eq!((rtt.timeout(), rtt.smoothed()), (MS(10 + 16), Some(MS(8))));
        rtt.sample(MS(16));
        // 7 + 2; 3 + 2.
        assert_eq!(rtt.smoothed(), Some(MS(9)));
        assert_eq!(rtt.timeout(), Duration::from_micros(11_250 + 20_000));
    }

    #[test]
    fn it_settles_at_five_quarters() {
        let mut rtt = Rtt::new(MS(250), MS(2), MS(4000));
        for _ in 0..60 {
            rtt.sample(MS(80));
        }
        assert!(rtt.timeout() >= MS(99) && rtt.timeout() < MS(101));
    }

    #[test]
    fn it_doubles_up_to_its_end_and_returns() {
        let mut rtt = Rtt::new(MS(250), MS(2), MS(4000));
        let waits: Vec<_> = (0..6)
            .map(|_| {
                let wait = rtt.timeout();
                rtt.back_off();
                wait
            })
            .collect();
        assert_eq!(
            waits,
            [MS(250), MS(500), MS(1000), MS(2000), MS(4000), MS(4000)]
        );
        rtt.reset_back_off();
        assert_eq!(rtt.timeout(), MS(250));
    }

    proptest! {
        #[test]
        fn it_stays_within_bounds(samples in proptest::collection::vec(any::<u64>(), 0..50), backs in 0u32..300) {
            let mut rtt = Rtt::new(Duration::ZERO, Duration::ZERO, MS(900));
            for sample in samples {
                rtt.sample(Duration::from_micros(sample));
                prop_assert!(rtt.timeout() >= MS(1) && rtt.timeout() <= MS(900));
            }
            for _ in 0..backs {
                rtt.back_off();
                prop_assert!(rtt.timeout() >= MS(1) && rtt.timeout() <= MS(900));
            }
        }
    }
}
