//! JSON (RFC 8259), read in place: each value is a part of the document that holds it.
//!
//! A document is checked as a whole before anything is taken from it, by a loop that remembers at most [`MAX_DEPTH`] levels in the bits of one
//! word. serde-json-core, which needs no allocator either, calls itself for each level of a value that it skips, so that a server can exhaust the
//! stack with brackets; and it skips what is no JSON.

use heapless::String;

/// Number of objects and arrays within each other that a document may have. Those of RFC 8572 have six.
pub const MAX_DEPTH: u8 = 16;

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
        let mut decoder = netboot_core::base64::Decoder::new();
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

/// Decodes the base64 of a string of JSON where it lies; returns the number of octets. `text` is what stands between the quotation marks. `None`
/// when it is no base64. Some writers escape the slashes in it.
pub fn base64_in_place(text: &mut [u8]) -> Option<usize> {
    let mut decoder = netboot_core::base64::Decoder::new();
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
        if let Some(octet) = decoder.push(character).ok()? {
            *text.get_mut(filled)? = octet;
            filled = filled.saturating_add(1);
        }
    }
    decoder.is_complete().then_some(filled)
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

/// A place in a text, and what is right to come there.
struct Cursor<'a> {
    len: usize,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            len: text.len(),
            rest: text.as_bytes(),
        }
    }

    /// Number of octets that were taken.
    fn at(&self) -> usize {
        self.len.saturating_sub(self.rest.len())
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn eat(&mut self, octet: u8) -> bool {
        let there = self.rest.first() == Some(&octet);
        if there {
            self.next();
        }
        there
    }

    fn blanks(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes one value, whatever is in it. Each turn takes an octet at least.
    #[inline(never)]
    fn value(&mut self) -> Option<()> {
        let mut levels = Levels::default();
        loop {
            self.blanks();
            match self.next()? {
                b'"' => self.string()?,
                b'{' => {
                    levels.open(true)?;
                    self.blanks();
                    if !self.eat(b'}') {
                        self.name()?;
                        continue;
                    }
                    levels.close();
                }
                b'[' => {
                    levels.open(false)?;
                    self.blanks();
                    if !self.eat(b']') {
                        continue;
                    }
                    levels.close();
                }
                first => self.word(first)?,
            }
            // A value has ended, and with it the containers that end here.
            loop {
                let Some(in_object) = levels.top() else {
                    return Some(());
                };
                self.blanks();
                match self.next()? {
                    b',' => {
                        if in_object {
                            self.name()?;
                        }
                        break;
                    }
                    b'}' if in_object => levels.close(),
                    b']' if !in_object => levels.close(),
                    _ => return None,
                }
            }
        }
    }

    /// Takes the name of a member and the colon behind it.
    fn name(&mut self) -> Option<()> {
        self.blanks();
        if !self.eat(b'"') {
            return None;
        }
        self.string()?;
        self.blanks();
        self.eat(b':').then_some(())
    }

    /// Takes a string, whose first quotation mark was taken.
    fn string(&mut self) -> Option<()> {
        loop {
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=0x1F => return None,
                _ => {}
            }
        }
    }

    /// Takes what follows a backslash.
    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => match self.unit()? & 0xFC00 {
                0xD800 => {
                    let pair = self.eat(b'\\') && self.eat(b'u');
                    (pair && self.unit()? & 0xFC00 == 0xDC00).then_some(())
                }
                // The second half of a pair stands alone.
                0xDC00 => None,
                _ => Some(()),
            },
            _ => None,
        }
    }

    /// Takes four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit << 4 | char::from(self.next()?).to_digit(16)?;
        }
        Some(unit)
    }

    /// Takes a number, or one of the three words, which begins with `first`.
    fn word(&mut self, first: u8) -> Option<()> {
        let rest: &[u8] = match first {
            b't' => b"rue",
            b'f' => b"alse",
            b'n' => b"ull",
            _ => return self.number(first),
        };
        for octet in rest {
            if !self.eat(*octet) {
                return None;
            }
        }
        Some(())
    }

    /// Takes a number that begins with `first`.
    fn number(&mut self, first: u8) -> Option<()> {
        let first = match first {
            b'-' => self.next()?,
            digit => digit,
        };
        match first {
            b'0' => {}
            b'1'..=b'9' => {
                self.digits();
            }
            _ => return None,
        }
        if self.eat(b'.') && !self.digits() {
            return None;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            if !self.digits() {
                return None;
            }
        }
        Some(())
    }

    /// Takes digits; whether there was one.
    fn digits(&mut self) -> bool {
        let before = self.rest.len();
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
        }
        before != self.rest.len()
    }
}

