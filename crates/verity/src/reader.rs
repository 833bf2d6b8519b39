//! Reads a packed file that comes as a stream.

use crate::descriptor::{HEAD, Head};
use crate::error::VerityError;
use crate::layout::{BLOCK, Layout};
use crate::verifier::{Verified, Verifier};
use netboot_core::{Digest, Hasher};

/// Takes in a packed file from its first octet on, in pieces of any size, and gives its data block by block, each when it is verified.
#[derive(Clone, Debug)]
pub struct Reader<H, const LEVELS: usize> {
    /// The digest of the file. `None` until the head has come, where it was not known before.
    digest: Option<Digest>,
    verifier: Verifier<H, LEVELS>,
    /// Whether the head has come.
    has_head: bool,
    block: [u8; BLOCK],
    /// Octets of `block` that have come of a block that is not whole.
    filled: usize,
    /// Octets of `block` when the last octet made it whole.
    whole: usize,
    /// Whether that block is verified data.
    is_data: bool,
}

impl<H: Hasher, const LEVELS: usize> Reader<H, LEVELS> {
    /// Begins to read the file with this digest.
    pub const fn new(hasher: H, digest: Digest) -> Self {
        let mut reader = Self::idle(hasher);
        reader.digest = Some(digest);
        reader
    }

    /// Begins to read a file whose digest nobody knows. Its head says it, so that the blocks are proved to belong together, and nothing else.
    // Inlined, so that it is made where it will lie and not on the stack first.
    #[inline(always)]
    pub const fn idle(hasher: H) -> Self {
        Self {
            digest: None,
            verifier: Verifier::idle(hasher),
            has_head: false,
            block: [0; BLOCK],
            filled: 0,
            whole: 0,
            is_data: false,
        }
    }

    /// Begins to read another file, from its first octet on. `None` is a digest that nobody knows.
    pub fn restart(&mut self, digest: Option<Digest>) {
        self.digest = digest;
        self.has_head = false;
        self.retry();
    }

    /// Takes in octets, up to the end of a block. Gives the number of octets taken, at least one of those that there are; [`data`](Self::data) has what they bring.
    ///
    /// # Errors
    /// Why the file is not accepted. After an error of a block, [`retry`](Self::retry) lets the same block come again, from anybody. After an error of the
    /// head nothing is read before [`restart`](Self::restart).
    #[inline(never)]
    pub fn push(&mut self, octets: &[u8]) -> Result<usize, VerityError> {
        self.whole = 0;
        self.is_data = false;
        if octets.is_empty() {
            return Ok(0);
        }
        let wanted = self.wanted().ok_or(VerityError::TooLong)?;
        let taken = octets.len().min(wanted);
        let new = octets.get(..taken).unwrap_or_default();
        for (to, from) in self.block.iter_mut().skip(self.filled).zip(new) {
            *to = *from;
        }
        self.filled = self.filled.saturating_add(taken);
        if taken == wanted {
            let len = self.filled;
            self.verify(len)?;
            self.filled = 0;
            self.whole = len;
        }
        Ok(taken)
    }

    /// Octets that are missing until the present block is whole, or the head. `None` behind the last block.
    pub fn wanted(&self) -> Option<usize> {
        let len = match self.has_head {
            false => HEAD,
            true => {
                let layout = self.verifier.layout();
                layout.len(layout.place(self.verifier.next())?)
            }
        };
        Some(len.saturating_sub(self.filled))
    }

    /// Verifies the block that has come whole.
    fn verify(&mut self, len: usize) -> Result<(), VerityError> {
        if !self.has_head {
            let head = Head::read(&self.block)?;
            let digest = match self.digest {
                Some(digest) => digest,
                None => self.verifier.digest_of(&head.descriptor),
            };
            self.verifier.begin(&digest, &head.descriptor)?;
            self.digest = Some(digest);
            self.has_head = true;
            return Ok(());
        }
        let block = self.block.get(..len).unwrap_or_default();
        let verified = self.verifier.verify(self.verifier.next(), block)?;
        self.is_data = matches!(verified, Verified::Data { .. });
        Ok(())
    }

    /// The verified data that the last [`push`](Self::push) has brought, if it completed a data block.
    pub fn data(&self) -> Option<&[u8]> {
        let data = self.whole().filter(|_| self.is_data)?;
        (!data.is_empty()).then_some(data)
    }

    /// The octets that the last [`push`](Self::push) has completed, if it completed any: the head, a node, or data.
    pub fn whole(&self) -> Option<&[u8]> {
        let whole = self.block.get(..self.whole)?;
        (!whole.is_empty()).then_some(whole)
    }

