//! What a server or a client shows: a chain of certificates and the key to the first one.

use crate::key::hash;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A chain and its key.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificates as they are sent: the end entity's first, the root left out.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key, PKCS #8.
    pub key: PrivateKeyDer<'static>,
    pub(crate) spki: Vec<u8>,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
            spki: self.spki.clone(),
        }
    }
}

impl Identity {
    /// SHA-256 of the end entity's SubjectPublicKeyInfo, as a pin has it (RFC 7469, section 2.4).
    pub fn spki_sha256(&self) -> [u8; 32] {
        hash(&[&self.spki])
    }

    /// The chain as PEM, as servers want it.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|one| pem_of(one)).collect()
    }

    /// The private key as PEM.
    pub fn key_pem(&self) -> String {
        encode("PRIVATE KEY", self.key.secret_der())
    }
}

/// A certificate as PEM (RFC 7468).
pub fn pem_of(certificate: &CertificateDer<'_>) -> String {
    encode("CERTIFICATE", certificate)
}

fn encode(label: &str, der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, der), config)
}
