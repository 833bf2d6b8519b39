//! Many boards at a carousel, each with losses of its own, in virtual time.

use super::bench::{Bench, MS};
use super::*;
use crate::client::{Event, Output};
use crate::server::{Bucket, Carousel, Reply, Server};
use crate::wire::{Answer, DATA_HEAD, DATA_MAX, REQUEST_MAX};
use crate::world::{OneFile, SERVER, pattern};
use netboot_core::fuzz::Random;
use netboot_verity::Software;
use std::net::IpAddr;

const GROUP: Group = Group {
    addr: IpAddr::V4(std::net::Ipv4Addr::new(239, 192, 0, 1)),
    port: 6911,
    rate: 5_000_000,
};

/// A board: its client, its ring and what its device has.
struct Board {
    client: Client<Software, 2>,
    ring: Ring,
    received: Vec<u8>,
    random: Random,
    /// The device takes nothing before this time.
    stalls_until: Instant,
}

#[derive(Default)]
struct Ring(Vec<Option<Vec<u8>>>);

impl Frames for Ring {
    fn datagram(&self, slot: u8) -> &[u8] {
        self.0[usize::from(slot)].as_deref().expect("a held frame")
    }
}

struct Rack {
    now: Instant,
    file: OneFile,
    server: Server,
    carousel: Carousel,
    boards: Vec<Board>,
    /// Losses in a thousand.
    loss: u64,
    /// In a thousand: datagrams of the group before which a forged one comes.
    forgery: u64,
    /// Blocks that were sent to the group and to single boards.
    group_blocks: usize,
    single_blocks: usize,
    silent: bool,
}

impl Rack {
    fn new(len: usize, parity: bool, loss: u64) -> Self {
        let mut file = OneFile::new(pattern(len));
        file.object.group = Some(GROUP);
        let now = Instant::from_millis(1);
        Self {
            now,
            server: Server::new([5; 16], None),
            carousel: Carousel::new(&file.object, GROUP.rate, parity),
            boards: Vec::new(),
            file,
            loss,
            forgery: 0,
            group_blocks: 0,
            single_blocks: 0,
            silent: false,
        }
    }

    fn join(&mut self, count: usize) {
        for _ in 0..count {
            let seed = self.boards.len() as u64;
            let request = Request {
                path: "/fw.bin",
                digest: Some(self.file.object.digest),
                offset: 0,
                window: 32,
                rate: 0,
                multicast: true,
            };
            let timing = Timing::default();
            let client = Client::new(
                Software::default(),
                SERVER,
                &request,
                timing,
                seed,
                self.now,
            );
            self.boards.push(Board {
                client: client.unwrap(),
                ring: Ring(vec![None; 33]),
                received: Vec::new(),
                random: Random(seed),
                stalls_until: self.now,
            });
            self.settle(seed as usize);
        }
        self.carousel.join(self.now, MS(2));
    }

    /// Runs until all boards have the file.
    fn run(&mut self) {
        let end = self.now + Duration::from_secs(120);
        while self.boards.iter().any(|board| !board.client.is_complete()) {
            assert!(self.now < end, "no end");
            self.step();
        }
        for board in &self.boards {
            assert_eq!(board.received, self.file.data);
            assert_eq!(board.ring.0.iter().flatten().count(), 0);
        }
    }

    fn step(&mut self) {
        let mut buf = [0; DATA_MAX];
        let tick = self.now + Duration::from_micros(50);
        let timers = self
            .boards
            .iter()
            .filter_map(|board| board.client.poll_timeout());
        let turn = self.carousel.poll_timeout();
        let next = timers.chain(turn).min().unwrap_or(tick).min(tick);
        self.now = self.now.max(next);
        if let Some(len) = self.carousel.poll_transmit(self.now, &self.file, &mut buf)
            && !self.silent
        {
            let is_data = matches!(Answer::parse(&buf[..len]), Some(Answer::Data { .. }));
            self.group_blocks += usize::from(is_data);
            for at in 0..self.boards.len() {
                self.give_board(at, &buf[..len], true);
            }
        }
        for at in 0..self.boards.len() {
            let board = &mut self.boards[at];
            board
                .client
                .handle_timeout(self.now)
                .expect("no board fails");
            self.settle(at);
        }
    }

