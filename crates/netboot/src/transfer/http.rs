//! An HTTP exchange, and the connection that it leaves for the next one.
//!
//! The body is looked at where TCP put it, or where TLS decrypted it. What the sink does not take stays in the receive buffer,
//! and TCP's window tells the server to wait.

use super::stream::{Peer, Stream};
use super::{Opened, Pumped, Start, Take};
use crate::NetError;
use crate::stack::{Internal, Stack, Step};
use netboot_core::uri::{MAX_URI, Uri};
use netboot_core::{Device, Instant, Platform};
use netboot_http::{
    Event, Expect, HttpError, Method, Outcome, RangeFrom, Redirects, Request, Response, Validator,
};

/// Longest response head, octets.
const HEAD: usize = 2048;
/// Steps of the decoder in one call.
const BUDGET: usize = 64;

/// One exchange after the other, over one connection where the server allows.
pub(crate) struct HttpTransfer {
    pub(super) response: Response<HEAD>,
    pub(super) stream: Stream,
    /// Since when nothing has come although we would take it.
    pub(super) waiting: Option<Instant>,
    /// Further connections.
    #[cfg(feature = "parallel")]
    pub(super) lanes: super::lanes::Lanes,
}

impl HttpTransfer {
    pub fn new() -> Self {
        Self {
            response: Response::new(Expect {
                method: Method::Get,
                range_first: None,
                keep_alive: true,
            }),
            stream: Stream::new(),
            waiting: None,
            #[cfg(feature = "parallel")]
            lanes: super::lanes::Lanes::new(),
        }
    }

    pub fn validator(&self) -> Option<&Validator> {
        self.response.head().validator.as_ref()
    }

    /// Sends the request and waits for the head of the answer; follows redirects.
    #[inline(never)]
    pub fn open<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &mut Uri,
        start: Start<'_>,
    ) -> Internal<Opened> {
        let mut redirects = Redirects::new(stack.options.redirects);
        // The hop limit of `Redirects` ends this; nothing is asked again more than once.
        loop {
            if !Stream::supports(stack, uri) {
                return Err(stack.fail(NetError::Unsupported));
            }
            let result = self.exchange(stack, uri, start);
            if result.is_err() {
                self.stream.disconnect(stack);
            }
            result?;
            #[cfg(feature = "parallel")]
            if self.divide(stack, uri, start) == super::lanes::Divided::AskAgain {
                self.close(stack);
                continue;
            }
            let head = self.response.head();
            match head.outcome() {
                outcome @ (Outcome::Content | Outcome::PartialContent) => {
                    let opened = Opened {
                        total: head.total,
                        first: head.first,
                    };
                    // Nothing but the server's word says that `If-Range` was looked at.
                    let same = match outcome {
                        Outcome::PartialContent => head.continues(start.total, start.validator),
                        _ => Ok(()),
                    };
                    if let Err(error) = same {
                        self.close(stack);
                        return Err(stack.fail(error.into()));
                    }
                    return Ok(opened);
                }
                Outcome::Redirect => {
                    let next = redirects.follow(uri, head.status, &head.location);
                    // Its body is not worth waiting for.
                    self.close(stack);
                    *uri = next.map_err(|error| stack.fail(error.into()))?;
                }
                Outcome::Failed(error) => {
                    self.close(stack);
                    return Err(stack.fail(error.into()));
                }
            }
        }
    }

    /// One request and the head of its answer.
    #[inline(never)]
    fn exchange<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Internal {
        let peer = Peer {
            address: stack.resolve(uri)?,
            port: uri.port(),
            #[cfg(feature = "https")]
            secure: uri.scheme() == netboot_core::uri::Scheme::Https,
        };
        self.close(stack);
        if self.stream.serves(stack, peer, uri) {
            let result = self.request(stack, uri, start);
            // The server may close an idle connection at any moment (RFC 9112, section 9.5).
            let stale = stack.error().is_some_and(NetError::is_stale);
            if result.is_ok() || !stale {
                return result;
            }
        }
        self.stream.connect(stack, peer, uri)?;
        self.request(stack, uri, start)
    }

    #[inline(never)]
    fn request<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Internal {
        self.send_request(stack, uri, start)
            .map_err(|error| stack.fail(error))?;
        stack.flush();
        #[cfg(feature = "parallel")]
        let begun = stack.platform.now();
        let limit = Instant::FAR_FUTURE;
        let result = stack.run(limit, NetError::Stalled, |stack, now| {
            let mut nobody = |_: &[u8]| 0;
            match self.step(stack, now, 0, &mut nobody)? {
                Stepped::Head => Ok(Step::Done(())),
                Stepped::Nothing(until) => Ok(Step::Again(until)),
                Stepped::Taken(_) | Stepped::Complete => Err(stack.fail(HttpError::BadHead.into())),
            }
        });
        #[cfg(feature = "parallel")]
        {
            // The SYN may have waited for a hardware address.
            let took = stack.platform.now().since(begun);
            self.stream.rtt = self.stream.rtt.min(took);
        }
        result
    }

    /// Writes the request into the socket's buffer.
    #[inline(never)]
    fn send_request<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Result<(), NetError> {
        #[cfg(feature = "parallel")]
        let start = self.first_stripe(stack, uri, start);
        self.waiting = None;
        write_request(
            &mut self.stream,
            stack,
            uri,
            start,
            Some(&mut self.response),
        )
    }

    /// See [`Transfer::pump`](super::Transfer::pump).
    pub fn pump<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        match self.step(stack, now, max, take)? {
            Stepped::Taken(octets) => Ok(Pumped::Octets(octets)),
            Stepped::Complete => Ok(Pumped::Complete),
            Stepped::Head => Ok(Pumped::Octets(0)),
            Stepped::Nothing(until) => Ok(Pumped::Nothing(until)),
        }
    }

    /// Lets the decoder see what has arrived, until it has something to tell.
    #[inline(never)]
    pub(super) fn step<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Stepped> {
        for _ in 0..BUDGET {
            if self.response.is_complete() {
                return Ok(Stepped::Complete);
            }
            let response = &mut self.response;
            let mut decoded = Ok(None);
            let looked = self.stream.look(stack, &mut |input| {
                let (used, result) = decode(response, input, max, take);
                decoded = result;
                used
            });
            match looked {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(stack.fail(error)),
            }
            self.waiting = None;
            match decoded {
                Ok(Some(stepped)) => return Ok(stepped),
                Ok(None) => {}
                Err(error) => return Err(stack.fail(error.into())),
            }
        }
        // A body that ended with the last octet received needs no further one to be complete.
        let mut nobody = |_: &[u8]| 0;
        match decode(&mut self.response, &[], 0, &mut nobody).1 {
            Ok(Some(stepped)) => return Ok(stepped),
            Ok(None) => {}
            Err(error) => return Err(stack.fail(error.into())),
        }
        match self.stream.ended(stack) {
            Ok(false) => {}
            Ok(true) => {
                return match self.response.end_of_stream() {
                    Ok(()) => Ok(Stepped::Complete),
                    Err(error) => Err(stack.fail(error.into())),
                };
            }
            Err(error) => return Err(stack.fail(error)),
        }
        let limit = *self.waiting.get_or_insert(now) + stack.options.stall_timeout;
        if now >= limit {
            return Err(stack.fail(NetError::Stalled));
        }
        Ok(Stepped::Nothing(limit))
    }

    /// Keeps the connection when the response was read to the end, else cuts it.
    pub fn close<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        #[cfg(feature = "parallel")]
        if self.is_parallel() {
            return self.close_lanes(stack);
        }
        // Whoever took the last octet may not have asked what follows it. After an error nothing is reused.
        let _ = decode(&mut self.response, &[], 0, &mut |_| 0);
        if !self.response.can_reuse() {
            self.stream.disconnect(stack);
        }
    }
}

