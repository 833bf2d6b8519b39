//! Console, clock and random numbers.

use crate::board;
use core::fmt;
use netboot_core::{Instant, Platform};
use rand_core::{CryptoRng, CryptoRngCore, RngCore};

/// Looks at a status register before the ROM goes on without: a dead device must not stop a boot.
const PATIENCE: u32 = 100_000;

/// Waits until bit 0 of a status register is set.
fn ready(status: usize) -> bool {
    (0..PATIENCE).any(|_| board::read(status) & 1 != 0)
}

/// The console. The boot application writes its lines by `core::fmt::Write`; nothing here or there formats.
pub struct Uart;

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for octet in text.bytes() {
            if !ready(board::UART + 4) {
                return Err(fmt::Error);
            }
            board::write(board::UART, u32::from(octet));
        }
        Ok(())
    }
}

/// Time since power-on. The upper half is read again in case the lower one rolled over in between.
pub fn now() -> Instant {
    loop {
        let high = board::read(board::MTIME + 4);
        let low = board::read(board::MTIME);
        if board::read(board::MTIME + 4) == high {
            return Instant::from_micros(u64::from(high) << 32 | u64::from(low));
        }
    }
}

/// The true random number generator. Once it gave no number in time it counts as broken, for the rest of the boot: numbers are then
/// made of the clock and can be guessed, which is good enough to tell two boots apart and not for keys.
pub struct Trng {
    broken: bool,
}

impl Trng {
    fn word(&mut self) -> u32 {
        if !self.broken && ready(board::TRNG + 4) {
            return board::read(board::TRNG);
        }
        self.broken = true;
        (now().as_micros() as u32).wrapping_mul(0x9e37_79b1)
    }
}

impl RngCore for Trng {
    fn next_u32(&mut self) -> u32 {
        self.word()
    }

    fn next_u64(&mut self) -> u64 {
        u64::from(self.word()) << 32 | u64::from(self.word())
    }

    fn fill_bytes(&mut self, target: &mut [u8]) {
        for octets in target.chunks_mut(4) {
            let word = self.word().to_le_bytes();
            for (to, from) in octets.iter_mut().zip(word) {
                *to = from;
            }
        }
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(target);
        Ok(())
    }
}

impl CryptoRng for Trng {}

/// The board as the library sees it.
pub struct Board {
    trng: Trng,
}

impl Board {
    pub fn new() -> Self {
        let trng = Trng { broken: false };
        Self { trng }
    }
}

impl Platform for Board {
    type Rng = Trng;

    fn now(&mut self) -> Instant {
        now()
    }

    /// Looks again at once. The MAC could wake the processor by an interrupt; this ROM takes none.
    fn idle(&mut self, _until: Instant) {}

    /// Feeds the watchdog.
    fn alive(&mut self) {
        board::write(board::WATCHDOG, 1);
    }

    fn rng(&mut self) -> &mut Trng {
        &mut self.trng
    }

    /// For keys of TLS, in a ROM with HTTPS: only what the generator itself made.
    fn secret_rng(&mut self) -> Option<&mut dyn CryptoRngCore> {
        // A number that is read shows whether the generator works.
        let _ = self.trng.word();
        (!self.trng.broken).then_some(&mut self.trng as &mut dyn CryptoRngCore)
    }
}
