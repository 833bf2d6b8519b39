//! Reading of requests and writing of answers.

use crate::refusal::Refusal;

/// Reads a request's fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'r>(pub &'r [u8]);

impl<'r> Input<'r> {
    pub fn take(&mut self, len: usize) -> Result<&'r [u8], Refusal> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(Refusal::LENGTH)?;
        self.0 = tail;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        self.take(N)?.try_into().map_err(|_| Refusal::LENGTH)
    }

    pub fn u32(&mut self) -> Result<u32, Refusal> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A length and as many octets, no more than `limit`.
    pub fn sized(&mut self, limit: usize) -> Result<&'r [u8], Refusal> {
        let len = usize::try_from(self.u32()?).map_err(|_| Refusal::LENGTH)?;
        if len > limit {
            return Err(Refusal::LENGTH);
        }
        self.take(len)
    }

    pub fn end(self) -> Result<(), Refusal> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Refusal::LENGTH),
        }
    }
}

/// Writes an answer's fields.
#[derive(Debug)]
pub(crate) struct Output<'b> {
    buffer: &'b mut [u8],
    pub len: usize,
}

impl<'b> Output<'b> {
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// Room for `len` octets.
    pub fn room(&mut self, len: usize) -> Result<&mut [u8], Refusal> {
        let end = self.len.checked_add(len).ok_or(Refusal::BUFFER)?;
        let room = self.buffer.get_mut(self.len..end).ok_or(Refusal::BUFFER)?;
        self.len = end;
        Ok(room)
    }

    pub fn put(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        self.room(octets.len())?.copy_from_slice(octets);
        Ok(())
    }

    pub fn u32(&mut self, value: u32) -> Result<(), Refusal> {
        self.put(&value.to_le_bytes())
    }

    pub fn sized(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        self.u32(octets.len() as u32)?;
        self.put(octets)
    }

    /// Writes a number over octets that are there already.
    pub fn patch(&mut self, at: usize, value: u32) {
        if let Some(to) = self.buffer.get_mut(at..at + 4) {
            to.copy_from_slice(&value.to_le_bytes());
        }
    }
}
