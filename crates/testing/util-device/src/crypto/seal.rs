//! What the device hands out for the caller to keep: encrypted and authenticated, so that nobody can read or change it.

use crate::crypto::random::Random;
use crate::refusal::Refusal;
use aes_gcm::aead::AeadInPlace;
use aes_gcm::{Aes256Gcm, KeyInit};

/// Octets that sealing adds: an initialization vector and a tag.
pub(crate) const OVERHEAD: usize = 12 + 16;

/// Seals `plain` into `N` octets, which are [`OVERHEAD`] more. `kind` keeps one kind from being taken for another.
pub(crate) fn seal<const N: usize>(
    key: &[u8; 32],
    random: &mut Random,
    kind: u8,
    plain: &[u8],
) -> Result<[u8; N], Refusal> {
    let mut out = [0; N];
    let iv: [u8; 12] = random.array();
    let (head, rest) = out.split_at_mut_checked(12).ok_or(Refusal::FAILED)?;
    head.copy_from_slice(&iv);
    let (body, tag_room) = rest
        .split_at_mut_checked(plain.len())
        .ok_or(Refusal::FAILED)?;
    body.copy_from_slice(plain);
    let cipher = Aes256Gcm::new(key.into());
    let tag = cipher
        .encrypt_in_place_detached(&iv.into(), &[kind], body)
        .map_err(|_| Refusal::FAILED)?;
    if tag_room.len() != tag.len() {
        return Err(Refusal::FAILED);
    }
    tag_room.copy_from_slice(&tag);
    Ok(out)
}

/// Opens what [`seal`] sealed.
pub(crate) fn open<const N: usize>(
    key: &[u8; 32],
    kind: u8,
    sealed: &[u8],
) -> Result<[u8; N], Refusal> {
    if sealed.len() != N + OVERHEAD {
        return Err(Refusal::LENGTH);
    }
    let (iv, rest) = sealed.split_at(12);
    let (body, tag) = rest.split_at(N);
    let mut plain: [u8; N] = body.try_into().map_err(|_| Refusal::LENGTH)?;
    let iv: [u8; 12] = iv.try_into().map_err(|_| Refusal::LENGTH)?;
    let cipher = Aes256Gcm::new(key.into());
    cipher
        .decrypt_in_place_detached(&iv.into(), &[kind], &mut plain, tag.into())
        .map_err(|_| Refusal::PARAMETER)?;
    Ok(plain)
}
