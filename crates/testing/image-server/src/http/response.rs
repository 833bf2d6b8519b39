//! A response as it goes out: head, framed body, and the accidents that befall it.

use crate::content::Content;
use crate::stack::time_for;
use netboot_core::{Duration, Instant};

/// What happens after a response, or in the middle of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The next request is read.
    KeepAlive,
    /// The connection is closed in order.
    Close,
    /// The connection is closed; over TLS without saying so first.
    Cut,
    /// The connection is reset, once the client has what was sent.
    Reset,
    /// Nothing, for ever.
    Stall,
}

/// A response that is being sent.
#[derive(Debug)]
pub struct Response {
    /// Octets that go out before the body goes on: the head, chunk heads.
    staged: Vec<u8>,
    staged_sent: usize,
    content: Content,
    offset: u64,
    /// Octets of the body still to be sent.
    remaining: u64,
    body_sent: u64,
    chunk: Option<Chunking>,
    /// Octets that follow the body.
    trailing: Vec<u8>,
    after: After,
    /// An accident, after so many octets of the body.
    cut: Option<(u64, After)>,
    /// Octets for the transport's stream, after so many octets of the body.
    raw: Option<(u64, Vec<u8>)>,
    corrupt: Vec<u64>,
    drip: Option<Drip>,
    not_before: Instant,
}

#[derive(Debug)]
struct Chunking {
    size: u64,
    left: u64,
    begun: u64,
    ended: bool,
    broken: bool,
}

#[derive(Debug)]
struct Drip {
    per_second: u64,
    next: Instant,
}

impl Response {
    /// A response of `head` and `length` octets of `content` from `offset`.
    pub fn new(head: Vec<u8>, content: Content, offset: u64, length: u64, after: After) -> Self {
        Self {
            staged: head,
            staged_sent: 0,
            content,
            offset,
            remaining: length,
            body_sent: 0,
            chunk: None,
            trailing: Vec::new(),
            after,
            cut: None,
            raw: None,
            corrupt: Vec::new(),
            drip: None,
            not_before: Instant::ZERO,
        }
    }

    /// Sends the body in chunks of `size` octets (RFC 9112 section 7.1); the second one's size is no number
    /// if `broken`.
    pub fn chunked(&mut self, size: u64, broken: bool) {
        self.chunk = Some(Chunking {
            size: size.max(1),
            left: 0,
            begun: 0,
            ended: false,
            broken,
        });
    }

    /// Lets the response end in `after` when `octets` of the body were sent.
    pub fn cut(&mut self, octets: u64, after: After) {
        self.cut = Some((octets, after));
    }

    /// Has `octets` put into the transport's stream when so many octets of the body were sent.
    pub fn raw(&mut self, after: u64, octets: &[u8]) {
        self.raw = Some((after, octets.to_vec()));
    }

    /// What is to be put into the transport's stream now. Until it is taken, the body does not go on.
    pub fn take_raw(&mut self) -> Option<Vec<u8>> {
        if !self.holds() {
            return None;
        }
        self.raw.take().map(|(_, octets)| octets)
    }

    /// Whether everything before raw octets was filled in.
    fn holds(&self) -> bool {
        let reached = |(at, _): &(u64, Vec<u8>)| self.body_sent >= *at;
        self.staged_sent == self.staged.len() && self.raw.as_ref().is_some_and(reached)
    }

    /// Inverts the octet at `offset` of the file.
    pub fn corrupt(&mut self, offset: u64) {
        self.corrupt.push(offset);
    }

    /// Sends no faster than `per_second` octets.
    pub fn drip(&mut self, now: Instant, per_second: u64) {
        self.drip = Some(Drip {
            per_second,
            next: now,
        });
    }

    /// Sends nothing before `at`.
    pub fn not_before(&mut self, at: Instant) {
        self.not_before = at;
    }

    /// Appends octets that belong to nothing.
    pub fn trailing(&mut self, octets: &[u8]) {
        self.trailing.extend_from_slice(octets);
    }

