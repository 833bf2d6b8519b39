//! Reads the head of a response: status, framing, range and validator.
//!
//! RFC 9112 section 6.3 for the length of the body, RFC 9110 section 14.4 for `Content-Range`,
//! section 8.8 for validators.

use core::ops::Range;
#[cfg(feature = "media-type")]
use heapless::String;
use netboot_core::uri::UriError;

use crate::error::{Fault, HttpError};
use crate::expect::Expect;
use crate::method::Method;
use crate::redirect::is_redirect;
use crate::syntax::Lines;
#[cfg(feature = "long-heads")]
use crate::syntax::is_name;
use crate::validator::Validator;

/// Octets of the longest media type that is kept. A longer one counts as absent.
#[cfg(feature = "media-type")]
pub const MAX_MEDIA_TYPE: usize = 64;

/// Says how the end of the body is found (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    #[default]
    None,
    /// The body has this many octets.
    Length(u64),
    /// The body comes in chunks, the last one of which is empty.
    Chunked,
    /// The body is everything until the connection closes. An early close goes unnoticed.
    Close,
}

/// What a response says about itself. All fields are zero and empty until the head has come.
#[derive(Clone, Default)]
pub struct Head {
    /// Status code, 200 to 999.
    pub status: u16,
    /// `Content-Length`, also in the answer to HEAD.
    pub content_length: Option<u64>,
    /// Says how the end of the body is found.
    pub body: Framing,
    /// Octets of the complete content: `Content-Length` of a 200, or the number behind the slash in the
    /// `Content-Range` of a 206 or 416.
    pub total: Option<u64>,
    /// Offset of the first body octet in the complete content. It is 0 in all but a 206.
    pub first: u64,
    /// The validator to send as `If-Range` when the transfer is resumed.
    pub validator: Option<Validator>,
    /// Whether the server says that it serves ranges of octets.
    pub accept_ranges: bool,
    /// Seconds to wait, when `Retry-After` has them. A date counts as absent.
    pub retry_after: Option<u32>,
    /// Whether the connection stays open, as far as the head says (RFC 9112 section 9.3).
    pub keep_alive: bool,
    /// `Content-Type` with its parameters, in lower case. Empty when absent.
    #[cfg(feature = "media-type")]
    pub media_type: String<MAX_MEDIA_TYPE>,
    /// Where in the head's octets `Location` stands, without its fragment. Empty when absent.
    pub(crate) location: Range<usize>,
    /// Octets of the body when only `Content-Range` tells them.
    pub(crate) range_length: Option<u64>,
    location_error: Option<UriError>,
}

/// Says what a response means for a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The complete content comes, from its first octet (200). This is also the answer to a range request when the
    /// server serves no ranges, or when the content is no longer what `If-Range` named.
    Content,
    /// The content comes from [`Head::first`] on, as it was asked for (206).
    PartialContent,
    /// The content is at [`Response::location`](crate::Response::location) (301, 302, 303, 307 or 308).
    Redirect,
    /// There is no content.
    Failed(HttpError),
}

impl Head {
    /// Makes a head with all fields zero and empty.
    pub(crate) fn reset(&mut self) {
        self.status = 0;
        self.content_length = None;
        self.body = Framing::None;
        self.total = None;
        self.first = 0;
        self.validator = None;
        self.accept_ranges = false;
        self.retry_after = None;
        self.keep_alive = false;
        #[cfg(feature = "media-type")]
        self.media_type.clear();
        self.location = 0..0;
        self.range_length = None;
        self.location_error = None;
    }

    /// Says what the response means for a fetch.
    pub fn outcome(&self) -> Outcome {
        match self.status {
            200 => Outcome::Content,
            206 => Outcome::PartialContent,
            416 => Outcome::Failed(HttpError::RangeNotSatisfiable { total: self.total }),
            status if is_redirect(status) => match self.location_error {
                Some(error) => Outcome::Failed(HttpError::BadLocation(error)),
                None if self.location.is_empty() => Outcome::Failed(HttpError::NoLocation),
                None => Outcome::Redirect,
            },
            status => Outcome::Failed(HttpError::Status {
                status,
                retry_after: self.retry_after,
            }),
        }
    }

