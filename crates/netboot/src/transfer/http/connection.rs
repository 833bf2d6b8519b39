//! One connection: a TCP socket and, for `https`, the TLS channel over it.

#[cfg(feature = "https")]
use super::tls::{Tls, handshake};
use crate::board::Board;
use crate::error::NetError;
use crate::options::HttpOptions;
use crate::stack::{SocketHandle, span};
use crate::station::{Internal, Station, Step};
use core::net::IpAddr;
#[cfg(feature = "parallel")]
use netboot_core::Duration;
use netboot_core::uri::{Scheme, Uri};
use smoltcp::socket::tcp::{self, State};

/// A port that nobody connects to while a socket listens on it.
const DISCARD: u16 = 9;

/// Octets of a request that is sent behind others, at most.
#[cfg(feature = "parallel")]
const REQUEST: usize = 1024;

/// What protects a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Nothing: TCP as it is.
    Plain,
    /// TLS to a server that has proved to be the one that the URI names.
    #[cfg(feature = "https")]
    Verified,
    /// TLS to a server that has proved nothing but that it owns the key it showed.
    #[cfg(all(feature = "https", feature = "exchange"))]
    Provisional,
    /// TLS to a server that has proved to be the one that the URI names, by a certificate that leads to the one with this SHA-256.
    #[cfg(all(feature = "https", feature = "exchange"))]
    Anchored([u8; 32]),
}

/// Whom a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub address: IpAddr,
    pub port: u16,
    pub security: Security,
}

impl Peer {
    /// The peer that a URI names, at this address.
    pub fn of(uri: &Uri, address: IpAddr) -> Self {
        Self {
            address,
            port: uri.port(),
            #[cfg(feature = "https")]
            security: match uri.scheme() {
                Scheme::Https => Security::Verified,
                _ => Security::Plain,
            },
            #[cfg(not(feature = "https"))]
            security: Security::Plain,
        }
    }

    /// The same peer, which has to prove nothing where it would have to prove itself.
    #[cfg(all(feature = "https", feature = "exchange"))]
    pub fn unproven(self) -> Self {
        match self.security {
            Security::Plain => self,
            _ => Self {
                security: Security::Provisional,
                ..self
            },
        }
    }
}

/// Makes a TCP socket with these buffers.
#[cfg_attr(not(feature = "parallel"), inline(always))]
pub(crate) fn tcp_socket<'a>(rx: &'a mut [u8], tx: &'a mut [u8]) -> tcp::Socket<'a> {
    let mut socket = tcp::Socket::new(tcp::SocketBuffer::new(rx), tcp::SocketBuffer::new(tx));
    // A boot client sends one request and waits: nothing is gained by holding segments back.
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket
}

/// A connection that is made, used, and made again.
pub(crate) struct Connection<'a> {
    socket: SocketHandle,
    /// Whom the connection leads to; `None` while there is none.
    peer: Option<Peer>,
    /// The channel for `https`, if this connection can have one.
    #[cfg(feature = "https")]
    pub tls: Option<&'a mut Tls<'a>>,
    #[cfg(not(feature = "https"))]
    buffers: core::marker::PhantomData<&'a mut [u8]>,
    /// Shortest round trip seen on this connection.
    #[cfg(feature = "parallel")]
    pub rtt: Duration,
}

