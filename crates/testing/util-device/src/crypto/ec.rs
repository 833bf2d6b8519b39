//! ECDSA and ECDH on P-384.

use crate::crypto::random::Random;
use crate::refusal::Refusal;
use p384::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p384::ecdsa::{Signature, SigningKey, VerifyingKey};
use p384::elliptic_curve::sec1::ToEncodedPoint;
use p384::{EncodedPoint, NonZeroScalar, PublicKey};

/// The private key of a seed.
pub(crate) fn signing_key(seed: &[u8; 48]) -> Result<SigningKey, Refusal> {
    SigningKey::from_slice(seed).map_err(|_| Refusal::PARAMETER)
}

/// X and Y.
pub(crate) fn coordinates(key: &PublicKey) -> [u8; 96] {
    let mut out = [0; 96];
    for (to, from) in out
        .iter_mut()
        .zip(key.to_encoded_point(false).as_bytes().iter().skip(1))
    {
        *to = *from;
    }
    out
}

pub(crate) fn public(seed: &[u8; 48]) -> Result<[u8; 96], Refusal> {
    Ok(coordinates(&PublicKey::from(
        signing_key(seed)?.verifying_key(),
    )))
}

/// R and S over a digest.
pub(crate) fn sign(seed: &[u8; 48], digest: &[u8]) -> Result<[u8; 96], Refusal> {
    let signature: Signature = signing_key(seed)?
        .sign_prehash(digest)
        .map_err(|_| Refusal::FAILED)?;
    let mut out = [0; 96];
    out.copy_from_slice(&signature.to_bytes());
    Ok(out)
}

fn point(xy: &[u8; 96]) -> Result<PublicKey, Refusal> {
    let (x, y) = xy.split_at(48);
    let encoded = EncodedPoint::from_affine_coordinates(x.into(), y.into(), false);
    PublicKey::try_from(encoded).map_err(|_| Refusal::PARAMETER)
}

pub(crate) fn verify(xy: &[u8; 96], signature: &[u8; 96], digest: &[u8]) -> Result<(), Refusal> {
    let key = VerifyingKey::from(point(xy)?);
    let signature = Signature::from_slice(signature).map_err(|_| Refusal::PARAMETER)?;
    key.verify_prehash(digest, &signature)
        .map_err(|_| Refusal::FAILED)
}

/// An ephemeral private key and its public point.
pub(crate) fn ephemeral(random: &mut Random) -> Result<([u8; 48], [u8; 96]), Refusal> {
    // A random number is above the group's order about once in 2^190.
    let scalar: [u8; 48] = random.array();
    Ok((scalar, public(&scalar)?))
}

/// The shared secret: X of the product.
pub(crate) fn shared(scalar: &[u8; 48], peer: &[u8; 96]) -> Result<[u8; 48], Refusal> {
    let scalar = NonZeroScalar::try_from(&scalar[..]).map_err(|_| Refusal::PARAMETER)?;
    let product = point(peer)?.to_projective() * *scalar;
    let point = PublicKey::from_affine(product.to_affine()).map_err(|_| Refusal::FAILED)?;
    let mut x = [0; 48];
    for (to, from) in x.iter_mut().zip(coordinates(&point)) {
        *to = from;
    }
    Ok(x)
}
