//! What a server answers on one connection: requests that follow each other without waiting (RFC 9112, section 9.3.2), and the
//! server's octets in order, cut into answers.

use std::collections::VecDeque;

/// Octets of an answer's head that are looked at.
const MOST_HEAD: usize = 8192;
/// What ends a head.
const END: &[u8] = b"\r\n\r\n";
/// Segments that are kept for a hole before them to be filled.
const MOST_EARLY: usize = 1024;

/// A part of the file that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acked {
    /// Which request asked for it: what [`Answers::expect`] was given.
    pub part: usize,
    /// From here.
    pub from: u64,
    /// To here.
    pub to: u64,
    /// The answer has no more.
    pub whole: bool,
}

/// The answers of one connection.
#[derive(Debug, Default)]
pub struct Answers {
    /// Sequence number of the client's next octet, once it has sent one: what is repeated is not counted again.
    sent: Option<u32>,
    /// A request that has not ended: where a buffer wraps around, it is cut into two segments.
    request: Vec<u8>,
    /// Sequence number of the server's next octet.
    next: u32,
    /// Segments behind a hole.
    early: Vec<(u32, Vec<u8>)>,
    /// Those that are not acknowledged whole.
    queue: VecDeque<Answer>,
}

/// An answer to a GET.
#[derive(Debug)]
struct Answer {
    part: usize,
    head: Vec<u8>,
    body: Option<Body>,
    /// Sequence number of the body's first octet.
    start: u32,
    /// Octets of the body that arrived.
    arrived: u64,
}

impl Answer {
    fn is_whole(&self) -> bool {
        self.body.is_some_and(|body| self.arrived >= body.octets)
    }
}

/// Where an answer's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    /// Octets of the head.
    pub head: u32,
    /// Its first octet's place in the file.
    pub offset: u64,
    /// How many.
    pub octets: u64,
}

/// How far `of` is behind `from`; `None` when it is before it.
fn behind(of: u32, from: u32) -> Option<u32> {
    Some(of.wrapping_sub(from)).filter(|distance| *distance < 1 << 31)
}

impl Answers {
    /// Requests that end in a segment of the client's, and were not seen before.
    pub fn requests(&mut self, sequence: u32, payload: &[u8]) -> usize {
        let known = match self.sent {
            Some(sent) => match behind(sent, sequence) {
                Some(known) => known as usize,
                // Another connection.
                None => {
                    self.request.clear();
                    0
                }
            },
            None => 0,
        };
        let Some(new) = payload.get(known..).filter(|new| !new.is_empty()) else {
            return 0;
        };
        self.sent = Some(sequence.wrapping_add(payload.len() as u32));
        self.request.extend_from_slice(new);
        let mut requests = 0;
        while let Some(end) = self
            .request
            .windows(END.len())
            .position(|octets| octets == END)
        {
            requests += usize::from(self.request.starts_with(b"GET "));
            self.request.drain(..end + END.len());
        }
        if self.request.len() > MOST_HEAD {
            self.request.clear();
        }
        requests
    }

