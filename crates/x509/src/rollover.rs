//! CAs that certify a new key of their own: self-issued certificates, by which a CA changes its key (RFC 5280 section 3.2).
//!
//! They do not count in path lengths, and their names are not constrained (sections 6.1.3 (b), 6.1.4 (l)). rustls-webpki counts and
//! constrains them, so it does not see them: what a new key has signed is verified where the old key would have to
//! have signed it. A self-issued certificate with name constraints of its own, or with a key on another curve, is left to
//! rustls-webpki.

use heapless::Vec;
use rustls_pki_types::SignatureVerificationAlgorithm;

use super::certificate::{self, Certificate, NAME_CONSTRAINTS};
use super::key;
use super::profile::{self, Place};
use super::{MAX_CERTIFICATES, Role};

/// New keys, of which the server presents the certificates.
pub(super) type NewKeys<'a> = Vec<NewKey<'a>, MAX_CERTIFICATES>;

/// How often in a row a CA may have changed its key.
pub(super) const MAX_CHANGES: u8 = 3;

/// A key that a CA has certified with one that it had before.
pub(super) struct NewKey<'a> {
    /// The CA's name.
    pub(super) subject: &'a [u8],
    /// The key that has signed the certificate.
    pub(super) old: &'a [u8],
    /// The key in the certificate.
    pub(super) new: &'a [u8],
    /// The certificate's pathLenConstraint.
    pub(super) path_length: Option<usize>,
    /// The certificate.
    der: &'a [u8],
}

/// Finds the self-issued certificates in `presented` that are signed by another key of the same CA, whose certificate is
/// presented too or is one of `ends`.
#[inline(never)]
pub(super) fn find<'a>(
    presented: &[&'a [u8]],
    ends: &[&'a [u8]],
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    usage: Option<&'static [u8]>,
    now: u64,
) -> NewKeys<'a> {
    let mut found = NewKeys::new();
    for der in presented {
        let Some(certificate) = candidate(der, ends, usage, now) else {
            continue;
        };
        let holders = presented.iter().chain(ends);
        let mut holders = holders.filter_map(|der| certificate::read(der));
        let signed = holders.find_map(|holder| {
            // Compared before a signature is spent on it.
            match holder.subject == certificate.subject && holder.spki != certificate.spki {
                true => signer(&certificate, &holder, algorithms),
                false => None,
            }
        });
        let new = key::parts(certificate.spki).map(|(_, key)| key);
        if let (Some(old), Some(new)) = (signed, new) {
            // As many as are presented fit.
            let _ = found.push(NewKey {
                subject: certificate.subject,
                old,
                new,
                path_length: profile::path_length(&certificate),
                der,
            });
        }
    }
    found
}

/// Whether `der` is the certificate of one of the new keys.
pub(super) fn is_one(keys: &[NewKey<'_>], der: &[u8]) -> bool {
    keys.iter().any(|key| key.der == der)
}

/// A self-issued certificate that is all that a CA's has to be, and is neither self-signed nor an end.
fn candidate<'a>(
    der: &'a [u8],
    ends: &[&[u8]],
    usage: Option<&'static [u8]>,
    now: u64,
) -> Option<Certificate<'a>> {
    let certificate = Certificate::parse(der, Role::Issuer).ok()?;
    let of_an_end = ends
        .iter()
        .filter_map(|end| certificate::read(end))
        .any(|end| end.spki == certificate.spki);
    let right = certificate.is_self_issued()
        && !of_an_end
        && !profile::names_itself(&certificate)
        && certificate.extension(NAME_CONSTRAINTS).is_none()
        && profile::check_validity(&certificate, Role::Issuer, now, false).is_ok()
        && profile::check_ca(&certificate, Role::Issuer, Place::Between, 0).is_ok()
        && profile::may_issue_for(&certificate, usage);
    right.then_some(certificate)
}

/// The key of `holder`, if it has signed `certificate` and is of the same kind as the certificate's.
fn signer<'a>(
    certificate: &Certificate<'_>,
    holder: &Certificate<'a>,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> Option<&'a [u8]> {
    let (kind, _) = key::parts(certificate.spki)?;
    let (kind_of_holder, key) = key::parts(holder.spki)?;
    let algorithm = algorithms.iter().find(|algorithm| {
        algorithm.public_key_alg_id().as_ref() == kind_of_holder
            && algorithm.signature_alg_id().as_ref() == certificate.algorithm
    })?;
    let signed = kind == kind_of_holder
        && algorithm
            .verify_signature(key, certificate.signed, certificate.signature)
            .is_ok();
    signed.then_some(key)
}
