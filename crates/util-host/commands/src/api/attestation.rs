//! Signed evidence of what the device runs.

use crate::error::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_command_types::wire::copy_out;
use caliptra_util_host_command_types::{
    GetAttestationRequest, SignatureAlgorithm, evidence_format,
};
use caliptra_util_host_session::CaliptraSession;

/// Asks which formats of evidence the device has: bit *n* stands for format *n* of [`evidence_format`].
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_get_attestation_formats(
    session: &mut CaliptraSession<'_>,
) -> CaliptraResult<u32> {
    let request = GetAttestationRequest {
        evidence_format: evidence_format::QUERY,
        algorithm: SignatureAlgorithm::EccP384 as u32,
        pki_entity_slot: 0,
        nonce: [0; 32],
    };
    let answer = session.execute(&request)?;
    answer.formats().ok_or(CaliptraApiError::CommandFailed(
        "the device's list of evidence formats has not four octets",
    ))
}

/// Asks for evidence; gives its length in octets. The caller verifies its signature and looks for `nonce` in it.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_get_attestation(
    session: &mut CaliptraSession<'_>,
    format: u32,
    algorithm: SignatureAlgorithm,
    pki_entity_slot: u32,
    nonce: &[u8; 32],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    if format == evidence_format::QUERY {
        return Err(CaliptraApiError::InvalidParameter(
            "format 0 asks for the list of formats",
        ));
    }
    let request = GetAttestationRequest {
        evidence_format: format,
        algorithm: algorithm as u32,
        pki_entity_slot,
        nonce: *nonce,
    };
    let answer = session.execute(&request)?;
    Ok(copy_out(answer.data, out)?)
}