    /// Octets of the part that a 206 carries. `None` for any other answer.
    pub fn part_octets(&self) -> Option<u64> {
        self.range_length
    }

    /// Checks that a 206 continues a transfer that began with `validator` and with `total` octets
    /// announced (RFC 9110 section 15.3.7.3). Without a validator on both sides only a digest can
    /// tell.
    ///
    /// # Errors
    /// Fails with [`HttpError::Changed`] when total length or validator differs.
    pub fn continues(
        &self,
        total: Option<u64>,
        validator: Option<&Validator>,
    ) -> Result<(), HttpError> {
        let same_total = total.is_none() || self.total.is_none() || total == self.total;
        let same_validator =
            validator.is_none() || self.validator.is_none() || validator == self.validator.as_ref();
        if same_total && same_validator {
            Ok(())
        } else {
            Err(HttpError::Changed)
        }
    }
}

/// Reads a complete head, its blank line included, into `head`. Returns `false` for an interim response (RFC 9110
/// section 15.2).
#[inline(never)]
pub(crate) fn read(raw: &[u8], expect: &Expect, head: &mut Head) -> Result<bool, HttpError> {
    let parsed = parse(raw, expect, head).map_err(HttpError::from);
    let result = match expect.range_first {
        Some(wanted) if parsed.is_ok() && head.status == 206 && head.first != wanted => {
            let first = head.first;
            Err(HttpError::WrongRange { wanted, first })
        }
        _ => parsed,
    };
    if result.is_err() {
        head.reset();
    }
    result
}

fn parse(raw: &[u8], expect: &Expect, head: &mut Head) -> Result<bool, Fault> {
    let mut lines = Lines::new(raw);
    let (minor, status) = lines.status()?;
    let mut fields = Fields::default();
    while let Some((name, value)) = lines.field()? {
        fields.take(name, value)?;
    }
    if !lines.is_empty() {
        return Err(Fault::BadHead);
    }
    match status {
        0..=99 => return Err(Fault::BadHead),
        101 => return Err(Fault::UnexpectedUpgrade),
        100..=199 => return Ok(false),
        _ => {}
    }
    fields.fill(head, status, minor == 0, expect)?;
    if let Some(location) = fields.location {
        let end = location.iter().position(|octet| *octet == b'#');
        let location = location.get(..end.unwrap_or(location.len()));
        let location = location.unwrap_or_default();
        // The field is a piece of the head.
        let at = location.as_ptr().addr().wrapping_sub(raw.as_ptr().addr());
        head.location = at..at.saturating_add(location.len());
        head.location_error = core::str::from_utf8(location)
            .err()
            .map(|_| UriError::NotText);
    }
    Ok(true)
}

/// Whether a line of a head, its end included, is one of the fields that say something to a fetch.
///
/// # Errors
/// Fails for a malformed line, as [`read`] would.
#[cfg(feature = "long-heads")]
pub(crate) fn is_used(line: &[u8]) -> Result<bool, Fault> {
    match Lines::new(line).field()? {
        Some((name, value)) => Fields::default().take(name, value),
        None => Ok(true),
    }
}

/// Whether a field of this name says something to a fetch.
///
/// # Errors
/// Fails when no field can have this name.
#[cfg(feature = "long-heads")]
pub(crate) fn is_used_name(name: &[u8]) -> Result<bool, Fault> {
    if !is_name(name) {
        return Err(Fault::BadHead);
    }
    // Some fields cannot be empty; those are used.
    Ok(Fields::default().take(name, b"") != Ok(false))
}

