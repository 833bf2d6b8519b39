//! The part of CBOR (RFC 8949) that this crate has on the wire and in its storage.
//!
//! It is own code because a ROM links it: the crate minicbor leaves panic paths in a program that is built for size. Property tests hold it
//! against minicbor.

use super::error::WireError;

/// Major types (RFC 8949, section 3.1), in the upper three bits of an item's first octet.
mod major {
    pub const UNSIGNED: u8 = 0;
    pub const BYTES: u8 = 2;
    pub const TEXT: u8 = 3;
    pub const ARRAY: u8 = 4;
    pub const MAP: u8 = 5;
}
/// The Booleans (RFC 8949, section 3.3).
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;

/// Reads one item of CBOR. Lengths must be definite.
#[derive(Debug)]
pub struct Reader<'b> {
    /// What is left.
    rest: &'b [u8],
    /// Octets that were read.
    at: usize,
}

type Read<T> = Result<T, WireError>;

impl<'b> Reader<'b> {
    /// A reader of these octets.
    pub const fn new(octets: &'b [u8]) -> Self {
        Self {
            rest: octets,
            at: 0,
        }
    }

    /// Offset of the next octet.
    pub const fn position(&self) -> usize {
        self.at
    }

    fn malformed(&self) -> WireError {
        WireError::Malformed { at: self.at }
    }

    /// Goes on behind `rest`, which is the end of what was left.
    fn advance(&mut self, rest: &'b [u8]) {
        let read = self.rest.len().saturating_sub(rest.len());
        self.at = self.at.saturating_add(read);
        self.rest = rest;
    }

    /// Reads the head of an item of this major type without going on: its number, and what follows.
    fn look(&self, wanted: u8) -> Read<(u64, &'b [u8])> {
        let malformed = self.malformed();
        let (first, rest) = self.rest.split_first().ok_or(malformed)?;
        if first >> 5 != wanted {
            return Err(malformed);
        }
        let count = match first & 0x1f {
            small @ 0..24 => return Ok((u64::from(small), rest)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(malformed),
        };
        let (octets, rest) = rest.split_at_checked(count).ok_or(malformed)?;
        let mut value = 0;
        for octet in octets {
            value = value << 8 | u64::from(*octet);
        }
        Ok((value, rest))
    }

    /// Reads the head of an item.
    fn head(&mut self, wanted: u8) -> Read<u64> {
        let (value, rest) = self.look(wanted)?;
        self.advance(rest);
        Ok(value)
    }

    /// Reads an unsigned integer that fits `T`.
    fn narrow<T: TryFrom<u64>>(&mut self) -> Read<T> {
        let (value, rest) = self.look(major::UNSIGNED)?;
        let value = T::try_from(value).map_err(|_| self.malformed())?;
        self.advance(rest);
        Ok(value)
    }

    /// Reads a string.
    fn string(&mut self, wanted: u8) -> Read<&'b [u8]> {
        let malformed = self.malformed();
        let (len, rest) = self.look(wanted)?;
        let len = usize::try_from(len).map_err(|_| malformed)?;
        let (string, rest) = rest.split_at_checked(len).ok_or(malformed)?;
        self.advance(rest);
        Ok(string)
    }

    /// The error of a value that is outside its bounds.
    pub fn out_of_bounds(&self) -> WireError {
        WireError::Bounds {
            at: self.position(),
        }
    }

    /// The error of an unknown variant.
    pub fn unknown_variant(&self) -> WireError {
        WireError::Variant {
            at: self.position(),
        }
    }

    /// The error of a map with wrong keys.
    pub fn wrong_fields(&self) -> WireError {
        WireError::Fields {
            at: self.position(),
        }
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn u64(&mut self) -> Read<u64> {
        self.narrow()
    }

    /// An unsigned integer below 2^32.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn u32(&mut self) -> Read<u32> {
        self.narrow()
    }

