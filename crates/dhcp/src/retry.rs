//! Says when to send a message again: RFC 2131 section 4.1, but from 1 s on.

use netboot_core::{Duration, Instant};
use rand_core::RngCore;

/// Delay before the first repetition.
const FIRST_DELAY: Duration = Duration::from_secs(1);

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
