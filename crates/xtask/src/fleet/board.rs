//! A board: the shipped client, a receive ring, and a device that takes what is verified.

use super::world::{File, SERVER, Share};
use netboot_core::Instant;
use netboot_ubp::wire::{DATA_HEAD, REQUEST_MAX};
use netboot_ubp::{Client, Endpoint, Event, Frames, OWN_SLOT, Output, Request, Timing};
use netboot_verity::Software;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::net::{IpAddr, Ipv4Addr};

/// Blocks that a board can hold: a ring of 32 frames without two.
const WINDOW: u8 = 30;

/// Random numbers of a seed's own.
pub fn chance(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Whether something happens that happens so often in a million times.
pub fn strikes(chance: &mut ChaCha8Rng, per_million: u32) -> bool {
    chance.next_u32() % 1_000_000 < per_million
}

/// The frames that a board holds, by slot. Boards share the octets of a frame that came to a group.
struct Ring([Option<Share>; WINDOW as usize + 1]);

impl Frames for Ring {
    fn datagram(&self, slot: u8) -> &[u8] {
        let frame = self.0.get(usize::from(slot)).and_then(Option::as_ref);
        frame.map_or(&[], |octets| octets)
    }
}

/// A board.
pub struct Board {
    client: Client<Software, 2>,
    ring: Ring,
    /// Octets of the file that the device has.
    received: usize,
    pub chance: ChaCha8Rng,
    /// When the device had the whole file.
    pub done: Option<Instant>,
    /// Whether the client listens to the group.
    pub listens: bool,
}

/// Where a board is.
pub fn endpoint(number: usize) -> Endpoint {
    let address = 0x0a00_0000 + number as u32 + 10;
    Endpoint {
        addr: IpAddr::V4(Ipv4Addr::from_bits(address)),
        port: 49_152,
    }
}

/// The board at this address.
pub fn number_of(endpoint: Endpoint) -> usize {
    match endpoint.addr {
        IpAddr::V4(address) => (address.to_bits() - 0x0a00_0000) as usize - 10,
        IpAddr::V6(_) => usize::MAX,
    }
}

impl Board {
    /// A board that begins now.
    pub fn new(now: Instant, file: &File, multicast: bool, mut chance: ChaCha8Rng) -> Self {
        let request = Request {
            path: "/fw.bin",
            digest: Some(file.served.object.digest),
            offset: 0,
            window: WINDOW,
            rate: 0,
            multicast,
        };
        let nonce = chance.next_u64();
        let client = Client::new(
            Software::new(),
            SERVER,
            &request,
            Timing::default(),
            nonce,
            now,
        );
        Self {
            client: client.expect("a request within its bounds"),
            ring: Ring([const { None }; WINDOW as usize + 1]),
            received: 0,
            chance,
            done: None,
            listens: false,
        }
    }

    /// Takes a datagram.
    pub fn take(&mut self, now: Instant, datagram: &Share, of_group: bool) {
        if self.done.is_some() {
            return;
        }
        let free = self.ring.0.iter().position(Option::is_none);
        let slot = free.expect("the ring has room for all that is asked for") as u8;
        let event = match of_group {
            true => self.client.handle_group(now, datagram, slot),
            false => self.client.handle(now, SERVER, datagram, slot),
        };
        match event.expect("a board goes on for ever") {
            Event::Kept => self.ring.0[usize::from(slot)] = Some(datagram.clone()),
            Event::Opened { group, .. } => {
                if let Some(group) = group {
                    self.client.join(now, &group);
                    self.listens = true;
                }
                self.client.start(now);
            }
            Event::None => {}
        }
    }

    /// Does what is due, and gives the device what is verified. Each octet is compared with the file.
    pub fn work(&mut self, now: Instant, file: &File) {
        if self.done.is_some() {
            return;
        }
        let result = self.client.handle_timeout(now);
        result.expect("a board goes on for ever");
        loop {
            match self.client.poll(now, &self.ring).expect("the same") {
                Output::Release { slot } => self.ring.0[usize::from(slot)] = None,
                Output::Data { slot, len, .. } => {
                    let expected = &file.data[self.received..][..usize::from(len)];
                    if slot == OWN_SLOT {
                        assert_eq!(&self.client.recovered()[..usize::from(len)], expected);
                    } else {
                        let frame = self.ring.0[usize::from(slot)].take().expect("held");
                        assert_eq!(&frame[DATA_HEAD..][..usize::from(len)], expected);
                    }
                    self.received += usize::from(len);
                    self.client.consumed(now);
                }
                Output::None => break,
            }
        }
        if self.client.is_complete() {
            assert_eq!(self.received, file.data.len());
            self.client.report(now, 0, 0);
            self.done = Some(now);
        }
    }

    /// The next message that the board sends.
    pub fn message(&mut self, now: Instant) -> Option<Vec<u8>> {
        let mut buffer = [0; REQUEST_MAX];
        let (len, _) = self.client.poll_transmit(now, &mut buffer)?;
        Some(buffer[..len].to_vec())
    }

    /// When the board has something to do by itself.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout().filter(|_| self.done.is_none())
    }

    /// Blocks that were made of PARITY messages.
    pub fn recovered(&self) -> u32 {
        self.client.stats().recovered
    }
}
