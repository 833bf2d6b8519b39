use super::*;

fn parse(raw: &[u8], expect: &Expect) -> Result<Option<Head>, HttpError> {
    let mut head = Head::default();
    Ok(read(raw, expect, &mut head)?.then_some(head))
}

fn parse_for(expect: &Expect, text: &str) -> Result<Option<Head>, HttpError> {
    parse(format!("{text}\r\n\r\n").as_bytes(), expect)
}

fn expect(range_first: Option<u64>) -> Expect {
    Expect {
        method: Method::Get,
        range_first,
        keep_alive: true,
    }
}

fn head(text: &str) -> Head {
    head_for(None, text)
}

fn head_for(range_first: Option<u64>, text: &str) -> Head {
    match parse_for(&expect(range_first), text) {
        Ok(Some(head)) => head,
        other => panic!("{text}: {:?}", other.map(|head| head.is_some())),
    }
}

fn error(text: &str) -> HttpError {
    error_for(None, text)
}

fn error_for(range_first: Option<u64>, text: &str) -> HttpError {
    match parse_for(&expect(range_first), text) {
        Err(error) => error,
        Ok(head) => panic!("{text}: {:?}", head.map(|head| head.status)),
    }
}

fn ok(fields: &str) -> Head {
    head(&format!("HTTP/1.1 200 OK\r\n{fields}"))
}

fn tag(head: &Head) -> Option<&str> {
    head.validator.as_ref().map(Validator::as_str)
}

/// As nginx 1.26 answers.
#[test]
fn a_real_head() {
    let head = ok(
        "Server: nginx/1.26.3\r\nDate: Tue, 10 Mar 2026 12:00:00 GMT\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: 65536\r\n\
         Last-Modified: Mon, 09 Mar 2026 08:00:00 GMT\r\nConnection: keep-alive\r\n\
         ETag: \"69ae7c80-10000\"\r\nAccept-Ranges: bytes",
    );
    assert_eq!(head.status, 200);
    assert_eq!(head.body, Framing::Length(65536));
    assert_eq!((head.total, head.first), (Some(65536), 0));
    assert_eq!(tag(&head), Some("\"69ae7c80-10000\""));
    assert!(head.accept_ranges && head.keep_alive);
    assert_eq!(head.outcome(), Outcome::Content);
}

/// RFC 9112 section 6.3.
#[test]
fn framing() {
    assert_eq!(ok("content-LENGTH: 5").body, Framing::Length(5));
    assert_eq!(
        ok("Content-Length: 5\r\nContent-Length: 5").body,
        Framing::Length(5)
    );
    assert_eq!(ok("Content-Length: 5, 5").body, Framing::Length(5));
    assert_eq!(ok("Content-Length: 005").body, Framing::Length(5));
    assert_eq!(ok("Transfer-Encoding: Chunked").body, Framing::Chunked);
    assert_eq!(ok("Server: x").body, Framing::Close);
    for (field, refusal) in [
        (
            "Content-Length: 5\r\nContent-Length: 6",
            HttpError::ConflictingLength,
        ),
        ("Content-Length: 5, 6", HttpError::ConflictingLength),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            HttpError::ConflictingLength,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            HttpError::ConflictingLength,
        ),
        ("Content-Length: +5", HttpError::BadContentLength),
        ("Content-Length: -5", HttpError::BadContentLength),
        ("Content-Length: 0x5", HttpError::BadContentLength),
        ("Content-Length: 5 5", HttpError::BadContentLength),
        ("Content-Length: 5,", HttpError::BadContentLength),
        ("Content-Length:", HttpError::BadContentLength),
        (
            "Content-Length: 18446744073709551616",
            HttpError::BadContentLength,
        ),
        (
            "Transfer-Encoding: gzip, chunked",
            HttpError::TransferEncoding,
        ),
        (
            "Transfer-Encoding: chunked, gzip",
            HttpError::TransferEncoding,
        ),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
            HttpError::TransferEncoding,
        ),
        (
            "Transfer-Encoding: chunked, chunked",
            HttpError::TransferEncoding,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            HttpError::TransferEncoding,
        ),
        ("Transfer-Encoding: identity", HttpError::TransferEncoding),
        ("Transfer-Encoding: xchunked", HttpError::TransferEncoding),
        ("Transfer-Encoding: \x0bchunked", HttpError::BadHead),
        ("Transfer-Encoding:", HttpError::TransferEncoding),
    ] {
        assert_eq!(
            error(&format!("HTTP/1.1 200 OK\r\n{field}")),
            refusal,
            "{field}"
        );
    }
    // Section 6.1: HTTP/1.0 has no transfer codings.
    assert_eq!(
        error("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked"),
        HttpError::TransferEncoding
    );
}

