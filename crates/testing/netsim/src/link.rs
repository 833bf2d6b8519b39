//! The link: two directions, each a line, a propagation delay and a receive ring.
//!
//! ```text
//! send -> [down?] -> queue -> line (bandwidth) -> loss, corruption -> delay -> ring -> receive
//! ```

use crate::config::LinkConfig;
use crate::pcap::PcapWriter;
use netboot_core::{Duration, Instant};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::io::Write;

/// One end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The board that boots.
    Client,
    /// The image server.
    Server,
}

impl Side {
    /// The other end.
    pub const fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// What happened to the frames that one side sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectionStats {
    /// Frames given to the link.
    pub sent: u64,
    /// Octets given to the link.
    pub sent_octets: u64,
    /// Frames that the other side received, duplicates included.
    pub delivered: u64,
    /// Octets that the other side received.
    pub delivered_octets: u64,
    /// Frames lost by chance.
    pub lost: u64,
    /// Frames that were delivered twice.
    pub duplicated: u64,
    /// Frames that were held back.
    pub reordered: u64,
    /// Frames that were changed.
    pub corrupted: u64,
    /// Frames dropped because the queue to the line was full.
    pub queue_drops: u64,
    /// Frames dropped because the receive ring was full.
    pub ring_drops: u64,
    /// Frames dropped because the link was down.
    pub down_drops: u64,
}

/// The counters of both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Frames that the client sent.
    pub from_client: DirectionStats,
    /// Frames that the server sent.
    pub from_server: DirectionStats,
}

/// What stands between the two ends of a link: it takes a frame that a side sends, and puts what goes on in its place into the
/// list, each with the side that it comes from. A switch, a router or an attacker may drop frames, change them, or send its own.
pub type Middle = Box<dyn FnMut(Instant, Side, Vec<u8>, &mut Vec<(Side, Vec<u8>)>) + Send>;

/// A point-to-point Ethernet link.
pub struct Link {
    from_client: Direction,
    from_server: Direction,
    down: bool,
    capture: Option<PcapWriter<Box<dyn Write + Send>>>,
    middle: Option<Middle>,
}

impl Link {
    /// A link that behaves as `config` says in both directions.
    pub fn new(seed: u64, config: LinkConfig) -> Self {
        Self {
            from_client: Direction::new(seed, 0, config),
            from_server: Direction::new(seed, 1, config),
            down: false,
            capture: None,
            middle: None,
        }
    }

    /// Puts something between the two ends.
    pub fn set_middle(&mut self, middle: Middle) {
        self.middle = Some(middle);
    }

    /// Gives `frame` to the link. Time must not go back between two calls.
    pub fn send(&mut self, now: Instant, from: Side, frame: &[u8]) {
        self.send_owned(now, from, frame.to_vec());
    }

    /// As [`send`](Self::send), without a copy.
    pub fn send_owned(&mut self, now: Instant, from: Side, frame: Vec<u8>) {
        let Some(middle) = &mut self.middle else {
            self.pass(now, from, frame);
            return;
        };
        let mut out = Vec::new();
        middle(now, from, frame, &mut out);
        for (from, frame) in out {
            self.pass(now, from, frame);
        }
    }

    /// Lets a frame onto the wire.
    fn pass(&mut self, now: Instant, from: Side, frame: Vec<u8>) {
        if let Some(capture) = &mut self.capture
            && capture.frame(now, &frame).is_err()
        {
            // A full disk must not end the simulation.
            self.capture = None;
        }
        let down = self.down;
        let direction = self.direction(from);
        if down {
            direction.stats.sent += 1;
            direction.stats.sent_octets += frame.len() as u64;
            direction.stats.down_drops += 1;
        } else {
            direction.send(now, frame);
        }
    }

    /// Takes the next frame that has arrived at `at` by `now`.
    pub fn receive(&mut self, now: Instant, at: Side) -> Option<Vec<u8>> {
        self.direction(at.other()).receive(now)
    }

