//! Debug unlock in production.

use crate::error::CaliptraResult;
use caliptra_util_host_command_types::{
    ProdDebugUnlockReqRequest, ProdDebugUnlockReqResponse, ProdDebugUnlockTokenRequest,
};
use caliptra_util_host_session::CaliptraSession;

/// Asks for a debug unlock challenge of a level from 1 to 8.
///
/// # Errors
/// When the level is out of its range, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_prod_debug_unlock_req(
    session: &mut CaliptraSession<'_>,
    unlock_level: u8,
) -> CaliptraResult<ProdDebugUnlockReqResponse> {
    Ok(session.execute(&ProdDebugUnlockReqRequest::new(unlock_level)?)?)
}

/// Answers a debug unlock challenge.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_prod_debug_unlock_token(
    session: &mut CaliptraSession<'_>,
    token: &ProdDebugUnlockTokenRequest<'_>,
) -> CaliptraResult<()> {
    session.execute(token)?;
    Ok(())
}
