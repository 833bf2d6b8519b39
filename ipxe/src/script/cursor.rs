//! The octets of a script, with its continued lines put together.

use super::Fault;

/// How much work a script may still do: octets that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work(pub u32);

impl Work {
    /// Takes the work of looking at some octets.
    pub fn spend(&mut self, octets: usize) -> Result<(), Fault> {
        let octets = u32::try_from(octets).unwrap_or(u32::MAX);
        let left = self.0.checked_sub(octets);
        self.0 = left.unwrap_or(0);
        left.map(drop).ok_or(Fault::Budget)
    }
}

/// A place in a script.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'t> {
    text: &'t [u8],
    /// Octets before the place.
    pub at: usize,
}

impl<'t> Cursor<'t> {
    /// The beginning of a script.
    pub const fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Whether nothing follows.
    pub const fn is_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Number of the line that has the octet `at`, from 1.
    pub fn line(&self, at: usize) -> u16 {
        let before = self.text.iter().take(at);
        let ends = before.filter(|octet| **octet == b'\n').count();
        u16::try_from(ends).unwrap_or(u16::MAX).saturating_add(1)
    }

    /// The next octet, which stays the next one. A backslash at the end of a line, and the end itself, are skipped.
    pub fn peek(&mut self, work: &mut Work) -> Result<Option<u8>, Fault> {
        loop {
            work.spend(1)?;
            let rest = self.text.get(self.at..).unwrap_or_default();
            match rest {
                [b'\\', b'\n', ..] => self.at += 2,
                [b'\\', b'\r', b'\n', ..] => self.at += 3,
                _ => return Ok(rest.first().copied()),
            }
        }
    }

    /// The next octet of the line. `None` at its end.
    pub fn in_line(&mut self, work: &mut Work) -> Result<Option<u8>, Fault> {
        Ok(self.peek(work)?.filter(|octet| *octet != b'\n'))
    }

    /// Skips blanks of the line, and says what follows them there.
    pub fn skip_blanks(&mut self, work: &mut Work) -> Result<Option<u8>, Fault> {
        loop {
            match self.in_line(work)? {
                Some(octet) if is_blank(octet) => self.at += 1,
                other => return Ok(other),
            }
        }
    }

    /// The next octet of a word, and goes on behind it. `None` at the word's end.
    pub fn in_word(&mut self, work: &mut Work) -> Result<Option<u8>, Fault> {
        let octet = self.in_line(work)?.filter(|octet| !is_blank(*octet));
        self.at += usize::from(octet.is_some());
        Ok(octet)
    }

    /// Skips the rest of the line, with its end.
    pub fn skip_line(&mut self, work: &mut Work) -> Result<(), Fault> {
        while self.in_line(work)?.is_some() {
            self.at += 1;
        }
        self.at += usize::from(!self.is_end());
        Ok(())
    }

    /// Whether the word that follows is `word`. Goes on behind it, or into it.
    fn is_word(&mut self, word: &[u8], work: &mut Work) -> Result<bool, Fault> {
        let mut expected = word.iter();
        while let Some(octet) = self.in_word(work)? {
            if expected.next() != Some(&octet) {
                return Ok(false);
            }
        }
        Ok(expected.next().is_none())
    }

    /// Finds the first line with a label, and returns the place behind the label.
    pub fn find_label(&self, label: &[u8], work: &mut Work) -> Result<usize, Fault> {
        let mut place = Self::new(self.text);
        while !place.is_end() {
            if place.skip_blanks(work)? == Some(b':') {
                place.at += 1;
                if place.is_word(label, work)? {
                    return Ok(place.at);
                }
            }
            place.skip_line(work)?;
        }
        Err(Fault::NoSuchLabel)
    }
}

/// Whether an octet stands between words.
pub(super) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r')
}
