//! AES-256-GCM.

use super::same_session;
use crate::error::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_command_types::wire::copy_out;
use caliptra_util_host_command_types::{
    AES_GCM_CONTEXT_SIZE, AesGcmDecryptFinalRequest, AesGcmDecryptInitRequest,
    AesGcmDecryptUpdateRequest, AesGcmEncryptFinalRequest, AesGcmEncryptInitRequest,
    AesGcmEncryptUpdateRequest, Cmk, GCM_OVERHANG,
};
use caliptra_util_host_session::CaliptraSession;
use zeroize::{Zeroize, ZeroizeOnDrop};

macro_rules! context {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Zeroize, ZeroizeOnDrop)]
        pub struct $name {
            session_id: u32,
            octets: [u8; AES_GCM_CONTEXT_SIZE],
        }
    };
}
context!(
    /// An encryption that was begun. It belongs to one session.
    GcmEncryptContext
);
context!(
    /// A decryption that was begun. It belongs to one session.
    GcmDecryptContext
);

/// A command gives back up to 16 octets more than it takes; a buffer without room for them is told before anything is sent.
fn room(data: &[u8], out: &[u8]) -> CaliptraResult<()> {
    let (needed, available) = (data.len().saturating_add(GCM_OVERHANG), out.len());
    match available < needed {
        true => Err(CaliptraApiError::BufferTooSmall { needed, available }),
        false => Ok(()),
    }
}

/// Begins an encryption; gives the context and the initialization vector that the device chose. `aad`, at most 4096 octets, is
/// authenticated and not encrypted.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_aes_gcm_encrypt_init(
    session: &mut CaliptraSession<'_>,
    cmk: &Cmk,
    aad: &[u8],
) -> CaliptraResult<(GcmEncryptContext, [u8; 12])> {
    let session_id = session.session_id;
    let started = session.execute(&AesGcmEncryptInitRequest { cmk, aad })?;
    let octets = started.context;
    Ok((GcmEncryptContext { session_id, octets }, started.iv))
}

/// Continues an encryption with 1 to 4096 octets; gives the octets written to `out`, which needs room for 16 more than went in.
///
/// # Errors
/// When `out` is too small, before anything is sent; as for [`CaliptraSession::execute`];
/// [`WrongContext`](CaliptraApiError::WrongContext).
pub fn caliptra_cmd_aes_gcm_encrypt_update(
    session: &mut CaliptraSession<'_>,
    context: &mut GcmEncryptContext,
    plaintext: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    same_session(session, context.session_id)?;
    room(plaintext, out)?;
    let request = AesGcmEncryptUpdateRequest {
        context: &context.octets,
        data: plaintext,
    };
    let answer = session.execute(&request)?;
    let len = copy_out(answer.data, out)?;
    context.octets = answer.context;
    Ok(len)
}

/// Ends an encryption with at most 4096 octets; gives the octets written to `out` and the tag.
///
/// # Errors
/// As for [`caliptra_cmd_aes_gcm_encrypt_update`].
pub fn caliptra_cmd_aes_gcm_encrypt_final(
    session: &mut CaliptraSession<'_>,
    context: GcmEncryptContext,
    plaintext: &[u8],
    out: &mut [u8],
) -> CaliptraResult<(usize, [u8; 16])> {
    same_session(session, context.session_id)?;
    room(plaintext, out)?;
    let request = AesGcmEncryptFinalRequest {
        context: &context.octets,
        data: plaintext,
    };
    let sealed = session.execute(&request)?;
    Ok((copy_out(sealed.data, out)?, sealed.tag))
}

/// Begins a decryption.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_aes_gcm_decrypt_init(
    session: &mut CaliptraSession<'_>,
    cmk: &Cmk,
    iv: &[u8; 12],
    aad: &[u8],
) -> CaliptraResult<GcmDecryptContext> {
    let session_id = session.session_id;
    let octets = session.execute(&AesGcmDecryptInitRequest { cmk, iv, aad })?;
    Ok(GcmDecryptContext { session_id, octets })
}

/// Continues a decryption with 1 to 4096 octets; gives the octets written to `out`, which needs room for 16 more than went in.
/// **What is written is not authentic until [`caliptra_cmd_aes_gcm_decrypt_final`] says so.**
///
/// # Errors
/// As for [`caliptra_cmd_aes_gcm_encrypt_update`].
pub fn caliptra_cmd_aes_gcm_decrypt_update(
    session: &mut CaliptraSession<'_>,
    context: &mut GcmDecryptContext,
    ciphertext: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    same_session(session, context.session_id)?;
    room(ciphertext, out)?;
    let request = AesGcmDecryptUpdateRequest {
        context: &context.octets,
        data: ciphertext,
    };
    let answer = session.execute(&request)?;
    let len = copy_out(answer.data, out)?;
    context.octets = answer.context;
    Ok(len)
}

/// Ends a decryption with at most 4096 octets; gives the octets written to `out`.
///
/// # Errors
/// [`CommandFailed`](CaliptraApiError::CommandFailed) when the tag is wrong: `out` is then left as it was, and nothing that the
/// operation gave may be used. Else as for [`caliptra_cmd_aes_gcm_encrypt_update`].
pub fn caliptra_cmd_aes_gcm_decrypt_final(
    session: &mut CaliptraSession<'_>,
    context: GcmDecryptContext,
    tag: &[u8; 16],
    ciphertext: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    same_session(session, context.session_id)?;
    room(ciphertext, out)?;
    let request = AesGcmDecryptFinalRequest {
        context: &context.octets,
        tag,
        data: ciphertext,
    };
    let opened = session.execute(&request)?;
    if !opened.authentic {
        return Err(CaliptraApiError::CommandFailed(
            "the authentication tag is wrong",
        ));
    }
    Ok(copy_out(opened.data, out)?)
}
