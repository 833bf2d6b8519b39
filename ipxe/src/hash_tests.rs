//! A board's accelerator computes the hash of a delivery.

use crate::{Chosen, Deliver, Delivery, InSoftware, StreamHash, UriError};
use netboot_core::hasher::Software;
use netboot_core::{AbortReason, Digest, Hasher, ImageSink, Instant};

const NOW: Instant = Instant::ZERO;
const FILE: &[u8] = b"the octets of an image";

/// An accelerator that counts.
#[derive(Default)]
struct Counting {
    software: Software,
    octets: usize,
    messages: usize,
    /// Whether the digest can be read before the end of the message.
    early: bool,
}

impl Hasher for Counting {
    fn update(&mut self, octets: &[u8]) {
        self.octets += octets.len();
        self.software.update(octets);
    }

    fn finish(&mut self) -> Digest {
        self.messages += 1;
        self.software.finish()
    }

    fn so_far(&self) -> Option<Digest> {
        self.software.so_far().filter(|_| self.early)
    }
}

/// Takes everything, and may forget it.
#[derive(Default)]
struct Sink;

impl ImageSink for Sink {
    type Error = UriError;

    fn begin(&mut self, _: Instant, _: u64) -> Result<(), UriError> {
        Ok(())
    }

    fn window(&mut self, _: Instant) -> Result<usize, UriError> {
        Ok(4)
    }

    fn write(&mut self, _: Instant, _: &[u8]) -> Result<(), UriError> {
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), UriError> {
        Ok(())
    }

    fn poll_ready(&mut self, _: Instant) -> Result<bool, UriError> {
        Ok(true)
    }

    fn activate(&mut self, _: Instant) -> Result<(), UriError> {
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        true
    }

    fn abort(&mut self, _: Instant, _: AbortReason) {}
}

/// Delivers an image, of which the first octets come twice.
fn deliver<H: StreamHash>(delivery: &mut Delivery<Sink, H>, early: bool) {
    let so_far = |octets| crate::sha256(octets).filter(|_| early);
    delivery.begin(NOW, FILE.len() as u64).unwrap();
    assert_eq!(delivery.digest(), so_far(b""));
    delivery.write(NOW, b"other octets").unwrap();
    assert_eq!(delivery.digest(), so_far(b"other octets"));
    assert!(delivery.withdraw(NOW));
    delivery.begin(NOW, FILE.len() as u64).unwrap();
    for piece in FILE.chunks(4) {
        delivery.write(NOW, piece).unwrap();
    }
    assert_eq!(delivery.digest(), so_far(FILE));
    delivery.end(NOW).unwrap();
    assert_eq!(delivery.digest(), crate::sha256(FILE));
    assert_eq!(delivery.digest(), crate::sha256(FILE), "it is asked twice");
}

#[test]
fn an_accelerator_sees_each_octet_once() {
    for early in [false, true] {
        let mut accelerator = Counting {
            early,
            ..Counting::default()
        };
        let mut delivery = Delivery::with_hasher(Sink, &mut accelerator);
        for _ in 0..2 {
            deliver(&mut delivery, early);
            delivery.reset();
        }
        assert_eq!(delivery.digest().is_some(), early);
        let octets = FILE.len() + b"other octets".len();
        assert_eq!((accelerator.octets, accelerator.messages), (2 * octets, 4));
    }
}

#[test]
fn software_until_the_board_gives_an_accelerator() {
    let (mut early, mut accelerator) = (Counting::default(), Counting::default());
    let mut delivery = Delivery::hashed_by(Sink, Chosen::default());
    deliver(&mut delivery, true);
    let board = crate::Accelerated::new(&mut early as &mut dyn Hasher);
    delivery.set_hash(Chosen::Board(board));
    assert_eq!(delivery.digest(), crate::sha256(FILE), "not in mid-image");
    delivery.reset();
    let board = crate::Accelerated::new(&mut accelerator as &mut dyn Hasher);
    delivery.set_hash(Chosen::Board(board));
    deliver(&mut delivery, false);
    assert!(early.octets == 0 && accelerator.octets > FILE.len());
}

#[test]
fn nothing_is_hashed_that_nobody_wants() {
    let mut accelerator = Counting {
        early: true,
        ..Counting::default()
    };
    let mut hash = crate::Accelerated::new(&mut accelerator);
    hash.update(b"forgotten");
    hash.begin(false);
    hash.update(FILE);
    hash.restart();
    hash.update(FILE);
    hash.end();
    assert_eq!(hash.digest(), None);
    hash.begin(true);
    hash.update(FILE);
    assert_eq!(hash.digest(), crate::sha256(FILE));
    assert_eq!(
        (accelerator.octets, accelerator.messages),
        (FILE.len() + 9, 1)
    );
    let mut software = InSoftware::default();
    software.begin(false);
    software.update(FILE);
    software.end();
    assert_eq!(software.digest(), None);
}
