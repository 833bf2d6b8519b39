#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod algorithms;
mod budget;
mod certificate;
mod constraints;
pub mod der;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod key;
mod leaf;
mod name;
mod path;
#[cfg(test)]
mod path_tests;
mod profile;
mod rollover;
mod signer;
mod subject;
#[cfg(test)]
mod syntax_tests;
mod time;
mod trust;

use core::net::IpAddr;

use rustls_pki_types::{DnsName, IpAddr as PkiAddress, ServerName as PkiName};
use sha2::{Digest, Sha256};
use webpki::EndEntityCert;

pub use algorithms::{DEFAULT_ALGORITHMS, P256_SHA256};
#[cfg(feature = "p384")]
pub use algorithms::{P256_SHA384, P384_SHA256, P384_SHA384};
pub use error::{Role, VerifyError};
pub use key::{Curve, ECDSA_SECP256R1_SHA256, ECDSA_SECP384R1_SHA384, Hash, LeafKey, schemes};
pub use name::ServerName;
pub use signer::{Identity, verify_signer};
pub use time::unix as unix_time;
pub use trust::{TimePolicy, Trust, TrustPolicy};

use certificate::Certificate;
use leaf::Leaf;

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
    let leaf = Leaf::read(chain, trust)?;
    leaf.verify(trust, Some(&profile::SERVER_AUTH), &mut |leaf, parsed| {
        check_name(parsed, name)?;
        profile::check_leaf(&leaf.certificate, leaf.pinned)
    })
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
