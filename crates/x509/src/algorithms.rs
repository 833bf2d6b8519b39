//! ECDSA in software, behind the trait that also a platform's hardware implements.

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

use super::der::{self, INTEGER, Reader, SEQUENCE};

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
        let signature = p256_signature(signature)?;
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

fn p256_signature(signature: &[u8]) -> Result<p256::ecdsa::Signature, InvalidSignature> {
    let [r, s] = scalars(signature).ok_or(InvalidSignature)?;
    p256::ecdsa::Signature::from_scalars(r, s).or(Err(InvalidSignature))
}

/// r and s of an `ECDSA-Sig-Value` (RFC 3279 section 2.2.3). The crate `der` can do it too, in 4 KiB.
fn scalars<const OCTETS: usize>(signature: &[u8]) -> Option<[[u8; OCTETS]; 2]> {
    let mut fields = Reader::new(der::only(signature, SEQUENCE)?);
    let scalars = [scalar(&mut fields)?, scalar(&mut fields)?];
    fields.is_empty().then_some(scalars)
}

/// A positive `INTEGER` in its shortest form, with zeros in front.
fn scalar<const OCTETS: usize>(fields: &mut Reader<'_>) -> Option<[u8; OCTETS]> {
    let digits = match fields.expect(INTEGER)? {
        [0, digits @ ..] if digits.first().is_some_and(|first| first & 0x80 != 0) => digits,
        digits if matches!(digits, [0x01..=0x7F, ..]) => digits,
        _ => return None,
    };
    let mut scalar = [0; OCTETS];
    let start = OCTETS.checked_sub(digits.len())?;
    for (to, from) in scalar.iter_mut().skip(start).zip(digits) {
        *to = *from;
    }
    Some(scalar)
}

/// Verifies a signature over a digest that was computed while the data came. [`SignatureVerificationAlgorithm`] has no call for that.
#[inline(never)]
pub(super) fn verify_p256_digest(
    public_key: &[u8],
    digest: &[u8],
    signature: &[u8],
) -> Result<(), InvalidSignature> {
    uncompressed(public_key)?;
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(public_key).or(Err(InvalidSignature))?;
    let signature = p256_signature(signature)?;
    key.verify_prehash(digest, &signature)
        .or(Err(InvalidSignature))
}

/// Does the same on the curve P-384, where the build has it.
#[inline(never)]
pub(super) fn verify_p384_digest(
    public_key: &[u8],
    digest: &[u8],
    signature: &[u8],
) -> Result<(), InvalidSignature> {
    #[cfg(feature = "p384")]
    {
        let (key, signature) = with_p384::p384(public_key, signature)?;
        key.verify_prehash(digest, &signature)
            .or(Err(InvalidSignature))
    }
    #[cfg(not(feature = "p384"))]
    {
        let _ = (public_key, digest, signature);
        Err(InvalidSignature)
    }
}

/// ECDSA with SHA-256 over P-256.
pub static P256_SHA256: &dyn SignatureVerificationAlgorithm = &P256Sha256;

