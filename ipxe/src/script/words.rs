//! The words of one command, after their expansion.

use super::cursor::Work;
use super::format::{Out, format};
use super::variables::close_gap;
use super::{Fault, Setting, SettingName, SettingType, Settings};
use heapless::{Vec, VecView};

/// Octets of the longest command after its expansion, with a blank between two words.
pub const COMMAND_LEN: usize = 1024;

/// Words of the longest command.
pub const MAX_WORDS: usize = 48;

/// Expansions of one word.
pub const MAX_EXPANSIONS: usize = 128;

/// Octets of a value as text at the most: each octet as `%41` or `41:`.
const SHOWN_LEN: usize = 3 * super::VALUE_LEN;

/// The words of one command, with a blank between them: several words are one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    octets: Vec<u8, COMMAND_LEN>,
    /// Where each word ends.
    ends: Vec<u16, MAX_WORDS>,
}

impl Words {
    /// Forgets all words.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Where a word begins that exists, or the one behind the last one.
    fn start(&self, word: usize) -> usize {
        let before = word.checked_sub(1).and_then(|before| self.ends.get(before));
        before.map_or(0, |end| usize::from(*end) + 1)
    }

    /// Where the last word ends.
    fn end(&self) -> usize {
        self.ends.last().map_or(0, |end| usize::from(*end))
    }

    fn text(&self, start: usize, end: usize) -> &str {
        let octets = self.octets.get(start..end).unwrap_or_default();
        // Each word is text: see `finish`.
        core::str::from_utf8(octets).unwrap_or_default()
    }

    /// A word.
    pub fn get(&self, word: usize) -> Option<&str> {
        let end = *self.ends.get(word)?;
        Some(self.text(self.start(word), usize::from(end)))
    }

    /// A word and all that follow it, with a blank between them.
    pub fn rest(&self, word: usize) -> &str {
        match word < self.len() {
            true => self.text(self.start(word), self.end()),
            false => "",
        }
    }

    /// What [`append`](Self::append) has put behind the words.
    pub fn appended(&self) -> &str {
        self.text(self.end(), self.octets.len())
    }

    /// Puts the value of a setting behind the words, by its own type or another one. It is no word.
    ///
    /// # Errors
    /// [`Fault::NotSet`] when the value cannot be shown by the type, [`Fault::CommandTooLong`], [`Fault::ValueNotText`].
    pub fn append(&mut self, value: &Setting, by: Option<SettingType>) -> Result<(), Fault> {
        self.octets.truncate(self.end());
        let mut out = Out::new(&mut self.octets);
        let by = by.unwrap_or(value.setting_type());
        if !format(by, value.octets(), &mut out) {
            return Err(Fault::NotSet);
        }
        if !out.fits() {
            return Err(Fault::CommandTooLong);
        }
        let shown = self.octets.get(self.end()..).unwrap_or_default();
        core::str::from_utf8(shown)
            .map(drop)
            .map_err(|_| Fault::ValueNotText)
    }

    /// Begins a word.
    pub fn begin(&mut self) -> Result<(), Fault> {
        if self.ends.is_full() {
            return Err(Fault::TooManyWords);
        }
        match self.ends.is_empty() {
            true => Ok(()),
            false => self.push(b' '),
        }
    }

    /// Appends an octet to the word that was begun.
    pub fn push(&mut self, octet: u8) -> Result<(), Fault> {
        self.octets.push(octet).map_err(|_| Fault::CommandTooLong)
    }

    /// The octets of the word that was begun.
    pub fn begun(&self) -> &[u8] {
        let start = self.start(self.ends.len());
        self.octets.get(start..).unwrap_or_default()
    }

    /// Removes the word that was begun.
    pub fn drop_begun(&mut self) {
        self.octets.truncate(self.end());
    }

    /// Expands the word that was begun, and ends it.
    ///
    /// As in iPXE, the innermost `${...}` is replaced first, and what comes in its place is looked at again.
    pub fn finish(&mut self, settings: &dyn Settings, work: &mut Work) -> Result<(), Fault> {
        let start = self.start(self.ends.len());
        let mut expansions = 0;
        while let Some((open, close)) = innermost(self.begun()) {
            expansions += 1;
            if expansions > MAX_EXPANSIONS {
                return Err(Fault::TooManyExpansions);
            }
            work.spend(self.begun().len())?;
            self.expand(start + open, start + close, settings)?;
        }
        core::str::from_utf8(self.begun()).map_err(|_| Fault::ValueNotText)?;
        let end = u16::try_from(self.octets.len()).map_err(|_| Fault::CommandTooLong)?;
        self.ends.push(end).map_err(|_| Fault::TooManyWords)
    }

