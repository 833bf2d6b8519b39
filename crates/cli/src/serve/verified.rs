//! A file that is open, with its tree in memory: no block leaves it that is not the right one.
//!
//! The tree of a plain file is computed, that of a packed file is read and verified; both in steps, so that a large file does not stop the server. The
//! data are not kept. Each data block is read when it is asked for, and hashed before it is sent: a file that was changed in the meantime gives no
//! block of the new content.

use netboot_ubp::wire::ErrorCode;
use netboot_verity::{
    BLOCK, Descriptor, Digest, FANOUT, HEAD, Head, Layout, Place, Software, block_digest,
};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Octets of a hash.
const HASH: usize = 32;

/// A file with its whole tree.
#[derive(Debug)]
pub struct Verified {
    file: File,
    /// Whether the file is packed, and has its data where the packed file has them.
    packed: bool,
    layout: Layout,
    root: Digest,
    /// The nodes of each level, from level 1 on, one behind the other.
    levels: Vec<Vec<u8>>,
}

impl Verified {
    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether the file is packed.
    pub fn is_packed(&self) -> bool {
        self.packed
    }

    /// Size and root of the file, or of the one that is packed in it.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            size: self.layout.size(),
            root: self.root,
        }
    }

    /// The verity digest.
    pub fn digest(&self) -> Digest {
        self.descriptor().digest(&mut Software::new())
    }

    /// Writes block `number`, in the order of the packed file, to the start of `out`, and returns its length: zero when the file has no such block.
    ///
    /// # Errors
    /// [`ErrorCode::GONE`] when the block cannot be read or is not what it has to be: the file has changed.
    pub fn block(&self, number: u32, out: &mut [u8; BLOCK]) -> Result<usize, ErrorCode> {
        let Some(place) = self.layout.place(number) else {
            return Ok(0);
        };
        if let Some(above) = place.level.checked_sub(1) {
            let at = place.index as usize * BLOCK;
            let level = self.levels.get(above).ok_or(ErrorCode::GONE)?;
            let node = level.get(at..at + BLOCK).ok_or(ErrorCode::GONE)?;
            out.copy_from_slice(node);
            return Ok(BLOCK);
        }
        let len = self.layout.len(place);
        let offset = match self.packed {
            true => Layout::packed_offset(number),
            false => self.layout.offset(place.index),
        };
        let data = out.get_mut(..len).ok_or(ErrorCode::GONE)?;
        let read = self.file.read_exact_at(data, offset);
        read.map_err(|_| ErrorCode::GONE)?;
        match self.expected(place) == Some(hash(data)) {
            true => Ok(len),
            false => Err(ErrorCode::GONE),
        }
    }

    /// The hash that the block at this place has to have.
    fn expected(&self, place: Place) -> Option<Digest> {
        if place.level == self.layout.levels() {
            return Some(self.root);
        }
        let at = place.index as usize * HASH;
        let hash = self.levels.get(place.level)?.get(at..at + HASH)?;
        Some(Digest(hash.try_into().ok()?))
    }

    /// Adds the hash of the next block of this level to the level above it. A node that is full counts there in turn.
    fn add(&mut self, level: usize, digest: Digest) {
        let Some(above) = self.levels.get_mut(level) else {
            self.root = digest;
            return;
        };
        above.extend_from_slice(&digest.0);
        if above.len().is_multiple_of(BLOCK) {
            self.close(level);
        }
    }

    /// Ends the last node above this level.
    fn close(&mut self, level: usize) {
        let Some(above) = self.levels.get_mut(level) else {
            return;
        };
        let end = above.len().next_multiple_of(BLOCK);
        above.resize(end, 0);
        let node = end.checked_sub(BLOCK).and_then(|at| above.get(at..));
        if let Some(digest) = node.map(hash) {
            self.add(level + 1, digest);
        }
    }
}

/// The hash of a block.
fn hash(block: &[u8]) -> Digest {
    block_digest(&mut Software::new(), block)
}

