//! JSON (RFC 8259), read in place: each value is a part of the document that holds it.
//!
//! A document is checked as a whole before anything is taken from it, by a loop that remembers at most [`MAX_DEPTH`] levels in the bits of one
//! word. serde-json-core, which needs no allocator either, calls itself for each level of a value that it skips, so that a server can exhaust the
//! stack with brackets; and it skips what is no JSON.

use crate::error::{Artifact, SztpError};
use crate::syntax::Cursor;
pub use crate::syntax::MAX_DEPTH;
use heapless::String;
use netboot_core::base64;

/// The octets are no JSON, or JSON with more levels than [`MAX_DEPTH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotJson;

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// The value without blanks around it.
    text: &'a str,
    /// Position of the value in the document, in octets.
    at: usize,
}

/// What stands between the quotation marks of a string: its escapes are still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    text: &'a str,
    at: usize,
}

/// The members of an object, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Members<'a>(Rest<'a>);

/// The elements of an array, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Elements<'a>(Rest<'a>);

/// What is left of a container that was checked.
#[derive(Clone, Copy, Debug)]
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Value<'a> {
    /// Reads a document: one value, with blanks around it.
    ///
    /// # Errors
    /// [`NotJson`], also for octets that are not UTF-8, and for an escape that is no character.
    pub(crate) fn parse(document: &'a [u8]) -> Result<Self, NotJson> {
        let text = core::str::from_utf8(document).or(Err(NotJson))?;
        let mut cursor = Cursor::new(text);
        cursor.blanks();
        let at = cursor.at();
        cursor.value().ok_or(NotJson)?;
        let end = cursor.at();
        cursor.blanks();
        match cursor.rest {
            [] => Ok(Self {
                text: text.get(at..end).ok_or(NotJson)?,
                at,
            }),
            _ => Err(NotJson),
        }
    }

    /// The string that it is.
    pub fn text(self) -> Option<Text<'a>> {
        let text = self.text.strip_prefix('"')?.strip_suffix('"')?;
        Some(Text {
            text,
            at: self.at.saturating_add(1),
        })
    }

    /// The members of the object that it is.
    pub fn members(self) -> Option<Members<'a>> {
        self.inner('{', '}').map(Members)
    }

    /// The elements of the array that it is.
    pub fn elements(self) -> Option<Elements<'a>> {
        self.inner('[', ']').map(Elements)
    }

    /// The whole number from 0 to 65,535 that it is. RFC 7951, section 6.1, writes such a number without quotation marks.
    pub fn number(self) -> Option<u16> {
        self.text.parse().ok()
    }

    /// The truth value that it is; some write it as a string.
    pub fn boolean(self) -> Option<bool> {
        match self.text {
            "true" | "\"true\"" => Some(true),
            "false" | "\"false\"" => Some(false),
            _ => None,
        }
    }

    fn inner(self, open: char, close: char) -> Option<Rest<'a>> {
        let text = self.text.strip_prefix(open)?.strip_suffix(close)?;
        Some(Rest {
            text,
            at: self.at.saturating_add(1),
        })
    }
}

impl<'a> Text<'a> {
    /// Position in the document of what stands between the quotation marks, and its length, both in octets.
    pub fn place(self) -> (usize, usize) {
        (self.at, self.text.len())
    }

    /// The characters that it stands for.
    pub fn chars(self) -> Chars<'a> {
        Chars(self.text.chars())
    }

    /// Returns whether it stands for `other`.
    pub fn is(self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }

    /// Copies the characters. `None` when they do not fit into `N` octets.
    pub fn copy<const N: usize>(self) -> Option<String<N>> {
        let mut copy = String::new();
        for character in self.chars() {
            copy.push(character).ok()?;
        }
        Some(copy)
    }

    /// Decodes the base64 that it is into the front of `to`. `None` when it is no base64, or has more octets.
    pub fn base64(self, to: &mut [u8]) -> Option<usize> {
        let mut decoder = base64::Decoder::new();
        let mut filled = 0_usize;
        for character in self.chars() {
            let character = u8::try_from(character).ok()?;
            if let Some(octet) = decoder.push(character).ok()? {
                *to.get_mut(filled)? = octet;
                filled = filled.saturating_add(1);
            }
        }
        decoder.is_complete().then_some(filled)
    }
}

/// Reads the content of an artifact, which may be JSON or XML by the standards.
///
/// # Errors
/// [`SztpError::Xml`], [`SztpError::NotJson`].
pub fn document(content: &[u8], artifact: Artifact) -> Result<Value<'_>, SztpError> {
    if content.trim_ascii_start().first() == Some(&b'<') {
        return Err(SztpError::Xml(artifact));
    }
    Value::parse(content).or(Err(SztpError::NotJson(artifact)))
}

