//! Times a fetch by what is on the wire at the client's end: the same for every client, whatever it prints.
//!
//! A fetch lasts from its first request (RRQ, GET) to the client's acknowledgment of its last octet. With TLS the request
//! is the client's first record of application data that is too long for a Finished (RFC 8446, sections 4.4.4 and 5.2);
//! from the ClientHello to there lasts the handshake, which is a figure of its own. With TFTP the last octet is in the block
//! shorter than blksize (RFC 1350, section 6), with HTTP where `Content-Length` says. Requests that resume, or that share
//! a file by `Range`, belong to one fetch: it is over when what was acknowledged covers the file.
//! The client of the UDP boot protocol says itself that it has the file.
//! Where the answer's end is encrypted, it is the latest acknowledgment of something new before the next request.

mod answers;
mod tls;
mod ubp;

use super::stats;
use super::window::Window;
use answers::Answers;
use image_server::frame::{Datagram, Segment};
use netboot_core::{Duration, Instant};
use std::collections::BTreeMap;
use testbed::bridge::Watch;
use tls::TlsStream;

/// Ports of the servers.
const DHCP_SERVER: u16 = 67;
const TFTP: u16 = 69;
const HTTP: u16 = 80;
const HTTPS: u16 = 443;
/// Octets of a TFTP block that nothing was said about (RFC 1350).
const DEFAULT_BLKSIZE: usize = 512;

/// A fetch as it was on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// First octet of it: the request, or the ClientHello of the connection that was made for it.
    pub began: Instant,
    /// First request.
    pub requested: Instant,
    /// First octet of the file at the client.
    pub first: Instant,
    /// The client acknowledged the last octet.
    pub ended: Instant,
    /// Octets of the file.
    pub octets: u64,
    /// Round trip at the client's end: from what lets the server go on (the ACK of a TFTP window, the ACK that moves the
    /// edge of TCP's) to the first octet that needed it. The median of the fetch; where no window was ever full, from
    /// the request to the first octet. `None` where it cannot be seen.
    pub trip: Option<Duration>,
}

impl Fetch {
    /// Octets per second, requests included and handshakes not.
    pub fn rate(&self) -> Option<f64> {
        let micros = self.ended.since(self.requested).as_micros();
        (micros > 0).then(|| self.octets as f64 * 1e6 / micros as f64)
    }

    /// From the ClientHello to the request, where there was one.
    pub fn handshake(&self) -> Option<Duration> {
        let span = self.requested.since(self.began);
        (span > Duration::ZERO).then_some(span)
    }
}

/// What the wire has shown so far.
#[derive(Debug, Default)]
pub struct Meter {
    /// Octets of the file that is fetched.
    size: u64,
    fetches: Vec<Fetch>,
    current: Option<Current>,
    tftp: Option<Tftp>,
    ubp_asked: ubp::Asked,
    connections: BTreeMap<u16, Connection>,
    leased: Option<Instant>,
    frames: (u64, u64),
}

/// The fetch that goes on.
#[derive(Debug)]
struct Current {
    began: Instant,
    requested: Instant,
    first: Option<Instant>,
    last: Option<Instant>,
    /// Parts of the file that were acknowledged: from, to.
    parts: Vec<(u64, u64)>,
    /// Round trips seen, in µs.
    trips: Vec<f64>,
}

impl Current {
    fn new(began: Instant) -> Self {
        Self {
            began,
            requested: began,
            first: None,
            last: None,
            parts: Vec::new(),
            trips: Vec::new(),
        }
    }
}

/// A TFTP transfer.
#[derive(Debug)]
struct Tftp {
    /// Port of the client.
    port: u16,
    blksize: usize,
    /// Blocks seen without a gap, and the octets in them.
    blocks: u64,
    octets: u64,
    /// The last block is among them.
    whole: bool,
    /// The latest ACK, unless it was answered or was a repetition (Karn), and its block.
    acked: Option<(Instant, u16)>,
    last_ack: Option<u16>,
}

/// A TCP connection, by the client's port.
#[derive(Debug, Default)]
struct Connection {
    answers: Answers,
    tls: Option<TlsStream>,
    window: Window,
}

impl Meter {
    /// A meter for fetches of a file of `size` octets.
    pub fn new(size: u64) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// The fetches that are over.
    pub fn fetches(&self) -> &[Fetch] {
        &self.fetches
    }

    /// When the client got its first DHCPACK.
    pub fn leased(&self) -> Option<Instant> {
        self.leased
    }

    /// Octets of the unfinished fetch that were acknowledged; `None` when none goes on.
    pub fn unfinished(&self) -> Option<u64> {
        let current = self.current.as_ref()?;
        let tftp = self.tftp.as_ref().map_or(0, |tftp| tftp.octets);
        let tls = self.tls_streams().map(|stream| stream.answered().0).max();
        Some(tftp.max(covered(&current.parts)).max(tls.unwrap_or(0)))
    }

    /// Frames that the client sent, and got.
    pub fn frames(&self) -> (u64, u64) {
        self.frames
    }

