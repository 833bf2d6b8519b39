//! What all protocol servers share.

use crate::config::ServerConfig;
use crate::content::Content;
use crate::frame;
use crate::served::{Protocol, Served};
use crate::tls::TlsConnection;
use netboot_core::Instant;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Senders whose Ethernet addresses are remembered.
const MOST_NEIGHBOURS: usize = 64;
/// Requests that are recorded; a flood beyond is only logged.
const MOST_RECORDS: usize = 1_000_000;
/// Files whose entity tags are remembered.
const MOST_TAGS: usize = 64;

/// Configuration, records, chance and frames that go around the IP stack.
pub struct Shared {
    /// The configuration; faults change while the server runs.
    pub config: ServerConfig,
    /// What was served.
    pub served: Vec<Served>,
    /// The TLS connections.
    pub tls: Vec<TlsConnection>,
    /// Path and content of each POST that was answered.
    pub posted: Vec<(String, Vec<u8>)>,
    /// Chance.
    pub rng: ChaCha8Rng,
    /// Frames to send as they are.
    pub raw: Vec<Vec<u8>>,
    neighbours: VecDeque<(Ipv4Addr, [u8; 6])>,
    tags: VecDeque<(Arc<[u8]>, u64)>,
}

impl Shared {
    /// Nothing served yet.
    pub fn new(config: ServerConfig) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(config.seed),
            config,
            served: Vec::new(),
            tls: Vec::new(),
            posted: Vec::new(),
            raw: Vec::new(),
            neighbours: VecDeque::new(),
            tags: VecDeque::new(),
        }
    }

    /// The file of this name, with or without leading slashes.
    pub fn file(&self, name: &str) -> Option<&Content> {
        self.config.files.get(plain(name))
    }

    /// Records a request without a file.
    pub fn record(
        &mut self,
        at: Instant,
        protocol: Protocol,
        name: &str,
        status: u16,
        complete: bool,
    ) {
        self.served(Served {
            protocol,
            name: name.to_string(),
            offset: 0,
            octets: 0,
            status,
            complete,
            at,
        });
    }

    /// Records a request.
    pub fn served(&mut self, served: Served) {
        log::info!("{served}");
        if self.served.len() < MOST_RECORDS {
            self.served.push(served);
        }
    }

    /// Records a TLS connection; its index.
    pub fn tls_connection(&mut self, record: TlsConnection) -> usize {
        // A flood beyond shares the last record.
        if self.tls.len() < MOST_RECORDS {
            self.tls.push(record);
        }
        self.tls.len() - 1
    }

    /// Sends `frames` broadcast frames of `octets` each that mean nothing.
    pub fn burst(&mut self, frames: usize, octets: usize) {
        let frame = frame::noise(self.config.mac, self.config.ip, octets);
        self.raw
            .extend(std::iter::repeat_n(frame, frames.min(100_000)));
    }

    /// Remembers who has `ip`.
    pub fn learn(&mut self, ip: Ipv4Addr, mac: [u8; 6]) {
        if self.neighbours.back() == Some(&(ip, mac)) {
            return;
        }
        self.neighbours.retain(|(known, _)| *known != ip);
        self.neighbours.push_back((ip, mac));
        if self.neighbours.len() > MOST_NEIGHBOURS {
            self.neighbours.pop_front();
        }
    }

    /// Who has `ip`, if a datagram came from there.
    pub fn neighbour(&self, ip: Ipv4Addr) -> Option<[u8; 6]> {
        let found = self.neighbours.iter().find(|(known, _)| *known == ip);
        found.map(|(_, mac)| *mac)
    }

    /// [`Content::fingerprint`], computed once for each file in memory.
    pub fn fingerprint(&mut self, content: &Content) -> u64 {
        let Content::Bytes(bytes) = content else {
            return content.fingerprint();
        };
        if let Some((_, tag)) = self
            .tags
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, bytes))
        {
            return *tag;
        }
        let tag = content.fingerprint();
        self.tags.push_back((bytes.clone(), tag));
        if self.tags.len() > MOST_TAGS {
            self.tags.pop_front();
        }
        tag
    }
}

/// A file name as it stands in the configuration: no leading slash.
pub fn plain(name: &str) -> &str {
    name.trim_start_matches('/')
}
