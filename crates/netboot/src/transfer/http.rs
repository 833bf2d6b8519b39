//! An HTTP exchange on the TCP socket, and the connection that it leaves for the next one.
//!
//! The body is looked at where TCP put it. What the sink does not take stays in the receive buffer,
//! and TCP's window tells the server to wait.

use super::{Opened, Pumped, Start, Take};
use crate::NetError;
use crate::stack::{Internal, Stack, Step, span};
use core::net::Ipv4Addr;
use netboot_core::uri::{MAX_URI, Scheme, Uri};
use netboot_core::{Device, Instant, Platform};
use netboot_http::{
    Event, Expect, HttpError, Method, Outcome, RangeFrom, Redirects, Request, Response, Validator,
};
use smoltcp::socket::tcp::State;
use smoltcp::wire::IpAddress;

/// Longest response head, octets.
const HEAD: usize = 2048;
/// A port that nobody connects to while it is looked at.
const DISCARD: u16 = 9;
/// Steps of the decoder in one call.
const BUDGET: usize = 64;

/// One exchange after the other, over one connection where the server allows.
pub(crate) struct HttpTransfer {
    response: Response<HEAD>,
    /// Whom the socket is connected to.
    peer: Option<(Ipv4Addr, u16)>,
    /// Since when nothing has come although we would take it.
    waiting: Option<Instant>,
}

impl HttpTransfer {
    pub fn new() -> Self {
        Self {
            response: Response::new(Expect {
                method: Method::Get,
                range_first: None,
                keep_alive: true,
            }),
            peer: None,
            waiting: None,
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
        // The hop limit of `Redirects` ends this.
        loop {
            let result = self.exchange(stack, uri, start);
            if result.is_err() {
                self.disconnect(stack);
            }
            result?;
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
            if uri.scheme() != Scheme::Http {
                return Err(stack.fail(NetError::Unsupported));
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
        let peer = (stack.resolve(uri)?, uri.port());
        self.close(stack);
        if self.peer == Some(peer) && stack.tcp().may_send() && stack.tcp().may_recv() {
            let result = self.request(stack, uri, start);
            // The server may close an idle connection at any moment (RFC 9112, section 9.5).
            let stale = matches!(
                stack.error(),
                Some(NetError::ConnectionReset | NetError::Http(HttpError::Closed))
            );
            if result.is_ok() || !stale {
                return result;
            }
        }
        self.connect(stack, peer)?;
        self.request(stack, uri, start)
    }

    #[inline(never)]
    fn connect<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        peer: (Ipv4Addr, u16),
    ) -> Internal {
        self.disconnect(stack);
        let port = stack.ephemeral_port();
        let keep_alive = span(stack.options.keep_alive);
        let (socket, iface) = stack.tcp_with_iface();
        socket.set_keep_alive(Some(keep_alive));
        let remote = (IpAddress::Ipv4(peer.0), peer.1);
        if socket.connect(iface.context(), remote, port).is_err() {
            return Err(stack.fail(NetError::BadAddress));
        }
        let limit = stack.platform.now() + stack.options.connect_timeout;
        let result = stack.run(limit, NetError::ConnectTimeout, |stack, _| {
            match stack.tcp().state() {
                State::SynSent | State::SynReceived => Ok(Step::WAIT),
                State::Established | State::CloseWait => Ok(Step::Done(())),
                _ => Err(stack.fail(NetError::ConnectionRefused)),
            }
        });
        if result.is_ok() {
            self.peer = Some(peer);
        } else {
            self.disconnect(stack);
        }
        result
    }

    fn disconnect<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        self.peer = None;
        if stack.tcp().is_open() {
            // RST at once: no TIME-WAIT, and the socket is free for the next connection.
            stack.tcp().abort();
            stack.flush();
        }
        if stack.tcp().remote_endpoint().is_some() {
            // The RST waits for a hardware address that may never be known. Left alone it would ask for
            // it each second, and smoltcp's limit on such questions keeps every other socket from
            // asking: entering another state drops it.
            let _ = stack.tcp().listen(DISCARD);
            stack.tcp().close();
        }
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
        let limit = Instant::FAR_FUTURE;
        stack.run(limit, NetError::Stalled, |stack, now| {
            let mut nobody = |_: &[u8]| 0;
            match self.step(stack, now, 0, &mut nobody)? {
                Stepped::Head => Ok(Step::Done(())),
                Stepped::Nothing(until) => Ok(Step::Again(until)),
                Stepped::Taken(_) | Stepped::Complete => Err(stack.fail(HttpError::BadHead.into())),
            }
        })
    }

    /// Writes the request into the socket's buffer.
    #[inline(never)]
    fn send_request<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Result<(), NetError> {
        let mut secret = [0; MAX_URI];
        let request = Request {
            method: Method::Get,
            authority: uri.authority(),
            target: uri.target(),
            range: (start.offset > 0).then_some(RangeFrom {
                first: start.offset,
                if_range: start.validator,
            }),
            credentials: uri.credentials(&mut secret)?,
            user_agent: stack.options.user_agent,
            keep_alive: true,
        };
        self.response.restart(request.expect());
        self.waiting = None;
        // Whatever was sent before has been answered, so the buffer is empty and in one piece.
        let written = stack.tcp().send(|buffer| match request.encode(buffer) {
            Ok(len) => (len, Ok(())),
            Err(error) => (0, Err(error)),
        });
        match written {
            Ok(result) => Ok(result?),
            Err(_) => Err(NetError::ConnectionReset),
        }
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
    fn step<D: Device, P: Platform>(
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
            let socket = stack.tcp();
            if !socket.can_recv() {
                break;
            }
            let response = &mut self.response;
            let decoded = socket.recv(|input| decode(response, input, max, take));
            self.waiting = None;
            match decoded {
                Ok(Ok(Some(stepped))) => return Ok(stepped),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => return Err(stack.fail(error.into())),
                Err(_) => return Err(stack.fail(NetError::ConnectionReset)),
            }
        }
        // A body that ended with the last octet received needs no further one to be complete.
        let mut nobody = |_: &[u8]| 0;
        match decode(&mut self.response, &[], 0, &mut nobody).1 {
            Ok(Some(stepped)) => return Ok(stepped),
            Ok(None) => {}
            Err(error) => return Err(stack.fail(error.into())),
        }
        if !stack.tcp().may_recv() {
            let state = stack.tcp().state();
            return self.ended(state).map_err(|error| stack.fail(error));
        }
        let limit = *self.waiting.get_or_insert(now) + stack.options.stall_timeout;
        if now >= limit {
            return Err(stack.fail(NetError::Stalled));
        }
        Ok(Stepped::Nothing(limit))
    }

    /// The server will send no more: in order (FIN), or not (RST).
    fn ended(&mut self, state: State) -> Result<Stepped, NetError> {
        self.peer = None;
        if state == State::Closed {
            return Err(NetError::ConnectionReset);
        }
        self.response.end_of_stream()?;
        Ok(Stepped::Complete)
    }

    /// Keeps the connection when the response was read to the end, else cuts it.
    pub fn close<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        if !self.response.can_reuse() {
            self.disconnect(stack);
        }
    }
}

/// What a step of the decoder brought.
enum Stepped {
    Head,
    Taken(usize),
    Complete,
    Nothing(Instant),
}

type Decoded = Result<Option<Stepped>, HttpError>;

/// One look at the receive buffer; returns how many octets of it are used up.
#[inline(never)]
fn decode(
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
