//! A client, a server and a link that loses, doubles, reorders and forges, in virtual time.

use crate::client::{Client, Event, Frames, Output, Request, Timing};
use crate::endpoint::Endpoint;
use crate::error::UbpError;
use crate::server::{Burst, Object, Reply, Server, Store};
use crate::wire::{self, Answer, DATA_HEAD, DATA_MAX, ErrorCode, Name, REQUEST_MAX};
use netboot_core::fuzz::Random;
use netboot_core::{Duration, Instant};
use netboot_verity::{BLOCK, Layout, Place, Software, Tree};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// The server's end.
pub const SERVER: Endpoint = Endpoint::server(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)));
/// The client's end.
pub const BOARD: Endpoint = Endpoint {
    addr: IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9)),
    port: 40_000,
};

/// Octets that depend on their place.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

/// One file, `/fw.bin`.
#[derive(Clone, Debug)]
pub struct OneFile {
    pub object: Object,
    pub data: Vec<u8>,
    /// The blocks in the order of the packed file.
    pub blocks: Vec<Vec<u8>>,
}

impl OneFile {
    pub fn new(data: Vec<u8>) -> Self {
        let tree = Tree::of(&data);
        let packed = tree.pack(&data).unwrap();
        let blocks = packed[BLOCK..].chunks(BLOCK).map(<[u8]>::to_vec);
        Self {
            object: Object {
                descriptor: tree.descriptor(),
                digest: tree.digest(),
                group: None,
            },
            blocks: blocks.collect(),
            data,
        }
    }
}

impl Store for OneFile {
    fn find(&self, name: &Name<'_>) -> Result<Object, ErrorCode> {
        let found = match name {
            Name::Path(path) => *path == b"/fw.bin",
            Name::Digest(digest) => *digest == self.object.digest,
        };
        found.then_some(self.object).ok_or(ErrorCode::NOT_FOUND)
    }

    fn has(&self, id: u32) -> bool {
        id == self.object.id()
    }

    fn block(&self, id: u32, number: u32, out: &mut [u8; BLOCK]) -> Option<usize> {
        let block = self.blocks.get(number as usize).filter(|_| self.has(id))?;
        out[..block.len()].copy_from_slice(block);
        Some(block.len())
    }
}

/// What the link does. Percentages are of datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// One way.
    pub latency: Duration,
    /// Octets in a second towards the client; 0 for any number.
    pub rate: u64,
    /// In a thousand.
    pub loss: u32,
    pub duplication: u32,
    /// Percentage of datagrams that come later, by up to twice the latency.
    pub reordering: u32,
    /// Percentage of datagrams from the server before which a forged one comes.
    pub forgery: u32,
    /// Faults end at this time.
    pub faults_until: Instant,
}

impl Link {
    pub fn good(latency: Duration) -> Self {
        Self {
            latency,
            rate: 0,
            loss: 0,
            duplication: 0,
            reordering: 0,
            forgery: 0,
            faults_until: Instant::FAR_FUTURE,
        }
    }
}

/// The frames of a receive ring.
#[derive(Clone, Debug, Default)]
pub struct Ring(Vec<Option<Vec<u8>>>);

impl Ring {
    pub fn free(&self) -> Option<u8> {
        let at = self.0.iter().position(Option::is_none)?;
        u8::try_from(at).ok()
    }

    pub fn held(&self) -> usize {
        self.0.iter().flatten().count()
    }
}

impl Frames for Ring {
    fn datagram(&self, slot: u8) -> &[u8] {
        self.0[usize::from(slot)].as_deref().expect("a held frame")
    }
}

/// All of it.
pub struct World {
    pub now: Instant,
    pub client: Client<Software, 3>,
    pub server: Server,
    pub file: OneFile,
    pub link: Link,
    pub received: Vec<u8>,
    /// Offset in the file of the first octet that has to come.
    begin: usize,
    /// Time that the sink takes for a block.
    pub consume: Duration,
    /// Time for which the sink takes nothing, after each so many blocks.
    pub stall: (usize, Duration),
    pub opened: bool,
    /// Set when the server has gone away.
    pub silent: bool,
    pub requests: u32,
    pub blocks_sent: u32,
    pub completed_at: Option<Instant>,
    pub started_at: Option<Instant>,
    pub report: Option<wire::Report>,
    ring: Ring,
    window: u32,
    random: Random,
    /// Datagrams on their way, by when they arrive: to the server or not, and who sends them.
    on_the_way: BTreeMap<(Instant, u64), (bool, Endpoint, Vec<u8>)>,
    sent: u64,
    bursts: VecDeque<Burst>,
    link_free_at: Instant,
    sink_free_at: Instant,
    taken: usize,
}

/// Asks for `/fw.bin`.
pub fn request(file: &OneFile, window: u8) -> Request<'static> {
    Request {
        path: "/fw.bin",
        digest: Some(file.object.digest),
        offset: 0,
        window,
        rate: 0,
        multicast: false,
    }
}

impl World {
    pub fn new(data: Vec<u8>, window: u8, link: Link, seed: u64) -> Self {
        let file = OneFile::new(data);
        let asked = request(&file, window);
        Self::with(file, &asked, link, seed)
    }

