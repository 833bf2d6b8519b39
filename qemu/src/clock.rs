//! `time` as the clock.

use crate::board::TICKS_PER_MICRO;
use netboot_core::Instant;
use riscv::register::{time, timeh};

/// µs since the machine was switched on.
///
/// By the `time` counter of the processor, which shows `mtime` (Zicntr): under QEMU each look at the register in memory waits for
/// the lock that its devices work under, so that a ROM that looks again and again would keep the network from its frames.
#[inline(never)]
pub fn now() -> Instant {
    // Each read costs QEMU a hundred instructions: two, while the lower half is not about to roll over.
    loop {
        let (low, high) = (time::read() as u32, timeh::read() as u32);
        if low < 1 << 31 || time::read() as u32 >= low {
            return micros(high, low);
        }
    }
}

/// A quotient of 64 bits by long division with the processor's 32-bit one, 16 bits at a time: a tenth of what the
/// division of 64 bits costs, and this is asked for with every frame.
fn micros(high: u32, low: u32) -> Instant {
    let top = high / TICKS_PER_MICRO;
    let middle = ((high % TICKS_PER_MICRO) << 16) | (low >> 16);
    let last = ((middle % TICKS_PER_MICRO) << 16) | (low & 0xffff);
    let quotient = (u64::from(top) << 32)
        | u64::from(middle / TICKS_PER_MICRO) << 16
        | u64::from(last / TICKS_PER_MICRO);
    Instant::from_micros(quotient)
}

/// Instructions spent waiting, told from those spent on frames: this ROM polls, so how many they are is a matter of
/// the host's speed.
#[cfg(feature = "bench")]
pub mod waiting {
    use core::sync::atomic::{AtomicU32, Ordering};
    use riscv::register::minstret;

    /// From one idling to the next in fewer instructions, no frame with data was handled: a full one takes several times
    /// as many, an empty round some hundred.
    const EMPTY: u32 = 2_000;

    static LAST: AtomicU32 = AtomicU32::new(0);
    static WAITED: AtomicU32 = AtomicU32::new(0);

    /// The ROM has nothing to do.
    pub fn round() {
        let now = minstret::read() as u32;
        let spent = now.wrapping_sub(LAST.load(Ordering::Relaxed));
        LAST.store(now, Ordering::Relaxed);
        if spent < EMPTY {
            let waited = WAITED.load(Ordering::Relaxed);
            WAITED.store(waited.wrapping_add(spent), Ordering::Relaxed);
        }
    }

    /// Instructions so far, modulo 2^32.
    pub fn instructions() -> u32 {
        WAITED.load(Ordering::Relaxed)
    }
}
