//! HTTP/1.1 server: RFC 9110, RFC 9112. Files only: GET and HEAD.
//!
//! - [`request`]: what came in.
//! - [`answer`]: what it is answered.
//! - [`response`]: how that goes out.
//! - [`connection`]: one connection, sans-IO.
//!
//! This module gives connections their TCP sockets. Some sockets always listen, so that a client that
//! opens several connections, or opens the next one while the last one is in TIME-WAIT, is not refused.

pub mod answer;
pub mod connection;
pub mod request;
pub mod response;

use crate::shared::Shared;
use crate::stack::{Stack, earlier};
use connection::{Connection, End};
use netboot_core::Instant;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{self, State};

/// The HTTP server.
pub struct Http {
    listening: Vec<SocketHandle>,
    open: Vec<Open>,
}

/// A socket that was connected to.
struct Open {
    socket: SocketHandle,
    connection: Connection,
}

impl Http {
    /// Listens as the configuration says.
    pub fn new(stack: &mut Stack, shared: &Shared) -> Self {
        let mut http = Self {
            listening: Vec::new(),
            open: Vec::new(),
        };
        http.listen(stack, shared);
        http
    }

    /// Goes on with every connection; whether anything changed.
    pub fn service(&mut self, now: Instant, stack: &mut Stack, shared: &mut Shared) -> bool {
        let mut changed = self.accept(now, stack);
        changed |= self.take_back(now, stack, shared);
        for open in &mut self.open {
            let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(open.socket);
            changed |= open.connection.carry(now, socket, shared);
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
        if self.listening.len() < shared.config.http.backlog {
            self.make_room(stack, shared);
            self.listen(stack, shared);
        }
        changed
    }

    /// When a connection has something to do by itself.
    pub fn poll_at(&self, shared: &Shared) -> Option<Instant> {
        let deadlines = self.open.iter().map(|open| open.connection.poll_at(shared));
        deadlines.fold(None, earlier)
    }

    fn listen(&mut self, stack: &mut Stack, shared: &Shared) {
        let config = &shared.config.http;
        while self.listening.len() < config.backlog
            && self.listening.len() + self.open.len() < config.max_connections
        {
            let Some(socket) = stack.tcp_listener(config.port, config.send_buffer) else {
                return;
            };
            self.listening.push(socket);
        }
    }

    fn accept(&mut self, now: Instant, stack: &Stack) -> bool {
        let before = self.open.len();
        let Self { listening, open } = self;
        listening.retain(|&socket| {
            let listens = stack.sockets.get::<tcp::Socket<'_>>(socket).is_listening();
            if !listens {
                let connection = Connection::new(now);
                open.push(Open { socket, connection });
            }
            listens
        });
        self.open.len() != before
    }

    /// A connection that is reset before it was established leaves a socket that listens again (RFC 9293,
    /// section 3.10.7.4); whether there was one.
    fn take_back(&mut self, now: Instant, stack: &mut Stack, shared: &mut Shared) -> bool {
        let Self { listening, open } = self;
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
        while self.open.len() + shared.config.http.backlog > shared.config.http.max_connections {
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

impl Connection {
    /// Moves octets between the connection and its socket; whether anything changed.
    fn carry(&mut self, now: Instant, socket: &mut tcp::Socket<'_>, shared: &mut Shared) -> bool {
        let mut changed = false;
        while socket.can_recv() && self.room() > 0 {
            let received = socket.recv(|octets| {
                let length = octets.len().min(self.room());
                self.receive(now, &octets[..length]);
                (length, length)
            });
            match received {
                Ok(length) if length > 0 => changed = true,
                _ => break,
            }
        }
        loop {
            let mut progress = self.service(now, socket.send_queue() == 0, shared);
            while socket.can_send() {
                let sent = socket.send(|room| {
                    let length = self.transmit(now, room);
                    (length, length)
                });
                match sent {
                    Ok(length) if length > 0 => progress = true,
                    _ => break,
                }
            }
            if !progress {
                break;
            }
            changed = true;
        }
        self.set_blocked(!socket.can_send());
        if self.is_mute() {
            socket.set_timeout(None);
        }
        match self.end() {
            Some(End::Close) if socket.may_send() => {
                socket.close();
                changed = true;
            }
            Some(End::Reset) if socket.state() != State::Closed => {
                socket.abort();
                changed = true;
            }
            _ => {}
        }
        // The client has said all it will say, and everything was answered.
        if socket.state() == State::CloseWait && self.is_idle() {
            socket.close();
            changed = true;
        }
        if !socket.is_active() {
            self.lost(now, shared);
        }
        changed
    }
}
