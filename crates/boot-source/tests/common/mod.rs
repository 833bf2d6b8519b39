//! Two ends in virtual time: a post that loses, doubles, delays and reorders messages, and a sink that remembers.
#![allow(dead_code, missing_docs)]

use netboot_boot_source::{BootSourceError, Mailbox};
use netboot_core::fuzz::Random;
use netboot_core::{AbortReason, Coded, Duration, ImageSink, Instant};
use std::cell::RefCell;
use std::rc::Rc;

/// What the post does, in parts of 256.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub lose: u8,
    pub double: u8,
    /// Messages take up to so long, each its own time.
    pub delay: Duration,
}

/// Messages on their way, in both directions.
#[derive(Debug)]
pub struct Post {
    pub now: Instant,
    weather: Weather,
    chance: u64,
    /// When it arrives, a number that keeps the order, whether it goes to the source, and the message.
    letters: Vec<(Instant, u64, bool, Vec<u8>)>,
    number: u64,
    pub sent: u64,
}

impl Post {
    pub fn shared(weather: Weather, seed: u64) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            now: Instant::ZERO,
            weather,
            chance: seed | 1,
            letters: vec![],
            number: 0,
            sent: 0,
        }))
    }

    fn draw(&mut self) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance >> 16
    }

    fn happens(&mut self, of_256: u8) -> bool {
        self.draw() & 0xFF < u64::from(of_256)
    }

    fn put(&mut self, to_source: bool, message: &[u8]) {
        let delay = match self.weather.delay.as_micros() {
            0 => Duration::ZERO,
            most => Duration::from_micros(self.draw() % (most + 1)),
        };
        self.number += 1;
        let letter = (self.now + delay, self.number, to_source, message.to_vec());
        self.letters.push(letter);
    }

    fn send(&mut self, to_source: bool, message: &[u8]) {
        self.sent += 1;
        if self.happens(self.weather.lose) {
            return;
        }
        self.put(to_source, message);
        while self.happens(self.weather.double) {
            self.put(to_source, message);
        }
    }

    fn take(&mut self, to_source: bool) -> Option<Vec<u8>> {
        let arrived = self
            .letters
            .iter()
            .enumerate()
            .filter(|(_, letter)| letter.2 == to_source && letter.0 <= self.now);
        let (at, _) = arrived.min_by_key(|(_, letter)| (letter.0, letter.1))?;
        Some(self.letters.remove(at).3)
    }

    pub fn next_arrival(&self) -> Option<Instant> {
        self.letters.iter().map(|letter| letter.0).min()
    }
}

/// One end of the post.
#[derive(Clone, Debug)]
pub struct End {
    pub post: Rc<RefCell<Post>>,
    pub source: bool,
}

impl Mailbox for End {
    fn send(&mut self, message: &[u8]) -> bool {
        self.post.borrow_mut().send(!self.source, message);
        true
    }

    fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
        let message = self.post.borrow_mut().take(self.source)?;
        into[..message.len()].copy_from_slice(&message);
        Some(message.len())
    }

    fn capacity(&self) -> usize {
        usize::MAX
    }
}

/// A sink that takes what fits its window, and remembers.
#[derive(Debug, Default)]
pub struct Shelf {
    pub octets: Vec<u8>,
    pub size: Option<u64>,
    pub ended: bool,
    /// Octets that are taken at once; no limit for 0.
    pub window: usize,
    /// Looks at the window that find no room after each write.
    pub rest: u32,
    pub resting: u32,
}

#[derive(Debug)]
pub struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("never")
    }
}

impl Coded for Never {
    fn code(&self) -> u32 {
        1
    }
    fn blame(&self) -> netboot_core::Blame {
        netboot_core::Blame::Device
    }
}

impl ImageSink for Shelf {
    type Error = Never;

    fn begin(&mut self, _now: Instant, size: u64) -> Result<(), Never> {
        assert_eq!(self.size.replace(size), None);
        Ok(())
    }
    fn window(&mut self, _now: Instant) -> Result<usize, Never> {
        if self.resting > 0 {
            self.resting -= 1;
            return Ok(0);
        }
        Ok(match self.window {
            0 => usize::MAX,
            window => window,
        })
    }
    fn write(&mut self, _now: Instant, data: &[u8]) -> Result<(), Never> {
        assert!(!self.ended);
        self.octets.extend_from_slice(data);
        self.resting = self.rest;
        Ok(())
    }
    fn end(&mut self, _now: Instant) -> Result<(), Never> {
        assert_eq!(self.size, Some(self.octets.len() as u64));
        self.ended = true;
        Ok(())
    }
    fn poll_ready(&mut self, _now: Instant) -> Result<bool, Never> {
        Ok(self.ended)
    }
    fn activate(&mut self, _now: Instant) -> Result<(), Never> {
        Ok(())
    }
    fn withdraw(&mut self, _now: Instant) -> bool {
        self.octets.is_empty()
    }
    fn abort(&mut self, _now: Instant, _reason: AbortReason) {}
}

/// Octets that differ from image to image.
pub fn image(seed: u32, size: usize) -> Vec<u8> {
    let mut random = Random(seed.into());
    (0..size).map(|_| random.octet()).collect()
}

pub type Outcome<T> = Result<T, BootSourceError>;