    /// Fills `out` with what comes next; 0 when there is nothing, for now or for good.
    pub fn fill(&mut self, now: Instant, out: &mut [u8]) -> usize {
        /// What a drip lets through at a time.
        const DROP: usize = 64;
        if now < self.not_before || self.drip.as_ref().is_some_and(|drip| now < drip.next) {
            return 0;
        }
        let room = if self.drip.is_some() {
            out.len().min(DROP)
        } else {
            out.len()
        };
        let out = &mut out[..room];
        let mut filled = 0;
        while filled < out.len() {
            let length = self.fill_piece(&mut out[filled..]);
            if length == 0 && !self.stage() {
                break;
            }
            filled += length;
        }
        if let Some(drip) = &mut self.drip {
            drip.next =
                now + time_for(filled as u64, drip.per_second).max(Duration::from_micros(1));
        }
        filled
    }

    /// When [`fill`](Self::fill) will have something again, if it waits for that.
    pub fn poll_at(&self) -> Option<Instant> {
        if self.end().is_some() {
            return None;
        }
        let drip = self.drip.as_ref().map_or(Instant::ZERO, |drip| drip.next);
        Some(drip.max(self.not_before))
    }

    /// What comes after it, once everything was filled in.
    pub fn end(&self) -> Option<After> {
        if self.staged_sent < self.staged.len() || self.holds() {
            return None;
        }
        match self.cut {
            Some((at, after)) if self.body_sent >= at => return Some(after),
            _ => {}
        }
        let open_chunks = self.chunk.as_ref().is_some_and(|chunk| !chunk.ended);
        let over = self.remaining == 0 && !open_chunks && self.trailing.is_empty();
        over.then_some(self.after)
    }

    /// Octets of the body that were filled in.
    pub fn body_sent(&self) -> u64 {
        self.body_sent
    }

    /// Whether all of the body was filled in.
    pub fn is_whole(&self) -> bool {
        self.remaining == 0
    }

    /// Fills in some of what was staged or of the body.
    fn fill_piece(&mut self, out: &mut [u8]) -> usize {
        if let Some(staged) = self.staged.get(self.staged_sent..)
            && !staged.is_empty()
        {
            let length = staged.len().min(out.len());
            out[..length].copy_from_slice(&staged[..length]);
            self.staged_sent += length;
            return length;
        }
        if self.end().is_some() || self.holds() {
            return 0;
        }
        let mut limit = self.remaining;
        if let Some(chunk) = &self.chunk {
            limit = limit.min(chunk.left);
        }
        if let Some((at, _)) = self.cut {
            limit = limit.min(at - self.body_sent);
        }
        if let Some((at, _)) = self.raw {
            limit = limit.min(at - self.body_sent);
        }
        let room = usize::try_from(limit).map_or(out.len(), |limit| out.len().min(limit));
        let length = self.content.read(self.offset, &mut out[..room]);
        for at in &self.corrupt {
            if let Some(index) = at.checked_sub(self.offset)
                && index < length as u64
            {
                out[index as usize] ^= 0xFF;
            }
        }
        self.offset += length as u64;
        self.remaining -= length as u64;
        self.body_sent += length as u64;
        if let Some(chunk) = &mut self.chunk {
            chunk.left -= length as u64;
        }
        length
    }

