//! The fuzz bodies: operations on a client with any answers, and a server with any messages.
//!
//! What holds after each step of the client's:
//!
//! - what is handed out is the file, in its order, whatever came;
//! - a frame is given back once, and never more frames are kept than the window has;
//! - a call of `poll_transmit` until `None` ends after a few messages, each of which can be read;
//! - a client that waits for something has a timer, and left alone it comes to an end.

use crate::client::{Client, Event, Frames, OWN_SLOT, Output, Request, Timing};
use crate::endpoint::Endpoint;
use crate::server::{Bucket, Object, Reply, Server, Store};
use crate::wire::{self, Answer, DATA_HEAD, DATA_MAX, ErrorCode, Group, Meta, Name, REQUEST_MAX};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::fuzz::Input;
use netboot_core::{Duration, Instant};
use netboot_verity::{BLOCK, Software, Tree};

const SERVER: Endpoint = Endpoint::server(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
const OTHER: Endpoint = Endpoint::server(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)));
const GROUP: Group = Group {
    addr: IpAddr::V4(Ipv4Addr::new(239, 192, 0, 1)),
    port: 6911,
    rate: 1_000_000,
};
const NONCE: u64 = 0x0102_0304_0506_0708;

/// A file of a little more than a node.
struct File {
    data: Vec<u8>,
    object: Object,
    blocks: Vec<Vec<u8>>,
}

