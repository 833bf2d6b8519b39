//! Values of DER, and what is wrong with those that are none.

use netboot_x509::der::{OCTET_STRING, OID, Reader, Value};

use crate::error::{CmsError, Part};

/// The tag of a string in pieces, which BER has and DER has not (X.690 section 10.2).
const OCTET_STRING_IN_PIECES: u8 = 0x20 | OCTET_STRING;

/// Values of one part of a message, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    reader: Reader<'a>,
    part: Part,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(octets: &'a [u8], part: Part) -> Self {
        Self {
            reader: Reader::new(octets),
            part,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    /// The next value, whatever it is.
    pub(crate) fn value(&mut self) -> Result<Value<'a>, CmsError> {
        let rest = self.reader.rest();
        let value = self.reader.value();
        value.ok_or(cause(rest, self.part))
    }

    /// The content of the next value, which has to have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], CmsError> {
        let value = self.value()?;
        if value.tag == tag {
            return Ok(value.content);
        }
        Err(match (tag, value.tag) {
            (OCTET_STRING, OCTET_STRING_IN_PIECES) => CmsError::Ber,
            _ => CmsError::Malformed(self.part),
        })
    }

    /// The next value if it has this tag; what does not is not taken.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, CmsError> {
        match self.reader.rest().first() {
            Some(first) if *first == tag => self.value().map(Some),
            _ => Ok(None),
        }
    }

    /// The fields within the next value, which has to have this tag.
    pub(crate) fn nested(&mut self, tag: u8) -> Result<Fields<'a>, CmsError> {
        let part = self.part;
        self.expect(tag).map(|content| Fields::new(content, part))
    }

    /// The content of the next value, which has to be an object identifier: numbers in their shortest form, of which the last
    /// one ends (X.690 section 8.19).
    pub(crate) fn identifier(&mut self) -> Result<&'a [u8], CmsError> {
        let content = self.expect(OID)?;
        let mut begins = true;
        let mut shortest = true;
        for octet in content {
            shortest &= !(begins && *octet == 0x80);
            begins = octet & 0x80 == 0;
        }
        match !content.is_empty() && begins && shortest {
            true => Ok(content),
            false => Err(CmsError::Malformed(self.part)),
        }
    }

    /// Whether nothing follows.
    pub(crate) fn end(&self) -> Result<(), CmsError> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(CmsError::Malformed(self.part)),
        }
    }
}

/// Why no value of DER begins here.
fn cause(rest: &[u8], part: Part) -> CmsError {
    match rest.get(1) {
        // X.690 section 8.1.3.6: the end is marked where it comes.
        Some(0x80) => CmsError::Ber,
        // A length of three octets or more.
        Some(0x83..=0xFE) => CmsError::TooLarge,
        _ => CmsError::Malformed(part),
    }
}
