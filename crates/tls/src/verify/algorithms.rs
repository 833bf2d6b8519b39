//! ECDSA in software, behind the trait that also a platform's hardware implements.

use p256::ecdsa::signature::Verifier;
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

/// The first octet of an uncompressed point (SEC 1 section 2.3.3), the only form in TLS (RFC 8422 section 5.4.1).
pub(super) const UNCOMPRESSED: u8 = 0x04;

#[derive(Debug)]
struct P256Sha256;

impl SignatureVerificationAlgorithm for P256Sha256 {
    #[inline(never)]
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        uncompressed(public_key)?;
        let key =
            p256::ecdsa::VerifyingKey::from_sec1_bytes(public_key).or(Err(InvalidSignature))?;
        let signature = p256::ecdsa::Signature::from_der(signature).or(Err(InvalidSignature))?;
        key.verify(message, &signature).or(Err(InvalidSignature))
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

fn uncompressed(public_key: &[u8]) -> Result<(), InvalidSignature> {
    match public_key.first() {
        Some(&UNCOMPRESSED) => Ok(()),
        _ => Err(InvalidSignature),
    }
}

/// ECDSA with SHA-256 over P-256.
pub static P256_SHA256: &dyn SignatureVerificationAlgorithm = &P256Sha256;

#[cfg(feature = "p384")]
mod with_p384 {
    use super::{
        AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id, uncompressed,
    };
    use p384::ecdsa::signature::Verifier;
    use p384::ecdsa::signature::hazmat::PrehashVerifier;
    use sha2::{Digest, Sha256, Sha384};

    #[derive(Debug)]
    struct P256Sha384;

    impl SignatureVerificationAlgorithm for P256Sha384 {
        fn verify_signature(
            &self,
            public_key: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            uncompressed(public_key)?;
            let key =
                p256::ecdsa::VerifyingKey::from_sec1_bytes(public_key).or(Err(InvalidSignature))?;
            let signature =
                p256::ecdsa::Signature::from_der(signature).or(Err(InvalidSignature))?;
            key.verify_prehash(&Sha384::digest(message), &signature)
                .or(Err(InvalidSignature))
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_P256
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_SHA384
        }
    }

    #[derive(Debug)]
    struct P384Sha384;

    impl SignatureVerificationAlgorithm for P384Sha384 {
        fn verify_signature(
            &self,
            public_key: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            let (key, signature) = p384(public_key, signature)?;
            key.verify(message, &signature).or(Err(InvalidSignature))
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_P384
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_SHA384
        }
    }

    #[derive(Debug)]
    struct P384Sha256;

    impl SignatureVerificationAlgorithm for P384Sha256 {
        fn verify_signature(
            &self,
            public_key: &[u8],
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            let (key, signature) = p384(public_key, signature)?;
            key.verify_prehash(&Sha256::digest(message), &signature)
                .or(Err(InvalidSignature))
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_P384
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_SHA256
        }
    }

    #[inline(never)]
    fn p384(
        public_key: &[u8],
        signature: &[u8],
    ) -> Result<(p384::ecdsa::VerifyingKey, p384::ecdsa::Signature), InvalidSignature> {
        uncompressed(public_key)?;
        Ok((
            p384::ecdsa::VerifyingKey::from_sec1_bytes(public_key).or(Err(InvalidSignature))?,
            p384::ecdsa::Signature::from_der(signature).or(Err(InvalidSignature))?,
        ))
    }

    /// ECDSA with SHA-384 over P-256, in certificates only.
    pub static P256_SHA384: &dyn SignatureVerificationAlgorithm = &P256Sha384;
    /// ECDSA with SHA-384 over P-384.
    pub static P384_SHA384: &dyn SignatureVerificationAlgorithm = &P384Sha384;
    /// ECDSA with SHA-256 over P-384, in certificates only.
    pub static P384_SHA256: &dyn SignatureVerificationAlgorithm = &P384Sha256;
}

#[cfg(feature = "p384")]
pub use with_p384::{P256_SHA384, P384_SHA256, P384_SHA384};

/// All that this crate verifies in software.
pub static DEFAULT_ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    &P256Sha256,
    #[cfg(feature = "p384")]
    P384_SHA384,
    #[cfg(feature = "p384")]
    P384_SHA256,
    #[cfg(feature = "p384")]
    P256_SHA384,
];
