//! The source of an MCU ROM that blocks, and the server, in virtual time: the other side runs whenever time passes.

mod common;

use common::{Shelf, image};
use netboot_boot_source::{
    BootFlags, BootSourceError, BootSourceProvider, Cleanup, Clock, FirmwareId, ImageMetadata,
    ImageSource, ImageStream, Mailbox, Message, RemoteSource, Request, RequesterConfig, Responder,
    ResponderConfig, Served, Server, SharedConfig, SourceState, Status, load_image, message_len,
};
use netboot_core::{Digest, Duration, ImageSink, Instant};
use netboot_ipxe::{Deliver, Delivery};
use sha2::{Digest as _, Sha256};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

const CHUNK: usize = 64;
const BUFFER: usize = message_len(CHUNK);
const ID: FirmwareId = FirmwareId(1);
const SHARED: SharedConfig<'static> = SharedConfig::new(CHUNK as u32);

/// Time that passes only while somebody idles. It ends after an hour, so that a wait without an end fails.
#[derive(Clone, Default)]
struct Virtual(Rc<Cell<u64>>, Rc<RefCell<Weak<RefCell<Far>>>>);

impl Clock for Virtual {
    fn now(&mut self) -> Instant {
        Instant::from_micros(self.0.get())
    }

    fn idle(&mut self, until: Instant) {
        assert!(until > self.now(), "idles until a time that has passed");
        assert!(until < Instant::from_millis(3_600_000), "no end");
        self.0.set(until.as_micros());
        let far = self.1.borrow().upgrade();
        if let Some(far) = far {
            far.borrow_mut().run();
        }
    }
}

/// A coprocessor with one image, and the mailbox to it.
struct Far {
    clock: Virtual,
    responder: Responder<'static, [u8; CHUNK]>,
    image: Vec<u8>,
    checksum: Option<Digest>,
    sending: bool,
    /// The source fails after so many octets.
    fails_at: usize,
    position: usize,
    /// What came from the MCU ROM.
    heard: Vec<Vec<u8>>,
    answers: VecDeque<Vec<u8>>,
}

impl Far {
    fn new(clock: &Virtual, image: Vec<u8>) -> Rc<RefCell<Self>> {
        let config = ResponderConfig {
            shared: SHARED,
            ..ResponderConfig::default()
        };
        let far = Rc::new(RefCell::new(Self {
            clock: clock.clone(),
            responder: Responder::new(config, [0; CHUNK]).unwrap(),
            checksum: Some(Digest(Sha256::digest(&image).into())),
            image,
            sending: false,
            fails_at: usize::MAX,
            position: 0,
            heard: vec![],
            answers: VecDeque::new(),
        }));
        clock.1.replace(Rc::downgrade(&far));
        far
    }

    fn take(&mut self, message: &[u8]) {
        self.heard.push(message.to_vec());
        let now = self.clock.now();
        let size = self.image.len();
        match self.responder.handle(now, message).unwrap() {
            None => {}
            Some(Request::Initiate { .. }) => {
                self.sending = false;
                self.responder.close();
                self.responder.answer_initiate(Status::SUCCESS);
            }
            Some(Request::Metadata { .. }) => self.responder.answer_metadata(Ok(ImageMetadata {
                size: size as u32,
                checksum: self.checksum,
                version: 0,
                flags: 0,
            })),
            Some(Request::Download { .. }) => {
                self.responder.begin(now, size as u64).unwrap();
                (self.sending, self.position) = (true, 0);
            }
            Some(Request::Finalize { .. }) => {
                let cleanup = Cleanup::default();
                self.responder.answer_finalize(Status::SUCCESS, cleanup);
            }
        }
    }

    fn run(&mut self) {
        let now = self.clock.now();
        if self.sending {
            match self.responder.window(now) {
                Ok(_) if self.position >= self.fails_at => {
                    self.responder.refuse(Status::CORRUPTED_DATA);
                    self.sending = false;
                }
                Ok(window) => {
                    let end = self.image.len().min(self.position + window);
                    let part = &self.image[self.position..end];
                    self.responder.write(now, part).unwrap();
                    if end == self.image.len() && self.position != end {
                        self.responder.end(now).unwrap();
                    }
                    self.position = end;
                }
                Err(_) => {
                    self.responder.refuse(Status::TRANSFER_TIMEOUT);
                    self.sending = false;
                }
            }
        }
        let mut out = [0; BUFFER];
        while let Some(len) = self.responder.poll_transmit(now, &mut out) {
            self.answers.push_back(out[..len].to_vec());
        }
    }

