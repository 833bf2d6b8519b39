//! What carries an HTTP connection: a TCP socket, with or without TLS between; or a script in its place.

use super::connection::{Connection, End};
use crate::faults::TlsFault;
use crate::shared::Shared;
use crate::tls::{Scripted, Session, TlsConnection};
use netboot_core::Instant;
use rustls::crypto::CryptoProvider;
use smoltcp::socket::tcp::{self, State};

/// The layer between HTTP and TCP.
pub enum Carrier {
    /// None.
    Plain,
    /// TLS, and the index of its record.
    Tls(Box<Session>, usize),
    /// A script that leaves nothing for HTTP to do, and the index of its record.
    Scripted(Box<Scripted>, usize),
}

impl Carrier {
    /// For a connection that was just accepted; over TLS with `provider`.
    pub fn new(now: Instant, provider: Option<&CryptoProvider>, shared: &mut Shared) -> Self {
        let (Some(provider), Some(config)) = (provider, &shared.config.https) else {
            return Carrier::Plain;
        };
        let faults = shared.config.faults.tls.strike("");
        let script = faults.iter().find_map(|fault| match fault {
            TlsFault::Script(script) => Some(script),
            _ => None,
        });
        if let Some(script) = script {
            let seed = shared.config.seed.wrapping_add(shared.tls.len() as u64);
            let scripted = Scripted::new(&config.identity, script, seed);
            let index = shared.tls_connection(TlsConnection::new(now));
            return Carrier::Scripted(Box::new(scripted), index);
        }
        let mut record = TlsConnection::new(now);
        let session = Session::new(config, provider.clone(), faults, &mut record);
        Carrier::Tls(Box::new(session), shared.tls_connection(record))
    }

    /// Moves octets between `http` and its socket; whether anything changed.
    pub fn carry(
        &mut self,
        http: &mut Connection,
        now: Instant,
        socket: &mut tcp::Socket<'_>,
        shared: &mut Shared,
    ) -> bool {
        let mut changed = false;
        while socket.can_recv() && http.room() > 0 {
            let received = socket.recv(|octets| {
                let length = self.receive(now, octets, http, shared);
                (length, length)
            });
            match received {
                Ok(length) if length > 0 => changed = true,
                _ => break,
            }
        }
        if socket.state() == State::CloseWait
            && http.is_idle()
            && let Carrier::Tls(session, _) = self
        {
            session.goodbye();
        }
        loop {
            let flushed = socket.send_queue() == 0 && self.is_flushed();
            let mut progress = http.service(now, flushed, shared);
            while socket.can_send() {
                let sent = socket.send(|room| {
                    let length = self.transmit(now, room, http, shared);
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
        http.set_blocked(!socket.can_send());
        if http.is_mute() {
            socket.set_timeout(None);
        }
        match self.end(http) {
            Some(End::Close | End::Cut) if socket.may_send() => {
                socket.close();
                changed = true;
            }
            // A reset takes what was not acknowledged with it: everything before it shall arrive.
            Some(End::Reset) if socket.state() != State::Closed && socket.send_queue() == 0 => {
                socket.abort();
                changed = true;
            }
            _ => {}
        }
        // The client has said all it will say, and everything was answered.
        if socket.state() == State::CloseWait && http.is_idle() && self.is_flushed() {
            socket.close();
            changed = true;
        }
        if !socket.is_active() {
            http.lost(now, shared);
        }
        changed
    }

    /// Takes octets that came; how many.
    fn receive(
        &mut self,
        now: Instant,
        octets: &[u8],
        http: &mut Connection,
        shared: &mut Shared,
    ) -> usize {
        match self {
            Carrier::Plain => {
                let length = octets.len().min(http.room());
                http.receive(now, &octets[..length]);
                length
            }
            Carrier::Tls(session, index) => {
                let record = shared.tls.get_mut(*index);
                record.map_or(octets.len(), |record| {
                    session.receive(now, octets, http, record)
                })
            }
            Carrier::Scripted(scripted, index) => {
                scripted.receive(now, octets);
                if let Some(record) = shared.tls.get_mut(*index) {
                    scripted.record(record);
                }
                octets.len()
            }
        }
    }

    /// Fills `room` with octets to be sent.
    fn transmit(
        &mut self,
        now: Instant,
        room: &mut [u8],
        http: &mut Connection,
        shared: &mut Shared,
    ) -> usize {
        match self {
            Carrier::Plain => {
                // Only TLS has a stream below that of HTTP.
                drop(http.take_raw());
                http.transmit(now, room)
            }
            Carrier::Tls(session, index) => {
                if let Some(record) = shared.tls.get_mut(*index) {
                    session.pull(now, http, record);
                    record.requests = http.requests();
                }
                session.transmit(now, room)
            }
            Carrier::Scripted(scripted, index) => {
                let length = scripted.transmit(now, room);
                if let Some(record) = shared.tls.get_mut(*index) {
                    scripted.record(record);
                }
                length
            }
        }
    }

    fn is_flushed(&self) -> bool {
        match self {
            Carrier::Plain => true,
            Carrier::Tls(session, _) => session.is_flushed(),
            Carrier::Scripted(scripted, _) => scripted.is_flushed(),
        }
    }

    fn end(&self, http: &Connection) -> Option<End> {
        match self {
            Carrier::Plain => http.end(),
            Carrier::Tls(session, _) => session.end(http),
            Carrier::Scripted(scripted, _) => scripted.end(),
        }
    }

    /// When there is something to send without new octets.
    pub fn poll_at(&self) -> Option<Instant> {
        match self {
            Carrier::Plain => None,
            Carrier::Tls(session, _) => session.poll_at(),
            Carrier::Scripted(scripted, _) => scripted.poll_at(),
        }
    }
}
