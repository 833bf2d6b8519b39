//! One connection's TLS: octets of the socket on one side, those of HTTP on the other.

use super::config::HttpsConfig;
use super::record::TlsConnection;
use crate::faults::TlsFault;
use crate::http::connection::{Connection, End};
use netboot_core::Instant;
use rustls::ServerConnection;
use rustls::crypto::CryptoProvider;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use test_pki::Identity;

/// Plaintext that is sealed at a time; rustls cuts it into records.
const PIECE: usize = 16 * 1024;

/// TLS of one connection.
pub struct Session {
    /// `None` when no handshake is to be.
    tls: Option<ServerConnection>,
    /// Octets for the socket.
    outbox: Vec<u8>,
    sent: usize,
    /// What befalls the handshake.
    faults: Vec<TlsFault>,
    /// The outbox waits until then.
    not_before: Instant,
    /// It does so now.
    waits: bool,
    began: bool,
    /// How the connection ends once the outbox is empty, whatever HTTP says.
    end: Option<End>,
    /// The client has said close_notify.
    left: bool,
    /// close_notify was sent.
    said_goodbye: bool,
}

impl Session {
    /// A session that `faults` befall; `record` says if it cannot be.
    pub fn new(
        config: &HttpsConfig,
        provider: CryptoProvider,
        faults: Vec<TlsFault>,
        record: &mut TlsConnection,
    ) -> Self {
        let own: Option<&Identity> = faults.iter().find_map(|fault| match fault {
            TlsFault::Identity(identity) => Some(&**identity),
            _ => None,
        });
        let identity = own.unwrap_or(&config.identity);
        let tls = config
            .for_rustls(provider, identity)
            .and_then(|config| ServerConnection::new(Arc::new(config)));
        let mut session = Self {
            tls: None,
            outbox: Vec::new(),
            sent: 0,
            faults,
            not_before: Instant::ZERO,
            waits: false,
            began: false,
            end: None,
            left: false,
            said_goodbye: false,
        };
        match tls {
            Ok(tls) => session.tls = Some(tls),
            Err(error) => {
                record.error = Some(format!("configuration: {error}"));
                session.end = Some(End::Reset);
            }
        }
        session
    }

    /// Takes octets from the socket and gives `http` what they hold; how many it took.
    pub fn receive(
        &mut self,
        now: Instant,
        octets: &[u8],
        http: &mut Connection,
        record: &mut TlsConnection,
    ) -> usize {
        if !std::mem::replace(&mut self.began, true) {
            self.begin(now);
        }
        let mut rest = octets;
        while !rest.is_empty()
            && self.end.is_none()
            && let Some(tls) = &mut self.tls
        {
            match tls.read_tls(&mut rest) {
                // What follows close_notify is nothing.
                Ok(0) => break,
                Ok(_) => {}
                // HTTP has no room for what is there already.
                Err(_) => return octets.len() - rest.len(),
            }
            if let Err(error) = tls.process_new_packets() {
                record.error = Some(error.to_string());
                self.end = Some(End::Close);
            }
            self.deliver(now, http, record);
        }
        octets.len()
    }

    /// The first octets came: what befalls the handshake, befalls it.
    fn begin(&mut self, now: Instant) {
        for fault in &self.faults {
            match fault {
                TlsFault::Silent => self.tls = None,
                TlsFault::Delay(span) => self.not_before = now + *span,
                TlsFault::Garbage(octets) => {
                    self.tls = None;
                    self.outbox.extend_from_slice(octets);
                }
                TlsFault::Close => self.end = Some(End::Cut),
                TlsFault::Reset => self.end = Some(End::Reset),
                TlsFault::Identity(_) | TlsFault::Script(_) => {}
            }
        }
    }

    /// Gives `http` the plaintext that it has room for.
    fn deliver(&mut self, now: Instant, http: &mut Connection, record: &mut TlsConnection) {
        let Some(tls) = &mut self.tls else { return };
        if record.handshake_at.is_none() && !tls.is_handshaking() {
            record.handshake_at = Some(now);
            record.version = tls.protocol_version();
            record.suite = tls.negotiated_cipher_suite().map(|suite| suite.suite());
            let chain = tls.peer_certificates().unwrap_or_default();
            record.client_chain = chain.iter().map(|one| one.clone().into_owned()).collect();
        }
        if record.server_name.is_none() {
            record.server_name = tls.server_name().map(str::to_owned);
        }
        let mut plain = vec![0; http.room()];
        match tls.reader().read(&mut plain) {
            Ok(0) if !plain.is_empty() => {
                self.left = true;
                record.close_notify = true;
            }
            Ok(length) => http.receive(now, &plain[..length]),
            // There is nothing now.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => record.error = Some(error.to_string()),
        }
    }

    /// Seals what `http` has to say, once everything before went out; whether there was something.
    pub fn pull(
        &mut self,
        now: Instant,
        http: &mut Connection,
        record: &mut TlsConnection,
    ) -> bool {
        if self.sent < self.outbox.len() {
            return false;
        }
        self.outbox.clear();
        self.sent = 0;
        self.deliver(now, http, record);
        let Some(tls) = &mut self.tls else {
            return false;
        };
        if !tls.is_handshaking() && self.end.is_none() && !self.said_goodbye {
            let mut piece = vec![0; PIECE];
            let length = http.transmit(now, &mut piece);
            if tls.writer().write_all(&piece[..length]).is_err() {
                self.end = Some(End::Reset);
            }
            if length == 0 && (http.end() == Some(End::Close) || self.left && http.is_idle()) {
                self.goodbye();
            }
        }
        self.flush();
        if let Some(raw) = http.take_raw() {
            self.outbox.extend_from_slice(&raw);
        }
        !self.outbox.is_empty()
    }

    /// Says close_notify (RFC 8446, section 6.1), once, if there is a session.
    pub fn goodbye(&mut self) {
        if self.is_established()
            && let Some(tls) = &mut self.tls
            && !std::mem::replace(&mut self.said_goodbye, true)
        {
            tls.send_close_notify();
            self.flush();
        }
    }

    /// Moves sealed records into the outbox.
    fn flush(&mut self) {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() && tls.write_tls(&mut self.outbox).is_ok_and(|some| some > 0) {}
        }
    }

    /// Fills `out` with octets for the socket.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> usize {
        let waiting = self.outbox.get(self.sent..).unwrap_or_default();
        self.waits = now < self.not_before && !waiting.is_empty();
        if self.waits {
            return 0;
        }
        let length = waiting.len().min(out.len());
        out[..length].copy_from_slice(&waiting[..length]);
        self.sent += length;
        length
    }

    /// Whether everything was given to the socket.
    pub fn is_flushed(&self) -> bool {
        self.sent == self.outbox.len()
    }

    /// How the connection is to end now; `http` has the second word.
    pub fn end(&self, http: &Connection) -> Option<End> {
        let left = (self.left && http.is_idle()).then_some(End::Close);
        let end = self.end.or_else(|| http.end()).or(left);
        let owes_goodbye = self.end.is_none() && self.is_established() && !self.said_goodbye;
        match end {
            Some(End::Reset) => end,
            Some(End::Close) if owes_goodbye => None,
            _ => end.filter(|_| self.is_flushed()),
        }
    }

    fn is_established(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| !tls.is_handshaking())
    }

    /// When it has something to send by itself.
    pub fn poll_at(&self) -> Option<Instant> {
        self.waits.then_some(self.not_before)
    }
}
