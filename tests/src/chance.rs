//! Choices that follow from a seed.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// A source of choices; the same seed gives the same ones.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The choices of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.next_u64() % (high - low + 1)
    }

    /// Says yes in `percent` of all cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of these.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.between(0, choices.len() as u64 - 1) as usize].clone()
    }

    /// The sizes of three small images, in octets. Multiples of the usual block sizes are among them, because they are the ones that
    /// end in an empty block.
    pub fn sizes(&mut self) -> [usize; 3] {
        std::array::from_fn(|_| {
            let most = self.pick(&[9, 600, 3_000, 20_000, 60_000]);
            let unit = self.pick(&[1, 1, 1, 4, 512, 1_468]);
            let size = self.between(1, most);
            size.next_multiple_of(unit) as usize
        })
    }

    /// A fraction up to `most`, and nothing in half of all cases.
    pub fn fraction(&mut self, most: f64) -> f64 {
        if self.percent(50) {
            return 0.0;
        }
        most * self.between(1, 1_000) as f64 / 1_000.0
    }
}
