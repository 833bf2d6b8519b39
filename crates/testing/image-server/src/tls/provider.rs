//! Cryptography for rustls whose chance comes from the server's seed, so that a simulated run is the same
//! from the same seed: ring's, but for randomness, key shares on P-256 and signatures with P-256.

use p256::ecdsa::signature::Signer as _;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::DecodePrivateKey as _;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, SharedSecret,
    SupportedKxGroup, ring,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, NamedGroup, PeerMisbehaved, SignatureAlgorithm, SignatureScheme};
use std::sync::{Arc, Mutex, MutexGuard};

/// Chance from a seed.
#[derive(Debug)]
struct Seeded(Mutex<ChaCha20Rng>);

impl Seeded {
    fn rng(&self) -> MutexGuard<'_, ChaCha20Rng> {
        self.0.lock().unwrap_or_else(|error| error.into_inner())
    }
}

impl SecureRandom for Seeded {
    fn fill(&self, out: &mut [u8]) -> Result<(), GetRandomFailed> {
        self.rng().fill_bytes(out);
        Ok(())
    }
}

/// A provider with chance from `seed`. rustls wants its parts to live for ever: they stay allocated.
pub fn seeded(seed: u64) -> CryptoProvider {
    let random: &'static Seeded = Box::leak(Box::new(Seeded(Mutex::new(
        ChaCha20Rng::seed_from_u64(seed),
    ))));
    let p256: &'static P256 = Box::leak(Box::new(P256(random)));
    let mut provider = ring::default_provider();
    provider.secure_random = random;
    provider.key_provider = &Keys;
    provider
        .kx_groups
        .retain(|group| group.name() != NamedGroup::secp256r1);
    provider.kx_groups.insert(0, p256);
    provider
}

/// Key shares on P-256.
#[derive(Debug)]
struct P256(&'static Seeded);

impl SupportedKxGroup for P256 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let secret = p256::ecdh::EphemeralSecret::random(&mut *self.0.rng());
        let point = secret.public_key().to_encoded_point(false);
        let public = point.as_bytes().to_vec();
        Ok(Box::new(Share { secret, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

struct Share {
    secret: p256::ecdh::EphemeralSecret,
    public: Vec<u8>,
}

impl ActiveKeyExchange for Share {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        // RFC 8446, section 4.2.8.2: uncompressed points only.
        let peer = Some(peer)
            .filter(|peer| peer.first() == Some(&4))
            .and_then(|peer| p256::PublicKey::from_sec1_bytes(peer).ok())
            .ok_or(PeerMisbehaved::InvalidKeyShare)?;
        let shared = self.secret.diffie_hellman(&peer);
        Ok(shared.raw_secret_bytes().as_slice().into())
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

/// Loads private keys.
#[derive(Debug)]
struct Keys;

impl KeyProvider for Keys {
    fn load_private_key(&self, key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        match p256::ecdsa::SigningKey::from_pkcs8_der(key.secret_der()) {
            Ok(key) => Ok(Arc::new(P256Key(key))),
            Err(_) => ring::sign::any_supported_type(&key),
        }
    }
}

/// A P-256 key that signs by RFC 6979: the same message gives the same signature.
#[derive(Clone, Debug)]
struct P256Key(p256::ecdsa::SigningKey);

impl SigningKey for P256Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&self.scheme())
            .then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for P256Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature: p256::ecdsa::DerSignature = self.0.sign(message);
        Ok(signature.as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}
