//! What may be spent on the certificates of one server, who is not known yet.
//!
//! Each product of two lists that a server can make long is counted before the work is done: signatures (paths x roots), name
//! constraints x names, common names x alternative names. A server that asks for more is refused with
//! [`VerifyError::BudgetExceeded`](super::VerifyError::BudgetExceeded).

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};

use heapless::Vec;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::certificate::{self, NAME_CONSTRAINTS};
use super::rollover::{MAX_CHANGES, NewKey};
use super::{MAX_ALGORITHMS, VerifyError, constraints, subject};

/// Certificates tried as the next of a path. A server that presents its path in order takes one for each; an attacker
/// who presents seven CAs that could each have signed each other takes thousands.
pub(super) const MAX_STEPS: u8 = 16;

/// Signatures verified while a path is looked for. The deepest path takes seven, and each root more that has the name of
/// the right one takes one.
pub(super) const MAX_SIGNATURES: u8 = 16;

/// Refuses certificates whose name constraints would have to be compared with too many names. `ends` are the anchors; all of
/// `presented` may become part of a path.
#[inline(never)]
pub(super) fn check_constraints(
    leaf: &[u8],
    presented: &[&[u8]],
    ends: &[&[u8]],
) -> Result<(), VerifyError> {
    let count = |certificates: &[&[u8]], of: fn(&certificate::Certificate<'_>) -> usize| {
        let read = certificates.iter().filter_map(|der| certificate::read(der));
        read.fold(0_usize, |sum, one| sum.saturating_add(of(&one)))
    };
    // Each certificate's subject is a name, too.
    let names =
        |certificate: &certificate::Certificate<'_>| subject::count(certificate).saturating_add(1);
    let constraints = |certificate: &certificate::Certificate<'_>| {
        certificate
            .extension(NAME_CONSTRAINTS)
            .map_or(0, |extension| constraints::count(extension.value))
    };
    let names = count(&[leaf], names).saturating_add(count(presented, names));
    let subtrees = count(presented, constraints).saturating_add(count(ends, constraints));
    match names.saturating_mul(subtrees) <= subject::MAX_COMPARISONS {
        true => Ok(()),
        false => Err(VerifyError::BudgetExceeded),
    }
}

/// How many signatures were verified.
#[derive(Default)]
pub(super) struct Signatures(AtomicU8);

impl Signatures {
    /// Whether one more was asked for than may be.
    pub(super) fn is_exceeded(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MAX_SIGNATURES
    }

    /// How many were asked for.
    #[cfg(test)]
    pub(super) fn used(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether one more may be verified, which then counts.
    fn take(&self) -> bool {
        let used = self.0.load(Ordering::Relaxed).saturating_add(1);
        self.0.store(used, Ordering::Relaxed);
        used <= MAX_SIGNATURES
    }

    /// The same algorithms, within the budget. What one of `keys` has signed counts as signed by the key before it.
    ///
    /// # Errors
    /// [`VerifyError::TooMuchTrust`] for more than [`MAX_ALGORITHMS`].
    pub(super) fn count<'a>(
        &'a self,
        algorithms: &[&'a dyn SignatureVerificationAlgorithm],
        keys: &'a [NewKey<'a>],
    ) -> Result<Vec<Counted<'a>, MAX_ALGORITHMS>, VerifyError> {
        let mut counted = Vec::new();
        for algorithm in algorithms {
            let one = Counted {
                algorithm: *algorithm,
                signatures: self,
                keys,
            };
            counted.push(one).or(Err(VerifyError::TooMuchTrust))?;
        }
        Ok(counted)
    }
}

/// An algorithm whose uses count.
pub(super) struct Counted<'a> {
    algorithm: &'a dyn SignatureVerificationAlgorithm,
    signatures: &'a Signatures,
    keys: &'a [NewKey<'a>],
}

/// By hand, since a derived one would bring the formatter into a ROM that has no texts: the trait of algorithms asks for it.
impl fmt::Debug for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.algorithm.fmt(f)
    }
}

impl Counted<'_> {
    fn verify(
        &self,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
        changes: u8,
    ) -> Result<(), InvalidSignature> {
        if !self.signatures.take() {
            return Err(InvalidSignature);
        }
        let verdict = self.algorithm.verify_signature(key, message, signature);
        if verdict.is_ok() || changes == 0 {
            return verdict;
        }
        let issuer = certificate::issuer(message);
        for new in self.keys {
            if new.old == key && issuer == Some(new.subject) {
                let verdict = self.verify(new.new, message, signature, changes.saturating_sub(1));
                if verdict.is_ok() {
                    return verdict;
                }
            }
        }
        Err(InvalidSignature)
    }
}

impl SignatureVerificationAlgorithm for Counted<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        self.verify(public_key, message, signature, MAX_CHANGES)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::P256_SHA256;

    #[test]
    fn the_last_signature_of_the_budget_is_within_it() {
        let signatures = Signatures::default();
        for _ in 0..MAX_SIGNATURES {
            assert!(signatures.take());
            assert!(!signatures.is_exceeded());
        }
        assert!(!signatures.take());
        assert!(signatures.is_exceeded());
        // The count does not wrap round to an empty budget.
        for _ in 0..=u8::MAX {
            assert!(!signatures.take());
        }
        assert!(signatures.is_exceeded());
    }

    #[test]
    fn a_counted_algorithm_is_the_algorithm() {
        let signatures = Signatures::default();
        let counted = signatures.count(&[P256_SHA256], &[]).unwrap();
        let [one] = &counted[..] else {
            panic!("{} of one", counted.len());
        };
        assert_eq!(format!("{one:?}"), "P256Sha256");
        assert_eq!(one.public_key_alg_id(), P256_SHA256.public_key_alg_id());
        assert_eq!(one.signature_alg_id(), P256_SHA256.signature_alg_id());
    }
}
