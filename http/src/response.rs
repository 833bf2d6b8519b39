//! Reads a response as its octets come in.
//!
//! The head is collected in a buffer of its own, because a parser needs it in one piece. The body is
//! never copied. One call does work in proportion to its input, plus one pass over the
//! head.

use crate::chunked::{Chunked, Next};
use crate::collect::Collected;
use crate::error::{Fault, HttpError};
use crate::expect::Expect;
use crate::head::{self, Framing, Head};

/// Greatest number of interim responses (1xx) that are skipped before the final one.
pub const MAX_INTERIM: u8 = 8;

/// What [`Response::handle`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'i> {
    /// Number of octets at the start of the input that are done with. Drop them before the next call.
    pub consumed: usize,
    /// What follows these octets.
    pub event: Event<'i>,
}

/// What follows the consumed octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// All input was consumed. Call [`handle`](Response::handle) again when there is more, or
    /// [`end_of_stream`](Response::end_of_stream) when there will be none.
    NeedInput,
    /// [`Response::head`] is there. This comes once for each response.
    Head,
    /// Octets of the content that was asked for are there: the status is 200 or 206. The slice is never empty, and its octets are not consumed
    /// yet. Take as many as there is room for, drop them from the input, and say so with [`Response::body_taken`]. The rest is offered
    /// again.
    Body(&'i [u8]),
    /// Octets of the body of an answer with any other status are there, such as the error page of a 404. They are no part of the file.
    /// Take or drop them as those of [`Event::Body`]: [`Response::body_taken`] counts both. A caller that has no use for them closes the
    /// connection.
    OtherBody(&'i [u8]),
    /// The response is complete. Input that follows is no part of it.
    Complete,
}

enum State {
    Head,
    /// The body has `expected` octets; 0 for no body.
    Length,
    Chunked(Chunked),
    Close,
    Complete,
    Failed(HttpError),
}

/// The decoder of one response. `HEAD` is the size in octets of the greatest head that is accepted.
pub struct Response<const HEAD: usize = 2048> {
    expect: Expect,
    raw: Collected<HEAD>,
    interim: u8,
    head: Head,
    state: State,
    /// Number of body octets that will come, if known.
    expected: Option<u64>,
    taken: u64,
    offered: usize,
    /// Set when octets came after the end, so that the connection is out of step.
    surplus: bool,
}

impl<const HEAD: usize> Response<HEAD> {
    /// Makes a decoder for the answer to the request that `expect` describes.
    pub fn new(expect: Expect) -> Self {
        Self {
            expect,
            raw: Collected::new(),
            interim: 0,
            head: Head::default(),
            state: State::Head,
            expected: None,
            taken: 0,
            offered: 0,
            surplus: false,
        }
    }

    /// Begins anew, in place, for the next request on the same or another connection.
    pub fn restart(&mut self, expect: Expect) {
        self.expect = expect;
        self.raw.clear();
        self.interim = 0;
        self.head.reset();
        self.state = State::Head;
        self.expected = None;
        self.taken = 0;
        self.offered = 0;
        self.surplus = false;
    }

    /// Looks at `input`, the received octets that were neither consumed nor taken yet.
    ///
    /// # Errors
    /// Fails when the response is unusable. The connection is then of no more use, and every later
    /// call returns the same error. A status other than 200 and 206 is no error here; see
    /// [`Head::outcome`].
    pub fn handle<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, HttpError> {
        self.offered = 0;
        self.step(input).inspect_err(|error| self.fail(*error))
    }

    /// Notes that the first `count` octets of the last [`Event::Body`] or [`Event::OtherBody`] were taken. It may be called
    /// several times for one event, up to the length of its slice.
    pub fn body_taken(&mut self, count: usize) {
        let Some(left) = self.offered.checked_sub(count) else {
            self.fail(HttpError::BodyOvertaken);
            return;
        };
        self.offered = left;
        self.taken = self.taken.saturating_add(count as u64);
        if let State::Chunked(chunked) = &mut self.state {
            chunked.taken(count as u64);
        }
    }

    /// Notes that the server closed the connection and that all its octets were handled.
    ///
    /// Returns `Ok` when the response is complete, either because it was so already, or because it ends with the close and no
    /// length was announced.
    ///
    /// # Errors
    /// Fails with [`HttpError::Truncated`], [`HttpError::Closed`], or the error that came before.
    pub fn end_of_stream(&mut self) -> Result<(), HttpError> {
        self.surplus = true;
        let error = match &self.state {
            State::Failed(error) => *error,
            State::Head => HttpError::Closed,
            State::Length if self.expected == Some(self.taken) => {
                self.state = State::Complete;
                return Ok(());
            }
            State::Length | State::Chunked(_) => self.truncated(),
            State::Close if self.offered > 0 => self.truncated(),
            State::Close | State::Complete => {
                self.state = State::Complete;
                return Ok(());
            }
        };
        self.fail(error);
        Err(error)
    }

    /// The head. All its fields are zero and empty before [`Event::Head`].
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// `Location` without its fragment. It is empty when absent.
    pub fn location(&self) -> &str {
        let location = self.raw.as_slice().get(self.head.location.clone());
        core::str::from_utf8(location.unwrap_or_default()).unwrap_or("")
    }

    /// Whether the whole response has come and was taken.
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    /// Whether the connection can carry another request (RFC 9112 section 9.3). It cannot before
    /// [`Event::Complete`], nor after octets that nobody asked for.
    pub fn can_reuse(&self) -> bool {
        self.is_complete() && self.expect.keep_alive && self.head.keep_alive && !self.surplus
    }

    /// Offset of the next body octet in the complete content, from which a transfer is resumed.
    pub fn body_offset(&self) -> u64 {
        self.head.first.saturating_add(self.taken)
    }

    fn step<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, HttpError> {
        let left = self
            .expected
            .map(|octets| octets.saturating_sub(self.taken));
        match &mut self.state {
            State::Failed(error) => Err(*error),
            State::Complete => Ok(self.complete(0, input)),
            State::Head => self.head_octets(input),
            State::Length if left == Some(0) => Ok(self.complete(0, input)),
            State::Length | State::Close => Ok(self.offer(0, input, left.unwrap_or(u64::MAX))),
            State::Chunked(chunked) => {
                let (consumed, next) = chunked.advance(input)?;
                match next {
                    Next::NeedInput => Ok(Step {
                        consumed,
                        event: Event::NeedInput,
                    }),
                    Next::Data(size) => match self.expected {
                        // RFC 9110 section 14.4: the range and its body have one length.
                        Some(expected) if left < Some(size) => {
                            Err(HttpError::BodyTooLong { expected })
                        }
                        _ => Ok(self.offer(consumed, input, size)),
                    },
                    Next::End if left.unwrap_or(0) > 0 => Err(self.truncated()),
                    Next::End => Ok(self.complete(consumed, input)),
                }
            }
        }
    }

    fn head_octets<'i>(&mut self, input: &'i [u8]) -> Result<Step<'i>, HttpError> {
        for (at, octet) in input.iter().enumerate() {
            if !self.raw.push(*octet)? {
                continue;
            }
            if head::read(self.raw.as_slice(), &self.expect, &mut self.head)? {
                self.begin_body();
                return Ok(Step {
                    consumed: at + 1,
                    event: Event::Head,
                });
            }
            self.raw.clear();
            if self.interim >= MAX_INTERIM {
                return Err(Fault::TooManyInterim.into());
            }
            self.interim += 1;
        }
        Ok(Step {
            consumed: input.len(),
            event: Event::NeedInput,
        })
    }

    fn begin_body(&mut self) {
        self.expected = self.head.range_length;
        self.state = match self.head.body {
            Framing::None => {
                self.expected = Some(0);
                State::Length
            }
            Framing::Length(length) => {
                self.expected = Some(length);
                State::Length
            }
            Framing::Chunked => State::Chunked(Chunked::new()),
            // The length of a range is known even so, and an early close is noticed.
            Framing::Close if self.expected.is_some() => State::Length,
            Framing::Close => State::Close,
        };
    }

    fn offer<'i>(&mut self, consumed: usize, input: &'i [u8], most: u64) -> Step<'i> {
        let body = input.get(consumed..).unwrap_or_default();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let body = body.get(..most).unwrap_or(body);
        self.offered = body.len();
        Step {
            consumed,
            event: match self.head.status {
                _ if body.is_empty() => Event::NeedInput,
                200 | 206 => Event::Body(body),
                _ => Event::OtherBody(body),
            },
        }
    }

    fn complete<'i>(&mut self, consumed: usize, input: &[u8]) -> Step<'i> {
        self.state = State::Complete;
        self.surplus |= input.len() > consumed;
        Step {
            consumed,
            event: Event::Complete,
        }
    }

    fn truncated(&self) -> HttpError {
        HttpError::Truncated {
            got: self.taken,
            expected: self.expected,
        }
    }

    fn fail(&mut self, error: HttpError) {
        self.offered = 0;
        self.state = State::Failed(error);
    }
}

#[cfg(test)]
mod tests;
