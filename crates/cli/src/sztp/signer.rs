//! Somebody who signs: a certificate, those above it, and the private key.

use super::{certificate, files};
use anyhow::{Context, Result, bail, ensure};
use cms::cert::x509::der::Encode;
use cms::cert::x509::der::asn1::ObjectIdentifier;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use sha2::{Digest as _, Sha256, Sha384};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A certificate with its key.
pub struct Signer {
    /// The signer's own certificate in DER.
    pub certificate: Vec<u8>,
    /// Certificates of the authorities above it.
    others: Vec<Vec<u8>>,
    /// The private key.
    pub key: Key,
}

/// A private key of a kind whose signatures devices verify. It has no `Debug`, so that it is never shown.
pub enum Key {
    /// ECDSA with P-256 and SHA-256.
    P256(p256::ecdsa::SigningKey),
    /// ECDSA with P-384 and SHA-384.
    P384(p384::ecdsa::SigningKey),
}

impl Signer {
    /// Reads a certificate, which is the first one in its file, its private key, and more certificates.
    pub fn read(own: &Path, key: &Path, chain: &[PathBuf]) -> Result<Self> {
        let (shown, key_shown) = (own.display(), key.display());
        let mut others = files::certificates(own)?;
        let own = others.remove(0);
        for path in chain {
            others.extend(files::certificates(path)?);
        }
        let public = certificate::read(&own)
            .with_context(|| shown.to_string())?
            .tbs_certificate
            .subject_public_key_info
            .to_der()
            .context("the certificate's public key")?;
        let key = Key::read(key)?;
        ensure!(
            key.public()? == public,
            "the key in {key_shown} is not that of the certificate in {shown}"
        );
        Ok(Self {
            certificate: own,
            others,
            key,
        })
    }

    /// All certificates, the signer's own first.
    pub fn all(&self) -> Vec<Vec<u8>> {
        let own = std::iter::once(&self.certificate);
        own.chain(&self.others).cloned().collect()
    }

    /// The subject of the certificate.
    pub fn name(&self) -> String {
        certificate::subject(&self.certificate)
    }
}

impl Key {
    /// Reads a private key in PEM: PKCS #8 (`PRIVATE KEY`), or SEC 1 (`EC PRIVATE KEY`) as `openssl ecparam -genkey` writes it.
    fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let octets = Zeroizing::new(files::read(path)?);
        let sections = pem::parse_many(octets.as_slice());
        let sections = sections.with_context(|| format!("the PEM in {shown} is damaged"))?;
        for section in sections {
            let headers = section.headers();
            let encrypted = section.tag() == "ENCRYPTED PRIVATE KEY"
                || headers
                    .get("Proc-Type")
                    .is_some_and(|kind| kind.contains("ENCRYPTED"));
            ensure!(
                !encrypted,
                "the key in {shown} is encrypted; `openssl pkey -in {shown}` writes it without a password"
            );
            let tag = section.tag().to_owned();
            let der = Zeroizing::new(section.into_contents());
            let key = match tag.as_str() {
                "PRIVATE KEY" => Self::pkcs8(&der),
                "EC PRIVATE KEY" => Self::sec1(&der),
                "RSA PRIVATE KEY" => None,
                _ => continue,
            };
            return key.with_context(|| {
                format!(
                    "the key in {shown} is not on P-256 or P-384, and devices verify ECDSA on these curves only"
                )
            });
        }
        bail!("{shown} has no private key in PEM (BEGIN PRIVATE KEY or BEGIN EC PRIVATE KEY)")
    }

    fn pkcs8(der: &[u8]) -> Option<Self> {
        let p256 = p256::SecretKey::from_pkcs8_der(der).map(|key| Key::P256(key.into()));
        let p384 = || p384::SecretKey::from_pkcs8_der(der).map(|key| Key::P384(key.into()));
        p256.or_else(|_| p384()).ok()
    }

    fn sec1(der: &[u8]) -> Option<Self> {
        let p256 = p256::SecretKey::from_sec1_der(der).map(|key| Key::P256(key.into()));
        let p384 = || p384::SecretKey::from_sec1_der(der).map(|key| Key::P384(key.into()));
        p256.or_else(|_| p384()).ok()
    }

    /// SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) in DER.
    fn public(&self) -> Result<Vec<u8>> {
        let document = match self {
            Key::P256(key) => key.verifying_key().to_public_key_der(),
            Key::P384(key) => key.verifying_key().to_public_key_der(),
        };
        Ok(document.context("the public key")?.into_vec())
    }

    /// One line for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Key::P256(_) => "ECDSA with P-256 and SHA-256",
            Key::P384(_) => "ECDSA with P-384 and SHA-384",
        }
    }

    /// The digest of content by the key's hash.
    pub fn digest(&self, content: &[u8]) -> Vec<u8> {
        match self {
            Key::P256(_) => Sha256::digest(content).to_vec(),
            Key::P384(_) => Sha384::digest(content).to_vec(),
        }
    }

    /// The signature, as CMS has it: a SEQUENCE of two INTEGERs (RFC 5753, section 2.1.1).
    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        match self {
            Key::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(octets);
                signature.as_bytes().to_vec()
            }
            Key::P384(key) => {
                let signature: p384::ecdsa::DerSignature = key.sign(octets);
                signature.as_bytes().to_vec()
            }
        }
    }

    /// id-sha256 or id-sha384.
    pub fn digest_identifier(&self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Key::P256(_) => "2.16.840.1.101.3.4.2.1",
            Key::P384(_) => "2.16.840.1.101.3.4.2.2",
        })
    }

    /// ecdsa-with-SHA256 or ecdsa-with-SHA384.
    pub fn signature_identifier(&self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Key::P256(_) => "1.2.840.10045.4.3.2",
            Key::P384(_) => "1.2.840.10045.4.3.3",
        })
    }
}
