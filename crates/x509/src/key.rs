//! The server's key, and its proof that it has it.

use core::fmt;

use rustls_pki_types::{AlgorithmIdentifier, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256};

use super::VerifyError;
use super::algorithms::{UNCOMPRESSED, verify_p256_digest, verify_p384_digest};
use super::der::{self, BIT_STRING, Reader, SEQUENCE};

/// `SignatureScheme` ecdsa_secp256r1_sha256, RFC 8446 section 4.2.3.
pub const ECDSA_SECP256R1_SHA256: u16 = 0x0403;
/// `SignatureScheme` ecdsa_secp384r1_sha384, RFC 8446 section 4.2.3.
pub const ECDSA_SECP384R1_SHA384: u16 = 0x0503;

/// The `SignatureScheme`s whose signatures `algorithms` verify, RFC 8446 section 4.2.3: what [`LeafKey::verify`] accepts.
pub fn schemes<'a>(
    algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
) -> impl Iterator<Item = u16> + 'a {
    [ECDSA_SECP256R1_SHA256, ECDSA_SECP384R1_SHA384]
        .into_iter()
        .filter(|scheme| algorithm(*scheme, algorithms).is_some())
}

/// What is hashed with before ECDSA signs it, where no `SignatureScheme` says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
}

impl Hash {
    const fn signature_algorithm(self) -> AlgorithmIdentifier {
        match self {
            Hash::Sha256 => alg_id::ECDSA_SHA256,
            Hash::Sha384 => alg_id::ECDSA_SHA384,
        }
    }
}

/// The curve of a scheme, and what verifies it.
fn algorithm<'a>(
    scheme: u16,
    algorithms: &[&'a dyn SignatureVerificationAlgorithm],
) -> Option<(Curve, &'a dyn SignatureVerificationAlgorithm)> {
    let (curve, hash) = match scheme {
        ECDSA_SECP256R1_SHA256 => (Curve::P256, Hash::Sha256),
        ECDSA_SECP384R1_SHA384 => (Curve::P384, Hash::Sha384),
        _ => return None,
    };
    pair(curve, hash, algorithms).map(|algorithm| (curve, algorithm))
}

/// What verifies signatures of keys on `curve` over this hash.
fn pair<'a>(
    curve: Curve,
    hash: Hash,
    algorithms: &[&'a dyn SignatureVerificationAlgorithm],
) -> Option<&'a dyn SignatureVerificationAlgorithm> {
    let found = algorithms.iter().find(|algorithm| {
        algorithm.public_key_alg_id() == curve.key_algorithm()
            && algorithm.signature_alg_id() == hash.signature_algorithm()
    });
    found.copied()
}

/// An uncompressed point of P-384: one octet and two coordinates.
const MAX_POINT: usize = 97;

/// OID arc 1.2.840.113549.1.1 as a value of DER without its last number: rsaEncryption, RSASSA-PSS.
const RSA: [u8; 10] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01];

/// The curve of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256, secp256r1
    P256,
    /// NIST P-384, secp384r1
    P384,
}

impl Curve {
    /// Octets of an uncompressed point.
    const fn point_octets(self) -> usize {
        match self {
            Curve::P256 => 65,
            Curve::P384 => MAX_POINT,
        }
    }

    const fn key_algorithm(self) -> AlgorithmIdentifier {
        match self {
            Curve::P256 => alg_id::ECDSA_P256,
            Curve::P384 => alg_id::ECDSA_P384,
        }
    }
}

/// The public key of a server's certificate. It holds no reference into the certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct LeafKey {
    curve: Curve,
    point: [u8; MAX_POINT],
    spki_sha256: [u8; 32],
}

impl fmt::Debug for LeafKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LeafKey({:?})", self.curve)
    }
}