#[test]
fn no_body() {
    for start in ["HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified"] {
        assert_eq!(
            head(&format!("{start}\r\nContent-Length: 9")).body,
            Framing::None
        );
    }
    // What must not have a body and says that it has is out of step for the next response.
    assert!(head("HTTP/1.1 204 x").keep_alive);
    assert!(!head("HTTP/1.1 204 x\r\nContent-Length: 9").keep_alive);
    assert!(!head("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked").keep_alive);
    assert!(head("HTTP/1.1 304 x\r\nContent-Length: 9").keep_alive);
    let asked = Expect {
        method: Method::Head,
        ..expect(None)
    };
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 7";
    let answer = parse_for(&asked, text).unwrap().unwrap();
    assert_eq!((answer.body, answer.total), (Framing::None, Some(7)));
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked";
    assert_eq!(parse_for(&asked, text).unwrap().unwrap().total, None);
}

/// RFC 9112 section 9.3.
#[test]
fn persistence() {
    for (text, stays) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0", true),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\nConnection: close",
            false,
        ),
        ("HTTP/1.1 200 OK", false),
        ("HTTP/1.1 200 OK\r\nConnection: keep-alive", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0", false),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive",
            true,
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive, close",
            false,
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", true),
    ] {
        assert_eq!(head(text).keep_alive, stays, "{text}");
    }
}

/// RFC 9110 section 14.4.
#[test]
fn ranges() {
    let partial = |fields: &str| format!("HTTP/1.1 206 Partial Content\r\n{fields}");
    let good = head_for(
        Some(5),
        &partial("Content-Range: bytes 5-9/10\r\nContent-Length: 5"),
    );
    assert_eq!((good.first, good.total), (5, Some(10)));
    assert_eq!(good.outcome(), Outcome::PartialContent);
    let open = head_for(
        Some(5),
        &partial("Content-Range: Bytes 5-6/*\r\nContent-Length: 2"),
    );
    assert_eq!((open.first, open.total), (5, None));
    // Without a length of its own the range gives it.
    let closing = head_for(Some(0), &partial("Content-Range: bytes 0-0/1"));
    assert_eq!(
        (closing.body, closing.range_length),
        (Framing::Close, Some(1))
    );

    for (fields, refusal) in [
        ("Content-Length: 5", HttpError::BadContentRange),
        ("Content-Range: octets 5-9/10", HttpError::BadContentRange),
        ("Content-Range: bytes=5-9/10", HttpError::BadContentRange),
        ("Content-Range: bytes 9-5/10", HttpError::BadContentRange),
        ("Content-Range: bytes 5-9/9", HttpError::BadContentRange),
        ("Content-Range: bytes 5-10/10", HttpError::BadContentRange),
        ("Content-Range: bytes 5-/10", HttpError::BadContentRange),
        ("Content-Range: bytes -9/10", HttpError::BadContentRange),
        ("Content-Range: bytes 5-9", HttpError::BadContentRange),
        ("Content-Range: bytes */10", HttpError::BadContentRange),
        ("Content-Range: bytes 5-9/x", HttpError::BadContentRange),
        (
            "Content-Range: bytes 5-9/10, bytes 0-1/10",
            HttpError::BadContentRange,
        ),
        (
            "Content-Range: bytes 5-18446744073709551615/*",
            HttpError::BadContentRange,
        ),
        (
            "Content-Range: bytes 5-9/10\r\nContent-Range: bytes 5-9/10",
            HttpError::BadContentRange,
        ),
        (
            "Content-Type: multipart/byteranges; boundary=x",
            HttpError::BadContentRange,
        ),
        (
            "Content-Range: bytes 5-9/10\r\nContent-Length: 6",
            HttpError::ConflictingLength,
        ),
        (
            "Content-Range: bytes 0-9/10",
            HttpError::WrongRange {
                wanted: 5,
                first: 0,
            },
        ),
    ] {
        assert_eq!(error_for(Some(5), &partial(fields)), refusal, "{fields}");
    }
    assert_eq!(
        error(&partial("Content-Range: bytes 0-9/10")),
        HttpError::UnexpectedPartial
    );
    // A server that ignores the range says 200 and starts at the start.
    let whole = head_for(Some(5), "HTTP/1.1 200 OK\r\nContent-Length: 10");
    assert_eq!(
        (whole.outcome(), whole.first, whole.total),
        (Outcome::Content, 0, Some(10))
    );

    let beyond = head_for(
        Some(50),
        "HTTP/1.1 416 x\r\nContent-Range: bytes */10\r\nContent-Length: 0",
    );
    assert_eq!(beyond.total, Some(10));
    assert_eq!(
        beyond.outcome(),
        Outcome::Failed(HttpError::RangeNotSatisfiable { total: Some(10) })
    );
    let silent = head_for(
        Some(50),
        "HTTP/1.1 416 x\r\nContent-Range: bytes 1-2/10\r\nContent-Length: 0",
    );
    assert_eq!(silent.total, None);
}

