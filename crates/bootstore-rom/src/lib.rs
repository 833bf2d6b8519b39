//! What the programs share: octets that the compiler cannot know, and a random source for them.
#![no_std]

use core::hint::black_box;
use rand_core::{CryptoRng, Error, RngCore};

/// A program whose size is measured, around a function that uses a part of the library.
#[macro_export]
macro_rules! program {
    ($run:path) => {
        #[cfg(target_arch = "riscv32")]
        // SAFETY: the linker's name of a program's start; nothing else has it.
        #[unsafe(no_mangle)]
        extern "C" fn _start() -> ! {
            $run();
            loop {}
        }

        #[cfg(target_arch = "riscv32")]
        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
            loop {}
        }

        #[cfg(not(target_arch = "riscv32"))]
        fn main() {
            let _: fn() = $run;
            eprintln!("build this for riscv32imc-unknown-none-elf");
        }
    };
}

/// Octets that the compiler cannot know.
pub fn unknown<const N: usize>() -> [u8; N] {
    black_box([0x5a; N])
}

/// A random source with no randomness to speak of, as a real one belongs to the board.
#[derive(Debug)]
pub struct Counter(
    /// The state.
    pub u64,
);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for octet in dest {
            *octet = (self.next_u64() >> 56) as u8;
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Counter {}