    /// When the next frame arrives at either side; in the past when one waits.
    pub fn next_arrival(&self) -> Option<Instant> {
        let client = self.next_arrival_at(Side::Client);
        let server = self.next_arrival_at(Side::Server);
        client.into_iter().chain(server).min()
    }

    /// When the next frame arrives at `side`; in the past when one waits.
    pub fn next_arrival_at(&self, side: Side) -> Option<Instant> {
        match side {
            Side::Client => self.from_server.next_arrival(),
            Side::Server => self.from_client.next_arrival(),
        }
    }

    /// Changes both directions for frames sent from now on.
    pub fn set_config(&mut self, config: LinkConfig) {
        self.from_client.config = config;
        self.from_server.config = config;
    }

    /// Changes what happens to frames that `from` sends from now on.
    pub fn set_config_from(&mut self, from: Side, config: LinkConfig) {
        self.direction(from).config = config;
    }

    /// The behaviour of the direction that starts at `from`.
    pub fn config_from(&self, from: Side) -> LinkConfig {
        match from {
            Side::Client => self.from_client.config,
            Side::Server => self.from_server.config,
        }
    }

    /// The counters since the start.
    pub fn stats(&self) -> LinkStats {
        LinkStats {
            from_client: self.from_client.stats,
            from_server: self.from_server.stats,
        }
    }

    /// Writes a capture of what each side sends from now on, stamped with the time of sending; lost
    /// frames are in it, duplicates that the link makes are not. Each frame is one write.
    pub fn capture(&mut self, out: Box<dyn Write + Send>) {
        self.capture = PcapWriter::new(out).ok();
    }

    /// Unplugs (`true`) or plugs in (`false`) the cable. Frames on their way are lost with it.
    pub fn set_down(&mut self, down: bool) {
        self.down = down;
        if down {
            self.from_client.cut();
            self.from_server.cut();
        }
    }

    /// Whether the cable is unplugged.
    pub fn is_down(&self) -> bool {
        self.down
    }

    fn direction(&mut self, from: Side) -> &mut Direction {
        match from {
            Side::Client => &mut self.from_client,
            Side::Server => &mut self.from_server,
        }
    }
}