    pub fn with(file: OneFile, request: &Request<'_>, link: Link, seed: u64) -> Self {
        let now = Instant::from_millis(5);
        let client = Client::new(
            Software::default(),
            SERVER,
            request,
            Timing::default(),
            0x1234_5678_9abc_def0 ^ seed,
            now,
        );
        let offset = usize::try_from(request.offset).unwrap_or(usize::MAX);
        let last = file.data.len().saturating_sub(1);
        Self {
            now,
            begin: offset.min(last) / BLOCK * BLOCK,
            client: client.expect("a request within its bounds"),
            server: Server::new([7; 16], None),
            file,
            link,
            received: Vec::new(),
            consume: Duration::ZERO,
            stall: (usize::MAX, Duration::ZERO),
            opened: false,
            silent: false,
            requests: 0,
            blocks_sent: 0,
            completed_at: None,
            started_at: None,
            report: None,
            // One frame more than the window: the one that is looked at.
            ring: Ring(vec![None; usize::from(request.window) + 1]),
            window: request.window.into(),
            random: Random(seed),
            on_the_way: BTreeMap::new(),
            sent: 0,
            bursts: VecDeque::new(),
            link_free_at: now,
            sink_free_at: now,
            taken: 0,
        }
    }

    /// Runs until the file is here, or the client fails, or an hour is over.
    pub fn run(&mut self) -> Result<(), UbpError> {
        let end = self.now + Duration::from_secs(3600);
        while self.completed_at.is_none() {
            assert!(self.now < end, "no end: {:?}", self.client);
            self.step()?;
        }
        // What is still to be sent.
        self.client.report(self.now, 0, 1);
        self.transmit();
        while let Some(((at, _), datagram)) = self.on_the_way.pop_first() {
            self.now = at;
            self.deliver(datagram)?;
        }
        Ok(())
    }

    /// Goes on to the next moment at which something happens.
    pub fn step(&mut self) -> Result<(), UbpError> {
        self.settle()?;
        let arrival = self.on_the_way.first_key_value().map(|((at, _), _)| *at);
        self.bursts.retain(|burst| burst.poll_timeout().is_some());
        let burst = self.bursts.front().and_then(Burst::poll_timeout);
        let burst = burst.map(|at| at.max(self.link_free_at));
        let sink = (self.sink_free_at > self.now).then_some(self.sink_free_at);
        let timer = self.client.poll_timeout();
        let next = [arrival, burst, sink, timer].into_iter().flatten().min();
        let Some(next) = next else {
            panic!("nothing will ever happen: {:?}", self.client);
        };
        self.now = self.now.max(next);
        if arrival.is_some_and(|at| at <= self.now) {
            let (_, datagram) = self.on_the_way.pop_first().expect("it is there");
            self.deliver(datagram)?;
        } else if burst.is_some_and(|at| at <= self.now) {
            self.serve();
        } else if timer.is_some_and(|at| at <= self.now) {
            self.client.handle_timeout(self.now)?;
        }
        self.settle()
    }

    /// Has the client do all that it can do now.
    fn settle(&mut self) -> Result<(), UbpError> {
        loop {
            match self.client.poll(self.now, &self.ring)? {
                Output::Release { slot } => self.ring.0[usize::from(slot)] = None,
                Output::Data {
                    slot,
                    offset,
                    len,
                    last,
                } if self.now >= self.sink_free_at => {
                    let frame = self.ring.0[usize::from(slot)].take().expect("held");
                    assert_eq!(offset, (self.begin + self.received.len()) as u64);
                    let octets = &frame[DATA_HEAD..][..usize::from(len)];
                    self.received.extend_from_slice(octets);
                    let expected = &self.file.data[self.begin..];
                    assert!(expected.starts_with(&self.received), "a wrong octet");
                    assert_eq!(last, self.received.len() == expected.len());
                    self.client.consumed(self.now);
                    self.taken += 1;
                    self.sink_free_at = self.now + self.consume;
                    if self.taken.is_multiple_of(self.stall.0) {
                        self.sink_free_at += self.stall.1;
                    }
                }
                _ => break,
            }
        }
        if self.client.is_complete() && self.completed_at.is_none() {
            assert_eq!(self.received, self.file.data[self.begin..]);
            assert_eq!(self.ring.held(), 0, "frames that nobody gave back");
            self.completed_at = Some(self.now);
        }
        self.transmit();
        Ok(())
    }

    fn transmit(&mut self) {
        let mut buf = [0; REQUEST_MAX];
        let mut count = 0;
        while let Some((len, to)) = self.client.poll_transmit(self.now, &mut buf) {
            count += 1;
            assert!(count < 4, "too much at once");
            assert_eq!(to, SERVER);
            self.requests += 1;
            let message = wire::Request::parse(&buf[..len]).expect("a message");
            if let wire::Request::Get(get) = message {
                // Nothing is asked for that the ring has no room for.
                let (lowest, next) = self.unused();
                let top = get.first + 63 - get.map.leading_zeros();
                // The nodes above the first block come one by one where they do not follow each other.
                let alone = self.received.is_empty() && self.begin > 0 && get.map == 1;
                assert!(
                    (get.first >= lowest || alone) && top < next + self.window,
                    "{get:?}, {next} is next"
                );
                assert!(get.map & 1 == 1);
            }
            self.send(true, BOARD, buf[..len].to_vec());
        }
    }

