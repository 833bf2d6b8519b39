//! The two ends over a mailbox that does whatever a mailbox may do: the octets are right, or an error is named in time.

mod common;

use common::{End, Outcome, Post, Shelf, Weather, image};
use netboot_boot_source::{
    BootFlags, BootSourceError, Cleanup, Feeder, FirmwareId, IdMap, ImageMetadata, Mailbox,
    Numbering, Progress, Request, RequesterConfig, Responder, ResponderConfig, SharedConfig,
    Status, WaitFor, message_len,
};
use netboot_core::{Digest, Duration, ImageSink, Instant};
use netboot_ipxe::Delivery;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::rc::Rc;

/// A source of images in memory, polled.
struct Source<'i> {
    responder: Responder<'i, &'i mut [u8]>,
    end: End,
    images: &'i [Vec<u8>],
    sending: Option<(usize, usize)>,
    checksums: bool,
    /// Answers that say *at work* before the source is ready.
    starting: u32,
    finalized: Option<Status>,
    served: u32,
}

impl<'i> Source<'i> {
    fn new(config: ResponderConfig<'i>, end: End, images: &'i [Vec<u8>]) -> Self {
        let buffer = Box::leak(vec![0; config.shared.chunk_size as usize].into_boxed_slice());
        Self {
            responder: Responder::new(config, buffer).unwrap(),
            end,
            images,
            sending: None,
            checksums: true,
            starting: 1,
            finalized: None,
            served: 0,
        }
    }

    fn poll(&mut self, now: Instant) {
        let mut message = [0; 8_192];
        while let Some(len) = self.end.receive(&mut message) {
            if let Ok(Some(request)) = self.responder.handle(now, &message[..len]) {
                self.serve(now, request);
            }
            self.send(now);
        }
        self.push(now);
        self.send(now);
    }

    fn send(&mut self, now: Instant) {
        let mut message = [0; 8_192];
        while let Some(len) = self.responder.poll_transmit(now, &mut message) {
            self.end.send(&message[..len]);
        }
    }

    fn serve(&mut self, now: Instant, request: Request) {
        match request {
            Request::Initiate { .. } if self.starting > 0 => {
                self.starting -= 1;
                self.responder.answer_initiate(Status::IN_PROGRESS);
            }
            Request::Initiate { .. } => self.responder.answer_initiate(Status::SUCCESS),
            Request::Metadata { id } => {
                let found = self.images.get(id.0 as usize);
                let answer = found.map(|octets| ImageMetadata {
                    size: octets.len() as u32,
                    checksum: self
                        .checksums
                        .then(|| Digest(Sha256::digest(octets).into())),
                    version: 7,
                    flags: 0,
                });
                self.responder
                    .answer_metadata(answer.ok_or(Status::NOT_FOUND));
            }
            Request::Download { id } => {
                let Some(octets) = self.images.get(id.0 as usize) else {
                    return self.responder.refuse(Status::NOT_FOUND);
                };
                self.responder.begin(now, octets.len() as u64).unwrap();
                self.sending = Some((id.0 as usize, 0));
                self.served += 1;
            }
            Request::Finalize { outcome, .. } => {
                self.finalized = Some(outcome);
                self.sending = None;
                let cleanup = Cleanup(Cleanup::CLEAR_TOC);
                self.responder.answer_finalize(Status::SUCCESS, cleanup);
            }
        }
    }

    /// Gives the responder as much as it takes, in odd pieces.
    fn push(&mut self, now: Instant) {
        let Some((index, mut position)) = self.sending else {
            return;
        };
        let octets = &self.images[index];
        loop {
            let window = match self.responder.window(now) {
                Ok(window) => window,
                Err(BootSourceError::GivenUp) => {
                    self.responder.close();
                    self.sending = None;
                    return;
                }
                Err(_) => {
                    self.responder.refuse(Status::TRANSFER_TIMEOUT);
                    self.sending = None;
                    return;
                }
            };
            if position == octets.len() {
                if self.responder.poll_ready(now) == Ok(true) {
                    self.responder.activate(now).unwrap();
                    self.sending = None;
                } else {
                    self.sending = Some((index, position));
                }
                return;
            }
            let part = window.min(octets.len() - position).min(13);
            if part == 0 {
                break;
            }
            self.responder
                .write(now, &octets[position..position + part])
                .unwrap();
            position += part;
            if position == octets.len() {
                self.responder.end(now).unwrap();
            }
        }
        self.sending = Some((index, position));
    }
}