    /// Ends a fetch whose end cannot be seen, since it is encrypted: at the latest acknowledgment of something new, if
    /// enough was acknowledged.
    pub fn finish_encrypted(&mut self) {
        let ended = self.tls_streams().filter_map(|stream| {
            let (octets, at) = stream.answered();
            at.filter(|_| octets >= self.size)
        });
        if let Some(at) = ended.max() {
            self.end(at);
            let connections = self.connections.values_mut();
            let streams = connections.filter_map(|connection| connection.tls.as_mut());
            streams.for_each(|stream| (stream.request, stream.acked) = (None, None));
        }
    }

    fn tls_streams(&self) -> impl Iterator<Item = &TlsStream> {
        let connections = self.connections.values();
        connections.filter_map(|connection| connection.tls.as_ref())
    }

    /// Ends a fetch of which the client is known to have each octet, though it did not stay to acknowledge the last ones:
    /// when they arrived.
    pub fn finish_received(&mut self) {
        let last = self.current.as_ref().and_then(|current| current.last);
        if let Some(at) = last {
            self.end(at);
        }
    }

    fn begin(&mut self, at: Instant) {
        self.current.get_or_insert_with(|| Current::new(at));
    }

    /// Octets of the file arrived.
    fn arrived(&mut self, at: Instant) {
        if let Some(current) = &mut self.current {
            current.first.get_or_insert(at);
            current.last = Some(at);
        }
    }

    fn end(&mut self, at: Instant) {
        if let Some(current) = self.current.take() {
            let first = current.first.unwrap_or(at);
            let trip = stats::median(&current.trips);
            self.fetches.push(Fetch {
                began: current.began,
                requested: current.requested,
                first,
                ended: at,
                octets: self.size,
                trip: match trip {
                    Some(micros) => Some(Duration::from_micros(micros as u64)),
                    None => (!current.parts.is_empty()).then(|| first.since(current.began)),
                },
            });
        }
        self.tftp = None;
    }

    fn datagram(&mut self, at: Instant, sent: bool, datagram: &Datagram<'_>) {
        let payload = datagram.payload;
        let opcode = payload
            .get(..2)
            .map(|code| u16::from_be_bytes([code[0], code[1]]));
        if !sent && datagram.from.port() == DHCP_SERVER {
            if is_dhcp_ack(payload) {
                self.leased.get_or_insert(at);
            }
        } else if sent && datagram.to.port() == ubp::PORT {
            self.ubp_sent(at, payload);
        } else if !sent && datagram.from.port() == ubp::PORT {
            self.ubp_received(at, payload);
        } else if sent && datagram.to.port() == TFTP && opcode == Some(1) {
            self.begin(at);
            self.tftp = Some(Tftp {
                port: datagram.from.port(),
                blksize: DEFAULT_BLKSIZE,
                blocks: 0,
                octets: 0,
                whole: false,
                acked: None,
                last_ack: None,
            });
        } else if sent {
            let tftp = self.tftp.as_mut();
            let tftp = tftp.filter(|tftp| tftp.port == datagram.from.port());
            if let (Some(tftp), Some(4), Some(block)) = (tftp, opcode, block(payload)) {
                let repeated = tftp.last_ack.replace(block) == Some(block);
                tftp.acked = (!repeated).then_some((at, block));
                if tftp.whole && tftp.blocks as u16 == block {
                    self.end(at);
                }
            }
        } else {
            self.tftp_received(at, datagram.to.port(), opcode, payload);
        }
    }

    fn tftp_received(&mut self, at: Instant, port: u16, opcode: Option<u16>, payload: &[u8]) {
        let Some(tftp) = self.tftp.as_mut().filter(|tftp| tftp.port == port) else {
            return;
        };
        match opcode {
            Some(6) => tftp.blksize = blksize(payload).unwrap_or(tftp.blksize),
            Some(3) => {
                let octets = payload.len().saturating_sub(4);
                let answered = |&mut (_, acked): &mut (Instant, u16)| {
                    block(payload) == Some(acked.wrapping_add(1))
                };
                if let Some((asked, _)) = tftp.acked.take_if(answered)
                    && let Some(current) = &mut self.current
                {
                    current.trips.push(at.since(asked).as_micros() as f64);
                }
                if block(payload) == Some((tftp.blocks + 1) as u16) && !tftp.whole {
                    tftp.blocks += 1;
                    tftp.octets += octets as u64;
                    tftp.whole = octets < tftp.blksize;
                }
                self.arrived(at);
            }
            _ => {}
        }
    }

    fn segment(&mut self, at: Instant, sent: bool, segment: &Segment<'_>) {
        let (client, server) = match sent {
            true => (segment.from.port(), segment.to.port()),
            false => (segment.to.port(), segment.from.port()),
        };
        match (server, sent) {
            (HTTP, true) => self.http_sent(at, client, segment),
            (HTTP, false) => self.http_received(at, client, segment),
            (HTTPS, true) => self.tls_sent(at, client, segment),
            (HTTPS, false) => self.tls_received(at, client, segment),
            _ => {}
        }
    }

