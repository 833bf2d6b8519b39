//! AES-256 in CBC and CTR.

use super::same_session;
use crate::error::CaliptraResult;
use caliptra_util_host_command_types::wire::copy_out;
use caliptra_util_host_command_types::{
    AES_CONTEXT_SIZE, AesDecryptInitRequest, AesDecryptUpdateRequest, AesEncryptInitRequest,
    AesEncryptUpdateRequest, AesMode, Cmk, CommandError,
};
use caliptra_util_host_session::CaliptraSession;
use zeroize::{Zeroize, ZeroizeOnDrop};

macro_rules! context {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Zeroize, ZeroizeOnDrop)]
        pub struct $name {
            session_id: u32,
            #[zeroize(skip)]
            mode: AesMode,
            octets: [u8; AES_CONTEXT_SIZE],
        }
    };
}
context!(
    /// An encryption that was begun. It belongs to one session.
    AesEncryptContext
);
context!(
    /// A decryption that was begun. It belongs to one session.
    AesDecryptContext
);

/// The output of CBC and CTR is as long as the input; a buffer that is too small is told before anything is sent.
fn room(data: &[u8], out: &[u8]) -> CaliptraResult<()> {
    let (needed, available) = (data.len(), out.len());
    match available < needed {
        true => Err(CommandError::BufferTooSmall { needed, available }.into()),
        false => Ok(()),
    }
}

fn whole_blocks(mode: AesMode, data: &[u8]) -> CaliptraResult<()> {
    match mode == AesMode::Cbc && !data.len().is_multiple_of(16) {
        true => Err(CommandError::InvalidRequest("CBC takes whole blocks of 16 octets").into()),
        false => Ok(()),
    }
}

/// Begins an encryption with 1 to 4096 octets, whole blocks of 16 for CBC. Gives the context, the initialization vector that
/// the device chose, and the octets written to `out`.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_aes_encrypt_init(
    session: &mut CaliptraSession<'_>,
    cmk: &Cmk,
    mode: AesMode,
    plaintext: &[u8],
    out: &mut [u8],
) -> CaliptraResult<(AesEncryptContext, [u8; 16], usize)> {
    room(plaintext, out)?;
    let session_id = session.session_id;
    let request = AesEncryptInitRequest {
        cmk,
        mode,
        plaintext,
    };
    let started = session.execute(&request)?;
    let len = copy_out(started.data, out)?;
    let octets = started.context;
    let context = AesEncryptContext {
        session_id,
        mode,
        octets,
    };
    Ok((context, started.iv, len))
}

/// Begins a decryption with 1 to 4096 octets, whole blocks of 16 for CBC. Gives the context and the octets written to `out`.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_aes_decrypt_init(
    session: &mut CaliptraSession<'_>,
    cmk: &Cmk,
    mode: AesMode,
    iv: &[u8; 16],
    ciphertext: &[u8],
    out: &mut [u8],
) -> CaliptraResult<(AesDecryptContext, usize)> {
    room(ciphertext, out)?;
    let session_id = session.session_id;
    let request = AesDecryptInitRequest {
        cmk,
        mode,
        iv,
        ciphertext,
    };
    let started = session.execute(&request)?;
    let len = copy_out(started.data, out)?;
    let octets = started.context;
    let context = AesDecryptContext {
        session_id,
        mode,
        octets,
    };
    Ok((context, len))
}

/// Continues an encryption; gives the octets written to `out`.
///
/// # Errors
/// As for [`caliptra_cmd_aes_encrypt_init`]; [`WrongContext`](crate::CaliptraApiError::WrongContext).
pub fn caliptra_cmd_aes_encrypt_update(
    session: &mut CaliptraSession<'_>,
    context: &mut AesEncryptContext,
    plaintext: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    same_session(session, context.session_id)?;
    whole_blocks(context.mode, plaintext)?;
    room(plaintext, out)?;
    let request = AesEncryptUpdateRequest {
        context: &context.octets,
        plaintext,
    };
    let answer = session.execute(&request)?;
    let len = copy_out(answer.data, out)?;
    context.octets = answer.context;
    Ok(len)
}

/// Continues a decryption; gives the octets written to `out`.
///
/// # Errors
/// As for [`caliptra_cmd_aes_decrypt_init`]; [`WrongContext`](crate::CaliptraApiError::WrongContext).
pub fn caliptra_cmd_aes_decrypt_update(
    session: &mut CaliptraSession<'_>,
    context: &mut AesDecryptContext,
    ciphertext: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    same_session(session, context.session_id)?;
    whole_blocks(context.mode, ciphertext)?;
    room(ciphertext, out)?;
    let request = AesDecryptUpdateRequest {
        context: &context.octets,
        ciphertext,
    };
    let answer = session.execute(&request)?;
    let len = copy_out(answer.data, out)?;
    context.octets = answer.context;
    Ok(len)
}