    /// How many messages of a type came.
    fn heard(&self, kind: u8) -> usize {
        let of_kind = self.heard.iter().filter(|message| message[0] == kind);
        of_kind.count()
    }
}

struct Near(Rc<RefCell<Far>>);

impl Mailbox for Near {
    fn send(&mut self, message: &[u8]) -> bool {
        self.0.borrow_mut().take(message);
        true
    }

    fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
        let mut far = self.0.borrow_mut();
        far.run();
        let message = far.answers.pop_front()?;
        into[..message.len()].copy_from_slice(&message);
        Some(message.len())
    }

    fn capacity(&self) -> usize {
        BUFFER
    }
}

type Remote<'b> = RemoteSource<'static, 'b, Near, Virtual>;

fn remote<'b>(far: &Rc<RefCell<Far>>, buffer: &'b mut [u8]) -> Remote<'b> {
    let config = RequesterConfig {
        shared: SHARED,
        ..RequesterConfig::default()
    };
    let clock = far.borrow().clock.clone();
    let mut remote = RemoteSource::new(config, Near(far.clone()), clock, buffer).unwrap();
    let ready = remote.initiate_boot(BootFlags::default());
    assert_eq!(ready, Ok(SourceState::Ready));
    remote
}

/// Loads the image into `shelf`.
fn load(far: &Rc<RefCell<Far>>, delivery: &mut Delivery<Shelf>) -> Result<(), BootSourceError> {
    let mut clock = far.borrow().clock.clone();
    let mut buffer = [0; BUFFER];
    load_image(&mut remote(far, &mut buffer), ID, delivery, &mut clock).map(|_| ())
}

#[test]
fn a_stream_that_failed_is_an_error_at_each_read() {
    let clock = Virtual::default();
    let far = Far::new(&clock, image(1, 200));
    far.borrow_mut().fails_at = CHUNK;
    let mut buffer = [0; BUFFER];
    let mut remote = remote(&far, &mut buffer);
    let stream = remote.download_image(ID).unwrap();
    let mut piece = [0; 100];
    assert_eq!(stream.read_chunk(&mut piece), Ok(CHUNK));
    let failed = Err(BootSourceError::Source(Status::CORRUPTED_DATA));
    assert_eq!(stream.read_chunk(&mut piece), failed);
    for _ in 0..3 {
        let again = stream.read_chunk(&mut piece);
        assert_eq!(again, Err(BootSourceError::Misuse));
        assert!(!stream.is_complete());
    }
    assert_eq!(remote.get_boot_source_status(), SourceState::Failed);
}

#[test]
fn a_consumer_without_room_for_longer_than_the_sources_patience() {
    let clock = Virtual::default();
    let octets = image(2, 3 * CHUNK + 5);
    let far = Far::new(&clock, octets.clone());
    // 40 s without room after each write, where the source waits 30 s for an acknowledgement.
    for window in [CHUNK, 20] {
        let mut delivery = Delivery::new(Shelf {
            window,
            rest: 40_000,
            ..Shelf::default()
        });
        let (begun, heard) = (clock.0.get(), far.borrow().heard(4));
        load(&far, &mut delivery).unwrap();
        assert_eq!(delivery.sink().octets, octets);
        let taken = Duration::from_micros(clock.0.get() - begun);
        assert!(taken > Duration::from_secs(120));
        let acknowledgements = far.borrow().heard(4) - heard;
        // Every 200 ms, and one for each chunk and its end.
        let most = taken.as_millis() as usize / 200 + 10;
        assert!(acknowledgements <= most, "{acknowledgements} of {most}");
    }
}

#[test]
fn an_image_that_nobody_hashes_is_refused_before_it_is_asked_for() {
    let far = Far::new(&Virtual::default(), image(3, 100));
    let mut delivery = Delivery::unhashed(Shelf::default());
    let refused = load(&far, &mut delivery);
    assert_eq!(refused, Err(BootSourceError::Unhashed));
    assert_eq!(far.borrow().heard(3), 0);
    assert!(!delivery.has_begun());
    far.borrow_mut().checksum = None;
    assert_eq!(load(&far, &mut delivery), Ok(()));
}

#[test]
fn a_wrong_image_is_not_brought_to_its_end() {
    let far = Far::new(&Virtual::default(), image(4, 100));
    far.borrow_mut().checksum = Some(Digest([1; 32]));
    let mut delivery = Delivery::new(Shelf::default());
    let refused = load(&far, &mut delivery);
    assert_eq!(refused, Err(BootSourceError::ChecksumMismatch));
    assert_eq!(delivery.position(), 100);
    assert!(!delivery.sink().ended && !delivery.is_complete());
}

