//! Where each block of a file stands in the order in which blocks are verified.
//!
//! The order is that of a walk through the tree: a node, then everything below its first hash, then everything below its second one, and so on. The place of a block follows from its number by divisions.

use crate::error::VerityError;

/// Octets of a block: of the data, and of a node of the tree.
pub const BLOCK: usize = 1024;
/// Hashes in a node.
pub const FANOUT: u32 = 32;
/// Greatest number of levels above the data: files up to 1 GiB.
pub const MAX_LEVELS: usize = 4;

/// Number of blocks in a whole subtree, its own root included, by the level of that root; 0 is a data block.
const SUBTREE: [u32; MAX_LEVELS + 1] = [1, 33, 1_057, 33_825, 1_082_401];
/// Bits of the place below a node.
const BITS: u32 = FANOUT.trailing_zeros();

/// Where a block is in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The level: 0 for data, 1 for the nodes with hashes of data, and so on.
    pub level: usize,
    /// Its number among the blocks of its level, from the start of the file.
    pub index: u32,
}

/// The shape of the tree over a file of some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    size: u64,
    data: u32,
    levels: usize,
    blocks: u32,
}

impl Layout {
    /// The tree over a file of `size` octets.
    ///
    /// # Errors
    /// [`VerityError::TooLarge`] for more than 1 GiB.
    pub fn new(size: u64) -> Result<Self, VerityError> {
        let too_large = VerityError::TooLarge { size };
        let data = size.div_ceil(BLOCK as u64);
        if data > 1 << (BITS * MAX_LEVELS as u32) {
            return Err(too_large);
        }
        let data = data as u32;
        let (mut levels, mut blocks, mut width) = (0, data, data);
        while width > 1 {
            width = width.div_ceil(FANOUT);
            blocks = blocks.saturating_add(width);
            levels += 1;
        }
        Ok(Self {
            size,
            data,
            levels,
            blocks,
        })
    }

    /// The tree over an empty file: no block.
    pub const EMPTY: Self = Self {
        size: 0,
        data: 0,
        levels: 0,
        blocks: 0,
    };

    /// Octets of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Levels of the tree above the data: 0 for a file of one block or none.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Number of data blocks.
    pub fn data_blocks(&self) -> u32 {
        self.data
    }

    /// Number of all blocks, data and nodes.
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Octets of the packed file without its head.
    pub fn packed(&self) -> u64 {
        let nodes = self.blocks.saturating_sub(self.data);
        (u64::from(nodes) * BLOCK as u64).saturating_add(self.size)
    }

    /// The place of the block with this number. `None` for a number beyond the last.
    #[inline(never)]
    pub fn place(&self, number: u32) -> Option<Place> {
        if number >= self.blocks {
            return None;
        }
        let (mut rest, mut index) = (number, 0u32);
        for level in (1..=self.levels).rev() {
            if rest == 0 {
                return Some(Place { level, index });
            }
            let below = *SUBTREE.get(level.saturating_sub(1))?;
            rest = rest.saturating_sub(1);
            let child = rest.checked_div(below)?;
            index = index << BITS | child;
            rest = rest.saturating_sub(child.saturating_mul(below));
        }
        Some(Place { level: 0, index })
    }

    /// The number of the block at this place. The inverse of [`place`](Self::place), for places that there are.
    pub fn number(&self, place: Place) -> u32 {
        let mut number = 0u32;
        let mut above = self.levels;
        while above > place.level {
            above = above.saturating_sub(1);
            let shift = BITS.saturating_mul(above.saturating_sub(place.level) as u32);
            let child = place.index.checked_shr(shift).unwrap_or(0) % FANOUT;
            let below = SUBTREE.get(above).copied().unwrap_or(0);
            number = number.saturating_add(child.saturating_mul(below).saturating_add(1));
        }
        number
    }

