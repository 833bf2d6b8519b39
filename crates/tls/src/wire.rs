//! Reading and writing the vectors of TLS (RFC 8446, section 3): big-endian, lengths in front.

use crate::TlsError;

/// Reads from the front of a message.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn take(&mut self, len: usize) -> Result<&'a [u8], TlsError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(TlsError::BadMessage)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A big-endian number of `octets` octets, at most 4.
    pub fn number(&mut self, octets: usize) -> Result<usize, TlsError> {
        let octets = self.take(octets)?;
        let fold = |number: usize, octet: &u8| (number << 8) | usize::from(*octet);
        Ok(octets.iter().fold(0, fold))
    }

    pub fn u8(&mut self) -> Result<u8, TlsError> {
        Ok(self.number(1)? as u8)
    }

    pub fn u16(&mut self) -> Result<u16, TlsError> {
        Ok(self.number(2)? as u16)
    }

    /// A vector with a length of `octets` octets in front.
    pub fn vector(&mut self, octets: usize) -> Result<Reader<'a>, TlsError> {
        let len = self.number(octets)?;
        Ok(Reader(self.take(len)?))
    }

    /// The end, where one has to be.
    pub fn end(&self) -> Result<(), TlsError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(TlsError::BadMessage)
        }
    }
}

/// Writes into a buffer of the caller's. Running out of it is remembered and told at the end.
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
    full: bool,
}

impl<'a> Writer<'a> {
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self {
            buffer,
            len: 0,
            full: false,
        }
    }

    #[inline(never)]
    pub fn octets(&mut self, octets: &[u8]) {
        let end = self.len.saturating_add(octets.len());
        match self.buffer.get_mut(self.len..end) {
            Some(space) => {
                space.copy_from_slice(octets);
                self.len = end;
            }
            None => self.full = true,
        }
    }

    pub fn u8(&mut self, number: u8) {
        self.octets(&[number]);
    }

    pub fn u16(&mut self, number: u16) {
        self.octets(&number.to_be_bytes());
    }

    /// Room for a length of `octets` octets; [`close`](Self::close) fills it in.
    pub fn open(&mut self, octets: usize) -> Open {
        for _ in 0..octets {
            self.u8(0);
        }
        Open {
            at: self.len,
            octets,
        }
    }

    /// Fills in the length of what was written since.
    pub fn close(&mut self, open: Open) {
        let len = self.len.saturating_sub(open.at);
        let start = open.at.saturating_sub(open.octets);
        let space = self.buffer.get_mut(start..open.at).unwrap_or_default();
        let mut rest = len;
        for octet in space.iter_mut().rev() {
            *octet = rest as u8;
            rest >>= 8;
        }
        self.full |= rest != 0;
    }

    /// How much was written.
    pub fn finish(self) -> Result<usize, TlsError> {
        if self.full {
            Err(TlsError::SendBuffer)
        } else {
            Ok(self.len)
        }
    }
}

/// A length that is not known yet.
pub(crate) struct Open {
    at: usize,
    octets: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_filled_in() {
        let mut buffer = [0xff; 8];
        let mut writer = Writer::new(&mut buffer);
        let outer = writer.open(2);
        let inner = writer.open(1);
        writer.octets(b"abc");
        writer.close(inner);
        writer.close(outer);
        assert_eq!(writer.finish(), Ok(6));
        assert_eq!(&buffer[..6], b"\0\x04\x03abc");
    }

    #[test]
    fn a_full_buffer_and_a_length_that_does_not_fit_are_told() {
        let mut buffer = [0; 3];
        let mut writer = Writer::new(&mut buffer);
        writer.octets(b"abcd");
        assert_eq!(writer.finish(), Err(TlsError::SendBuffer));
        let mut buffer = [0; 300];
        let mut writer = Writer::new(&mut buffer);
        let open = writer.open(1);
        writer.octets(&[0; 256]);
        writer.close(open);
        assert_eq!(writer.finish(), Err(TlsError::SendBuffer));
    }

    #[test]
    fn reading_beyond_the_end_is_an_error() {
        let mut reader = Reader(b"\x02ab\x05c");
        let mut vector = reader.vector(1).unwrap();
        assert_eq!(vector.u16(), Ok(0x6162));
        assert!(vector.end().is_ok() && reader.end().is_err());
        assert_eq!(reader.vector(1).err(), Some(TlsError::BadMessage));
    }

    #[test]
    fn numbers_are_big_endian() {
        let mut reader = Reader(&[1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u16(), Ok(0x0203));
        assert_eq!(reader.number(3), Ok(0x04_0506));
        assert!(!reader.is_empty());
        assert_eq!(reader.number(2), Err(TlsError::BadMessage));
        assert_eq!(reader.u8(), Ok(7));
        assert!(reader.is_empty());
        assert_eq!(reader.u8(), Err(TlsError::BadMessage));
    }
}
