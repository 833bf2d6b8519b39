//! Options of a command, as iPXE's `getopt` reads them.

use super::Fault;
use super::read_value::integer;
use super::words::{Arguments, Words};
use netboot_core::Duration;

/// Options of the command with the most.
pub(super) const MAX_OPTIONS: usize = 5;

/// One option of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    /// Name behind two hyphens.
    pub long: &'static str,
    /// Letter behind one hyphen; 0 for none.
    pub short: u8,
    /// Whether a value follows.
    pub value: bool,
}

impl Spec {
    /// An option that is there or not.
    pub const fn flag(long: &'static str, short: u8) -> Self {
        Self {
            long,
            short,
            value: false,
        }
    }

    /// An option with a value.
    pub const fn value(long: &'static str, short: u8) -> Self {
        Self {
            long,
            short,
            value: true,
        }
    }
}

/// What was given with a command.
pub(super) struct Given<'a> {
    /// The value of each option that was given, in the order of their specification. A flag has an empty one.
    values: [Option<&'a str>; MAX_OPTIONS],
    /// The words that are no options.
    pub operands: Arguments<'a>,
}

impl<'a> Given<'a> {
    /// Takes the options off the words from `at` on. They end before the first other word, or behind `--`.
    ///
    /// # Errors
    /// [`Fault::Usage`]: an option that the command does not have, or a value that is absent.
    #[inline(never)]
    pub fn read(words: &'a Words, mut at: usize, specs: &[Spec]) -> Result<Self, Fault> {
        let mut values = [None; MAX_OPTIONS];
        while let Some([b'-', rest @ ..]) = words.get(at).map(str::as_bytes) {
            let word = words.get(at).unwrap_or_default();
            match rest {
                [] => break,
                [b'-'] => {
                    at += 1;
                    break;
                }
                [b'-', ..] => {
                    let word = word.strip_prefix("--").unwrap_or_default();
                    let (name, value) = match word.split_once('=') {
                        Some((name, value)) => (name, Some(value)),
                        None => (word, None),
                    };
                    let place = specs.iter().position(|spec| spec.long == name);
                    at = give(words, at, specs, place, value, &mut values)?;
                }
                letters => {
                    let mut letters = letters;
                    let mut next = at + 1;
                    while let [letter, after @ ..] = letters {
                        let place = specs.iter().position(|spec| spec.short == *letter);
                        let takes = place.and_then(|place| specs.get(place));
                        let mut value = None;
                        letters = after;
                        if takes.is_some_and(|spec| spec.value) && !after.is_empty() {
                            value = core::str::from_utf8(after).ok();
                            letters = &[];
                        }
                        next = give(words, at, specs, place, value, &mut values)?;
                    }
                    at = next;
                }
            }
        }
        Ok(Self {
            values,
            operands: Arguments::new(words, at),
        })
    }

    /// Whether the option at a place of the specification was given.
    pub fn flag(&self, place: usize) -> bool {
        self.text(place).is_some()
    }

    /// The value of the option at a place of the specification.
    pub fn text(&self, place: usize) -> Option<&'a str> {
        self.values.get(place).copied().flatten()
    }

    /// The value of an option as a number that is not negative.
    pub fn number(&self, place: usize) -> Result<Option<u32>, Fault> {
        self.text(place).map(unsigned).transpose()
    }

    /// The value of an option as a time in milliseconds.
    pub fn timeout(&self, place: usize) -> Result<Option<Duration>, Fault> {
        let millis = self.number(place)?;
        Ok(millis.map(|millis| Duration::from_millis(millis.into())))
    }

    /// The value of an option as a key: one character, or its number.
    pub fn key(&self, place: usize) -> Result<Option<u32>, Fault> {
        let Some(text) = self.text(place) else {
            return Ok(None);
        };
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(only), None) => Ok(Some(only.into())),
            _ => unsigned(text).map(Some),
        }
    }

    /// The first operand.
    pub fn first(&self) -> Result<&'a str, Fault> {
        self.operands.get(0).ok_or(Fault::Usage)
    }
}

/// Reads a number that is not negative.
pub(super) fn unsigned(text: &str) -> Result<u32, Fault> {
    let number = integer(text).and_then(|number| u32::try_from(number).ok());
    number.ok_or(Fault::Usage)
}

/// Notes one option of the word `at`, and returns the word behind it and its value.
fn give<'a>(
    words: &'a Words,
    at: usize,
    specs: &[Spec],
    place: Option<usize>,
    value: Option<&'a str>,
    values: &mut [Option<&'a str>; MAX_OPTIONS],
) -> Result<usize, Fault> {
    let place = place.ok_or(Fault::Usage)?;
    let spec = specs.get(place).ok_or(Fault::Usage)?;
    let to = values.get_mut(place).ok_or(Fault::Usage)?;
    let (given, next) = match (spec.value, value) {
        (true, Some(value)) => (value, at + 1),
        (true, None) => (words.get(at + 1).ok_or(Fault::Usage)?, at + 2),
        (false, None) => ("", at + 1),
        (false, Some(_)) => return Err(Fault::Usage),
    };
    *to = Some(given);
    Ok(next)
}
