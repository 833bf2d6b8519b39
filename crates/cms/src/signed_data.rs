//! `SignedData`, RFC 5652 section 5.1.

use netboot_x509::Hash;
use netboot_x509::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, constructed};

use crate::algorithm::Algorithm;
use crate::certificates::Certificates;
use crate::error::{CmsError, Part};
use crate::signer_info::SignerInfo;
use crate::syntax::Fields;
use crate::{MAX_CRLS, MAX_DIGEST_ALGORITHMS, oid};

/// A message with one signer. Nothing in it is verified, so it shows no content: [`SignedData::verify`] does.
#[derive(Clone, Copy, Debug)]
pub struct SignedData<'a> {
    pub(crate) content_type: &'a [u8],
    pub(crate) content: Option<&'a [u8]>,
    pub(crate) certificates: Certificates<'a>,
    pub(crate) signer: SignerInfo<'a>,
}

impl<'a> SignedData<'a> {
    /// Content of the content type's `OBJECT IDENTIFIER`, as the message has it.
    pub fn content_type(&self) -> &'a [u8] {
        self.content_type
    }

    /// Whether the content is not in the message (RFC 5652 section 5.2).
    pub fn is_detached(&self) -> bool {
        self.content.is_none()
    }

    /// The hash with which the content's digest is computed.
    ///
    /// # Errors
    /// [`CmsError::UnsupportedDigest`], [`CmsError::UnsupportedSignature`], [`CmsError::RsaSignature`],
    /// [`CmsError::AlgorithmMismatch`], [`CmsError::UnlistedDigest`].
    pub fn hash(&self) -> Result<Hash, CmsError> {
        self.signer.hash
    }

    /// Whether the digest of detached content is enough to verify it. Without signed attributes the signature is over the
    /// content itself.
    pub fn has_signed_attributes(&self) -> bool {
        self.signer.attributes.is_some()
    }

    /// The digest of the content that the signed attributes have, by [`hash`](Self::hash). It is true once [`verify`](Self::verify) has found the
    /// message right with this very digest as its content. `None` without signed attributes.
    pub fn claimed_digest(&self) -> Option<&'a [u8]> {
        self.signer.attributes.as_ref().map(|all| all.digest)
    }

    /// The certificates in the message, which nobody has judged.
    pub fn certificates(&self) -> Certificates<'a> {
        self.certificates
    }
}

/// What a `SignedData` turned out to be.
pub(crate) enum Signers<'a> {
    /// It has no signer, and carries certificates.
    None(Certificates<'a>),
    /// It has one signer.
    One(SignedData<'a>),
}

/// Reads the content of a `ContentInfo`'s `[0]`.
#[inline(never)]
pub(crate) fn read(content: &[u8]) -> Result<Signers<'_>, CmsError> {
    const PART: Part = Part::SignedData;
    let mut outer = Fields::new(content, PART);
    let mut data = outer.nested(SEQUENCE)?;
    outer.end()?;
    // 1 and 3 are what certificates and octets need; 4 and 5 have attribute certificates and other formats, which are
    // skipped here.
    if !matches!(data.expect(INTEGER)?, [1 | 3 | 4 | 5]) {
        return Err(CmsError::UnsupportedVersion);
    }
    let algorithms = data.expect(SET)?;
    let mut encapsulated = data.nested(SEQUENCE)?;
    let content_type = encapsulated.identifier()?;
    let content = match encapsulated.is_empty() {
        true => None,
        false => {
            let mut explicit = encapsulated.nested(constructed(0))?;
            let content = explicit.expect(OCTET_STRING)?;
            explicit.end()?;
            Some(content)
        }
    };
    encapsulated.end()?;
    let certificates = match data.optional(constructed(0))? {
        Some(value) => Certificates::read(value.content)?,
        None => Certificates::default(),
    };
    if let Some(value) = data.optional(constructed(1))? {
        check_crls(value.content)?;
    }
    let signers = data.expect(SET)?;
    data.end()?;
    let listed = listed(algorithms)?;
    match Reader::new(signers).count() {
        0 if signers.is_empty() => return Ok(Signers::None(certificates)),
        0 | 1 => {}
        _ => return Err(CmsError::SeveralSigners),
    }
    let mut signer = SignerInfo::read(signers)?;
    signer.hash = signer.hash.and_then(|hash| match listed(hash) {
        true => Ok(hash),
        false => Err(CmsError::UnlistedDigest),
    });
    if signer.attributes.is_none() && content_type != oid::DATA {
        return Err(CmsError::NoAttributes);
    }
    Ok(Signers::One(SignedData {
        content_type,
        content,
        certificates,
        signer,
    }))
}

/// Which hashes the message lists as its digest algorithms.
fn listed(algorithms: &[u8]) -> Result<impl Fn(Hash) -> bool, CmsError> {
    let mut fields = Fields::new(algorithms, Part::SignedData);
    let (mut sha256, mut sha384) = (false, false);
    let mut left = MAX_DIGEST_ALGORITHMS;
    while !fields.is_empty() {
        left = left.checked_sub(1).ok_or(CmsError::TooManyAlgorithms)?;
        match Algorithm::read(&mut fields, Part::SignedData)?.digest() {
            Some(Hash::Sha256) => sha256 = true,
            Some(Hash::Sha384) => sha384 = true,
            None => {}
        }
    }
    Ok(move |hash| match hash {
        Hash::Sha256 => sha256,
        Hash::Sha384 => sha384,
    })
}

/// A ROM has no use for revocation lists: it has no clock to tell how old they are.
fn check_crls(crls: &[u8]) -> Result<(), CmsError> {
    let mut fields = Fields::new(crls, Part::SignedData);
    let mut left = MAX_CRLS;
    while !fields.is_empty() {
        left = left.checked_sub(1).ok_or(CmsError::TooManyCrls)?;
        fields.value()?;
    }
    Ok(())
}
