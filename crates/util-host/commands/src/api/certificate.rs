//! Certificates and certificate signing requests.

use super::fetch;
use crate::error::CaliptraResult;
use caliptra_util_host_command_types::{
    DeviceKey, ExportAttestedCsrRequest, ExportIdevidCsrRequest, GetCertChainRequest,
    GetFmcAliasCertRequest, GetIdevidCertRequest, GetLdevidCertRequest, GetRtAliasCertRequest,
    SignatureAlgorithm, StoreCertificateRequest,
};
use caliptra_util_host_session::CaliptraSession;

/// Asks for the attested certificate signing request of a device key, a COSE_Sign1; gives its length in octets.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_export_attested_csr(
    session: &mut CaliptraSession<'_>,
    key: DeviceKey,
    algorithm: SignatureAlgorithm,
    nonce: &[u8; 32],
    out: &mut [u8],
) -> CaliptraResult<usize> {
    let request = ExportAttestedCsrRequest {
        device_key_id: key as u32,
        algorithm: algorithm as u32,
        nonce: *nonce,
    };
    fetch(session, &request, out)
}

/// Asks for the certificate signing request of the IDevID key; gives its length in octets. The contract gives this command no
/// code in the mailbox, so it needs a custom transport.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_export_idevid_csr(
    session: &mut CaliptraSession<'_>,
    algorithm: SignatureAlgorithm,
    out: &mut [u8],
) -> CaliptraResult<usize> {
    let algorithm = algorithm as u32;
    fetch(session, &ExportIdevidCsrRequest { algorithm }, out)
}

macro_rules! certificates {
    ($($(#[$doc:meta])* $name:ident, $request:expr;)*) => {$(
        $(#[$doc])*
        /// Gives its length in octets. The contract gives this command no code in the mailbox, so it needs a custom transport.
        ///
        /// # Errors
        /// When `out` is too small, and as for [`CaliptraSession::execute`].
        pub fn $name(session: &mut CaliptraSession<'_>, out: &mut [u8]) -> CaliptraResult<usize> {
            fetch(session, &$request, out)
        }
    )*};
}
certificates! {
    /// Asks for the IDevID certificate, DER.
    caliptra_cmd_get_idevid_cert, GetIdevidCertRequest {};
    /// Asks for the LDevID certificate, DER.
    caliptra_cmd_get_ldevid_cert, GetLdevidCertRequest {};
    /// Asks for the certificate of the FMC alias key, DER.
    caliptra_cmd_get_fmc_alias_cert, GetFmcAliasCertRequest {};
    /// Asks for the certificate of the runtime alias key, DER.
    caliptra_cmd_get_rt_alias_cert, GetRtAliasCertRequest {};
}

/// Asks for the certificate chain of a slot; gives its length in octets. The contract reserves the mailbox's code for it, so it
/// needs a custom transport.
///
/// # Errors
/// When `out` is too small, and as for [`CaliptraSession::execute`].
pub fn caliptra_cmd_get_cert_chain(
    session: &mut CaliptraSession<'_>,
    slot: u32,
    out: &mut [u8],
) -> CaliptraResult<usize> {
    fetch(session, &GetCertChainRequest { slot }, out)
}

/// Stores a certificate, DER, in a slot. The contract reserves the mailbox's code for it, so it needs a custom transport.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_store_certificate(
    session: &mut CaliptraSession<'_>,
    slot: u32,
    certificate: &[u8],
) -> CaliptraResult<()> {
    session.execute(&StoreCertificateRequest { slot, certificate })?;
    Ok(())
}
