//! Keys: P-256 from a seed, the other kinds fixed.

use anyhow::{Context, Result, anyhow};
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use rcgen::{PublicKeyData, SignatureAlgorithm};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

/// What a certificate's key is. Only [`P256`](Self::P256) is made from the seed; everybody knows the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256 with SHA-256.
    #[default]
    P256,
    /// ECDSA on P-384 with SHA-384.
    P384,
    /// RSA with 2,048 bits.
    Rsa2048,
    /// Ed25519.
    Ed25519,
}

/// A key that signs.
pub enum Key {
    /// P-256; signs by RFC 6979, so that the same message gives the same signature.
    P256 {
        /// The private key.
        private: p256::ecdsa::SigningKey,
        /// The public key as an uncompressed point (SEC 1).
        point: Vec<u8>,
    },
    /// One of the fixed keys, of a kind that the issuer's library can sign with.
    Fixed {
        /// The key.
        pair: rcgen::KeyPair,
        /// PKCS #8, DER.
        pkcs8: Vec<u8>,
    },
}

impl Key {
    /// The key of this kind that `seed` and `label` give.
    pub fn new(kind: KeyKind, seed: u64, label: &str) -> Result<Self> {
        let text = match kind {
            KeyKind::P256 => return Ok(p256_key(seed, label)),
            KeyKind::P384 => include_str!("keys/p384.pem"),
            KeyKind::Rsa2048 => include_str!("keys/rsa-2048.pem"),
            KeyKind::Ed25519 => include_str!("keys/ed25519.pem"),
        };
        let pkcs8 = pem::parse(text).context("a fixed key")?.into_contents();
        let pair = rcgen::KeyPair::try_from(pkcs8.as_slice()).context("a fixed key")?;
        Ok(Key::Fixed { pair, pkcs8 })
    }

    /// The private key, PKCS #8.
    pub fn private_der(&self) -> Result<PrivateKeyDer<'static>> {
        let octets = match self {
            Key::P256 { private, .. } => {
                let document = p256::SecretKey::from(private).to_pkcs8_der();
                let document = document.map_err(|error| anyhow!("PKCS #8: {error}"))?;
                document.as_bytes().to_vec()
            }
            Key::Fixed { pkcs8, .. } => pkcs8.clone(),
        };
        Ok(PrivatePkcs8KeyDer::from(octets).into())
    }

    /// SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), DER.
    pub fn spki(&self) -> Result<Vec<u8>> {
        match self {
            Key::P256 { private, .. } => {
                let document = private.verifying_key().to_public_key_der();
                let document = document.map_err(|error| anyhow!("public key: {error}"))?;
                Ok(document.into_vec())
            }
            Key::Fixed { pair, .. } => Ok(pair.subject_public_key_info()),
        }
    }
}

/// A P-256 key: the first hash of seed, label and a counter that is a scalar of the group.
fn p256_key(seed: u64, label: &str) -> Key {
    let mut counter = 0_u32;
    loop {
        let scalar = hash(&[
            &seed.to_be_bytes(),
            &counter.to_be_bytes(),
            label.as_bytes(),
        ]);
        if let Ok(private) = p256::ecdsa::SigningKey::from_slice(&scalar) {
            let point = private.verifying_key().to_encoded_point(false);
            return Key::P256 {
                point: point.as_bytes().to_vec(),
                private,
            };
        }
        counter += 1;
    }
}

/// SHA-256 of all parts.
pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Key::P256 { point, .. } => point,
            Key::Fixed { pair, .. } => pair.der_bytes(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Key::P256 { .. } => &rcgen::PKCS_ECDSA_P256_SHA256,
            Key::Fixed { pair, .. } => pair.algorithm(),
        }
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match self {
            Key::P256 { private, .. } => {
                let signature: p256::ecdsa::DerSignature = private.sign(message);
                Ok(signature.as_bytes().to_vec())
            }
            Key::Fixed { pair, .. } => rcgen::SigningKey::sign(pair, message),
        }
    }
}
