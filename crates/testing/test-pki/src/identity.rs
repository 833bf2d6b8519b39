//! What a server or a client shows: a chain of certificates and the key to the first one.

use crate::key::hash;
use anyhow::{Context as _, Result, anyhow, ensure};
use p256::SecretKey;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

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
    /// A chain and its P-256 key, as servers have them: certificates in PEM, the server's own first, and a private key, PKCS #8 or SEC 1.
    ///
    /// # Errors
    /// When a file has none, or the key is not on P-256 or not the one of the first certificate.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let chain = chain.context("the chain's PEM is damaged")?;
        let own = chain
            .first()
            .context("the chain has no certificate in it")?;
        let key =
            PrivateKeyDer::from_pem_slice(key.as_bytes()).context("no private key is in PEM")?;
        let private = match &key {
            PrivateKeyDer::Pkcs8(der) => SecretKey::from_pkcs8_der(der.secret_pkcs8_der()).ok(),
            PrivateKeyDer::Sec1(der) => SecretKey::from_sec1_der(der.secret_sec1_der()).ok(),
            _ => None,
        };
        let private = private.context("the private key is not on P-256")?;
        let spki = private.public_key().to_public_key_der();
        let spki = spki
            .map_err(|error| anyhow!("public key: {error}"))?
            .into_vec();
        // The SubjectPublicKeyInfo stands in the certificate octet for octet (RFC 5280, section 4.1).
        let is_its_own = own.windows(spki.len()).any(|part| part == spki);
        ensure!(
            is_its_own,
            "the private key does not belong to the first certificate of the chain"
        );
        let pkcs8 = private
            .to_pkcs8_der()
            .map_err(|error| anyhow!("PKCS #8: {error}"))?;
        let key = PrivatePkcs8KeyDer::from(pkcs8.as_bytes().to_vec()).into();
        Ok(Self { chain, key, spki })
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyKind, Pki};

    #[test]
    fn an_identity_comes_back_from_pem() {
        let own = Pki::with_intermediate(1)
            .server(&["images.example"])
            .unwrap();
        assert_eq!(
            Identity::from_pem(&own.chain_pem(), &own.key_pem()).unwrap(),
            own
        );
        // As `openssl ecparam -genkey` writes it.
        let secret = SecretKey::from_pkcs8_der(own.key.secret_der()).unwrap();
        let sec1 = encode("EC PRIVATE KEY", &secret.to_sec1_der().unwrap());
        assert_eq!(Identity::from_pem(&own.chain_pem(), &sec1).unwrap(), own);
    }

    #[test]
    fn what_is_no_identity_is_named() {
        let own = Pki::new(1).server(&["a.example"]).unwrap();
        let other = Pki::new(2).server(&["a.example"]).unwrap();
        let rsa = Pki::new(1)
            .with_keys(KeyKind::Rsa2048)
            .server(&["a.example"])
            .unwrap();
        for (chain, key, fault) in [
            (&own, &other, "does not belong"),
            (&own, &rsa, "is not on P-256"),
        ] {
            let error = Identity::from_pem(&chain.chain_pem(), &key.key_pem()).unwrap_err();
            assert!(error.to_string().contains(fault), "{error}");
        }
        for (chain, key) in [
            (own.chain_pem(), String::new()),
            (String::new(), own.key_pem()),
        ] {
            assert!(Identity::from_pem(&chain, &key).is_err());
        }
    }
}