    fn give_board(&mut self, at: usize, datagram: &[u8], group: bool) {
        let now = self.now;
        let board = &mut self.boards[at];
        if board.client.is_complete() {
            return;
        }
        if group && board.random.number() % 1000 < self.forgery {
            let mut forged = datagram.to_vec();
            let place = DATA_HEAD + board.random.below(1000).min(forged.len() - DATA_HEAD - 1);
            forged[place] ^= 1;
            board.give(now, &forged, group);
        }
        // Blocks are lost. Without META a board would come late.
        let block = datagram.len() > 80;
        if !block || board.random.number() % 1000 >= self.loss {
            board.give(now, datagram, group);
        }
    }

    /// Has a board do what it can do, and the server answer it.
    fn settle(&mut self, at: usize) {
        self.boards[at].take(self.now, &self.file.data);
        let (mut message, mut buf) = ([0; REQUEST_MAX], [0; DATA_MAX]);
        let client = Endpoint {
            addr: IpAddr::from([10, 0, 1, at as u8]),
            port: 5000,
        };
        while let Some((len, _)) = self.boards[at].client.poll_transmit(self.now, &mut message) {
            let request = &message[..len];
            match self
                .server
                .handle(self.now, client, request, &self.file, &mut buf)
            {
                Reply::Send(len) => self.give_board(at, &buf[..len], false),
                Reply::Burst(mut burst) => {
                    while let Some(len) = burst.poll_transmit(self.now, &self.file, &mut buf) {
                        self.single_blocks += 1;
                        self.give_board(at, &buf[..len], false);
                    }
                }
                Reply::None | Reply::Report(_) => {}
            }
            self.boards[at].take(self.now, &self.file.data);
        }
    }
}

impl Board {
    fn give(&mut self, now: Instant, datagram: &[u8], group: bool) {
        let Some(slot) = self.ring.0.iter().position(Option::is_none) else {
            panic!("the ring has room for what is kept");
        };
        let event = match group {
            true => self.client.handle_group(now, datagram, slot as u8),
            false => self.client.handle(now, SERVER, datagram, slot as u8),
        };
        match event.expect("no board fails") {
            Event::Kept => self.ring.0[slot] = Some(datagram.to_vec()),
            Event::Opened { group, .. } => {
                self.client
                    .join(now, &group.expect("the server has a group"));
                self.client.start(now);
            }
            Event::None => {}
        }
    }

    fn take(&mut self, now: Instant, data: &[u8]) {
        loop {
            match self.client.poll(now, &self.ring).expect("no board fails") {
                Output::Release { slot } => self.ring.0[usize::from(slot)] = None,
                Output::Data {
                    slot, offset, len, ..
                } if now >= self.stalls_until => {
                    assert_eq!(offset, self.received.len() as u64);
                    let len = usize::from(len);
                    if slot == OWN_SLOT {
                        let octets = &self.client.recovered()[..len];
                        self.received.extend_from_slice(octets);
                    } else {
                        let frame = self.ring.0[usize::from(slot)].take().expect("held");
                        self.received.extend_from_slice(&frame[DATA_HEAD..][..len]);
                    }
                    assert!(data.starts_with(&self.received));
                    self.client.consumed(now);
                }
                _ => return,
            }
        }
    }
}

#[test]
fn boards_that_come_together_take_one_turn_and_ask_for_nothing() {
    for parity in [false, true] {
        let mut rack = Rack::new(400_000, parity, 0);
        rack.join(20);
        rack.run();
        assert_eq!(rack.group_blocks, rack.file.blocks.len());
        assert_eq!(rack.single_blocks, 0);
    }
}

#[test]
fn sums_save_most_of_the_blocks_that_are_asked_for() {
    let mut asked = Vec::new();
    for parity in [false, true] {
        let mut rack = Rack::new(1_000_000, parity, 10);
        rack.join(30);
        rack.run();
        let recovered: u32 = rack
            .boards
            .iter()
            .map(|board| board.client.stats().recovered)
            .sum();
        println!(
            "{} blocks to the group, {} to single boards, {recovered} from sums",
            rack.group_blocks, rack.single_blocks
        );
        assert_eq!(rack.group_blocks, rack.file.blocks.len());
        assert_eq!(recovered > 0, parity);
        asked.push(rack.single_blocks);
    }
    // 1 % of 1,009 blocks is 10 for each of 30 boards.
    assert!((250..450).contains(&asked[0]), "{asked:?}");
    assert!(asked[1] * 4 < asked[0], "{asked:?}");
}

