//! A server, a link and a consumer under virtual time, to test the client against.
//!
//! Every request opens a transfer on a port of its own, so a repeated RRQ gives stray transfer ids as
//! it does in the field. The link loses, duplicates and reorders by a seed. The caller is never on the dot: it calls the
//! client's timer at odd moments before its time, and late by up to a millisecond.

use crate::client::{Client, Endpoint, Event, Request, Timing};
use crate::error::TftpError;
use crate::packet::{ErrorCode, Options, OptionsWriter, Packet, parse_decimal};
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::fuzz::Random;
use netboot_core::{Duration, Instant};
use std::collections::{BTreeMap, VecDeque};

pub const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// How a server differs from a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    Good,
    /// Answers a request with options by DATA 1.
    IgnoresOptions,
    /// Answers a request with options by this ERROR.
    RefusesOptions(u16),
    /// Sends DATA again for a duplicate ACK (RFC 1123 section 4.2.3.1).
    Sorcerer,
}

struct Transfer {
    port: u16,
    blksize: usize,
    window: u64,
    /// Blocks acknowledged, counted from 1 without roll-over; `None` while the OACK is not.
    acked: Option<u64>,
    oack: Vec<u8>,
    timer: Instant,
    tries: u32,
}

pub struct Server {
    pub file: Vec<u8>,
    pub quirk: Quirk,
    pub max_blksize: u16,
    pub max_window: u16,
    /// After which it sends again.
    pub timeout: Duration,
    transfers: Vec<Transfer>,
    next_port: u16,
    pub errors_seen: Vec<ErrorCode>,
}

impl Server {
    fn blocks(&self, blksize: usize) -> u64 {
        (self.file.len() / blksize) as u64 + 1
    }

    fn request(&mut self, now: Instant, options: Options<'_>) -> Vec<(u16, Vec<u8>)> {
        let port = self.next_port;
        self.next_port += 1;
        let asked: Vec<_> = options.map(Result::unwrap).collect();
        let mut buf = [0; 128];
        if let (Quirk::RefusesOptions(code), false) = (self.quirk, asked.is_empty()) {
            let packet = Packet::Error {
                code: ErrorCode(code),
                message: b"no",
            };
            let len = packet.emit(&mut buf).unwrap();
            return vec![(port, buf[..len].to_vec())];
        }
        let mut transfer = Transfer {
            port,
            blksize: 512,
            window: 1,
            acked: Some(0),
            oack: Vec::new(),
            timer: now + self.timeout,
            tries: 0,
        };
        if !asked.is_empty() && self.quirk != Quirk::IgnoresOptions {
            let mut answer = OptionsWriter::<96>::default();
            for (name, value) in asked {
                let value = parse_decimal(value).unwrap();
                let name = core::str::from_utf8(name).unwrap();
                let value = match name {
                    "blksize" => {
                        transfer.blksize = value.min(u64::from(self.max_blksize)) as usize;
                        transfer.blksize as u64
                    }
                    "windowsize" => {
                        transfer.window = value.min(u64::from(self.max_window));
                        transfer.window
                    }
                    "tsize" => self.file.len() as u64,
                    _ => value,
                };
                answer.put(name, value).unwrap();
            }
            let len = Packet::Oack(answer.options()).emit(&mut buf).unwrap();
            transfer.oack = buf[..len].to_vec();
            transfer.acked = None;
        }
        let out = self.window(&transfer);
        self.transfers.push(transfer);
        out
    }

    /// What follows the last ACK: the OACK or a window of blocks.
    fn window(&self, transfer: &Transfer) -> Vec<(u16, Vec<u8>)> {
        let Some(acked) = transfer.acked else {
            return vec![(transfer.port, transfer.oack.clone())];
        };
        let last = (acked + transfer.window).min(self.blocks(transfer.blksize));
        (acked + 1..=last)
            .map(|block| {
                let start = (block - 1) as usize * transfer.blksize;
                let end = (start + transfer.blksize).min(self.file.len());
                let mut wire = vec![0, 3];
                wire.extend((block as u16).to_be_bytes());
                wire.extend(&self.file[start..end]);
                (transfer.port, wire)
            })
            .collect()
    }

