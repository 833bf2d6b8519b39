//! Reading and writing of fields, with every length checked in one place.

use crate::error::CommandError;

/// Writes fields into a buffer that the caller gives.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    /// Octets written, or that would have been written into a larger buffer.
    len: usize,
}

impl<'b> Writer<'b> {
    /// A writer at the start of `buffer`.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// Octets written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What was written.
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Writes octets as they are.
    ///
    /// # Errors
    /// [`CommandError::BufferTooSmall`] with the octets needed so far.
    pub fn bytes(&mut self, octets: &[u8]) -> Result<(), CommandError> {
        let needed = self.len.saturating_add(octets.len());
        let available = self.buffer.len();
        let Some(to) = self.buffer.get_mut(self.len..needed) else {
            return Err(CommandError::BufferTooSmall { needed, available });
        };
        to.copy_from_slice(octets);
        self.len = needed;
        Ok(())
    }

    /// Writes one octet.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes).
    pub fn u8(&mut self, value: u8) -> Result<(), CommandError> {
        self.bytes(&[value])
    }

    /// Writes 16 bits, little endian.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes).
    pub fn u16(&mut self, value: u16) -> Result<(), CommandError> {
        self.bytes(&value.to_le_bytes())
    }

    /// Writes 32 bits, little endian.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes).
    pub fn u32(&mut self, value: u32) -> Result<(), CommandError> {
        self.bytes(&value.to_le_bytes())
    }

    /// Writes a length of 32 bits and the octets.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes); [`CommandError::SerializationError`] when the length does not fit 32 bits.
    pub fn sized(&mut self, octets: &[u8]) -> Result<(), CommandError> {
        let len = u32::try_from(octets.len()).map_err(|_| CommandError::SerializationError)?;
        self.u32(len)?;
        self.bytes(octets)
    }
}

/// Reads fields from octets that came from outside.
#[derive(Clone, Debug)]
pub struct Reader<'r> {
    rest: &'r [u8],
    total: usize,
}

impl<'r> Reader<'r> {
    /// A reader at the start of `octets`.
    pub fn new(octets: &'r [u8]) -> Self {
        Self {
            rest: octets,
            total: octets.len(),
        }
    }

    /// Takes `len` octets.
    ///
    /// # Errors
    /// [`CommandError::InvalidResponseLength`] when there are fewer.
    pub fn bytes(&mut self, len: usize) -> Result<&'r [u8], CommandError> {
        let Some((head, tail)) = self.rest.split_at_checked(len) else {
            let read = self.total.saturating_sub(self.rest.len());
            return Err(CommandError::InvalidResponseLength {
                expected: read.saturating_add(len),
                found: self.total,
            });
        };
        self.rest = tail;
        Ok(head)
    }

    /// Takes an array.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes).
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CommandError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    /// Takes 16 bits, little endian.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes).
    pub fn u16(&mut self) -> Result<u16, CommandError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Takes 32 bits, little endian.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes).
    pub fn u32(&mut self) -> Result<u32, CommandError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Takes 32 bits, big endian.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes).
    pub fn u32_be(&mut self) -> Result<u32, CommandError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Takes a length of 32 bits and as many octets.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes).
    pub fn sized(&mut self) -> Result<&'r [u8], CommandError> {
        let len = self.u32()?;
        self.bytes(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// Takes `fips_status` and refuses every value but 0, *approved*.
    ///
    /// # Errors
    /// As for [`bytes`](Self::bytes); [`CommandError::Fips`] for another value.
    pub fn fips_status(&mut self) -> Result<u32, CommandError> {
        match self.u32()? {
            0 => Ok(0),
            status => Err(CommandError::Fips { status }),
        }
    }

    /// Takes all that is left.
    pub fn rest(&mut self) -> &'r [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Says that the answer ends here. Up to three zeros may follow, because some devices round an answer up to whole
    /// words.
    ///
    /// # Errors
    /// [`CommandError::ResponseTooLong`] when more follows.
    pub fn finish(self) -> Result<(), CommandError> {
        if self.rest.len() < 4 && self.rest.iter().all(|octet| *octet == 0) {
            return Ok(());
        }
        Err(CommandError::ResponseTooLong {
            limit: self.total.saturating_sub(self.rest.len()),
            found: self.total,
        })
    }
}

/// Copies `data` into `out` and gives the octets copied.
///
/// # Errors
/// [`CommandError::BufferTooSmall`] with the length needed; `out` is left as it was.
pub fn copy_out(data: &[u8], out: &mut [u8]) -> Result<usize, CommandError> {
    let available = out.len();
    match out.get_mut(..data.len()) {
        Some(to) => {
            to.copy_from_slice(data);
            Ok(data.len())
        }
        None => Err(CommandError::BufferTooSmall {
            needed: data.len(),
            available,
        }),
    }
}

/// A field of a fixed-size message.
pub trait Field: Sized {
    /// Octets on the wire.
    const SIZE: usize;

    /// Writes the field.
    ///
    /// # Errors
    /// When the buffer is too small.
    fn put(&self, out: &mut Writer<'_>) -> Result<(), CommandError>;

    /// Reads the field.
    ///
    /// # Errors
    /// When there are too few octets.
    fn take(from: &mut Reader<'_>) -> Result<Self, CommandError>;
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Field for $type {
            const SIZE: usize = size_of::<$type>();
            fn put(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
                out.bytes(&self.to_le_bytes())
            }
            fn take(from: &mut Reader<'_>) -> Result<Self, CommandError> {
                Ok(<$type>::from_le_bytes(from.array()?))
            }
        }
    )*};
}
number!(u8 u16 u32 u64);

impl<const N: usize> Field for [u8; N] {
    const SIZE: usize = N;
    fn put(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self)
    }
    fn take(from: &mut Reader<'_>) -> Result<Self, CommandError> {
        from.array()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_written_and_the_length_needed_is_told() {
        let mut buffer = [0xAA; 6];
        let mut writer = Writer::new(&mut buffer);
        writer.u32(0x0403_0201).unwrap();
        let error = CommandError::BufferTooSmall {
            needed: 8,
            available: 6,
        };
        assert_eq!(writer.u32(5), Err(error));
        assert_eq!(writer.written(), [1, 2, 3, 4]);
        assert_eq!(buffer, [1, 2, 3, 4, 0xAA, 0xAA]);
        let mut out = [7; 2];
        assert_eq!(
            copy_out(b"abc", &mut out),
            Err(CommandError::BufferTooSmall {
                needed: 3,
                available: 2
            })
        );
        assert_eq!(out, [7; 2]);
        assert_eq!(copy_out(b"ab", &mut out), Ok(2));
    }

    #[test]
    fn an_answer_may_be_padded_to_words_and_no_further() {
        let end = |octets: &[u8]| {
            let mut reader = Reader::new(octets);
            reader.u32().unwrap();
            reader.finish()
        };
        assert_eq!(end(&[1, 0, 0, 0, 0, 0, 0]), Ok(()));
        assert!(end(&[1, 0, 0, 0, 0, 0, 1]).is_err());
        assert_eq!(
            end(&[1, 0, 0, 0, 0, 0, 0, 0]),
            Err(CommandError::ResponseTooLong { limit: 4, found: 8 })
        );
        let mut reader = Reader::new(&[9, 0, 0, 0, 1]);
        assert_eq!(
            reader.sized(),
            Err(CommandError::InvalidResponseLength {
                expected: 13,
                found: 5
            })
        );
    }
}