/// Decodes the base64 of a string of JSON where it lies; returns the number of octets. `text` is what stands between the quotation marks. `None`
/// when it is no base64. Some writers escape the slashes in it.
pub fn base64_in_place(text: &mut [u8]) -> Option<usize> {
    let digits = unescape(text)?;
    base64::decode_in_place(text.get_mut(..digits)?)
}

/// Puts the characters that a string of JSON stands for into its front, an octet each; returns their number. `None` for an escape that base64 cannot have.
fn unescape(text: &mut [u8]) -> Option<usize> {
    let (mut at, mut filled) = (0_usize, 0_usize);
    while let Some(octet) = text.get(at).copied() {
        at = at.saturating_add(1);
        let mut character = octet;
        if octet == b'\\' {
            let escaped = *text.get(at)?;
            at = at.saturating_add(1);
            character = match escaped {
                b'/' => b'/',
                b'n' | b'r' | b't' => b'\n',
                b'u' => {
                    let digits = core::str::from_utf8(text.get(at..)?.get(..4)?).ok()?;
                    at = at.saturating_add(4);
                    u8::from_str_radix(digits, 16).ok().filter(u8::is_ascii)?
                }
                _ => return None,
            };
        }
        *text.get_mut(filled)? = character;
        filled = filled.saturating_add(1);
    }
    Some(filled)
}

/// Returns whether a member's name is `name`, with or without a module's name and a colon before it (RFC 7951, section 4).
pub fn is_named(member: Text<'_>, name: &str) -> bool {
    let colon = member.text.bytes().rposition(|octet| octet == b':');
    let behind = colon.map_or(0, |colon| colon.saturating_add(1));
    let local = Text {
        text: member.text.get(behind..).unwrap_or_default(),
        ..member
    };
    local.is(name)
}

/// Notes the value of a member. `None` when there was one already: two readers of such a document may disagree which one counts.
pub fn once<T>(to: &mut Option<T>, value: T) -> Option<()> {
    match to.replace(value) {
        None => Some(()),
        Some(_) => None,
    }
}

/// The characters of a string.
#[derive(Clone, Debug)]
pub struct Chars<'a>(core::str::Chars<'a>);

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let first = self.0.next()?;
        if first != '\\' {
            return Some(first);
        }
        let unit = match self.0.next()? {
            'b' => return Some('\u{8}'),
            'f' => return Some('\u{c}'),
            'n' => return Some('\n'),
            'r' => return Some('\r'),
            't' => return Some('\t'),
            'u' => unit(&mut self.0)?,
            itself => return Some(itself),
        };
        if unit & 0xFC00 != 0xD800 {
            return char::from_u32(unit);
        }
        // The other half of a pair (RFC 8259, section 7).
        self.0.next()?;
        self.0.next()?;
        let low = unit_in(&mut self.0, 0xDC00)?;
        char::from_u32(0x10000 + ((unit & 0x3FF) << 10 | low & 0x3FF))
    }
}

/// Four hexadecimal digits.
fn unit(chars: &mut core::str::Chars<'_>) -> Option<u32> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit << 4 | chars.next()?.to_digit(16)?;
    }
    Some(unit)
}

/// Four hexadecimal digits whose upper six bits are those of `kind`.
fn unit_in(chars: &mut core::str::Chars<'_>, kind: u32) -> Option<u32> {
    unit(chars).filter(|unit| unit & 0xFC00 == kind)
}

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<(Text<'a>, Value<'a>)> {
        let name = self.0.value()?.text()?;
        self.0.skip(b':');
        let value = self.0.value()?;
        self.0.skip(b',');
        Some((name, value))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let value = self.0.value()?;
        self.0.skip(b',');
        Some(value)
    }
}

impl<'a> Rest<'a> {
    /// Takes the next value. `None` at the end.
    #[inline(never)]
    fn value(&mut self) -> Option<Value<'a>> {
        let mut cursor = Cursor::new(self.text);
        cursor.blanks();
        let start = cursor.at();
        cursor.value()?;
        let value = Value {
            text: self.text.get(start..cursor.at())?,
            at: self.at.saturating_add(start),
        };
        self.advance(cursor.at());
        Some(value)
    }

    /// Takes the blanks and the sign that come next.
    fn skip(&mut self, sign: u8) {
        let mut cursor = Cursor::new(self.text);
        cursor.blanks();
        cursor.eat(sign);
        self.advance(cursor.at());
    }

    fn advance(&mut self, octets: usize) {
        self.at = self.at.saturating_add(octets);
        self.text = self.text.get(octets..).unwrap_or_default();
    }
}
