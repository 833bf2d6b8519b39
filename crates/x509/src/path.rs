//! The path from a server's certificate to an anchor: rustls-webpki finds it, and each certificate on it has to have
//! the [`profile`](super::profile).

use core::cell::Cell;
use core::time::Duration;

use heapless::Vec;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, VerifiedPath,
};

use super::budget::{self, Counted, MAX_STEPS, Signatures};
use super::certificate::{self, Certificate, NAME_CONSTRAINTS};
use super::der::{self, SEQUENCE};
use super::profile::Place;
use super::rollover::{self, NewKey};
use super::{MAX_ALGORITHMS, MAX_CERTIFICATES, MAX_ROOTS, Role, Trust, VerifyError, profile};

/// Presented CAs.
const MAX_PRESENTED: usize = MAX_CERTIFICATES - 1;

/// Roots, and presented CAs whose keys are pinned.
const MAX_ANCHORS: usize = MAX_ROOTS + MAX_PRESENTED;

/// Verifies that a path leads from `leaf`, whose octets are `der`, over certificates of `presented` to an anchor. Each
/// certificate of the path that restricts the use of its key allows `usage`, an object identifier, if there is one.
#[inline(never)]
pub(super) fn verify(
    der: &[u8],
    leaf: &EndEntityCert<'_>,
    presented: &[&[u8]],
    trust: &Trust<'_>,
    usage: Option<&'static [u8]>,
    now: u64,
) -> Result<(), VerifyError> {
    let (roots, keys) = trust.policy.parts();
    let pinned = presented.iter().filter(|der| super::is_pinned(der, keys));
    // Roots come first: by their number the role of an end is known.
    let mut ends: Vec<&[u8], MAX_ANCHORS> = Vec::new();
    let mut anchors: Vec<TrustAnchor<'_>, MAX_ANCHORS> = Vec::new();
    for end in roots.iter().chain(pinned) {
        let malformed = VerifyError::BadCertificate(role(ends.len(), trust));
        let anchor = anchor(end).ok_or(malformed)?;
        ends.push(*end).or(Err(VerifyError::TooMuchTrust))?;
        anchors.push(anchor).or(Err(VerifyError::TooMuchTrust))?;
    }
    if anchors.is_empty() {
        return Err(VerifyError::NotPinned);
    }
    budget::check_constraints(der, presented, &ends)?;
    let signatures = Signatures::default();
    let counted = signatures.count(trust.algorithms, &[])?;
    let keys = rollover::find(presented, &ends, &dynamic(&counted), usage, now);
    // The certificates of new keys are no part of the path that is searched for.
    let mut certificates: Vec<CertificateDer<'_>, MAX_PRESENTED> = Vec::new();
    for der in presented {
        if !rollover::is_one(&keys, der) {
            let pushed = certificates.push(CertificateDer::from(*der));
            pushed.or(Err(VerifyError::TooManyCertificates))?;
        }
    }
    let search = Search {
        ends: &ends,
        anchors: &anchors,
        intermediates: &certificates,
        keys: &keys,
        trust,
        usage,
        now,
    };
    search.run(leaf, &signatures)
}

/// Algorithms as rustls-webpki wants them.
pub(super) fn dynamic<'c>(
    counted: &'c [Counted<'_>],
) -> Vec<&'c dyn SignatureVerificationAlgorithm, MAX_ALGORITHMS> {
    let mut algorithms = Vec::new();
    for algorithm in counted {
        // As many as were counted fit.
        let _ = algorithms.push(algorithm as &dyn SignatureVerificationAlgorithm);
    }
    algorithms
}

/// What an end of paths lends to them. The rest of it is checked when a path leads there: a root that is not used may
/// be as it likes.
fn anchor(der: &[u8]) -> Option<TrustAnchor<'_>> {
    let certificate = certificate::read(der)?;
    let name_constraints = match certificate.extension(NAME_CONSTRAINTS) {
        Some(extension) => Some(der::only(extension.value, SEQUENCE)?.into()),
        None => None,
    };
    Some(TrustAnchor {
        subject: certificate.subject.into(),
        subject_public_key_info: der::only(certificate.spki, SEQUENCE)?.into(),
        name_constraints,
    })
}

