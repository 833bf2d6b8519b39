//! The octets below HTTP: the TCP connection as it is or, for `https`, TLS over it.

use crate::NetError;
use crate::stack::{Internal, Stack, Step, span};
#[cfg(feature = "parallel")]
use crate::transfer::LANES;
use core::net::Ipv4Addr;
#[cfg(feature = "parallel")]
use netboot_core::Duration;
use netboot_core::uri::{Scheme, Uri};
use netboot_core::{Device, Platform};
use smoltcp::socket::tcp::State;
use smoltcp::wire::IpAddress;

/// A port that nobody connects to while it is looked at.
const DISCARD: u16 = 9;

/// Octets of a request that is sent behind others, at most.
#[cfg(feature = "parallel")]
const REQUEST: usize = 1024;

/// Whom a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub address: Ipv4Addr,
    pub port: u16,
    /// With TLS.
    #[cfg(feature = "https")]
    pub secure: bool,
}

/// The one connection, or the one of several that is looked at. The socket lies with the stack, and so does the TLS channel.
pub(super) struct Stream {
    peer: Option<Peer>,
    /// The peers of the connections that are not looked at.
    #[cfg(feature = "parallel")]
    parked: [Option<Peer>; LANES],
    /// Which connection is looked at.
    #[cfg(feature = "parallel")]
    lane: u8,
    /// Shortest round trip seen on the first connection.
    #[cfg(feature = "parallel")]
    pub rtt: Duration,
}

impl Stream {
    pub const fn new() -> Self {
        Self {
            peer: None,
            #[cfg(feature = "parallel")]
            parked: [None; LANES],
            #[cfg(feature = "parallel")]
            lane: 0,
            #[cfg(feature = "parallel")]
            rtt: Duration::ZERO,
        }
    }

