//! AES-256-GCM (SP 800-38D) with a state that travels.

use crate::crypto::aes::xor;
use crate::crypto::random::Random;
use crate::crypto::seal;
use crate::input::{Input, Output};
use crate::refusal::Refusal;
use aes::Aes256;
use aes::cipher::{BlockEncrypt, KeyInit};

pub(crate) const CONTEXT: usize = 128;
const PLAIN: usize = CONTEXT - seal::OVERHEAD;

pub(crate) struct Gcm {
    key: [u8; 32],
    iv: [u8; 12],
    aad_len: u32,
    hash: [u8; 16],
    len: u32,
    /// Octets that do not fill a block yet.
    buffer: [u8; 16],
    decrypt: bool,
}

/// Multiplication in the field of GCM.
fn multiply(x: [u8; 16], y: [u8; 16]) -> [u8; 16] {
    let (x, mut v, mut z) = (u128::from_be_bytes(x), u128::from_be_bytes(y), 0u128);
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            z ^= v;
        }
        v = if v & 1 == 1 {
            (v >> 1) ^ (0xE1 << 120)
        } else {
            v >> 1
        };
    }
    z.to_be_bytes()
}

impl Gcm {
    pub fn new(key: [u8; 32], iv: [u8; 12], aad: &[u8], decrypt: bool) -> Self {
        let mut this = Self {
            key,
            iv,
            aad_len: aad.len() as u32,
            hash: [0; 16],
            len: 0,
            buffer: [0; 16],
            decrypt,
        };
        for block in aad.chunks(16) {
            this.absorb(block);
        }
        this
    }

    fn kind(decrypt: bool) -> u8 {
        4 + u8::from(decrypt)
    }

    pub fn open(device: &[u8; 32], context: &[u8], decrypt: bool) -> Result<Self, Refusal> {
        let plain: [u8; PLAIN] = seal::open(device, Self::kind(decrypt), context)?;
        let mut input = Input(&plain);
        Ok(Self {
            key: input.array()?,
            iv: input.array()?,
            aad_len: input.u32()?,
            hash: input.array()?,
            len: input.u32()?,
            buffer: input.array()?,
            decrypt,
        })
    }

    pub fn seal(&self, device: &[u8; 32], random: &mut Random) -> Result<[u8; CONTEXT], Refusal> {
        let mut plain = [0; PLAIN];
        let mut output = Output::new(&mut plain);
        output.put(&self.key)?;
        output.put(&self.iv)?;
        output.u32(self.aad_len)?;
        output.put(&self.hash)?;
        output.u32(self.len)?;
        output.put(&self.buffer)?;
        seal::seal(device, random, Self::kind(self.decrypt), &plain)
    }

    fn encrypt_block(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        Aes256::new(&self.key.into()).encrypt_block(&mut block);
        block.into()
    }

    fn absorb(&mut self, block: &[u8]) {
        xor(&mut self.hash, block);
        self.hash = multiply(self.hash, self.encrypt_block([0; 16]));
    }

    fn counter_block(&self, counter: u32) -> [u8; 16] {
        let mut block = [0; 16];
        for (to, from) in block
            .iter_mut()
            .zip(self.iv.into_iter().chain(counter.to_be_bytes()))
        {
            *to = from;
        }
        block
    }

    /// Works off the buffered octets, all 16 or the last.
    fn block(&mut self, index: u32, len: usize, out: &mut Output<'_>) -> Result<(), Refusal> {
        let mut block = self.buffer;
        let stream = self.encrypt_block(self.counter_block(index.wrapping_add(2)));
        xor(&mut block, &stream);
        let (input, output) = (self.buffer, block);
        let cipher = if self.decrypt { &input } else { &output };
        self.absorb(cipher.get(..len).unwrap_or_default());
        out.put(output.get(..len).unwrap_or_default())
    }

    /// Takes data and writes whole blocks.
    pub fn update(&mut self, data: &[u8], out: &mut Output<'_>) -> Result<(), Refusal> {
        for octet in data {
            let at = (self.len % 16) as usize;
            if let Some(to) = self.buffer.get_mut(at) {
                *to = *octet;
            }
            self.len = self.len.wrapping_add(1);
            if at == 15 {
                self.block(self.len / 16 - 1, 16, out)?;
            }
        }
        Ok(())
    }

    /// Writes what is left and gives the tag.
    pub fn finish(mut self, out: &mut Output<'_>) -> Result<[u8; 16], Refusal> {
        let rest = (self.len % 16) as usize;
        if rest != 0 {
            self.block(self.len / 16, rest, out)?;
        }
        let lengths = ((u128::from(self.aad_len) * 8) << 64) | (u128::from(self.len) * 8);
        self.absorb(&lengths.to_be_bytes());
        let mut tag = self.encrypt_block(self.counter_block(1));
        xor(&mut tag, &self.hash);
        Ok(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes_gcm::Aes256Gcm;
    use aes_gcm::aead::AeadInPlace;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn in_pieces_as_the_crate_does_at_once(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6),
            aad in prop::collection::vec(any::<u8>(), 0..40), key: [u8; 32], iv: [u8; 12])
        {
            let mut whole = pieces.concat();
            let mut buffer = [0; 512];
            let mut out = Output::new(&mut buffer);
            let mut gcm = Gcm::new(key, iv, &aad, false);
            let mut random = Random::new(1);
            for piece in &pieces {
                gcm.update(piece, &mut out).unwrap();
                gcm = Gcm::open(&[7; 32], &gcm.seal(&[7; 32], &mut random).unwrap(), false).unwrap();
            }
            let tag = gcm.finish(&mut out).unwrap();
            let len = out.len;
            let right = Aes256Gcm::new(&key.into()).encrypt_in_place_detached(&iv.into(), &aad, &mut whole).unwrap();
            prop_assert_eq!(&buffer[..len], &whole[..]);
            prop_assert_eq!(tag, <[u8; 16]>::from(right));
            let mut back = [0; 512];
            let mut out = Output::new(&mut back);
            let mut gcm = Gcm::new(key, iv, &aad, true);
            gcm.update(&whole, &mut out).unwrap();
            prop_assert_eq!(gcm.finish(&mut out).unwrap(), tag);
            prop_assert_eq!(&back[..len], &pieces.concat()[..]);
        }
    }
}