#[test]
fn an_incomplete_stream_goes_on_until_the_source_gets_ready_again() {
    let octets = image(5, 150);
    let far = Far::new(&Virtual::default(), octets.clone());
    let mut buffer = [0; BUFFER];
    let mut remote = remote(&far, &mut buffer);
    let mut piece = [0; 10];
    let stream = remote.download_image(ID).unwrap();
    assert_eq!(stream.read_chunk(&mut piece), Ok(10));
    assert_eq!(remote.download_image(ID).err(), Some(BootSourceError::Busy));
    let other = remote.get_image_metadata(FirmwareId(2));
    assert_eq!(other, Err(BootSourceError::Busy));
    assert_eq!(remote.get_boot_source_status(), SourceState::Sending(ID));
    let read = remote.read_chunk(&mut piece);
    assert_eq!((read, &piece[..]), (Ok(10), &octets[10..20]));
    // The way out of it.
    remote.initiate_boot(BootFlags::default()).unwrap();
    let stream = remote.download_image(ID).unwrap();
    let read = stream.read_chunk(&mut piece);
    assert_eq!((read, &piece[..]), (Ok(10), &octets[..10]));
}

/// A source that counts what it is asked.
#[derive(Default)]
struct Counting {
    clock: Virtual,
    asked: u32,
}

impl ImageSource for Counting {
    type Error = BootSourceError;

    fn initiate_boot(&mut self, _flags: BootFlags) -> Result<(), BootSourceError> {
        Ok(())
    }

    fn image_metadata(&mut self, _id: FirmwareId) -> Result<ImageMetadata, BootSourceError> {
        self.asked += 1;
        Ok(ImageMetadata {
            size: 10 + self.asked,
            checksum: None,
            version: 0,
            flags: 0,
        })
    }

    fn download(
        &mut self,
        _id: FirmwareId,
        _delivery: &mut dyn Deliver,
    ) -> Result<(), BootSourceError> {
        Err(BootSourceError::Source(Status::NOT_FOUND))
    }

    fn finalize(&mut self, _outcome: Status) -> Cleanup {
        Cleanup::default()
    }

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn idle(&mut self, span: Duration) {
        let until = self.now() + span;
        self.clock.idle(until);
    }

    fn status_of(error: &BootSourceError) -> Status {
        match error {
            BootSourceError::Source(status) => *status,
            _ => Status::UNSPECIFIED,
        }
    }
}

/// What waits for the server, and what it has sent.
#[derive(Default)]
struct Tray {
    waiting: RefCell<VecDeque<Vec<u8>>>,
    sent: RefCell<Vec<Vec<u8>>>,
}

impl Mailbox for &Tray {
    fn send(&mut self, message: &[u8]) -> bool {
        self.sent.borrow_mut().push(message.to_vec());
        true
    }

    fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
        let message = self.waiting.borrow_mut().pop_front()?;
        into[..message.len()].copy_from_slice(&message);
        Some(message.len())
    }

    fn capacity(&self) -> usize {
        BUFFER
    }
}

#[test]
fn metadata_is_asked_for_again_after_a_download_and_after_a_new_start() {
    let initiate = Message::Initiate {
        version: 1,
        flags: BootFlags::default(),
        specific: &[],
    };
    let metadata = Message::MetadataRequest { id: 1 };
    let requests = [
        (initiate, None),
        (metadata, Some(11)),
        // The repetition of a request is answered from memory.
        (metadata, Some(11)),
        (initiate, None),
        (metadata, Some(12)),
        (Message::Download { id: 1 }, None),
        (metadata, Some(13)),
    ];
    let config = ResponderConfig {
        shared: SHARED,
        ..ResponderConfig::default()
    };
    let (mut source, tray) = (Counting::default(), Tray::default());
    let (mut chunk, mut message) = ([0; CHUNK], [0; BUFFER]);
    let mut server = Server::new(config, &tray, &mut chunk, &mut message).unwrap();
    for (request, size) in requests {
        let mut out = [0; BUFFER];
        let len = request.emit(&mut out).unwrap();
        tray.waiting.borrow_mut().push_back(out[..len].to_vec());
        let served = server.step(&mut source);
        assert_ne!(served, Served::Nothing, "{request:?}");
        let sent = tray.sent.borrow().last().cloned().unwrap();
        let found = match Message::parse(&sent).unwrap() {
            Message::Metadata { size, .. } => Some(size),
            _ => None,
        };
        assert_eq!(found, size, "{request:?}");
    }
}
