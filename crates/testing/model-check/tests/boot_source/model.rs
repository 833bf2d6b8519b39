//! A boot of a few images: the shipped requester, the shipped responder, and a mailbox that makes mistakes.
//!
//! A timer that is due fires when nothing is on its way, the earlier one first. That a message is lost, doubled or overtaken, and that
//! a message is repeated although its answer is on its way, is a fault each, and there is a limit for their number. A linger is
//! longer than any message is on its way.
//!
//! The consumer of the images may have no room for a chunk. The MCU ROM then leaves messages in the mailbox, as
//! [`netboot_boot_source::Feeder`] does, and says at each look that it holds the chunk. It may also give an image up at any moment and
//! begin its boot anew.

use model_check::{Mishap, Way, key};
use netboot_boot_source::{
    BootFlags, Event, FirmwareId, ImageMetadata, Message, Numbering, Request, Requester,
    RequesterConfig, Responder, ResponderConfig, SharedConfig, Status,
};
use netboot_core::{Duration, ImageSink, Instant};
use stateright::{Model, Property};
use std::hash::{Hash, Hasher};

/// Octets of a chunk.
const CHUNK: usize = 2;
/// How long the two sides wait before they repeat something.
const RETRY: Duration = Duration::from_millis(20);
/// How long the requester listens after an exchange.
const LINGER: Duration = Duration::from_millis(500);
/// How long the two sides wait for one another.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long the source may take to get ready. A source that did not hear that an image was given up repeats its chunk for its whole
/// patience, and the requester lingers after the last one that it hears.
const READY: Duration = Duration::from_millis(2_000);

/// What is checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Octets of each image.
    pub sizes: &'static [u32],
    /// Faults at the most.
    pub faults: u8,
    /// Whether the requester lingers.
    pub linger: bool,
    /// How chunks are numbered.
    pub numbering: Numbering,
    /// Timers that may fire while the consumer has no room for a chunk, in the whole boot. With 0 it always has room.
    pub waits: u8,
    /// Images that the MCU ROM may give up.
    pub aborts: u8,
}

/// What the MCU ROM does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Work {
    Start,
    Metadata(usize),
    Download(usize),
    End,
    Done,
    Failed,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct State {
    now: Instant,
    work: Work,
    requester: Requester<'static>,
    responder: Responder<'static, [u8; CHUNK]>,
    /// The image that the source sends, and how much of it was written.
    sending: Option<(usize, usize)>,
    to_source: Way<Vec<u8>>,
    to_mcu: Way<Vec<u8>>,
    /// What the MCU ROM was given of each image.
    delivered: Vec<Vec<u8>>,
    /// The chunk for which the consumer has no room, and when it is asked again.
    held: Option<(Vec<u8>, Instant)>,
    faults: u8,
    waits: u8,
    aborts: u8,
}

impl State {
    fn counts(&self) -> impl Eq + Hash + '_ {
        let ends = (&self.requester, &self.responder, &self.sending, &self.held);
        (
            key(&ends, self.now),
            (&self.to_source, &self.to_mcu, &self.delivered),
            (self.work, self.faults, self.waits, self.aborts),
        )
    }

    /// Nothing is on its way, but what a full MCU ROM leaves in its mailbox.
    fn quiet(&self) -> bool {
        self.to_source.is_empty() && (self.to_mcu.is_empty() || self.held.is_some())
    }

    fn ended(&self) -> bool {
        matches!(self.work, Work::Done | Work::Failed)
    }

    /// When the next timer is due.
    fn due(&self) -> Option<Instant> {
        let look = self.held.as_ref().map(|(_, look)| *look);
        let (near, far) = (self.requester.poll_timeout(), self.responder.poll_timeout());
        let timers = [near, far, look];
        timers.into_iter().flatten().min()
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.counts().hash(hasher);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.counts() == other.counts()
    }
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The next message arrives at the source.
    ToSource,
    /// The next message arrives at the MCU ROM.
    ToMcu,
    /// The timer that is due first fires.
    Timer,
    /// Something is repeated although a message is on its way.
    Early,
    /// The consumer takes the chunk that is held.
    Accept,
    /// The MCU ROM gives the image up and begins anew.
    Abort,
    /// Something befalls what is on its way to the source (`true`) or to the MCU ROM.
    Mishap(bool, Mishap),
}

/// The octets of an image: no two images share one.
fn octets(index: usize, size: u32) -> Vec<u8> {
    (0..size)
        .map(|at| (index as u8 + 1) << 4 | at as u8)
        .collect()
}