/// The fields that matter, as they are read.
#[derive(Default)]
struct Fields<'a> {
    length: Option<u64>,
    /// Number of transfer codings seen.
    codings: u8,
    /// Set when one of them was not `chunked`.
    other_coding: bool,
    content_coded: bool,
    range: Option<ContentRange>,
    bad_range: bool,
    etag: Option<&'a [u8]>,
    modified: Option<&'a [u8]>,
    date: Option<&'a [u8]>,
    /// Set when one of these three came twice with different values. None of them is used then.
    ambiguous: bool,
    location: Option<&'a [u8]>,
    #[cfg(feature = "media-type")]
    media_type: Option<&'a [u8]>,
    accept_ranges: bool,
    retry_after: Option<u32>,
    close: bool,
    keep_alive: bool,
}

impl<'a> Fields<'a> {
    /// Takes a field; `false` when it says nothing to a fetch.
    fn take(&mut self, name: &[u8], value: &'a [u8]) -> Result<bool, Fault> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        if is("content-length") {
            for item in items(value) {
                let length = decimal(item).ok_or(Fault::BadContentLength)?;
                if self.length.is_some_and(|earlier| earlier != length) {
                    return Err(Fault::ConflictingLength);
                }
                self.length = Some(length);
            }
        } else if is("transfer-encoding") {
            for item in items(value) {
                self.codings = self.codings.saturating_add(1);
                self.other_coding |= !item.eq_ignore_ascii_case(b"chunked");
            }
        } else if is("content-encoding") {
            self.content_coded |= items(value)
                .any(|item| !item.is_empty() && !item.eq_ignore_ascii_case(b"identity"));
        } else if is("content-range") {
            self.bad_range |= self.range.is_some();
            self.range = ContentRange::parse(value);
            self.bad_range |= self.range.is_none();
        } else if is("etag") {
            self.ambiguous |= differs(self.etag.replace(value), value);
        } else if is("last-modified") {
            self.ambiguous |= differs(self.modified.replace(value), value);
        } else if is("date") {
            self.ambiguous |= differs(self.date.replace(value), value);
        } else if is("location") {
            if differs(self.location.replace(value), value) {
                return Err(Fault::BadHead);
            }
        } else if is("accept-ranges") {
            self.accept_ranges |= items(value).any(|item| item.eq_ignore_ascii_case(b"bytes"));
        } else if is("retry-after") {
            self.retry_after = decimal(value).map(|seconds| {
                // A longer wait is cut to 136 years.
                u32::try_from(seconds).unwrap_or(u32::MAX)
            });
        } else if is("connection") {
            for item in items(value) {
                self.close |= item.eq_ignore_ascii_case(b"close");
                self.keep_alive |= item.eq_ignore_ascii_case(b"keep-alive");
            }
        } else {
            #[cfg(feature = "media-type")]
            if is("content-type") {
                return match differs(self.media_type.replace(value), value) {
                    true => Err(Fault::BadHead),
                    false => Ok(true),
                };
            }
            return Ok(false);
        }
        Ok(true)
    }

    fn fill(&self, head: &mut Head, status: u16, old: bool, expect: &Expect) -> Result<(), Fault> {
        head.reset();
        head.status = status;
        head.content_length = self.length;
        head.accept_ranges = self.accept_ranges;
        head.retry_after = self.retry_after;
        // HTTP/1.0 closes unless it says otherwise.
        head.keep_alive = !self.close && (!old || self.keep_alive);
        head.body = self.framing(status, old, expect.method, &mut head.keep_alive)?;

        if matches!(status, 200 | 206) && self.content_coded {
            return Err(Fault::ContentEncoding);
        }
        match status {
            200 => head.total = self.length,
            206 => self.partial(head, expect)?,
            416 => {
                if let (Some(ContentRange::Unsatisfied { total }), false) =
                    (self.range, self.bad_range)
                {
                    head.total = Some(total);
                }
            }
            _ => {}
        }
        head.validator = match (self.etag, self.modified, self.date) {
            _ if self.ambiguous => None,
            // A client that has a tag, even a weak one, must not use the date (RFC 9110 section 13.1.5).
            (Some(tag), _, _) => Validator::from_etag(tag),
            (None, Some(modified), Some(sent)) => Validator::from_dates(modified, sent),
            _ => None,
        };
        #[cfg(feature = "media-type")]
        if let Some(Ok(text)) = self.media_type.map(core::str::from_utf8) {
            let mut lower = String::new();
            let fits = text
                .chars()
                .all(|c| lower.push(c.to_ascii_lowercase()).is_ok());
            if fits {
                head.media_type = lower;
            }
        }
        Ok(())
    }

    /// Finds the length of the body in the order of RFC 9112 section 6.3. It is strict where the RFC leaves a choice.
    fn framing(
        &self,
        status: u16,
        old: bool,
        method: Method,
        keep_alive: &mut bool,
    ) -> Result<Framing, Fault> {
        if method == Method::Head || status == 304 {
            return Ok(Framing::None);
        }
        if status == 204 {
            // A body here would be taken for the next response.
            *keep_alive &= self.codings == 0 && self.length.unwrap_or(0) == 0;
            return Ok(Framing::None);
        }
        if self.codings > 0 {
            if old || self.other_coding || self.codings != 1 {
                return Err(Fault::TransferEncoding);
            }
            if self.length.is_some() {
                // One of the two is wrong; section 6.3: "ought to be handled as an error".
                return Err(Fault::ConflictingLength);
            }
            return Ok(Framing::Chunked);
        }
        if let Some(length) = self.length {
            return Ok(Framing::Length(length));
        }
        *keep_alive = false;
        Ok(Framing::Close)
    }

    fn partial(&self, head: &mut Head, expect: &Expect) -> Result<(), Fault> {
        let Some(wanted) = expect.range_first else {
            return Err(Fault::UnexpectedPartial);
        };
        let (Some(ContentRange::Part { first, last, total }), false) = (self.range, self.bad_range)
        else {
            // This may be a multipart/byteranges, which a request for one range does not ask for.
            return Err(Fault::BadContentRange);
        };
        head.first = first;
        if first != wanted {
            // `read` reports this with its facts.
            return Ok(());
        }
        // `last` is at least `first`, and below `u64::MAX` since it has 19 digits at most.
        let length = last.wrapping_sub(first).wrapping_add(1);
        if self.length.is_some_and(|stated| stated != length) {
            return Err(Fault::ConflictingLength);
        }
        head.total = total;
        head.range_length = Some(length);
        Ok(())
    }
}

