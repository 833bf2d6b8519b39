//! The certificate that is judged, a server's or a signer's: the first one of a chain.

use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::certificate::{self, Certificate};
use super::{LeafKey, MAX_CERTIFICATES, MAX_ROOTS, Role, Trust, VerifyError, path, profile};

/// The first certificate of a chain, valid at the time taken.
pub(super) struct Leaf<'a, 'c> {
    der: &'a [u8],
    pub certificate: Certificate<'a>,
    key: LeafKey,
    /// Whether it is known by its key or by itself, so that nobody has to have signed it.
    pub pinned: bool,
    /// The other certificates.
    presented: &'c [&'a [u8]],
    /// The time taken.
    now: u64,
}

impl<'a, 'c> Leaf<'a, 'c> {
    /// Checks the bounds of `chain` and of `trust`, and what can be said of the first certificate alone.
    pub fn read(chain: &'c [&'a [u8]], trust: &Trust<'_>) -> Result<Self, VerifyError> {
        let (roots, keys) = trust.policy.parts();
        if roots.is_empty() && keys.is_empty() {
            return Err(VerifyError::NoTrust);
        }
        if roots.len() > MAX_ROOTS {
            return Err(VerifyError::TooMuchTrust);
        }
        if chain.len() > MAX_CERTIFICATES {
            return Err(VerifyError::TooManyCertificates);
        }
        let (der, presented) = chain.split_first().ok_or(VerifyError::NoCertificate)?;
        let certificate = Certificate::parse(der, Role::Leaf)?;
        let key = LeafKey::from_spki(certificate.spki)?;
        let pinned = keys.contains(key.spki_sha256()) || roots.contains(der);
        let latest = chain.iter().filter_map(|der| certificate::not_before(der));
        let now = trust.time.resolve(latest.max().unwrap_or_default());
        profile::check_validity(&certificate, Role::Leaf, now, false)?;
        Ok(Self {
            der,
            certificate,
            key,
            pinned,
            presented,
            now,
        })
    }

    /// Gives the key of the certificate when `check` has nothing against the certificate, and a path leads from it to an anchor unless it is
    /// pinned. Each certificate of the path allows `usage`, if there is one.
    pub fn verify(
        self,
        trust: &Trust<'_>,
        usage: Option<&'static [u8]>,
        check: &mut dyn FnMut(&Self, &EndEntityCert<'_>) -> Result<(), VerifyError>,
    ) -> Result<LeafKey, VerifyError> {
        let der = CertificateDer::from(self.der);
        let parsed = EndEntityCert::try_from(&der);
        let parsed = parsed.or(Err(VerifyError::BadCertificate(Role::Leaf)))?;
        check(&self, &parsed)?;
        if !self.pinned {
            path::verify(self.der, &parsed, self.presented, trust, usage, self.now)?;
        }
        Ok(self.key)
    }
}
