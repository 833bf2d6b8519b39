//! What several tests share.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod machines;
pub mod serde_shapes;

use bootstore::Baseboard;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// A board of model `0`.
pub fn id(number: usize) -> Baseboard {
    Baseboard::pc(&format!("{number:03}"), "0").unwrap()
}

/// Boards 0 to `count` - 1.
pub fn ids(count: usize) -> Vec<Baseboard> {
    (0..count).map(id).collect()
}

/// A random source that is the same for the same seed.
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Octets in hexadecimal.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Octets from hexadecimal; blanks are ignored.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| (c as char).to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
