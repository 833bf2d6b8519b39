//! Domain names as they stand in messages (RFC 1035, sections 3.1 and 4.1.4).

use core::fmt;
use heapless::Vec;

/// Octets of the longest name, with the length of each label and the empty label at its end.
pub const MAX: usize = 255;
/// Octets of the longest label.
const LABEL_MAX: usize = 63;
/// The two highest bits of a length: both set for a pointer to the rest of the name.
const POINTER: u8 = 0xC0;
/// Number of pointers that are followed in one name. Each leads further to the front, so there is no end of them but this.
const POINTERS: u8 = 16;

/// A text is no domain name: a label is empty or longer than 63 octets, or the name is longer than 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadName;

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is no domain name")
    }
}

impl core::error::Error for BadName {}

/// A name in the form of a message without pointers, in lower case: labels with their lengths, and an empty one at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Name(Vec<u8, MAX>);

impl Name {
    /// Makes a name that is none.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Makes the name of `text`. A dot at its end is nothing.
    ///
    /// # Errors
    /// [`BadName`] when that is no domain name.
    pub fn set(&mut self, text: &str) -> Result<(), BadName> {
        self.0.clear();
        self.push_labels(text)?;
        match self.0.is_empty() {
            true => Err(BadName),
            false => self.push(0),
        }
    }

    /// Makes the name of `first`, with the labels of `domain` behind it.
    ///
    /// # Errors
    /// [`BadName`] when that is no domain name.
    #[inline(never)]
    pub fn join(&mut self, first: &Self, domain: &str) -> Result<(), BadName> {
        self.0.clear();
        for octet in first.0.iter().take(first.0.len().saturating_sub(1)) {
            self.push(*octet)?;
        }
        self.push_labels(domain)?;
        self.push(0)
    }

    #[inline(never)]
    fn push_labels(&mut self, text: &str) -> Result<(), BadName> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Ok(());
        }
        for label in text.as_bytes().split(|octet| *octet == b'.') {
            let len = u8::try_from(label.len()).map_err(|_| BadName)?;
            if label.is_empty() || label.len() > LABEL_MAX {
                return Err(BadName);
            }
            self.push(len)?;
            for octet in label {
                self.push(octet.to_ascii_lowercase())?;
            }
        }
        Ok(())
    }

    /// The octets of the name in a message.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    fn push(&mut self, octet: u8) -> Result<(), BadName> {
        self.0.push(octet).map_err(|_| BadName)
    }

    /// Reads the name at `at` of `message`. `None` when it is damaged or too long.
    #[inline(never)]
    pub fn read(&mut self, message: &[u8], at: usize) -> Option<()> {
        self.0.clear();
        for octet in Octets::new(message, at) {
            self.push(octet?).ok()?;
        }
        Some(())
    }

    /// Whether the name at `at` of `message` is this one; letters are the same in either case (RFC 4343).
    #[inline(never)]
    pub fn is_at(&self, message: &[u8], at: usize) -> bool {
        let mut own = self.0.iter();
        for octet in Octets::new(message, at) {
            if octet.is_none() || octet != own.next().copied() {
                return false;
            }
        }
        own.next().is_none()
    }
}

/// Finds the end of the name at `at`: the offset behind it, or behind its first pointer. `None` when it is cut short.
#[inline(never)]
pub fn skip(message: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    loop {
        let len = *message.get(at)?;
        if len & POINTER == POINTER {
            message.get(at.checked_add(1)?)?;
            return at.checked_add(2);
        }
        at = at.checked_add(1)?.checked_add(usize::from(len))?;
        if len == 0 {
            return Some(at);
        }
        if len & POINTER != 0 {
            return None;
        }
    }
}

/// The octets of a name, in lower case, with its pointers followed; `None` once it turns out to be damaged.
struct Octets<'m> {
    message: &'m [u8],
    at: usize,
    /// Octets left of the label, its length not among them.
    label: u8,
    pointers: u8,
    done: bool,
}

