//! `mtime` as the clock, and the platform around it.

use crate::board::{MTIME, MTIME_PER_MICRO};
use crate::entropy::{Entropy, Source};
use netboot_core::{Instant, Platform};
use rand_core::CryptoRngCore;

/// µs since the machine was switched on.
pub fn now() -> Instant {
    let low = MTIME as *const u32;
    let high = (MTIME + 4) as *const u32;
    loop {
        // SAFETY: the two halves of a read-only counter.
        let (before, ticks, after) = unsafe {
            (
                core::ptr::read_volatile(high),
                core::ptr::read_volatile(low),
                core::ptr::read_volatile(high),
            )
        };
        // The lower half may have rolled over between the two reads.
        if before == after {
            let ticks = (u64::from(after) << 32) | u64::from(ticks);
            return Instant::from_micros(ticks / MTIME_PER_MICRO);
        }
    }
}

/// The board as the library sees it.
pub struct Board {
    entropy: Entropy,
}

impl Board {
    /// With this source of random numbers.
    pub fn new(entropy: Entropy) -> Self {
        Self { entropy }
    }
}

impl Platform for Board {
    type Rng = Entropy;

    fn now(&mut self) -> Instant {
        now()
    }

    /// Polls on: a frame may come at any moment, and this ROM takes no interrupts. A board with a
    /// watchdog feeds it here.
    fn idle(&mut self, _until: Instant) {}

    fn rng(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    /// Counters are no secret: without a seed from outside there is no TLS.
    fn secret_rng(&mut self) -> Option<&mut dyn CryptoRngCore> {
        match self.entropy.source() {
            Source::Host => Some(&mut self.entropy),
            Source::Weak => None,
        }
    }
}