#[test]
fn resumption_needs_the_same_content() {
    let text = "HTTP/1.1 206 x\r\nContent-Range: bytes 5-9/10\r\nETag: \"a\"";
    let head = head_for(Some(5), text);
    let same = Validator::from_etag(b"\"a\"");
    let other = Validator::from_etag(b"\"b\"");
    assert_eq!(head.continues(Some(10), same.as_ref()), Ok(()));
    assert_eq!(head.continues(None, None), Ok(()));
    assert_eq!(
        head.continues(Some(11), same.as_ref()),
        Err(HttpError::Changed)
    );
    assert_eq!(
        head.continues(Some(10), other.as_ref()),
        Err(HttpError::Changed)
    );
}

/// Two different values of a field that makes a validator: whichever is meant, none is strong. Each alone would be.
#[test]
fn a_field_that_comes_twice_makes_no_validator_unless_both_agree() {
    let etag = ["ETag: \"x\"", "ETag: \"y\""];
    let modified = [
        "Last-Modified: Mon, 09 Mar 2026 08:00:00 GMT",
        "Last-Modified: Mon, 09 Mar 2026 07:59:59 GMT",
    ];
    let date = [
        "Date: Mon, 09 Mar 2026 08:00:01 GMT",
        "Date: Mon, 09 Mar 2026 09:00:00 GMT",
    ];
    // The field that comes twice, and what it needs beside it to be strong.
    for ([one, other], beside) in [
        (etag, "Server: x"),
        (modified, date[0]),
        (date, modified[0]),
    ] {
        let beside = format!("\r\n{beside}");
        for field in [one, other] {
            let alone = ok(&format!("{field}{beside}"));
            assert!(alone.validator.is_some(), "{field}");
            let twice = ok(&format!("{field}\r\n{field}{beside}"));
            assert_eq!(twice.validator, alone.validator, "{field}");
        }
        for [first, second] in [[one, other], [other, one]] {
            assert_eq!(tag(&ok(&format!("{first}\r\n{second}{beside}"))), None);
            // Nor does it help to have another validator, or the same value a third time.
            let tagged = format!("{first}\r\n{second}{beside}\r\nETag: \"x\"");
            assert_eq!(tag(&ok(&tagged)), None, "{tagged}");
            let thrice = format!("{first}\r\n{second}\r\n{second}{beside}");
            assert_eq!(tag(&ok(&thrice)), None, "{thrice}");
        }
    }
}

/// RFC 9110 section 8.8.
#[test]
fn validators() {
    let modified = "Last-Modified: Mon, 09 Mar 2026 08:00:00 GMT";
    let later = "Date: Mon, 09 Mar 2026 08:00:01 GMT";
    let equal = "Date: Mon, 09 Mar 2026 08:00:00 GMT";
    for (fields, expected) in [
        ("ETag: \"x\"".to_string(), Some("\"x\"")),
        ("ETag: \"\"".to_string(), Some("\"\"")),
        (
            format!("ETag: \"x\"\r\n{modified}\r\n{later}"),
            Some("\"x\""),
        ),
        (
            format!("{modified}\r\n{later}"),
            Some("Mon, 09 Mar 2026 08:00:00 GMT"),
        ),
        (format!("{modified}\r\n{equal}"), None),
        (modified.to_string(), None),
        (format!("ETag: W/\"x\"\r\n{modified}\r\n{later}"), None),
        ("ETag: x".to_string(), None),
        ("ETag: \"".to_string(), None),
        ("ETag: \"x\"y\"".to_string(), None),
        ("ETag: \"x y\"".to_string(), None),
        ("ETag: \"\u{e9}\"".to_string(), None),
        ("ETag: \"x\"\r\nETag: \"y\"".to_string(), None),
        ("ETag: \"x\"\r\nETag: \"x\"".to_string(), Some("\"x\"")),
        (
            format!("ETag: \"{}\"", "x".repeat(94)),
            Some(&*format!("\"{}\"", "x".repeat(94))),
        ),
        (format!("ETag: \"{}\"", "x".repeat(95)), None),
    ] {
        assert_eq!(tag(&ok(&fields)), expected, "{fields}");
    }
}

