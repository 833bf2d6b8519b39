//! Sealing of secrets that must not leave with a stolen board: a client key, a password.
//!
//! Only a node that has recovered the rack secret can open what is sealed, so a board that is carried away
//! alone keeps its secrets closed.
//!
//! ```text
//! magic "BSS1" ‖ salt 32 ‖ nonce 12 ‖ ChaCha20-Poly1305 ciphertext ‖ tag 16
//! key = HKDF-SHA3-256(salt, rack secret, info = "netboot-bootstore-seal-v1-" ‖ rack_uuid ‖ label)
//! ```
//!
//! The label says what the secret is for, and is authenticated with the magic. The info string differs from
//! that of the extra shares in its first octet, so that no label can lead to their key. The salt is new for
//! each sealing, so that no key is used twice.

use crate::RackUuid;
use crate::error::number;
use crate::trust_quorum::RackSecret;
use crate::trust_quorum::secret::{KEY_LEN, SALT_LEN};
use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use core::fmt;
use netboot_core::{Blame, Coded};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

const MAGIC: &[u8; 4] = b"BSS1";
const SEAL_INFO: &[u8] = b"netboot-bootstore-seal-v1-";
const KEY_INFO: &[u8] = b"netboot-bootstore-key-v1-";
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const HEAD: usize = MAGIC.len() + SALT_LEN + NONCE_LEN;
/// Octets of a sealed secret beside the secret itself.
pub const SEAL_OVERHEAD: usize = HEAD + TAG_LEN;
/// Greatest number of octets of a label.
pub const LABEL_MAX: usize = 64;

/// Why a secret cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SealError {
    /// The octets are too short, or do not start as sealed secrets do.
    NotSealed,
    /// The secret was sealed by another rack or under another label, or has been changed.
    WrongKey,
    /// The buffer is too small.
    Buffer {
        /// Octets needed.
        need: usize,
    },
    /// The label is empty or longer than [`LABEL_MAX`] octets.
    Label,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSealed => f.write_str("the octets are no sealed secret"),
            Self::WrongKey => f.write_str(
                "the secret was sealed by another rack or under another label, or has been changed",
            ),
            Self::Buffer { need } => write!(f, "the buffer is too small, {need} octets are needed"),
            Self::Label => write!(f, "a label has 1 to {LABEL_MAX} octets"),
        }
    }
}

impl core::error::Error for SealError {}

impl Coded for SealError {
    fn code(&self) -> u32 {
        number(match self {
            Self::NotSealed => 0x71,
            Self::WrongKey => 0x72,
            Self::Buffer { .. } => 0x73,
            Self::Label => 0x74,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Buffer { .. } | Self::Label => Blame::Caller,
            Self::NotSealed | Self::WrongKey => Blame::Configuration,
        }
    }
}

/// Seals and opens secrets of one rack.
#[derive(Debug)]
pub struct Sealer<'s> {
    secret: &'s RackSecret,
    rack: RackUuid,
}

impl<'s> Sealer<'s> {
    /// A sealer with the secret of this rack.
    pub const fn new(secret: &'s RackSecret, rack: RackUuid) -> Self {
        Self { secret, rack }
    }

    /// Derives a key of 32 octets for `label`, the same on every node of the rack.
    ///
    /// # Errors
    /// [`SealError::Label`]
    pub fn key(&self, label: &str) -> Result<Zeroizing<[u8; KEY_LEN]>, SealError> {
        check_label(label)?;
        Ok(self
            .secret
            .derive(&[], &[KEY_INFO, &self.rack.0, label.as_bytes()]))
    }

    /// Seals `secret` into `buffer` and returns the number of octets: those of the secret and
    /// [`SEAL_OVERHEAD`].
    ///
    /// # Errors
    /// [`SealError::Buffer`], [`SealError::Label`]
    pub fn seal(
        &self,
        rng: &mut (impl RngCore + CryptoRng),
        label: &str,
        secret: &[u8],
        buffer: &mut [u8],
    ) -> Result<usize, SealError> {
        check_label(label)?;
        let need = secret.len().saturating_add(SEAL_OVERHEAD);
        let too_small = SealError::Buffer { need };
        let (magic, rest) = buffer.split_first_chunk_mut().ok_or(too_small)?;
        let (salt, rest) = rest.split_first_chunk_mut::<SALT_LEN>().ok_or(too_small)?;
        let (nonce, rest) = rest.split_first_chunk_mut::<NONCE_LEN>().ok_or(too_small)?;
        let (body, rest) = rest.split_at_mut_checked(secret.len()).ok_or(too_small)?;
        let tag = rest.first_chunk_mut::<TAG_LEN>().ok_or(too_small)?;
        *magic = *MAGIC;
        rng.fill_bytes(salt);
        rng.fill_bytes(nonce);
        for (place, octet) in body.iter_mut().zip(secret) {
            *place = *octet;
        }
        let made = self
            .cipher(salt, label)
            .encrypt_in_place_detached((&*nonce).into(), MAGIC, body)
            .map_err(|_| too_small)?;
        *tag = made.into();
        Ok(need)
    }

