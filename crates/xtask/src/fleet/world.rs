//! A server, a switch and many boards, in virtual time: the shipped client, and the shipped server without its socket.
//!
//! The server has one line, which sends one datagram after the other. The switch copies what goes to a group to each board that listens, and loses datagrams for each
//! board by itself. Boards begin at random moments, after a DHCP server has answered them one after the other.

use super::board::{Board, chance, endpoint, number_of, strikes};
use image_server::UbpFile;
use netboot_core::{Duration, Instant};
use netboot_ubp::Endpoint;
use netboot_ubp::server::{Bucket, Burst, Carousel, Reply, Server};
use netboot_ubp::wire::{Answer, DATA_MAX, Group};
use rand_core::RngCore;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use testbed::Image;

/// The server's end.
pub const SERVER: Endpoint = Endpoint::server(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));
/// Time that a datagram takes through the switch.
const LATENCY: Duration = Duration::from_micros(50);
/// Octets that Ethernet, IP and UDP put around a message.
const AROUND: u64 = 66;
/// Time that the DHCP server takes for a lease, both exchanges.
const LEASE: Duration = Duration::from_micros(100);
/// Time from the first OPEN to the first block for the group.
const GATHERING: Duration = Duration::from_millis(20);
/// Virtual time after which a fleet counts as one that never ends.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Octets that several boards hold.
pub type Share = Rc<[u8]>;

/// The file that all boards want.
pub struct File {
    pub data: Arc<[u8]>,
    pub served: UbpFile,
}

impl File {
    /// A file of so many octets.
    pub fn new(size: usize, group: Option<Group>) -> Self {
        let data = Image::pseudo_random("fw.bin", size, 1).bytes;
        Self {
            served: UbpFile::new(&data, group),
            data,
        }
    }
}

/// How the boards get the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Each board asks for all blocks.
    Single,
    /// A group, and what is lost is asked for.
    Group {
        /// Whether the group has PARITY messages.
        parity: bool,
    },
}

/// What a fleet is.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    pub boards: usize,
    /// Losses of each board, in a million.
    pub loss: u32,
    /// Octets of the file.
    pub size: usize,
    /// Octets in a second of the server's line.
    pub line: u32,
    /// Octets in a second of the group.
    pub group: u32,
    /// Octets in a second for boards that ask, beside a group.
    pub repair: u32,
    /// Boards begin within this time.
    pub spread: Duration,
    pub seed: u64,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// When each board was done, in order.
    pub done: Vec<Instant>,
    /// Blocks that were sent to the group, PARITY messages among them, and to single boards.
    pub to_group: u64,
    pub to_boards: u64,
    /// Times that a board was told to come again.
    pub busy: u64,
    /// Blocks that boards made of PARITY messages.
    pub recovered: u64,
    /// Octets on the server's line, at the end of each tenth of a second.
    pub sent: Vec<u64>,
    /// When the first block was sent to the group.
    pub turn_began: Option<Instant>,
}

/// What happens at a moment.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Begins(usize),
    /// A board looks at its timers.
    Board(usize),
    ToServer(usize, Vec<u8>),
    ToBoard(usize, Share),
    ToGroup(Share),
    /// The server looks at what it has to send.
    Serve,
}

struct World {
    fleet: Fleet,
    file: File,
    server: Server,
    carousel: Option<Carousel>,
    boards: Vec<Option<Board>>,
    /// When each board looks at its timers next.
    looks: Vec<Instant>,
    bursts: VecDeque<Burst>,
    events: BinaryHeap<Reverse<(Instant, u64, Event)>>,
    count: u64,
    now: Instant,
    line_free: Instant,
    /// When the server looks next at what it has to send.
    serves: Instant,
    octets: u64,
    left: usize,
    out: Outcome,
}

/// Runs a fleet until every board has the file.
pub fn run(fleet: &Fleet, way: Way) -> Outcome {
    let group = matches!(way, Way::Group { .. }).then_some(Group {
        addr: IpAddr::V4(Ipv4Addr::new(239, 192, 0, 1)),
        port: 6911,
        rate: fleet.group,
    });
    let file = File::new(fleet.size, group);
    let now = Instant::ZERO;
    let budget = match way {
        Way::Single => fleet.line,
        Way::Group { .. } => fleet.repair,
    };
    let carousel = match way {
        Way::Single => None,
        Way::Group { parity } => Some(Carousel::new(&file.served.object, fleet.group, parity)),
    };
    let mut world = World {
        fleet: *fleet,
        server: Server::new(
            [7; 16],
            Some(Bucket::new(budget, (budget / 20).max(1 << 16), now)),
        ),
        carousel,
        boards: (0..fleet.boards).map(|_| None).collect(),
        looks: vec![Instant::FAR_FUTURE; fleet.boards],
        bursts: VecDeque::new(),
        events: BinaryHeap::new(),
        count: 0,
        now,
        line_free: now,
        serves: Instant::FAR_FUTURE,
        octets: 0,
        left: fleet.boards,
        out: Outcome::default(),
        file,
    };
    world.power_on();
    while world.left > 0 {
        world.step();
    }
    let boards = world.boards.iter().flatten();
    world.out.recovered = boards.map(|board| u64::from(board.recovered())).sum();
    world.out.done.sort_unstable();
    world.sample();
    world.out
}

impl World {
    fn at(&mut self, at: Instant, event: Event) {
        self.count += 1;
        self.events.push(Reverse((at, self.count, event)));
    }

    /// Each board asks for a lease at a random moment, and begins when the DHCP server has come to it.
    fn power_on(&mut self) {
        let mut chance = chance(self.fleet.seed);
        let spread = self.fleet.spread.as_micros().max(1);
        let mut asked: Vec<_> = (0..self.fleet.boards)
            .map(|board| (chance.next_u64() % spread, board))
            .collect();
        asked.sort_unstable();
        let mut free = Instant::ZERO;
        for (micros, board) in asked {
            free = free.max(Instant::from_micros(micros)) + LEASE;
            self.at(free, Event::Begins(board));
        }
    }

