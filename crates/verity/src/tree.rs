//! Makes the tree of a file, its digest, and the packed file.

use crate::block_digest::block_digest;
use crate::descriptor::{Descriptor, Head};
use crate::error::VerityError;
use crate::layout::{BLOCK, Layout};
use alloc::vec::Vec;
use netboot_core::Digest;
use netboot_core::hasher::Software;

/// The tree over a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// The nodes of each level, from level 1 on, each padded to whole blocks.
    levels: Vec<Vec<u8>>,
    root: Digest,
}

impl Tree {
    /// Makes the tree over `data`.
    pub fn of(data: &[u8]) -> Self {
        let mut hasher = Software::default();
        let mut hashes = |octets: &[u8]| {
            let blocks = octets.chunks(BLOCK);
            let digests = blocks.map(|block| block_digest(&mut hasher, block).0);
            digests.collect::<Vec<_>>().concat()
        };
        let mut levels: Vec<Vec<u8>> = Vec::new();
        let mut level = hashes(data);
        while level.len() > 32 {
            level.resize(level.len().next_multiple_of(BLOCK), 0);
            let above = hashes(&level);
            levels.push(level);
            level = above;
        }
        let mut root = Digest([0; 32]);
        for (to, from) in root.0.iter_mut().zip(&level) {
            *to = *from;
        }
        Self {
            size: data.len() as u64,
            levels,
            root,
        }
    }

    /// The descriptor of the file.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            size: self.size,
            root: self.root,
        }
    }

    /// The digest of the file: what `fsverity digest --block-size=1024` prints.
    pub fn digest(&self) -> Digest {
        self.descriptor().digest(&mut Software::default())
    }

    /// The tree as fs-verity stores it: the levels from the top down.
    pub fn octets(&self) -> Vec<u8> {
        let levels = self.levels.iter().rev();
        levels.flatten().copied().collect()
    }

    /// The packed file. `data` has to be that of which the tree was made.
    ///
    /// # Errors
    /// [`VerityError::TooLarge`] when the file is larger than 1 GiB.
    pub fn pack(&self, data: &[u8]) -> Result<Vec<u8>, VerityError> {
        let layout = Layout::new(self.size)?;
        let descriptor = self.descriptor();
        let mut packed = Head { descriptor }.octets().to_vec();
        for number in 0..layout.blocks() {
            if let Some(place) = layout.place(number) {
                let level = place.level.checked_sub(1);
                let from = level.map_or(data, |level| {
                    self.levels.get(level).map_or(&[], Vec::as_slice)
                });
                let block = from.chunks(BLOCK).nth(place.index as usize);
                packed.extend_from_slice(block.unwrap_or_default());
            }
        }
        Ok(packed)
    }
}
