use super::*;
use crate::fuzz;
use crate::method::Method;
use proptest::prelude::*;
use std::vec::Vec;

const GET: Expect = Expect {
    method: Method::Get,
    range_first: None,
    keep_alive: true,
};

const FROM_5: Expect = Expect {
    range_first: Some(5),
    ..GET
};

/// All that can be seen of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    body: Vec<u8>,
    offset: u64,
    reuse: bool,
    end: Result<(), HttpError>,
}

/// Feeds `stream` cut as `pieces` says, in turns, takes bodies as `takes` says, then closes.
fn exchange(expect: Expect, stream: &[u8], pieces: &[usize], takes: &[usize]) -> Seen {
    let mut response = Response::<512>::new(expect);
    let mut pieces = pieces.iter().cycle();
    let mut takes = takes.iter().cycle();
    let (mut start, mut end) = (0, 0);
    let mut body = Vec::new();
    let result = loop {
        let input = &stream[start..end];
        let step = match response.handle(input) {
            Ok(step) => step,
            Err(error) => break Err(error),
        };
        start += step.consumed;
        match step.event {
            Event::NeedInput if end == stream.len() => break response.end_of_stream(),
            Event::NeedInput => {
                end = stream
                    .len()
                    .min(end.saturating_add(*pieces.next().unwrap()))
            }
            Event::Head => assert!(response.head().status >= 200),
            Event::Body(octets) | Event::OtherBody(octets) => {
                let count = octets.len().min(*takes.next().unwrap());
                body.extend_from_slice(&octets[..count]);
                response.body_taken(count);
                start += count;
            }
            Event::Complete => break Ok(()),
        }
    };
    assert_eq!(response.is_complete(), result.is_ok());
    Seen {
        status: response.head().status,
        body,
        offset: response.body_offset(),
        reuse: response.can_reuse(),
        end: result,
    }
}

/// The exchange in one piece, after checking that every cut gives the same.
fn seen(expect: Expect, stream: &[u8]) -> Seen {
    let whole = exchange(expect, stream, &[usize::MAX], &[usize::MAX]);
    for cut in 1..stream.len() {
        let cut = exchange(expect, stream, &[cut, usize::MAX], &[usize::MAX]);
        // Whether octets follow the end cannot be known before they come.
        assert_eq!(
            Seen {
                reuse: whole.reuse,
                ..cut
            },
            whole
        );
    }
    for take in 1..4 {
        assert_eq!(exchange(expect, stream, &[1], &[take]).end, whole.end);
        assert_eq!(exchange(expect, stream, &[usize::MAX], &[take]), whole);
    }
    whole
}

fn completed(expect: Expect, stream: &[u8]) -> (u16, Vec<u8>, bool) {
    let seen = seen(expect, stream);
    assert_eq!(seen.end, Ok(()), "{}", stream.escape_ascii());
    (seen.status, seen.body, seen.reuse)
}

fn failed(expect: Expect, stream: &[u8]) -> HttpError {
    let seen = seen(expect, stream);
    seen.end.expect_err(&stream.escape_ascii().to_string())
}

fn bytes(text: &[u8]) -> Vec<u8> {
    text.to_vec()
}

#[test]
fn complete_responses() {
    for (stream, status, body, reuse) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..], 200, &b"hello"[..], true),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b"", true),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"ok", true),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\nok", 200, b"ok", true),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", 200, b"ok", false),
        (b"HTTP/1.0 200 OK\r\n\r\n<until close>", 200, b"<until close>", false),
        (b"HTTP/1.1 200 OK\r\n\r\n", 200, b"", false),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5;x=y\r\npedia\r\n0\r\nA: b\r\n\r\n",
            200, b"Wikipedia", true,
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", true),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, b"", true),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!",
            200, b"!", true,
        ),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", 404, b"nope", true),
        // Octets after the end belong to nobody: the connection is not used again.
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK", 200, b"ok", false),
        (b"HTTP/1.1 204 No Content\r\n\r\nx", 204, b"", false),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx",
            200, b"", false,
        ),
    ] {
        assert_eq!(completed(GET, stream), (status, bytes(body), reuse));
        // Who asked for a close gets one.
        assert!(!completed(Expect { keep_alive: false, ..GET }, stream).2);
    }
}