    fn http_sent(&mut self, at: Instant, client: u16, segment: &Segment<'_>) {
        // First what it acknowledges: a request may be the first to do so for the answer before it.
        self.http_acked(at, client, segment);
        let connection = self.connections.entry(client).or_default();
        connection.window.sent(at, segment);
        for _ in 0..connection
            .answers
            .requests(segment.sequence, segment.payload)
        {
            let current = self.current.get_or_insert_with(|| Current::new(at));
            let part = current.parts.len();
            current.parts.push((0, 0));
            connection
                .answers
                .expect(segment.ack.unwrap_or_default(), part);
        }
    }

    fn http_acked(&mut self, at: Instant, client: u16, segment: &Segment<'_>) {
        let (Some(ack), Some(connection)) = (segment.ack, self.connections.get_mut(&client)) else {
            return;
        };
        let acked = connection.answers.acked(ack);
        let Some(current) = &mut self.current else {
            return;
        };
        let mut more = false;
        for acked in acked {
            let part = current.parts.get_mut(acked.part);
            if let Some(part) = part.filter(|part| acked.to > part.1) {
                *part = (acked.from, acked.to);
                more |= acked.whole;
            }
        }
        if more && covered(&current.parts) >= self.size {
            let connections = self.connections.values_mut();
            connections.for_each(|connection| connection.answers.clear());
            self.end(at);
        }
    }

    fn http_received(&mut self, at: Instant, client: u16, segment: &Segment<'_>) {
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        let trip = connection.window.received(at, segment);
        if let (Some(current), Some(trip)) = (&mut self.current, trip) {
            current.trips.push(trip.as_micros() as f64);
        }
        if connection
            .answers
            .received(segment.sequence, segment.payload)
        {
            self.arrived(at);
        }
    }

    fn tls_sent(&mut self, at: Instant, client: u16, segment: &Segment<'_>) {
        let Some(ack) = segment.ack else { return };
        let known = self.connections.get(&client);
        if known.is_none_or(|connection| connection.tls.is_none()) {
            if segment.payload.is_empty() {
                return;
            }
            // Another connection: what went before is over, if it was whole.
            self.finish_encrypted();
            self.begin(at);
            let connection = self.connections.entry(client).or_default();
            connection.tls = Some(TlsStream::new(segment.sequence));
        }
        let Some(stream) = self.tls_stream(client) else {
            return;
        };
        // First what it acknowledges: a request may be the first to do so for the answer before it.
        let new = stream.request.map_or(0, |start| ack.wrapping_sub(start));
        let old = stream.acked.map_or(0, |(octets, _)| octets);
        if new > old && new < 1 << 31 {
            stream.acked = Some((new, at));
        }
        if stream.requests(segment) {
            self.finish_encrypted();
            self.begin(at);
            if let Some(stream) = self.tls_stream(client) {
                (stream.request, stream.acked) = (Some(ack), None);
            }
            if let Some(current) = &mut self.current {
                current.requested = at;
            }
        }
    }

    fn tls_received(&mut self, at: Instant, client: u16, segment: &Segment<'_>) {
        let stream = self.tls_stream(client);
        if stream.is_some_and(|stream| stream.request.is_some()) && !segment.payload.is_empty() {
            self.arrived(at);
        }
    }

    fn tls_stream(&mut self, client: u16) -> Option<&mut TlsStream> {
        self.connections.get_mut(&client)?.tls.as_mut()
    }
}

impl Watch for Meter {
    fn frame(&mut self, at: Instant, sent: bool, octets: &[u8]) {
        match sent {
            true => self.frames.0 += 1,
            false => self.frames.1 += 1,
        }
        if let Some(segment) = Segment::parse(octets) {
            self.segment(at, sent, &segment);
        } else if let Some(datagram) = Datagram::parse(octets) {
            self.datagram(at, sent, &datagram);
        }
    }
}

/// Octets in at least one of the parts.
fn covered(parts: &[(u64, u64)]) -> u64 {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let mut end = 0;
    let mut sum = 0;
    for (from, to) in parts {
        sum += to.saturating_sub(from.max(end));
        end = end.max(to);
    }
    sum
}

/// Number of a DATA block, or of the block that an ACK is for.
fn block(payload: &[u8]) -> Option<u16> {
    let number = payload.get(2..4)?;
    Some(u16::from_be_bytes([number[0], number[1]]))
}

/// The blksize that an OACK has (RFC 2348).
fn blksize(payload: &[u8]) -> Option<usize> {
    let mut words = payload.get(2..)?.split(|&octet| octet == 0);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if name.eq_ignore_ascii_case(b"blksize") {
            return std::str::from_utf8(value).ok()?.parse().ok();
        }
    }
    None
}

/// Whether a BOOTP message is a DHCPACK (RFC 2131; option 53 of RFC 2132 has value 5).
fn is_dhcp_ack(message: &[u8]) -> bool {
    const OPTIONS: usize = 240;
    let mut rest = message.get(OPTIONS..).unwrap_or_default();
    while let [code, tail @ ..] = rest {
        match (code, tail) {
            (0, _) => rest = tail,
            (255, _) => return false,
            (53, [1, kind, ..]) => return *kind == 5,
            (_, [len, tail @ ..]) => rest = tail.get(usize::from(*len)..).unwrap_or_default(),
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests;
