//! Says how long to wait for an answer: RFC 6298 with Karn's rule, with bounds that suit a boot on a LAN.

use netboot_core::{Duration, RoundTrip};

/// Least time-out after a first time-out without an answer.
const REPEATED_MIN: Duration = Duration::from_millis(250);

/// Smoothed round-trip time and the retransmission time-out that follows from it.
#[derive(Clone, Debug)]
pub struct RttEstimator {
    measured: RoundTrip,
    /// Time-out without back-off.
    base: Duration,
    min: Duration,
    max: Duration,
    /// Number of times that the time-out was doubled.
    backoff: u8,
}

impl RttEstimator {
    /// Makes an estimator that starts with `initial` and stays within `min` and `max`. After a first time-out without an answer the
    /// least time-out is 250 ms. So a first loss costs about a round trip (as in RFC 8985, section 7, for TCP), and the client asks a server that is
    /// merely slow once in vain, and not again and again.
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

    /// Takes a measured round trip, and ends the back-off. An exchange in which anything was
    /// sent twice gives no sample (Karn). With a round trip beyond the time-out those samples would all be wrong, and
    /// the back-off makes room for a right one.
    pub fn sample(&mut self, rtt: Duration) {
        self.measured.sample(rtt);
        let rto = self.measured.smoothed().unwrap_or(rtt) + self.measured.margin();
        // Not `clamp`, which panics when the bounds are swapped and so links a panic.
        self.base = rto.max(self.min).min(self.max);
        self.backoff = 0;
    }

    /// Doubles the time-out after a loss.
    pub fn back_off(&mut self) {
        self.backoff = self.backoff.saturating_add(1);
    }

    /// Ends the back-off: the peer answered in time, even if no sample can be taken.
    pub fn reset_back_off(&mut self) {
        self.backoff = 0;
    }

    /// The time-out that applies now.
    pub fn rto(&self) -> Duration {
        let Some(repeated) = self.backoff.checked_sub(1) else {
            return self.base;
        };
        // 2^16 times any base is beyond any sensible maximum.
        let factor = 1u32 << repeated.min(16);
        ((self.base * 2).max(REPEATED_MIN) * factor).min(self.max)
    }

    /// The time-out without back-off.
    pub fn base_rto(&self) -> Duration {
        self.base
    }

    /// The smoothed round-trip time, once there is one.
    pub fn rtt(&self) -> Option<Duration> {
        self.measured.smoothed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn converges_and_keeps_a_margin() {
        let mut rtt = RttEstimator::new(MS(1000), MS(10), MS(8000));
        assert_eq!(rtt.rto(), MS(1000));
        rtt.sample(MS(100));
        assert_eq!(rtt.rto(), MS(300), "first sample: RTT + 4 * RTT / 2");
        for _ in 0..100 {
            rtt.sample(MS(100));
        }
        assert!(rtt.rto() >= MS(99) && rtt.rto() < MS(110), "{}", rtt.rto());
        rtt.sample(MS(500));
        assert!(rtt.rto() > MS(500), "a jump widens the margin");
    }

    #[test]
    fn back_off_doubles_up_to_the_maximum() {
        let mut rtt = RttEstimator::new(MS(1000), MS(5), MS(5000));
        let waits: Vec<_> = (0..5)
            .map(|_| {
                let wait = rtt.rto();
                rtt.back_off();
                wait
            })
            .collect();
        assert_eq!(waits, [MS(1000), MS(2000), MS(4000), MS(5000), MS(5000)]);
        rtt.sample(MS(1000));
        assert_eq!(rtt.rto(), MS(3000));
    }

    #[test]
    fn an_answer_in_time_ends_the_back_off_without_a_sample() {
        let mut rtt = RttEstimator::new(MS(1000), MS(5), MS(8000));
        assert_eq!(rtt.rtt(), None);
        rtt.sample(MS(100));
        assert_eq!((rtt.rtt(), rtt.rto()), (Some(MS(100)), MS(300)));
        for _ in 0..3 {
            rtt.back_off();
        }
        assert_eq!((rtt.rto(), rtt.base_rto()), (MS(2400), MS(300)));
        rtt.reset_back_off();
        assert_eq!((rtt.rto(), rtt.base_rto()), (MS(300), MS(300)));
        // The next back-off begins anew.
        rtt.back_off();
        assert_eq!(rtt.rto(), MS(600));
        assert_eq!(rtt.rtt(), Some(MS(100)));
    }

    #[test]
    fn bounds_that_make_no_sense_are_mended() {
        let rtt = RttEstimator::new(MS(0), MS(0), MS(0));
        assert_eq!(rtt.rto(), MS(1), "never zero");
        let rtt = RttEstimator::new(MS(1000), MS(50), MS(20));
        assert_eq!(rtt.rto(), MS(50), "the least wins");
        let mut rtt = RttEstimator::new(MS(1), MS(50), MS(200));
        assert_eq!(rtt.rto(), MS(50));
        rtt.sample(MS(1000));
        assert_eq!(rtt.rto(), MS(200));
        // The longest round trip that there is does not overflow.
        rtt.sample(Duration::MAX);
        rtt.sample(Duration::MAX);
        assert_eq!(rtt.rto(), MS(200));
    }

    /// RFC 6298 section 2.3: 7/8 of the old and 1/8 of the new, 3/4 and 1/4 for the deviation.
    #[test]
    fn samples_are_weighed_as_the_rfc_has_it() {
        let mut rtt = RttEstimator::new(MS(1000), MS(1), MS(60_000));
        rtt.sample(MS(800));
        assert_eq!((rtt.rtt(), rtt.rto()), (Some(MS(800)), MS(800 + 4 * 400)));
        rtt.sample(MS(1600));
        // 700 + 200; 300 + 200.
        assert_eq!((rtt.rtt(), rtt.rto()), (Some(MS(900)), MS(900 + 4 * 500)));
    }

    #[test]
    fn a_near_server_is_asked_once_at_once() {
        let mut rtt = RttEstimator::new(MS(1000), MS(5), MS(8000));
        rtt.sample(MS(1));
        let waits: Vec<_> = (0..4)
            .map(|_| {
                let wait = rtt.rto();
                rtt.back_off();
                wait
            })
            .collect();
        assert_eq!(waits, [MS(5), MS(250), MS(500), MS(1000)]);
    }

    proptest! {
        #[test]
        fn stays_within_bounds(samples in proptest::collection::vec(any::<u64>(), 0..50), backs in 0u32..300) {
            let mut rtt = RttEstimator::new(MS(1000), MS(200), MS(8000));
            for sample in samples {
                rtt.sample(Duration::from_micros(sample));
                prop_assert!(rtt.rto() >= MS(200) && rtt.rto() <= MS(8000));
            }
            for _ in 0..backs {
                rtt.back_off();
                prop_assert!(rtt.rto() >= MS(200) && rtt.rto() <= MS(8000));
            }
        }
    }
}