    /// An unsigned integer below 2^16.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn u16(&mut self) -> Read<u16> {
        self.narrow()
    }

    /// An unsigned integer below 256.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn u8(&mut self) -> Read<u8> {
        self.narrow()
    }

    /// A Boolean.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn bool(&mut self) -> Read<bool> {
        let value = match self.rest.first() {
            Some(&FALSE) => false,
            Some(&TRUE) => true,
            _ => return Err(self.malformed()),
        };
        self.advance(self.rest.get(1..).unwrap_or_default());
        Ok(value)
    }

    /// A text.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn str(&mut self) -> Read<&'b str> {
        let malformed = self.malformed();
        let text = self.string(major::TEXT)?;
        core::str::from_utf8(text).map_err(|_| malformed)
    }

    /// A byte string.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn bytes(&mut self) -> Read<&'b [u8]> {
        self.string(major::BYTES)
    }

    /// A byte string of exactly `N` octets.
    ///
    /// # Errors
    /// [`WireError::Malformed`], [`WireError::Bounds`]
    pub fn bytes_exact<const N: usize>(&mut self) -> Read<[u8; N]> {
        let bytes = self.bytes()?;
        bytes.try_into().map_err(|_| self.out_of_bounds())
    }

    /// The head of an array: the number of its items.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn array(&mut self) -> Read<u64> {
        self.head(major::ARRAY)
    }

    /// The head of an array that must have `len` items.
    ///
    /// # Errors
    /// [`WireError::Malformed`], [`WireError::Bounds`]
    pub fn array_of(&mut self, len: u64) -> Read<()> {
        if self.array()? == len {
            Ok(())
        } else {
            Err(self.out_of_bounds())
        }
    }

    /// The head of a map: the number of its entries.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn map(&mut self) -> Read<u64> {
        self.head(major::MAP)
    }

    /// An array of exactly `N` integers below 256.
    ///
    /// # Errors
    /// [`WireError::Malformed`], [`WireError::Bounds`]
    pub fn octets<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.array_of(N as u64)?;
        let mut octets = [0; N];
        for octet in &mut octets {
            *octet = self.u8()?;
        }
        Ok(octets)
    }

    /// An array of at most `N` integers below 256.
    ///
    /// # Errors
    /// [`WireError::Malformed`], [`WireError::Bounds`]
    pub fn octets_up_to<const N: usize>(&mut self) -> Read<heapless::Vec<u8, N>> {
        let len = self.array()?;
        if len > N as u64 {
            return Err(self.out_of_bounds());
        }
        let mut octets = heapless::Vec::new();
        for _ in 0..len {
            let octet = self.u8()?;
            octets.push(octet).map_err(|_| self.out_of_bounds())?;
        }
        Ok(octets)
    }

    /// A map with exactly `len` text keys, each of which `field` reads the value of.
    ///
    /// `field` fails for unknown keys; [`set`](Self::set) fails for keys that come twice.
    ///
    /// # Errors
    /// [`WireError::Malformed`], [`WireError::Fields`], and those of `field`.
    pub fn fields(
        &mut self,
        len: u64,
        mut field: impl FnMut(&mut Self, &str) -> Read<()>,
    ) -> Read<()> {
        if self.map()? != len {
            return Err(self.wrong_fields());
        }
        for _ in 0..len {
            let key = self.str()?;
            field(self, key)?;
        }
        Ok(())
    }

    /// Sets a field that must not be set yet.
    ///
    /// # Errors
    /// [`WireError::Fields`]
    pub fn set<T>(&self, field: &mut Option<T>, value: T) -> Read<()> {
        self.unset(field)?;
        *field = Some(value);
        Ok(())
    }

    /// Checks that a field is not set yet. Large values are then read straight into it, as each move of one
    /// costs stack.
    ///
    /// # Errors
    /// [`WireError::Fields`]
    pub fn unset<T>(&self, field: &Option<T>) -> Read<()> {
        match field {
            None => Ok(()),
            Some(_) => Err(self.wrong_fields()),
        }
    }

    /// The name of an enumeration's variant, and whether its content follows.
    ///
    /// # Errors
    /// [`WireError::Malformed`], [`WireError::Variant`]
    pub fn variant(&mut self) -> Read<(&'b str, bool)> {
        if let Some(major::MAP) = self.rest.first().map(|first| first >> 5) {
            if self.map()? != 1 {
                return Err(self.unknown_variant());
            }
            return Ok((self.str()?, true));
        }
        Ok((self.str()?, false))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`WireError::Trailing`] when octets are left.
    pub fn end(self) -> Read<()> {
        match self.rest.len() {
            0 => Ok(()),
            octets => Err(WireError::Trailing { octets }),
        }
    }
}

/// Writes CBOR into a slice.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

type Write<'w, 'b> = Result<&'w mut Writer<'b>, WireError>;

impl<'b> Writer<'b> {
    /// A writer into `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// Number of octets written.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is written yet.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes octets as they are: all of them, or none.
    fn put(&mut self, octets: &[u8]) -> Write<'_, 'b> {
        let end = self.len.saturating_add(octets.len());
        let place = self.buffer.get_mut(self.len..end);
        for (to, octet) in place.ok_or(WireError::Buffer)?.iter_mut().zip(octets) {
            *to = *octet;
        }
        self.len = end;
        Ok(self)
    }

    /// Writes the head of an item in its shortest form (RFC 8949, section 4.2.1).
    fn head(&mut self, major: u8, value: u64) -> Write<'_, 'b> {
        let first = major << 5;
        let [.., e, f, g, h] = value.to_be_bytes();
        match value {
            0..24 => self.put(&[first | h]),
            24..0x100 => self.put(&[first | 24, h]),
            0x100..0x1_0000 => self.put(&[first | 25, g, h]),
            0x1_0000..0x1_0000_0000 => self.put(&[first | 26, e, f, g, h]),
            _ => {
                self.put(&[first | 27])?;
                self.put(&value.to_be_bytes())
            }
        }
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn uint(&mut self, value: u64) -> Write<'_, 'b> {
        self.head(major::UNSIGNED, value)
    }

    /// A Boolean.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn bool(&mut self, value: bool) -> Write<'_, 'b> {
        self.put(&[if value { TRUE } else { FALSE }])
    }

    /// A text.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn str(&mut self, value: &str) -> Write<'_, 'b> {
        self.head(major::TEXT, value.len() as u64)?;
        self.put(value.as_bytes())
    }

    /// A byte string.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn bytes(&mut self, value: &[u8]) -> Write<'_, 'b> {
        self.head(major::BYTES, value.len() as u64)?;
        self.put(value)
    }

    /// The head of an array.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn array(&mut self, len: usize) -> Write<'_, 'b> {
        self.head(major::ARRAY, len as u64)
    }

    /// The head of a map.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn map(&mut self, len: usize) -> Write<'_, 'b> {
        self.head(major::MAP, len as u64)
    }

    /// Octets as an array of integers.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn octets(&mut self, octets: &[u8]) -> Write<'_, 'b> {
        self.array(octets.len())?;
        for octet in octets {
            self.uint(u64::from(*octet))?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