    fn handle(&mut self, now: Instant, port: u16, datagram: &[u8]) -> Vec<(u16, Vec<u8>)> {
        match Packet::parse(datagram).expect("the client sends packets") {
            Packet::Request { options, mode, .. } => {
                assert_eq!((port, mode), (69, &b"octet"[..]));
                self.request(now, options)
            }
            Packet::Ack { block } => {
                let Some(index) = self.transfers.iter().position(|t| t.port == port) else {
                    return Vec::new();
                };
                let blocks = self.blocks(self.transfers[index].blksize);
                let sorcerer = self.quirk == Quirk::Sorcerer;
                let transfer = &mut self.transfers[index];
                let acked = transfer.acked.unwrap_or(0);
                let ahead = u64::from(block.wrapping_sub(acked as u16));
                // A window is repeated for an ACK that does not advance (RFC 7440), a single block
                // is not.
                let fresh = ahead > 0 || transfer.acked.is_none();
                if ahead > transfer.window || !(fresh || transfer.window > 1 || sorcerer) {
                    return Vec::new();
                }
                transfer.acked = Some(acked + ahead);
                transfer.timer = now + self.timeout;
                if fresh {
                    transfer.tries = 0;
                }
                if acked + ahead == blocks {
                    self.transfers.remove(index);
                    return Vec::new();
                }
                self.window(&self.transfers[index])
            }
            Packet::Error { code, .. } => {
                self.errors_seen.push(code);
                self.transfers.retain(|t| t.port != port);
                Vec::new()
            }
            other => panic!("{other:?} from a client"),
        }
    }

    fn timeouts(&mut self, now: Instant) -> Vec<(u16, Vec<u8>)> {
        for transfer in &mut self.transfers {
            if transfer.timer <= now {
                transfer.tries += 1;
            }
        }
        self.transfers.retain(|t| t.tries <= 10);
        let due: Vec<_> = (0..self.transfers.len())
            .filter(|index| self.transfers[*index].timer <= now)
            .collect();
        due.into_iter()
            .flat_map(|index| {
                self.transfers[index].timer = now + self.timeout;
                self.window(&self.transfers[index])
            })
            .collect()
    }
}

/// Percentages and times of a link.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub loss: u32,
    pub duplication: u32,
    /// Per cent of datagrams that are late by up to four times the latency.
    pub reordering: u32,
    pub latency: Duration,
}

impl Link {
    pub const PERFECT: Self = Self {
        loss: 0,
        duplication: 0,
        reordering: 0,
        latency: Duration::from_millis(1),
    };
}

enum Flight {
    ToServer(u16, Vec<u8>),
    ToClient(Endpoint, Vec<u8>),
    Consumed,
}

pub struct World {
    pub now: Instant,
    pub client: Client,
    pub server: Server,
    pub link: Link,
    random: Random,
    /// The inaccuracy of the caller's clock.
    clock: Random,
    flights: BTreeMap<(Instant, u64), Flight>,
    flight_count: u64,
    /// The receive buffer of the client's socket, in datagrams.
    socket: VecDeque<(Endpoint, Vec<u8>)>,
    pub socket_len: usize,
    /// How long the consumer takes for each block.
    pub consume: Duration,
    /// How long the caller pauses after the opening.
    pub pause: Duration,
    holding: bool,
    pub received: Vec<u8>,
    pub sent: u32,
    pub blocks: u32,
    pub completed_at: Instant,
}

impl World {
    pub fn new(file: Vec<u8>, request: &Request<'_>, seed: u64) -> Self {
        Self {
            now: Instant::ZERO,
            client: Client::new(
                Endpoint::server(SERVER),
                request,
                Timing::default(),
                Instant::ZERO,
            )
            .unwrap(),
            server: Server {
                file,
                quirk: Quirk::Good,
                max_blksize: u16::MAX,
                max_window: u16::MAX,
                timeout: Duration::from_secs(1),
                transfers: Vec::new(),
                next_port: 40000,
                errors_seen: Vec::new(),
            },
            link: Link::PERFECT,
            random: Random(seed),
            clock: Random(!seed),
            flights: BTreeMap::new(),
            flight_count: 0,
            socket: VecDeque::new(),
            socket_len: 1000,
            consume: Duration::ZERO,
            pause: Duration::ZERO,
            holding: false,
            received: Vec::new(),
            sent: 0,
            blocks: 0,
            completed_at: Instant::ZERO,
        }
    }

    fn fly(&mut self, after: Duration, flight: Flight) {
        self.flight_count += 1;
        let key = (self.now + after, self.flight_count);
        self.flights.insert(key, flight);
    }

    fn launch(&mut self, make: impl Fn() -> Flight) {
        let copies = 1 + u32::from(self.random.percent(self.link.duplication));
        for _ in 0..copies {
            if self.random.percent(self.link.loss) {
                continue;
            }
            let mut delay = self.link.latency;
            if self.random.percent(self.link.reordering) {
                delay += self.link.latency * (self.random.number() % 4) as u32;
            }
            self.fly(delay, make());
        }
    }

    fn answer(&mut self, out: Vec<(u16, Vec<u8>)>) {
        for (port, wire) in out {
            let from = Endpoint { addr: SERVER, port };
            self.launch(|| Flight::ToClient(from, wire.clone()));
        }
    }

