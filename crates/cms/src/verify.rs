//! Verification of a signed message, RFC 5652 sections 5.4 to 5.6.

use heapless::Vec;
use netboot_x509::der::{self, SET};
use netboot_x509::{Hash, Trust, VerifyError, verify_signer};
use sha2::{Digest, Sha256};

use crate::attributes::SignedAttributes;
use crate::content::ContentDigest;
use crate::error::CmsError;
use crate::signed_data::SignedData;
use crate::{MAX_CERTIFICATES, MAX_SIGNED_ATTRIBUTES};

/// Signed attributes as they are signed: a tag, a length of up to three octets, and their octets.
const MAX_SIGNED: usize = 1 + 3 + MAX_SIGNED_ATTRIBUTES;

/// Where the content is that the signature is for.
#[derive(Clone, Copy, Debug)]
pub enum Content<'c> {
    /// In the message.
    Encapsulated,
    /// Apart from the message: all of it.
    Octets(&'c [u8]),
    /// Apart from the message: its digest by [`SignedData::hash`], computed while the content came. SHA-256 has 32 octets,
    /// SHA-384 has 48. The message needs signed attributes ([`SignedData::has_signed_attributes`]).
    Digest(&'c [u8]),
    /// Apart from the message: what [`ContentHasher`](crate::ContentHasher) saw of it. It is enough for messages without signed attributes, too.
    Hashed(&'c ContentDigest),
}

/// What a signature is over.
enum Signed<'s> {
    Octets(&'s [u8]),
    Digest(&'s [u8; 32]),
}

/// What a signed message has to be.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Who may issue signers' certificates, and what is known of the time.
    pub trust: Trust<'a>,
    /// The extended key usage that the signer's certificate has to name, such as
    /// [`oid::CODE_SIGNING`](crate::oid::CODE_SIGNING); `None` leaves it open.
    pub usage: Option<&'static [u8]>,
    /// Content types that are accepted, such as [`oid::DATA`](crate::oid::DATA).
    pub content_types: &'a [&'a [u8]],
}

/// A message whose signature is right and whose signer is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    /// Content of the content type's `OBJECT IDENTIFIER`, one of [`Policy::content_types`].
    pub content_type: &'a [u8],
    /// The content, if it is in the message.
    pub content: Option<&'a [u8]>,
    /// The signer's certificate in DER.
    pub signer: &'a [u8],
    /// The time that the signer says it signed at, Unix time in seconds. It is the signer's word: certificates are not judged
    /// by it.
    pub signing_time: Option<u64>,
}

