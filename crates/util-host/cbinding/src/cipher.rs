//! AES-256 in CBC, CTR and GCM.

use crate::crypto::{
    CaliptraAesDecryptContext, CaliptraAesEncryptContext, CaliptraCmk, CaliptraGcmDecryptContext,
    CaliptraGcmEncryptContext, aes_mode, boxed, context, end,
};
use crate::error::CaliptraError;
use crate::handles::{CaliptraSession, fill, in_session, input, output, value, wanted};
use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_commands::api;

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
