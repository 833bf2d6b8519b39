//! CBOR (RFC 8949) with the errors of this crate: a thin layer over minicbor.

use super::error::WireError;
use minicbor::data::Type;
use minicbor::encode::write::{Cursor, EndOfSlice};
use minicbor::{Decoder, Encoder};

/// Reads one item of CBOR. Lengths must be definite.
#[derive(Debug)]
pub struct Reader<'b>(Decoder<'b>);

type Read<T> = Result<T, WireError>;

impl<'b> Reader<'b> {
    /// A reader of these octets.
    pub fn new(octets: &'b [u8]) -> Self {
        Self(Decoder::new(octets))
    }

    /// Offset of the next octet.
    pub fn position(&self) -> usize {
        self.0.position()
    }

    fn checked<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>,
    ) -> Read<T> {
        let at = self.position();
        read(&mut self.0).map_err(|_| WireError::Malformed { at })
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
        self.checked(|d| d.u64())
    }

    /// An unsigned integer below 2^32.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn u32(&mut self) -> Read<u32> {
        self.checked(|d| d.u32())
    }

    /// An unsigned integer below 2^16.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn u16(&mut self) -> Read<u16> {
        self.checked(|d| d.u16())
    }

    /// An unsigned integer below 256.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn u8(&mut self) -> Read<u8> {
        self.checked(|d| d.u8())
    }

    /// A Boolean.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn bool(&mut self) -> Read<bool> {
        self.checked(|d| d.bool())
    }

    /// A text.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn str(&mut self) -> Read<&'b str> {
        self.checked(|d| d.str())
    }

    /// A byte string.
    ///
    /// # Errors
    /// [`WireError::Malformed`]
    pub fn bytes(&mut self) -> Read<&'b [u8]> {
        self.checked(|d| d.bytes())
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
        let at = self.position();
        self.checked(|d| d.array())?
            .ok_or(WireError::Malformed { at })
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
        let at = self.position();
        self.checked(|d| d.map())?
            .ok_or(WireError::Malformed { at })
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
        let at = self.position();
        match self.0.datatype() {
            Ok(Type::String) => Ok((self.str()?, false)),
            Ok(Type::Map) => {
                if self.map()? != 1 {
                    return Err(self.unknown_variant());
                }
                Ok((self.str()?, true))
            }
            _ => Err(WireError::Malformed { at }),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`WireError::Trailing`] when octets are left.
    pub fn end(self) -> Read<()> {
        match self.0.input().len().saturating_sub(self.position()) {
            0 => Ok(()),
            octets => Err(WireError::Trailing { octets }),
        }
    }
}

/// Writes CBOR into a slice.
#[derive(Debug)]
pub struct Writer<'b>(Encoder<Cursor<&'b mut [u8]>>);

type Write<'w, 'b> = Result<&'w mut Writer<'b>, WireError>;

impl<'b> Writer<'b> {
    /// A writer into `buffer`.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self(Encoder::new(Cursor::new(buffer)))
    }

    /// Number of octets written.
    pub fn len(&self) -> usize {
        self.0.writer().position()
    }

    /// Whether nothing is written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn checked(
        &mut self,
        write: impl FnOnce(
            &mut Encoder<Cursor<&'b mut [u8]>>,
        ) -> Result<(), minicbor::encode::Error<EndOfSlice>>,
    ) -> Write<'_, 'b> {
        write(&mut self.0).map_err(|_| WireError::Buffer)?;
        Ok(self)
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn uint(&mut self, value: u64) -> Write<'_, 'b> {
        self.checked(|e| e.u64(value)?.ok())
    }

    /// A Boolean.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn bool(&mut self, value: bool) -> Write<'_, 'b> {
        self.checked(|e| e.bool(value)?.ok())
    }

    /// A text.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn str(&mut self, value: &str) -> Write<'_, 'b> {
        self.checked(|e| e.str(value)?.ok())
    }

    /// A byte string.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn bytes(&mut self, value: &[u8]) -> Write<'_, 'b> {
        self.checked(|e| e.bytes(value)?.ok())
    }

    /// The head of an array.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn array(&mut self, len: usize) -> Write<'_, 'b> {
        self.checked(|e| e.array(len as u64)?.ok())
    }

    /// The head of a map.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn map(&mut self, len: usize) -> Write<'_, 'b> {
        self.checked(|e| e.map(len as u64)?.ok())
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