impl LeafKey {
    /// From a `SubjectPublicKeyInfo`, tag and length included. Whether the point is on the curve is seen when a
    /// signature is verified.
    pub(super) fn from_spki(spki: &[u8]) -> Result<Self, VerifyError> {
        let (algorithm, key) = parts(spki).ok_or(VerifyError::BadCertificate(super::Role::Leaf))?;
        let curve = [Curve::P256, Curve::P384]
            .into_iter()
            .find(|curve| curve.key_algorithm().as_ref() == algorithm);
        let Some(curve) = curve else {
            return Err(match algorithm.starts_with(&RSA) {
                true => VerifyError::RsaOnly,
                false => VerifyError::UnsupportedKey,
            });
        };
        if key.len() != curve.point_octets() || key.first() != Some(&UNCOMPRESSED) {
            return Err(VerifyError::UnsupportedKey);
        }
        let mut point = [0; MAX_POINT];
        for (to, from) in point.iter_mut().zip(key) {
            *to = *from;
        }
        Ok(Self {
            curve,
            point,
            spki_sha256: Sha256::digest(spki).into(),
        })
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The point, uncompressed (SEC 1 section 2.3.3): 65 or 97 octets.
    pub fn point(&self) -> &[u8] {
        self.point.get(..self.curve.point_octets()).unwrap_or(&[])
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`, as in [`TrustPolicy::Pinned`](super::TrustPolicy::Pinned).
    pub fn spki_sha256(&self) -> &[u8; 32] {
        &self.spki_sha256
    }

    /// Verifies the server's signature over the handshake, RFC 8446 section 4.4.3.
    ///
    /// `scheme` is the server's choice, [`ECDSA_SECP256R1_SHA256`] or [`ECDSA_SECP384R1_SHA384`]; `message` all that
    /// is signed, with the context string.
    ///
    /// # Errors
    /// [`VerifyError::WrongScheme`] for a scheme that is not for this key's curve, or for which there is no algorithm;
    /// [`VerifyError::WrongProof`] when the signature is wrong.
    pub fn verify(
        &self,
        scheme: u16,
        message: &[u8],
        signature: &[u8],
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), VerifyError> {
        let (_, algorithm) = algorithm(scheme, algorithms)
            .filter(|(curve, _)| *curve == self.curve)
            .ok_or(VerifyError::WrongScheme)?;
        algorithm
            .verify_signature(self.point(), message, signature)
            .or(Err(VerifyError::WrongProof))
    }

    /// Verifies a signature over data, an `ECDSA-Sig-Value` (RFC 3279 section 2.2.3).
    ///
    /// TLS 1.3 ties one hash to each curve; signed messages do not (RFC 5754 section 3.3), so any hash is accepted for
    /// which there is an algorithm.
    ///
    /// # Errors
    /// [`VerifyError::WrongScheme`] when there is no algorithm for the key's curve with this hash;
    /// [`VerifyError::WrongProof`] when the signature is wrong.
    pub fn verify_data(
        &self,
        hash: Hash,
        data: &[u8],
        signature: &[u8],
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), VerifyError> {
        let algorithm = pair(self.curve, hash, algorithms).ok_or(VerifyError::WrongScheme)?;
        algorithm
            .verify_signature(self.point(), data, signature)
            .or(Err(VerifyError::WrongProof))
    }

    /// Verifies a signature over data of which only the digest is at hand: 32 octets of SHA-256, 48 of SHA-384.
    ///
    /// `algorithms` say which pairs of curve and hash are allowed. Their interface has no call for a digest, so the work is done in software whatever they are.
    ///
    /// # Errors
    /// As for [`verify_data`](Self::verify_data).
    pub fn verify_digest(
        &self,
        hash: Hash,
        digest: &[u8],
        signature: &[u8],
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), VerifyError> {
        pair(self.curve, hash, algorithms).ok_or(VerifyError::WrongScheme)?;
        let verify = match self.curve {
            Curve::P256 => verify_p256_digest,
            Curve::P384 => verify_p384_digest,
        };
        verify(self.point(), digest, signature).or(Err(VerifyError::WrongProof))
    }
}

/// The algorithm's content and the key of a `SubjectPublicKeyInfo`, RFC 5280 section 4.1.2.7.
pub(super) fn parts(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader::new(der::only(spki, SEQUENCE)?);
    let algorithm = reader.expect(SEQUENCE)?;
    let key = der::octets_of_bits(reader.expect(BIT_STRING)?)?;
    reader.is_empty().then_some((algorithm, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{P256_SHA256, P256_SHA384, P384_SHA256, P384_SHA384, Role};

    /// A value of DER with a length of at most 255 octets.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len() as u8;
        match length {
            0..=0x7F => [&[tag, length], content].concat(),
            _ => [&[tag, 0x81, length], content].concat(),
        }
    }

    /// A `SubjectPublicKeyInfo`.
    fn spki(algorithm: &[u8], point: &[u8]) -> Vec<u8> {
        let key = der(BIT_STRING, &[&[0], point].concat());
        der(SEQUENCE, &[der(SEQUENCE, algorithm), key].concat())
    }

    /// Both the curve and the hash have to be those of the scheme, wherever the algorithm stands among the others.
    #[test]
    fn a_scheme_is_one_curve_with_one_hash() {
        let of = |algorithms: &[&dyn SignatureVerificationAlgorithm]| -> Vec<u16> {
            schemes(algorithms).collect()
        };
        let (p256, p384) = (ECDSA_SECP256R1_SHA256, ECDSA_SECP384R1_SHA384);
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[P256_SHA384, P384_SHA256]), []);
        assert_eq!(of(&[P256_SHA256]), [p256]);
        assert_eq!(of(&[P384_SHA384]), [p384]);
        let mixed = [P256_SHA384, P384_SHA256, P384_SHA384, P256_SHA256];
        assert_eq!(of(&mixed), [p256, p384]);
        for (scheme, curve, name) in [
            (p256, Curve::P256, "P256Sha256"),
            (p384, Curve::P384, "P384Sha384"),
        ] {
            let (of, found) = algorithm(scheme, &mixed).unwrap();
            assert_eq!((of, format!("{found:?}").as_str()), (curve, name));
        }
        // RSASSA-PSS.
        assert!(algorithm(0x0804, &mixed).is_none());
    }

    #[test]
    fn a_key_is_an_uncompressed_point_of_its_curve() {
        for (curve, octets) in [(Curve::P256, 65), (Curve::P384, 97)] {
            let of = |first: u8, octets: usize| {
                let mut point = vec![7; octets];
                point[0] = first;
                let spki = spki(curve.key_algorithm().as_ref(), &point);
                LeafKey::from_spki(&spki).map(|key| (key.curve(), key.point() == point))
            };
            assert_eq!(of(4, octets), Ok((curve, true)));
            // One thing is wrong: the form of the point, or its length.
            for (first, octets) in [(2, octets), (4, octets - 1), (4, octets + 1)] {
                assert_eq!(of(first, octets), Err(VerifyError::UnsupportedKey));
            }
        }
    }

    #[test]
    fn keys_of_other_kinds() {
        let rsa = spki(&[&RSA[..], &[1]].concat(), &[7; 65]);
        assert_eq!(LeafKey::from_spki(&rsa).err(), Some(VerifyError::RsaOnly));
        // Ed25519, 1.3.101.112.
        let edwards = spki(&[6, 3, 0x2B, 0x65, 0x70], &[7; 32]);
        let refused = LeafKey::from_spki(&edwards).err();
        assert_eq!(refused, Some(VerifyError::UnsupportedKey));
        let malformed = VerifyError::BadCertificate(Role::Leaf);
        assert_eq!(LeafKey::from_spki(&[]).err(), Some(malformed));
    }
}
