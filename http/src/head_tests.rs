//! What a head says, as a caller of [`Response`] sees it.

use crate::error::HttpError;
use crate::expect::Expect;
use crate::method::Method;
use crate::response::{Event, Response};
use crate::syntax::Lines;

/// The decoder after this head, which answers a GET from `first` on.
fn response(first: Option<u64>, head: &str) -> Result<Response<512>, HttpError> {
    let mut response = Response::new(Expect {
        method: Method::Get,
        range_first: first,
        keep_alive: true,
    });
    let stream = format!("{head}\r\n\r\n");
    let step = response.handle(stream.as_bytes())?;
    assert_eq!(step.event, Event::Head);
    Ok(response)
}

/// RFC 9110 section 14.4: a part tells its own length. An answer with all of the content has none.
#[test]
fn the_octets_of_a_part() {
    for (first, head, octets) in [
        (5, "HTTP/1.1 206 x\r\nContent-Range: bytes 5-9/10", Some(5)),
        (5, "HTTP/1.1 206 x\r\nContent-Range: bytes 5-5/*", Some(1)),
        (0, "HTTP/1.1 206 x\r\nContent-Range: bytes 0-7/8", Some(8)),
        (5, "HTTP/1.1 200 x\r\nContent-Length: 10", None),
        (5, "HTTP/1.1 416 x\r\nContent-Range: bytes */10", None),
    ] {
        let response = response(Some(first), head).map(|response| response.head().part_octets());
        assert_eq!(response, Ok(octets), "{head}");
    }
}

/// Nineteen digits are read, which no 64-bit number overflows with. One more is refused, whatever its value.
#[test]
fn the_longest_numbers() {
    for (digits, length) in [
        ("9999999999999999999", Ok(9_999_999_999_999_999_999)),
        ("0000000000000000007", Ok(7)),
        ("10000000000000000000", Err(HttpError::BadContentLength)),
        ("00000000000000000007", Err(HttpError::BadContentLength)),
    ] {
        let head = format!("HTTP/1.1 200 x\r\nContent-Length: {digits}");
        let told =
            response(None, &head).map(|response| response.head().content_length.unwrap_or(0));
        assert_eq!(told, length, "{digits}");
    }
}

#[test]
#[cfg(feature = "media-type")]
fn media_types() {
    use crate::head::MAX_MEDIA_TYPE;
    let longest = format!("{:a<1$}", "text/", MAX_MEDIA_TYPE);
    let longer = format!("{longest}b");
    let told = |fields: &str| {
        let head = format!("HTTP/1.1 200 x\r\nContent-Length: 0\r\n{fields}Server: x");
        response(None, &head).map(|response| response.head().media_type.to_string())
    };
    for (value, expected) in [
        ("application/yang-data+json", "application/yang-data+json"),
        (" Text/Plain; Charset=UTF-8 ", "text/plain; charset=utf-8"),
        ("", ""),
        (&longest, &longest),
        (&longer, ""),
    ] {
        let once = format!("Content-Type: {value}\r\n");
        assert_eq!(told(&once), Ok(expected.to_string()), "{value}");
        // The same once more says nothing new.
        let twice = format!("{once}content-type: {value}\r\n");
        assert_eq!(told(&twice), Ok(expected.to_string()), "{value}");
    }
    assert_eq!(told(""), Ok(String::new()));
    let both = "Content-Type: text/plain\r\nContent-Type: text/html\r\n";
    assert_eq!(told(both), Err(HttpError::BadHead));
}

/// The server closes right after the last octet, and the caller has taken all: the response is complete without another look.
#[test]
fn a_close_right_after_the_body() {
    let stream = b"HTTP/1.1 200 x\r\nContent-Length: 3\r\n\r\nabc";
    for (taken, complete) in [(2, false), (3, true)] {
        let mut response = Response::<512>::new(Expect {
            method: Method::Get,
            range_first: None,
            keep_alive: true,
        });
        let consumed = response.handle(stream).unwrap().consumed;
        let body = &stream[consumed..];
        assert_eq!(response.handle(body).unwrap().event, Event::Body(b"abc"));
        response.body_taken(taken);
        let expected = match complete {
            true => Ok(()),
            false => Err(HttpError::Truncated {
                got: 2,
                expected: Some(3),
            }),
        };
        assert_eq!(response.end_of_stream(), expected);
        assert_eq!(response.is_complete(), complete);
        assert!(!response.can_reuse(), "the connection is closed");
    }
}

/// Nothing stands behind the empty line of a head.
#[test]
fn lines_end_with_the_empty_one() {
    for (raw, empty) in [
        (&b"HTTP/1.1 200\r\nA: b\r\n\r\n"[..], true),
        (b"HTTP/1.1 200\n\nA: b\n", false),
    ] {
        let mut lines = Lines::new(raw);
        assert_eq!(lines.status(), Ok((1, 200)));
        assert!(!lines.is_empty());
        while let Ok(Some(field)) = lines.field() {
            assert_eq!(field, (&b"A"[..], &b"b"[..]));
        }
        assert_eq!(lines.is_empty(), empty);
    }
}