#[cfg(feature = "p384")]
mod with_p384 {
    use super::{
        AlgorithmIdentifier, InvalidSignature, PrehashVerifier, SignatureVerificationAlgorithm,
        alg_id, p256_signature, scalars, uncompressed,
    };
    use p384::ecdsa::signature::Verifier;
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
            let signature = p256_signature(signature)?;
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
    pub(super) fn p384(
        public_key: &[u8],
        signature: &[u8],
    ) -> Result<(p384::ecdsa::VerifyingKey, p384::ecdsa::Signature), InvalidSignature> {
        uncompressed(public_key)?;
        let [r, s] = scalars(signature).ok_or(InvalidSignature)?;
        Ok((
            p384::ecdsa::VerifyingKey::from_sec1_bytes(public_key).or(Err(InvalidSignature))?,
            p384::ecdsa::Signature::from_scalars(r, s).or(Err(InvalidSignature))?,
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

#[cfg(all(test, feature = "p384"))]
mod tests {
    use super::*;
    use p256::ecdsa::signature::hazmat::PrehashSigner;
    use sha2::{Digest, Sha256, Sha384};

    const MESSAGE: &[u8] = b"signed";

    /// Public key and signature.
    type Signed = (Vec<u8>, Vec<u8>);

    fn p256(digest: &[u8]) -> Signed {
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let signature: p256::ecdsa::Signature = key.sign_prehash(digest).unwrap();
        let public = key.verifying_key().to_encoded_point(false);
        (
            public.as_bytes().into(),
            signature.to_der().as_bytes().into(),
        )
    }

    fn p384(digest: &[u8]) -> Signed {
        let key = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
        let signature: p384::ecdsa::Signature = key.sign_prehash(digest).unwrap();
        let public = key.verifying_key().to_encoded_point(false);
        (
            public.as_bytes().into(),
            signature.to_der().as_bytes().into(),
        )
    }

    #[test]
    fn each_verifies_its_own_and_nothing_else() {
        let (short, long) = (Sha256::digest(MESSAGE), Sha384::digest(MESSAGE));
        let all = [
            (P256_SHA256, p256(&short)),
            (P256_SHA384, p256(&long)),
            (P384_SHA256, p384(&short)),
            (P384_SHA384, p384(&long)),
        ];
        for (algorithm, _) in &all {
            for (other, (key, signature)) in &all {
                let same = format!("{algorithm:?}") == format!("{other:?}");
                let verdict = algorithm.verify_signature(key, MESSAGE, signature);
                assert_eq!(verdict.is_ok(), same, "{algorithm:?} on one of {other:?}");
                assert!(
                    algorithm
                        .verify_signature(key, b"other", signature)
                        .is_err()
                );
            }
        }
    }

    #[test]
    fn signatures_have_one_form() {
        let (key, signature) = p256(&Sha256::digest(MESSAGE));
        let verify = |signature: &[u8]| P256_SHA256.verify_signature(&key, MESSAGE, signature);
        assert!(verify(&signature).is_ok());
        // r with a zero more in front, and with s missing.
        let length = usize::from(signature[3]);
        let (r, s) = signature[2..].split_at(2 + length);
        let sequence = |fields: &[&[u8]]| {
            let content = fields.concat();
            let length = u8::try_from(content.len()).unwrap();
            [&[0x30, length][..], &content].concat()
        };
        assert_eq!(sequence(&[r, s]), signature);
        let longer = [&[0x02, r[1] + 1, 0][..], &r[2..]].concat();
        assert!(verify(&sequence(&[&longer, s])).is_err());
        assert!(verify(&sequence(&[r])).is_err());
        assert!(verify(&sequence(&[r, s, s])).is_err());
        assert!(verify(&sequence(&[s, r])).is_err());
        let none = [0x02, 1, 0];
        assert!(verify(&sequence(&[&none, s])).is_err());
        assert!(verify(&sequence(&[r, &none])).is_err());
        assert!(verify(&sequence(&[&[0x02, 0], s])).is_err());
        assert!(verify(&[&signature[..], &[0]].concat()).is_err());
        let negative = [&[0x02, 32, 0x80][..], &[1; 31]].concat();
        assert!(verify(&sequence(&[&negative, s])).is_err());
        let long = [&[0x02, 33, 1][..], &[1; 32]].concat();
        assert!(verify(&sequence(&[&long, s])).is_err());
    }

    /// X.690 section 8.3.2: a zero stands in front only where the number would be negative without it.
    #[test]
    fn numbers_have_their_shortest_form() {
        let read = |content: &[u8]| {
            let octets = [&[INTEGER, content.len() as u8], content].concat();
            scalar::<2>(&mut Reader::new(&octets))
        };
        for (content, number) in [
            (&[0x01][..], [0, 1]),
            (&[0x7F], [0, 0x7F]),
            (&[0, 0x80], [0, 0x80]),
            (&[0x7F, 0xFF], [0x7F, 0xFF]),
            (&[0, 0x80, 0], [0x80, 0]),
        ] {
            assert_eq!(read(content), Some(number), "{content:x?}");
        }
        for content in [
            // No octet, zero, and negative numbers.
            &[][..],
            &[0],
            &[0x80],
            &[0xFF, 0xFF],
            // A zero that is not needed.
            &[0, 0],
            &[0, 0x01],
            &[0, 0x7F],
            // More octets than the curve has.
            &[0x01, 0, 0],
            &[0, 0x80, 0, 0],
        ] {
            assert_eq!(read(content), None, "{content:x?}");
        }
    }

    /// Many signatures, so that some have short numbers and some a zero in front.
    #[test]
    fn our_reader_reads_what_the_crate_der_writes() {
        for number in 0..400u32 {
            let digest = Sha256::digest(number.to_be_bytes());
            let (_, signature) = p256(&digest);
            let ours = p256_signature(&signature).unwrap();
            assert_eq!(ours, p256::ecdsa::Signature::from_der(&signature).unwrap());
        }
    }

    #[test]
    fn compressed_points_and_no_points_are_refused() {
        let (key, signature) = p256(&Sha256::digest(MESSAGE));
        let verify = |key: &[u8]| P256_SHA256.verify_signature(key, MESSAGE, &signature);
        assert!(verify(&key).is_ok());
        let mut compressed = key[..33].to_vec();
        compressed[0] = 2 | (key[64] & 1);
        assert!(verify(&compressed).is_err());
        let mut beside = key.clone();
        beside[64] ^= 1;
        assert!(verify(&beside).is_err());
        assert!(verify(&[0]).is_err());
        assert!(verify(&[]).is_err());
    }
}