#[test]
fn answers_to_head_have_no_body() {
    let head = Expect {
        method: Method::Head,
        ..GET
    };
    for stream in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ] {
        assert_eq!(completed(head, stream), (200, vec![], true));
    }
}

#[test]
fn parts() {
    for stream in [
        &b"HTTP/1.1 206 x\r\nContent-Range: bytes 5-7/8\r\nContent-Length: 3\r\n\r\nabc"[..],
        b"HTTP/1.1 206 x\r\nContent-Range: bytes 5-7/8\r\n\r\nabc",
        b"HTTP/1.1 206 x\r\nContent-Range: bytes 5-7/*\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    ] {
        let seen = seen(FROM_5, stream);
        assert_eq!((seen.end, seen.body, seen.offset), (Ok(()), bytes(b"abc"), 8));
    }
    let ignored = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(seen(FROM_5, ignored).offset, 3);
    // The length of the range binds every framing.
    let truncated = HttpError::Truncated {
        got: 2,
        expected: Some(3),
    };
    let start = b"HTTP/1.1 206 x\r\nContent-Range: bytes 5-7/8\r\n";
    for rest in [
        &b"\r\nab"[..],
        b"Content-Length: 3\r\n\r\nab",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    ] {
        assert_eq!(failed(FROM_5, &[start, rest].concat()), truncated);
    }
    let long = b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n";
    assert_eq!(
        failed(FROM_5, &[&start[..], long].concat()),
        HttpError::BodyTooLong { expected: 3 }
    );
}

#[test]
fn early_close_is_never_complete() {
    for whole in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
        b"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
    ] {
        for end in 0..whole.len() {
            let error = exchange(GET, &whole[..end], &[usize::MAX], &[usize::MAX]).end;
            assert!(
                matches!(error, Err(HttpError::Truncated { .. } | HttpError::Closed)),
                "{end}: {error:?}"
            );
            assert!(error.unwrap_err().is_transient());
        }
        completed(GET, whole);
    }
    assert_eq!(failed(GET, b""), HttpError::Closed);
    assert_eq!(
        failed(GET, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"),
        HttpError::Truncated {
            got: 4,
            expected: Some(5)
        }
    );
    assert_eq!(
        failed(
            GET,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc"
        ),
        HttpError::Truncated {
            got: 3,
            expected: None
        }
    );
}

#[test]
fn refusals() {
    for (stream, error) in [
        (&b"SSH-2.0-OpenSSH_9.9\r\n"[..], HttpError::NotHttp),
        (b"\x15\x03\x01\x00\x02\x02\x16", HttpError::NotHttp),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", HttpError::NotHttp),
        (b"HTTP/2 200\r\n\r\n", HttpError::NotHttp),
        (b"HTTP/1.1 101 x\r\n\r\n", HttpError::UnexpectedUpgrade),
        (b"HTTP/1.1 200 OK\r\r\n\r\n", HttpError::BadHead),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", HttpError::BadHead),
        (b"HTTP/1.1 200 OK\r\n\r\r\n\r\n", HttpError::BadHead),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            HttpError::ConflictingLength,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
            HttpError::BadChunk,
        ),
        (
            b"HTTP/1.1 206 x\r\nContent-Range: bytes 0-2/3\r\n\r\nabc",
            HttpError::UnexpectedPartial,
        ),
    ] {
        assert_eq!(failed(GET, stream), error);
    }
}

#[test]
fn limits_of_the_head() {
    let head = |octets: usize| {
        let padding = octets - b"HTTP/1.1 204 x\r\nDate: \r\n\r\n".len();
        format!("HTTP/1.1 204 x\r\nDate: {}\r\n\r\n", "y".repeat(padding)).into_bytes()
    };
    assert_eq!(completed(GET, &head(512)), (204, vec![], true));
    assert_eq!(failed(GET, &head(513)), HttpError::HeadTooLarge);
    assert_eq!(
        failed(GET, &[b"HTTP/1.1 200 ", &[b'x'; 900][..]].concat()),
        HttpError::HeadTooLarge
    );
    // The limit is for each head, and interim responses have a number of their own.
    let interim = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    let many = |count: u8| {
        [
            &interim.repeat(usize::from(count))[..],
            b"HTTP/1.1 204 x\r\n\r\n",
        ]
        .concat()
    };
    assert_eq!(completed(GET, &many(MAX_INTERIM)), (204, vec![], true));
    assert_eq!(
        failed(GET, &many(MAX_INTERIM + 1)),
        HttpError::TooManyInterim
    );
}

