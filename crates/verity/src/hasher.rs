//! SHA-256, by whatever computes it.

use crate::layout::BLOCK;
use netboot_core::Digest;

/// Computes SHA-256 (FIPS 180-4) of octets that come in pieces. A board whose accelerator does so implements it.
pub trait Hasher {
    /// Goes on with the next octets of the message.
    fn update(&mut self, octets: &[u8]);

    /// Ends the message and gives its digest. The next octets begin another message.
    fn finish(&mut self) -> Digest;
}

impl<H: Hasher + ?Sized> Hasher for &mut H {
    fn update(&mut self, octets: &[u8]) {
        (**self).update(octets);
    }

    fn finish(&mut self) -> Digest {
        (**self).finish()
    }
}

/// SHA-256 in software.
#[cfg(any(test, feature = "sha2"))]
#[derive(Clone, Debug, Default)]
pub struct Software(
    /// The message that was begun; `None` between two messages.
    Option<sha2::Sha256>,
);

#[cfg(any(test, feature = "sha2"))]
impl Software {
    /// Makes a hasher, which may lie in a static.
    pub const fn new() -> Self {
        Self(None)
    }
}

#[cfg(any(test, feature = "sha2"))]
impl Hasher for Software {
    fn update(&mut self, octets: &[u8]) {
        let message = self.0.get_or_insert_with(sha2::Digest::new);
        sha2::Digest::update(message, octets);
    }

    fn finish(&mut self) -> Digest {
        let message = self.0.take().unwrap_or_default();
        Digest(sha2::Digest::finalize(message).into())
    }
}

/// Zeros, for the padding of a block.
const ZEROS: [u8; 64] = [0; 64];

/// The digest of a block, which counts as padded with zeros to [`BLOCK`] octets: what the node above it has of it.
#[inline(never)]
pub fn block_digest<H: Hasher>(hasher: &mut H, block: &[u8]) -> Digest {
    hasher.update(block);
    let mut missing = BLOCK.saturating_sub(block.len());
    while missing > 0 {
        let part = missing.min(ZEROS.len());
        hasher.update(ZEROS.get(..part).unwrap_or_default());
        missing = missing.saturating_sub(part);
    }
    hasher.finish()
}
