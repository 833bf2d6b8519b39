//! The rack secret, and the keys that are derived from it.

use core::fmt;
use curve25519_dalek::scalar::Scalar;
use hkdf::Hkdf;
use hmac::Hmac;
use rand_core::{CryptoRng, RngCore};
use sha3::Sha3_256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// HKDF (RFC 5869) over SHA3-256 (FIPS 202).
type Kdf = Hkdf<Sha3_256, Hmac<Sha3_256>>;

/// Octets of a derived key.
pub const KEY_LEN: usize = 32;
/// Octets of the random salt of a key derivation.
pub const SALT_LEN: usize = 32;

/// HKDF info of the value that shows whether two nodes hold the same secret.
const CHECK_INFO: &[u8] = b"netboot-bootstore-check-v1-";

/// The secret of a rack: a scalar of Curve25519's group, 32 octets in little-endian order.
///
/// The memory is cleared on drop. Comparison takes constant time. `Debug` shows nothing of the value.
#[derive(Clone)]
pub struct RackSecret(Scalar);

impl RackSecret {
    /// A fresh secret: 64 random octets, reduced modulo the order of the group, which leaves no usable bias.
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(random_scalar(rng))
    }

    /// The secret with these octets; `None` when they are no canonical scalar.
    pub fn from_bytes(octets: [u8; 32]) -> Option<Self> {
        Option::<Scalar>::from(Scalar::from_canonical_bytes(octets)).map(Self)
    }

    /// The octets of the secret. They are the input of key derivations and must not be logged.
    pub fn expose(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    pub(crate) const fn from_scalar(scalar: Scalar) -> Self {
        Self(scalar)
    }

    pub(crate) const fn scalar(&self) -> &Scalar {
        &self.0
    }

    /// Derives a key by HKDF-SHA3-256 with this salt; the parts of `info` are joined.
    pub(crate) fn derive(&self, salt: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; KEY_LEN]> {
        let ikm = self.expose();
        let mut key = Zeroizing::new([0; KEY_LEN]);
        // HKDF fails only for keys of more than 255 hash lengths, and this is one.
        let _ = Kdf::new(Some(salt), &*ikm).expand_multi_info(info, &mut *key);
        key
    }

    /// Eight octets by which operators see that two nodes recovered the same secret.
    ///
    /// They are derived by HKDF with an info string of their own and give nothing away of the secret.
    pub fn check_value(&self, rack: &crate::RackUuid) -> [u8; 8] {
        let key = self.derive(&[], &[CHECK_INFO, &rack.0]);
        let mut value = [0; 8];
        value.copy_from_slice(key.get(..8).unwrap_or(&[0; 8]));
        value
    }
}

/// A uniformly random scalar.
pub(crate) fn random_scalar(rng: &mut (impl RngCore + CryptoRng)) -> Scalar {
    let mut wide = Zeroizing::new([0; 64]);
    rng.fill_bytes(&mut *wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}

impl Drop for RackSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ConstantTimeEq for RackSecret {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for RackSecret {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for RackSecret {}

impl core::hash::Hash for RackSecret {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for RackSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RackSecret(..)")
    }
}
