//! Signed evidence of what the device runs.

use crate::command::{Command, CommonResponse, message};
use crate::error::CommandError;
use crate::id::CaliptraCommandId;
use crate::wire::{Field, Reader, Writer};

/// A format of evidence.
pub mod evidence_format {
    /// Not a format: asks which formats the device has.
    pub const QUERY: u32 = 0;
    /// A COSE_Sign1 with the claims of the OCP profile of entity attestation tokens.
    pub const OCP_EAT: u32 = 1;
    /// A quote over Caliptra's PCRs.
    pub const PCR_QUOTE: u32 = 2;
}

message! {
    /// Asks for evidence, or with [`evidence_format::QUERY`] for the formats that there are.
    GetAttestationRequest {
        /// One of [`evidence_format`].
        evidence_format: u32,
        /// A [`SignatureAlgorithm`](crate::SignatureAlgorithm).
        algorithm: u32,
        /// Whose hierarchy endorses the key: 0 the vendor's, 1 the owner's.
        pki_entity_slot: u32,
        /// Comes back inside the evidence, so that it is fresh.
        nonce: [u8; 32],
    }
}

/// Evidence, or the formats that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence<'r> {
    /// What each answer begins with.
    pub common: CommonResponse,
    /// The format that was asked for.
    pub evidence_format: u32,
    /// The evidence; for a query a bit for each format, as a number of 32 bits.
    pub data: &'r [u8],
}

impl Evidence<'_> {
    /// The formats that the device has: bit *n* for format *n*. `None` unless a query was asked.
    pub fn formats(&self) -> Option<u32> {
        if self.evidence_format != evidence_format::QUERY {
            return None;
        }
        self.data.try_into().ok().map(u32::from_le_bytes)
    }
}

impl Command for GetAttestationRequest {
    const ID: CaliptraCommandId = CaliptraCommandId::GetAttestation;
    type Response<'r> = Evidence<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        self.put(out)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<Evidence<'r>, CommandError> {
        let mut reader = Reader::new(response);
        let common = CommonResponse::take(&mut reader)?;
        let body = reader.sized()?;
        reader.finish()?;
        let mut body = Reader::new(body);
        let evidence_format = body.u32()?;
        if evidence_format != self.evidence_format {
            return Err(CommandError::InvalidResponse(
                "it is evidence of another format",
            ));
        }
        let data = body.rest();
        Ok(Evidence {
            common,
            evidence_format,
            data,
        })
    }
}
