//! The round-trip time of a server, smoothed.

use crate::time::Duration;

/// The smoothed round-trip time and its mean deviation (RFC 6298, section 2). How long a client waits for an answer follows from both, by a rule of
/// each protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoundTrip {
    /// Smoothed round-trip time in µs. `None` before the first sample.
    smoothed: Option<u32>,
    /// Mean deviation in µs.
    variation: u32,
}

impl RoundTrip {
    /// Nothing was measured yet.
    pub const UNKNOWN: Self = Self {
        smoothed: None,
        variation: 0,
    };

    /// Takes a measured round trip. More than 71 minutes count as 71 minutes. What was asked for twice gives no sample (Karn's rule).
    ///
    /// The old mean counts for 7/8 and the sample for 1/8; of the deviation it is 3/4 and 1/4 (section 2.3).
    pub fn sample(&mut self, rtt: Duration) {
        let rtt = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        self.smoothed = Some(match self.smoothed {
            None => {
                self.variation = rtt / 2;
                rtt
            }
            Some(smoothed) => {
                let deviation = smoothed.abs_diff(rtt);
                self.variation =
                    (self.variation - self.variation / 4).saturating_add(deviation / 4);
                (smoothed - smoothed / 8).saturating_add(rtt / 8)
            }
        });
    }

    /// The smoothed round-trip time, once there is one.
    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
            .map(|micros| Duration::from_micros(micros.into()))
    }

    /// Four times the mean deviation: what section 2.3 adds to the smoothed time for a time-out.
    pub fn margin(&self) -> Duration {
        Duration::from_micros(u64::from(self.variation).saturating_mul(4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn samples_are_weighed_as_the_rfc_has_it() {
        let mut rtt = RoundTrip::UNKNOWN;
        assert_eq!((rtt.smoothed(), rtt.margin()), (None, Duration::ZERO));
        rtt.sample(MS(800));
        assert_eq!((rtt.smoothed(), rtt.margin()), (Some(MS(800)), MS(4 * 400)));
        rtt.sample(MS(1600));
        // 700 + 200; 300 + 200.
        assert_eq!((rtt.smoothed(), rtt.margin()), (Some(MS(900)), MS(4 * 500)));
    }

    #[test]
    fn the_longest_round_trip_does_not_overflow() {
        let mut rtt = RoundTrip::default();
        for sample in [Duration::MAX, Duration::MAX, Duration::ZERO, Duration::MAX] {
            rtt.sample(sample);
            let most = Duration::from_micros(u32::MAX.into());
            assert!(rtt.smoothed() <= Some(most) && rtt.margin() <= most * 4);
        }
    }
}