/// The value of `Content-Range` (RFC 9110 section 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContentRange {
    Part {
        first: u64,
        last: u64,
        total: Option<u64>,
    },
    Unsatisfied {
        total: u64,
    },
}

impl ContentRange {
    fn parse(value: &[u8]) -> Option<Self> {
        let (unit, rest) = split_at(value, b' ')?;
        if !unit.eq_ignore_ascii_case(b"bytes") {
            return None;
        }
        let (range, total) = split_at(rest, b'/')?;
        if range == b"*" {
            let total = decimal(total)?;
            return Some(ContentRange::Unsatisfied { total });
        }
        let total = match total {
            b"*" => None,
            digits => Some(decimal(digits)?),
        };
        let (first, last) = split_at(range, b'-')?;
        let (first, last) = (decimal(first)?, decimal(last)?);
        let valid = first <= last && total.is_none_or(|total| last < total);
        valid.then_some(ContentRange::Part { first, last, total })
    }
}

/// Whether a field that may come once came before with another value.
fn differs(earlier: Option<&[u8]>, value: &[u8]) -> bool {
    earlier.is_some_and(|earlier| earlier != value)
}

/// The members of a comma-separated list (RFC 9110 section 5.6.1).
struct Items<'a>(Option<&'a [u8]>);

fn items(value: &[u8]) -> Items<'_> {
    Items(Some(value))
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    #[inline(never)]
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0.take()?;
        let item = match split_at(rest, b',') {
            Some((item, rest)) => {
                self.0 = Some(rest);
                item
            }
            None => rest,
        };
        Some(item.trim_ascii())
    }
}

/// Reads `1*DIGIT`, at most 19 digits, so that nothing can overflow.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut value: u64 = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    Some(value)
}

fn split_at(value: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = value.iter().position(|octet| *octet == mark)?;
    let (before, rest) = value.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
}

#[cfg(test)]
mod tests;