/// The role of an end of paths.
fn role(index: usize, trust: &Trust<'_>) -> Role {
    match index < trust.policy.parts().0.len() {
        true => Role::Root,
        false => Role::Issuer,
    }
}

/// What a path may consist of, and what it has to be.
struct Search<'s> {
    /// Roots first, then presented CAs whose keys are pinned.
    ends: &'s [&'s [u8]],
    anchors: &'s [TrustAnchor<'s>],
    intermediates: &'s [CertificateDer<'s>],
    keys: &'s [NewKey<'s>],
    trust: &'s Trust<'s>,
    usage: Option<&'static [u8]>,
    now: u64,
}

impl Search<'_> {
    #[inline(never)]
    fn run(&self, leaf: &EndEntityCert<'_>, signatures: &Signatures) -> Result<(), VerifyError> {
        let refusal = Cell::new(None);
        let accept = |path: &VerifiedPath<'_>| {
            self.check(path).map_err(|error| {
                refusal.set(Some(error));
                // Nothing here looks for revocations, so it is ours alone.
                Error::CertRevoked
            })
        };
        let usage = Allowed {
            usage: self.usage,
            steps: Cell::new(MAX_STEPS),
        };
        let counted = signatures.count(self.trust.algorithms, self.keys)?;
        leaf.verify_for_usage(
            &dynamic(&counted),
            self.anchors,
            self.intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(self.now)),
            usage,
            None,
            Some(&accept),
        )
        .map(|_| ())
        .map_err(|error| match (error, refusal.get()) {
            _ if signatures.is_exceeded() => VerifyError::BudgetExceeded,
            (Error::CertRevoked, Some(refusal)) => refusal,
            (error, _) => cause(&error, self.trust),
        })
    }

    /// Each certificate of a path whose signatures are right, but the leaf.
    fn check(&self, path: &VerifiedPath<'_>) -> Result<(), VerifyError> {
        let index = self
            .anchors
            .iter()
            .position(|anchor| core::ptr::eq(anchor, path.anchor()));
        let index = index.ok_or(VerifyError::UnknownIssuer)?;
        let end = self.ends.get(index).ok_or(VerifyError::UnknownIssuer)?;
        let role = role(index, self.trust);
        let mut below = 0;
        for (depth, certificate) in path.intermediate_certificates().enumerate() {
            if depth >= usize::from(self.trust.max_depth) {
                return Err(VerifyError::PathTooLong);
            }
            let der = certificate.der();
            let certificate = Certificate::parse(&der, Role::Issuer)?;
            profile::check_ca(&certificate, Role::Issuer, Place::Between, below)?;
            self.check_new_keys(&certificate, below)?;
            // RFC 5280 section 4.2.1.9.
            below += usize::from(!certificate.is_self_issued());
        }
        let certificate = Certificate::parse(end, role)?;
        // Its beginning has no part in the time taken unless the server presented it.
        let ends_only = role == Role::Root && !self.trust.time.is_trusted();
        profile::check_validity(&certificate, role, self.now, ends_only)?;
        self.check_new_keys(&certificate, below)?;
        profile::check_ca(&certificate, role, Place::End, below)
    }

    /// The certificates of a CA's new keys bound what is below it as its own does.
    fn check_new_keys(&self, ca: &Certificate<'_>, below: usize) -> Result<(), VerifyError> {
        let mut of_it = self.keys.iter().filter(|key| key.subject == ca.subject);
        match of_it.any(|key| key.path_length.is_some_and(|most| below > most)) {
            true => Err(VerifyError::PathTooLong),
            false => Ok(()),
        }
    }
}

/// For one use, or for any, within a budget: it is asked about each certificate that is tried.
struct Allowed {
    usage: Option<&'static [u8]>,
    steps: Cell<u8>,
}

impl ExtendedKeyUsageValidator for Allowed {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let left = self.steps.get().checked_sub(1);
        self.steps
            .set(left.ok_or(Error::MaximumPathBuildCallsExceeded)?);
        match self.usage {
            Some(usage) => KeyUsage::required_if_present(usage).validate(purposes),
            None => Ok(()),
        }
    }
}

