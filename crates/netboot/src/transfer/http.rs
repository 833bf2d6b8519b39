//! An HTTP exchange on the TCP socket, and the connection that it leaves for the next one.
//!
//! The body is looked at where TCP put it. What the sink does not take stays in the receive buffer,
//! and TCP's window tells the server to wait.

use super::{Opened, Pumped, Start, Take};
use crate::NetError;
use crate::stack::{Stack, Step, span};
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
/// Longest request head, octets; it fits the socket's send buffer.
const REQUEST: usize = 1024;
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
    pub fn open<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &mut Uri,
        start: Start<'_>,
    ) -> Result<Opened, NetError> {
        let mut redirects = Redirects::new(stack.options.redirects);
        // The hop limit of `Redirects` ends this; the bound is for the reader.
        for _ in 0..=u8::MAX {
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
                    if same.is_err() {
                        self.close(stack);
                    }
                    same?;
                    return Ok(opened);
                }
                Outcome::Redirect => {
                    let next = redirects.follow(uri, head.status, &head.location);
                    // Its body is not worth waiting for.
                    self.close(stack);
                    *uri = next?;
                }
                Outcome::Failed(error) => {
                    self.close(stack);
                    return Err(error.into());
                }
            }
            if uri.scheme() != Scheme::Http {
                return Err(NetError::Unsupported);
            }
        }
        Err(NetError::Http(HttpError::TooManyRedirects))
    }

    /// One request and the head of its answer.
    fn exchange<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Result<(), NetError> {
        let peer = (stack.resolve(uri)?, uri.port());
        self.finish(stack);
        if self.peer == Some(peer) && stack.tcp().may_send() && stack.tcp().may_recv() {
            match self.request(stack, uri, start) {
                // The server may close an idle connection at any moment (RFC 9112, section 9.5).
                Err(NetError::ConnectionReset | NetError::Http(HttpError::Closed)) => {}
                other => return other,
            }
        }
        self.connect(stack, peer)?;
        self.request(stack, uri, start)
    }

    /// Leaves the connection of a completed exchange for reuse; cuts any other.
    fn finish<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        if !(self.response.is_complete() && self.response.can_reuse()) {
            self.disconnect(stack);
        }
    }

    fn connect<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        peer: (Ipv4Addr, u16),
    ) -> Result<(), NetError> {
        self.disconnect(stack);
        let port = stack.ephemeral_port();
        let keep_alive = span(stack.options.keep_alive);
        let (socket, iface) = stack.tcp_with_iface();
        socket.set_keep_alive(Some(keep_alive));
        socket
            .connect(iface.context(), (IpAddress::Ipv4(peer.0), peer.1), port)
            .map_err(|_| NetError::BadAddress)?;
        let limit = stack.platform.now() + stack.options.connect_timeout;
        let result = stack.run(limit, NetError::ConnectTimeout, |stack, _| {
            match stack.tcp().state() {
                State::SynSent | State::SynReceived => Ok(Step::WAIT),
                State::Established | State::CloseWait => Ok(Step::Done(())),
                _ => Err(NetError::ConnectionRefused),
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

    fn request<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Result<(), NetError> {
        let mut secret = [0; MAX_URI];
        let credentials = uri.credentials(&mut secret)?;
        let range = (start.offset > 0).then_some(RangeFrom {
            first: start.offset,
            if_range: start.validator,
        });
        let request = Request {
            method: Method::Get,
            authority: uri.authority(),
            target: uri.target(),
            range,
            credentials,
            user_agent: stack.options.user_agent,
            keep_alive: true,
        };
        let mut head = [0; REQUEST];
        let len = request.encode(&mut head)?;
        self.response.restart(request.expect());
        self.waiting = None;
        let sent = stack
            .tcp()
            .send_slice(head.get(..len).unwrap_or_default())
            .map_err(|_| NetError::ConnectionReset)?;
        if sent < len {
            return Err(NetError::Stalled);
        }
        stack.flush();
        let limit = Instant::FAR_FUTURE;
        stack.run(limit, NetError::Stalled, |stack, now| {
            let mut nobody = |_: &[u8]| 0;
            match self.step(stack, now, 0, &mut nobody)? {
                Stepped::Head => Ok(Step::Done(())),
                Stepped::Nothing(until) => Ok(Step::Again(until)),
                Stepped::Taken(_) | Stepped::Complete => Err(HttpError::BadHead.into()),
            }
        })
    }

    /// See [`Transfer::pump`](super::Transfer::pump).
    pub fn pump<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Result<Pumped, NetError> {
        match self.step(stack, now, max, take)? {
            Stepped::Taken(octets) => Ok(Pumped::Octets(octets)),
            Stepped::Complete => Ok(Pumped::Complete),
            Stepped::Head => Ok(Pumped::Octets(0)),
            Stepped::Nothing(until) => Ok(Pumped::Nothing(until)),
        }
    }

    /// Lets the decoder see what has arrived, until it has something to tell.
    fn step<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Result<Stepped, NetError> {
        let socket = stack.tcp();
        for _ in 0..BUDGET {
            if self.response.is_complete() {
                return Ok(Stepped::Complete);
            }
            if !socket.can_recv() {
                break;
            }
            let response = &mut self.response;
            let stepped = socket.recv(|input| decode(response, input, max, take));
            self.waiting = None;
            match stepped.map_err(|_| NetError::ConnectionReset)?? {
                Some(stepped) => return Ok(stepped),
                None => continue,
            }
        }
        // A body that ended with the last octet received needs no further one to be complete.
        let mut nobody = |_: &[u8]| 0;
        if let Some(stepped) = decode(&mut self.response, &[], 0, &mut nobody).1? {
            return Ok(stepped);
        }
        if !socket.may_recv() {
            return self.ended(socket.state());
        }
        let limit = *self.waiting.get_or_insert(now) + stack.options.stall_timeout;
        if now >= limit {
            return Err(NetError::Stalled);
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
        self.finish(stack);
    }
}

/// What a step of the decoder brought.
enum Stepped {
    Head,
    Taken(usize),
    Complete,
    Nothing(Instant),
}

type Decoded = Result<Option<Stepped>, NetError>;

/// One look at the receive buffer; returns how many octets of it are used up.
fn decode(
    response: &mut Response<HEAD>,
    input: &[u8],
    max: usize,
    take: Take<'_>,
) -> (usize, Decoded) {
    let step = match response.handle(input) {
        Ok(step) => step,
        Err(error) => return (0, Err(error.into())),
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