/// A file whose tree is on its way.
#[derive(Debug)]
pub struct Reading {
    file: Verified,
    /// The block that is read next. In a plain file it is one of data; in a packed one a node, from the top down.
    next: Place,
}

impl Reading {
    /// Begins to read a file of `size` octets. It is packed if its first octets say so.
    ///
    /// # Errors
    /// [`ErrorCode::FAILED`] when it cannot be read, has more than 1 GiB, or is a packed file of another length than its head says.
    pub fn begin(file: File, size: u64) -> Result<Self, ErrorCode> {
        let mut head = [0; HEAD];
        let packed = match file.read_exact_at(&mut head, 0) {
            Ok(()) => Head::is_packed(&head),
            Err(_) if size < HEAD as u64 => false,
            Err(_) => return Err(ErrorCode::FAILED),
        };
        let (size_of_data, root) = match packed {
            true => {
                let head = Head::read(&head).map_err(|_| ErrorCode::FAILED)?;
                (head.descriptor.size, head.descriptor.root)
            }
            false => (size, Digest([0; HASH])),
        };
        let layout = Layout::new(size_of_data).map_err(|_| ErrorCode::FAILED)?;
        if packed && layout.packed() + HEAD as u64 != size {
            return Err(ErrorCode::FAILED);
        }
        let level = if packed { layout.levels() } else { 0 };
        Ok(Self {
            file: Verified {
                file,
                packed,
                layout,
                root,
                levels: vec![Vec::new(); layout.levels()],
            },
            next: Place { level, index: 0 },
        })
    }

    /// Octets of memory that the tree needs.
    pub fn octets(&self) -> usize {
        let layout = &self.file.layout;
        (layout.blocks().saturating_sub(layout.data_blocks()) as usize).saturating_mul(BLOCK)
    }

    /// Reads so many blocks; whether the tree is complete.
    ///
    /// # Errors
    /// [`ErrorCode::FAILED`] when the file cannot be read, or a node of a packed file is not what it has to be.
    pub fn step(&mut self, blocks: u32) -> Result<bool, ErrorCode> {
        match self.file.packed {
            true => self.nodes(blocks),
            false => self.data(blocks),
        }
    }

    /// Reads data of a plain file.
    fn data(&mut self, blocks: u32) -> Result<bool, ErrorCode> {
        let layout = self.file.layout;
        let offset = layout.offset(self.next.index);
        let left = layout.size().saturating_sub(offset);
        let len = left.min(u64::from(blocks) * BLOCK as u64);
        let mut piece = vec![0; usize::try_from(len).map_err(|_| ErrorCode::FAILED)?];
        let read = self.file.file.read_exact_at(&mut piece, offset);
        read.map_err(|_| ErrorCode::FAILED)?;
        for block in piece.chunks(BLOCK) {
            self.file.add(0, hash(block));
            self.next.index += 1;
        }
        let is_complete = self.next.index >= layout.data_blocks();
        if is_complete {
            for level in 0..layout.levels() {
                let last = self.file.levels.get(level);
                if last.is_some_and(|last| !last.len().is_multiple_of(BLOCK)) {
                    self.file.close(level);
                }
            }
        }
        Ok(is_complete)
    }

    /// Reads nodes of a packed file.
    fn nodes(&mut self, blocks: u32) -> Result<bool, ErrorCode> {
        let layout = self.file.layout;
        for _ in 0..blocks {
            let Some(above) = self.next.level.checked_sub(1) else {
                break;
            };
            let mut node = [0; BLOCK];
            let offset = Layout::packed_offset(layout.number(self.next));
            let read = self.file.file.read_exact_at(&mut node, offset);
            read.map_err(|_| ErrorCode::FAILED)?;
            if self.file.expected(self.next) != Some(hash(&node)) {
                return Err(ErrorCode::FAILED);
            }
            if let Some(level) = self.file.levels.get_mut(above) {
                level.extend_from_slice(&node);
            }
            self.next.index += 1;
            let below = FANOUT.saturating_pow(self.next.level as u32);
            if self.next.index >= layout.data_blocks().div_ceil(below) {
                self.next = Place {
                    level: above,
                    index: 0,
                };
            }
        }
        Ok(self.next.level == 0)
    }

