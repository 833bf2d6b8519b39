//! Certificates and certificate signing requests.

use crate::command::{Command, CommandResponse, Data, Done, fetches, message};
use crate::error::CommandError;
use crate::id::CaliptraCommandId;
use crate::wire::Writer;

/// A device key whose request for a certificate can be exported.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKey {
    /// Not a key: asks which keys there are.
    Discovery = 0,
    /// LDevID.
    LdevId = 1,
    /// FMC alias.
    FmcAlias = 2,
    /// Runtime alias.
    RtAlias = 3,
}

/// An algorithm of signatures.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// ECDSA with P-384 and SHA-384.
    EccP384 = 1,
    /// ML-DSA-87.
    MlDsa87 = 2,
}

message! {
    /// Asks for the attested certificate signing request of a device key. The answer is a COSE_Sign1.
    ExportAttestedCsrRequest {
        /// A [`DeviceKey`].
        device_key_id: u32,
        /// A [`SignatureAlgorithm`].
        algorithm: u32,
        /// Comes back inside the answer, so that it is fresh.
        nonce: [u8; 32],
    }
}
fetches!(ExportAttestedCsrRequest, ExportAttestedCsr);

message! {
    /// Asks for the certificate signing request of the IDevID key, in manufacturing.
    ExportIdevidCsrRequest {
        /// A [`SignatureAlgorithm`].
        algorithm: u32,
    }
}
fetches!(ExportIdevidCsrRequest, ExportIdevidCsr);

message! {
    /// Asks for the IDevID certificate.
    GetIdevidCertRequest {}
}
fetches!(GetIdevidCertRequest, GetIdevidCert);

message! {
    /// Asks for the LDevID certificate.
    GetLdevidCertRequest {}
}
fetches!(GetLdevidCertRequest, GetLdevidCert);

message! {
    /// Asks for the certificate of the FMC alias key.
    GetFmcAliasCertRequest {}
}
fetches!(GetFmcAliasCertRequest, GetFmcAliasCert);

message! {
    /// Asks for the certificate of the runtime alias key.
    GetRtAliasCertRequest {}
}
fetches!(GetRtAliasCertRequest, GetRtAliasCert);

message! {
    /// Asks for the certificate chain of a slot.
    GetCertChainRequest {
        /// The slot.
        slot: u32,
    }
}
fetches!(GetCertChainRequest, GetCertChain);

/// Stores a certificate in a slot.
#[derive(Clone, Copy, Debug)]
pub struct StoreCertificateRequest<'a> {
    /// The slot.
    pub slot: u32,
    /// The certificate, DER.
    pub certificate: &'a [u8],
}

impl Command for StoreCertificateRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::StoreCertificate;
    type Response<'r> = Done;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.u32(self.slot)?;
        out.sized(self.certificate)
    }

    fn decode(&self, response: &[u8]) -> Result<Done, CommandError> {
        Done::from_bytes(response)
    }
}

/// A certificate or request, as the device gave it.
pub type Certificate<'r> = Data<'r>;