    /// Looks at another connection.
    #[cfg(feature = "parallel")]
    pub fn select<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>, lane: u8) {
        if lane == self.lane {
            return;
        }
        if let Some(parked) = self.parked.get_mut(usize::from(self.lane)) {
            *parked = self.peer;
        }
        self.peer = self.parked.get(usize::from(lane)).copied().flatten();
        self.lane = lane;
        stack.select_lane(lane);
    }

    /// Whom the connection that is looked at leads to.
    #[cfg(feature = "parallel")]
    pub fn peer(&self) -> Option<Peer> {
        self.peer
    }

    /// Begins to connect, without waiting for an answer.
    #[cfg(feature = "parallel")]
    pub fn start<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        peer: Peer,
    ) -> Internal {
        self.disconnect(stack);
        start_tcp(stack, peer)
    }

    /// Says that the connection that was begun is there.
    #[cfg(feature = "parallel")]
    pub fn started(&mut self, peer: Peer) {
        self.peer = Some(peer);
    }

    /// Whether this build, and what it was given, can connect to `uri`.
    pub fn supports<D: Device, P: Platform>(stack: &Stack<'_, D, P>, uri: &Uri) -> bool {
        match uri.scheme() {
            Scheme::Http => true,
            #[cfg(feature = "https")]
            Scheme::Https => stack.tls.is_some(),
            _ => {
                let _ = stack;
                false
            }
        }
    }

    /// Whether the present connection can take a request for `uri`.
    #[inline(never)]
    pub fn serves<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        peer: Peer,
        uri: &Uri,
    ) -> bool {
        if self.peer != Some(peer) {
            return false;
        }
        #[cfg(feature = "https")]
        if peer.secure {
            // What has come since may be the server's goodbye.
            let mut nobody = |_: &[u8]| 0;
            let fresh = matches!(self.look(stack, &mut nobody), Ok(false));
            let verified = stack.tls.as_ref().is_some_and(|tls| tls.serves(uri));
            if !fresh || !verified {
                return false;
            }
        }
        let _ = uri;
        stack.tcp().may_send() && stack.tcp().may_recv()
    }

    /// Connects, and for `https` has the server prove itself.
    #[inline(never)]
    pub fn connect<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        peer: Peer,
        uri: &Uri,
    ) -> Internal {
        self.disconnect(stack);
        #[cfg(feature = "parallel")]
        let begun = stack.platform.now();
        let result = connect_tcp(stack, peer);
        #[cfg(feature = "parallel")]
        {
            self.rtt = stack.platform.now().since(begun);
        }
        #[cfg(feature = "https")]
        let result = match result {
            Ok(()) if peer.secure => crate::tls::handshake(stack, uri),
            result => result,
        };
        let _ = uri;
        if result.is_ok() {
            self.peer = Some(peer);
        } else {
            self.disconnect(stack);
        }
        result
    }

    pub fn disconnect<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        #[cfg(feature = "https")]
        if self.peer.is_some_and(|peer| peer.secure) {
            let (socket, tls) = stack.tcp_and_tls();
            if let Some(tls) = tls {
                tls.close(socket);
                stack.flush();
            }
        }
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

    /// Has one request written by `fill`, which says how many octets it wrote.
    #[inline(never)]
    pub fn send<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        fill: &mut dyn FnMut(&mut [u8]) -> usize,
    ) -> Result<(), NetError> {
        #[cfg(feature = "https")]
        if self.is_secure() {
            let (socket, tls) = stack.tcp_and_tls();
            let tls = tls.ok_or(NetError::Unsupported)?;
            return tls.send(socket, fill);
        }
        #[cfg(feature = "parallel")]
        if stack.tcp().send_queue() > 0 {
            // Behind requests that are not acknowledged yet, what room there is may be in two pieces.
            let socket = stack.tcp();
            let room = socket.send_capacity().saturating_sub(socket.send_queue());
            let mut request = [0; REQUEST];
            let len = fill(request.get_mut(..room.min(REQUEST)).unwrap_or_default());
            return match socket.send_slice(request.get(..len).unwrap_or_default()) {
                Ok(_) => Ok(()),
                Err(_) => Err(NetError::ConnectionReset),
            };
        }
        // Whatever was sent before has been answered, or at least acknowledged, so the buffer is empty and in one piece.
        match stack.tcp().send(|buffer| (fill(buffer), ())) {
            Ok(()) => Ok(()),
            Err(_) => Err(NetError::ConnectionReset),
        }
    }

    /// Shows what has arrived to `show`, which says how much of it is used up; `false` when nothing is there.
    pub fn look<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        show: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Result<bool, NetError> {
        #[cfg(feature = "https")]
        if self.is_secure() {
            let (socket, tls) = stack.tcp_and_tls();
            let tls = tls.ok_or(NetError::Unsupported)?;
            return tls.look(socket, show);
        }
        let socket = stack.tcp();
        if !socket.can_recv() {
            return Ok(false);
        }
        match socket.recv(|input| (show(input), ())) {
            Ok(()) => Ok(true),
            Err(_) => Err(NetError::ConnectionReset),
        }
    }

    /// Whether the server will send no more, once nothing is there: `Ok(true)` when it ended in order.
    pub fn ended<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
    ) -> Result<bool, NetError> {
        #[cfg(feature = "https")]
        if self.is_secure() {
            let (socket, tls) = stack.tcp_and_tls();
            let tls = tls.ok_or(NetError::Unsupported)?;
            if !tls.is_finished() {
                if socket.may_recv() {
                    return Ok(false);
                }
                self.peer = None;
                // A FIN without the server's goodbye may be anybody's.
                tls.end_of_stream()?;
            }
            return Ok(true);
        }
        if stack.tcp().may_recv() {
            return Ok(false);
        }
        self.peer = None;
        match stack.tcp().state() {
            State::Closed => Err(NetError::ConnectionReset),
            _ => Ok(true),
        }
    }

    #[cfg(feature = "https")]
    fn is_secure(&self) -> bool {
        self.peer.is_some_and(|peer| peer.secure)
    }
}

/// Sends the request for a TCP connection (RFC 9293).
#[cfg_attr(not(feature = "parallel"), inline(always))]
fn start_tcp<D: Device, P: Platform>(stack: &mut Stack<'_, D, P>, peer: Peer) -> Internal {
    #[cfg(feature = "parallel")]
    let port = stack.tcp_port();
    #[cfg(not(feature = "parallel"))]
    let port = stack.ephemeral_port();
    let keep_alive = span(stack.options.keep_alive);
    let (socket, iface) = stack.tcp_with_iface();
    socket.set_keep_alive(Some(keep_alive));
    let remote = (IpAddress::Ipv4(peer.address), peer.port);
    if socket.connect(iface.context(), remote, port).is_err() {
        return Err(stack.fail(NetError::BadAddress));
    }
    Ok(())
}

/// The TCP connection.
fn connect_tcp<D: Device, P: Platform>(stack: &mut Stack<'_, D, P>, peer: Peer) -> Internal {
    start_tcp(stack, peer)?;
    let limit = stack.platform.now() + stack.options.connect_timeout;
    stack.run(limit, NetError::ConnectTimeout, |stack, _| {
        match stack.tcp().state() {
            State::SynSent | State::SynReceived => Ok(Step::WAIT),
            State::Established | State::CloseWait => Ok(Step::Done(())),
            _ => Err(stack.fail(NetError::ConnectionRefused)),
        }
    })
}