    fn step(&mut self) {
        let Some(Reverse((at, _, event))) = self.events.pop() else {
            panic!("nothing will ever happen: {} boards are left", self.left);
        };
        self.sample_until(at);
        self.now = at;
        assert!(
            at < Instant::ZERO + LONGEST,
            "{} boards are left",
            self.left
        );
        match event {
            Event::Begins(number) => {
                let seed = self.fleet.seed ^ (number as u64) << 20;
                let multicast = self.carousel.is_some();
                let board = Board::new(at, &self.file, multicast, chance(seed));
                self.boards[number] = Some(board);
                self.settle(number);
            }
            Event::Board(number) => {
                if self.looks[number] <= at {
                    self.looks[number] = Instant::FAR_FUTURE;
                    self.settle(number);
                }
            }
            Event::ToServer(from, message) => self.answer(from, &message),
            Event::ToBoard(to, datagram) => self.arrives(to, &datagram, false),
            Event::ToGroup(datagram) => {
                for number in 0..self.boards.len() {
                    self.arrives(number, &datagram, true);
                }
            }
            Event::Serve => {
                if self.serves <= at {
                    self.serves = Instant::FAR_FUTURE;
                    self.serve();
                }
            }
        }
    }

    fn arrives(&mut self, number: usize, datagram: &Share, of_group: bool) {
        let (now, loss) = (self.now, self.fleet.loss);
        let Some(board) = &mut self.boards[number] else {
            return;
        };
        if board.done.is_some() || of_group && !board.listens || strikes(&mut board.chance, loss) {
            return;
        }
        board.take(now, datagram, of_group);
        self.settle(number);
    }

    /// Has a board do what it can do.
    fn settle(&mut self, number: usize) {
        let (now, loss) = (self.now, self.fleet.loss);
        let Some(board) = &mut self.boards[number] else {
            return;
        };
        let was_done = board.done.is_some();
        board.work(now, &self.file);
        let mut messages = Vec::new();
        while let Some(message) = board.message(now) {
            if !strikes(&mut board.chance, loss) {
                messages.push(message);
            }
        }
        if let (false, Some(done)) = (was_done, board.done) {
            self.left -= 1;
            self.out.done.push(done);
        }
        if let Some(at) = board.poll_timeout()
            && at < self.looks[number]
        {
            self.looks[number] = at;
            self.at(at.max(now), Event::Board(number));
        }
        for message in messages {
            self.at(now + LATENCY, Event::ToServer(number, message));
        }
    }

    /// The server takes a message.
    fn answer(&mut self, from: usize, message: &[u8]) {
        let mut buffer = [0; DATA_MAX];
        let client = endpoint(from);
        let reply = self
            .server
            .handle(self.now, client, message, &self.file.served, &mut buffer);
        match reply {
            Reply::Send(len) => {
                match Answer::parse(&buffer[..len]) {
                    Some(Answer::Busy { .. }) => self.out.busy += 1,
                    Some(Answer::Meta(_)) => {
                        if let Some(carousel) = &mut self.carousel {
                            carousel.join(self.now, GATHERING);
                        }
                    }
                    _ => {}
                }
                let arrives = self.occupy(len);
                self.at(arrives, Event::ToBoard(from, buffer[..len].into()));
            }
            Reply::Burst(burst) => self.bursts.push_back(burst),
            Reply::None | Reply::Report(_) => {}
        }
        self.serve();
    }

    /// Puts a datagram on the server's line. When it arrives.
    fn occupy(&mut self, len: usize) -> Instant {
        let octets = len as u64 + AROUND;
        self.octets += octets;
        let micros = octets * 1_000_000 / u64::from(self.fleet.line);
        self.line_free = self.line_free.max(self.now) + Duration::from_micros(micros.max(1));
        self.line_free + LATENCY
    }

    /// Sends what is due while the line is free, and comes again when it is free, or when something is due. The group goes first.
    fn serve(&mut self) {
        let mut buffer = [0; DATA_MAX];
        while self.line_free <= self.now {
            if let Some(carousel) = &mut self.carousel
                && let Some(len) = carousel.poll_transmit(self.now, &self.file.served, &mut buffer)
            {
                self.out.to_group += 1;
                self.out.turn_began.get_or_insert(self.now);
                let arrives = self.occupy(len);
                self.at(arrives, Event::ToGroup(buffer[..len].into()));
                continue;
            }
            let Some(mut burst) = self.bursts.pop_front() else {
                break;
            };
            if let Some(len) = burst.poll_transmit(self.now, &self.file.served, &mut buffer) {
                self.out.to_boards += 1;
                let arrives = self.occupy(len);
                let to = number_of(burst.to());
                self.at(arrives, Event::ToBoard(to, buffer[..len].into()));
                self.bursts.push_back(burst);
            }
        }
        let turn = self.carousel.as_ref().and_then(Carousel::poll_timeout);
        let single = (!self.bursts.is_empty()).then_some(self.now);
        if let Some(next) = turn.into_iter().chain(single).min() {
            let next = next.max(self.line_free);
            if next > self.now && next < self.serves {
                self.serves = next;
                self.at(next, Event::Serve);
            }
        }
    }

    /// Notes the octets that were sent until the end of each tenth of a second before `at`.
    fn sample_until(&mut self, at: Instant) {
        while at.as_millis() / 100 > self.out.sent.len() as u64 {
            self.sample();
        }
    }

    fn sample(&mut self) {
        self.out.sent.push(self.octets);
    }
}