    /// A request was sent; `ack` is what the client had acknowledged then, `part` how the caller calls it.
    pub fn expect(&mut self, ack: u32, part: usize) {
        if self.queue.is_empty() {
            self.next = ack;
            self.early.clear();
        }
        self.queue.push_back(Answer {
            part,
            head: Vec::new(),
            body: None,
            start: 0,
            arrived: 0,
        });
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// Octets of the server arrived; whether octets of a body became known by that.
    pub fn received(&mut self, sequence: u32, payload: &[u8]) -> bool {
        if self.queue.is_empty() || payload.is_empty() {
            return false;
        }
        let mut bodies = false;
        match behind(self.next, sequence) {
            Some(known) => {
                bodies |= self.feed(payload.get(known as usize..).unwrap_or_default());
            }
            None if self.early.len() < MOST_EARLY => {
                self.early.push((sequence, payload.to_vec()));
            }
            None => {}
        }
        loop {
            let next = self.next;
            let fits = |(sequence, _): &(u32, Vec<u8>)| behind(next, *sequence).is_some();
            let Some(at) = self.early.iter().position(fits) else {
                return bodies;
            };
            let (sequence, payload) = self.early.swap_remove(at);
            let known = next.wrapping_sub(sequence) as usize;
            bodies |= self.feed(payload.get(known..).unwrap_or_default());
        }
    }

    /// Takes in the server's next octets.
    fn feed(&mut self, mut octets: &[u8]) -> bool {
        let mut bodies = false;
        while !octets.is_empty() {
            let Some(index) = self.queue.iter().position(|answer| !answer.is_whole()) else {
                break;
            };
            let answer = &mut self.queue[index];
            let used = match answer.body {
                Some(body) => {
                    let left = body.octets - answer.arrived;
                    let used = left.min(octets.len() as u64);
                    answer.arrived += used;
                    bodies = true;
                    used as usize
                }
                None => {
                    let before = answer.head.len();
                    answer.head.extend_from_slice(octets);
                    let end = answer
                        .head
                        .windows(END.len())
                        .position(|octets| octets == END);
                    let end = end.map(|end| end + END.len());
                    answer.head.truncate(end.unwrap_or(usize::MAX));
                    answer.body = body(&answer.head);
                    let used = answer.head.len() - before;
                    answer.start = self.next.wrapping_add(used as u32);
                    if answer.body.is_none() && (end.is_some() || answer.head.len() > MOST_HEAD) {
                        // Nothing of the file: what follows is looked at from the next request on.
                        self.queue.clear();
                    }
                    used
                }
            };
            self.next = self.next.wrapping_add(used as u32);
            octets = &octets[used..];
        }
        bodies
    }

    /// The client acknowledged the server's octets up to `ack`.
    pub fn acked(&mut self, ack: u32) -> Vec<Acked> {
        let mut parts = Vec::new();
        for answer in &self.queue {
            let Some(body) = answer.body else { break };
            let Some(acked) = behind(ack, answer.start) else {
                break;
            };
            // More than the answer has: the next one, and FIN counts for one.
            let octets = u64::from(acked).min(body.octets);
            parts.push(Acked {
                part: answer.part,
                from: body.offset,
                to: body.offset + octets,
                whole: octets == body.octets,
            });
        }
        let whole = parts.iter().take_while(|part| part.whole).count();
        // An answer may be acknowledged before a segment that was kept is looked at.
        let known = self
            .queue
            .iter()
            .take_while(|answer| answer.is_whole())
            .count();
        self.queue.drain(..whole.min(known));
        parts
    }
}

/// Where the body is in an answer that has one of known length; `None` while its head is not whole.
pub fn body(answer: &[u8]) -> Option<Body> {
    let head = answer.windows(END.len()).position(|octets| octets == END)?;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let status = text.split(' ').nth(1)?;
    let field = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let offset = match status {
        "200" => 0,
        "206" => {
            let range = field("content-range")?.strip_prefix("bytes ")?;
            range.split('-').next()?.parse().ok()?
        }
        _ => return None,
    };
    Some(Body {
        head: (head + END.len()) as u32,
        offset,
        octets: field("content-length")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(first: u64, octets: usize) -> Vec<u8> {
        let last = first + octets as u64 - 1;
        let mut answer = format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: {octets}\r\n\
             Content-Range: bytes {first}-{last}/999999\r\n\r\n"
        )
        .into_bytes();
        answer.resize(answer.len() + octets, b'x');
        answer
    }

    fn acked(answers: &mut Answers, ack: usize) -> Vec<(usize, u64, u64)> {
        let parts = answers.acked(START.wrapping_add(ack as u32));
        parts
            .iter()
            .map(|part| (part.part, part.from, part.to))
            .collect()
    }

    /// Close to where sequence numbers begin anew.
    const START: u32 = u32::MAX - 700;

    #[test]
    fn requests_are_counted_once() {
        let mut answers = Answers::default();
        let one = b"GET /a HTTP/1.1\r\n\r\n";
        let two = [&one[..], one].concat();
        assert_eq!(answers.requests(100, one), 1);
        assert_eq!(answers.requests(100, one), 0);
        assert_eq!(answers.requests(100, &two), 1);
        assert_eq!(answers.requests(119, one), 0);
        assert_eq!(answers.requests(138, one), 1);
        assert_eq!(answers.requests(157, b""), 0);
        // Cut in two, the second part before another request.
        let (first, second) = two.split_at(15);
        assert_eq!(answers.requests(157, first), 0);
        assert_eq!(answers.requests(172, second), 2);
        assert_eq!(answers.requests(157, &two), 0);
        assert_eq!(answers.requests(195, b"HEAD /a HTTP/1.1\r\n\r\n"), 0);
    }

    /// Two answers in a row, cut into segments that come in each of these orders.
    #[test]
    fn answers_in_a_row_are_told_apart() {
        let stream = [answer(0, 1_000), answer(5_000, 700)].concat();
        let first = answer(0, 1_000).len();
        let cuts = [
            0,
            50,
            600,
            first - 10,
            first + 20,
            first + 300,
            stream.len(),
        ];
        for order in [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [1, 0, 3, 5, 2, 4]] {
            let mut answers = Answers::default();
            answers.expect(START, 7);
            answers.expect(START, 8);
            let mut bodies = false;
            for index in order {
                let sequence = START.wrapping_add(cuts[index] as u32);
                bodies |= answers.received(sequence, &stream[cuts[index]..cuts[index + 1]]);
                // A segment that comes twice changes nothing.
                answers.received(sequence, &stream[cuts[index]..cuts[index + 1]]);
            }
            assert!(bodies);
            assert_eq!(acked(&mut answers, first - 100), [(7, 0, 900)]);
            let all = acked(&mut answers, stream.len());
            assert_eq!(all, [(7, 0, 1_000), (8, 5_000, 5_700)], "{order:?}");
            assert_eq!(acked(&mut answers, stream.len()), []);
        }
    }

    #[test]
    fn after_an_answer_without_a_file_the_next_request_counts() {
        let mut answers = Answers::default();
        answers.expect(START, 0);
        let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";
        assert!(!answers.received(START, missing));
        answers.expect(START.wrapping_add(missing.len() as u32), 1);
        let next = START.wrapping_add(missing.len() as u32);
        assert!(answers.received(next, &answer(10, 20)));
        let all = acked(&mut answers, missing.len() + answer(10, 20).len());
        assert_eq!(all, [(1, 10, 30)]);
    }
}
