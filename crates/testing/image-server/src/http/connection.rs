//! One HTTP connection, sans-IO: requests in, responses out. What carries it, TCP or TLS, it does not know.

use super::answer;
use super::request::{self, Parsed};
use super::response::{After, Response};
use crate::served::{Protocol, Served};
use crate::shared::Shared;
use netboot_core::Instant;

/// What the transport has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Close in order.
    Close,
    /// Close without a word that a layer below HTTP would say.
    Cut,
    /// Reset.
    Reset,
}

/// A connection.
pub struct Connection {
    protocol: Protocol,
    inbox: Vec<u8>,
    /// Octets of content that come before the next request, and that nobody reads.
    skipped: usize,
    state: State,
    requests: u32,
    idle_since: Instant,
    /// The transport takes nothing now; it will say when it does.
    blocked: bool,
}

enum State {
    /// Waits for a request.
    Reading,
    /// Sends a response; the record is complete but for its end.
    Responding(Box<Response>, Served),
    /// Says nothing any more, and keeps the connection.
    Mute,
    /// Nothing more is sent.
    Ended(End),
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(now: Instant, protocol: Protocol) -> Self {
        Self {
            protocol,
            inbox: Vec::new(),
            skipped: 0,
            state: State::Reading,
            requests: 0,
            idle_since: now,
            blocked: false,
        }
    }

    /// How many octets may be received.
    pub fn room(&self) -> usize {
        (request::LONGEST_HEAD + request::LONGEST_CONTENT).saturating_sub(self.inbox.len())
    }

    /// Takes received octets, no more than there is [`room`](Self::room) for.
    pub fn receive(&mut self, now: Instant, octets: &[u8]) {
        self.idle_since = now;
        match self.state {
            State::Reading | State::Responding(..) => self.inbox.extend_from_slice(octets),
            State::Mute | State::Ended(_) => {}
        }
    }

    /// Goes on. `flushed` says that the client has acknowledged all that was sent. Whether anything changed.
    pub fn service(&mut self, now: Instant, flushed: bool, shared: &mut Shared) -> bool {
        match &mut self.state {
            State::Reading => self.read(now, shared),
            State::Responding(response, _) => {
                let Some(after) = response.end().filter(|_| flushed) else {
                    return false;
                };
                self.finish(now, after, shared);
                true
            }
            State::Mute | State::Ended(_) => false,
        }
    }

    /// Fills `out` with what is to be sent; 0 when there is nothing now.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> usize {
        match &mut self.state {
            State::Responding(response, _) => response.fill(now, out),
            _ => 0,
        }
    }

    /// What is to be put into the stream below TLS now; nothing goes on before it was taken.
    pub fn take_raw(&mut self) -> Option<Vec<u8>> {
        match &mut self.state {
            State::Responding(response, _) => response.take_raw(),
            _ => None,
        }
    }

    /// How many requests have come.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// Says whether the transport has no room to [`transmit`](Self::transmit) into.
    pub fn set_blocked(&mut self, blocked: bool) {
        self.blocked = blocked;
    }

    /// Whether the transport is to end. An orderly end follows the last octet at once, without waiting for
    /// its acknowledgement.
    pub fn end(&self) -> Option<End> {
        match &self.state {
            State::Ended(end) => Some(*end),
            State::Responding(response, _) => match response.end() {
                Some(After::Close) => Some(End::Close),
                Some(After::Cut) => Some(End::Cut),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether everything before this point was answered: the client may close.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Reading)
    }

    /// Whether it says nothing any more and stays open.
    pub fn is_mute(&self) -> bool {
        matches!(self.state, State::Mute)
    }

    /// When there is something to do without new octets.
    pub fn poll_at(&self, shared: &Shared) -> Option<Instant> {
        match &self.state {
            State::Reading => Some(self.idle_since + shared.config.http.idle_timeout),
            State::Responding(..) if self.blocked => None,
            State::Responding(response, _) => response.poll_at(),
            State::Mute | State::Ended(_) => None,
        }
    }

    /// The transport is gone: what was being served is recorded.
    pub fn lost(&mut self, now: Instant, shared: &mut Shared) {
        if let State::Responding(response, mut served) =
            std::mem::replace(&mut self.state, State::Ended(End::Close))
        {
            served.octets = response.body_sent();
            served.complete = false;
            served.at = now;
            shared.served(served);
        }
    }

    fn read(&mut self, now: Instant, shared: &mut Shared) -> bool {
        let skipped = self.skipped.min(self.inbox.len());
        self.inbox.drain(..skipped);
        self.skipped -= skipped;
        let (mut request, length) = match request::parse(&self.inbox) {
            Parsed::Partial => return self.is_given_up(now, shared),
            Parsed::Head(request, length) => (request, length),
            Parsed::Broken(status) => {
                self.inbox.clear();
                let response = answer::bare(status);
                self.state = State::Responding(
                    Box::new(response),
                    Served::begun(now, self.protocol, "", status),
                );
                return true;
            }
        };
        let mut end = length;
        let takes = answer::takes_content(&request, shared);
        if takes && shared.config.http.answers_early {
            self.skipped = request.content_length;
            request.has_content = false;
        } else if takes {
            end = length.saturating_add(request.content_length);
            let Some(content) = self.inbox.get(length..end) else {
                return self.is_given_up(now, shared);
            };
            request.content = content.to_vec();
            request.has_content = false;
        }
        self.inbox.drain(..end);
        self.requests += 1;
        let most = shared.config.http.max_requests;
        let last = most.is_some_and(|most| self.requests >= most);
        self.state = match answer::to(now, self.protocol, &request, last, shared) {
            answer::Answer::Response(response, served) => State::Responding(response, served),
            answer::Answer::Mute => {
                shared.record(now, self.protocol, &request.name, 0, false);
                State::Mute
            }
        };
        true
    }

    /// Ends the connection when a request has been awaited for too long; says whether it did.
    fn is_given_up(&mut self, now: Instant, shared: &Shared) -> bool {
        let idle = now.since(self.idle_since) >= shared.config.http.idle_timeout;
        if idle {
            self.state = State::Ended(End::Close);
        }
        idle
    }

    fn finish(&mut self, now: Instant, after: After, shared: &mut Shared) {
        let next = match after {
            After::KeepAlive => State::Reading,
            After::Close => State::Ended(End::Close),
            After::Cut => State::Ended(End::Cut),
            After::Reset => State::Ended(End::Reset),
            After::Stall => State::Mute,
        };
        self.idle_since = now;
        if let State::Responding(response, mut served) = std::mem::replace(&mut self.state, next) {
            served.octets = response.body_sent();
            served.complete = response.is_whole();
            served.at = now;
            shared.served(served);
        }
    }
}
