//! DER, as far as certificates and signed messages need it (X.690 section 10).
//!
//! Lengths are definite and minimal, tags have one octet, a value has at most 65,535 octets. `None` means that the
//! octets are no DER, or not what was expected.

/// `BOOLEAN`
pub const BOOLEAN: u8 = 0x01;
/// `INTEGER`
pub const INTEGER: u8 = 0x02;
/// `BIT STRING`
pub const BIT_STRING: u8 = 0x03;
/// `OCTET STRING`
pub const OCTET_STRING: u8 = 0x04;
/// `OBJECT IDENTIFIER`
pub const OID: u8 = 0x06;
/// `UTCTime`
pub const UTC_TIME: u8 = 0x17;
/// `GeneralizedTime`
pub const GENERALIZED_TIME: u8 = 0x18;
/// `SEQUENCE`
pub const SEQUENCE: u8 = 0x30;
/// `SET`
pub const SET: u8 = 0x31;

/// The tag `[number]` of a primitive value.
pub const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The tag `[number]` of a constructed value.
pub const fn constructed(number: u8) -> u8 {
    0xA0 | number
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// The tag, one octet.
    pub tag: u8,
    /// What stands behind tag and length.
    pub content: &'a [u8],
    /// Tag, length and content.
    pub whole: &'a [u8],
}

/// Values, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `octets`.
    pub fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The octets that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next value, whatever it is.
    #[inline(never)]
    pub fn value(&mut self) -> Option<Value<'a>> {
        let (&tag, rest) = self.rest.split_first()?;
        if tag & 0x1F == 0x1F {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            0x81 => {
                let (&length, rest) = rest.split_first()?;
                (usize::from(length), rest)
            }
            0x82 => {
                let (length, rest) = rest.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            _ => return None,
        };
        // The shortest form of the length.
        let shortest = match first {
            0x81 => 0x80,
            0x82 => 0x100,
            _ => 0,
        };
        if length < shortest {
            return None;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        let whole = self.rest.len().checked_sub(rest.len())?;
        let whole = self.rest.get(..whole)?;
        self.rest = rest;
        Some(Value {
            tag,
            content,
            whole,
        })
    }

    /// Number of values, up to the first that is none.
    pub fn count(mut self) -> usize {
        let mut count = 0_usize;
        // Each takes octets, so they end.
        while self.value().is_some() {
            count = count.saturating_add(1);
        }
        count
    }

    /// The content of the next value, which has to have this tag.
    pub fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let value = self.value()?;
        (value.tag == tag).then_some(value.content)
    }

    /// The content of the next value if it has this tag; what does not is not taken.
    pub fn optional(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        match self.rest.first() {
            Some(first) if *first == tag => Some(Some(self.expect(tag)?)),
            _ => Some(None),
        }
    }

    /// The reader of the next value's content.
    pub fn nested(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.expect(tag).map(Reader::new)
    }
}

/// The content of the one value in `octets`.
pub fn only(octets: &[u8], tag: u8) -> Option<&[u8]> {
    let mut reader = Reader::new(octets);
    let content = reader.expect(tag)?;
    reader.is_empty().then_some(content)
}

/// A `BOOLEAN` with `DEFAULT FALSE`.
pub fn flag(reader: &mut Reader<'_>) -> Option<bool> {
    match reader.optional(BOOLEAN)? {
        None => Some(false),
        // FALSE is the default, so DER leaves it out; real certificates have it.
        Some([0x00]) => Some(false),
        Some([0xFF]) => Some(true),
        Some(_) => None,
    }
}

/// A `BIT STRING` of whole octets.
pub fn octets_of_bits(content: &[u8]) -> Option<&[u8]> {
    match content.split_first()? {
        (0, octets) => Some(octets),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(octets: &[u8]) -> Option<(u8, usize)> {
        let value = Reader::new(octets).value()?;
        Some((value.tag, value.content.len()))
    }

    #[test]
    fn lengths_are_definite_and_minimal() {
        assert_eq!(one(&[0x30, 0]), Some((0x30, 0)));
        let mut long = vec![0x04, 0x81, 0x80];
        long.extend([7; 0x80]);
        assert_eq!(one(&long), Some((0x04, 0x80)));
        let mut longer = vec![0x04, 0x82, 0x01, 0x00];
        longer.extend([7; 0x100]);
        assert_eq!(one(&longer), Some((0x04, 0x100)));
        // One octet less than each form is for, with all the content that it tells of.
        for (length, least) in [
            (&[0x81, 0x7F][..], 0x7F),
            (&[0x82, 0x00, 0x80], 0x80),
            (&[0x82, 0x00, 0xFF], 0xFF),
        ] {
            let mut octets = [&[0x04], length].concat();
            octets.extend(vec![7; least]);
            assert_eq!(one(&octets), None, "{length:x?}");
        }
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 1, 0],
            &[0x30, 0x82, 0, 1, 0],
            &[0x30, 0x83, 0, 0, 1, 0],
            &[0x3F, 1, 0],
        ] {
            assert_eq!(one(bad), None, "{bad:x?}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_taken() {
        let octets = [0x02, 1, 5, 0x01, 1, 0xFF];
        let mut reader = Reader::new(&octets);
        assert_eq!(reader.optional(BOOLEAN), Some(None));
        assert_eq!(reader.expect(INTEGER), Some(&[5][..]));
        assert_eq!(flag(&mut reader), Some(true));
        assert_eq!(flag(&mut reader), Some(false));
        assert!(reader.is_empty());
        assert_eq!(only(&octets, INTEGER), None);
    }
}