    /// Opens a sealed secret in place and returns its octets.
    ///
    /// # Errors
    /// [`SealError::NotSealed`], [`SealError::WrongKey`], [`SealError::Label`]
    pub fn open<'b>(&self, label: &str, sealed: &'b mut [u8]) -> Result<&'b mut [u8], SealError> {
        check_label(label)?;
        let short = SealError::NotSealed;
        let (magic, rest) = sealed.split_first_chunk_mut().ok_or(short)?;
        let (salt, rest) = rest.split_first_chunk_mut::<SALT_LEN>().ok_or(short)?;
        let (nonce, rest) = rest.split_first_chunk_mut::<NONCE_LEN>().ok_or(short)?;
        let (body, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(short)?;
        if magic != MAGIC {
            return Err(SealError::NotSealed);
        }
        self.cipher(salt, label)
            .decrypt_in_place_detached((&*nonce).into(), MAGIC, body, (&*tag).into())
            .map_err(|_| SealError::WrongKey)?;
        Ok(body)
    }

    fn cipher(&self, salt: &[u8], label: &str) -> ChaCha20Poly1305 {
        let key = self
            .secret
            .derive(salt, &[SEAL_INFO, &self.rack.0, label.as_bytes()]);
        ChaCha20Poly1305::new((&*key).into())
    }
}

fn check_label(label: &str) -> Result<(), SealError> {
    if label.is_empty() || label.len() > LABEL_MAX {
        Err(SealError::Label)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust_quorum::extra;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn only_the_same_rack_and_label_open() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let (ours, theirs) = (RackSecret::random(&mut rng), RackSecret::random(&mut rng));
        let rack = RackUuid([1; 16]);
        let sealer = Sealer::new(&ours, rack);
        let mut buffer = [0; 128];
        let len = sealer
            .seal(&mut rng, "https-client-key", b"secret", &mut buffer)
            .unwrap();
        assert_eq!(len, 6 + SEAL_OVERHEAD);
        assert!(!buffer.windows(6).any(|w| w == b"secret"));
        let open = |sealer: &Sealer<'_>, label| {
            let mut copy = buffer;
            sealer
                .open(label, &mut copy[..len])
                .map(|secret| secret.to_vec())
        };
        assert_eq!(open(&sealer, "https-client-key"), Ok(b"secret".to_vec()));
        assert_eq!(open(&sealer, "other"), Err(SealError::WrongKey));
        assert_eq!(
            open(&Sealer::new(&theirs, rack), "https-client-key"),
            Err(SealError::WrongKey)
        );
        assert_eq!(
            open(&Sealer::new(&ours, RackUuid([2; 16])), "https-client-key"),
            Err(SealError::WrongKey)
        );
        for bit in 0..len * 8 {
            let mut copy = buffer;
            copy[bit / 8] ^= 1 << (bit % 8);
            assert!(sealer.open("https-client-key", &mut copy[..len]).is_err());
        }
        for short in 0..SEAL_OVERHEAD {
            assert_eq!(
                sealer.open("x", &mut buffer[..short]),
                Err(SealError::NotSealed)
            );
        }
    }

    #[test]
    fn info_strings_never_collide() {
        // No info string is the start of another, whatever rack and label follow.
        let infos: [&[u8]; 4] = [
            SEAL_INFO,
            KEY_INFO,
            extra::INFO,
            b"netboot-bootstore-check-v1-",
        ];
        for (i, a) in infos.iter().enumerate() {
            for (j, b) in infos.iter().enumerate() {
                assert!(i == j || !a.starts_with(b));
            }
        }
    }

    #[test]
    fn keys_differ_by_label() {
        let secret = RackSecret::from_bytes([3; 32].map(|o: u8| o & 0x0f)).unwrap();
        let sealer = Sealer::new(&secret, RackUuid([1; 16]));
        assert_ne!(sealer.key("a").unwrap(), sealer.key("b").unwrap());
        assert_eq!(sealer.key(""), Err(SealError::Label));
        assert_eq!(sealer.key(&"x".repeat(65)), Err(SealError::Label));
    }
}