    /// The octets that have come of a block, or of the head, that is not whole or was refused.
    pub fn partial(&self) -> &[u8] {
        self.block.get(..self.filled).unwrap_or_default()
    }

    /// Forgets what has come of the present block. The next octets are those from [`offset`](Self::offset) on.
    pub fn retry(&mut self) {
        self.filled = 0;
        self.whole = 0;
        self.is_data = false;
    }

    /// The digest of the file, if it was told or its head has come.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The offset in the packed file of the next octet that is wanted.
    pub fn offset(&self) -> u64 {
        let (offset, end) = match self.has_head {
            false => (0, u64::MAX),
            true => (
                Layout::packed_offset(self.verifier.next()),
                self.verifier.layout().packed().saturating_add(HEAD as u64),
            ),
        };
        // All blocks before the last one are whole.
        offset.saturating_add(self.filled as u64).min(end)
    }

    /// Octets of the packed file, once its head has come.
    pub fn packed(&self) -> Option<u64> {
        let packed = self.verifier.layout().packed();
        self.has_head.then(|| packed.saturating_add(HEAD as u64))
    }

    /// Octets of the file, once its head has come.
    pub fn size(&self) -> Option<u64> {
        self.has_head.then(|| self.verifier.layout().size())
    }

    /// Whether the whole file was verified.
    pub fn is_complete(&self) -> bool {
        self.has_head && self.verifier.is_complete()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Software, Tree};

    #[test]
    fn the_offset_says_what_comes_next_and_a_block_may_come_again() {
        let data: Vec<u8> = (0..3 * BLOCK + 5).map(|at| (at * 7) as u8).collect();
        let tree = Tree::of(&data);
        let packed = tree.pack(&data).unwrap();
        let mut reader = Reader::<_, 2>::new(Software::default(), tree.digest());
        assert_eq!((reader.size(), reader.offset()), (None, 0));
        let mut at = 0;
        let mut got = Vec::new();
        let mut damaged = false;
        while at < packed.len() {
            assert_eq!(reader.offset(), at as u64);
            // In the middle of the second data block the octets are wrong, once.
            let mut piece = packed[at..packed.len().min(at + 300)].to_vec();
            if !damaged && got.len() == BLOCK {
                damaged = true;
                piece[1] ^= 1;
            }
            match reader.push(&piece) {
                Ok(taken) => {
                    at += taken;
                    got.extend_from_slice(reader.data().unwrap_or_default());
                }
                Err(error) => {
                    assert_eq!(error, VerityError::WrongBlock { number: 2 });
                    reader.retry();
                    // Head, node, and the first data block.
                    at = 3 * BLOCK;
                    assert_eq!(reader.offset(), at as u64);
                    assert_eq!(reader.data(), None);
                }
            }
        }
        assert!(damaged && reader.is_complete());
        assert_eq!(got, data);
        assert_eq!(reader.size(), Some(data.len() as u64));
        assert_eq!(reader.offset(), packed.len() as u64);
        assert_eq!(reader.push(&[0]), Err(VerityError::TooLong));
        // Another file, of which nobody knows the digest.
        reader.restart(None);
        assert_eq!(
            (reader.digest(), reader.size(), reader.packed()),
            (None, None, None)
        );
        let mut again = Vec::new();
        let mut whole = Vec::new();
        let mut rest = &packed[..];
        while !rest.is_empty() {
            assert!(reader.wanted().is_some_and(|wanted| wanted <= BLOCK));
            let taken = reader.push(rest).unwrap();
            rest = &rest[taken..];
            again.extend_from_slice(reader.data().unwrap_or_default());
            whole.extend_from_slice(reader.whole().unwrap_or_default());
        }
        assert_eq!((again, whole), (data, packed.clone()));
        assert_eq!(reader.digest(), Some(tree.digest()));
        assert_eq!(reader.packed(), Some(packed.len() as u64));
        assert!(reader.is_complete() && reader.wanted().is_none());
    }

    #[test]
    fn nothing_is_read_after_a_wrong_head() {
        let tree = Tree::of(&[7; 3000]);
        let head = crate::Head {
            descriptor: tree.descriptor(),
        };
        let mut reader = Reader::<_, 2>::new(Software::default(), Tree::of(&[8; 3000]).digest());
        for _ in 0..2 {
            assert_eq!(reader.push(&head.octets()), Err(VerityError::WrongHead));
            assert_eq!(reader.size(), None);
            reader.retry();
        }
    }
}