    /// Stages what frames the body; whether there is something to go on with.
    fn stage(&mut self) -> bool {
        if self.end().is_some() || self.holds() {
            return false;
        }
        self.staged.clear();
        self.staged_sent = 0;
        match &mut self.chunk {
            Some(chunk) if chunk.left == 0 && !chunk.ended => {
                if chunk.begun > 0 {
                    self.staged.extend_from_slice(b"\r\n");
                }
                chunk.begun += 1;
                chunk.left = chunk.size.min(self.remaining);
                chunk.ended = chunk.left == 0;
                if chunk.broken && chunk.begun == 2 {
                    self.staged.extend_from_slice(b"no number\r\n");
                } else {
                    let head = format!("{:x}\r\n", chunk.left);
                    self.staged.extend_from_slice(head.as_bytes());
                }
                if chunk.ended {
                    self.staged.extend_from_slice(b"\r\n");
                }
                true
            }
            _ if self.remaining == 0 && !self.trailing.is_empty() => {
                self.staged = std::mem::take(&mut self.trailing);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn response(text: &str) -> Response {
        Response::new(
            b"HEAD\n".to_vec(),
            text.into(),
            0,
            text.len() as u64,
            After::KeepAlive,
        )
    }

    /// All of it, through a buffer of `room` octets.
    fn all(response: &mut Response, room: usize) -> (String, Option<After>) {
        let mut out = Vec::new();
        let mut buffer = vec![0; room];
        loop {
            let length = response.fill(Instant::ZERO, &mut buffer);
            out.extend_from_slice(&buffer[..length]);
            if length == 0 {
                return (String::from_utf8(out).unwrap(), response.end());
            }
        }
    }

    #[test]
    fn bodies_are_framed_whatever_the_room() {
        for room in 1..40 {
            assert_eq!(
                all(&mut response("hello"), room),
                ("HEAD\nhello".into(), Some(After::KeepAlive))
            );
            let mut chunked = response("hello");
            chunked.chunked(2, false);
            chunked.trailing(b"junk");
            assert_eq!(
                all(&mut chunked, room),
                (
                    "HEAD\n2\r\nhe\r\n2\r\nll\r\n1\r\no\r\n0\r\n\r\njunk".into(),
                    Some(After::KeepAlive)
                )
            );
            let mut empty = response("");
            empty.chunked(2, false);
            assert_eq!(all(&mut empty, room).0, "HEAD\n0\r\n\r\n");
        }
    }

    #[test]
    fn accidents() {
        let mut cut = response("hello");
        cut.cut(3, After::Reset);
        assert_eq!(all(&mut cut, 99), ("HEAD\nhel".into(), Some(After::Reset)));
        assert!(!cut.is_whole());
        let mut broken = response("hello");
        broken.chunked(2, true);
        assert!(
            all(&mut broken, 99)
                .0
                .starts_with("HEAD\n2\r\nhe\r\nno number\r\nll")
        );
        let mut at_once = response("hello");
        at_once.cut(0, After::Stall);
        assert_eq!(all(&mut at_once, 99), ("HEAD\n".into(), Some(After::Stall)));
    }

    #[test]
    fn drip_keeps_its_rate() {
        let mut response = response(&"x".repeat(995));
        response.drip(Instant::ZERO, 1_000);
        let mut now = Instant::ZERO;
        let mut buffer = [0; 4_000];
        let mut total = 0;
        while let Some(at) = response.poll_at() {
            now = at;
            total += response.fill(now, &mut buffer);
            assert_eq!(response.fill(now, &mut buffer), 0);
        }
        assert_eq!(total, 1_000);
        assert!((900..1_000).contains(&now.as_millis()), "{now}");
    }

    proptest! {
        #[test]
        fn any_accidents_end(
            length in 0_usize..300, room in 1_usize..50, chunk in 0_u64..20, cut in 0_u64..300, drip in 0_u64..3,
        ) {
            let mut response = response(&"y".repeat(length));
            if chunk > 0 {
                response.chunked(chunk, chunk % 3 == 0);
            }
            response.cut(cut, After::Close);
            if drip > 0 {
                response.drip(Instant::ZERO, drip * 1_000);
            }
            let mut buffer = vec![0; room];
            let mut rounds = 0;
            while let Some(at) = response.poll_at() {
                response.fill(at, &mut buffer);
                rounds += 1;
                prop_assert!(rounds < 10_000);
            }
            prop_assert_eq!(response.body_sent(), (length as u64).min(cut));
        }
    }
}