/// What a step of the decoder brought.
pub(super) enum Stepped {
    Head,
    Taken(usize),
    Complete,
    Nothing(Instant),
}

/// Writes a request into the socket's buffer, and makes the decoder of its answer ready.
#[cfg_attr(feature = "parallel", inline(never))]
#[cfg_attr(not(feature = "parallel"), inline(always))]
pub(super) fn write_request<D: Device, P: Platform>(
    stream: &mut Stream,
    stack: &mut Stack<'_, D, P>,
    uri: &Uri,
    start: Start<'_>,
    response: Option<&mut Response<HEAD>>,
) -> Result<(), NetError> {
    let mut secret = [0; MAX_URI];
    let request = Request {
        method: Method::Get,
        authority: uri.authority(),
        target: uri.target(),
        range: (start.offset > 0 || start.end.is_some()).then_some(RangeFrom {
            first: start.offset,
            last: start.end.and_then(|end| end.checked_sub(1)),
            if_range: start.validator,
        }),
        credentials: uri.credentials(&mut secret)?,
        user_agent: stack.options.user_agent,
        keep_alive: true,
    };
    if let Some(response) = response {
        response.restart(request.expect());
    }
    let mut encoded = Ok(());
    stream.send(stack, &mut |buffer| {
        let written = request.encode(buffer);
        encoded = written.map(|_| ());
        written.unwrap_or(0)
    })?;
    Ok(encoded?)
}

type Decoded = Result<Option<Stepped>, HttpError>;

/// One look at the receive buffer; returns how many octets of it are used up.
#[inline(never)]
pub(super) fn decode(
    response: &mut Response<HEAD>,
    input: &[u8],
    max: usize,
    take: Take<'_>,
) -> (usize, Decoded) {
    let step = match response.handle(input) {
        Ok(step) => step,
        Err(error) => return (0, Err(error)),
    };
    match step.event {
        Event::NeedInput => (step.consumed, Ok(None)),
        Event::Head => (step.consumed, Ok(Some(Stepped::Head))),
        Event::Complete => (step.consumed, Ok(Some(Stepped::Complete))),
        Event::Body(body) => {
            let offered = body.get(..max).unwrap_or(body);
            let taken = if offered.is_empty() { 0 } else { take(offered) };
            response.body_taken(taken);
            (
                step.consumed.saturating_add(taken),
                Ok(Some(Stepped::Taken(taken))),
            )
        }
    }
}
