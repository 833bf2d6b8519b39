//! Encryption of the extra shares that members keep for boards that join later.
//!
//! Key: HKDF-SHA3-256 with the package's salt, the rack secret, and the info string
//! `trust-quorum-v0-key-shares-` followed by the rack's UUID. Cipher: ChaCha20-Poly1305 (RFC 8439) without
//! associated data; the nonce ends with the member's index, so that no two members share one.

use super::error::TrustQuorumError;
use super::secret::{RackSecret, SALT_LEN};
use super::{EXTRA_LEN_MAX, SHARE_LEN, Share};
use crate::RackUuid;
use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use heapless::Vec;
use zeroize::Zeroize;

/// HKDF info of the key of the extra shares, before the rack's UUID.
pub const INFO: &[u8] = b"trust-quorum-v0-key-shares-";
/// Octets of the authentication tag behind the encrypted shares.
pub const TAG_LEN: usize = 16;
/// Octets of the nonce.
pub const NONCE_LEN: usize = 12;
/// Greatest number of octets of encrypted extra shares with their tag.
pub const ENCRYPTED_MAX: usize = EXTRA_LEN_MAX + TAG_LEN;

/// Encrypted extra shares, then the tag.
pub type EncryptedShares = Vec<u8, ENCRYPTED_MAX>;

fn cipher(secret: &RackSecret, rack: &RackUuid, salt: &[u8; SALT_LEN]) -> ChaCha20Poly1305 {
    let key = secret.derive(salt, &[INFO, &rack.0]);
    ChaCha20Poly1305::new((&*key).into())
}

/// Encrypts joined shares in place and appends the tag.
///
/// # Errors
/// [`TrustQuorumError::Buffer`] when the tag does not fit.
pub fn encrypt(
    secret: &RackSecret,
    rack: &RackUuid,
    salt: &[u8; SALT_LEN],
    nonce: &[u8; NONCE_LEN],
    shares: &mut EncryptedShares,
) -> Result<(), TrustQuorumError> {
    let need = shares.len().saturating_add(TAG_LEN);
    if need > ENCRYPTED_MAX {
        return Err(TrustQuorumError::Buffer { need });
    }
    let tag = cipher(secret, rack, salt)
        .encrypt_in_place_detached(nonce.into(), &[], shares)
        .map_err(|_| TrustQuorumError::Buffer { need })?;
    shares
        .extend_from_slice(&tag)
        .map_err(|_| TrustQuorumError::Buffer { need })
}

/// Decrypts the extra shares and returns the one at `index`.
///
/// # Errors
/// [`TrustQuorumError::Decryption`] when the tag is wrong, or there is no share at `index`;
/// [`TrustQuorumError::ZeroX`] and [`TrustQuorumError::NonCanonical`] when it is no share.
pub fn decrypt_one(
    secret: &RackSecret,
    rack: &RackUuid,
    salt: &[u8; SALT_LEN],
    nonce: &[u8; NONCE_LEN],
    encrypted: &EncryptedShares,
    index: usize,
) -> Result<Share, TrustQuorumError> {
    let mut octets = encrypted.clone();
    let body = octets.len().saturating_sub(TAG_LEN);
    let (shares, tag) = octets
        .split_at_mut_checked(body)
        .ok_or(TrustQuorumError::Decryption)?;
    let tag: [u8; TAG_LEN] = (&*tag)
        .try_into()
        .map_err(|_| TrustQuorumError::Decryption)?;
    cipher(secret, rack, salt)
        .decrypt_in_place_detached(nonce.into(), &[], shares, &tag.into())
        .map_err(|_| TrustQuorumError::Decryption)?;
    let start = index.saturating_mul(SHARE_LEN);
    let share = shares
        .get(start..start.saturating_add(SHARE_LEN))
        .and_then(|share| <[u8; SHARE_LEN]>::try_from(share).ok())
        .ok_or(TrustQuorumError::Decryption)
        .and_then(Share::from_bytes);
    octets.as_mut_slice().zeroize();
    share
}
