//! Cryptographic commands.

use crate::error::CaliptraError;
use crate::handles::{CaliptraSession, fill, in_session, input, output, value, wanted};
use caliptra_util_host_commands::api::{self, EcdsaSignature};
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
pub struct CaliptraHashContext(api::HashContext);

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
pub struct CaliptraAesEncryptContext(api::AesEncryptContext);

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
pub struct CaliptraAesDecryptContext(api::AesDecryptContext);

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
pub struct CaliptraGcmEncryptContext(api::GcmEncryptContext);

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
pub struct CaliptraGcmDecryptContext(api::GcmDecryptContext);

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
pub struct CaliptraEcdhContext(api::EcdhContext);

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

fn aes_mode(number: u32) -> CaliptraResult<AesMode> {
    AesMode::from_u32(number).ok_or(CaliptraApiError::InvalidParameter(
        "a mode is 1 (CBC) or 2 (CTR)",
    ))
}

fn key_usage(number: u32) -> CaliptraResult<KeyUsage> {
    KeyUsage::from_u32(number).ok_or(CaliptraApiError::InvalidParameter(
        "a usage is 1 (HMAC), 3 (AES), 4 (ECDSA) or 5 (ML-DSA)",
    ))
}

/// A context from C.
///
/// # Safety
/// `context` has to be null or valid, and used by nobody else.
unsafe fn context<'a, T>(context: *mut T) -> CaliptraResult<&'a mut T> {
    // SAFETY: the caller's promise.
    unsafe { context.as_mut() }.ok_or(CaliptraApiError::InvalidParameter("a context is null"))
}

/// Takes a context from C for good.
///
/// # Safety
/// `context` has to be null, or a context that was neither ended nor freed.
unsafe fn end<T>(context: *mut T) -> CaliptraResult<Box<T>> {
    if context.is_null() {
        return Err(CaliptraApiError::InvalidParameter("a context is null"));
    }
    // SAFETY: the caller's promise; the library made the pointer.
    Ok(unsafe { Box::from_raw(context) })
}

fn boxed<T>(value: T) -> *mut T {
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

/// Begins an AES encryption: `mode` 1 is CBC, 2 CTR. `iv` gets 16 octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_encrypt_init(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
    mode: u32,
    data: *const u8,
    data_len: usize,
    iv: *mut u8,
    out: *mut u8,
    out_len: *mut usize,
    context_out: *mut *mut CaliptraAesEncryptContext,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(context_out)?;
            wanted(iv)?;
            let (cmk, mode, data) = (value(cmk)?, aes_mode(mode)?, input(data, data_len)?);
            let mut begun = None;
            fill(out, out_len, |out| {
                let (context, vector, len) =
                    api::caliptra_cmd_aes_encrypt_init(session, &cmk.octets, mode, data, out)?;
                begun = Some((context, vector));
                Ok(len)
            })?;
            let (begun, vector) =
                begun.ok_or(CaliptraApiError::CommandFailed("there is no context"))?;
            output(iv.cast::<[u8; 16]>(), vector)?;
            output(context_out, boxed(CaliptraAesEncryptContext(begun)))
        })
    }
}

/// Continues an AES encryption.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_encrypt_update(
    session: *mut CaliptraSession,
    aes: *mut CaliptraAesEncryptContext,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (aes, data) = (context(aes)?, input(data, data_len)?);
            fill(out, out_len, |out| {
                api::caliptra_cmd_aes_encrypt_update(session, &mut aes.0, data, out)
            })
        })
    }
}

/// Begins an AES decryption: `mode` 1 is CBC, 2 CTR. `iv` has 16 octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_decrypt_init(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
    mode: u32,
    iv: *const u8,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
    context_out: *mut *mut CaliptraAesDecryptContext,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(context_out)?;
            let (cmk, mode, data) = (value(cmk)?, aes_mode(mode)?, input(data, data_len)?);
            let iv = value(iv.cast::<[u8; 16]>())?;
            let mut begun = None;
            fill(out, out_len, |out| {
                let (context, len) =
                    api::caliptra_cmd_aes_decrypt_init(session, &cmk.octets, mode, iv, data, out)?;
                begun = Some(context);
                Ok(len)
            })?;
            let begun = begun.ok_or(CaliptraApiError::CommandFailed("there is no context"))?;
            output(context_out, boxed(CaliptraAesDecryptContext(begun)))
        })
    }
}