/// The leaf was checked before, so what is wrong with one certificate is wrong with an issuer's.
fn cause(error: &Error, trust: &Trust<'_>) -> VerifyError {
    const ISSUER: Role = Role::Issuer;
    match error {
        Error::CertExpired { .. } => VerifyError::Expired(ISSUER),
        Error::CertNotValidYet { .. } => VerifyError::NotYetValid(ISSUER),
        Error::EndEntityUsedAsCa => VerifyError::NotACa(ISSUER),
        Error::CaUsedAsEndEntity => VerifyError::CaAsLeaf,
        Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => {
            VerifyError::WrongUsage(ISSUER)
        }
        Error::InvalidSignatureForPublicKey => VerifyError::BadSignature,
        Error::NameConstraintViolation
        | Error::InvalidNetworkMaskConstraint
        | Error::MalformedNameConstraint
        | Error::MalformedDnsIdentifier => VerifyError::NameConstraint,
        Error::PathLenConstraintViolated => VerifyError::PathTooLong,
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            VerifyError::UnsupportedSignature
        }
        Error::UnsupportedCriticalExtension => VerifyError::UnknownCriticalExtension(ISSUER),
        Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => VerifyError::BudgetExceeded,
        Error::UnknownIssuer => match trust.policy.parts() {
            ([], _) => VerifyError::NotPinned,
            _ => VerifyError::UnknownIssuer,
        },
        _ => VerifyError::BadCertificate(ISSUER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, TrustPolicy};

    /// Each error of rustls-webpki without a context of its own has one meaning, with roots and with pinned keys alone.
    #[test]
    fn causes() {
        const ISSUER: Role = Role::Issuer;
        let trust = |roots| Trust {
            policy: TrustPolicy::Pinned {
                roots,
                keys: &[[7; 32]],
            },
            time: TimePolicy::None,
            algorithms: DEFAULT_ALGORITHMS,
            max_depth: MAX_DEPTH,
        };
        let (rooted, pinned) = (trust(&[b"root"]), trust(&[]));
        let time = UnixTime::since_unix_epoch(Duration::ZERO);
        for (error, expected) in [
            (
                Error::CertExpired {
                    time,
                    not_after: time,
                },
                VerifyError::Expired(ISSUER),
            ),
            (
                Error::CertNotValidYet {
                    time,
                    not_before: time,
                },
                VerifyError::NotYetValid(ISSUER),
            ),
            (Error::EndEntityUsedAsCa, VerifyError::NotACa(ISSUER)),
            (Error::CaUsedAsEndEntity, VerifyError::CaAsLeaf),
            (Error::EmptyEkuExtension, VerifyError::WrongUsage(ISSUER)),
            (
                Error::InvalidSignatureForPublicKey,
                VerifyError::BadSignature,
            ),
            (Error::NameConstraintViolation, VerifyError::NameConstraint),
            (
                Error::InvalidNetworkMaskConstraint,
                VerifyError::NameConstraint,
            ),
            (Error::MalformedNameConstraint, VerifyError::NameConstraint),
            (Error::MalformedDnsIdentifier, VerifyError::NameConstraint),
            (Error::PathLenConstraintViolated, VerifyError::PathTooLong),
            (
                Error::UnsupportedCriticalExtension,
                VerifyError::UnknownCriticalExtension(ISSUER),
            ),
            (Error::MaximumPathDepthExceeded, VerifyError::BudgetExceeded),
            (
                Error::MaximumPathBuildCallsExceeded,
                VerifyError::BudgetExceeded,
            ),
            (
                Error::MaximumSignatureChecksExceeded,
                VerifyError::BudgetExceeded,
            ),
            (
                Error::MaximumNameConstraintComparisonsExceeded,
                VerifyError::BudgetExceeded,
            ),
            (Error::BadDer, VerifyError::BadCertificate(ISSUER)),
        ] {
            for trust in [&rooted, &pinned] {
                assert_eq!(cause(&error, trust), expected, "{error:?}");
            }
        }
        assert_eq!(
            cause(&Error::UnknownIssuer, &rooted),
            VerifyError::UnknownIssuer
        );
        assert_eq!(
            cause(&Error::UnknownIssuer, &pinned),
            VerifyError::NotPinned
        );
    }
}
