//! Both ROMs as they are, each blocking in a thread of its own: a provider in memory, its server, a mailbox, and the provider on
//! the other side.

mod common;

use common::{Shelf, image};
use netboot_boot_source::{
    BootFlags, BootSourceError, BootSourceProvider, Cleanup, Clock, FirmwareId, ImageMetadata,
    ImageStream, Mailbox, Pulled, RemoteSource, RequesterConfig, ResponderConfig, Served, Server,
    SharedConfig, SourceState, Status, load_image, message_len,
};
use netboot_core::{Digest, Instant};
use netboot_ipxe::Delivery;
use sha2::{Digest as _, Sha256};
use std::sync::mpsc::{Receiver, Sender, channel};

const CHUNK: usize = 64;

struct Wall(std::time::Instant);

impl Clock for Wall {
    fn now(&mut self) -> Instant {
        Instant::from_micros(self.0.elapsed().as_micros() as u64)
    }

    fn idle(&mut self, _until: Instant) {
        std::thread::sleep(std::time::Duration::from_micros(50));
    }
}

fn wall() -> Wall {
    Wall(std::time::Instant::now())
}

struct Pipe(Sender<Vec<u8>>, Receiver<Vec<u8>>, usize);

impl Mailbox for Pipe {
    fn send(&mut self, message: &[u8]) -> bool {
        self.0.send(message.to_vec()).is_ok()
    }

    fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
        let message = self.1.try_recv().ok()?;
        into.get_mut(..message.len())?.copy_from_slice(&message);
        Some(message.len())
    }

    fn capacity(&self) -> usize {
        self.2
    }
}

/// Images in memory, such as a flash has them.
#[derive(Default)]
struct Memory {
    images: Vec<Vec<u8>>,
    state: SourceState,
    reading: usize,
    position: usize,
    outcome: Option<Status>,
    /// How often metadata was asked for.
    asked: u32,
}

impl BootSourceProvider for Memory {
    type Error = BootSourceError;

    fn initiate_boot(&mut self, _flags: BootFlags) -> Result<SourceState, BootSourceError> {
        self.state = SourceState::Ready;
        Ok(self.state)
    }

    fn get_image_metadata(&mut self, id: FirmwareId) -> Result<ImageMetadata, BootSourceError> {
        self.asked += 1;
        let missing = BootSourceError::Source(Status::NOT_FOUND);
        let octets = self.images.get(id.0 as usize).ok_or(missing)?;
        Ok(ImageMetadata {
            size: octets.len() as u32,
            checksum: Some(Digest(Sha256::digest(octets).into())),
            version: 3,
            flags: 2,
        })
    }

    fn download_image(
        &mut self,
        id: FirmwareId,
    ) -> Result<&mut dyn ImageStream<Error = BootSourceError>, BootSourceError> {
        let missing = BootSourceError::Source(Status::NOT_FOUND);
        self.images.get(id.0 as usize).ok_or(missing)?;
        self.reading = id.0 as usize;
        self.position = 0;
        Ok(self)
    }

    fn get_boot_source_status(&self) -> SourceState {
        self.state
    }

    fn finalize(&mut self, outcome: Status) -> Result<Cleanup, BootSourceError> {
        self.outcome = Some(outcome);
        Ok(Cleanup(Cleanup::CLEAR_TOC))
    }
}

impl ImageStream for Memory {
    type Error = BootSourceError;

    fn read_chunk(&mut self, into: &mut [u8]) -> Result<usize, BootSourceError> {
        let rest = &self.images[self.reading][self.position..];
        let len = rest.len().min(into.len()).min(50);
        into[..len].copy_from_slice(&rest[..len]);
        self.position += len;
        Ok(len)
    }

    fn total_size(&self) -> Option<u64> {
        Some(self.images[self.reading].len() as u64)
    }

    fn is_complete(&self) -> bool {
        self.position == self.images[self.reading].len()
    }
}

fn pipes(capacity: usize) -> (Pipe, Pipe) {
    let ((left, right), (back, forth)) = (channel(), channel());
    (Pipe(left, forth, capacity), Pipe(back, right, capacity))
}

fn served(images: Vec<Vec<u8>>, mailbox: Pipe) -> std::thread::JoinHandle<(Memory, Vec<Served>)> {
    std::thread::spawn(move || {
        let config = ResponderConfig {
            shared: SharedConfig::new(CHUNK as u32),
            ..ResponderConfig::default()
        };
        let (mut chunk, mut message) = ([0; CHUNK], [0; message_len(CHUNK)]);
        let mut server = Server::new(config, mailbox, &mut chunk, &mut message).unwrap();
        let provider = Memory {
            images,
            ..Memory::default()
        };
        let mut source = Pulled::new(provider, wall());
        let mut all = vec![];
        loop {
            match server.step(&mut source) {
                Served::Nothing => std::thread::sleep(std::time::Duration::from_micros(50)),
                served @ Served::Finalized(_) => {
                    all.push(served);
                    return (source.provider, all);
                }
                Served::Answered => {}
                served => all.push(served),
            }
        }
    })
}

fn config() -> RequesterConfig<'static> {
    RequesterConfig {
        shared: SharedConfig::new(CHUNK as u32),
        ..RequesterConfig::default()
    }
}