impl Config {
    fn metadata(&self, id: FirmwareId) -> Result<ImageMetadata, Status> {
        let size = self.sizes.get(id.0 as usize).ok_or(Status::NOT_FOUND)?;
        Ok(ImageMetadata {
            size: *size,
            checksum: None,
            version: 0,
            flags: 0,
        })
    }

    fn at_source(&self, state: &mut State, message: &[u8]) {
        let now = state.now;
        match state.responder.handle(now, message) {
            Ok(Some(Request::Initiate { .. })) => state.responder.answer_initiate(Status::SUCCESS),
            Ok(Some(Request::Metadata { id })) => {
                let answer = self.metadata(id);
                state.responder.answer_metadata(answer);
            }
            Ok(Some(Request::Download { id })) => {
                let index = id.0 as usize;
                let begun = state.responder.begin(now, u64::from(self.sizes[index]));
                begun.expect("asked for");
                state.sending = Some((index, 0));
            }
            Ok(Some(Request::Finalize { .. })) => {
                state.sending = None;
                state
                    .responder
                    .answer_finalize(Status::SUCCESS, Default::default());
            }
            _ => {}
        }
        self.produce(state);
    }

    /// The source writes as much as the responder takes.
    fn produce(&self, state: &mut State) {
        let now = state.now;
        while let Some((index, written)) = state.sending {
            let image = octets(index, self.sizes[index]);
            let Ok(window) = state.responder.window(now) else {
                match state.responder.given_up() {
                    true => state.responder.close(),
                    false => state.responder.refuse(Status::TRANSFER_TIMEOUT),
                }
                state.sending = None;
                return;
            };
            let end = image.len().min(written + window);
            if end > written {
                let part = &image[written..end];
                state.responder.write(now, part).expect("in the window");
                state.sending = Some((index, end));
                if end == image.len() {
                    state.responder.end(now).expect("all is written");
                }
            } else if written == image.len() && state.responder.poll_ready(now) == Ok(true) {
                state.responder.activate(now).expect("it is done");
                state.sending = None;
            } else {
                return;
            }
        }
    }

    fn at_mcu(&self, state: &mut State, message: &[u8]) {
        let now = state.now;
        let data = match state.requester.handle(now, message) {
            Ok(Event::None) => return,
            Ok(Event::Chunk { data }) => data.to_vec(),
            Ok(event) => {
                let metadata = match event {
                    Event::Metadata(metadata) => Some(metadata.size),
                    _ => None,
                };
                return self.next(state, metadata);
            }
            Err(_) => {
                state.work = Work::Failed;
                return;
            }
        };
        state.held = Some((data, now));
        if self.waits == 0 {
            self.accept(state);
        }
    }

    /// The consumer takes the chunk that is held.
    fn accept(&self, state: &mut State) {
        if let (Work::Download(index), Some((data, _))) = (state.work, state.held.take()) {
            state.delivered[index].extend(data);
            if state.requester.accept(state.now) {
                self.next(state, None);
            }
        }
    }

    /// The MCU ROM gives the image up, tells the source, and begins anew.
    fn abort(&self, state: &mut State) {
        state.requester.abort(state.now);
        self.send(state);
        state.held = None;
        state.delivered = vec![vec![]; self.sizes.len()];
        state.work = Work::Start;
        state.requester.initiate(state.now, BootFlags::default());
    }

    /// The MCU ROM goes on.
    fn next(&self, state: &mut State, size: Option<u32>) {
        let now = state.now;
        state.work = match (state.work, size) {
            (Work::Start, _) => Work::Metadata(0),
            (Work::Metadata(index), Some(size)) => {
                let id = FirmwareId(index as u32);
                state.requester.download(now, id, size).expect("idle");
                Work::Download(index)
            }
            (Work::Download(index), _) if index + 1 < self.sizes.len() => Work::Metadata(index + 1),
            (Work::Download(_), _) => Work::End,
            (_, _) => Work::Done,
        };
        match state.work {
            Work::Metadata(index) => {
                let id = FirmwareId(index as u32);
                state.requester.metadata(now, id).expect("idle");
            }
            Work::End => state.requester.finalize(now, Status::SUCCESS, 0),
            _ => {}
        }
    }

    /// Both sides notice what the time has come for, and send.
    fn settle(&self, state: &mut State) {
        if !state.ended() && state.requester.poll(state.now).is_err() {
            state.work = Work::Failed;
        }
        if let Some((_, look)) = &mut state.held
            && *look <= state.now
        {
            state.requester.hold(state.now);
            *look = state.now + RETRY;
        }
        self.produce(state);
        self.send(state);
    }

