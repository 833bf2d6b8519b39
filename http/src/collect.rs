//! Collects the octets of a response head until its empty line.
//!
//! A parser needs the head in one piece. Servers send heads of many kilobytes, of which a fetch needs a few lines. So when the buffer
//! is full, the fields that say nothing to a fetch are dropped from it, and the rest moves together. Their syntax is checked as they
//! go. This needs the feature `long-heads`; without it a head has to fit as it is.

use heapless::Vec;

use crate::error::Fault;
#[cfg(feature = "long-heads")]
use crate::{
    head::{is_used, is_used_name},
    syntax::{is_text, without_cr},
};

/// The start of every response. Anything else is refused at its first wrong octet, so that a server
/// that speaks another protocol is named at once and not after a time-out.
const START: &[u8] = b"HTTP/1.";

/// Octets that may be dropped from one head. It bounds the work.
#[cfg(feature = "long-heads")]
const MAX_DROPPED: usize = 32 * 1024;

/// The head as far as it has come, in at most `HEAD` octets.
pub(crate) struct Collected<const HEAD: usize> {
    raw: Vec<u8, HEAD>,
    /// Set when the current line has nothing but a CR so far.
    blank: bool,
    /// Set while the value of a field is dropped as it comes.
    #[cfg(feature = "long-heads")]
    cut: bool,
    /// Number of octets that were dropped.
    #[cfg(feature = "long-heads")]
    dropped: usize,
}

impl<const HEAD: usize> Collected<HEAD> {
    pub(crate) const fn new() -> Self {
        Self {
            raw: Vec::new(),
            blank: false,
            #[cfg(feature = "long-heads")]
            cut: false,
            #[cfg(feature = "long-heads")]
            dropped: 0,
        }
    }

    /// Begins another head.
    pub(crate) fn clear(&mut self) {
        self.raw.clear();
        self.blank = false;
        #[cfg(feature = "long-heads")]
        {
            self.cut = false;
            self.dropped = 0;
        }
    }

    /// The octets that are there.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.raw
    }

    /// Takes the next octet; `true` when the head is complete with it.
    ///
    /// # Errors
    /// Fails with [`Fault::NotHttp`] for another protocol, with [`Fault::HeadTooLarge`] when the fields that matter do not fit, and
    /// with [`Fault::BadHead`] for a malformed field that has no room.
    pub(crate) fn push(&mut self, octet: u8) -> Result<bool, Fault> {
        if START
            .get(self.raw.len())
            .is_some_and(|start| *start != octet)
        {
            return Err(Fault::NotHttp);
        }
        // The head ends with an empty line. A single LF ends lines as well (RFC 9112 section 2.2).
        let end = octet == b'\n' && self.blank;
        self.blank = octet == b'\n' || (self.blank && octet == b'\r');
        #[cfg(feature = "long-heads")]
        {
            if self.raw.is_full() && !self.cut {
                self.make_room()?;
            }
            if self.cut {
                self.drop_octet(octet)?;
                return Ok(false);
            }
        }
        match self.raw.push(octet) {
            Ok(()) => Ok(end),
            Err(_) => Err(Fault::HeadTooLarge),
        }
    }

    /// Takes an octet of a value that nobody needs.
    #[cfg(feature = "long-heads")]
    fn drop_octet(&mut self, octet: u8) -> Result<(), Fault> {
        self.count(1)?;
        let after_cr = self.raw.last() == Some(&b'\r');
        match octet {
            b'\n' => self.cut = false,
            b'\r' if !after_cr => {}
            octet if is_text(octet) && !after_cr => return Ok(()),
            _ => return Err(Fault::BadHead),
        }
        self.raw.push(octet).map_err(|_| Fault::HeadTooLarge)
    }

    /// Counts octets that are dropped.
    #[cfg(feature = "long-heads")]
    fn count(&mut self, octets: usize) -> Result<(), Fault> {
        self.dropped = self.dropped.saturating_add(octets);
        if self.dropped > MAX_DROPPED {
            return Err(Fault::HeadTooLarge);
        }
        Ok(())
    }

    /// Drops the fields that nobody needs.
    #[cfg(feature = "long-heads")]
    #[inline(never)]
    fn make_room(&mut self) -> Result<(), Fault> {
        let line_end = |raw: &[u8], from: usize| {
            let rest = raw.get(from..)?;
            let len = rest.iter().position(|octet| *octet == b'\n')?;
            Some(from.saturating_add(len).saturating_add(1))
        };
        // The status line stays.
        let mut from = line_end(&self.raw, 0).ok_or(Fault::HeadTooLarge)?;
        let mut kept = from;
        while let Some(end) = line_end(&self.raw, from) {
            let line = self.raw.get(from..end).unwrap_or_default();
            if is_used(line)? {
                kept = self.keep(kept, from, end);
            }
            from = end;
        }
        // What is left is the line that still comes. If nobody needs it, its name stays, and its value is dropped as it comes.
        let end = self.raw.len();
        let mut keep = end;
        let mut ends_in_cr = false;
        let rest = self.raw.get(from..).unwrap_or_default();
        if let Some(colon) = rest.iter().position(|octet| *octet == b':')
            && let Some((name, value)) = rest.split_at_checked(colon)
            && !is_used_name(name)?
        {
            // The CR may be the first half of the line's end.
            ends_in_cr = value.ends_with(b"\r");
            let text = without_cr(value);
            if !text.iter().all(|octet| is_text(*octet)) {
                return Err(Fault::BadHead);
            }
            keep = from.saturating_add(colon).saturating_add(1);
            self.cut = true;
        }
        kept = self.keep(kept, from, keep);
        self.raw.truncate(kept);
        if ends_in_cr {
            self.raw.push(b'\r').map_err(|_| Fault::HeadTooLarge)?;
        }
        self.count(end.saturating_sub(self.raw.len()))
    }

    /// Moves the octets from `from` up to `end` to `to`, which is not behind them; returns where they end.
    #[cfg(feature = "long-heads")]
    fn keep(&mut self, to: usize, from: usize, end: usize) -> usize {
        let len = end.saturating_sub(from);
        if from.saturating_add(len) <= self.raw.len() && to <= from {
            self.raw.copy_within(from..end, to);
        }
        to.saturating_add(len)
    }
}

