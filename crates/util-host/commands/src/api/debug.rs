//! Debugging: echo, status, and the log.

use crate::error::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_command_types::wire::copy_out;
use caliptra_util_host_command_types::{
    DebugClearLogRequest, DebugEchoRequest, DebugGetLogRequest, DebugGetStatusRequest,
};
use caliptra_util_host_session::CaliptraSession;

/// Most parts in which a log is drained: a device that always has more does not hold the caller for ever.
pub const MAX_LOG_PARTS: u32 = 65_536;

/// Has the device give back at most 4096 octets, checks them and writes them to `out`; gives their number. The contract gives
/// this command no code, so it needs a custom transport.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_debug_echo(
    session: &mut CaliptraSession<'_>,
    data: &[u8],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    let echo = session.execute(&DebugEchoRequest { data })?;
    Ok(copy_out(echo.data, out)?)
}

/// Asks for the device's status. The contract gives this command no code, so it needs a custom transport.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_debug_get_status(session: &mut CaliptraSession<'_>) -> CaliptraResult<u32> {
    Ok(session.execute(&DebugGetStatusRequest {})?.status)
}

/// Drains one part of the log into `out`: whole defmt frames in rzCOBS. Gives the octets written and whether there is more.
///
/// A part that was read is gone from the device, so `out` should hold the longest part: 4096 octets do.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_debug_get_log(
    session: &mut CaliptraSession<'_>,
    out: &mut [u8],
) -> CaliptraResult<(usize, bool)> {
    let part = session.execute(&DebugGetLogRequest {})?;
    let more = part.more;
    Ok((copy_out(part.data, out)?, more))
}

/// Drains the log and gives each part to `sink`; gives the number of octets.
///
/// # Errors
/// [`CommandFailed`](CaliptraApiError::CommandFailed) when there is still more after [`MAX_LOG_PARTS`]; else as for
/// [`CaliptraSession::execute`]. What `sink` has got stays valid.
pub fn caliptra_cmd_debug_drain_log(
    session: &mut CaliptraSession<'_>,
    mut sink: impl FnMut(&[u8]),
) -> CaliptraResult<usize> {
    let mut octets = 0usize;
    for _ in 0..MAX_LOG_PARTS {
        let part = session.execute(&DebugGetLogRequest {})?;
        sink(part.data);
        octets = octets.saturating_add(part.data.len());
        if !part.more {
            return Ok(octets);
        }
    }
    Err(CaliptraApiError::CommandFailed(
        "the device's log does not end",
    ))
}

/// Clears the log.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_debug_clear_log(session: &mut CaliptraSession<'_>) -> CaliptraResult<()> {
    session.execute(&DebugClearLogRequest {})?;
    Ok(())
}