    /// A datagram to the client, past the link's mischief.
    pub fn inject(&mut self, from: Endpoint, wire: &[u8]) {
        self.fly(Duration::ZERO, Flight::ToClient(from, wire.to_vec()));
    }

    fn transmit(&mut self) {
        let mut buf = [0; 512];
        let before = self.sent;
        while let Some((len, to)) = self.client.poll_transmit(self.now, &mut buf) {
            self.sent += 1;
            // An ACK or RRQ, an ERROR to a stray port, and one to the server.
            assert!(self.sent <= before + 3, "packets without end");
            let wire = buf[..len].to_vec();
            self.launch(|| Flight::ToServer(to.port, wire.clone()));
        }
    }

    fn present(&mut self) -> Result<(), TftpError> {
        while !self.holding {
            let Some((from, wire)) = self.socket.pop_front() else {
                break;
            };
            match self.client.handle(self.now, from, &wire)? {
                Event::None => {}
                Event::Opened { again, .. } => {
                    self.holding = true;
                    if again {
                        self.socket.push_front((from, wire));
                    }
                    self.fly(self.pause, Flight::Consumed);
                }
                Event::Data {
                    payload,
                    offset,
                    last,
                } => {
                    assert_eq!(offset, self.received.len() as u64);
                    self.received.extend(payload);
                    assert_eq!(
                        last,
                        self.received.len() == self.server.file.len() && {
                            let blksize = self.server.max_blksize;
                            payload.len() < usize::from(blksize)
                        }
                    );
                    self.blocks += 1;
                    self.holding = true;
                    self.fly(self.consume, Flight::Consumed);
                }
            }
            self.transmit();
        }
        Ok(())
    }

    /// Moves to the next event and does it; false when there is none.
    fn step(&mut self) -> Result<bool, TftpError> {
        self.transmit();
        let flight = self.flights.keys().next().map(|(at, _)| *at);
        let timer = self.client.poll_timeout();
        let server = self.server.transfers.iter().map(|t| t.timer).min();
        let Some(next) = [flight, timer, server].into_iter().flatten().min() else {
            return Ok(false);
        };
        self.now = self.now.max(next);
        if flight == Some(next) {
            let (_, flight) = self.flights.pop_first().unwrap();
            match flight {
                Flight::ToServer(port, wire) => {
                    let out = self.server.handle(self.now, port, &wire);
                    self.answer(out);
                }
                Flight::ToClient(from, wire) => {
                    if self.socket.len() < self.socket_len {
                        self.socket.push_back((from, wire));
                    }
                }
                Flight::Consumed => {
                    self.holding = false;
                    self.client.start(self.now);
                    self.client.data_consumed(self.now);
                    self.transmit();
                }
            }
            self.present()?;
        } else if server == Some(next) {
            let out = self.server.timeouts(self.now);
            self.answer(out);
        } else {
            self.now += Duration::from_micros(1 + self.clock.number() % 1000);
            self.client.handle_timeout(self.now)?;
            let next = self.client.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now),
                "the late call did nothing"
            );
        }
        if self.clock.percent(10) {
            self.call_early();
        }
        Ok(true)
    }

    /// Calls the client's timer before its time, which changes nothing.
    fn call_early(&mut self) {
        if let Some(timer) = self.client.poll_timeout()
            && timer > self.now
        {
            let due = self.client.is_transmit_due();
            assert_eq!(self.client.handle_timeout(self.now), Ok(()));
            assert_eq!(self.client.is_transmit_due(), due);
            assert_eq!(self.client.poll_timeout(), Some(timer));
        }
    }

    /// Runs until the file is complete, then until nothing moves any more.
    pub fn run(&mut self) -> Result<(), TftpError> {
        let mut steps = 0;
        let result = loop {
            steps += 1;
            assert!(steps < STEPS, "no end");
            match self.step() {
                Ok(true) if self.client.is_complete() => break Ok(()),
                Ok(true) => {}
                Ok(false) => panic!("nothing left to wait for, and no result"),
                Err(error) => break Err(error),
            }
            assert!(self.now < Instant::from_millis(24 * 3_600_000), "no end");
        };
        self.completed_at = self.now;
        while matches!(self.step(), Ok(true)) {
            steps += 1;
            assert!(steps < STEPS, "no rest");
            assert!(self.now < Instant::from_millis(25 * 3_600_000), "no rest");
        }
        assert!(!self.client.lingering());
        result
    }
}

/// Number of steps of the longest transfer.
const STEPS: u32 = 2_000_000;

/// `len` octets that show where they belong.
pub fn pattern(len: usize) -> Vec<u8> {
    let mut random = Random(7);
    (0..len).map(|_| random.octet()).collect()
}