/// Whoever saves the octets of [`Event::Body`] alone never saves an error page as the file.
#[test]
fn the_body_of_an_error_is_not_the_content() {
    for (status, content) in [
        (200, true),
        (206, true),
        (201, false),
        (301, false),
        (404, false),
        (416, false),
        (503, false),
    ] {
        for framing in [
            "Content-Length: 4\r\n\r\npage",
            "Transfer-Encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n",
            "\r\npage",
        ] {
            let range = match status {
                206 => "Content-Range: bytes 5-8/9\r\n",
                _ => "",
            };
            let stream = format!("HTTP/1.1 {status} x\r\n{range}{framing}");
            let expect = if status == 206 { FROM_5 } else { GET };
            let mut response = Response::<256>::new(expect);
            let head = response.handle(stream.as_bytes()).unwrap();
            assert_eq!(head.event, Event::Head);
            let body = response
                .handle(&stream.as_bytes()[head.consumed..])
                .unwrap();
            let expected = match content {
                true => Event::Body(b"page"),
                false => Event::OtherBody(b"page"),
            };
            assert_eq!(body.event, expected, "{stream}");
            response.body_taken(4);
        }
    }
}

#[test]
fn bodies_are_pointed_at() {
    let stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let mut response = Response::<256>::new(GET);
    assert_eq!(response.head().status, 0);
    let step = response.handle(stream).unwrap();
    assert_eq!((step.event, response.body_offset()), (Event::Head, 0));
    let input = &stream[step.consumed..];
    let step = response.handle(input).unwrap();
    let Event::Body(body) = step.event else {
        panic!("{step:?}")
    };
    assert_eq!(body, b"hello");
    assert!(core::ptr::eq(
        body.as_ptr(),
        &raw const input[step.consumed]
    ));
    // Nothing taken: the same is offered again, the framing before it is not.
    let input = &input[step.consumed..];
    assert_eq!(
        response.handle(input),
        Ok(Step {
            consumed: 0,
            event: Event::Body(b"hello")
        })
    );
    // In two portions.
    response.body_taken(2);
    response.body_taken(1);
    assert_eq!(response.body_offset(), 3);
    let step = response.handle(&input[3..]).unwrap();
    assert_eq!(
        step,
        Step {
            consumed: 0,
            event: Event::Body(b"lo")
        }
    );
    response.body_taken(2);
    let step = response.handle(&input[5..]).unwrap();
    assert_eq!(
        step,
        Step {
            consumed: 7,
            event: Event::Complete
        }
    );
    assert!(response.can_reuse());
    // The next exchange on the connection.
    response.restart(Expect {
        method: Method::Head,
        ..GET
    });
    assert!(!response.is_complete() && response.head().status == 0);
    let stream = b"HTTP/1.1 404 x\r\nContent-Length: 9\r\n\r\n";
    assert_eq!(response.handle(stream).unwrap().event, Event::Head);
    assert_eq!(response.handle(b"").unwrap().event, Event::Complete);
}

#[test]
fn taking_more_than_offered_is_an_error() {
    let stream = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
    let mut response = Response::<256>::new(GET);
    let consumed = response.handle(stream).unwrap().consumed;
    response.handle(&stream[consumed..]).unwrap();
    response.body_taken(4);
    assert_eq!(response.handle(b"x"), Err(HttpError::BodyOvertaken));
    assert_eq!(response.end_of_stream(), Err(HttpError::BodyOvertaken));
}

#[test]
fn closing_over_octets_not_taken_is_truncation() {
    let stream = b"HTTP/1.0 200 OK\r\n\r\nabc";
    let mut response = Response::<256>::new(GET);
    let consumed = response.handle(stream).unwrap().consumed;
    response.handle(&stream[consumed..]).unwrap();
    response.body_taken(2);
    assert_eq!(
        response.end_of_stream(),
        Err(HttpError::Truncated {
            got: 2,
            expected: None
        })
    );
}