/// The containers that are open, a bit for each: set for an object. The innermost is the lowest bit.
#[derive(Clone, Copy, Debug, Default)]
struct Levels {
    objects: u32,
    depth: u8,
}

impl Levels {
    fn open(&mut self, object: bool) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u32::from(object);
        Some(())
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }

    /// Whether the innermost container is an object; `None` without one.
    fn top(&self) -> Option<bool> {
        (self.depth != 0).then_some(self.objects & 1 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What serde_json makes of the same value.
    fn same(value: Value<'_>, other: &serde_json::Value) {
        match other {
            serde_json::Value::Object(map) => {
                let members: Vec<_> = value.members().unwrap().collect();
                // serde_json keeps the last one of those with one name.
                let mut names: Vec<String<256>> = Vec::new();
                for (name, _) in &members {
                    let name = name.copy().unwrap();
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                assert_eq!(names.len(), map.len());
                for (name, other) in map {
                    let last = members.iter().rev().find(|(of, _)| of.is(name)).unwrap();
                    same(last.1, other);
                }
                assert!(value.elements().is_none() && value.text().is_none());
            }
            serde_json::Value::Array(list) => {
                let elements: Vec<_> = value.elements().unwrap().collect();
                assert_eq!(elements.len(), list.len());
                elements
                    .iter()
                    .zip(list)
                    .for_each(|(value, other)| same(*value, other));
                assert!(value.members().is_none() && value.number().is_none());
            }
            serde_json::Value::String(text) => {
                let found: std::string::String = value.text().unwrap().chars().collect();
                assert_eq!(&found, text);
            }
            serde_json::Value::Bool(truth) => assert_eq!(value.boolean(), Some(*truth)),
            serde_json::Value::Number(number) => {
                let short = number
                    .as_u64()
                    .and_then(|number| u16::try_from(number).ok());
                // 1e3 and 1.0 are whole numbers, and nobody writes a port so.
                assert!(value.number().is_none() || value.number() == short);
            }
            serde_json::Value::Null => {
                assert!(value.text().is_none() && value.boolean().is_none());
            }
        }
    }

    fn judge(document: &[u8]) {
        match (Value::parse(document), serde_json::from_slice(document)) {
            (Ok(value), Ok(other)) => same(value, &other),
            (Err(NotJson), Err(_)) => {}
            // serde_json refuses numbers that no f64 holds, and takes more levels.
            (Ok(_), Err(error)) => assert!(
                error.to_string().starts_with("number out of range"),
                "{error}: {}",
                document.escape_ascii()
            ),
            (Err(NotJson), Ok(_)) => assert!(
                deepest(document) > MAX_DEPTH.into(),
                "{}",
                document.escape_ascii()
            ),
        }
    }

    fn deepest(document: &[u8]) -> usize {
        document
            .iter()
            .filter(|octet| b"[{".contains(octet))
            .count()
    }

    #[test]
    fn documents_that_people_write() {
        for document in [
            r#"{"a":{"b":[1,2,{"c":null}],"d":"x"},"e":true}"#,
            " [ ] ",
            "{ }",
            r#"{"a" : [ ] , "b" : { } , "c" : [ null ] }"#,
            r#""\u00e9\ud83d\ude00\/\n\b\f\r\t\"\\""#,
            r#"{"a":1,"a":2}"#,
            "-0.5e+10",
            "0",
            "true",
            "null",
            "[1e400]",
        ] {
            judge(document.as_bytes());
            assert!(Value::parse(document.as_bytes()).is_ok(), "{document}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for document in [
            &b""[..],
            b" ",
            b"{",
            b"}",
            b"[1,]",
            b"[,1]",
            b"{\"a\"}",
            b"{\"a\":}",
            b"{\"a\":1,}",
            b"{a:1}",
            b"[1 2]",
            b"01",
            b"1.",
            b".5",
            b"+1",
            b"1e",
            b"nul",
            b"truex",
            b"\"a",
            b"\"\\x\"",
            b"\"\\u12\"",
            b"\"\\ud800\"",
            b"\"\\udc00\"",
            b"\"\\ud800\\u0041\"",
            b"\"\n\"",
            b"1 1",
            b"[}",
            b"{]",
            b"{\"a\":1]",
            b"[\xff]",
            b"\"\xc3\"",
            b"\xef\xbb\xbf1",
            b"'a'",
            b"[1}",
            b"NaN",
        ] {
            assert_eq!(
                Value::parse(document),
                Err(NotJson),
                "{}",
                document.escape_ascii()
            );
            judge(document);
        }
    }

    #[test]
    fn the_number_of_levels_has_a_bound() {
        for (levels, fits) in [
            (usize::from(MAX_DEPTH), true),
            (usize::from(MAX_DEPTH) + 1, false),
            (100_000, false),
        ] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let document = format!("{}1{}", open.repeat(levels), close.repeat(levels));
                assert_eq!(Value::parse(document.as_bytes()).is_ok(), fits, "{levels}");
            }
        }
    }

    #[test]
    fn a_value_knows_its_place_in_the_document() {
        let document = br#" { "a" : [ "x", {"b":"yz\n"} ] }"#;
        let value = Value::parse(document).unwrap();
        let (_, list) = value.members().unwrap().next().unwrap();
        let elements: Vec<_> = list.elements().unwrap().collect();
        let (at, len) = elements[0].text().unwrap().place();
        assert_eq!(&document[at..at + len], b"x");
        let (_, inner) = elements[1].members().unwrap().next().unwrap();
        let (at, len) = inner.text().unwrap().place();
        assert_eq!(&document[at..at + len], br"yz\n");
        assert!(inner.text().unwrap().is("yz\n") && !inner.text().unwrap().is("yz"));
        assert_eq!(inner.text().unwrap().copy::<3>().unwrap(), "yz\n");
        assert!(inner.text().unwrap().copy::<2>().is_none());
    }

    #[test]
    fn numbers_and_truth_values() {
        let value = |text: &'static str| Value::parse(text.as_bytes()).unwrap();
        assert_eq!(value("65535").number(), Some(65535));
        for text in ["65536", "-1", "1.0", "1e1", "\"1\"", "null"] {
            assert_eq!(value(text).number(), None, "{text}");
        }
        assert_eq!(value("\"true\"").boolean(), Some(true));
        assert_eq!(value("\"false\"").boolean(), Some(false));
        assert_eq!(value("1").boolean(), None);
    }

    proptest! {
        #[test]
        fn serde_json_says_the_same(document in r#"([\[\]{},:" ]|"a"|"b"|1|-0|\\u00|true|null|[0-9a-f.]|\PC){0,40}"#) {
            judge(document.as_bytes());
        }

        #[test]
        fn serde_json_says_the_same_of_whole_documents(levels in 0..5_usize, words in prop::collection::vec(any::<(u8, std::string::String)>(), 1..20)) {
            let mut document = serde_json::Value::Null;
            for (kind, word) in words {
                let other = match kind % 5 {
                    0 => serde_json::Value::from(kind),
                    1 => serde_json::Value::from(word.as_str()),
                    2 => serde_json::Value::Bool(kind > 99),
                    _ => serde_json::Value::Null,
                };
                document = match kind % 3 {
                    0 if deepest(document.to_string().as_bytes()) < levels => serde_json::json!([document, other]),
                    1 if deepest(document.to_string().as_bytes()) < levels => serde_json::json!({ word: document, "x": other }),
                    _ => other,
                };
            }
            judge(document.to_string().as_bytes());
            judge(serde_json::to_string_pretty(&document).unwrap().as_bytes());
        }
    }
}
