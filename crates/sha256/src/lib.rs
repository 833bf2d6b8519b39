#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod compress;

use compress::compress256;

/// Octets of a block.
const BLOCK: usize = 64;
/// Octets of a block that are left for the message, where its length is in the same block.
const BEFORE_LENGTH: usize = BLOCK - 8;

/// The state before the first block (FIPS 180-4, section 5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A message on its way through SHA-256.
#[derive(Clone, Debug)]
pub struct Sha256 {
    state: [u32; 8],
    /// Octets of the message so far, modulo 2^64.
    len: u64,
    /// The last `len % 64` octets, which do not make a block yet. What is behind them has no meaning.
    block: [u8; BLOCK],
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl Sha256 {
    /// Begins a message.
    pub const fn new() -> Self {
        Self {
            state: INITIAL,
            len: 0,
            block: [0; BLOCK],
        }
    }

    /// Octets in `block`.
    fn held(&self) -> usize {
        (self.len % BLOCK as u64) as usize
    }

    /// Goes on with the next octets of the message.
    #[inline(never)]
    pub fn update(&mut self, octets: &[u8]) {
        let held = self.held();
        self.len = self.len.wrapping_add(octets.len() as u64);
        let mut rest = octets;
        if held > 0 {
            let room = self.block.get_mut(held..).unwrap_or_default();
            let missing = room.len();
            copy(room, octets);
            let Some(behind) = octets.get(missing..) else {
                return;
            };
            compress256(&mut self.state, core::slice::from_ref(&self.block));
            rest = behind;
        }
        let (blocks, rest) = rest.as_chunks::<BLOCK>();
        compress256(&mut self.state, blocks);
        copy(&mut self.block, rest);
    }

    /// The digest of the octets so far. The message may go on.
    #[inline(never)]
    pub fn digest(&self) -> [u8; 32] {
        let mut state = self.state;
        let mut block = self.block;
        let held = self.held();
        let padding = block.get_mut(held..).unwrap_or_default();
        padding.fill(0);
        if let Some(first) = padding.first_mut() {
            *first = 0x80;
        }
        if held >= BEFORE_LENGTH {
            compress256(&mut state, core::slice::from_ref(&block));
            block = [0; BLOCK];
        }
        if let Some(length) = block.last_chunk_mut() {
            *length = self.len.wrapping_mul(8).to_be_bytes();
        }
        compress256(&mut state, core::slice::from_ref(&block));
        let mut digest = [0; 32];
        for (octets, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
            *octets = word.to_be_bytes();
        }
        digest
    }
}

/// Copies as many octets as both have, from the first on.
fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::Digest as _;

    fn digest(message: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(message);
        hash.digest().map(|octet| format!("{octet:02x}")).concat()
    }

    /// The examples that NIST publishes for FIPS 180-4, and the empty message.
    #[test]
    fn the_published_examples() {
        assert_eq!(
            digest(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            digest(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            digest(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
        assert_eq!(
            digest(&vec![b'a'; 1_000_000]),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
    }

    #[test]
    fn every_length_around_the_ends_of_blocks() {
        let message: Vec<u8> = (0..300u32).map(|at| (at * 7) as u8).collect();
        for len in 0..message.len() {
            let message = &message[..len];
            let mut hash = Sha256::new();
            hash.update(message);
            assert_eq!(
                hash.digest(),
                <[u8; 32]>::from(sha2::Sha256::digest(message)),
                "{len}"
            );
        }
    }

    /// A length in bits that needs the upper of its two words.
    #[test]
    fn a_message_of_more_than_half_a_gigabyte() {
        // A state that stands where a long message would: only its length is written into the last block.
        let hash = Sha256 {
            len: 1 << 29,
            ..Sha256::new()
        };
        let mut block = [0; BLOCK];
        block[0] = 0x80;
        block[BLOCK - 5] = 1;
        let mut state = INITIAL;
        compress256(&mut state, &[block]);
        assert_eq!(hash.digest()[..4], state[0].to_be_bytes());
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_what_the_library_gives(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..12)
        ) {
            let (mut hash, mut other) = (Sha256::new(), sha2::Sha256::new());
            for piece in &pieces {
                hash.update(piece);
                other.update(piece);
                prop_assert_eq!(hash.digest(), <[u8; 32]>::from(other.clone().finalize()));
            }
            prop_assert_eq!(hash.digest(), <[u8; 32]>::from(other.finalize()));
        }
    }
}