#[cfg(test)]
#[cfg(feature = "long-heads")]
mod tests {
    use super::*;
    use crate::expect::Expect;
    use crate::head::{self, Head};
    use crate::method::Method;
    use proptest::prelude::*;

    const EXPECT: Expect = Expect {
        method: Method::Get,
        range_first: None,
        keep_alive: true,
    };

    fn collect<const HEAD: usize>(raw: &[u8]) -> Result<Collected<HEAD>, Fault> {
        let mut collected = Collected::new();
        for (at, octet) in raw.iter().enumerate() {
            if collected.push(*octet)? {
                assert_eq!(at + 1, raw.len());
            }
        }
        Ok(collected)
    }

    /// What a fetch would do by this head, in words.
    fn read(raw: &[u8]) -> Result<String, crate::HttpError> {
        let mut head = Head::default();
        let last = head::read(raw, &EXPECT, &mut head)?;
        let location = raw.get(head.location.clone()).unwrap_or_default().to_vec();
        let facts = (
            head.status,
            head.body,
            head.total,
            head.retry_after,
            head.keep_alive,
        );
        Ok(format!(
            "{last} {facts:?} {:?} {} {:?}",
            head.validator,
            head.accept_ranges,
            String::from_utf8_lossy(&location)
        ))
    }

    #[test]
    fn a_policy_of_kilobytes_is_dropped() {
        let policy = format!(
            "Content-Security-Policy: {}\r\n",
            "default-src 'self'; ".repeat(180)
        );
        for ends in ["\r\n", "\n"] {
            let raw = format!(
                "HTTP/1.1 302 Found\r\n{policy}Location: http://10.0.2.2/{}\r\n{policy}Content-Length: 0\r\n{policy}\r\n",
                "x".repeat(2_000)
            )
            .replace("\r\n", ends);
            let collected = collect::<2_560>(raw.as_bytes()).unwrap();
            assert_eq!(read(collected.as_slice()), read(raw.as_bytes()));
            assert!(collected.dropped > 2 * policy.len());
        }
    }