impl<'a> SignedData<'a> {
    /// Verifies the signature over `content`, and the signer's certificate.
    ///
    /// The signer's certificate and those of CAs are taken from the message, and from `certificates` in DER: an owner's
    /// certificate of secure zero-touch provisioning comes in a message of its own. Together they are at most
    /// [`MAX_CERTIFICATES`], each counted once.
    ///
    /// The work is bounded: at most one hash of the content, one verification of the signature, and the verifications of
    /// one path ([`verify_signer`]).
    ///
    /// # Errors
    /// [`CmsError`]: what is wrong with the message comes before what is wrong with the certificates, and that before a wrong
    /// signature.
    #[inline(never)]
    pub fn verify(
        &self,
        content: Content<'_>,
        certificates: &[&'a [u8]],
        policy: &Policy<'_>,
    ) -> Result<Verified<'a>, CmsError> {
        if !policy.content_types.contains(&self.content_type) {
            return Err(CmsError::WrongContentType);
        }
        let hash = self.hash()?;
        let content = match (self.content, content) {
            (Some(octets), Content::Encapsulated) => Content::Octets(octets),
            (None, Content::Encapsulated) => return Err(CmsError::Detached),
            (None, apart) => apart,
            (Some(_), _) => return Err(CmsError::Attached),
        };
        // Where the attributes are signed, they are put together here.
        let mut signed: Vec<u8, MAX_SIGNED> = Vec::new();
        let data = match (&self.signer.attributes, content) {
            (Some(attributes), content) => {
                self.check_attributes(attributes, content, hash)?;
                let tagged = signed.push(SET).is_ok();
                let whole = signed.extend_from_slice(attributes.untagged).is_ok();
                // Their length was checked where they were read.
                if !(tagged && whole) {
                    return Err(CmsError::AttributesTooLong);
                }
                Signed::Octets(&signed)
            }
            (None, Content::Hashed(content)) => {
                if content.is_set {
                    return Err(CmsError::AmbiguousContent);
                }
                if hash != Hash::Sha256 {
                    return Err(CmsError::UnsupportedDigest);
                }
                Signed::Digest(&content.sha256)
            }
            (None, Content::Octets(octets)) => {
                // Signed attributes of another message are such octets, and its signature is right for them.
                if der::only(octets, SET).is_some() {
                    return Err(CmsError::AmbiguousContent);
                }
                Signed::Octets(octets)
            }
            (None, _) => return Err(CmsError::NeedsContent),
        };
        let chain = self.chain(certificates)?;
        let key = verify_signer(&chain, policy.usage, &policy.trust).map_err(CmsError::Signer)?;
        let algorithms = policy.trust.algorithms;
        let signature = self.signer.signature;
        let verdict = match data {
            Signed::Octets(octets) => key.verify_data(hash, octets, signature, algorithms),
            Signed::Digest(digest) => key.verify_digest(hash, digest, signature, algorithms),
        };
        verdict.map_err(|error| match error {
            VerifyError::WrongScheme => CmsError::UnsupportedSignature,
            _ => CmsError::BadSignature,
        })?;
        Ok(Verified {
            content_type: self.content_type,
            content: self.content,
            signer: chain.first().copied().unwrap_or_default(),
            signing_time: self.signer.attributes.and_then(|all| all.signing_time),
        })
    }

    /// Whether the signed attributes are those of this content (sections 11.1 and 11.2).
    fn check_attributes(
        &self,
        attributes: &SignedAttributes<'_>,
        content: Content<'_>,
        hash: Hash,
    ) -> Result<(), CmsError> {
        if attributes.content_type != self.content_type {
            return Err(CmsError::ContentTypeMismatch);
        }
        let same = match (content, hash) {
            (Content::Digest(digest), hash) => {
                if digest.len() != octets_of(hash) {
                    return Err(CmsError::WrongDigestLength);
                }
                digest == attributes.digest
            }
            (Content::Hashed(content), Hash::Sha256) => content.sha256 == *attributes.digest,
            (Content::Octets(octets), Hash::Sha256) => {
                Sha256::digest(octets).as_slice() == attributes.digest
            }
            #[cfg(feature = "p384")]
            (Content::Octets(octets), Hash::Sha384) => {
                sha2::Sha384::digest(octets).as_slice() == attributes.digest
            }
            #[cfg(not(feature = "p384"))]
            (Content::Octets(_), Hash::Sha384) => return Err(CmsError::UnsupportedDigest),
            (Content::Hashed(_), Hash::Sha384) => return Err(CmsError::UnsupportedDigest),
            (Content::Encapsulated, _) => return Err(CmsError::Detached),
        };
        match same {
            true => Ok(()),
            false => Err(CmsError::DigestMismatch),
        }
    }

    /// The signer's certificate, and behind it all others.
    fn chain(
        &self,
        certificates: &[&'a [u8]],
    ) -> Result<Vec<&'a [u8], MAX_CERTIFICATES>, CmsError> {
        let all = || self.certificates.iter().chain(certificates.iter().copied());
        let signer = all().find(|der| self.signer.id.is(der));
        let signer = signer.ok_or(CmsError::NoSignerCertificate)?;
        let mut chain = Vec::new();
        for der in core::iter::once(signer).chain(all()) {
            if !chain.contains(&der) {
                chain.push(der).or(Err(CmsError::TooManyCertificates))?;
            }
        }
        Ok(chain)
    }
}

/// Octets of a digest.
const fn octets_of(hash: Hash) -> usize {
    match hash {
        Hash::Sha256 => 32,
        Hash::Sha384 => 48,
    }
}