#[test]
fn a_board_that_comes_late_asks_and_then_joins() {
    let mut rack = Rack::new(1_000_000, true, 0);
    rack.join(3);
    while rack.group_blocks < 500 {
        rack.step();
    }
    rack.join(1);
    rack.run();
    // It asks for what the group has passed, and meets it: less than the file, more than nothing.
    assert!((1..=rack.file.blocks.len()).contains(&rack.single_blocks));
}

#[test]
fn a_group_that_falls_silent_is_left() {
    let mut rack = Rack::new(500_000, true, 0);
    rack.join(2);
    while rack.group_blocks < 200 {
        rack.step();
    }
    rack.silent = true;
    let began = rack.now;
    rack.run();
    assert!(rack.now.since(began) < MS(80), "{}", rack.now.since(began));
    let left = rack.file.blocks.len() - 200;
    assert!(
        (left..left + 10).contains(&(rack.single_blocks / 2)),
        "{}",
        rack.single_blocks
    );
}

#[test]
fn a_device_that_stalls_gets_what_it_missed() {
    let mut rack = Rack::new(500_000, true, 2);
    rack.join(3);
    while rack.group_blocks < 100 {
        rack.step();
    }
    rack.boards[0].stalls_until = rack.now + Duration::from_secs(30);
    rack.run();
    assert!(rack.boards[0].client.stats().repeated < 200);
}

#[test]
fn a_busy_server_leaves_the_rest_to_the_group() {
    let mut rack = Rack::new(300_000, true, 20);
    // 100 blocks in a second for all.
    rack.server = Server::new([5; 16], Some(Bucket::new(100_000, 66_000, rack.now)));
    rack.join(20);
    // The carousel turns on while boards are not done.
    while rack.boards.iter().any(|board| !board.client.is_complete()) {
        if rack.carousel.poll_timeout().is_none() {
            rack.carousel.join(rack.now, MS(1));
        }
        rack.step();
    }
    rack.run();
    assert!(rack.group_blocks < 300 * rack.file.blocks.len());
}

#[test]
fn forged_blocks_of_a_group_delay_and_nothing_else() {
    let mut rack = Rack::new(300_000, true, 10);
    rack.forgery = 100;
    rack.join(10);
    rack.run();
    let wrong: u32 = rack
        .boards
        .iter()
        .map(|board| board.client.stats().wrong)
        .sum();
    assert!(wrong > 100, "{wrong}");
}

#[test]
fn a_client_that_has_ended_waits_for_nothing() {
    let mut bench = Bench::new();
    bench.open();
    let token = super::bench::NONCE;
    bench.give(Answer::Busy { token, retry: 99 }).unwrap();
    assert!(bench.timer().is_some());
    assert_eq!(bench.client.give_up(), None);
    bench.client.join(bench.now, &GROUP);
    assert_eq!(bench.timer(), None);
}

#[test]
fn own_blocks_have_no_slot_to_give_back() {
    let mut bench = Bench::receiving();
    bench.client.join(bench.now, &GROUP);
    let id = (bench.file.object.id() >> 16) as u16;
    let mut sum = [0; 1024];
    for number in 0..16u32 {
        let block = bench.file.blocks[number as usize].clone();
        for (to, from) in sum.iter_mut().zip(&block) {
            *to ^= from;
        }
        if number != 5 && number < 8 {
            bench.block(number, 0).unwrap();
        }
    }
    let mut parity = |count, first, change| {
        let mut sum = [0; 1024];
        for block in &bench.file.blocks[first as usize..][..usize::from(count)] {
            for (to, from) in sum.iter_mut().zip(block) {
                *to ^= from;
            }
        }
        sum[0] ^= change;
        let mut buf = [0; DATA_MAX];
        let message = Answer::Parity {
            id,
            first,
            count,
            sum: &sum,
        };
        let len = message.emit(&mut buf).unwrap();
        bench.client.handle_group(bench.now, &buf[..len], 0)
    };
    // More than one is missing; another run; a wrong sum; and the right one.
    assert_eq!(parity(16, 0, 0), Ok(Event::None));
    assert_eq!(parity(8, 16, 0), Ok(Event::None));
    assert_eq!(parity(8, 0, 1), Ok(Event::None));
    assert_eq!(parity(8, 0, 0), Ok(Event::None));
    let stats = bench.client.stats();
    assert_eq!((stats.recovered, stats.wrong), (1, 1));
    assert_eq!(bench.client.recovered(), &bench.file.blocks[5][..]);
    let slots: Vec<u8> = std::iter::from_fn(|| bench.client.give_up()).collect();
    assert_eq!(slots, [2, 3, 4, 6, 7]);
}
