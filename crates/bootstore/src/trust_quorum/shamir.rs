//! Shamir's secret sharing over the scalar field of Curve25519.
//!
//! Share *x* is the value at *x* of a random polynomial of degree K − 1 whose value at 0 is the secret. Any
//! K shares give the polynomial by Lagrange's formula; K − 1 shares are consistent with every secret.

use super::secret::{RackSecret, random_scalar};
use super::share::Share;
use super::{THRESHOLD_MAX, TrustQuorumError};
use core::fmt;
use curve25519_dalek::scalar::Scalar;
use heapless::Vec;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroize;

/// A random polynomial over the scalars; its constant term is the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Polynomial(Vec<Scalar, THRESHOLD_MAX, u8>);

impl Polynomial {
    /// A polynomial for `secret` with `threshold` coefficients.
    ///
    /// # Errors
    /// [`TrustQuorumError::TooManyMembers`] when `threshold` is above [`THRESHOLD_MAX`],
    /// [`TrustQuorumError::NoMembers`] when it is zero.
    pub fn random(
        secret: &RackSecret,
        threshold: usize,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, TrustQuorumError> {
        if threshold == 0 {
            return Err(TrustQuorumError::NoMembers);
        }
        let mut coefficients = Vec::new();
        for index in 0..threshold {
            let coefficient = if index == 0 {
                *secret.scalar()
            } else {
                random_scalar(rng)
            };
            coefficients
                .push(coefficient)
                .map_err(|_| TrustQuorumError::TooManyMembers {
                    members: threshold.saturating_sub(1).saturating_mul(2),
                })?;
        }
        Ok(Self(coefficients))
    }

    /// The share at `x`.
    ///
    /// # Errors
    /// [`TrustQuorumError::ZeroX`] when `x` is 0: that would be the secret.
    pub fn share(&self, x: u8) -> Result<Share, TrustQuorumError> {
        if x == 0 {
            return Err(TrustQuorumError::ZeroX);
        }
        let at = Scalar::from(x);
        let mut value = Scalar::ZERO;
        for coefficient in self.0.iter().rev() {
            value = value * at + coefficient;
        }
        let share = Share::new(x, &value);
        value.zeroize();
        Ok(share)
    }

    /// The secret that the polynomial hides.
    pub fn secret(&self) -> RackSecret {
        RackSecret::from_scalar(self.0.first().copied().unwrap_or(Scalar::ZERO))
    }
}

impl Drop for Polynomial {
    fn drop(&mut self) {
        for coefficient in &mut self.0 {
            coefficient.zeroize();
        }
    }
}

impl core::hash::Hash for Polynomial {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        for coefficient in &self.0 {
            coefficient.as_bytes().hash(state);
        }
    }
}

impl fmt::Debug for Polynomial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Polynomial(threshold {}, ..)", self.0.len())
    }
}

/// Recovers the secret from `threshold` shares. Shares after these are ignored.
///
/// The function inverts one scalar only (Montgomery's trick). Its running time depends on the number of
/// shares, not on what they hold.
///
/// # Errors
/// [`TrustQuorumError::TooFewShares`], [`TrustQuorumError::DuplicateX`], [`TrustQuorumError::ZeroX`],
/// [`TrustQuorumError::NonCanonical`], and [`TrustQuorumError::TooManyMembers`] when `threshold` is above
/// [`THRESHOLD_MAX`].
pub fn combine<'a>(
    shares: impl Iterator<Item = &'a Share>,
    threshold: usize,
) -> Result<RackSecret, TrustQuorumError> {
    if threshold > THRESHOLD_MAX {
        return Err(TrustQuorumError::TooManyMembers {
            members: threshold.saturating_sub(1).saturating_mul(2),
        });
    }
    let mut points: Vec<Point, THRESHOLD_MAX, u8> = Vec::new();
    for share in shares.take(threshold) {
        let x = share.x();
        if x == 0 {
            return Err(TrustQuorumError::ZeroX);
        }
        if points.iter().any(|point| point.x == x) {
            return Err(TrustQuorumError::DuplicateX { x });
        }
        let y = share.scalar().ok_or(TrustQuorumError::NonCanonical { x })?;
        // The capacity is the greatest threshold.
        let _ = points.push(Point { x, y });
    }
    if points.len() < threshold || threshold == 0 {
        return Err(TrustQuorumError::TooFewShares {
            have: points.len(),
            need: threshold.max(1),
        });
    }
    Ok(RackSecret::from_scalar(interpolate_at_zero(&points)))
}

struct Point {
    x: u8,
    y: Scalar,
}

impl Drop for Point {
    fn drop(&mut self) {
        self.y.zeroize();
    }
}

/// Lagrange's formula at 0: the sum of y(i) · Π x(j) / (x(j) − x(i)) over j ≠ i. All x differ.
fn interpolate_at_zero(points: &[Point]) -> Scalar {
    // Numerator and denominator of each weight, and the product of the denominators before it.
    let mut weights: Vec<(Scalar, Scalar, Scalar), THRESHOLD_MAX, u8> = Vec::new();
    let mut product = Scalar::ONE;
    for point in points {
        let (mut numerator, mut denominator) = (Scalar::ONE, Scalar::ONE);
        for other in points.iter().filter(|other| other.x != point.x) {
            let (xi, xj) = (Scalar::from(point.x), Scalar::from(other.x));
            numerator *= xj;
            denominator *= xj - xi;
        }
        let _ = weights.push((numerator, denominator, product));
        product *= denominator;
    }
    let mut inverse = product.invert();
    let mut secret = Scalar::ZERO;
    for (point, (numerator, denominator, before)) in points.iter().zip(&weights).rev() {
        secret += point.y * numerator * (inverse * before);
        inverse *= denominator;
    }
    secret
}