    /// The file, after [`step`](Self::step) has returned that the tree is complete.
    pub fn finish(self) -> Verified {
        self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_verity::Tree;
    use std::io::Write;

    fn octets(size: usize) -> Vec<u8> {
        (0..size as u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect()
    }

    fn packed(data: &[u8]) -> Vec<u8> {
        Tree::of(data).pack(data).unwrap()
    }

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn read(content: &[u8], step: u32) -> Result<Verified, ErrorCode> {
        let mut reading = Reading::begin(file(content), content.len() as u64)?;
        while !reading.step(step)? {}
        let octets = reading.octets();
        let file = reading.finish();
        let held: usize = file.levels.iter().map(Vec::len).sum();
        assert_eq!(held, octets);
        Ok(file)
    }

    #[test]
    fn a_plain_and_a_packed_file_give_the_same_blocks() {
        for size in [
            0,
            1,
            1024,
            1025,
            32 << 10,
            (32 << 10) + 1,
            100_000,
            (1 << 20) + 1,
        ] {
            let data = octets(size);
            let whole = packed(&data);
            let expected = Tree::of(&data).digest();
            for (content, step) in [(&data, 1), (&data, 64), (&whole, 1), (&whole, 64)] {
                let file = read(content, step).unwrap();
                assert_eq!(file.digest(), expected, "{size}");
                assert_eq!(file.is_packed(), content.len() == whole.len());
                let mut out = [0; BLOCK];
                let mut blocks = 0;
                for (number, block) in (0u32..).zip(whole[HEAD..].chunks(BLOCK)) {
                    assert_eq!(file.block(number, &mut out), Ok(block.len()));
                    assert!(out[..block.len()] == *block, "{size}: block {number}");
                    blocks += 1;
                }
                assert_eq!(file.block(blocks, &mut out), Ok(0));
                assert_eq!(file.block(u32::MAX, &mut out), Ok(0));
            }
        }
    }

    #[test]
    fn a_block_that_changed_is_not_given() {
        let data = octets(40_000);
        for content in [data.clone(), packed(&data)] {
            let file = read(&content, 64).unwrap();
            let mut out = [0; BLOCK];
            let last = file.layout.blocks() - 1;
            assert_eq!(file.block(last, &mut out), Ok(40_000 % BLOCK));
            file.file
                .write_all_at(b"?", content.len() as u64 - 1)
                .unwrap();
            assert_eq!(file.block(last, &mut out), Err(ErrorCode::GONE));
            assert_eq!(file.block(last - 1, &mut out), Ok(BLOCK));
            file.file.set_len(20_000).unwrap();
            assert_eq!(file.block(last - 1, &mut out), Err(ErrorCode::GONE));
        }
    }

    #[test]
    fn a_damaged_packed_file_is_not_served() {
        let whole = packed(&octets(100_000));
        let failed = Err(ErrorCode::FAILED);
        let verdict = |content: &[u8]| read(content, 64).map(|_| ());
        assert_eq!(verdict(&whole), Ok(()));
        assert_eq!(verdict(&whole[..whole.len() - 1]), failed, "too short");
        assert_eq!(verdict(&[&whole[..], b"x"].concat()), failed, "too long");
        // The head's version, the root, the top node, a node below it.
        for at in [8, 256 + 16, HEAD, HEAD + BLOCK + 5] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(verdict(&damaged), failed, "{at}");
        }
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_not_served() {
        let data = octets(100_000);
        let mut reading = Reading::begin(file(&data), data.len() as u64).unwrap();
        assert_eq!(reading.step(50), Ok(false));
        reading.file.file.set_len(60_000).unwrap();
        assert_eq!(reading.step(50), Err(ErrorCode::FAILED));
        let too_large = Reading::begin(file(&data), (1 << 30) + 1).map(|_| ());
        assert_eq!(too_large, Err(ErrorCode::FAILED));
    }
}
