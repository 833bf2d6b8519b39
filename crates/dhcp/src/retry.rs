//! Says when to send a message again: RFC 2131 section 4.1, but from 1 s on.

use netboot_core::{Duration, Instant};
use rand_core::RngCore;

/// Delay before the first repetition.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// Pause after a refusal, so that a confused server is not flooded.
pub(crate) const REFUSED_DELAY: Duration = Duration::from_secs(1);
/// Time after which a client assumes that there is no conflict, when its caller does not answer the event that asks for a probe.
pub(crate) const PROBE_DEADLINE: Duration = Duration::from_secs(10);

/// Retransmission of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// Set when the message is due now.
    pub due: bool,
    /// Number of repetitions so far.
    pub count: u8,
    /// When the next repetition is due.
    pub at: Instant,
}

impl Retry {
    /// Makes a message that is due now. Until it is sent the longest delay counts, so that a caller that never sends does
    /// not wait for ever.
    pub fn new(now: Instant) -> Self {
        Self {
            due: true,
            count: 0,
            at: now + FIRST_DELAY * 2,
        }
    }

    pub fn again(&mut self, now: Instant) {
        self.due = true;
        self.count = self.count.saturating_add(1);
        self.at = now + self.delay() * 2;
    }

    /// The delay before the next repetition: 1, 2, 4, 8, 16, 16... s.
    fn delay(&self) -> Duration {
        FIRST_DELAY * (1 << self.count.min(4))
    }

    /// Notes that the message is sent. The next one follows after the delay with a jitter of a quarter.
    pub fn sent(&mut self, now: Instant, rng: &mut dyn RngCore) {
        self.due = false;
        self.at = now + jitter(self.delay(), rng);
    }
}

/// Gives `delay`, more or less by up to a quarter. It is meant for delays of minutes at most.
pub(crate) fn jitter(delay: Duration, rng: &mut dyn RngCore) -> Duration {
    let micros = delay.as_micros();
    let random = u64::from(rng.next_u32()).saturating_mul(micros / 2) >> 32;
    Duration::from_micros((micros - micros / 4).saturating_add(random))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_core::fuzz::Random;

    /// A caller that never sends does not wait for ever, and its repetitions grow apart too.
    #[test]
    fn an_unsent_message_counts_with_twice_its_delay() {
        let mut retry = Retry::new(Instant::ZERO);
        assert_eq!((retry.due, retry.count), (true, 0));
        let mut now = Instant::ZERO;
        for (count, secs) in (0..).zip([2, 4, 8, 16, 32, 32, 32]) {
            assert_eq!(retry.count, count);
            assert_eq!(retry.at.since(now), Duration::from_secs(secs));
            now = retry.at;
            retry.due = false;
            retry.again(now);
            assert!(retry.due);
        }
    }

    #[test]
    fn the_count_of_repetitions_stays_at_its_end() {
        let mut retry = Retry::new(Instant::ZERO);
        (0..300).for_each(|_| retry.again(Instant::ZERO));
        assert_eq!(retry.count, u8::MAX);
        assert_eq!(retry.at, Instant::ZERO + Duration::from_secs(32));
    }

    #[test]
    fn a_sent_message_waits_its_delay_give_or_take_a_quarter() {
        let mut random = Random(1);
        let mut retry = Retry::new(Instant::ZERO);
        for secs in [1, 2, 4, 8, 16, 16] {
            let delay = Duration::from_secs(secs);
            let mut waits = Vec::new();
            for _ in 0..200 {
                retry.due = true;
                retry.sent(Instant::ZERO, &mut random);
                assert!(!retry.due);
                waits.push(retry.at.since(Instant::ZERO));
            }
            let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*least >= delay * 3 / 4 && *most <= delay * 5 / 4);
            // Spread over all of it.
            assert!(*least < delay * 8 / 10 && *most > delay * 12 / 10);
            retry.again(Instant::ZERO);
        }
    }
}