#[test]
fn outcomes() {
    let outcome = |text: &str| head(text).outcome();
    let status = |status, retry_after| {
        Outcome::Failed(HttpError::Status {
            status,
            retry_after,
        })
    };
    for code in [
        201, 203, 204, 300, 304, 305, 400, 401, 403, 404, 410, 500, 502, 599, 999,
    ] {
        assert_eq!(
            outcome(&format!("HTTP/1.1 {code} x")),
            status(code, None),
            "{code}"
        );
    }
    for (value, seconds) in [
        ("120", Some(120)),
        ("0", Some(0)),
        ("99999999999", Some(u32::MAX)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
    ] {
        for code in [429, 503] {
            let text = format!("HTTP/1.1 {code} x\r\nRetry-After: {value}");
            assert_eq!(outcome(&text), status(code, seconds), "{value}");
        }
    }
    for code in [301, 302, 303, 307, 308] {
        let raw = format!("HTTP/1.1 {code} x\r\nLocation: /there#here");
        let moved = head(&raw);
        assert_eq!(moved.outcome(), Outcome::Redirect);
        assert_eq!(&raw[moved.location.clone()], "/there");
        let text = format!("HTTP/1.1 {code} x");
        assert_eq!(outcome(&text), Outcome::Failed(HttpError::NoLocation));
    }
    let head = parse(b"HTTP/1.1 302 x\r\nLocation: /\xbd\r\n\r\n", &expect(None));
    assert_eq!(
        head.unwrap().unwrap().outcome(),
        Outcome::Failed(HttpError::BadLocation(UriError::NotText))
    );
    assert_eq!(
        error("HTTP/1.1 302 x\r\nLocation: /a\r\nLocation: /b"),
        HttpError::BadHead
    );
}

#[test]
fn content_codings() {
    assert_eq!(ok("Content-Encoding: identity").outcome(), Outcome::Content);
    assert_eq!(ok("Content-Encoding:").outcome(), Outcome::Content);
    for coding in ["gzip", "identity, br", "GZIP"] {
        let field = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}");
        assert_eq!(error(&field), HttpError::ContentEncoding);
    }
    // A compressed error page is still that error.
    let missing = head("HTTP/1.1 404 x\r\nContent-Encoding: gzip");
    assert!(matches!(
        missing.outcome(),
        Outcome::Failed(HttpError::Status { status: 404, .. })
    ));
}

#[test]
fn malformed() {
    for text in [
        "HTTP/1.1 200 OK\r\nA: b\r\n folded",
        "HTTP/1.1 200 OK\r\n A: b",
        "HTTP/1.1 200 OK\r\nA : b",
        "HTTP/1.1 200 OK\r\nA: b\rc",
        "HTTP/1.1 200 OK\r\nA: b\0c",
        "HTTP/1.1 200 OK\r\nno colon",
        "HTTP/1.1 200 OK\r\n: b",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 200 O\rK",
    ] {
        assert_eq!(error(text), HttpError::BadHead, "{text}");
    }
    for text in [
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "HTTP/1.10 200 OK",
        "HTTP/1.1",
    ] {
        assert_eq!(error(text), HttpError::NotHttp, "{text}");
    }
    assert_eq!(
        error("HTTP/1.1 101 x\r\nUpgrade: h2c"),
        HttpError::UnexpectedUpgrade
    );
    assert_eq!(head("HTTP/1.1 200").status, 200);
}

#[test]
fn interim_responses_are_told_apart() {
    for text in [
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>",
        "HTTP/1.1 199 x",
    ] {
        assert!(matches!(parse_for(&expect(None), text), Ok(None)), "{text}");
    }
}
