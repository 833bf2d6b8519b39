//! ECDSA and ECDH on P-384.

use crate::crypto::{CaliptraCmk, CaliptraEcdhContext, CaliptraP384Pair, boxed, end, key_usage};
use crate::error::CaliptraError;
use crate::handles::{CaliptraSession, in_session, input, output, value, wanted};
use caliptra_util_host_commands::api::{self, EcdsaSignature};

/// Asks for the public key of a device key.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_ecdsa_public_key(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
    public_key: *mut CaliptraP384Pair,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(public_key)?;
            let key = api::caliptra_cmd_ecdsa_public_key(session, &value(cmk)?.octets)?;
            let (first, second) = (key.x, key.y);
            output(public_key, CaliptraP384Pair { first, second })
        })
    }
}

/// Signs the SHA-384 of a message.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_ecdsa_sign(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
    message: *const u8,
    message_len: usize,
    signature: *mut CaliptraP384Pair,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(signature)?;
            let made = api::caliptra_cmd_ecdsa_sign(
                session,
                &value(cmk)?.octets,
                input(message, message_len)?,
            )?;
            let (first, second) = (made.r, made.s);
            output(signature, CaliptraP384Pair { first, second })
        })
    }
}

/// Verifies a signature with a key of the device. A wrong one is `CALIPTRA_ERROR_DEVICE`.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_ecdsa_verify(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
    signature: *const CaliptraP384Pair,
    message: *const u8,
    message_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (cmk, pair) = (value(cmk)?, value(signature)?);
            let (r, s) = (pair.first, pair.second);
            let message = input(message, message_len)?;
            api::caliptra_cmd_ecdsa_verify(session, &cmk.octets, &EcdsaSignature { r, s }, message)
        })
    }
}

/// Verifies a signature over a SHA-384 of 48 octets with a public key. A wrong one is `CALIPTRA_ERROR_DEVICE`.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_ecdsa_verify_digest(
    session: *mut CaliptraSession,
    public_key: *const CaliptraP384Pair,
    signature: *const CaliptraP384Pair,
    digest: *const u8,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (key, pair) = (value(public_key)?, value(signature)?);
            let (r, s) = (pair.first, pair.second);
            let digest = value(digest.cast::<[u8; 48]>())?;
            api::caliptra_cmd_ecdsa_verify_digest(
                session,
                &key.first,
                &key.second,
                &EcdsaSignature { r, s },
                digest,
            )
        })
    }
}

/// Begins a Diffie-Hellman exchange on P-384.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_ecdh_generate(
    session: *mut CaliptraSession,
    point: *mut CaliptraP384Pair,
    context_out: *mut *mut CaliptraEcdhContext,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(point)?;
            wanted(context_out)?;
            let (begun, octets) = api::caliptra_cmd_ecdh_generate(session)?;
            let mut pair = CaliptraP384Pair {
                first: [0; 48],
                second: [0; 48],
            };
            let (first, second) = octets.split_at(48);
            pair.first.copy_from_slice(first);
            pair.second.copy_from_slice(second);
            output(point, pair)?;
            output(context_out, boxed(CaliptraEcdhContext(begun)))
        })
    }
}

/// Ends a Diffie-Hellman exchange and frees its context, whatever the result.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_ecdh_finish(
    session: *mut CaliptraSession,
    ecdh: *mut CaliptraEcdhContext,
    usage: u32,
    peer: *const CaliptraP384Pair,
    cmk: *mut CaliptraCmk,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let ecdh = end(ecdh)?;
            wanted(cmk)?;
            let (peer, usage) = (value(peer)?, key_usage(usage)?);
            let mut point = [0; 96];
            let (x, y) = point.split_at_mut(48);
            x.copy_from_slice(&peer.first);
            y.copy_from_slice(&peer.second);
            let octets = api::caliptra_cmd_ecdh_finish(session, ecdh.0, usage, &point)?;
            output(cmk, CaliptraCmk { octets })
        })
    }
}
