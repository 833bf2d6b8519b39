//! Certificates of those who sign data: images, vouchers, messages (RFC 5652).

use super::leaf::Leaf;
use super::{LeafKey, Trust, VerifyError, certificate, profile, subject};

/// Judges the certificates of someone who has signed data, in DER, the signer's own first.
///
/// The others may come in any order, and may be more than are needed. What is found is the key with which the signature over
/// the data is verified, by [`LeafKey::verify_data`]. The certificate needs no name of a host.
///
/// `usage` is the extended key usage that the signer's certificate has to name, such as 1.3.6.1.5.5.7.3.3 (code signing),
/// as the content of its `OBJECT IDENTIFIER`; `anyExtendedKeyUsage` does not stand for it. A CA on the path that has the
/// extension has to name it, too. With `None` the extension is not looked at.
///
/// A certificate that is pinned, by its key or as one of the roots, is a signer's whoever issued it.
///
/// # Errors
/// As with [`verify_server`](super::verify_server), without those that concern the name of a server.
#[inline(never)]
pub fn verify_signer(
    chain: &[&[u8]],
    usage: Option<&'static [u8]>,
    trust: &Trust<'_>,
) -> Result<LeafKey, VerifyError> {
    let leaf = Leaf::read(chain, trust)?;
    leaf.verify(trust, usage, &mut |leaf, _| {
        profile::check_signer(&leaf.certificate, leaf.pinned, usage)
    })
}

/// By what others name a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Content of the issuer's `Name`.
    pub issuer: &'a [u8],
    /// Content of the subject's `Name`.
    pub subject: &'a [u8],
    /// Content of the `INTEGER`.
    pub serial: &'a [u8],
    /// Content of the subjectKeyIdentifier, if there is one.
    pub key_identifier: Option<&'a [u8]>,
    /// The value of the authorityKeyIdentifier extension, if there is one (RFC 5280 section 4.2.1.1).
    pub authority_key_identifier: Option<&'a [u8]>,
    /// Content of the keyIdentifier in that extension, if there is one.
    pub issuer_key_identifier: Option<&'a [u8]>,
    /// The subject's common name in its own encoding; `None` for a subject that has none, or several.
    pub common_name: Option<&'a [u8]>,
    /// The `SubjectPublicKeyInfo`, tag and length included.
    pub spki: &'a [u8],
}

impl<'a> Identity<'a> {
    /// Reads a certificate in DER, and judges nothing. `None`: malformed.
    pub fn of(der: &'a [u8]) -> Option<Self> {
        let certificate = certificate::read(der)?;
        Some(Self {
            issuer: certificate.issuer,
            subject: certificate.subject,
            serial: certificate.serial,
            key_identifier: profile::key_identifier(&certificate)?,
            authority_key_identifier: profile::authority_key_identifier(&certificate),
            issuer_key_identifier: profile::issuer_key_identifier(&certificate),
            common_name: subject::common_name(certificate.subject),
            spki: certificate.spki,
        })
    }
}
