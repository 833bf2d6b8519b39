//! Fuses, and commands that need an authorization.

use crate::error::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_command_types::wire::copy_out;
use caliptra_util_host_command_types::{
    CommandResponse, Done, FuseLockRequest, FuseReadRequest, FuseWriteRequest,
    GetAuthCmdChallengeRequest, Provision, ProvisionRequest, Writer,
};
use caliptra_util_host_session::CaliptraSession;

/// Most octets of a provisioning command: a hash and an authorization of both signatures and keys.
const MAX_PROVISION: usize = 8 * 1024;

/// Reads a fuse into `out`; gives how many bits are valid.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_fuse_read(
    session: &mut CaliptraSession<'_>,
    partition: u32,
    entry: u32,
    out: &mut [u8],
) -> CaliptraResult<u32> {
    let value = session.execute(&FuseReadRequest { partition, entry })?;
    copy_out(value.data, out)?;
    Ok(value.bits)
}

/// Writes those bits of a fuse word that are set in `mask`. **A fuse never goes back to 0.**
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_fuse_write(
    session: &mut CaliptraSession<'_>,
    word_addr: u32,
    data: u32,
    mask: u32,
) -> CaliptraResult<()> {
    let request = FuseWriteRequest {
        word_addr,
        data,
        mask,
    };
    session.execute(&request)?;
    Ok(())
}

/// Locks a fuse partition for good.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_fuse_lock(
    session: &mut CaliptraSession<'_>,
    partition: u32,
) -> CaliptraResult<()> {
    session.execute(&FuseLockRequest { partition })?;
    Ok(())
}

/// Asks for a challenge that authorizes one command.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_get_auth_challenge(
    session: &mut CaliptraSession<'_>,
) -> CaliptraResult<[u8; 48]> {
    let request = GetAuthCmdChallengeRequest {
        flags: 0,
        reserved: 0,
    };
    Ok(session.execute(&request)?.challenge)
}

/// Provisions a hash, field entropy, a least security version or a revocation. `authorization` follows the command's fields; it
/// is empty where the mailbox's own boundary is the authorization.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_provision(
    session: &mut CaliptraSession<'_>,
    what: Provision<'_>,
    authorization: &[u8],
) -> CaliptraResult<()> {
    if authorization.len() > MAX_PROVISION {
        return Err(CaliptraApiError::InvalidParameter(
            "the authorization is longer than 8192 octets",
        ));
    }
    let request = ProvisionRequest {
        what,
        authorization,
    };
    let answer = session.execute_with(what.id() as u32, false, |writer: &mut Writer<'_>| {
        request.encode(writer)
    })?;
    Done::from_bytes(answer)?;
    Ok(())
}
