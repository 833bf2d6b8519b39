//! Fuses, provisioning and debug unlock.

use crate::error::CaliptraError;
use crate::handles::{CaliptraSession, fill, in_session, input, output, value, wanted};
use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_commands::api;
use caliptra_util_host_commands::types::{ProdDebugUnlockTokenRequest, Provision};
/// A challenge for debug unlock.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CaliptraDebugUnlockChallenge {
    /// Which device it is.
    pub unique_device_identifier: [u8; 32],
    /// What has to be signed.
    pub challenge: [u8; 48],
}

/// The answer to a challenge for debug unlock. Keys and signatures are in the hardware's order of octets.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CaliptraDebugUnlockToken {
    /// Which device it is.
    pub unique_device_identifier: [u8; 32],
    /// The level, 1 to 8.
    pub unlock_level: u8,
    /// The challenge.
    pub challenge: [u8; 48],
    /// P-384 public key.
    pub ecc_public_key: [u8; 96],
    /// ML-DSA-87 public key.
    pub mldsa_public_key: [u8; 2592],
    /// P-384 signature.
    pub ecc_signature: [u8; 96],
    /// ML-DSA-87 signature of 4627 octets and a zero.
    pub mldsa_signature: [u8; 4628],
}

/// Reads a fuse. `bits` tells how many bits are valid.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_fuse_read(
    session: *mut CaliptraSession,
    partition: u32,
    entry: u32,
    out: *mut u8,
    out_len: *mut usize,
    bits: *mut u32,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(bits)?;
            let mut valid = 0;
            fill(out, out_len, |out| {
                valid = api::caliptra_cmd_fuse_read(session, partition, entry, out)?;
                usize::try_from(valid.div_ceil(8))
                    .map_err(|_| CaliptraApiError::CommandFailed("the fuse is too long"))
            })?;
            output(bits, valid)
        })
    }
}

/// Writes those bits of a fuse word that are set in `mask`. A fuse never goes back to 0.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_fuse_write(
    session: *mut CaliptraSession,
    word_addr: u32,
    data: u32,
    mask: u32,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            api::caliptra_cmd_fuse_write(session, word_addr, data, mask)
        })
    }
}

/// Locks a fuse partition for good.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_fuse_lock(
    session: *mut CaliptraSession,
    partition: u32,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            api::caliptra_cmd_fuse_lock(session, partition)
        })
    }
}

/// Asks for a challenge of 48 octets that authorizes one command.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_get_auth_challenge(
    session: *mut CaliptraSession,
    challenge: *mut u8,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(challenge)?;
            output(
                challenge.cast::<[u8; 48]>(),
                api::caliptra_cmd_get_auth_challenge(session)?,
            )
        })
    }
}

/// Provisions the hash, 48 octets, of the vendor's public keys. `authorization` follows the command's fields; it may have no octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_provision_vendor_pk_hash(
    session: *mut CaliptraSession,
    slot: u32,
    hash: *const u8,
    authorization: *const u8,
    authorization_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let what = Provision::VendorPkHash {
                slot,
                hash: value(hash.cast::<[u8; 48]>())?,
            };
            api::caliptra_cmd_provision(session, what, input(authorization, authorization_len)?)
        })
    }
}

/// Provisions the hash, 48 octets, of the owner's public keys. `authorization` follows the command's fields; it may have no octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_provision_owner_pk_hash(
    session: *mut CaliptraSession,
    hash: *const u8,
    authorization: *const u8,
    authorization_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let what = Provision::OwnerPkHash {
                hash: value(hash.cast::<[u8; 48]>())?,
            };
            api::caliptra_cmd_provision(session, what, input(authorization, authorization_len)?)
        })
    }
}

/// Programs field entropy of a partition. `authorization` follows the command's fields; it may have no octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_program_field_entropy(
    session: *mut CaliptraSession,
    partition: u32,
    authorization: *const u8,
    authorization_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let what = Provision::FieldEntropy { partition };
            api::caliptra_cmd_provision(session, what, input(authorization, authorization_len)?)
        })
    }
}

/// Raises the least security version of a target: 0 is Caliptra's runtime, 1 the SoC manifest. `authorization` follows the command's fields; it may have no octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_increase_min_svn(
    session: *mut CaliptraSession,
    target: u32,
    svn: u32,
    authorization: *const u8,
    authorization_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let what = Provision::MinSvn { target, svn };
            api::caliptra_cmd_provision(session, what, input(authorization, authorization_len)?)
        })
    }
}

/// Revokes a vendor's public key: `key_type` 0 is ECDSA, 1 LMS, 2 ML-DSA. `authorization` follows the command's fields; it may have no octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_revoke_vendor_pub_key(
    session: *mut CaliptraSession,
    slot: u32,
    key_type: u32,
    key_index: u32,
    authorization: *const u8,
    authorization_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let what = Provision::RevokeVendorPubKey {
                slot,
                key_type,
                key_index,
            };
            api::caliptra_cmd_provision(session, what, input(authorization, authorization_len)?)
        })
    }
}

/// Revokes a hash of the vendor's public keys. `authorization` follows the command's fields; it may have no octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_revoke_vendor_pk_hash(
    session: *mut CaliptraSession,
    slot: u32,
    authorization: *const u8,
    authorization_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let what = Provision::RevokeVendorPkHash { slot };
            api::caliptra_cmd_provision(session, what, input(authorization, authorization_len)?)
        })
    }
}

/// Asks for a debug unlock challenge of a level from 1 to 8.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_debug_unlock_request(
    session: *mut CaliptraSession,
    unlock_level: u8,
    challenge: *mut CaliptraDebugUnlockChallenge,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(challenge)?;
            let answer = api::caliptra_cmd_prod_debug_unlock_req(session, unlock_level)?;
            let made = CaliptraDebugUnlockChallenge {
                unique_device_identifier: answer.unique_device_identifier,
                challenge: answer.challenge,
            };
            output(challenge, made)
        })
    }
}

/// Answers a debug unlock challenge.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_debug_unlock_token(
    session: *mut CaliptraSession,
    token: *const CaliptraDebugUnlockToken,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let token = value(token)?;
            let request = ProdDebugUnlockTokenRequest {
                unique_device_identifier: &token.unique_device_identifier,
                unlock_level: token.unlock_level,
                challenge: &token.challenge,
                ecc_public_key: &token.ecc_public_key,
                mldsa_public_key: &token.mldsa_public_key,
                ecc_signature: &token.ecc_signature,
                mldsa_signature: &token.mldsa_signature,
            };
            api::caliptra_cmd_prod_debug_unlock_token(session, &request)
        })
    }
}
