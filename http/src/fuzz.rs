//! Arbitrary octets as a server, arbitrary pieces and buffers as a client.

use netboot_core::Uri;
use netboot_core::uri::Scheme;

use crate::{Event, Expect, HttpError, Method, Redirects, Response};

/// Runs one exchange that `data` describes and asserts what must hold whatever the server sends.
///
/// Octet 0 chooses the request, octet 1 and 2 the seed of the cuts; the rest is what the server
/// sends before it closes.
///
/// # Panics
/// When an invariant is broken.
pub fn run(data: &[u8]) {
    let Some((&[choice, low, high], stream)) = data.split_first_chunk() else {
        return;
    };
    let expect = Expect {
        method: if choice & 1 == 0 {
            Method::Get
        } else {
            Method::Head
        },
        range_first: (choice & 2 != 0).then_some(u64::from(choice >> 4)),
        keep_alive: choice & 4 != 0,
    };
    let mut cuts = Cuts(u32::from(low) << 8 | u32::from(high) | 1);
    let mut response = Response::<512>::new(expect);
    let result = drive(&mut response, stream, &mut cuts, choice & 8 != 0);

    let again = response.handle(b"HTTP/1.1 200 OK\r\n\r\n");
    match result {
        Ok(()) => {
            assert!(response.is_complete());
            assert!(
                matches!(again, Ok(step) if step.consumed == 0 && step.event == Event::Complete)
            );
            // Octets after the end were seen now, at the latest.
            assert!(!response.can_reuse());
        }
        Err(error) => {
            assert!(!response.is_complete() && !response.can_reuse());
            assert!(matches!(again, Err(same) if same == error));
            assert_eq!(response.end_of_stream(), Err(error));
        }
    }
}

/// Hands over `stream` piece by piece, then closes.
fn drive(
    response: &mut Response<512>,
    stream: &[u8],
    cuts: &mut Cuts,
    whole: bool,
) -> Result<(), HttpError> {
    let (mut start, mut end) = (0, 0);
    let mut heads = 0;
    let mut body: u64 = 0;
    // Each step consumes, takes or asks for something; a head and the end are one more each.
    let budget = 4 * stream.len() + 8;
    for _ in 0..budget {
        let input = stream.get(start..end).unwrap_or_default();
        let step = response.handle(input)?;
        assert!(step.consumed <= input.len());
        start += step.consumed;
        match step.event {
            Event::NeedInput => {
                assert_eq!(start, end);
                if end == stream.len() {
                    response.end_of_stream()?;
                    break;
                }
                let piece = if whole { stream.len() } else { cuts.next(24) };
                end = stream.len().min(end + piece);
            }
            Event::Head => {
                heads += 1;
                assert_eq!(heads, 1);
                let head = response.head();
                assert!((200..1000).contains(&head.status));
                follow(head.status, response.location());
            }
            Event::Body(octets) | Event::OtherBody(octets) => {
                let asked_for = matches!(step.event, Event::Body(_));
                assert_eq!(asked_for, matches!(response.head().status, 200 | 206));
                assert!(heads == 1 && !octets.is_empty());
                assert_eq!(Some(octets), stream.get(start..start + octets.len()));
                let count = cuts.next(octets.len());
                response.body_taken(count);
                start += count;
                body += count as u64;
            }
            Event::Complete => break,
        }
        assert_eq!(response.body_offset(), response.head().first + body);
    }
    assert!(response.is_complete(), "the budget of steps was not enough");
    if let crate::Framing::Length(length) = response.head().body {
        assert_eq!(body, length);
    }
    Ok(())
}

/// Whatever the redirection, no secret reaches another origin.
fn follow(status: u16, location: &str) {
    let Ok(base) = Uri::parse("http://u:p@host/a/b?c") else {
        return;
    };
    if let Ok(target) = Redirects::default().follow(&base, status, location) {
        assert_eq!(target.has_credentials(), target.same_origin(&base));
        assert!(target.scheme() != Scheme::Tftp && target != base);
    }
}

/// Where to cut, from a seed (xorshift32).
struct Cuts(u32);

impl Cuts {
    /// 1 to `most`, or 1.
    fn next(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        1 + self.0 as usize % most.max(1)
    }
}
