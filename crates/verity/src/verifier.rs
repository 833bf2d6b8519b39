//! Says of each block whether it is the right one.

use crate::block_digest::block_digest;
use crate::descriptor::Descriptor;
use crate::error::VerityError;
use crate::layout::{BLOCK, FANOUT, Layout, Place};
use netboot_core::{Digest, Hasher};

/// Octets of a hash.
const HASH: usize = 32;

/// What a block turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// A node of the tree. The verifier keeps it.
    Node,
    /// Data, which may be used.
    Data {
        /// Where it belongs in the file, in octets.
        offset: u64,
    },
}

/// Verifies the blocks of one file. `LEVELS` nodes of 1,024 octets lie in it: 2 for files up to 1 MiB, 3 for files up to 32 MiB.
///
/// Blocks come by their numbers in the order of the packed file. The data blocks below one node may come in any order. A node may come only when everything
/// before it has.
#[derive(Clone, Debug)]
pub struct Verifier<H, const LEVELS: usize> {
    hasher: H,
    layout: Layout,
    root: Digest,
    /// The present node of each level, from level 1 on.
    nodes: [[u8; BLOCK]; LEVELS],
    /// The lowest number that has not been verified.
    next: u32,
    /// The data blocks below the present node of level 1 that have been verified, a bit for each.
    have: u32,
}

impl<H: Hasher, const LEVELS: usize> Verifier<H, LEVELS> {
    /// Begins to verify the file with this digest. `descriptor` comes from anybody.
    ///
    /// # Errors
    /// As for [`begin`](Self::begin).
    pub fn new(hasher: H, digest: &Digest, descriptor: &Descriptor) -> Result<Self, VerityError> {
        let mut verifier = Self::idle(hasher);
        verifier.begin(digest, descriptor)?;
        Ok(verifier)
    }

    /// A verifier that has no file, and takes no block before [`begin`](Self::begin). It may lie in a static.
    pub const fn idle(hasher: H) -> Self {
        Self {
            hasher,
            layout: Layout::EMPTY,
            root: Digest([0; HASH]),
            nodes: [[0; BLOCK]; LEVELS],
            next: 0,
            have: 0,
        }
    }

    /// Begins to verify the file with this digest, in place of an earlier one. `descriptor` comes from anybody.
    ///
    /// # Errors
    /// [`VerityError::WrongHead`] when the descriptor does not have the digest; [`VerityError::TooLarge`] when the tree has more than `LEVELS` levels. The
    /// earlier file stays the one that is verified then.
    pub fn begin(&mut self, digest: &Digest, descriptor: &Descriptor) -> Result<(), VerityError> {
        if descriptor.digest(&mut self.hasher) != *digest {
            return Err(VerityError::WrongHead);
        }
        let layout = Layout::new(descriptor.size)?;
        if layout.levels() > LEVELS {
            let size = descriptor.size;
            return Err(VerityError::TooLarge { size });
        }
        self.layout = layout;
        self.root = descriptor.root;
        self.next = 0;
        self.have = 0;
        Ok(())
    }

    /// The digest that this descriptor has.
    pub(crate) fn digest_of(&mut self, descriptor: &Descriptor) -> Digest {
        descriptor.digest(&mut self.hasher)
    }

    /// The shape of the tree.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The lowest number of a block that has not been verified. After the last one it is the number of blocks.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// Whether every block has been verified.
    pub fn is_complete(&self) -> bool {
        self.next >= self.layout.blocks()
    }

    /// Whether the block with this number may come now: it has not come yet, and its hash is known.
    pub fn is_wanted(&self, number: u32) -> bool {
        self.wanted(number).is_ok()
    }

    /// Verifies a block.
    ///
    /// # Errors
    /// Why the block is not accepted. Nothing has changed then: the right block may still come.
    #[inline(never)]
    pub fn verify(&mut self, number: u32, block: &[u8]) -> Result<Verified, VerityError> {
        let place = self.wanted(number)?;
        if block.len() != self.layout.len(place) {
            let found = u16::try_from(block.len()).unwrap_or(u16::MAX);
            return Err(VerityError::WrongLength { number, found });
        }
        let found = block_digest(&mut self.hasher, block);
        if self.expected(place) != Some(found) {
            return Err(VerityError::WrongBlock { number });
        }
        if place.level > 0 {
            let slot = self.nodes.get_mut(place.level.saturating_sub(1));
            if let (Some(slot), Ok(block)) = (slot, block.try_into()) {
                *slot = block;
            }
            self.next = self.next.saturating_add(1);
            self.have = 0;
            return Ok(Verified::Node);
        }
        self.have |= bit(place.index);
        // Goes on behind all that has come; a node is verified only when it is the next block, so its place is not passed over.
        while let Some(next) = self.layout.place(self.next)
            && next.level == 0
            && self.have & bit(next.index) != 0
            && self.is_below_present(next.index)
        {
            self.next = self.next.saturating_add(1);
        }
        let offset = self.layout.offset(place.index);
        Ok(Verified::Data { offset })
    }

