//! What can go wrong in one HTTP exchange, and whose fault it is.

use core::fmt;

use netboot_core::uri::{LONG_TARGETS, MAX_TARGET, MAX_URI, UriError};
use netboot_core::{Blame, Coded, Console, Module};

/// Why a request was not sent, a response was not accepted, or a redirection was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// A value of the request has octets that HTTP does not allow there. Nothing was encoded.
    RequestField {
        /// Name of the field.
        field: &'static str,
    },
    /// The request does not fit the caller's buffer.
    RequestTooLong,
    /// More body octets were reported as taken than were offered.
    BodyOvertaken,
    /// The answer does not begin with `HTTP/1.`.
    NotHttp,
    /// The head does not fit the buffer of the [`Response`](crate::Response).
    HeadTooLarge,
    /// The head breaks the syntax of RFC 9112, or a field came twice that may come once.
    BadHead,
    /// The server switched to a protocol that nobody asked for (101).
    UnexpectedUpgrade,
    /// More than [`MAX_INTERIM`](crate::MAX_INTERIM) interim responses (1xx) came.
    TooManyInterim,
    /// `Content-Length` is not a number.
    BadContentLength,
    /// Two statements about the length of the body contradict each other (RFC 9112 section 6.3).
    ConflictingLength,
    /// The transfer coding is not a single `chunked`, or there is one in HTTP/1.0.
    TransferEncoding,
    /// The content is compressed, although only `identity` was accepted.
    ContentEncoding,
    /// A 206 has no single valid `Content-Range` in octets.
    BadContentRange,
    /// A 206 came although no range was asked for.
    UnexpectedPartial,
    /// A 206 has another range than the one that was asked for.
    WrongRange {
        /// Offset of the first octet that was asked for.
        wanted: u64,
        /// Offset of the first octet that was sent.
        first: u64,
    },
    /// The content is another than the one that was being fetched: its validator or length differs.
    Changed,
    /// Chunked framing is broken (RFC 9112 section 7.1).
    BadChunk,
    /// A chunk size line or the trailer section exceeds its limit.
    ChunkTooLong,
    /// The body ended before it was complete.
    Truncated {
        /// Number of body octets that were taken.
        got: u64,
        /// Number of body octets that were announced; `None` when there was no announcement.
        expected: Option<u64>,
    },
    /// More body octets came than were announced.
    BodyTooLong {
        /// Number of body octets that were announced.
        expected: u64,
    },
    /// The connection was closed before a whole head came.
    Closed,
    /// The server answered with a status that brings no content.
    Status {
        /// The status code, 200 to 999.
        status: u16,
        /// Seconds that the server asks to wait (`Retry-After`).
        retry_after: Option<u32>,
    },
    /// The range that was asked for begins behind the end of the content (416).
    RangeNotSatisfiable {
        /// Octets of the complete content, if the server says so.
        total: Option<u64>,
    },
    /// A redirection has no `Location`.
    NoLocation,
    /// A redirection leads to something that is no usable URI.
    BadLocation(UriError),
    /// A redirection leads from `https` to `http`.
    RedirectDowngrade,
    /// A redirection leads to another scheme than `http` and `https`.
    RedirectScheme,
    /// A redirection leads to a URI with user information (RFC 9110 section 4.2.4).
    RedirectCredentials,
    /// There are more redirections in a row than allowed.
    TooManyRedirects,
    /// A redirection leads to a URI that was visited already.
    RedirectLoop,
}

/// Says what is wrong with the octets of a response. The parsers pass it on in one octet: it has the errors without
/// their facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NotHttp,
    HeadTooLarge,
    BadHead,
    UnexpectedUpgrade,
    TooManyInterim,
    BadContentLength,
    ConflictingLength,
    TransferEncoding,
    ContentEncoding,
    BadContentRange,
    UnexpectedPartial,
    BadChunk,
    ChunkTooLong,
}

impl From<Fault> for HttpError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotHttp => HttpError::NotHttp,
            Fault::HeadTooLarge => HttpError::HeadTooLarge,
            Fault::BadHead => HttpError::BadHead,
            Fault::UnexpectedUpgrade => HttpError::UnexpectedUpgrade,
            Fault::TooManyInterim => HttpError::TooManyInterim,
            Fault::BadContentLength => HttpError::BadContentLength,
            Fault::ConflictingLength => HttpError::ConflictingLength,
            Fault::TransferEncoding => HttpError::TransferEncoding,
            Fault::ContentEncoding => HttpError::ContentEncoding,
            Fault::BadContentRange => HttpError::BadContentRange,
            Fault::UnexpectedPartial => HttpError::UnexpectedPartial,
            Fault::BadChunk => HttpError::BadChunk,
            Fault::ChunkTooLong => HttpError::ChunkTooLong,
        }
    }
}

