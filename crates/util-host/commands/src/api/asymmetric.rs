//! ECDSA and ECDH on P-384.

use super::same_session;
use crate::error::CaliptraResult;
use caliptra_util_host_command_types::{
    Cmk, ECDH_CONTEXT_SIZE, EcdhFinishRequest, EcdhGenerateRequest, EcdsaPublicKeyRequest,
    EcdsaPublicKeyResponse, EcdsaSignRequest, EcdsaVerifyDigestRequest, EcdsaVerifyRequest,
    KeyUsage,
};
use caliptra_util_host_session::CaliptraSession;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A signature: R and S, big endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcdsaSignature {
    /// R.
    pub r: [u8; 48],
    /// S.
    pub s: [u8; 48],
}

/// Asks for the public key of a device key.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_ecdsa_public_key(
    session: &mut CaliptraSession<'_>,
    cmk: &Cmk,
) -> CaliptraResult<EcdsaPublicKeyResponse> {
    Ok(session.execute(&EcdsaPublicKeyRequest { cmk: *cmk })?)
}

/// Signs the SHA-384 of a message of at most 4096 octets.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_ecdsa_sign(
    session: &mut CaliptraSession<'_>,
    cmk: &Cmk,
    message: &[u8],
) -> CaliptraResult<EcdsaSignature> {
    let answer = session.execute(&EcdsaSignRequest { cmk, message })?;
    Ok(EcdsaSignature {
        r: answer.r,
        s: answer.s,
    })
}

/// Verifies a signature over the SHA-384 of a message with a key of the device.
///
/// # Errors
/// When the signature is wrong, the device declines the command without a reason. Else as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_ecdsa_verify(
    session: &mut CaliptraSession<'_>,
    cmk: &Cmk,
    signature: &EcdsaSignature,
    message: &[u8],
) -> CaliptraResult<()> {
    let request = EcdsaVerifyRequest {
        cmk,
        r: &signature.r,
        s: &signature.s,
        message,
    };
    session.execute(&request)?;
    Ok(())
}

/// Verifies a signature over a SHA-384 with a public key.
///
/// # Errors
/// As for [`caliptra_cmd_ecdsa_verify`].
pub fn caliptra_cmd_ecdsa_verify_digest(
    session: &mut CaliptraSession<'_>,
    x: &[u8; 48],
    y: &[u8; 48],
    signature: &EcdsaSignature,
    digest: &[u8; 48],
) -> CaliptraResult<()> {
    let request = EcdsaVerifyDigestRequest {
        x: *x,
        y: *y,
        r: signature.r,
        s: signature.s,
        digest: *digest,
    };
    session.execute(&request)?;
    Ok(())
}

/// A Diffie-Hellman exchange that was begun. It belongs to one session.
#[derive(Debug, Zeroize, ZeroizeOnDrop)]
pub struct EcdhContext {
    session_id: u32,
    octets: [u8; ECDH_CONTEXT_SIZE],
}

/// Begins a Diffie-Hellman exchange; gives the context and the device's public point, X and Y.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_ecdh_generate(
    session: &mut CaliptraSession<'_>,
) -> CaliptraResult<(EcdhContext, [u8; 96])> {
    let session_id = session.session_id;
    let answer = session.execute(&EcdhGenerateRequest {})?;
    let octets = answer.context;
    Ok((EcdhContext { session_id, octets }, answer.exchange_data))
}

/// Ends a Diffie-Hellman exchange with the other side's public point, X and Y; gives the shared secret as a key.
///
/// # Errors
/// As for [`CaliptraSession::execute`]; [`WrongContext`](crate::CaliptraApiError::WrongContext).
pub fn caliptra_cmd_ecdh_finish(
    session: &mut CaliptraSession<'_>,
    context: EcdhContext,
    usage: KeyUsage,
    peer: &[u8; 96],
) -> CaliptraResult<Cmk> {
    same_session(session, context.session_id)?;
    let request = EcdhFinishRequest {
        context: &context.octets,
        usage,
        exchange_data: peer,
    };
    Ok(session.execute(&request)?.cmk)
}