    /// The number of the next data block to use, found without the client's help, and before it that of the first node that may not have been
    /// used: nodes are used as soon as they come.
    fn unused(&self) -> (u32, u32) {
        let layout = Layout::new(self.file.data.len() as u64).unwrap();
        let used = (self.begin + self.received.len()).div_ceil(BLOCK) as u32;
        let is_node = |number| layout.place(number).is_some_and(|place| place.level > 0);
        let next = match used < layout.data_blocks() {
            true => layout.number(Place {
                level: 0,
                index: used,
            }),
            false => layout.blocks(),
        };
        let nodes = (0..next)
            .rev()
            .take_while(|number| is_node(*number))
            .count();
        (next - nodes as u32, next)
    }

    fn deliver(
        &mut self,
        (to_server, from, octets): (bool, Endpoint, Vec<u8>),
    ) -> Result<(), UbpError> {
        if to_server {
            if self.silent {
                return Ok(());
            }
            let mut buf = [0; DATA_MAX];
            match self
                .server
                .handle(self.now, from, &octets, &self.file, &mut buf)
            {
                Reply::None => {}
                Reply::Send(len) => {
                    assert!(len <= octets.len(), "it amplifies");
                    self.send(false, SERVER, buf[..len].to_vec());
                }
                Reply::Burst(burst) => self.bursts.push_back(burst),
                Reply::Report(report) => self.report = Some(report),
            }
            return Ok(());
        }
        // A frame that has no room is lost: it must not have been asked for then.
        let slot = self
            .ring
            .free()
            .expect("the ring has room for all that is asked for");
        match self.client.handle(self.now, from, &octets, slot)? {
            Event::None => {}
            Event::Opened { size, digest, .. } => {
                assert!(!self.opened);
                self.opened = true;
                assert_eq!(size, self.file.data.len() as u64);
                assert_eq!(self.client.first(), self.begin as u64);
                assert_eq!(digest, self.file.object.digest);
                self.client.start(self.now);
                self.started_at = Some(self.now);
            }
            Event::Kept => self.ring.0[usize::from(slot)] = Some(octets),
        }
        Ok(())
    }

    /// Sends the next block of the first burst.
    fn serve(&mut self) {
        let mut buf = [0; DATA_MAX];
        let Some(burst) = self.bursts.front_mut() else {
            return;
        };
        if let Some(len) = burst.poll_transmit(self.now, &self.file, &mut buf) {
            self.blocks_sent += 1;
            self.send(false, SERVER, buf[..len].to_vec());
        }
    }

    /// Sends a datagram over the link.
    fn send(&mut self, to_server: bool, from: Endpoint, octets: Vec<u8>) {
        let faulty = self.now < self.link.faults_until;
        let mut at = self.now;
        if !to_server && self.link.rate > 0 {
            // Ethernet, IP and UDP take 66 octets, with the gap and the preamble.
            let micros = (octets.len() as u64 + 66) * 1_000_000 / self.link.rate;
            at = at.max(self.link_free_at) + Duration::from_micros(micros);
            self.link_free_at = at;
        }
        let at = at + self.link.latency;
        if faulty && !to_server && self.random.percent(self.link.forgery) {
            let forged = self.forge(&octets);
            self.put(at, to_server, from, forged);
        }
        if faulty && self.random.number() % 1000 < u64::from(self.link.loss) {
            return;
        }
        let late = |random: &mut Random| {
            let span = self.link.latency * 2;
            span.portion(random.number() as u32)
        };
        let mut random = self.random.clone();
        let mut arrivals = vec![at];
        if faulty && random.percent(self.link.duplication) {
            arrivals.push(at + late(&mut random));
        }
        if faulty && random.percent(self.link.reordering) {
            arrivals[0] = at + late(&mut random);
        }
        self.random = random;
        for at in arrivals {
            self.put(at, to_server, from, octets.clone());
        }
    }

    fn put(&mut self, at: Instant, to_server: bool, from: Endpoint, octets: Vec<u8>) {
        self.sent += 1;
        self.on_the_way
            .insert((at, self.sent), (to_server, from, octets));
    }

    /// A datagram like this one, with a wrong block.
    fn forge(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut forged = octets.to_vec();
        if let Some(Answer::Data { number, .. }) = Answer::parse(octets) {
            let near = number + self.random.below(5) as u32;
            forged[4..8].copy_from_slice(&near.to_be_bytes());
            let at = DATA_HEAD + self.random.below(forged.len() - DATA_HEAD);
            forged[at] ^= 0x55;
        } else {
            // The nonce or cookie is not known to who forges.
            forged[4] ^= 0x55;
        }
        forged
    }

    /// The time from the first GET to the end.
    pub fn duration(&self) -> Duration {
        let end = self.completed_at.expect("a complete transfer");
        end.since(self.started_at.expect("a transfer that began"))
    }
}