struct World<'i> {
    post: Rc<RefCell<Post>>,
    source: Source<'i>,
    feeder: Feeder<'i, 'i>,
    end: End,
}

impl<'i> World<'i> {
    fn new(
        requester: RequesterConfig<'i>,
        responder: ResponderConfig<'i>,
        images: &'i [Vec<u8>],
        weather: Weather,
        seed: u64,
    ) -> Self {
        let post = Post::shared(weather, seed);
        let end = |source| End {
            post: post.clone(),
            source,
        };
        let len = message_len(requester.shared.chunk_size as usize);
        let buffer = Box::leak(vec![0; len].into_boxed_slice());
        Self {
            source: Source::new(responder, end(true), images),
            feeder: Feeder::new(requester, buffer).unwrap(),
            end: end(false),
            post,
        }
    }

    fn now(&self) -> Instant {
        self.post.borrow().now
    }

    /// Polls both ends until something comes of it.
    fn until(&mut self, delivery: &mut Delivery<Shelf>, check: &[u8]) -> Outcome<Progress> {
        for _ in 0..2_000_000 {
            let now = self.now();
            self.source.poll(now);
            let progress = self.feeder.poll(now, &mut self.end, delivery);
            assert!(check.starts_with(&delivery.sink().octets), "a wrong octet");
            match progress? {
                Progress::Waiting => {}
                progress => return Ok(progress),
            }
            // To what comes next: a message, a timer, or the consumer's room.
            let later = now + Duration::from_millis(1);
            self.post.borrow_mut().now = later;
        }
        panic!("the exchange does not end");
    }

    fn initiate(&mut self) -> Outcome<()> {
        self.feeder.initiate(self.now(), BootFlags::default());
        let mut nothing = Delivery::new(Shelf::default());
        assert_eq!(self.until(&mut nothing, &[])?, Progress::Ready);
        Ok(())
    }

    fn fetch(&mut self, index: usize, shelf: Shelf) -> Outcome<Vec<u8>> {
        self.feeder.fetch(self.now(), FirmwareId(index as u32))?;
        let mut delivery = Delivery::new(shelf);
        let check = self.source.images.get(index).map_or(&[][..], Vec::as_slice);
        let progress = self.until(&mut delivery, check)?;
        let Progress::Complete(metadata) = progress else {
            panic!("{progress:?}");
        };
        assert_eq!(metadata.size as usize, check.len());
        let shelf = delivery.into_sink();
        assert!(shelf.ended);
        Ok(shelf.octets)
    }

    fn finalize(&mut self) -> Outcome<()> {
        self.feeder.finalize(self.now(), Status::SUCCESS, 0);
        let mut nothing = Delivery::new(Shelf::default());
        let cleanup = Cleanup(Cleanup::CLEAR_TOC);
        assert_eq!(self.until(&mut nothing, &[])?, Progress::Finalized(cleanup));
        assert_eq!(self.source.finalized, Some(Status::SUCCESS));
        Ok(())
    }

    /// All images in order.
    fn boot(&mut self, shelf: impl Fn() -> Shelf) -> Outcome<()> {
        self.initiate()?;
        for index in 0..self.source.images.len() {
            let octets = self.fetch(index, shelf())?;
            assert_eq!(octets, self.source.images[index]);
        }
        self.finalize()
    }
}

fn requester(chunk_size: u32) -> RequesterConfig<'static> {
    RequesterConfig {
        shared: SharedConfig::new(chunk_size),
        ..RequesterConfig::default()
    }
}

fn responder(chunk_size: u32) -> ResponderConfig<'static> {
    ResponderConfig {
        shared: SharedConfig::new(chunk_size),
        ..ResponderConfig::default()
    }
}

fn images(sizes: &[usize]) -> Vec<Vec<u8>> {
    (0..)
        .zip(sizes)
        .map(|(seed, size)| image(seed, *size))
        .collect()
}

