//! Cryptographic commands.

use crate::error::CaliptraError;
use crate::handles::{CaliptraSession, fill, in_session, input, output, value, wanted};
use caliptra_util_host_commands::api;
use caliptra_util_host_commands::types::{AesMode, CMK_SIZE, Cmk, HashAlgorithm, KeyUsage};
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
/// A key that only the device can open.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CaliptraCmk {
    /// The sealed key.
    pub octets: [u8; 128],
}

const _: () = assert!(size_of::<CaliptraCmk>() == CMK_SIZE);

/// A signature or a public point: two numbers of 48 octets, big endian.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CaliptraP384Pair {
    /// R, or X.
    pub first: [u8; 48],
    /// S, or Y.
    pub second: [u8; 48],
}

/// A hash that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_hash_context_free`.
pub struct CaliptraHashContext(pub(crate) api::HashContext);

/// Frees a context whose operation is not ended. Null is allowed.
///
/// # Safety
/// `context` has to be null, or a context that was neither ended nor freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_hash_context_free(context: *mut CaliptraHashContext) {
    if !context.is_null() {
        // SAFETY: the caller's promise; the library made the pointer.
        drop(unsafe { Box::from_raw(context) });
    }
}

/// An AES encryption that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_aes_encrypt_context_free`.
pub struct CaliptraAesEncryptContext(pub(crate) api::AesEncryptContext);

/// Frees a context whose operation is not ended. Null is allowed.
///
/// # Safety
/// `context` has to be null, or a context that was neither ended nor freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_aes_encrypt_context_free(
    context: *mut CaliptraAesEncryptContext,
) {
    if !context.is_null() {
        // SAFETY: the caller's promise; the library made the pointer.
        drop(unsafe { Box::from_raw(context) });
    }
}

/// An AES decryption that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_aes_decrypt_context_free`.
pub struct CaliptraAesDecryptContext(pub(crate) api::AesDecryptContext);

/// Frees a context whose operation is not ended. Null is allowed.
///
/// # Safety
/// `context` has to be null, or a context that was neither ended nor freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_aes_decrypt_context_free(
    context: *mut CaliptraAesDecryptContext,
) {
    if !context.is_null() {
        // SAFETY: the caller's promise; the library made the pointer.
        drop(unsafe { Box::from_raw(context) });
    }
}

/// An AES-GCM encryption that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_aes_gcm_encrypt_context_free`.
pub struct CaliptraGcmEncryptContext(pub(crate) api::GcmEncryptContext);

/// Frees a context whose operation is not ended. Null is allowed.
///
/// # Safety
/// `context` has to be null, or a context that was neither ended nor freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_aes_gcm_encrypt_context_free(
    context: *mut CaliptraGcmEncryptContext,
) {
    if !context.is_null() {
        // SAFETY: the caller's promise; the library made the pointer.
        drop(unsafe { Box::from_raw(context) });
    }
}

/// An AES-GCM decryption that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_aes_gcm_decrypt_context_free`.
pub struct CaliptraGcmDecryptContext(pub(crate) api::GcmDecryptContext);

/// Frees a context whose operation is not ended. Null is allowed.
///
/// # Safety
/// `context` has to be null, or a context that was neither ended nor freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_aes_gcm_decrypt_context_free(
    context: *mut CaliptraGcmDecryptContext,
) {
    if !context.is_null() {
        // SAFETY: the caller's promise; the library made the pointer.
        drop(unsafe { Box::from_raw(context) });
    }
}

/// A Diffie-Hellman exchange that was begun. It belongs to its session, and is freed by the call that ends it or by `caliptra_ecdh_context_free`.
pub struct CaliptraEcdhContext(pub(crate) api::EcdhContext);

/// Frees a context whose operation is not ended. Null is allowed.
///
/// # Safety
/// `context` has to be null, or a context that was neither ended nor freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_ecdh_context_free(context: *mut CaliptraEcdhContext) {
    if !context.is_null() {
        // SAFETY: the caller's promise; the library made the pointer.
        drop(unsafe { Box::from_raw(context) });
    }
}

fn hash_algorithm(number: u32) -> CaliptraResult<HashAlgorithm> {
    HashAlgorithm::from_u32(number).ok_or(CaliptraApiError::InvalidParameter(
        "a hash is 1 (SHA-384) or 2 (SHA-512)",
    ))
}

pub(crate) fn aes_mode(number: u32) -> CaliptraResult<AesMode> {
    AesMode::from_u32(number).ok_or(CaliptraApiError::InvalidParameter(
        "a mode is 1 (CBC) or 2 (CTR)",
    ))
}

pub(crate) fn key_usage(number: u32) -> CaliptraResult<KeyUsage> {
    KeyUsage::from_u32(number).ok_or(CaliptraApiError::InvalidParameter(
        "a usage is 1 (HMAC), 3 (AES), 4 (ECDSA) or 5 (ML-DSA)",
    ))
}

