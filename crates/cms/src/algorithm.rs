//! `AlgorithmIdentifier`s of digests and signatures, RFC 5754.

use netboot_x509::Hash;
use netboot_x509::der::SEQUENCE;

use crate::error::{CmsError, Part};
use crate::oid;
use crate::syntax::Fields;

/// `NULL`, with its length.
const NULL: [u8; 2] = [0x05, 0x00];

/// Object identifier and parameters of one algorithm.
#[derive(Clone, Copy)]
pub(crate) struct Algorithm<'a> {
    id: &'a [u8],
    /// All octets of the parameters; none where they are left out.
    parameters: &'a [u8],
}

impl<'a> Algorithm<'a> {
    pub(crate) fn read(fields: &mut Fields<'a>, part: Part) -> Result<Self, CmsError> {
        let mut fields = Fields::new(fields.expect(SEQUENCE)?, part);
        let id = fields.identifier()?;
        let parameters = match fields.is_empty() {
            true => &[],
            false => fields.value()?.whole,
        };
        fields.end()?;
        Ok(Self { id, parameters })
    }

    /// The hash that this digest algorithm is. Section 2: its parameters are left out or `NULL`.
    pub(crate) fn digest(&self) -> Option<Hash> {
        let plain = self.parameters.is_empty() || self.parameters == NULL;
        match self.id {
            id if plain && id == oid::SHA256 => Some(Hash::Sha256),
            id if plain && id == oid::SHA384 => Some(Hash::Sha384),
            _ => None,
        }
    }

    /// The hash of this signature algorithm, which has to be ECDSA. Section 3.3: its parameters are left out.
    fn signature(&self) -> Result<Hash, CmsError> {
        let plain = self.parameters.is_empty();
        match self.id {
            id if plain && id == oid::ECDSA_SHA256 => Ok(Hash::Sha256),
            id if plain && id == oid::ECDSA_SHA384 => Ok(Hash::Sha384),
            id if id.starts_with(oid::RSA_ARC) => Err(CmsError::RsaSignature),
            _ => Err(CmsError::UnsupportedSignature),
        }
    }
}

/// The one hash of a signer's digest and signature. One that differed from the other would let an attacker choose the weaker.
pub(crate) fn hash(digest: Algorithm<'_>, signature: Algorithm<'_>) -> Result<Hash, CmsError> {
    let of_signature = signature.signature()?;
    let of_digest = digest.digest().ok_or(CmsError::UnsupportedDigest)?;
    match of_signature == of_digest {
        true => Ok(of_digest),
        false => Err(CmsError::AlgorithmMismatch),
    }
}
