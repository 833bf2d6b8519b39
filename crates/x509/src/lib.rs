#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod algorithms;
mod budget;
mod certificate;
mod constraints;
mod der;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod key;
mod name;
mod path;
mod profile;
mod rollover;
mod subject;
#[cfg(test)]
mod syntax_tests;
mod time;
mod trust;

use core::net::IpAddr;

use rustls_pki_types::{CertificateDer, DnsName, IpAddr as PkiAddress, ServerName as PkiName};
use sha2::{Digest, Sha256};
use webpki::EndEntityCert;

pub use algorithms::{DEFAULT_ALGORITHMS, P256_SHA256};
#[cfg(feature = "p384")]
pub use algorithms::{P256_SHA384, P384_SHA256, P384_SHA384};
pub use error::{Role, VerifyError};
pub use key::{Curve, ECDSA_SECP256R1_SHA256, ECDSA_SECP384R1_SHA384, LeafKey, schemes};
pub use name::ServerName;
pub use trust::{TimePolicy, Trust, TrustPolicy};

use certificate::Certificate;

/// Certificates that a server may present.
pub const MAX_CERTIFICATES: usize = 8;
/// CAs between a server's certificate and an anchor that rustls-webpki can follow.
pub const MAX_DEPTH: u8 = 6;
/// Roots that may be pinned.
pub const MAX_ROOTS: usize = 8;
/// Signature algorithms that a [`Trust`] may have.
pub const MAX_ALGORITHMS: usize = 8;

/// Judges the certificates that a server presented, in DER, its own first.
///
/// The others may come in any order, and may be more than are needed. What is found is the key whose owner the server
/// has yet to prove to be, with [`LeafKey::verify`].
///
/// # Errors
/// A [`VerifyError`] other than [`VerifyError::WrongProof`] and [`VerifyError::WrongScheme`]. What is wrong with the
/// server's own certificate comes before what is wrong with its path.
#[inline(never)]
pub fn verify_server(
    chain: &[&[u8]],
    name: &ServerName<'_>,
    trust: &Trust<'_>,
) -> Result<LeafKey, VerifyError> {
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
    let (leaf_der, presented) = chain.split_first().ok_or(VerifyError::NoCertificate)?;
    let leaf = Certificate::parse(leaf_der, Role::Leaf)?;
    let key = LeafKey::from_spki(leaf.spki)?;
    let pinned = keys.contains(key.spki_sha256()) || roots.contains(leaf_der);

    let latest = chain.iter().filter_map(|der| certificate::not_before(der));
    let now = trust.time.resolve(latest.max().unwrap_or_default());
    profile::check_validity(&leaf, Role::Leaf, now, false)?;
    let der = CertificateDer::from(*leaf_der);
    let parsed = EndEntityCert::try_from(&der);
    let parsed = parsed.or(Err(VerifyError::BadCertificate(Role::Leaf)))?;
    check_name(&parsed, name)?;
    profile::check_leaf(&leaf, pinned)?;
    if !pinned {
        path::verify(leaf_der, &parsed, presented, trust, now)?;
    }
    Ok(key)
}

/// The key of a server's certificate in DER that nobody vouches for.
///
/// # Errors
/// [`VerifyError::BadCertificate`], [`VerifyError::UnknownCriticalExtension`], [`VerifyError::RsaOnly`],
/// [`VerifyError::UnsupportedKey`].
pub fn leaf_key(leaf_der: &[u8]) -> Result<LeafKey, VerifyError> {
    LeafKey::from_spki(Certificate::parse(leaf_der, Role::Leaf)?.spki)
}

#[inline(never)]
fn check_name(leaf: &EndEntityCert<'_>, name: &ServerName<'_>) -> Result<(), VerifyError> {
    let name = match name {
        ServerName::Dns(name) => {
            PkiName::DnsName(DnsName::try_from(*name).or(Err(VerifyError::BadName))?)
        }
        ServerName::Ip(IpAddr::V4(address)) => {
            PkiName::IpAddress(PkiAddress::V4(address.octets().into()))
        }
        ServerName::Ip(IpAddr::V6(address)) => {
            PkiName::IpAddress(PkiAddress::V6(address.segments().into()))
        }
    };
    leaf.verify_is_valid_for_subject_name(&name)
        .map_err(|error| match error {
            webpki::Error::CertNotValidForName(_) => VerifyError::WrongName,
            _ => VerifyError::BadCertificate(Role::Leaf),
        })
}

/// Whether the key of a certificate is among the pinned.
fn is_pinned(der: &[u8], keys: &[[u8; 32]]) -> bool {
    !keys.is_empty()
        && Certificate::parse(der, Role::Issuer).is_ok_and(|certificate| {
            let digest: [u8; 32] = Sha256::digest(certificate.spki).into();
            keys.contains(&digest)
        })
}
