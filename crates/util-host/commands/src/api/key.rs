//! Keys, message authentication codes and random numbers.

use super::fetch;
use crate::error::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_command_types::wire::copy_out;
use caliptra_util_host_command_types::{
    Cmk, DeleteRequest, HashAlgorithm, HmacKdfCounterRequest, HmacRequest, ImportRequest,
    KeyStatusRequest, KeyStatusResponse, KeyUsage, MAX_CRYPTO_DATA, RandomGenerateRequest,
    RandomStirRequest,
};
use caliptra_util_host_session::CaliptraSession;

/// Imports a key and gives it as a CMK, which only the device can open.
///
/// # Errors
/// When the key's length does not fit `usage`, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_import(
    session: &mut CaliptraSession<'_>,
    usage: KeyUsage,
    key: &[u8],
) -> CaliptraResult<Cmk> {
    Ok(session.execute(&ImportRequest { usage, key })?.cmk)
}

/// Deletes a key.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_delete(session: &mut CaliptraSession<'_>, cmk: &Cmk) -> CaliptraResult<()> {
    session.execute(&DeleteRequest { cmk: *cmk })?;
    Ok(())
}

/// Tells how much of the device's key storage is used.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_key_status(
    session: &mut CaliptraSession<'_>,
) -> CaliptraResult<KeyStatusResponse> {
    Ok(session.execute(&KeyStatusRequest {})?)
}

/// Computes a message authentication code over at most 4096 octets; gives its length: 48 or 64 octets.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_hmac(
    session: &mut CaliptraSession<'_>,
    cmk: &Cmk,
    algorithm: HashAlgorithm,
    data: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    let request = HmacRequest {
        cmk,
        algorithm,
        data,
    };
    let mac = session.execute(&request)?.data;
    if mac.len() != algorithm.digest_size() {
        return Err(CaliptraApiError::CommandFailed(
            "the device's code has not the length of the algorithm's",
        ));
    }
    Ok(copy_out(mac, out)?)
}

/// Derives a key, SP 800-108 in counter mode.
///
/// # Errors
/// When the key's length does not fit `usage`, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_hmac_kdf_counter(
    session: &mut CaliptraSession<'_>,
    cmk: &Cmk,
    algorithm: HashAlgorithm,
    usage: KeyUsage,
    key_size: u32,
    label: &[u8],
) -> CaliptraResult<Cmk> {
    let request = HmacKdfCounterRequest {
        cmk,
        algorithm,
        usage,
        key_size,
        label,
    };
    Ok(session.execute(&request)?.cmk)
}

/// Fills `out` with random octets of the device, 4096 in each command.
///
/// # Errors
/// When the device gives fewer than were asked for, and as for [`CaliptraSession::execute`]. `out` is then not to be used.
pub fn caliptra_cmd_random_generate(
    session: &mut CaliptraSession<'_>,
    out: &mut [u8],
) -> CaliptraResult<()> {
    for part in out.chunks_mut(MAX_CRYPTO_DATA) {
        let size = u32::try_from(part.len())
            .map_err(|_| CaliptraApiError::InvalidParameter("too long"))?;
        if fetch(session, &RandomGenerateRequest { size }, part)? != part.len() {
            return Err(CaliptraApiError::CommandFailed(
                "the device gave fewer random octets than it was asked for",
            ));
        }
    }
    Ok(())
}

/// Adds at most 4096 octets of entropy to the device's random number generator.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_random_stir(
    session: &mut CaliptraSession<'_>,
    data: &[u8],
) -> CaliptraResult<()> {
    session.execute(&RandomStirRequest { data })?;
    Ok(())
}