#[test]
fn a_provider_is_the_same_on_the_other_side_of_a_mailbox() {
    let images: Vec<_> = [(1, 1_000), (2, 64), (3, 6_400)]
        .map(|(seed, size)| image(seed, size))
        .to_vec();
    let (near, far) = pipes(message_len(CHUNK));
    let serving = served(images.clone(), far);
    let mut buffer = [0; message_len(CHUNK)];
    let mut remote = RemoteSource::new(config(), near, wall(), &mut buffer).unwrap();
    assert_eq!(remote.get_boot_source_status(), SourceState::Idle);
    let provider: &mut dyn BootSourceProvider<Error = BootSourceError> = &mut remote;
    assert_eq!(
        provider.initiate_boot(BootFlags::default()),
        Ok(SourceState::Ready)
    );

    let missing = provider.get_image_metadata(FirmwareId(9));
    assert_eq!(missing, Err(BootSourceError::Source(Status::NOT_FOUND)));
    assert_eq!(provider.get_boot_source_status(), SourceState::Ready);

    let mut clock = wall();
    for (index, octets) in images.iter().enumerate() {
        let id = FirmwareId(index as u32);
        let shelf = Shelf {
            window: 100,
            ..Shelf::default()
        };
        let mut delivery = Delivery::new(shelf);
        let metadata = load_image(provider, id, &mut delivery, &mut clock).unwrap();
        assert_eq!(
            (metadata.size as usize, metadata.version, metadata.flags),
            (octets.len(), 3, 2)
        );
        assert_eq!(&delivery.sink().octets, octets);
        assert!(delivery.sink().ended);
    }

    // A stream by hand, which is the way of a ROM without deliveries.
    let stream = provider.download_image(FirmwareId(1)).unwrap();
    assert_eq!(stream.total_size(), Some(64));
    let mut octets = vec![];
    while !stream.is_complete() {
        let mut piece = [0; 7];
        let len = stream.read_chunk(&mut piece).unwrap();
        octets.extend_from_slice(&piece[..len]);
    }
    assert_eq!(octets, images[1]);
    assert_eq!(stream.read_chunk(&mut [0; 7]), Ok(0));

    let cleanup = provider.finalize(Status::CHECKSUM_MISMATCH);
    assert_eq!(cleanup, Ok(Cleanup(Cleanup::CLEAR_TOC)));
    assert_eq!(provider.get_boot_source_status(), SourceState::Idle);
    let (memory, all) = serving.join().unwrap();
    // Once for the image that is not there, and once for each download.
    assert_eq!(memory.asked, 5);
    assert_eq!(memory.outcome, Some(Status::CHECKSUM_MISMATCH));
    let sent = |id| Served::Sent(FirmwareId(id));
    let ended = Served::Finalized(Status::CHECKSUM_MISMATCH);
    assert_eq!(all, [sent(0), sent(1), sent(2), sent(1), ended]);
}

#[test]
fn buffers_and_mailboxes_that_are_too_small_are_refused() {
    let needed = message_len(CHUNK);
    let (near, _far) = pipes(needed);
    let mut small = vec![0; needed - 1];
    let refused = RemoteSource::new(config(), near, wall(), &mut small).err();
    let too_small = BootSourceError::TooSmall {
        needed,
        given: needed - 1,
    };
    assert_eq!(refused, Some(too_small));
    let (near, _far) = pipes(needed - 1);
    let mut buffer = vec![0; needed];
    let refused = RemoteSource::new(config(), near, wall(), &mut buffer).err();
    assert_eq!(refused, Some(too_small));
    // A chunk is not always the longest message.
    let small = RequesterConfig {
        shared: SharedConfig::new(8),
        ..RequesterConfig::default()
    };
    let (needed_for_small, given) = (message_len(8), message_len(8) - 1);
    let (near, _far) = pipes(given);
    let refused = RemoteSource::new(small, near, wall(), &mut buffer).err();
    let needed_more = BootSourceError::TooSmall {
        needed: needed_for_small,
        given,
    };
    assert_eq!((needed_for_small, refused), (52, Some(needed_more)));
    let (near, _far) = pipes(needed);
    let responder = ResponderConfig {
        shared: SharedConfig::new(CHUNK as u32),
        ..ResponderConfig::default()
    };
    let (mut chunk, mut message) = (vec![0; CHUNK - 1], vec![0; needed]);
    let refused = Server::new(responder, near, &mut chunk, &mut message).err();
    let too_small = BootSourceError::TooSmall {
        needed: CHUNK,
        given: CHUNK - 1,
    };
    assert_eq!(refused, Some(too_small));
}

#[test]
fn a_source_that_is_not_asked_to_get_ready_says_so() {
    let (near, far) = pipes(message_len(CHUNK));
    let _serving = served(vec![image(1, 10)], far);
    let mut buffer = [0; message_len(CHUNK)];
    let mut remote = RemoteSource::new(config(), near, wall(), &mut buffer).unwrap();
    // The requester knows the order of the calls.
    let early = remote.get_image_metadata(FirmwareId(0));
    assert_eq!(early, Err(BootSourceError::Busy));
    let flags = BootFlags(1 << 5);
    assert_eq!(remote.initiate_boot(flags), Err(BootSourceError::Misuse));
}