/// A context from C.
///
/// # Safety
/// `context` has to be null or valid, and used by nobody else.
pub(crate) unsafe fn context<'a, T>(context: *mut T) -> CaliptraResult<&'a mut T> {
    // SAFETY: the caller's promise.
    unsafe { context.as_mut() }.ok_or(CaliptraApiError::InvalidParameter("a context is null"))
}

/// Takes a context from C for good.
///
/// # Safety
/// `context` has to be null, or a context that was neither ended nor freed.
pub(crate) unsafe fn end<T>(context: *mut T) -> CaliptraResult<Box<T>> {
    if context.is_null() {
        return Err(CaliptraApiError::InvalidParameter("a context is null"));
    }
    // SAFETY: the caller's promise; the library made the pointer.
    Ok(unsafe { Box::from_raw(context) })
}

pub(crate) fn boxed<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Begins a hash: `algorithm` 1 is SHA-384, 2 SHA-512. The data may be of any length.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_hash_init(
    session: *mut CaliptraSession,
    algorithm: u32,
    data: *const u8,
    data_len: usize,
    context_out: *mut *mut CaliptraHashContext,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(context_out)?;
            let begun = api::caliptra_cmd_hash_init(
                session,
                hash_algorithm(algorithm)?,
                input(data, data_len)?,
            )?;
            output(context_out, boxed(CaliptraHashContext(begun)))
        })
    }
}

/// Continues a hash.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_hash_update(
    session: *mut CaliptraSession,
    hash: *mut CaliptraHashContext,
    data: *const u8,
    data_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let hash = context(hash)?;
            api::caliptra_cmd_hash_update(session, &mut hash.0, input(data, data_len)?)
        })
    }
}

/// Ends a hash and frees its context, whatever the result.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_hash_finalize(
    session: *mut CaliptraSession,
    hash: *mut CaliptraHashContext,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let hash = end(hash)?;
            let data = input(data, data_len)?;
            fill(out, out_len, |out| {
                api::caliptra_cmd_hash_finalize(session, hash.0, data, out)
            })
        })
    }
}

/// Hashes data of any length.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_hash_one_shot(
    session: *mut CaliptraSession,
    algorithm: u32,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (algorithm, data) = (hash_algorithm(algorithm)?, input(data, data_len)?);
            fill(out, out_len, |out| {
                api::caliptra_cmd_hash_one_shot(session, algorithm, data, out)
            })
        })
    }
}

/// Imports a key: `usage` 1 is HMAC (48 or 64 octets), 3 AES (32), 4 ECDSA (48), 5 ML-DSA (32).
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_import(
    session: *mut CaliptraSession,
    usage: u32,
    key: *const u8,
    key_len: usize,
    cmk: *mut CaliptraCmk,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(cmk)?;
            let octets =
                api::caliptra_cmd_import(session, key_usage(usage)?, input(key, key_len)?)?;
            output(cmk, CaliptraCmk { octets })
        })
    }
}

/// Deletes a key.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_delete(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            api::caliptra_cmd_delete(session, &value(cmk)?.octets)
        })
    }
}

/// Tells how much of the device's key storage is used.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_key_status(
    session: *mut CaliptraSession,
    used: *mut u32,
    total: *mut u32,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(used)?;
            wanted(total)?;
            let status = api::caliptra_cmd_key_status(session)?;
            output(used, status.used_usage_storage)?;
            output(total, status.total_usage_storage)
        })
    }
}

/// Computes a message authentication code.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_hmac(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
    algorithm: u32,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (cmk, algorithm) = (value(cmk)?, hash_algorithm(algorithm)?);
            let data = input(data, data_len)?;
            fill(out, out_len, |out| {
                api::caliptra_cmd_hmac(session, &cmk.octets, algorithm, data, out)
            })
        })
    }
}

/// Derives a key, SP 800-108 in counter mode.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_hmac_kdf_counter(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
    algorithm: u32,
    usage: u32,
    key_size: u32,
    label: *const u8,
    label_len: usize,
    derived: *mut CaliptraCmk,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(derived)?;
            let (algorithm, usage) = (hash_algorithm(algorithm)?, key_usage(usage)?);
            let (cmk, label) = (&value(cmk)?.octets, input(label, label_len)?);
            let octets: Cmk = api::caliptra_cmd_hmac_kdf_counter(
                session, cmk, algorithm, usage, key_size, label,
            )?;
            output(derived, CaliptraCmk { octets })
        })
    }
}

/// Fills a buffer with random octets of the device.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_random_generate(
    session: *mut CaliptraSession,
    out: *mut u8,
    out_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let mut len = out_len;
            fill(out, &mut len, |out| {
                api::caliptra_cmd_random_generate(session, out)?;
                Ok(out.len())
            })
        })
    }
}

/// Adds entropy to the device's random number generator.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_random_stir(
    session: *mut CaliptraSession,
    data: *const u8,
    data_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            api::caliptra_cmd_random_stir(session, input(data, data_len)?)
        })
    }
}
