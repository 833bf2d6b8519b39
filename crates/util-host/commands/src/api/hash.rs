//! SHA-384 and SHA-512.

use super::same_session;
use crate::error::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_command_types::wire::copy_out;
use caliptra_util_host_command_types::{
    HashAlgorithm, HashFinalizeRequest, HashInitRequest, HashUpdateRequest, MAX_CRYPTO_DATA,
    SHA_CONTEXT_SIZE,
};
use caliptra_util_host_session::CaliptraSession;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A hash that was begun. It belongs to one session.
#[derive(Debug, Zeroize, ZeroizeOnDrop)]
pub struct HashContext {
    session_id: u32,
    #[zeroize(skip)]
    algorithm: HashAlgorithm,
    octets: [u8; SHA_CONTEXT_SIZE],
}

/// Begins a hash with the first octets of the data, of any length.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_hash_init(
    session: &mut CaliptraSession<'_>,
    algorithm: HashAlgorithm,
    data: &[u8],
) -> CaliptraResult<HashContext> {
    let (data, rest) = data.split_at(data.len().min(MAX_CRYPTO_DATA));
    let octets = session.execute(&HashInitRequest { algorithm, data })?;
    let mut context = HashContext {
        session_id: session.session_id,
        algorithm,
        octets,
    };
    if !rest.is_empty() {
        caliptra_cmd_hash_update(session, &mut context, rest)?;
    }
    Ok(context)
}

/// Continues a hash with data of any length. After an error the context is as after the last command that succeeded, which
/// may have taken a part of the data: begin anew.
///
/// # Errors
/// As for [`CaliptraSession::execute`]; [`WrongContext`](CaliptraApiError::WrongContext).
pub fn caliptra_cmd_hash_update(
    session: &mut CaliptraSession<'_>,
    context: &mut HashContext,
    data: &[u8],
) -> CaliptraResult<()> {
    same_session(session, context.session_id)?;
    for data in data.chunks(MAX_CRYPTO_DATA) {
        let request = HashUpdateRequest {
            context: &context.octets,
            data,
        };
        context.octets = session.execute(&request)?;
    }
    Ok(())
}

/// Ends a hash with the last octets of the data, writes the digest into `out` and gives its length: 48 or 64 octets.
///
/// # Errors
/// When `out` is too small, before anything is sent; as for [`CaliptraSession::execute`];
/// [`WrongContext`](CaliptraApiError::WrongContext).
pub fn caliptra_cmd_hash_finalize(
    session: &mut CaliptraSession<'_>,
    mut context: HashContext,
    data: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    same_session(session, context.session_id)?;
    let (needed, available) = (context.algorithm.digest_size(), out.len());
    if available < needed {
        return Err(CaliptraApiError::BufferTooSmall { needed, available });
    }
    let last = data.len().saturating_sub(1) / MAX_CRYPTO_DATA * MAX_CRYPTO_DATA;
    let (first, data) = data.split_at(last);
    caliptra_cmd_hash_update(session, &mut context, first)?;
    let request = HashFinalizeRequest {
        context: &context.octets,
        data,
    };
    let digest = session.execute(&request)?.data;
    if digest.len() != needed {
        return Err(CaliptraApiError::CommandFailed(
            "the device's digest has not the length of the algorithm's",
        ));
    }
    Ok(copy_out(digest, out)?)
}

/// Hashes data of any length, writes the digest into `out` and gives its length: 48 or 64 octets.
///
/// # Errors
/// As for [`caliptra_cmd_hash_init`] and [`caliptra_cmd_hash_finalize`].
pub fn caliptra_cmd_hash_one_shot(
    session: &mut CaliptraSession<'_>,
    algorithm: HashAlgorithm,
    data: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    let (needed, available) = (algorithm.digest_size(), out.len());
    if available < needed {
        return Err(CaliptraApiError::BufferTooSmall { needed, available });
    }
    let (first, rest) = data.split_at(data.len().min(MAX_CRYPTO_DATA));
    let context = caliptra_cmd_hash_init(session, algorithm, first)?;
    caliptra_cmd_hash_finalize(session, context, rest, out)
}