    #[test]
    fn what_is_dropped_is_checked() {
        let long = "y".repeat(300);
        for (wrong, fault) in [
            (format!("X: {long}\0{long}\r\n"), Fault::BadHead),
            (format!("X: {long}\r{long}\r\n"), Fault::BadHead),
            (format!("X: {long}\r\r\n"), Fault::BadHead),
            (format!("X : {long}{long}\r\n"), Fault::BadHead),
            (format!(" : {long}{long}\r\n"), Fault::BadHead),
            (format!("X\0: {long}\r\nY: {long}\r\n"), Fault::BadHead),
            (
                format!("X: {long}\r\n folded\r\nY: {long}\r\n"),
                Fault::BadHead,
            ),
            (format!("no colon\r\nY: {long}\r\n"), Fault::BadHead),
            (
                format!("Content-Length: x\r\nY: {long}\r\n"),
                Fault::BadContentLength,
            ),
            (format!("{long}{long}: x\r\n"), Fault::HeadTooLarge),
            (format!("ETag: \"{long}{long}\"\r\n"), Fault::HeadTooLarge),
            (
                format!("Location: {long}\r\nLink: {long}\r\nLocation: {long}\r\n"),
                Fault::HeadTooLarge,
            ),
            (format!("X: {long}\r\n").repeat(120), Fault::HeadTooLarge),
        ] {
            let raw = format!("HTTP/1.1 200 OK\r\n{wrong}\r\n");
            assert_eq!(
                collect::<256>(raw.as_bytes()).err(),
                Some(fault),
                "{}",
                raw.escape_debug()
            );
        }
        let status = format!("HTTP/1.1 200 {long}\r\n\r\n");
        assert_eq!(
            collect::<256>(status.as_bytes()).err(),
            Some(Fault::HeadTooLarge)
        );
    }

    /// The bound is the last octet that may be dropped.
    #[test]
    fn so_many_octets_are_dropped_and_no_more() {
        let dropped = |octets: usize| {
            let value = "y".repeat(octets);
            let raw = format!("HTTP/1.1 200 OK\r\nX:{value}\r\n\r\n");
            collect::<256>(raw.as_bytes()).map(|collected| {
                assert_eq!(collected.as_slice(), b"HTTP/1.1 200 OK\r\nX:\r\n\r\n");
                collected.dropped
            })
        };
        // The end of the line is looked at in the same way, and counts.
        assert_eq!(dropped(MAX_DROPPED - 2), Ok(MAX_DROPPED));
        assert_eq!(dropped(MAX_DROPPED - 1), Err(Fault::HeadTooLarge));
    }

    fn head() -> impl Strategy<Value = std::vec::Vec<String>> {
        let line = prop_oneof![
            ("(X-[a-z]{1,5}|Link|Set-Cookie|Vary)", "[ -~]{0,120}")
                .prop_map(|(name, value)| format!("{name}: {value}")),
            "Content-Length: (12|7)",
            "ETag: \"[a-z]{1,9}\"",
            "Location: /[a-z?=&]{0,60}",
            "(Date|Last-Modified): (Sun, 06 Nov 1994 08:49:3[0-9] GMT|x)",
            "(Connection|Accept-Ranges|Transfer-Encoding): (close|bytes|chunked|keep-alive, x)",
            "Retry-After: [0-9]{1,3}",
        ];
        prop::collection::vec(line, 0..14)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// A small buffer comes to what a large one comes to, unless it says that it is too small.
        #[test]
        fn the_buffer_does_not_matter(lines in head(), lf in any::<bool>()) {
            let end = if lf { "\n" } else { "\r\n" };
            let mut raw = format!("HTTP/1.1 200 OK{end}");
            for line in &lines {
                raw += line;
                raw += end;
            }
            raw += end;
            let whole = read(raw.as_bytes());
            match collect::<300>(raw.as_bytes()) {
                Ok(collected) => prop_assert_eq!(read(collected.as_slice()), whole),
                Err(Fault::HeadTooLarge) => {
                    let needed: usize = lines
                        .iter()
                        .filter(|line| !["X-", "Li", "Se", "Va"].iter().any(|name| line.starts_with(name)))
                        .map(|line| line.len() + 2)
                        .sum();
                    prop_assert!(needed > 300 - 40, "{}", raw);
                }
                Err(fault) => prop_assert_eq!(Err(crate::HttpError::from(fault)), whole),
            }
        }
    }
}