#[test]
fn images_of_every_size_around_the_chunk() {
    let sizes = [1, 15, 16, 17, 31, 32, 33, 160];
    for numbering in [Numbering::Continuing, Numbering::FromZero] {
        let images = images(&sizes);
        let (mut left, mut right) = (requester(16), responder(16));
        left.shared.numbering = numbering;
        right.shared.numbering = numbering;
        let mut world = World::new(left, right, &images, Weather::default(), 1);
        world.boot(Shelf::default).unwrap();
        assert_eq!(world.source.served, 8);
        // Nothing got lost, so nothing was repeated: requests and answers of 8 images, one chunk and one acknowledgement for each
        // part, and the chunks without data behind the whole ones.
        let chunks: usize = sizes.iter().map(|size| size / 16 + 1).sum();
        let expected = 2 * chunks + 8 * 3 + 2 + 4;
        let sent = world.post.borrow().sent as usize;
        assert!(sent <= expected + 2, "{sent} messages, {expected} expected");
    }
}

#[test]
fn a_slow_consumer_slows_the_source() {
    let images = images(&[3_000]);
    let mut world = World::new(
        requester(256),
        responder(256),
        &images,
        Weather::default(),
        1,
    );
    let shelf = || Shelf {
        window: 7,
        rest: 40,
        ..Shelf::default()
    };
    world.boot(shelf).unwrap();
    let taken = world.now().as_millis();
    assert!(taken > 3_000 / 7 * 40);
    // The consumer is full at nearly every look. Each side says so, or repeats, once in 200 ms at most.
    let sent = world.post.borrow().sent;
    assert!(sent < 2 * taken / 200 + 50, "{sent} messages in {taken} ms");
}

#[test]
fn sequence_numbers_come_round() {
    let images = images(&[70_000, 70_000]);
    let mut world = World::new(requester(1), responder(1), &images, Weather::default(), 1);
    world.boot(Shelf::default).unwrap();
}

#[test]
fn what_the_source_says_is_named() {
    let images = images(&[100]);
    let mut world = World::new(requester(16), responder(16), &images, Weather::default(), 1);
    world.initiate().unwrap();
    let missing = world.fetch(5, Shelf::default());
    assert_eq!(missing, Err(BootSourceError::Source(Status::NOT_FOUND)));
    // The source goes on.
    assert_eq!(world.fetch(0, Shelf::default()), Ok(images[0].clone()));
    let id = FirmwareId::FIRST_SOC_IMAGE;
    let refused = world.feeder.fetch(world.now(), id);
    assert_eq!(refused, Err(BootSourceError::IdNotOnWire { id: id.0 }));
}

#[test]
fn an_id_of_a_soc_image_goes_by_its_octet() {
    let images = images(&[10, 20, 30]);
    let named = [(0x10, FirmwareId(2))];
    let (mut left, mut right) = (requester(16), responder(16));
    left.shared.ids = IdMap { named: &named };
    right.shared.ids = IdMap { named: &named };
    let mut world = World::new(left, right, &images, Weather::default(), 1);
    world.initiate().unwrap();
    assert_eq!(world.fetch(2, Shelf::default()), Ok(images[2].clone()));
}

