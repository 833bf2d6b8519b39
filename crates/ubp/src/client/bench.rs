//! A client with a file and a ring, for tests that give it one message after the other.

use super::*;
use crate::client::{Event, Output};
use crate::wire::{self, Answer, DATA_MAX, Meta, REQUEST_MAX};
use crate::world::{OneFile, SERVER, pattern, request};
use netboot_verity::Software;

pub const MS: fn(u64) -> Duration = Duration::from_millis;
pub const NONCE: u64 = 0xfeed_0000_0000_0001;
pub const COOKIE: u64 = 77;

/// A client, its ring and a file.
pub struct Bench {
    pub file: OneFile,
    pub client: Client<Software, 2>,
    pub now: Instant,
    pub ring: Vec<Vec<u8>>,
}

impl Frames for Vec<Vec<u8>> {
    fn datagram(&self, slot: u8) -> &[u8] {
        &self[usize::from(slot)]
    }
}

impl Bench {
    /// A file of two nodes and 60 blocks of data, a window of 8.
    pub fn new() -> Self {
        let file = OneFile::new(pattern(60_000));
        let asked = request(&file, 8);
        Self::with(file, &asked)
    }

    pub fn with(file: OneFile, request: &Request<'_>) -> Self {
        let now = Instant::from_millis(1000);
        let client = Client::new(
            Software::default(),
            SERVER,
            request,
            Timing::default(),
            NONCE,
            now,
        );
        Self {
            file,
            client: client.unwrap(),
            now,
            ring: vec![Vec::new(); 256],
        }
    }

    /// A client that has sent its first GET.
    pub fn receiving() -> Self {
        let mut bench = Self::new();
        bench.open();
        bench.now += MS(4);
        let meta = bench.meta();
        assert!(matches!(bench.give(meta), Ok(Event::Opened { .. })));
        bench.client.start(bench.now);
        assert_eq!(bench.get(), (0, 0xff));
        bench
    }

    pub fn sent(&mut self) -> Option<Vec<u8>> {
        let mut buf = [0; REQUEST_MAX];
        let due = self.client.is_transmit_due();
        let sent = self.client.poll_transmit(self.now, &mut buf);
        assert_eq!(due, sent.is_some());
        let (len, to) = sent?;
        assert_eq!(to, self.client.server());
        Some(buf[..len].to_vec())
    }

    pub fn silent(&mut self) {
        assert_eq!(self.sent(), None);
    }

    /// The OPEN that is due.
    pub fn open(&mut self) {
        self.open_with(NONCE);
    }

    pub fn open_with(&mut self, nonce: u64) {
        let sent = self.sent().expect("an OPEN");
        let Some(wire::Request::Open(open)) = wire::Request::parse(&sent) else {
            panic!("{sent:?}");
        };
        assert_eq!((open.nonce, open.window), (nonce, 8));
    }

    /// The GET that is due: its first block and its map.
    pub fn get(&mut self) -> (u32, u64) {
        let sent = self.sent().expect("a GET");
        let Some(wire::Request::Get(get)) = wire::Request::parse(&sent) else {
            panic!("{sent:?}");
        };
        assert_eq!((get.cookie, get.id), (COOKIE, self.file.object.id()));
        (get.first, get.map)
    }

    pub fn meta(&self) -> Answer<'static> {
        Answer::Meta(Meta {
            nonce: NONCE,
            cookie: COOKIE,
            descriptor: self.file.object.descriptor,
            group: None,
        })
    }

    pub fn give(&mut self, answer: Answer<'_>) -> Result<Event, UbpError> {
        self.give_from(SERVER, answer, 0)
    }

    pub fn give_from(
        &mut self,
        from: Endpoint,
        answer: Answer<'_>,
        slot: u8,
    ) -> Result<Event, UbpError> {
        let mut buf = [0; DATA_MAX];
        let len = answer.emit(&mut buf).unwrap();
        self.ring[usize::from(slot)] = buf[..len].to_vec();
        self.client.handle(self.now, from, &buf[..len], slot)
    }

    /// Block `number`, in slot `number`, with its first octet changed by `change`.
    pub fn block(&mut self, number: u32, change: u8) -> Result<Event, UbpError> {
        let mut block = self.file.blocks[number as usize].clone();
        block[0] ^= change;
        let id = (self.file.object.id() >> 16) as u16;
        let data = Answer::Data {
            id,
            number,
            block: &block,
        };
        self.give_from(SERVER, data, number as u8)
    }

    pub fn poll(&mut self) -> Output {
        self.client.poll(self.now, &self.ring).unwrap()
    }

    /// Takes the data that is here. Returns the numbers of the slots.
    pub fn consume(&mut self) -> Vec<u8> {
        let mut slots = Vec::new();
        loop {
            match self.poll() {
                Output::Data { slot, .. } => {
                    slots.push(slot);
                    self.client.consumed(self.now);
                }
                Output::Release { .. } => {}
                Output::None => return slots,
            }
        }
    }

    pub fn timer(&self) -> Option<Duration> {
        self.client.poll_timeout().map(|at| at.since(self.now))
    }

    /// Waits until just before the timer, and then until it.
    pub fn time_out(&mut self) -> Result<(), UbpError> {
        let at = self.client.poll_timeout().expect("a timer");
        self.now = Instant::from_micros(at.as_micros() - 1);
        let before = format!("{:?}", self.client);
        assert_eq!(self.client.handle_timeout(self.now), Ok(()));
        assert_eq!(format!("{:?}", self.client), before, "it was early");
        self.now = at;
        self.client.handle_timeout(at)
    }
}
