//! Reads a packed file that comes as a stream.

use crate::descriptor::{HEAD, Head};
use crate::error::VerityError;
use crate::hasher::Hasher;
use crate::layout::BLOCK;
use crate::verifier::{Verified, Verifier};
use netboot_core::Digest;

/// Takes in a packed file from its first octet on, in pieces of any size, and gives its data block by block, each when it is verified.
#[derive(Clone, Debug)]
pub struct Reader<H, const LEVELS: usize> {
    digest: Digest,
    /// The hasher until the head has come, and the verifier from then on.
    state: State<H, LEVELS>,
    block: [u8; BLOCK],
    filled: usize,
    /// Octets of `block` that are verified data.
    data: usize,
}

#[derive(Clone, Debug)]
enum State<H, const LEVELS: usize> {
    Head(Option<H>),
    Blocks(Verifier<H, LEVELS>),
}

impl<H: Hasher, const LEVELS: usize> Reader<H, LEVELS> {
    /// Begins to read the file with this digest.
    pub const fn new(hasher: H, digest: Digest) -> Self {
        Self {
            digest,
            state: State::Head(Some(hasher)),
            block: [0; BLOCK],
            filled: 0,
            data: 0,
        }
    }

    /// Takes in octets, up to the end of a block. Gives the number of octets taken, at least one of those that there are; [`data`](Self::data) has what they bring.
    ///
    /// # Errors
    /// Why the file is not accepted. After an error of a block, [`retry`](Self::retry) lets the same block come again, from anybody.
    #[inline(never)]
    pub fn push(&mut self, octets: &[u8]) -> Result<usize, VerityError> {
        self.data = 0;
        if octets.is_empty() {
            return Ok(0);
        }
        let wanted = match &self.state {
            State::Head(_) => HEAD,
            State::Blocks(verifier) => match verifier.layout().place(verifier.next()) {
                Some(place) => verifier.layout().len(place),
                None => return Err(VerityError::TooLong),
            },
        };
        let taken = octets.len().min(wanted.saturating_sub(self.filled));
        let new = octets.get(..taken).unwrap_or_default();
        for (to, from) in self.block.iter_mut().skip(self.filled).zip(new) {
            *to = *from;
        }
        self.filled = self.filled.saturating_add(taken);
        if self.filled >= wanted {
            self.whole(wanted)?;
            self.filled = 0;
        }
        Ok(taken)
    }

    /// Verifies the block that has come whole.
    fn whole(&mut self, len: usize) -> Result<(), VerityError> {
        match &mut self.state {
            State::Head(hasher) => {
                let head = Head::read(&self.block)?;
                // Taken once: a head that is refused leaves no hasher, and nothing is read any more.
                let hasher = hasher.take().ok_or(VerityError::WrongHead)?;
                let verifier = Verifier::new(hasher, &self.digest, &head.descriptor)?;
                self.state = State::Blocks(verifier);
            }
            State::Blocks(verifier) => {
                let block = self.block.get(..len).unwrap_or_default();
                if let Verified::Data { .. } = verifier.verify(verifier.next(), block)? {
                    self.data = len;
                }
            }
        }
        Ok(())
    }

    /// The verified data that the last [`push`](Self::push) has brought, if it completed a data block.
    pub fn data(&self) -> Option<&[u8]> {
        let data = self.block.get(..self.data)?;
        (!data.is_empty()).then_some(data)
    }

    /// Forgets what has come of the present block. The next octets are those from [`offset`](Self::offset) on.
    pub fn retry(&mut self) {
        self.filled = 0;
        self.data = 0;
    }

    /// The offset in the packed file of the next octet that is wanted.
    pub fn offset(&self) -> u64 {
        let blocks = match &self.state {
            State::Head(_) => 0,
            State::Blocks(verifier) => u64::from(verifier.next()).saturating_add(1),
        };
        let offset = blocks.saturating_mul(BLOCK as u64);
        // All blocks before the last one are whole.
        let end = match &self.state {
            State::Blocks(verifier) => verifier.layout().packed().saturating_add(HEAD as u64),
            State::Head(_) => u64::MAX,
        };
        offset.saturating_add(self.filled as u64).min(end)
    }

    /// Octets of the file, once its head has come.
    pub fn size(&self) -> Option<u64> {
        match &self.state {
            State::Head(_) => None,
            State::Blocks(verifier) => Some(verifier.layout().size()),
        }
    }

    /// Whether the whole file was verified.
    pub fn is_complete(&self) -> bool {
        matches!(&self.state, State::Blocks(verifier) if verifier.is_complete())
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
        let mut packed = Vec::new();
        tree.pack(&data, |octets| packed.extend_from_slice(octets))
            .unwrap();
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
    }
}
