//! `mtime` as the clock, and the platform around it.

use crate::board::{MTIME, MTIME_PER_MICRO};
use crate::entropy::{Entropy, Source};
use netboot_core::{Instant, Platform};
use rand_core::CryptoRngCore;

/// µs since the machine was switched on.
#[inline(never)]
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
            return micros(after, ticks);
        }
    }
}

/// A quotient of 64 bits by long division with the processor's 32-bit one, 16 bits at a time: a tenth of what the
/// division of 64 bits costs, and this is asked for with every frame.
fn micros(high: u32, low: u32) -> Instant {
    let top = high / MTIME_PER_MICRO;
    let middle = ((high % MTIME_PER_MICRO) << 16) | (low >> 16);
    let last = ((middle % MTIME_PER_MICRO) << 16) | (low & 0xffff);
    let quotient = (u64::from(top) << 32)
        | u64::from(middle / MTIME_PER_MICRO) << 16
        | u64::from(last / MTIME_PER_MICRO);
    Instant::from_micros(quotient)
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
