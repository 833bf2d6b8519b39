//! The digest of a block.

use crate::layout::BLOCK;
use netboot_core::{Digest, Hasher};

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