    /// Replaces `${name:type}`, from the dollar at `open` to the brace at `close`, by the value. A setting that does not exist, or cannot
    /// be shown by the type, is empty.
    fn expand(&mut self, open: usize, close: usize, settings: &dyn Settings) -> Result<(), Fault> {
        let name = self.octets.get(open + 2..close).unwrap_or_default();
        let name = core::str::from_utf8(name).map_err(|_| Fault::ValueNotText)?;
        let mut value = Vec::<u8, SHOWN_LEN>::new();
        let (name, setting_type) = SettingName::with_type(name);
        if let (Some(setting), Ok(of_name)) = (settings.get(name), setting_type) {
            let of_name = of_name.unwrap_or(setting.setting_type());
            let mut out = Out::new(&mut value);
            if !format(of_name, setting.octets(), &mut out) {
                value.clear();
            }
        }
        replace(&mut self.octets, open, close + 1, &value)
    }
}

/// The dollar and the brace of the first `${...}` without another one inside.
fn innermost(word: &[u8]) -> Option<(usize, usize)> {
    let mut open = None;
    let mut last = 0;
    for (at, octet) in word.iter().enumerate() {
        match (*octet, open) {
            (b'{', _) if last == b'$' => open = at.checked_sub(1),
            (b'}', Some(open)) => return Some((open, at)),
            _ => {}
        }
        last = *octet;
    }
    None
}

/// Puts `value` in place of the octets from `start` to `end`.
fn replace(octets: &mut VecView<u8>, start: usize, end: usize, value: &[u8]) -> Result<(), Fault> {
    let place = end.saturating_sub(start);
    let more = value.len().saturating_sub(place);
    // Octets behind the place move back, the last one first.
    for _ in 0..more {
        octets.push(0).map_err(|_| Fault::CommandTooLong)?;
    }
    if more > 0 {
        let mut to = octets.len();
        while let Some(last) = to.checked_sub(1) {
            let moved = last.checked_sub(more).filter(|from| *from >= end);
            let Some(octet) = moved.and_then(|from| octets.get(from)).copied() else {
                break;
            };
            if let Some(place) = octets.get_mut(last) {
                *place = octet;
            }
            to = last;
        }
    }
    let room = octets.get_mut(start..).unwrap_or_default();
    for (to, octet) in room.iter_mut().zip(value) {
        *to = *octet;
    }
    close_gap(octets, start + value.len(), end);
    Ok(())
}

/// Words of a command that belong together: its operands, for example.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    words: &'a Words,
    from: usize,
}

impl<'a> Arguments<'a> {
    /// The words from a place on.
    pub(super) const fn new(words: &'a Words, from: usize) -> Self {
        Self { words, from }
    }

    /// Number of the words.
    pub fn len(self) -> usize {
        self.words.len().saturating_sub(self.from)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A word, from 0.
    pub fn get(self, word: usize) -> Option<&'a str> {
        self.words.get(self.from.checked_add(word)?)
    }

    /// All of them from a place on, with one blank between two.
    pub fn rest(self, word: usize) -> &'a str {
        self.words.rest(self.from.saturating_add(word))
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).filter_map(move |word| self.get(word))
    }
}

impl PartialEq for Arguments<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Arguments<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// `replace` is the splice of the standard library.
        #[test]
        fn octets_are_replaced(
            octets in prop::collection::vec(any::<u8>(), 0..40),
            value in prop::collection::vec(any::<u8>(), 0..40),
            start: prop::sample::Index,
            len: prop::sample::Index,
        ) {
            let start = start.index(octets.len() + 1);
            let end = start + len.index(octets.len() - start + 1);
            let mut expected = octets.clone();
            expected.splice(start..end, value.iter().copied());
            let mut found = Vec::<u8, 64>::from_slice(&octets).unwrap();
            match replace(&mut found, start, end, &value) {
                Ok(()) => prop_assert_eq!(&found[..], &expected[..]),
                Err(fault) => {
                    prop_assert_eq!(fault, Fault::CommandTooLong);
                    prop_assert!(expected.len() > 64);
                }
            }
        }
    }

    #[test]
    fn arguments_are_counted_from_a_place_on() {
        let settings = crate::script::Variables::<16>::new();
        let mut words = Words::default();
        for word in [b"one", b"two"] {
            words.begin().unwrap();
            word.iter().for_each(|octet| words.push(*octet).unwrap());
            words.finish(&settings, &mut Work(100)).unwrap();
        }
        assert_eq!(Arguments::new(&words, 0).len(), 2);
        assert!(!Arguments::new(&words, 1).is_empty());
        assert!(Arguments::new(&words, 2).is_empty());
    }

    #[test]
    fn the_innermost_braces() {
        for (word, place) in [
            ("${a}", Some((0, 3))),
            ("x${${a}}", Some((3, 6))),
            ("}${a}", Some((1, 4))),
            ("$${a}", Some((1, 4))),
            ("${a", None),
            ("$ {a}", None),
            ("{a}", None),
            ("", None),
        ] {
            assert_eq!(innermost(word.as_bytes()), place, "{word}");
        }
    }
}