/// Continues an AES decryption.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_decrypt_update(
    session: *mut CaliptraSession,
    aes: *mut CaliptraAesDecryptContext,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (aes, data) = (context(aes)?, input(data, data_len)?);
            fill(out, out_len, |out| {
                api::caliptra_cmd_aes_decrypt_update(session, &mut aes.0, data, out)
            })
        })
    }
}

/// Begins an AES-GCM encryption. `iv` gets 12 octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_gcm_encrypt_init(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
    aad: *const u8,
    aad_len: usize,
    iv: *mut u8,
    context_out: *mut *mut CaliptraGcmEncryptContext,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(context_out)?;
            wanted(iv)?;
            let (cmk, aad) = (value(cmk)?, input(aad, aad_len)?);
            let (begun, vector) =
                api::caliptra_cmd_aes_gcm_encrypt_init(session, &cmk.octets, aad)?;
            output(iv.cast::<[u8; 12]>(), vector)?;
            output(context_out, boxed(CaliptraGcmEncryptContext(begun)))
        })
    }
}

/// Begins an AES-GCM decryption. `iv` has 12 octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_gcm_decrypt_init(
    session: *mut CaliptraSession,
    cmk: *const CaliptraCmk,
    iv: *const u8,
    aad: *const u8,
    aad_len: usize,
    context_out: *mut *mut CaliptraGcmDecryptContext,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(context_out)?;
            let (cmk, aad) = (value(cmk)?, input(aad, aad_len)?);
            let iv = value(iv.cast::<[u8; 12]>())?;
            let begun = api::caliptra_cmd_aes_gcm_decrypt_init(session, &cmk.octets, iv, aad)?;
            output(context_out, boxed(CaliptraGcmDecryptContext(begun)))
        })
    }
}

/// Continues an AES-GCM encryption. The buffer needs room for 16 octets more than go in.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_gcm_encrypt_update(
    session: *mut CaliptraSession,
    gcm: *mut CaliptraGcmEncryptContext,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (gcm, data) = (context(gcm)?, input(data, data_len)?);
            fill(out, out_len, |out| {
                api::caliptra_cmd_aes_gcm_encrypt_update(session, &mut gcm.0, data, out)
            })
        })
    }
}

/// Continues an AES-GCM decryption. The buffer needs room for 16 octets more than go in. What it gets is not authentic yet.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_gcm_decrypt_update(
    session: *mut CaliptraSession,
    gcm: *mut CaliptraGcmDecryptContext,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (gcm, data) = (context(gcm)?, input(data, data_len)?);
            fill(out, out_len, |out| {
                api::caliptra_cmd_aes_gcm_decrypt_update(session, &mut gcm.0, data, out)
            })
        })
    }
}

/// Ends an AES-GCM encryption and frees its context, whatever the result. `tag` gets 16 octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_gcm_encrypt_final(
    session: *mut CaliptraSession,
    gcm: *mut CaliptraGcmEncryptContext,
    data: *const u8,
    data_len: usize,
    tag: *mut u8,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let gcm = end(gcm)?;
            wanted(tag)?;
            let data = input(data, data_len)?;
            let mut sealed = [0; 16];
            fill(out, out_len, |out| {
                let (len, tag) =
                    api::caliptra_cmd_aes_gcm_encrypt_final(session, gcm.0, data, out)?;
                sealed = tag;
                Ok(len)
            })?;
            output(tag.cast::<[u8; 16]>(), sealed)
        })
    }
}

/// Ends an AES-GCM decryption and frees its context, whatever the result. `tag` has 16 octets. A wrong tag is
/// `CALIPTRA_ERROR_DEVICE`: nothing that the operation gave may then be used.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; a buffer has to be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_aes_gcm_decrypt_final(
    session: *mut CaliptraSession,
    gcm: *mut CaliptraGcmDecryptContext,
    tag: *const u8,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let gcm = end(gcm)?;
            let (tag, data) = (value(tag.cast::<[u8; 16]>())?, input(data, data_len)?);
            fill(out, out_len, |out| {
                api::caliptra_cmd_aes_gcm_decrypt_final(session, gcm.0, tag, data, out)
            })
        })
    }
}

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
