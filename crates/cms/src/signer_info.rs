//! `SignerInfo`, RFC 5652 section 5.3.

use netboot_x509::der::{INTEGER, OCTET_STRING, SEQUENCE, constructed, context};
use netboot_x509::{Hash, Identity};

use crate::algorithm::{self, Algorithm};
use crate::attributes::{self, SignedAttributes};
use crate::error::{CmsError, Part};
use crate::syntax::Fields;

/// Which certificate is the signer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignerId<'a> {
    IssuerAndSerial {
        /// Content of the `Name`.
        issuer: &'a [u8],
        /// Content of the `INTEGER`.
        serial: &'a [u8],
    },
    KeyIdentifier(&'a [u8]),
}

impl SignerId<'_> {
    /// Whether it names this certificate in DER.
    pub(crate) fn is(&self, der: &[u8]) -> bool {
        let Some(identity) = Identity::of(der) else {
            return false;
        };
        match self {
            SignerId::IssuerAndSerial { issuer, serial } => {
                identity.issuer == *issuer && identity.serial == *serial
            }
            SignerId::KeyIdentifier(identifier) => identity.key_identifier == Some(identifier),
        }
    }
}

/// Who has signed, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignerInfo<'a> {
    pub(crate) id: SignerId<'a>,
    /// The hash of digest and signature, or why there is none.
    pub(crate) hash: Result<Hash, CmsError>,
    pub(crate) attributes: Option<SignedAttributes<'a>>,
    pub(crate) signature: &'a [u8],
}

impl<'a> SignerInfo<'a> {
    /// Reads the only value of `signerInfos`.
    pub(crate) fn read(signers: &'a [u8]) -> Result<Self, CmsError> {
        const PART: Part = Part::SignerInfo;
        let mut outer = Fields::new(signers, PART);
        let mut signer = outer.nested(SEQUENCE)?;
        outer.end()?;
        let version = signer.expect(INTEGER)?;
        let (id, needed) = match signer.optional(context(0))? {
            Some(identifier) => (SignerId::KeyIdentifier(identifier.content), [3]),
            None => {
                let mut both = signer.nested(SEQUENCE)?;
                let (issuer, serial) = (both.expect(SEQUENCE)?, both.expect(INTEGER)?);
                both.end()?;
                (SignerId::IssuerAndSerial { issuer, serial }, [1])
            }
        };
        if version != needed {
            return Err(CmsError::UnsupportedVersion);
        }
        let digest = Algorithm::read(&mut signer, PART)?;
        let attributes = match signer.optional(constructed(0))? {
            Some(attributes) => Some(SignedAttributes::read(attributes)?),
            None => None,
        };
        let algorithm = Algorithm::read(&mut signer, PART)?;
        let signature = signer.expect(OCTET_STRING)?;
        if let Some(unsigned) = signer.optional(constructed(1))? {
            attributes::check_unsigned(unsigned.content)?;
        }
        signer.end()?;
        Ok(Self {
            id,
            hash: algorithm::hash(digest, algorithm),
            attributes,
            signature,
        })
    }
}