impl File {
    fn new(size: usize) -> Self {
        let data: Vec<u8> = (0..size).map(|at| (at ^ at >> 8) as u8).collect();
        let tree = Tree::of(&data);
        let packed = tree.pack(&data).expect("a small file");
        let blocks = packed.chunks(BLOCK).skip(1).map(<[u8]>::to_vec);
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

impl Store for File {
    fn find(&self, name: &Name<'_>) -> Result<Object, ErrorCode> {
        match name {
            Name::Path(b"/f") => Ok(self.object),
            Name::Digest(digest) if *digest == self.object.digest => Ok(self.object),
            _ => Err(ErrorCode::NOT_FOUND),
        }
    }

    fn has(&self, id: u32) -> bool {
        id == self.object.id()
    }

    fn block(&self, _: u32, number: u32, out: &mut [u8; BLOCK]) -> Option<usize> {
        let block = self.blocks.get(number as usize)?;
        for (to, from) in out.iter_mut().zip(block) {
            *to = *from;
        }
        Some(block.len())
    }
}

/// The frames that the client holds, by slot.
struct Ring(Vec<Option<Vec<u8>>>);

impl Frames for Ring {
    fn datagram(&self, slot: u8) -> &[u8] {
        let frame = self.0.get(usize::from(slot));
        frame
            .and_then(Option::as_deref)
            .expect("the client asks for frames that it holds")
    }
}

struct State {
    file: File,
    client: Client<Software, 2>,
    ring: Ring,
    window: usize,
    now: Instant,
    received: usize,
    cookie: u64,
    /// Set when the client believes in another file.
    foreign: bool,
}

/// Runs a client on one input.
///
/// # Panics
/// When an invariant does not hold.
pub fn client(data: &[u8]) {
    let mut input = Input(data);
    let file = File::new(usize::from(input.octet()) * 170);
    let octet = input.octet();
    let window = (octet % 64) + 1;
    let multicast = window & 1 == 1;
    let offset = usize::from(octet / 64) * 11_000;
    let request = Request {
        path: "/f",
        digest: input.flag().then_some(file.object.digest),
        offset: offset as u64,
        window,
        rate: u32::from(input.octet()) << 12,
        multicast,
    };
    let now = Instant::from_millis(1);
    let made = Client::new(
        Software::default(),
        SERVER,
        &request,
        Timing::default(),
        NONCE,
        now,
    );
    let last = file.data.len().saturating_sub(1);
    let mut state = State {
        file,
        client: made.expect("the request is within its bounds"),
        ring: Ring((0..=window).map(|_| None).collect()),
        window: window.into(),
        now,
        received: offset.min(last) / BLOCK * BLOCK,
        cookie: 1,
        foreign: false,
    };
    state.check();
    if multicast {
        state.client.join(now, &GROUP);
    }
    while !input.is_empty() {
        state.step(&mut input);
        state.check();
    }
    // Left alone, it comes to an end.
    state.client.start(state.now);
    for round in 0.. {
        assert!(round < 2_000, "timers without an end");
        state.take(usize::MAX);
        state.transmit();
        let Some(timer) = state.client.poll_timeout() else {
            break;
        };
        state.now = state.now.max(timer);
        let _ = state.client.handle_timeout(state.now);
    }
}

impl State {
    fn step(&mut self, input: &mut Input<'_>) {
        let kind = input.octet();
        match kind & 7 {
            0 => self.now += Duration::from_millis(u64::from(input.octet())),
            1 => {
                if let Some(timer) = self.client.poll_timeout() {
                    self.now = self.now.max(timer);
                }
                let _ = self.client.handle_timeout(self.now);
            }
            2 => self.client.start(self.now),
            3 => self.take(usize::from(input.octet() & 15)),
            4 => self.block(input, kind),
            5 => {
                let len = usize::from(input.octet());
                let octets = input.take(len).to_vec();
                self.give(Some(SERVER), &octets);
            }
            6 => self.answer(input),
            _ => match input.octet() & 15 {
                0 => {
                    while let Some(slot) = self.client.give_up() {
                        self.free(slot);
                    }
                }
                1 => self.client.report(self.now, 1, 2),
                2 => {
                    let tried = self.client.try_server(self.now, SERVER, "/f", NONCE);
                    tried.expect("the path is short");
                }
                3 => self.parity(input),
                4 => self.client.join(self.now, &GROUP),
                // A burst of right blocks, as a server sends it.
                many => {
                    for _ in 0..many {
                        self.right(self.next());
                    }
                }
            },
        }
    }

    /// The number of the block that is next, and that of some blocks behind it.
    fn next(&self) -> u32 {
        self.client.next_number()
    }

    /// A block near the next one, right or with something changed.
    fn block(&mut self, input: &mut Input<'_>, kind: u8) {
        let number = self
            .next()
            .wrapping_add(u32::from(input.octet() % 80))
            .wrapping_sub(4);
        if kind & 0x18 != 0 {
            return self.right(number);
        }
        let block = self.file.blocks.get(number as usize);
        let mut block = block.cloned().unwrap_or_else(|| alloc::vec![1; BLOCK]);
        match input.octet() {
            at @ 0..200 => {
                if let Some(octet) = block.get_mut(usize::from(at) * 5) {
                    *octet ^= input.octet();
                }
            }
            len => block.truncate(usize::from(len)),
        }
        let id = (self.file.object.id() >> 16) as u16 ^ u16::from(input.octet() == 1);
        let from = match input.octet() == 1 {
            true => OTHER,
            false => SERVER,
        };
        let block = &block;
        let data = Answer::Data { id, number, block };
        match input.octet() & 3 {
            0 => self.emit(None, &data),
            _ => self.emit(Some(from), &data),
        }
    }

    /// The sum of the run that is next, right or with something changed, by the group.
    fn parity(&mut self, input: &mut Input<'_>) {
        let first = self.next() & !15;
        let blocks = self.file.blocks.iter().skip(first as usize).take(16);
        let mut sum = [0; BLOCK];
        let mut count = 0;
        for block in blocks {
            count += 1;
            for (to, from) in sum.iter_mut().zip(block) {
                *to ^= *from;
            }
        }
        if let Some(octet) = sum.get_mut(usize::from(input.octet()) * 16) {
            *octet ^= input.octet() & 1;
        }
        let sum = &sum;
        let id = (self.file.object.id() >> 16) as u16;
        let parity = Answer::Parity {
            id,
            first,
            count,
            sum,
        };
        self.emit(None, &parity);
    }

    fn right(&mut self, number: u32) {
        let Some(block) = self.file.blocks.get(number as usize).cloned() else {
            return;
        };
        let id = (self.file.object.id() >> 16) as u16;
        let block = &block;
        let group = number & 64 != 0;
        let from = (!group).then_some(SERVER);
        self.emit(from, &Answer::Data { id, number, block });
    }

    /// META, BUSY or ERROR.
    fn answer(&mut self, input: &mut Input<'_>) {
        let token = match input.octet() & 7 {
            0 => 9,
            1 => self.cookie,
            _ => NONCE,
        };
        let answer = match input.octet() & 15 {
            0 => Answer::Error {
                token,
                code: ErrorCode(input.octet().into()),
            },
            1..=3 => Answer::Busy {
                token,
                retry: u32::from(input.octet()) << (input.octet() & 31),
            },
            more => {
                let mut descriptor = self.file.object.descriptor;
                if more == 4 {
                    descriptor.size = u64::from(input.octet()) << (input.octet() & 63);
                }
                self.cookie += u64::from(more == 5);
                Answer::Meta(Meta {
                    nonce: token,
                    cookie: self.cookie,
                    descriptor,
                    group: None,
                })
            }
        };
        self.emit(Some(SERVER), &answer);
    }

    /// Gives the client an answer of an endpoint, or of the group.
    fn emit(&mut self, from: Option<Endpoint>, answer: &Answer<'_>) {
        let mut buf = [0; DATA_MAX];
        if let Some(message) = answer.emit(&mut buf).and_then(|len| buf.get(..len)) {
            self.give(from, message);
        }
    }

    fn give(&mut self, from: Option<Endpoint>, datagram: &[u8]) {
        let slot = self.ring.0.iter().position(Option::is_none);
        let slot = slot.expect("one frame more than the window is there");
        let event = match from {
            Some(from) => self.client.handle(self.now, from, datagram, slot as u8),
            None => self.client.handle_group(self.now, datagram, slot as u8),
        };
        match event {
            Ok(Event::Kept) => {
                if let Some(frame) = self.ring.0.get_mut(slot) {
                    *frame = Some(datagram.to_vec());
                }
            }
            Ok(Event::Opened { size, .. }) => {
                // Without a digest, the first server's word counts, whatever it says.
                self.foreign |= size != self.file.data.len() as u64;
            }
            Ok(Event::None) | Err(_) => {}
        }
    }

    fn free(&mut self, slot: u8) {
        let frame = self.ring.0.get_mut(usize::from(slot));
        let frame = frame.and_then(Option::take);
        assert!(frame.is_some(), "a slot is given back that is free");
    }

    /// Takes so many blocks of data, if they are there.
    fn take(&mut self, most: usize) {
        let mut taken = 0;
        loop {
            match self.client.poll(self.now, &self.ring) {
                Err(_) | Ok(Output::None) => return,
                Ok(Output::Release { slot }) => self.free(slot),
                Ok(Output::Data {
                    slot, offset, len, ..
                }) => {
                    if taken >= most {
                        return;
                    }
                    taken += 1;
                    let octets = match slot {
                        OWN_SLOT => self.client.recovered().get(..usize::from(len)),
                        slot => self.ring.datagram(slot).get(DATA_HEAD..),
                    };
                    let octets = octets.unwrap_or_default();
                    assert_eq!(offset, self.received as u64);
                    assert_eq!(octets.len(), usize::from(len));
                    let rest = self.file.data.get(self.received..);
                    assert!(rest.is_some_and(|rest| rest.starts_with(octets)));
                    self.received += octets.len();
                    self.client.consumed(self.now);
                    if slot != OWN_SLOT {
                        self.free(slot);
                    }
                }
            }
        }
    }

    fn transmit(&mut self) {
        let mut buf = [0; REQUEST_MAX];
        let mut count = 0;
        while let Some((len, _)) = self.client.poll_transmit(self.now, &mut buf) {
            count += 1;
            assert!(count <= 3, "OPEN, GET and REPORT are all that can be due");
            let message = buf.get(..len).unwrap_or_default();
            assert!(wire::Request::parse(message).is_some());
        }
    }

    fn check(&mut self) {
        self.transmit();
        let held = self.ring.0.iter().flatten().count();
        assert!(held <= self.window, "{held} frames of {}", self.window);
        assert!(!self.client.is_transmit_due());
        if self.client.is_complete() && !self.foreign {
            assert_eq!(self.received, self.file.data.len());
            assert_eq!(held, 0);
        }
    }
}

/// Gives a server the messages of an input: of any content, and with the right cookie.
///
/// # Panics
/// When an answer is longer than its message, or blocks go to an address that has not answered.
pub fn server(data: &[u8]) {
    let mut input = Input(data);
    let file = File::new(5_000);
    let mut now = Instant::ZERO;
    let budget = input.flag().then(|| Bucket::new(50_000, 100_000, now));
    let mut server = Server::new([input.octet(); 16], budget);
    let mut cookie = None;
    let mut buf = [0; DATA_MAX];
    let mut wire = [0; REQUEST_MAX];
    while !input.is_empty() {
        now += Duration::from_millis(u64::from(input.octet()));
        let kind = input.octet();
        let from = match kind & 0x80 {
            0 => SERVER,
            _ => OTHER,
        };
        let request = match kind & 7 {
            0 => wire::Request::Open(wire::Open {
                nonce: NONCE,
                window: 1,
                rate: 0,
                multicast: true,
                name: Name::Path(match input.flag() {
                    true => b"/f",
                    false => b"/g",
                }),
            }),
            1..=4 => wire::Request::Get(wire::Get {
                cookie: cookie.unwrap_or(0) ^ u64::from(kind & 0x40),
                id: file.object.id() ^ u32::from(kind & 0x20),
                first: u32::from(input.octet()) << (kind & 0x18),
                map: u64::from(input.octet()) << (input.octet() & 63),
                gap: u16::from(input.octet()),
            }),
            5 => wire::Request::Report(wire::Report {
                cookie: cookie.unwrap_or(0),
                id: file.object.id(),
                ..wire::Report::default()
            }),
            6 => {
                server.renew([input.octet(); 16]);
                continue;
            }
            _ => {
                let len = usize::from(input.octet()) * 2;
                let octets = input.take(len);
                let reply = server.handle(now, from, octets, &file, &mut buf);
                if let Reply::Send(sent) = reply {
                    assert!(sent <= octets.len());
                }
                continue;
            }
        };
        let len = request.emit(&mut wire).expect("the buffer has room");
        let message = wire.get(..len).unwrap_or_default();
        match server.handle(now, from, message, &file, &mut buf) {
            Reply::Send(sent) => {
                assert!(sent <= len, "it amplifies");
                if let Some(Answer::Meta(meta)) = Answer::parse(buf.get(..sent).unwrap_or_default())
                    && from == SERVER
                {
                    cookie = Some(meta.cookie);
                }
            }
            Reply::Burst(mut burst) => {
                assert_eq!((burst.to(), from), (SERVER, SERVER));
                let mut count = 0;
                while let Some(at) = burst.poll_timeout() {
                    now = now.max(at);
                    count += u32::from(burst.poll_transmit(now, &file, &mut buf).is_some());
                }
                assert!(count <= 64);
            }
            Reply::Report(_) => assert_eq!(from, SERVER),
            Reply::None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_core::fuzz::Random;
    use proptest::prelude::*;

    fn inputs(seeds: core::ops::Range<u64>, run: fn(&[u8])) {
        for seed in seeds {
            let mut random = Random(seed);
            let len = random.below(600);
            let input: Vec<_> = (0..len).map(|_| random.octet()).collect();
            run(&input);
        }
    }

    #[test]
    fn pseudo_random_inputs_of_a_client() {
        inputs(0..1500, client);
    }

    #[test]
    fn pseudo_random_inputs_of_a_server() {
        inputs(0..1500, server);
    }

    /// OPEN is answered, blocks come in bursts and are taken, to the end of the file.
    #[test]
    fn a_whole_transfer() {
        let mut input = alloc::vec![200, 15, 1, 0, 0, 6, 2, 15, 2];
        for _ in 0..60 {
            input.extend([7, 12, 3, 15, 4 | 8, 5, 4 | 8, 6]);
        }
        client(&input);
        for len in 0..input.len() {
            client(&input[..len]);
        }
    }

    proptest! {
        #[test]
        fn any_input(input in prop::collection::vec(any::<u8>(), 0..800)) {
            client(&input);
            server(&input);
        }
    }
}