impl HttpError {
    /// Whether the same request may succeed later or on a new connection (RFC 9110 sections
    /// 15.5.9, 15.6; RFC 6585 section 4), so that the transfer can be resumed.
    pub fn is_transient(&self) -> bool {
        match self {
            HttpError::Truncated { .. } | HttpError::Closed => true,
            HttpError::Status { status, .. } => {
                matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
            }
            _ => false,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            HttpError::RequestField { field } => {
                return write!(f, "HTTP request cannot carry this value as its {field}");
            }
            HttpError::WrongRange { wanted, first } => {
                return write!(
                    f,
                    "HTTP server sent a range from octet {first} instead of {wanted}"
                );
            }
            HttpError::Truncated { got, expected } => {
                write!(f, "HTTP body ended after {got} octets")?;
                return match expected {
                    Some(expected) => write!(f, " of {expected}"),
                    None => f.write_str(", before its last chunk"),
                };
            }
            HttpError::BodyTooLong { expected } => {
                return write!(
                    f,
                    "HTTP body is longer than the {expected} octets announced"
                );
            }
            HttpError::Status {
                status,
                retry_after,
            } => {
                write!(
                    f,
                    "HTTP server answered with status {}{}",
                    u32::from(*status),
                    reason(*status)
                )?;
                return match retry_after {
                    Some(seconds) => write!(f, "; retry after {seconds} s"),
                    None => Ok(()),
                };
            }
            HttpError::BadLocation(UriError::TooLong) => {
                return write!(
                    f,
                    "HTTP redirection to a place of more than {} octets, which is this client's limit",
                    if LONG_TARGETS { MAX_TARGET } else { MAX_URI }
                );
            }
            HttpError::BadLocation(error) => {
                return write!(f, "HTTP redirection cannot be followed: {error}");
            }
            HttpError::RequestTooLong => "HTTP request does not fit the transmit buffer",
            HttpError::BodyOvertaken => "more HTTP body octets were taken than offered",
            HttpError::NotHttp => "server does not speak HTTP/1 on this port",
            HttpError::HeadTooLarge => "HTTP response head does not fit its buffer",
            HttpError::BadHead => "HTTP response head is malformed",
            HttpError::UnexpectedUpgrade => "HTTP server switched protocols unasked",
            HttpError::TooManyInterim => "HTTP server sent too many interim responses",
            HttpError::BadContentLength => "HTTP Content-Length is not a number",
            HttpError::ConflictingLength => "HTTP response states two lengths for its body",
            HttpError::TransferEncoding => "HTTP response uses an unsupported transfer coding",
            HttpError::ContentEncoding => "HTTP server compressed the content unasked",
            HttpError::BadContentRange => "HTTP Content-Range is missing or malformed",
            HttpError::UnexpectedPartial => "HTTP server sent a part although all was asked for",
            HttpError::Changed => "content on the HTTP server changed during the transfer",
            HttpError::BadChunk => "HTTP chunked framing is malformed",
            HttpError::ChunkTooLong => "HTTP chunk line or trailer section is too long",
            HttpError::Closed => "HTTP server closed the connection without a response",
            HttpError::RangeNotSatisfiable { .. } => {
                "HTTP server has no octets at the offset asked for"
            }
            HttpError::NoLocation => "HTTP redirection has no Location",
            HttpError::RedirectDowngrade => "HTTP redirection leads from https to http",
            HttpError::RedirectScheme => "HTTP redirection leads to another scheme than http",
            HttpError::RedirectCredentials => "HTTP redirection carries user information",
            HttpError::TooManyRedirects => "HTTP redirections exceed the limit",
            HttpError::RedirectLoop => "HTTP redirections form a loop",
        };
        f.write_str(text)
    }
}

/// Says what the common status codes mean to an operator.
fn reason(status: u16) -> &'static str {
    match status {
        401 => " (user name or password needed)",
        403 => " (forbidden)",
        404 => " (no such file)",
        410 => " (gone)",
        429 => " (too many requests)",
        503 => " (unavailable)",
        _ => "",
    }
}

impl core::error::Error for HttpError {}

impl Coded for HttpError {
    fn facts(&self, out: &mut dyn Console) {
        if let HttpError::Status { status, .. } = self {
            out.number("status", u64::from(*status));
        }
    }

