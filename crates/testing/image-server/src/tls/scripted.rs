//! A connection that goes by a script of `hostile-tls`, in simulated time.

use super::record::TlsConnection;
use crate::http::connection::End;
use hostile_tls::{Script, Server};
use netboot_core::{Duration, Instant};
use test_pki::Identity;

/// The script's side of a connection.
pub struct Scripted {
    server: Server,
    outbox: Vec<u8>,
    sent: usize,
    /// When the script goes on, if it pauses.
    resume_at: Option<Instant>,
}

impl Scripted {
    /// A connection that has just begun.
    pub fn new(identity: &Identity, script: &Script, seed: u64) -> Self {
        Self {
            server: Server::new(identity, script, seed),
            outbox: Vec::new(),
            sent: 0,
            resume_at: None,
        }
    }

    /// Takes octets from the socket.
    pub fn receive(&mut self, now: Instant, octets: &[u8]) {
        if self.sent == self.outbox.len() {
            self.outbox.clear();
            self.sent = 0;
        }
        // Octets of the client do not shorten a pause.
        let resume_at = self.resume_at.filter(|at| now < *at);
        if resume_at.is_some() {
            self.server.hear(octets);
            return;
        }
        let out = self.server.feed(octets);
        self.outbox.extend_from_slice(&out);
        self.resume_at = self.pause_from(now);
    }

    fn pause_from(&self, now: Instant) -> Option<Instant> {
        let pause = self.server.pause()?;
        let micros = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX);
        Some(now + Duration::from_micros(micros))
    }

    /// Fills `out` with octets for the socket.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> usize {
        let pauses = self.resume_at.is_some_and(|at| now < at);
        if self.is_drained() && self.server.wants_more() && !pauses {
            self.resume_at = None;
            self.receive(now, &[]);
        }
        let waiting = self.outbox.get(self.sent..).unwrap_or_default();
        let length = waiting.len().min(out.len());
        out[..length].copy_from_slice(&waiting[..length]);
        self.sent += length;
        length
    }

    /// Fills in what is known of the client.
    pub fn record(&self, record: &mut TlsConnection) {
        let report = self.server.report();
        record.requests = u32::try_from(report.requests()).unwrap_or(u32::MAX);
        if record.script.as_ref() != Some(report) {
            record.script = Some(report.clone());
        }
    }

    fn is_drained(&self) -> bool {
        self.sent == self.outbox.len()
    }

    /// Whether the script has nothing more to send, for now.
    pub fn is_flushed(&self) -> bool {
        self.is_drained() && !self.server.wants_more()
    }

    /// How the connection is to end now.
    pub fn end(&self) -> Option<End> {
        let end = self.server.end().filter(|_| self.is_drained());
        end.map(|end| match end {
            hostile_tls::End::Cut => End::Cut,
            hostile_tls::End::Reset => End::Reset,
        })
    }

    /// When the script goes on by itself.
    pub fn poll_at(&self) -> Option<Instant> {
        self.resume_at.filter(|_| self.server.wants_more())
    }
}