impl<'m> Octets<'m> {
    fn new(message: &'m [u8], at: usize) -> Self {
        Self {
            message,
            at,
            label: 0,
            pointers: 0,
            done: false,
        }
    }

    fn step(&mut self) -> Option<u8> {
        loop {
            let octet = *self.message.get(self.at)?;
            if self.label > 0 {
                self.at = self.at.checked_add(1)?;
                self.label = self.label.saturating_sub(1);
                return Some(octet.to_ascii_lowercase());
            }
            if octet & POINTER == POINTER {
                let low = *self.message.get(self.at.checked_add(1)?)?;
                let to = usize::from(u16::from_be_bytes([octet & !POINTER, low]));
                self.pointers = self.pointers.saturating_add(1);
                if to >= self.at || self.pointers > POINTERS {
                    return None;
                }
                self.at = to;
                continue;
            }
            if usize::from(octet) > LABEL_MAX {
                return None;
            }
            self.at = self.at.checked_add(1)?;
            self.label = octet;
            self.done = octet == 0;
            return Some(octet);
        }
    }
}

impl Iterator for Octets<'_> {
    type Item = Option<u8>;

    fn next(&mut self) -> Option<Option<u8>> {
        if self.done {
            return None;
        }
        let octet = self.step();
        self.done |= octet.is_none();
        Some(octet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        let mut name = Name::new();
        name.set(text).unwrap();
        name
    }

    #[test]
    fn texts_become_labels() {
        assert_eq!(name("Images.Example.").octets(), b"\x06images\x07example\0");
        let mut joined = Name::new();
        joined.join(&name("fw"), "lab.example.").unwrap();
        assert_eq!(joined, name("fw.lab.example"));
        let long = "a".repeat(63);
        assert!(Name::new().set(&long).is_ok());
        for bad in ["", ".", "a..b", ".a", &"a".repeat(64)] {
            assert_eq!(Name::new().set(bad), Err(BadName), "{bad:?}");
        }
        let longest = [&long[..], &long, &long, &long[..61]].join(".");
        assert_eq!(name(&longest).octets().len(), MAX);
        let longer = [&long[..], &long, &long, &long[..62]].join(".");
        assert_eq!(Name::new().set(&longer), Err(BadName));
    }

    #[test]
    fn pointers_lead_to_the_front() {
        //              0      3            11    14  16
        let message = b"\x01a\0\x01B\x07Example\0\xc0\x03\x01C\xc0\x05";
        assert!(name("b.example").is_at(message, 3));
        assert!(name("b.example").is_at(message, 14));
        assert!(name("c.example").is_at(message, 16));
        assert!(!name("c.exampl").is_at(message, 16));
        assert!(!name("c.example.org").is_at(message, 16));
        assert_eq!(skip(message, 3), Some(14));
        assert_eq!(skip(message, 14), Some(16));
        assert_eq!(skip(message, 16), Some(20));
        let mut read = Name::new();
        assert_eq!(read.read(message, 16), Some(()));
        assert_eq!(read, name("c.example"));
    }

    #[test]
    fn names_that_never_end() {
        for bad in [
            &b"\xc0\x00"[..],
            b"\xc0\x02\xc0\x00",
            b"\x01a\xc0\x00",
            b"\x3f",
            b"\x80a",
            b"",
        ] {
            assert_eq!(Name::new().read(bad, 0), None, "{bad:?}");
            assert!(!name("a").is_at(bad, 0));
        }
    }

    proptest! {
        #[test]
        fn any_octets(message in proptest::collection::vec(any::<u8>(), 0..80), at in 0usize..90) {
            let mut read = Name::new();
            if read.read(&message, at).is_some() {
                prop_assert!(read.is_at(&message, at));
                prop_assert!(skip(&message, at).is_some());
            } else {
                prop_assert!(!read.is_at(&message, at));
            }
        }
    }
}
