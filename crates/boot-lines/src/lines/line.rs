//! One line of the console: its word and its pairs, and the error in it.

use crate::sentences;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Says which value of an `@` line is missing or does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The whole line.
    pub line: String,
    /// The key whose value is missing or wrong. The key is empty when the line has no pairs at all.
    pub key: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "no `@word key=value ...`: {:?}", self.line),
            key => write!(f, "{key} is missing or wrong in {:?}", self.line),
        }
    }
}

impl std::error::Error for BadLine {}

/// One line, split into its word and its pairs.
pub(super) struct Line<'t> {
    text: &'t str,
    pub(super) word: &'t str,
    /// What follows the word.
    pub(super) rest: &'t str,
    pairs: Vec<(&'t str, &'t str)>,
}

impl<'t> Line<'t> {
    /// Splits a line. Returns `Ok(None)` for a log line, which does not begin with `@`.
    pub(super) fn parse(text: &'t str) -> Result<Option<Self>, BadLine> {
        let Some(line) = text.strip_prefix('@') else {
            return Ok(None);
        };
        Self::split(text, line).map(Some)
    }

    /// Splits a line that has no `@` before its word.
    pub(super) fn of(text: &'t str) -> Result<Self, BadLine> {
        Self::split(text, text)
    }

    /// Splits `line`, which is the line `text` without its `@`.
    fn split(text: &'t str, line: &'t str) -> Result<Self, BadLine> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut pairs = Vec::new();
        let mut unread = rest;
        while !unread.is_empty() {
            let Some((key, after)) = unread.split_once('=') else {
                return Err(BadLine {
                    line: text.into(),
                    key: String::new(),
                });
            };
            let (value, after) = match key {
                "message" => (after, ""),
                _ => after.split_once(' ').unwrap_or((after, "")),
            };
            pairs.push((key, value));
            unread = after;
        }
        Ok(Self {
            text,
            word,
            rest,
            pairs,
        })
    }

    pub(super) fn find(&self, key: &str) -> Option<&'t str> {
        let pair = self.pairs.iter().find(|(name, _)| *name == key);
        pair.map(|(_, value)| *value)
    }

    fn bad(&self, key: &str) -> BadLine {
        BadLine {
            line: self.text.into(),
            key: key.into(),
        }
    }

    pub(super) fn get<T: FromStr>(&self, key: &str) -> Result<T, BadLine> {
        self.maybe(key)?.ok_or_else(|| self.bad(key))
    }

    pub(super) fn maybe<T: FromStr>(&self, key: &str) -> Result<Option<T>, BadLine> {
        let parse = |value: &str| value.parse().map_err(|_| self.bad(key));
        self.find(key).map(parse).transpose()
    }

    /// Reads a number that is written with the prefix `0x`, as `0x00020004`.
    pub(super) fn hex(&self, key: &str) -> Result<u32, BadLine> {
        let digits = self.find(key).and_then(|value| value.strip_prefix("0x"));
        digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.bad(key))
    }

    /// The pairs behind `blame`: the facts of an error.
    fn facts(&self) -> &[(&'t str, &'t str)] {
        let blame = self.pairs.iter().position(|(key, _)| *key == "blame");
        blame.map_or(&[], |at| &self.pairs[at + 1..])
    }

    pub(super) fn failure(&self) -> Result<Failure, BadLine> {
        Ok(Failure {
            t: self.maybe("t")?.unwrap_or(0),
            code: self.hex("code")?,
            blame: self.get("blame")?,
            message: match self.maybe("message")? {
                Some(message) => message,
                None => sentences::with(self.hex("code")?, self.facts()),
            },
        })
    }

    pub(super) fn maybe_failure(&self) -> Result<Option<Failure>, BadLine> {
        match self.find("code") {
            Some(_) => self.failure().map(Some),
            None => Ok(None),
        }
    }
}

/// One error, as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Time in µs since power-on. The value is 0 in a report.
    pub t: u64,
    /// Stable error number, see the book's table of error codes.
    pub code: u32,
    /// Who has to act, for example `network`, `server` or `device`.
    pub blame: String,
    /// One sentence about the error. It is the console's own sentence if the line has one; otherwise it is the
    /// sentence of the error table, with the facts that the line has.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            blame,
            message,
            ..
        } = self;
        write!(f, "{message} ({code:#010x}, blame: {blame})")
    }
}
