//! Random numbers, and where they come from.
//!
//! A seed, expanded by SHA-256 in counter mode. The seed is 32 octets from the host (see
//! [`straps`]); a real MCU has a TRNG in its place. Without a seed the cycle counter and the
//! clock are hashed, which a peer might guess: good enough to tell two boots apart, not for keys.

use crate::clock;
use crate::straps;
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha256};

/// Where the seed came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// 32 octets from the host.
    Host,
    /// Counters only.
    Weak,
}

/// SHA-256 in counter mode over a seed.
pub struct Entropy {
    seed: [u8; 32],
    block: [u8; 32],
    used: usize,
    counter: u64,
    source: Source,
}

impl Entropy {
    /// Reads the seed.
    pub fn new() -> Self {
        let mut seed = straps::seed();
        let source = if seed == [0; 32] {
            let mut hash = Sha256::new();
            hash.update(clock::now().as_micros().to_le_bytes());
            hash.update(riscv::register::mcycle::read64().to_le_bytes());
            seed = hash.finalize().into();
            Source::Weak
        } else {
            Source::Host
        };
        Self {
            seed,
            block: [0; 32],
            used: 32,
            counter: 0,
            source,
        }
    }

    /// Where the seed came from.
    pub fn source(&self) -> Source {
        self.source
    }
}

impl RngCore for Entropy {
    fn next_u32(&mut self) -> u32 {
        let mut octets = [0; 4];
        self.fill_bytes(&mut octets);
        u32::from_le_bytes(octets)
    }

    fn next_u64(&mut self) -> u64 {
        let mut octets = [0; 8];
        self.fill_bytes(&mut octets);
        u64::from_le_bytes(octets)
    }

    fn fill_bytes(&mut self, target: &mut [u8]) {
        for octet in target {
            if self.used >= self.block.len() {
                let mut hash = Sha256::new();
                hash.update(self.seed);
                hash.update(self.counter.to_le_bytes());
                self.block = hash.finalize().into();
                self.counter = self.counter.wrapping_add(1);
                self.used = 0;
            }
            *octet = self.block.get(self.used).copied().unwrap_or(0);
            self.used += 1;
        }
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(target);
        Ok(())
    }
}

impl CryptoRng for Entropy {}