    fn code(&self) -> u32 {
        Module::Http.code(match self {
            HttpError::RequestField { .. } => 1,
            HttpError::RequestTooLong => 2,
            HttpError::BodyOvertaken => 3,
            HttpError::NotHttp => 4,
            HttpError::HeadTooLarge => 5,
            HttpError::BadHead => 6,
            HttpError::UnexpectedUpgrade => 7,
            HttpError::TooManyInterim => 8,
            HttpError::BadContentLength => 9,
            HttpError::ConflictingLength => 10,
            HttpError::TransferEncoding => 11,
            HttpError::ContentEncoding => 12,
            HttpError::BadContentRange => 13,
            HttpError::UnexpectedPartial => 14,
            HttpError::WrongRange { .. } => 15,
            HttpError::Changed => 16,
            HttpError::BadChunk => 17,
            HttpError::ChunkTooLong => 18,
            HttpError::Truncated { .. } => 19,
            HttpError::BodyTooLong { .. } => 20,
            HttpError::Closed => 21,
            HttpError::Status { .. } => 22,
            HttpError::RangeNotSatisfiable { .. } => 23,
            HttpError::NoLocation => 24,
            HttpError::BadLocation(UriError::TooLong) => 31,
            HttpError::BadLocation(_) => 25,
            HttpError::RedirectDowngrade => 26,
            HttpError::RedirectScheme => 27,
            HttpError::RedirectCredentials => 28,
            HttpError::TooManyRedirects => 29,
            HttpError::RedirectLoop => 30,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            HttpError::RequestField { .. }
            | HttpError::RequestTooLong
            | HttpError::BodyOvertaken
            | HttpError::BadLocation(UriError::TooLong)
            | HttpError::HeadTooLarge => Blame::Caller,
            HttpError::Truncated { .. } | HttpError::Closed => Blame::Network,
            // The URI is wrong, or the name and password in it are.
            HttpError::Status {
                status: 401 | 403 | 404 | 410,
                ..
            } => Blame::Configuration,
            HttpError::Status { .. }
            | HttpError::RangeNotSatisfiable { .. }
            | HttpError::Changed
            | HttpError::NoLocation
            | HttpError::BadLocation(_)
            | HttpError::RedirectDowngrade
            | HttpError::RedirectScheme
            | HttpError::RedirectCredentials
            | HttpError::TooManyRedirects
            | HttpError::RedirectLoop => Blame::Server,
            _ => Blame::Peer,
        }
    }
}

#[cfg(test)]
pub(crate) fn samples() -> Vec<HttpError> {
    vec![
        HttpError::RequestField { field: "target" },
        HttpError::RequestTooLong,
        HttpError::BodyOvertaken,
        HttpError::NotHttp,
        HttpError::HeadTooLarge,
        HttpError::BadHead,
        HttpError::UnexpectedUpgrade,
        HttpError::TooManyInterim,
        HttpError::BadContentLength,
        HttpError::ConflictingLength,
        HttpError::TransferEncoding,
        HttpError::ContentEncoding,
        HttpError::BadContentRange,
        HttpError::UnexpectedPartial,
        HttpError::WrongRange {
            wanted: 5,
            first: 0,
        },
        HttpError::Changed,
        HttpError::BadChunk,
        HttpError::ChunkTooLong,
        HttpError::Truncated {
            got: 3,
            expected: Some(4),
        },
        HttpError::BodyTooLong { expected: 4 },
        HttpError::Closed,
        HttpError::Status {
            status: 503,
            retry_after: Some(2),
        },
        HttpError::RangeNotSatisfiable { total: Some(9) },
        HttpError::NoLocation,
        HttpError::BadLocation(UriError::NoHost),
        HttpError::BadLocation(UriError::TooLong),
        HttpError::RedirectDowngrade,
        HttpError::RedirectScheme,
        HttpError::RedirectCredentials,
        HttpError::TooManyRedirects,
        HttpError::RedirectLoop,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_are_unique_and_complete() {
        let codes: BTreeSet<u32> = samples().iter().map(Coded::code).collect();
        let expected: BTreeSet<u32> = (1..=31).map(|n| Module::Http.code(n)).collect();
        assert_eq!(codes, expected);
    }

    #[test]
    fn sentences_are_distinct_and_name_the_facts() {
        let sentences: BTreeSet<String> = samples().iter().map(ToString::to_string).collect();
        assert_eq!(sentences.len(), samples().len());
        assert!(sentences.contains("HTTP body ended after 3 octets of 4"));
        assert!(
            sentences
                .contains("HTTP server answered with status 503 (unavailable); retry after 2 s")
        );
    }

    #[test]
    fn a_missing_file_is_the_operators_and_worth_no_retry() {
        let missing = HttpError::Status {
            status: 404,
            retry_after: None,
        };
        assert_eq!(missing.blame(), Blame::Configuration);
        assert!(!missing.is_transient());
        assert!(
            HttpError::Status {
                status: 503,
                retry_after: None
            }
            .is_transient()
        );
    }
}