/// A frame on its way. Ordered by arrival, then by order of sending.
struct Flight {
    at: Instant,
    sequence: u64,
    frame: Vec<u8>,
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Flight {}
impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Flight {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

/// The frames that one side sends.
struct Direction {
    config: LinkConfig,
    rng: ChaCha8Rng,
    stats: DirectionStats,
    /// When the line has sent what it was given, in nanoseconds: whole µs would add up to a wrong rate.
    line_free: u64,
    /// When each frame that still waits leaves the line.
    departures: VecDeque<Instant>,
    /// Arrival of the latest frame that was not held back; jitter never delivers before it.
    in_order: Instant,
    sequence: u64,
    flights: BinaryHeap<Reverse<Flight>>,
    ring: VecDeque<Flight>,
}

impl Direction {
    fn new(seed: u64, stream: u64, config: LinkConfig) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self {
            config,
            rng,
            stats: DirectionStats::default(),
            line_free: 0,
            departures: VecDeque::new(),
            in_order: Instant::ZERO,
            sequence: 0,
            flights: BinaryHeap::new(),
            ring: VecDeque::new(),
        }
    }

    fn send(&mut self, now: Instant, mut frame: Vec<u8>) {
        self.stats.sent += 1;
        self.stats.sent_octets += frame.len() as u64;

        while self.departures.front().is_some_and(|&at| at <= now) {
            self.departures.pop_front();
        }
        let full = |limit| self.departures.len() >= limit;
        if self.config.queue_limit.is_some_and(full) {
            self.stats.queue_drops += 1;
            return;
        }
        let departs = self.depart(now, frame.len());

        // Every chance is drawn for every frame, so that changing one probability leaves the others' luck.
        let lost = self.chance(self.config.loss);
        let corrupted = self.chance(self.config.corrupt);
        let held_back = self.chance(self.config.reorder);
        let duplicated = self.chance(self.config.duplicate);
        let delay = self.config.delay + self.up_to(self.config.jitter);
        let hold = self.up_to(self.longest_hold()) + Duration::from_micros(1);
        let echo = self.up_to(self.config.jitter);
        let flip = self.rng.next_u64();

        if lost {
            self.stats.lost += 1;
            return;
        }
        if corrupted && damage(&mut frame, flip) {
            self.stats.corrupted += 1;
        }
        let arrives = if held_back {
            self.stats.reordered += 1;
            self.in_order.max(departs + delay) + hold
        } else {
            self.in_order = self.in_order.max(departs + delay);
            self.in_order
        };
        let copy = duplicated.then(|| frame.clone());
        self.fly(arrives, frame);
        if let Some(copy) = copy {
            self.stats.duplicated += 1;
            self.fly(arrives + echo, copy);
        }
    }

    /// When the last bit of a frame of `octets` leaves the line.
    fn depart(&mut self, now: Instant, octets: usize) -> Instant {
        let nanos = self.config.line_nanos(octets);
        if nanos == 0 {
            return now;
        }
        let start = self.line_free.max(now.as_micros().saturating_mul(1_000));
        self.line_free = start.saturating_add(nanos);
        let departs = Instant::from_micros(self.line_free / 1_000);
        self.departures.push_back(departs);
        departs
    }

    fn fly(&mut self, at: Instant, frame: Vec<u8>) {
        self.sequence += 1;
        self.flights.push(Reverse(Flight {
            at,
            sequence: self.sequence,
            frame,
        }));
    }

    fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        while let Some(Reverse(next)) = self.flights.peek()
            && next.at <= now
        {
            let Some(Reverse(flight)) = self.flights.pop() else {
                break;
            };
            let full = |limit| self.ring.len() >= limit;
            if self.config.ring_limit.is_some_and(full) {
                self.stats.ring_drops += 1;
            } else {
                self.ring.push_back(flight);
            }
        }
        let flight = self.ring.pop_front()?;
        self.stats.delivered += 1;
        self.stats.delivered_octets += flight.frame.len() as u64;
        Some(flight.frame)
    }

    fn next_arrival(&self) -> Option<Instant> {
        let in_ring = self.ring.front().map(|flight| flight.at);
        in_ring.or_else(|| self.flights.peek().map(|Reverse(flight)| flight.at))
    }

    fn cut(&mut self) {
        self.stats.down_drops += (self.flights.len() + self.ring.len()) as u64;
        self.flights.clear();
        self.ring.clear();
        self.departures.clear();
    }

    fn longest_hold(&self) -> Duration {
        let delay = self.config.delay + self.config.jitter;
        delay.max(Duration::from_millis(1))
    }

    fn chance(&mut self, probability: f64) -> bool {
        // 53 bits are what an f64 in 0..1 can hold evenly.
        let drawn = (self.rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < probability
    }

    /// Evenly from zero to `most`, but for a bias that no simulation notices.
    fn up_to(&mut self, most: Duration) -> Duration {
        let drawn = self.rng.next_u64();
        Duration::from_micros(match most.as_micros().checked_add(1) {
            Some(span) => drawn % span,
            None => drawn,
        })
    }
}

/// Changes one bit or one octet of what `frame` carries; whether there was something to change.
fn damage(frame: &mut [u8], chance: u64) -> bool {
    const HEADER: usize = 14;
    const ARP: [u8; 2] = [0x08, 0x06];
    if frame.get(12..HEADER) == Some(&ARP) {
        return false;
    }
    let start = if frame.len() > HEADER { HEADER } else { 0 };
    let body = &mut frame[start..];
    let Some(length) = u64::try_from(body.len()).ok().filter(|&len| len > 0) else {
        return false;
    };
    let mask = if chance & 1 == 0 {
        1 << (chance >> 1 & 7)
    } else {
        // Never 0, which would change nothing.
        (chance >> 1) as u8 | 1
    };
    body[((chance >> 9) % length) as usize] ^= mask;
    true
}
