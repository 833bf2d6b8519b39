//! Random numbers, the same from the same seed: SHA-256 of a seed and a counter.

use sha2::{Digest, Sha256};

#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u8; 32],
    counter: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Self {
            state: Sha256::digest(seed.to_le_bytes()).into(),
            counter: 0,
        }
    }

    pub fn stir(&mut self, entropy: &[u8]) {
        let digest = Sha256::new().chain_update(self.state).chain_update(entropy);
        self.state = digest.finalize().into();
    }

    pub fn fill(&mut self, out: &mut [u8]) {
        for part in out.chunks_mut(32) {
            self.counter += 1;
            let block = Sha256::new()
                .chain_update(self.state)
                .chain_update(self.counter.to_le_bytes());
            for (to, from) in part.iter_mut().zip(block.finalize()) {
                *to = from;
            }
        }
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        self.fill(&mut array);
        array
    }
}