impl Connection<'_> {
    /// Makes a connection on a socket that is closed.
    pub const fn new(socket: SocketHandle) -> Self {
        Self {
            socket,
            peer: None,
            #[cfg(feature = "https")]
            tls: None,
            #[cfg(not(feature = "https"))]
            buffers: core::marker::PhantomData,
            #[cfg(feature = "parallel")]
            rtt: Duration::ZERO,
        }
    }

    /// The socket below.
    pub fn socket<'s, 'a, B: Board>(
        &self,
        station: &'s mut Station<'a, B>,
    ) -> &'s mut tcp::Socket<'a> {
        station.stack.tcp(self.socket)
    }

    /// The handle of the socket below.
    #[cfg(feature = "parallel")]
    pub fn handle(&self) -> SocketHandle {
        self.socket
    }

    /// Whom the connection leads to.
    #[cfg(feature = "parallel")]
    pub fn peer(&self) -> Option<Peer> {
        self.peer
    }

    /// Whether this connection can lead to `uri`.
    pub fn supports(&self, uri: &Uri) -> bool {
        match uri.scheme() {
            Scheme::Http => true,
            #[cfg(feature = "https")]
            Scheme::Https => self.tls.is_some(),
            _ => false,
        }
    }

    /// Whether the connection as it is can take a request for `uri`.
    #[inline(never)]
    pub fn serves<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        peer: Peer,
        uri: &Uri,
    ) -> bool {
        if self.peer != Some(peer) {
            return false;
        }
        #[cfg(feature = "https")]
        if peer.security != Security::Plain {
            // What has come since may be the server's goodbye.
            let fresh = matches!(self.look(station, &mut |_| 0), Ok(false));
            let verified = self.tls.as_ref().is_some_and(|tls| tls.serves(uri));
            if !fresh || !verified {
                return false;
            }
        }
        let _ = uri;
        let socket = self.socket(station);
        socket.may_send() && socket.may_recv()
    }

    /// Sends the request for a TCP connection (RFC 9293), without waiting for an answer. `port` is a local port that no other
    /// connection has.
    #[cfg_attr(not(feature = "parallel"), inline(always))]
    pub fn start<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        peer: Peer,
        port: u16,
        options: &HttpOptions,
    ) -> Internal {
        self.disconnect(station);
        self.socket(station)
            .set_keep_alive(Some(span(options.keep_alive)));
        let to = (peer.address, peer.port);
        if !station.stack.connect(self.socket, to, port) {
            return Err(station.fail(NetError::BadAddress));
        }
        Ok(())
    }

    /// Notes that the connection that was started is there.
    #[cfg(feature = "parallel")]
    pub fn started(&mut self, peer: Peer) {
        self.peer = Some(peer);
    }

    /// Connects, and for `https` has the server prove itself.
    pub fn connect<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        peer: Peer,
        port: u16,
        uri: &Uri,
        options: &HttpOptions,
    ) -> Internal {
        self.connect_by(station, peer, port, uri, options, None)
    }

    /// Connects, and for `https` has the server prove itself by a certificate that leads to `anchor`, if there is one.
    #[inline(never)]
    pub fn connect_by<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        peer: Peer,
        port: u16,
        uri: &Uri,
        options: &HttpOptions,
        anchor: Option<&[u8]>,
    ) -> Internal {
        #[cfg(feature = "parallel")]
        let begun = station.now();
        let result = self.connect_tcp(station, peer, port, options);
        #[cfg(feature = "parallel")]
        {
            self.rtt = station.now().since(begun);
        }
        #[cfg(feature = "https")]
        let result = match (result, &mut self.tls) {
            (Ok(()), Some(tls)) if peer.security != Security::Plain => {
                let limit = station.now() + options.tls_timeout;
                #[cfg(feature = "exchange")]
                tls.set_provisional(peer.security == Security::Provisional);
                handshake(station, tls, self.socket, uri, limit, anchor)
            }
            (result, _) => result,
        };
        let _ = (uri, anchor);
        if result.is_ok() {
            self.peer = Some(peer);
        } else {
            self.disconnect(station);
        }
        result
    }

    fn connect_tcp<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        peer: Peer,
        port: u16,
        options: &HttpOptions,
    ) -> Internal {
        self.start(station, peer, port, options)?;
        let patience = station.connect_patience(options.connect_timeout);
        let limit = station.now() + patience;
        station.run(limit, NetError::ConnectTimeout, |station, _| {
            match self.socket(station).state() {
                State::SynSent | State::SynReceived => Ok(Step::WAIT),
                State::Established | State::CloseWait => Ok(Step::Done(())),
                _ => Err(station.fail(NetError::ConnectionRefused)),
            }
        })
    }

    /// Cuts the connection. The socket is free for the next one at once.
    pub fn disconnect<B: Board>(&mut self, station: &mut Station<'_, B>) {
        #[cfg(feature = "https")]
        if self.is_secure()
            && let Some(tls) = &mut self.tls
        {
            tls.close(station.stack.tcp(self.socket));
            station.flush();
        }
        self.peer = None;
        if self.socket(station).is_open() {
            // RST at once: no TIME-WAIT.
            self.socket(station).abort();
            station.flush();
        }
        let socket = self.socket(station);
        if socket.remote_endpoint().is_some() {
            // The RST waits for a hardware address that may never be known. Left alone it would ask for
            // it each second, and smoltcp's limit on such questions keeps every other socket from
            // asking: entering another state drops it.
            let _ = socket.listen(DISCARD);
            socket.close();
        }
    }

    /// Has octets written by `fill`, which says how many it wrote: a request, or a piece of its content.
    #[inline(never)]
    pub fn send<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        fill: &mut dyn FnMut(&mut [u8]) -> usize,
    ) -> Result<(), NetError> {
        let socket = station.stack.tcp(self.socket);
        #[cfg(feature = "https")]
        if self.is_secure() {
            let tls = self.tls.as_mut().ok_or(NetError::Unsupported)?;
            return tls.send(socket, fill);
        }
        #[cfg(feature = "parallel")]
        if socket.send_queue() > 0 {
            // Behind requests that are not acknowledged yet, what room there is may be in two pieces.
            let room = socket.send_capacity().saturating_sub(socket.send_queue());
            let mut request = [0; REQUEST];
            let len = fill(request.get_mut(..room.min(REQUEST)).unwrap_or_default());
            return match socket.send_slice(request.get(..len).unwrap_or_default()) {
                Ok(_) => Ok(()),
                Err(_) => Err(NetError::ConnectionReset),
            };
        }
        // Whatever was sent before has been answered, or at least acknowledged, so the buffer is empty and in one piece.
        match socket.send(|buffer| (fill(buffer), ())) {
            Ok(()) => Ok(()),
            Err(_) => Err(NetError::ConnectionReset),
        }
    }

    /// Whether everything that was sent has been acknowledged.
    #[cfg(feature = "exchange")]
    pub fn is_flushed<B: Board>(&self, station: &mut Station<'_, B>) -> bool {
        #[cfg(feature = "https")]
        if self.is_secure() && self.tls.as_ref().is_some_and(|tls| tls.has_pending()) {
            return false;
        }
        self.socket(station).send_queue() == 0
    }

    /// Shows what has arrived to `show`, which says how much of it is used up; `false` when nothing is there.
    pub fn look<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        show: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Result<bool, NetError> {
        let socket = station.stack.tcp(self.socket);
        #[cfg(feature = "https")]
        if self.is_secure() {
            let tls = self.tls.as_mut().ok_or(NetError::Unsupported)?;
            return tls.look(socket, show);
        }
        if !socket.can_recv() {
            return Ok(false);
        }
        match socket.recv(|input| (show(input), ())) {
            Ok(()) => Ok(true),
            Err(_) => Err(NetError::ConnectionReset),
        }
    }

    /// Whether the server will send no more, once nothing is there: `Ok(true)` when it ended in order.
    pub fn ended<B: Board>(&mut self, station: &mut Station<'_, B>) -> Result<bool, NetError> {
        let socket = station.stack.tcp(self.socket);
        #[cfg(feature = "https")]
        if self.is_secure() {
            let tls = self.tls.as_mut().ok_or(NetError::Unsupported)?;
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
        if socket.may_recv() {
            return Ok(false);
        }
        self.peer = None;
        match socket.state() {
            State::Closed => Err(NetError::ConnectionReset),
            _ => Ok(true),
        }
    }

    #[cfg(feature = "https")]
    fn is_secure(&self) -> bool {
        self.peer
            .is_some_and(|peer| peer.security != Security::Plain)
    }
}
