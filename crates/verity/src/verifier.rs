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
    /// The lowest number of a data block that is wanted. Of what comes before it, only the nodes above it are.
    #[cfg(feature = "seek")]
    from: u32,
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
    // Inlined, so that it is made where it will lie and not on the stack first.
    #[inline(always)]
    pub const fn idle(hasher: H) -> Self {
        Self {
            hasher,
            layout: Layout::EMPTY,
            root: Digest([0; HASH]),
            nodes: [[0; BLOCK]; LEVELS],
            next: 0,
            have: 0,
            #[cfg(feature = "seek")]
            from: 0,
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
        #[cfg(feature = "seek")]
        {
            self.from = 0;
        }
        Ok(())
    }

    /// Passes over the data before the block with this octet of the file, or before the last block if the file ends earlier. The nodes above that block
    /// are wanted first, from the top one down, and then everything from the block on. Call it before the first block comes.
    #[cfg(feature = "seek")]
    pub fn seek(&mut self, offset: u64) {
        let block = u32::try_from(offset / BLOCK as u64).unwrap_or(u32::MAX);
        let index = block.min(self.layout.data_blocks().saturating_sub(1));
        self.from = self.layout.number(Place { level: 0, index });
        self.have = 0;
        self.next = match self.layout.levels() {
            0 => self.from,
            _ => 0,
        };
        self.settle();
    }

    /// Ends the seeking where the nodes that are wanted still follow each other, and the data follows them.
    #[cfg(feature = "seek")]
    fn settle(&mut self) {
        let level = self.layout.place(self.next).map_or(0, |place| place.level);
        if self.from.saturating_sub(self.next) as usize == level {
            self.from = self.next;
        }
    }

    /// Whether a node above the block of [`seek`](Self::seek) is wanted still. The numbers that are wanted do not follow each other meanwhile.
    #[cfg(feature = "seek")]
    pub fn is_seeking(&self) -> bool {
        self.next < self.from
    }

    /// The digest that this descriptor has.
    pub fn digest_of(&mut self, descriptor: &Descriptor) -> Digest {
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
            self.next_below(place.level);
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

    /// Goes on behind a node of this level.
    fn next_below(&mut self, level: usize) {
        #[cfg(feature = "seek")]
        if self.is_seeking() {
            self.next = self.towards(level.saturating_sub(1));
            self.settle();
            return;
        }
        let _ = level;
        self.next = self.next.saturating_add(1);
    }

    /// The number of the block of this level that is above the first data block that is wanted, or is that block.
    #[cfg(feature = "seek")]
    fn towards(&self, level: usize) -> u32 {
        let mut index = self.layout.place(self.from).map_or(0, |place| place.index);
        for _ in 0..level {
            index /= FANOUT;
        }
        self.layout.number(Place { level, index })
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
#[path = "verifier_tests.rs"]
mod tests;
