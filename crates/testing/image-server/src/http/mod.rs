//! HTTP/1.1 server: RFC 9110, RFC 9112. Files by GET and HEAD, and paths that take a POST.
//!
//! - [`request`]: what came in.
//! - [`answer`]: what it is answered.
//! - [`response`]: how that goes out.
//! - [`connection`]: one connection, sans-IO.
//! - [`carrier`]: what carries it, TCP or TLS over TCP.
//!
//! This module gives connections their TCP sockets. Some sockets always listen, so that a client that
//! opens several connections, or opens the next one while the last one is in TIME-WAIT, is not refused.

pub mod answer;
mod carrier;
pub mod connection;
pub mod request;
pub mod response;

use crate::served::Protocol;
use crate::shared::Shared;
use crate::stack::{Stack, earlier};
use crate::tls::seeded;
use carrier::Carrier;
use connection::Connection;
use netboot_core::Instant;
use rustls::crypto::CryptoProvider;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{self, State};

/// The HTTP server, on plain TCP or over TLS.
pub struct Http {
    /// Cryptography, over TLS.
    tls: Option<CryptoProvider>,
    listening: Vec<SocketHandle>,
    open: Vec<Open>,
}

/// A socket that was connected to.
struct Open {
    socket: SocketHandle,
    connection: Connection,
    carrier: Carrier,
}

impl Http {
    /// Listens as [`HttpConfig`](crate::HttpConfig) says.
    pub fn plain(stack: &mut Stack, shared: &Shared) -> Self {
        Self::new(None, stack, shared)
    }

    /// Listens as [`HttpsConfig`](crate::HttpsConfig) says, if there is one.
    pub fn over_tls(stack: &mut Stack, shared: &Shared) -> Self {
        Self::new(Some(seeded(shared.config.seed)), stack, shared)
    }

    fn new(tls: Option<CryptoProvider>, stack: &mut Stack, shared: &Shared) -> Self {
        let mut http = Self {
            tls,
            listening: Vec::new(),
            open: Vec::new(),
        };
        http.listen(stack, shared);
        http
    }

    /// Goes on with every connection; whether anything changed.
    pub fn service(&mut self, now: Instant, stack: &mut Stack, shared: &mut Shared) -> bool {
        let mut changed = self.accept(now, stack, shared);
        changed |= self.take_back(now, stack, shared);
        for open in &mut self.open {
            let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(open.socket);
            changed |= open
                .carrier
                .carry(&mut open.connection, now, socket, shared);
        }
        self.open.retain_mut(|open| {
            let socket = stack.sockets.get::<tcp::Socket<'_>>(open.socket);
            // A reset that still has to go out keeps its remote endpoint until it has.
            // A connection that was reset before it was established listens again.
            let over = socket.is_listening()
                || socket.state() == State::Closed && socket.remote_endpoint().is_none();
            if over {
                open.connection.lost(now, shared);
                stack.sockets.remove(open.socket);
            }
            !over
        });
        if self.listening.len() < self.port(shared).1 {
            self.make_room(stack, shared);
            self.listen(stack, shared);
        }
        changed
    }

    /// When a connection has something to do by itself.
    pub fn poll_at(&self, shared: &Shared) -> Option<Instant> {
        let deadlines = self.open.iter().map(|open| {
            let carrier = open.carrier.poll_at();
            earlier(open.connection.poll_at(shared), carrier)
        });
        deadlines.fold(None, earlier)
    }

    /// The port, and how many connections may wait there.
    fn port(&self, shared: &Shared) -> (u16, usize) {
        let config = &shared.config;
        match (&self.tls, &config.https) {
            (None, _) => (config.http.port, config.http.backlog),
            (Some(_), Some(https)) => (https.port, https.backlog),
            (Some(_), None) => (0, 0),
        }
    }

    fn listen(&mut self, stack: &mut Stack, shared: &Shared) {
        let config = &shared.config.http;
        let (port, backlog) = self.port(shared);
        while self.listening.len() < backlog
            && self.listening.len() + self.open.len() < config.max_connections
        {
            let Some(socket) = stack.tcp_listener(port, config.send_buffer) else {
                return;
            };
            self.listening.push(socket);
        }
    }

    fn accept(&mut self, now: Instant, stack: &Stack, shared: &mut Shared) -> bool {
        let before = self.open.len();
        let Self {
            tls,
            listening,
            open,
        } = self;
        listening.retain(|&socket| {
            let listens = stack.sockets.get::<tcp::Socket<'_>>(socket).is_listening();
            if !listens {
                let protocol = tls.as_ref().map_or(Protocol::Http, |_| Protocol::Https);
                open.push(Open {
                    socket,
                    connection: Connection::new(now, protocol),
                    carrier: Carrier::new(now, tls.as_ref(), shared),
                });
            }
            listens
        });
        self.open.len() != before
    }

    /// A connection that is reset before it was established leaves a socket that listens again (RFC 9293,
    /// section 3.10.7.4); whether there was one.
    fn take_back(&mut self, now: Instant, stack: &mut Stack, shared: &mut Shared) -> bool {
        let Self {
            listening, open, ..
        } = self;
        let before = open.len();
        open.retain_mut(|open| {
            let listens = stack
                .sockets
                .get::<tcp::Socket<'_>>(open.socket)
                .is_listening();
            if listens {
                open.connection.lost(now, shared);
                listening.push(open.socket);
            }
            !listens
        });
        open.len() != before
    }

    /// Forgets connections in TIME-WAIT, the oldest first, when there is no room to listen.
    fn make_room(&mut self, stack: &mut Stack, shared: &Shared) {
        let (_, backlog) = self.port(shared);
        while self.open.len() + backlog > shared.config.http.max_connections {
            let waits = |open: &Open| {
                let socket = stack.sockets.get::<tcp::Socket<'_>>(open.socket);
                socket.state() == State::TimeWait
            };
            let Some(index) = self.open.iter().position(waits) else {
                return;
            };
            let open = self.open.remove(index);
            stack.sockets.remove(open.socket);
        }
    }
}