/// Streams that are mostly HTTP.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("HTTP/1.1 200 OK\r\n"),
        Just("HTTP/1.1 206 x\r\n"),
        Just("HTTP/1.0 301 x\r\n"),
        Just("HTTP/1.1 100 x\r\n\r\n"),
        Just("Content-Length: 5\r\n"),
        Just("Content-Length: 12\r\n"),
        Just("Transfer-Encoding: chunked\r\n"),
        Just("Content-Range: bytes 5-9/10\r\n"),
        Just("Content-Range: bytes 3-14/15\r\n"),
        Just("Connection: close\r\n"),
        Just("Location: ../x\r\n"),
        Just("Location: https://u@h/\r\n"),
        Just("ETag: \"x\"\r\n"),
        Just("\r\n"),
        Just("\r\n"),
        Just("5\r\nhello\r\n"),
        Just("7;x\r\nhello, \r\n"),
        Just("0\r\n\r\n"),
        Just("hello"),
        Just("\r"),
        Just("\n"),
        Just("HTTP/1."),
    ];
    let start = prop_oneof![
        9 => Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
        9 => Just(b"HTTP/1.1 206 x\r\nContent-Range: bytes 5-9/10\r\n".to_vec()),
        1 => Just(Vec::new()),
    ];
    let text = (start, prop::collection::vec(line, 0..8))
        .prop_map(|(start, lines)| [start, lines.concat().into_bytes()].concat());
    let noisy = (text.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(mut text, at, octet)| {
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = octet;
            }
            text
        },
    );
    prop_oneof![5 => text, 3 => noisy, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        stream in stream(),
        ranged in any::<bool>(),
        pieces in prop::collection::vec(1usize..40, 1..8),
        takes in prop::collection::vec(1usize..9, 1..8),
    ) {
        let expect = if ranged { FROM_5 } else { GET };
        let whole = exchange(expect, &stream, &[usize::MAX], &[usize::MAX]);
        let cut = exchange(expect, &stream, &pieces, &takes);
        prop_assert_eq!(&cut.end, &whole.end);
        prop_assert_eq!(cut.status, whole.status);
        // A broken chunk behind it may be found before or after some of the body was taken.
        if whole.end.is_ok() {
            prop_assert_eq!(&cut.body, &whole.body);
        }
        prop_assert!(cut.body.starts_with(&whole.body) || whole.body.starts_with(&cut.body));
    }

    #[test]
    fn the_fuzz_body_holds(choice: u8, seed: [u8; 2], stream in stream()) {
        fuzz::run(&[&[choice][..], &seed, &stream].concat());
    }

    #[test]
    fn chunked_bodies_come_back(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
        pieces in prop::collection::vec(1usize..40, 1..8),
        takes in prop::collection::vec(1usize..9, 1..8),
    ) {
        let mut stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in &chunks {
            stream.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            stream.extend_from_slice(chunk);
            stream.extend_from_slice(b"\r\n");
        }
        stream.extend_from_slice(b"0\r\n\r\n");
        let seen = exchange(GET, &stream, &pieces, &takes);
        prop_assert_eq!((seen.end, seen.body), (Ok(()), chunks.concat()));
    }
}

#[test]
fn the_fuzz_body_holds_on_noise() {
    for stream in [
        &b"HTTP/1.1 302 x\r\nLocation: https://a/b\r\nContent-Length: 2\r\n\r\nhi"[..],
        b"HTTP/1.1 302 x\r\nLocation: //u:p@a/b\r\n\r\n",
        b"HTTP/1.1 206 x\r\nContent-Range: bytes 3-9/10\r\nContent-Length: 7\r\n\r\n3456789",
        b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
        b"HTTP/1.1 200 x\r\nContent-Length: 9999999999999999999\r\n\r\nabc",
    ] {
        for choice in 0..=255 {
            fuzz::run(&[&[choice, 7, choice][..], stream].concat());
        }
    }
    let mut state: u32 = 1;
    for length in 0..300 {
        let noise: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        fuzz::run(&noise);
    }
}