    /// Both sides send what is due.
    fn send(&self, state: &mut State) {
        let mut out = [0; 64];
        while let Some(len) = state.requester.poll_transmit(state.now, &mut out) {
            state.to_source.send(out[..len].to_vec());
        }
        while let Some(len) = state.responder.poll_transmit(state.now, &mut out) {
            state.to_mcu.send(out[..len].to_vec());
        }
    }
}

impl Model for Config {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let shared = SharedConfig {
            numbering: self.numbering,
            ..SharedConfig::new(CHUNK as u32)
        };
        let requester = RequesterConfig {
            shared,
            retry: RETRY,
            answer_timeout: PATIENCE,
            ready_timeout: READY,
            linger: if self.linger { LINGER } else { Duration::ZERO },
        };
        let responder = ResponderConfig {
            shared,
            retry: RETRY,
            ack_timeout: PATIENCE,
        };
        let mut state = State {
            now: Instant::from_millis(1),
            work: Work::Start,
            requester: Requester::new(requester),
            responder: Responder::new(responder, [0; CHUNK]).expect("room for a chunk"),
            sending: None,
            to_source: Way::default(),
            to_mcu: Way::default(),
            delivered: vec![vec![]; self.sizes.len()],
            held: None,
            faults: 0,
            waits: 0,
            aborts: 0,
        };
        state.requester.initiate(state.now, BootFlags::default());
        self.settle(&mut state);
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.ended() {
            return;
        }
        if !state.to_source.is_empty() {
            actions.push(Action::ToSource);
        }
        if state.held.is_some() {
            actions.push(Action::Accept);
        } else if !state.to_mcu.is_empty() {
            actions.push(Action::ToMcu);
        }
        if matches!(state.work, Work::Download(_)) && state.aborts < self.aborts {
            actions.push(Action::Abort);
        }
        let due = state.due();
        let may_wait = state.held.is_none() || state.waits < self.waits;
        if state.quiet() && due.is_some() && may_wait {
            actions.push(Action::Timer);
        }
        if state.faults == self.faults {
            return;
        }
        let soon = due.is_some_and(|due| due.since(state.now) <= RETRY);
        if !state.quiet() && soon {
            actions.push(Action::Early);
        }
        for (source, way) in [(true, &state.to_source), (false, &state.to_mcu)] {
            let mishaps = way.mishaps().iter();
            actions.extend(mishaps.map(|mishap| Action::Mishap(source, *mishap)));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::ToSource => {
                let message = state.to_source.arrive();
                self.at_source(&mut state, &message);
            }
            Action::ToMcu => {
                let message = state.to_mcu.arrive();
                self.at_mcu(&mut state, &message);
            }
            Action::Timer => {
                state.waits += u8::from(state.held.is_some());
                state.now = state.now.max(state.due()?);
            }
            Action::Accept => self.accept(&mut state),
            Action::Abort => {
                state.aborts += 1;
                self.abort(&mut state);
            }
            Action::Early => {
                state.faults += 1;
                state.now = state.now.max(state.due()?);
            }
            Action::Mishap(source, mishap) => {
                state.faults += 1;
                match source {
                    true => state.to_source.befall(mishap),
                    false => state.to_mcu.befall(mishap),
                }
            }
        }
        self.settle(&mut state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("the right octets", |config: &Self, state: &State| {
                let images = state.delivered.iter().enumerate();
                images
                    .map(|(index, found)| (octets(index, config.sizes[index]), found))
                    .all(|(image, found)| image.starts_with(found))
            }),
            Property::always("all of them", |config: &Self, state: &State| {
                let sizes = state.delivered.iter().zip(config.sizes);
                let whole = |(found, size): (&Vec<u8>, &u32)| found.len() == *size as usize;
                state.work != Work::Done || sizes.into_iter().all(whole)
            }),
            Property::always(
                "a few mistakes are outlived",
                |config: &Self, state: &State| state.work != Work::Failed || !config.linger,
            ),
            Property::always("no dead end", |_: &Self, state: &State| {
                state.ended() || !state.quiet() || state.due().is_some()
            }),
            Property::sometimes("a boot", |_: &Self, state: &State| state.work == Work::Done),
            Property::sometimes("a chunk is held", |config: &Self, state: &State| {
                let held = Message::Ack {
                    id: 0,
                    sequence: 0,
                    flags: 0,
                };
                let on_its_way = state.to_source.datagrams().iter();
                let mut messages = on_its_way.map(|octets| Message::parse(octets));
                config.waits == 0 || messages.any(|message| message == Ok(held))
            }),
            Property::sometimes(
                "a boot after an image was given up",
                |config: &Self, state: &State| {
                    config.aborts == 0 || (state.aborts > 0 && state.work == Work::Done)
                },
            ),
        ]
    }
}
