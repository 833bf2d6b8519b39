//! SHA-384 and SHA-512 with a state that travels: buffer of 128 octets, intermediate hash of 64, length, algorithm.

use crate::refusal::Refusal;
use sha2::compress512;

pub(crate) const CONTEXT: usize = 200;

const SHA384: [u64; 8] = [
    0xcbbb9d5dc1059ed8,
    0x629a292a367cd507,
    0x9159015a3070dd17,
    0x152fecd8f70e5939,
    0x67332667ffc00b31,
    0x8eb44a8768581511,
    0xdb0c2e0d64f98fa7,
    0x47b5481dbefa4fa4,
];
const SHA512: [u64; 8] = [
    0x6a09e667f3bcc908,
    0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1,
    0x510e527fade682d1,
    0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b,
    0x5be0cd19137e2179,
];

pub(crate) struct Sha {
    buffer: [u8; 128],
    state: [u64; 8],
    length: u32,
    algorithm: u32,
}

impl Sha {
    pub fn new(algorithm: u32) -> Result<Self, Refusal> {
        let state = match algorithm {
            1 => SHA384,
            2 => SHA512,
            _ => return Err(Refusal::PARAMETER),
        };
        Ok(Self {
            buffer: [0; 128],
            state,
            length: 0,
            algorithm,
        })
    }

    pub fn open(context: &[u8; CONTEXT]) -> Result<Self, Refusal> {
        let (buffer, rest) = context.split_at(128);
        let (state, rest) = rest.split_at(64);
        let (length, algorithm) = rest.split_at(4);
        let number = |octets: &[u8]| {
            octets
                .try_into()
                .map(u32::from_le_bytes)
                .map_err(|_| Refusal::LENGTH)
        };
        let mut this = Self::new(number(algorithm)?)?;
        this.buffer.copy_from_slice(buffer);
        for (to, from) in this.state.iter_mut().zip(state.chunks_exact(8)) {
            *to = from
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| Refusal::LENGTH)?;
        }
        this.length = number(length)?;
        Ok(this)
    }

    pub fn context(&self) -> [u8; CONTEXT] {
        let mut context = [0; CONTEXT];
        let state = self.state.iter().flat_map(|word| word.to_be_bytes());
        let octets = self.buffer.into_iter().chain(state);
        let octets = octets
            .chain(self.length.to_le_bytes())
            .chain(self.algorithm.to_le_bytes());
        for (to, from) in context.iter_mut().zip(octets) {
            *to = from;
        }
        context
    }

    fn octet(&mut self, at: usize, octet: u8) {
        if let Some(to) = self.buffer.get_mut(at) {
            *to = octet;
        }
        if at == 127 {
            compress512(&mut self.state, &[self.buffer.into()]);
        }
    }

    pub fn update(&mut self, data: &[u8]) {
        for octet in data {
            self.octet((self.length % 128) as usize, *octet);
            self.length = self.length.wrapping_add(1);
        }
    }

    /// The digest, of which 48 or 64 octets count.
    pub fn finish(mut self) -> ([u8; 64], usize) {
        let bits = u128::from(self.length) * 8;
        let mut at = (self.length % 128) as usize;
        self.octet(at, 0x80);
        at = (at + 1) % 128;
        while at != 112 {
            self.octet(at, 0);
            at = (at + 1) % 128;
        }
        for octet in bits.to_be_bytes() {
            self.octet(at, octet);
            at += 1;
        }
        let mut digest = [0; 64];
        for (to, from) in digest
            .iter_mut()
            .zip(self.state.iter().flat_map(|word| word.to_be_bytes()))
        {
            *to = from;
        }
        (digest, if self.algorithm == 1 { 48 } else { 64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha384, Sha512};

    proptest! {
        #[test]
        fn in_pieces_as_at_once(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
            let whole = pieces.concat();
            for algorithm in [1, 2] {
                let mut sha = Sha::new(algorithm).unwrap();
                for piece in &pieces {
                    sha.update(piece);
                    sha = Sha::open(&sha.context()).unwrap();
                }
                let (digest, len) = sha.finish();
                let right = if algorithm == 1 { Sha384::digest(&whole).to_vec() } else { Sha512::digest(&whole).to_vec() };
                prop_assert_eq!(&digest[..len], &right[..]);
            }
        }
    }
}