    /// The place of a block that may come now.
    fn wanted(&self, number: u32) -> Result<Place, VerityError> {
        let place = self.layout.place(number);
        let place = place.ok_or(VerityError::NoSuchBlock { number })?;
        if number < self.next {
            return Err(VerityError::Repeated { number });
        }
        match place.level {
            0 if !self.is_below_present(place.index) => Err(VerityError::TooEarly { number }),
            0 if self.have & bit(place.index) != 0 => Err(VerityError::Repeated { number }),
            0 => Ok(place),
            _ if number == self.next => Ok(place),
            _ => Err(VerityError::TooEarly { number }),
        }
    }

    /// Whether the data block is one below the present node of level 1. That node comes before the block that is next, unless it is the next block itself.
    fn is_below_present(&self, index: u32) -> bool {
        match self.layout.place(self.next) {
            Some(next) if next.level == 0 => next.index / FANOUT == index / FANOUT,
            _ => false,
        }
    }

    /// The hash that the block at `place` has to have.
    fn expected(&self, place: Place) -> Option<Digest> {
        if place.level == self.layout.levels() {
            return Some(self.root);
        }
        let node = self.nodes.get(place.level)?;
        let at = (place.index % FANOUT) as usize * HASH;
        let hash = node.get(at..at.saturating_add(HASH))?;
        Some(Digest(hash.try_into().ok()?))
    }
}

/// The bit of a data block among those of its node.
fn bit(index: u32) -> u32 {
    1 << (index % FANOUT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Software, Tree};

    /// Two nodes of level 1 below the root, and data blocks with different octets.
    fn file() -> (Vec<u8>, Tree, Vec<u8>) {
        let data: Vec<u8> = (0..40 * BLOCK).map(|at| (at / BLOCK + at) as u8).collect();
        let tree = Tree::of(&data);
        let mut packed = Vec::new();
        tree.pack(&data, |octets| packed.extend_from_slice(octets))
            .unwrap();
        (data, tree, packed.split_off(BLOCK))
    }

    #[test]
    fn data_below_one_node_comes_in_any_order_and_once() {
        let (data, tree, packed) = file();
        let block = |number: u32| &packed[number as usize * BLOCK..][..BLOCK];
        // The hasher may be somebody else's.
        let mut hasher = Software::default();
        let mut verifier =
            Verifier::<_, 2>::new(&mut hasher, &tree.digest(), &tree.descriptor()).unwrap();
        assert_eq!(verifier.layout().size(), data.len() as u64);
        assert!(!verifier.layout().is_empty());
        assert!(!verifier.is_wanted(1));
        let early = |number| Err(VerityError::TooEarly { number });
        let repeated = |number| Err(VerityError::Repeated { number });
        assert_eq!(verifier.verify(1, block(1)), early(1));
        assert_eq!(verifier.verify(0, block(0)), Ok(Verified::Node));
        assert_eq!(verifier.verify(0, block(0)), repeated(0));
        assert_eq!(verifier.verify(1, block(1)), Ok(Verified::Node));
        // Numbers 2 to 33 are the data below the first node.
        let offset = 31 * BLOCK as u64;
        assert_eq!(
            verifier.verify(33, block(33)),
            Ok(Verified::Data { offset })
        );
        assert_eq!(verifier.verify(33, block(33)), repeated(33));
        assert_eq!(verifier.verify(34, block(34)), early(34), "the second node");
        assert_eq!(verifier.next(), 2);
        for number in (2..33).rev() {
            assert!(verifier.is_wanted(number));
            let offset = u64::from(number - 2) * BLOCK as u64;
            assert_eq!(
                verifier.verify(number, block(number)),
                Ok(Verified::Data { offset })
            );
        }
        assert_eq!(verifier.next(), 34);
        assert_eq!(verifier.verify(1, block(1)), repeated(1), "an old node");
        assert_eq!(verifier.verify(2, block(2)), repeated(2), "old data");
        for number in 34..verifier.layout().blocks() {
            verifier.verify(number, block(number)).unwrap();
        }
        assert!(verifier.is_complete());
        let number = verifier.layout().blocks();
        let beyond = verifier.verify(number, &[]);
        assert_eq!(beyond, Err(VerityError::NoSuchBlock { number }));
    }

    #[test]
    fn an_empty_file_has_no_block() {
        let tree = Tree::of(&[]);
        let verifier =
            Verifier::<_, 2>::new(Software::default(), &tree.digest(), &tree.descriptor()).unwrap();
        assert!(verifier.layout().is_empty());
        assert!(verifier.is_complete());
    }
}
