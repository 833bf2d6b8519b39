//! The hash over what is delivered.
//!
//! Without the feature `sha256` nothing is hashed. That build is for proofs about this crate alone, such as that it has no panic
//! path: the SHA-256 library keeps some, which no input reaches.

#[cfg(not(feature = "sha256"))]
pub(crate) use nothing::{Hash, digest, new, update};
#[cfg(feature = "sha256")]
pub(crate) use sha256::{Hash, digest, new, update};

/// SHA-256 of octets that are held; `None` in a build that cannot hash.
// Inlined, so that it shares the library's code with the hash of a delivery.
#[inline(always)]
pub fn sha256(octets: &[u8]) -> Option<netboot_core::Digest> {
    let mut hash = new()?;
    update(&mut hash, octets);
    Some(digest(&hash))
}

#[cfg(feature = "sha256")]
mod sha256 {
    use netboot_core::Digest;
    use sha2::Digest as _;

    /// The state of a hash.
    pub(crate) type Hash = sha2::Sha256;

    /// Begins a hash; `None` in a build that cannot hash.
    #[inline(always)]
    pub(crate) fn new() -> Option<Hash> {
        Some(Hash::new())
    }

    /// Goes on with the next octets.
    #[inline(always)]
    pub(crate) fn update(hash: &mut Hash, data: &[u8]) {
        hash.update(data);
    }

    /// The digest of all octets so far.
    #[inline(always)]
    pub(crate) fn digest(hash: &Hash) -> Digest {
        Digest(hash.clone().finalize().into())
    }
}

#[cfg(not(feature = "sha256"))]
mod nothing {
    use netboot_core::Digest;

    /// There is no hash.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Hash {}

    /// Begins nothing.
    pub(crate) const fn new() -> Option<Hash> {
        None
    }

    /// Nobody has a hash to pass here.
    pub(crate) fn update(hash: &mut Hash, _: &[u8]) {
        match *hash {}
    }

    /// Nobody has a hash to pass here.
    pub(crate) fn digest(hash: &Hash) -> Digest {
        match *hash {}
    }
}
