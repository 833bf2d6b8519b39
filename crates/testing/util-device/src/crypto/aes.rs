//! AES-256 in CBC and CTR, with a state that travels.

use crate::crypto::random::Random;
use crate::crypto::seal;
use crate::refusal::Refusal;
use aes::Aes256;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};

pub(crate) const CONTEXT: usize = 156;
const PLAIN: usize = CONTEXT - seal::OVERHEAD;
const CBC: u32 = 1;
const CTR: u32 = 2;

/// An operation in progress.
pub(crate) struct Stream {
    mode: u32,
    key: [u8; 32],
    /// The last ciphertext block of CBC, or the counter block of CTR.
    iv: [u8; 16],
    /// Octets of the key stream block that CTR has used.
    used: u32,
    decrypt: bool,
}

impl Stream {
    pub fn new(mode: u32, key: [u8; 32], iv: [u8; 16], decrypt: bool) -> Result<Self, Refusal> {
        if !matches!(mode, CBC | CTR) {
            return Err(Refusal::PARAMETER);
        }
        Ok(Self {
            mode,
            key,
            iv,
            used: 0,
            decrypt,
        })
    }

    pub fn open(device: &[u8; 32], context: &[u8], decrypt: bool) -> Result<Self, Refusal> {
        let plain: [u8; PLAIN] = seal::open(device, 2 + u8::from(decrypt), context)?;
        let mut input = crate::input::Input(&plain);
        let (mode, key, iv, used) = (input.u32()?, input.array()?, input.array()?, input.u32()?);
        let mut this = Self::new(mode, key, iv, decrypt)?;
        this.used = used % 16;
        Ok(this)
    }

    pub fn seal(&self, device: &[u8; 32], random: &mut Random) -> Result<[u8; CONTEXT], Refusal> {
        let mut plain = [0; PLAIN];
        let octets = self
            .mode
            .to_le_bytes()
            .into_iter()
            .chain(self.key)
            .chain(self.iv);
        for (to, from) in plain.iter_mut().zip(octets.chain(self.used.to_le_bytes())) {
            *to = from;
        }
        seal::seal(device, random, 2 + u8::from(self.decrypt), &plain)
    }

    pub fn run(&mut self, data: &mut [u8]) -> Result<(), Refusal> {
        let cipher = Aes256::new(&self.key.into());
        if self.mode == CTR {
            for octet in data {
                let mut block = self.iv.into();
                cipher.encrypt_block(&mut block);
                *octet ^= block.get(self.used as usize).copied().unwrap_or(0);
                self.used += 1;
                if self.used == 16 {
                    self.used = 0;
                    self.iv = u128::from_be_bytes(self.iv).wrapping_add(1).to_be_bytes();
                }
            }
            return Ok(());
        }
        if !data.len().is_multiple_of(16) {
            return Err(Refusal::LENGTH);
        }
        for block in data.chunks_exact_mut(16) {
            let mut state = [0; 16];
            state.copy_from_slice(block);
            let mut array = state;
            if self.decrypt {
                let mut out = array.into();
                cipher.decrypt_block(&mut out);
                array = out.into();
                xor(&mut array, &self.iv);
                self.iv = state;
            } else {
                xor(&mut array, &self.iv);
                let mut out = array.into();
                cipher.encrypt_block(&mut out);
                array = out.into();
                self.iv = array;
            }
            block.copy_from_slice(&array);
        }
        Ok(())
    }
}

pub(crate) fn xor(to: &mut [u8; 16], with: &[u8]) {
    for (to, with) in to.iter_mut().zip(with) {
        *to ^= with;
    }
}
