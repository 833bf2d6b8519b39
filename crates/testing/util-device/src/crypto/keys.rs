//! Keys: sealed as a CMK of 128 octets, usage and size inside.

use crate::crypto::random::Random;
use crate::crypto::seal;
use crate::refusal::Refusal;
use hmac::{Hmac, Mac};
use sha2::{Sha384, Sha512};

pub(crate) const CMK: usize = 128;
const PLAIN: usize = CMK - seal::OVERHEAD;
const KIND: u8 = 1;

pub(crate) const HMAC: u32 = 1;
pub(crate) const AES: u32 = 3;
pub(crate) const ECDSA: u32 = 4;

#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub usage: u32,
    octets: [u8; 64],
    len: usize,
}

impl Key {
    pub fn new(usage: u32, octets: &[u8]) -> Result<Self, Refusal> {
        let fits = match usage {
            HMAC => matches!(octets.len(), 48 | 64),
            AES | 5 => octets.len() == 32,
            ECDSA => octets.len() == 48,
            _ => false,
        };
        let mut key = Self {
            usage,
            octets: [0; 64],
            len: octets.len(),
        };
        match key.octets.get_mut(..octets.len()) {
            Some(to) if fits => to.copy_from_slice(octets),
            _ => return Err(Refusal::PARAMETER),
        }
        Ok(key)
    }

    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    pub fn array<const N: usize>(&self) -> Result<[u8; N], Refusal> {
        self.octets().try_into().map_err(|_| Refusal::PARAMETER)
    }

    pub fn seal(&self, device: &[u8; 32], random: &mut Random) -> Result<[u8; CMK], Refusal> {
        let mut plain = [0; PLAIN];
        let head = self
            .usage
            .to_le_bytes()
            .into_iter()
            .chain((self.len as u32).to_le_bytes());
        for (to, from) in plain.iter_mut().zip(head.chain(self.octets)) {
            *to = from;
        }
        seal::seal(device, random, KIND, &plain)
    }

    /// Opens a key and checks what it is for.
    pub fn open(device: &[u8; 32], cmk: &[u8], usage: Option<u32>) -> Result<Self, Refusal> {
        let plain: [u8; PLAIN] = seal::open(device, KIND, cmk)?;
        let (head, rest) = plain.split_at(8);
        let (kind, len) = head.split_at(4);
        let number = |octets: &[u8]| {
            octets
                .try_into()
                .map(u32::from_le_bytes)
                .map_err(|_| Refusal::PARAMETER)
        };
        let (kind, len) = (number(kind)?, number(len)?);
        if usage.is_some_and(|usage| usage != kind) {
            return Err(Refusal::PARAMETER);
        }
        Self::new(kind, rest.get(..len as usize).ok_or(Refusal::PARAMETER)?)
    }

    /// A message authentication code over several pieces, of which 48 or 64 octets count.
    pub fn mac(&self, algorithm: u32, pieces: &[&[u8]]) -> Result<([u8; 64], usize), Refusal> {
        let mut out = [0; 64];
        macro_rules! mac {
            ($hash:ty) => {{
                let mut mac =
                    <Hmac<$hash>>::new_from_slice(self.octets()).map_err(|_| Refusal::PARAMETER)?;
                pieces.iter().for_each(|piece| mac.update(piece));
                let code = mac.finalize().into_bytes();
                for (to, from) in out.iter_mut().zip(code.iter()) {
                    *to = *from;
                }
                code.len()
            }};
        }
        let len = match algorithm {
            1 => mac!(Sha384),
            2 => mac!(Sha512),
            _ => return Err(Refusal::PARAMETER),
        };
        Ok((out, len))
    }
}