/// A source whose octets are not those of its checksum.
#[test]
fn a_wrong_image_never_counts_as_complete() {
    let good = images(&[100]);
    let post = Post::shared(Weather::default(), 1);
    let end = |source| End {
        post: post.clone(),
        source,
    };
    let mut source = Source::new(responder(16), end(true), &good);
    let mut buffer = [0; 64];
    let mut feeder = Feeder::new(requester(16), &mut buffer).unwrap();
    let mut mailbox = end(false);
    let mut delivery = Delivery::new(Shelf::default());
    feeder.initiate(Instant::ZERO, BootFlags::default());
    let mut asked = false;
    let error = loop {
        let now = post.borrow().now;
        source.poll(now);
        match feeder.poll(now, &mut mailbox, &mut delivery) {
            Ok(Progress::Ready) if !asked => {
                asked = true;
                feeder.fetch(now, FirmwareId(0)).unwrap();
            }
            Ok(Progress::Waiting) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
        // The metadata is here, and the octets are to change.
        if delivery.has_begun() && source.sending.is_none() {
            let bad = Box::leak(Box::new([image(9, 100)]));
            source.images = bad;
        }
        post.borrow_mut().now = now + Duration::from_millis(1);
    };
    assert_eq!(error, BootSourceError::ChecksumMismatch);
    assert!(!delivery.sink().ended);
    // The source was told, and is free again.
    let now = post.borrow().now;
    source.poll(now);
    assert!(source.sending.is_none());
}

#[test]
fn a_checksum_that_nobody_computes_is_refused() {
    let images = images(&[100]);
    let mut world = World::new(requester(16), responder(16), &images, Weather::default(), 1);
    world.initiate().unwrap();
    world.feeder.fetch(world.now(), FirmwareId(0)).unwrap();
    let mut unhashed = Delivery::unhashed(Shelf::default());
    let refused = world.until(&mut unhashed, &images[0]);
    assert_eq!(refused, Err(BootSourceError::Unhashed));
    world.source.checksums = false;
    world.initiate().unwrap();
    world.feeder.fetch(world.now(), FirmwareId(0)).unwrap();
    let mut unhashed = Delivery::unhashed(Shelf::default());
    assert!(world.until(&mut unhashed, &images[0]).is_ok());
}

#[test]
fn silence_is_named_by_what_was_missing() {
    let images = images(&[100]);
    let silent = Weather {
        lose: 255,
        ..Weather::default()
    };
    let mut world = World::new(requester(16), responder(16), &images, silent, 1);
    let mut start = world.initiate();
    while start.is_ok() {
        // One message of 256 gets through.
        start = world.initiate();
    }
    let Err(BootSourceError::Timeout(WaitFor::Start | WaitFor::Ready)) = start else {
        panic!("{start:?}");
    };

    let mut world = World::new(requester(16), responder(16), &images, Weather::default(), 1);
    world.initiate().unwrap();
    world.feeder.fetch(world.now(), FirmwareId(0)).unwrap();
    world.source.starting = 0;
    let mut delivery = Delivery::new(Shelf::default());
    let begun = world.now();
    let timeout = loop {
        let now = world.now();
        // The source stops after two chunks.
        if delivery.sink().octets.len() < 32 {
            world.source.poll(now);
        }
        let result = world.feeder.poll(now, &mut world.end, &mut delivery);
        if let Err(error) = result {
            break error;
        }
        world.post.borrow_mut().now = now + Duration::from_millis(1);
    };
    assert_eq!(timeout, BootSourceError::Timeout(WaitFor::Chunk));
    let taken = world.now().since(begun);
    assert!(taken >= Duration::from_secs(30) && taken < Duration::from_secs(31));
    assert_eq!(
        world.feeder.fetch(world.now(), FirmwareId(0)),
        Err(BootSourceError::Busy)
    );
}

#[test]
fn another_chunk_size_is_named() {
    let images = images(&[100]);
    let mut world = World::new(requester(32), responder(16), &images, Weather::default(), 1);
    world.initiate().unwrap();
    let result = world.fetch(0, Shelf::default());
    let named = BootSourceError::ChunkSize {
        found: 16,
        expected: 32,
    };
    assert_eq!(result, Err(named));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Over a post that loses, doubles and reorders, with a linger longer than its delay: no wrong octet is ever delivered, and a
    /// boot ends well, or with a time-out.
    #[test]
    fn right_octets_or_a_time_out(
        sizes in prop::collection::vec(1usize..100, 1..6),
        chunk in 1u32..40,
        lose in prop_oneof![Just(0u8), 0u8..100],
        double in prop_oneof![Just(0u8), 0u8..100],
        delay in prop_oneof![Just(0u64), 0u64..900],
        window in 0usize..30,
        rest in 0u32..4,
        seed: u64,
        checksums: bool,
    ) {
        let images = images(&sizes);
        let weather = Weather { lose, double, delay: Duration::from_millis(delay) };
        let mut left = requester(chunk);
        left.linger = Duration::from_millis(2 * delay + 10);
        let mut world = World::new(left, responder(chunk), &images, weather, seed);
        world.source.checksums = checksums;
        let result = world.boot(|| Shelf { window, rest, ..Shelf::default() });
        if lose < 60 {
            prop_assert_eq!(result, Ok(()));
        } else {
            let ended = matches!(result, Ok(()) | Err(BootSourceError::Timeout(_) | BootSourceError::Source(_)));
            prop_assert!(ended, "{:?}", result);
        }
    }
}