    /// Octets of the block at `place`: the last data block may be shorter than the others.
    pub fn len(&self, place: Place) -> usize {
        if place.level > 0 {
            return BLOCK;
        }
        let left = self.size.saturating_sub(self.offset(place.index));
        usize::try_from(left).unwrap_or(BLOCK).min(BLOCK)
    }

    /// Whether the file has no block at all.
    pub fn is_empty(&self) -> bool {
        self.blocks == 0
    }

    /// Offset in the file of the data block with this index.
    pub fn offset(&self, index: u32) -> u64 {
        u64::from(index) * BLOCK as u64
    }

    /// Offset in the packed file of the block with this number. The head is before it, which is as long as a block.
    pub fn packed_offset(number: u32) -> u64 {
        u64::from(number).saturating_add(1) * BLOCK as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn subtrees_have_the_size_that_the_walk_gives() {
        for pair in SUBTREE.windows(2) {
            assert_eq!(pair[1], 1 + FANOUT * pair[0]);
        }
    }

    #[test]
    fn the_tree_grows_with_the_file() {
        let shape = |size| {
            let layout = Layout::new(size).unwrap();
            (layout.levels(), layout.data_blocks(), layout.blocks())
        };
        assert_eq!(shape(0), (0, 0, 0));
        assert_eq!(shape(1), (0, 1, 1));
        assert_eq!(shape(1024), (0, 1, 1));
        assert_eq!(shape(1025), (1, 2, 3));
        assert_eq!(shape(32 << 10), (1, 32, 33));
        assert_eq!(shape((32 << 10) + 1), (2, 33, 33 + 3));
        assert_eq!(shape(1 << 20), (2, 1024, 1024 + 33));
        assert_eq!(shape(32 << 20), (3, 32 << 10, 33_825));
        assert_eq!(shape(1 << 30), (4, 1 << 20, 1_082_401));
        let size = (1 << 30) + 1;
        assert_eq!(Layout::new(size), Err(VerityError::TooLarge { size }));
        assert!(Layout::new(u64::MAX).is_err());
    }

    #[test]
    fn the_trees_have_the_size_of_the_specification() {
        let tree = |size| Layout::new(size).unwrap().packed() - size;
        assert_eq!(tree(256 << 10), 9_216);
        assert_eq!(tree(1 << 20), 33_792);
        assert_eq!(tree(16 << 20), 541_696);
    }

    /// A walk through the tree, written as a recursion.
    fn walk(layout: &Layout, level: usize, index: u32, out: &mut Vec<Place>) {
        let width = layout.data_blocks().div_ceil(FANOUT.pow(level as u32));
        if index >= width {
            return;
        }
        out.push(Place { level, index });
        if level > 0 {
            for child in 0..FANOUT {
                walk(layout, level - 1, index * FANOUT + child, out);
            }
        }
    }

    #[test]
    fn numbers_are_those_of_a_walk() {
        for size in [
            0,
            1,
            1024,
            1025,
            33 << 10,
            40_000,
            1 << 20,
            (1 << 20) + 1,
            3_000_000,
        ] {
            let layout = Layout::new(size).unwrap();
            let mut places = Vec::new();
            walk(&layout, layout.levels(), 0, &mut places);
            assert_eq!(places.len() as u32, layout.blocks());
            for (number, place) in (0u32..).zip(&places) {
                assert_eq!(layout.place(number), Some(*place), "{size}: {number}");
                assert_eq!(layout.number(*place), number, "{size}: {place:?}");
            }
            assert_eq!(layout.place(layout.blocks()), None);
        }
    }

    proptest! {
        #[test]
        fn place_and_number_are_inverse(size in 0u64..1 << 30, number: u32) {
            let layout = Layout::new(size).unwrap();
            let number = number % layout.blocks().max(1);
            if let Some(place) = layout.place(number) {
                prop_assert_eq!(layout.number(place), number);
                prop_assert!((1..=BLOCK).contains(&layout.len(place)));
            }
        }
    }
}
