//! One share of a rack secret, and the digests by which shares are recognised.

use super::error::{PackageFault, TrustQuorumError};
use super::{SHARE_LEN, SHARES};
use core::fmt;
use curve25519_dalek::scalar::Scalar;
use sha3::{Digest as _, Sha3_256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A share: x in one octet (1 to 255), then y as a canonical scalar of 32 octets in little-endian order.
///
/// The memory is cleared on drop. Comparison takes constant time. `Debug` shows x only.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Share([u8; SHARE_LEN]);

impl Share {
    /// The share with these octets.
    ///
    /// # Errors
    /// [`TrustQuorumError::ZeroX`] and [`TrustQuorumError::NonCanonical`].
    pub fn from_bytes(octets: [u8; SHARE_LEN]) -> Result<Self, TrustQuorumError> {
        let share = Self(octets);
        if share.x() == 0 {
            return Err(TrustQuorumError::ZeroX);
        }
        match share.scalar() {
            Some(_) => Ok(share),
            None => Err(TrustQuorumError::NonCanonical { x: share.x() }),
        }
    }

    pub(crate) fn new(x: u8, y: &Scalar) -> Self {
        let mut octets = [x; SHARE_LEN];
        if let Some(tail) = octets.get_mut(1..) {
            tail.copy_from_slice(y.as_bytes());
        }
        Self(octets)
    }

    /// The point at which the polynomial was evaluated; never zero.
    pub const fn x(&self) -> u8 {
        self.0[0]
    }

    /// The value of the polynomial at x.
    pub(crate) fn scalar(&self) -> Option<Scalar> {
        let mut y = [0; 32];
        y.copy_from_slice(self.0.get(1..)?);
        let scalar = Option::from(Scalar::from_canonical_bytes(y));
        y.zeroize();
        scalar
    }

    /// The octets of the share. They are secret.
    pub const fn expose(&self) -> &[u8; SHARE_LEN] {
        &self.0
    }

    /// SHA3-256 of the octets.
    pub fn digest(&self) -> ShareDigest {
        Sha3_256::digest(self.0).into()
    }
}

impl ConstantTimeEq for Share {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Share {}

impl core::hash::Hash for Share {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share(x {}, ..)", self.x())
    }
}

/// SHA3-256 digest of a share.
pub type ShareDigest = [u8; 32];

/// The digests of all shares of a rack, sorted: 8,160 octets. A received share is genuine if its digest is here.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DigestSet([ShareDigest; SHARES]);

impl DigestSet {
    /// The set of these digests, which the function sorts.
    pub fn new(mut digests: [ShareDigest; SHARES]) -> Self {
        digests.sort_unstable();
        Self(digests)
    }

    /// The set of these digests, which have to be sorted already.
    ///
    /// # Errors
    /// [`PackageFault::Digests`] when they are not sorted, or one is there twice.
    pub fn from_sorted(digests: [ShareDigest; SHARES]) -> Result<Self, TrustQuorumError> {
        if digests.is_sorted_by(|a, b| a < b) {
            Ok(Self(digests))
        } else {
            Err(TrustQuorumError::BadPackage(PackageFault::Digests))
        }
    }

    /// The digests in ascending order.
    pub const fn digests(&self) -> &[ShareDigest; SHARES] {
        &self.0
    }

    /// Checks that `share` belongs to the rack.
    ///
    /// # Errors
    /// [`TrustQuorumError::UnknownShare`] when its digest is not in the set.
    pub fn check(&self, share: &Share) -> Result<(), TrustQuorumError> {
        match self.0.binary_search(&share.digest()) {
            Ok(_) => Ok(()),
            Err(_) => Err(TrustQuorumError::UnknownShare { x: share.x() }),
        }
    }
}

impl fmt::Debug for DigestSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestSet({SHARES} digests)")
    }
}
