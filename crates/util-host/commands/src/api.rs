//! The functions, one for each command.

mod aes;
mod asymmetric;
mod attestation;
mod certificate;
mod debug;
mod device_info;
mod fuse;
mod gcm;
mod hash;
mod key;
mod unlock;

pub use aes::*;
pub use asymmetric::*;
pub use attestation::*;
pub use certificate::*;
pub use debug::*;
pub use device_info::*;
pub use fuse::*;
pub use gcm::*;
pub use hash::*;
pub use key::*;
pub use unlock::*;

use crate::error::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_command_types::wire::copy_out;
use caliptra_util_host_command_types::{Command, Data};
use caliptra_util_host_session::CaliptraSession;

/// Executes a command that gives data, and copies the data into `out`.
fn fetch<C>(session: &mut CaliptraSession<'_>, command: &C, out: &mut [u8]) -> CaliptraResult<usize>
where
    C: for<'r> Command<Response<'r> = Data<'r>>,
{
    let answer = session.execute(command)?;
    Ok(copy_out(answer.data, out)?)
}

/// Checks that a context belongs to this session.
fn same_session(session: &CaliptraSession<'_>, session_id: u32) -> CaliptraResult<()> {
    match session.session_id == session_id {
        true => Ok(()),
        false => Err(CaliptraApiError::WrongContext),
    }
}

/// Executes a command by its number, with a payload that the caller built; copies the answer's payload, from `fips_status`
/// on, into `out` and gives its length. For device ownership transfer, and for commands of plugins and custom transports.
///
/// # Errors
/// As for [`CaliptraSession::execute_raw`], and when `out` is too small.
pub fn caliptra_cmd_raw(
    session: &mut CaliptraSession<'_>,
    command_id: u32,
    payload: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    use caliptra_util_host_command_types::CaliptraCommandId;
    let idempotent =
        CaliptraCommandId::from_u32(command_id).is_some_and(CaliptraCommandId::is_idempotent);
    let answer = session.execute_raw(command_id, idempotent, payload)?;
    Ok(copy_out(answer, out)?)
}
