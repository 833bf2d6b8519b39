//! The shipped client and the shipped server of the UDP boot protocol, a sink that takes a block whenever it likes, and a network that makes mistakes.
//!
//! The server has no state. The blocks of a GET are on their way as soon as the GET has come. A timer that is due fires when nothing is on its way and
//! nothing waits for the sink. That a datagram is lost, doubled or overtaken, that somebody sends a wrong block, that the server forgets its key, and that
//! a timer fires although an answer is on its way, is a fault each, and there is a limit for their number.

use core::net::{IpAddr, Ipv4Addr};
use model_check::{Mishap, Way, key};
use netboot_core::Instant;
use netboot_ubp::server::{Object, Reply, Server, Store};
use netboot_ubp::wire::{Answer, DATA_HEAD, DATA_MAX, ErrorCode, Name, REQUEST_MAX};
use netboot_ubp::{Client, Endpoint, Event, Frames, Output, Request, Timing};
use netboot_verity::{BLOCK, Software, Tree};
use stateright::{Model, Property};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

const SERVER: Endpoint = Endpoint::server(IpAddr::V4(Ipv4Addr::new(10, 0, 2, 2)));
const BOARD: Endpoint = Endpoint {
    addr: IpAddr::V4(Ipv4Addr::new(10, 0, 2, 15)),
    port: 5_000,
};

/// What is checked.
pub struct Config {
    file: File,
    /// Blocks in the window.
    window: u8,
    /// Faults at the most.
    faults: u8,
}

/// The file and the blocks of its packed form.
struct File {
    data: Vec<u8>,
    object: Object,
    blocks: Vec<Vec<u8>>,
}

impl Config {
    /// A file of 2 to 32 blocks of data, of which the last one has three octets: one more block is the node with their hashes.
    pub fn new(data: usize, window: u8, faults: u8) -> Self {
        let size = (data - 1) * BLOCK + 3;
        let data: Vec<u8> = (0..size).map(|at| (at / BLOCK * 7 + at) as u8).collect();
        let tree = Tree::of(&data);
        let packed = tree.pack(&data).expect("a small file");
        let file = File {
            object: Object {
                descriptor: tree.descriptor(),
                digest: tree.digest(),
                group: None,
            },
            blocks: packed[BLOCK..].chunks(BLOCK).map(<[u8]>::to_vec).collect(),
            data,
        };
        Self {
            file,
            window,
            faults,
        }
    }
}

impl Store for File {
    fn find(&self, _: &Name<'_>) -> Result<Object, ErrorCode> {
        Ok(self.object)
    }

    fn has(&self, id: u32) -> bool {
        id == self.object.id()
    }

    fn block(&self, _: u32, number: u32, out: &mut [u8; BLOCK]) -> Option<usize> {
        let block = self.blocks.get(number as usize)?;
        out[..block.len()].copy_from_slice(block);
        Some(block.len())
    }
}

/// The frames that the client holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Ring(BTreeMap<u8, Vec<u8>>);

impl Frames for Ring {
    fn datagram(&self, slot: u8) -> &[u8] {
        &self.0[&slot]
    }
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct State {
    now: Instant,
    client: Client<Software, 1>,
    ring: Ring,
    to_client: Way<Vec<u8>>,
    to_server: Way<Vec<u8>>,
    /// How often the server has got a new key.
    key: u8,
    /// Octets that were taken.
    delivered: usize,
    /// Whether the sink may take a block.
    ready: bool,
    /// Faults so far.
    faults: u8,
    /// Set when something was handed out that the file does not have there.
    wrong: bool,
    failed: bool,
}

impl State {
    /// What of the state counts. The verified node is left out, because it follows from the number that is next, and the time since the beginning, because
    /// only the report tells it.
    fn counts(&self) -> impl Eq + Hash + '_ {
        let mut client = key(&self.client, self.now);
        for (from, to) in [("nodes: [", "]]"), ("begun_at: ", ")")] {
            if let Some(at) = client.find(from) {
                let end = client[at..].find(to).map_or(client.len(), |end| at + end);
                client.replace_range(at..end, "");
            }
        }
        (
            client,
            (&self.ring, &self.to_client, &self.to_server),
            (self.key, self.delivered, self.ready, self.faults),
            (self.wrong, self.failed),
        )
    }

    fn ended(&self) -> bool {
        self.client.is_complete() || self.failed
    }

    /// Number of DATA messages on their way to the client.
    fn on_the_way(&self) -> usize {
        let datagrams = self.to_client.datagrams().iter();
        datagrams.filter(|one| one[0] == 0x16).count()
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
    /// The next datagram reaches the client.
    ToClient,
    /// The next datagram reaches the server.
    ToServer,
    /// The sink takes a block.
    Take,
    /// The client's timer fires.
    Timer,
    /// Something befalls the next datagram to the client.
    OnWayToClient(Mishap),
    /// Something befalls the next datagram to the server.
    OnWayToServer(Mishap),
    /// Somebody sends a wrong block of this number.
    Forge(u32),
    /// The server gets a new key, and keeps no old one.
    Forget,
}

impl Config {
    fn server(state: &State) -> Server {
        Server::new([state.key; 16], None)
    }

    /// Has the client do what it can do without the sink.
    fn settle(&self, state: &mut State) {
        state.ready = false;
        loop {
            match state.client.poll(state.now, &state.ring) {
                Ok(Output::Release { slot }) => {
                    state.ring.0.remove(&slot).expect("a frame that is held");
                }
                Ok(Output::Data { .. }) => {
                    state.ready = true;
                    break;
                }
                Ok(Output::None) => break,
                Err(_) => {
                    state.failed = true;
                    break;
                }
            }
        }
        let mut buf = [0; REQUEST_MAX];
        while let Some((len, _)) = state.client.poll_transmit(state.now, &mut buf) {
            state.to_server.send(buf[..len].to_vec());
        }
    }

    fn take(&self, state: &mut State) {
        loop {
            match state.client.poll(state.now, &state.ring) {
                Ok(Output::Release { slot }) => {
                    state.ring.0.remove(&slot).expect("a frame that is held");
                }
                Ok(Output::Data {
                    slot, offset, len, ..
                }) => {
                    let frame = state.ring.0.remove(&slot).expect("a frame that is held");
                    let octets = &frame[DATA_HEAD..][..usize::from(len)];
                    state.wrong |= offset != state.delivered as u64
                        || !self.file.data[state.delivered..].starts_with(octets);
                    state.delivered += octets.len();
                    state.client.consumed(state.now);
                    return;
                }
                Ok(Output::None) => return,
                Err(_) => {
                    state.failed = true;
                    return;
                }
            }
        }
    }

    fn to_client(&self, state: &mut State) {
        let datagram = state.to_client.arrive();
        let slot = (0..).find(|slot| !state.ring.0.contains_key(slot));
        let slot = slot.expect("few frames are held");
        match state.client.handle(state.now, SERVER, &datagram, slot) {
            Ok(Event::Kept) => {
                state.ring.0.insert(slot, datagram);
            }
            Ok(Event::Opened { .. }) => state.client.start(state.now),
            Ok(Event::None) => {}
            Err(_) => state.failed = true,
        }
    }

    fn to_server(&self, state: &mut State) {
        let request = state.to_server.arrive();
        let file = &self.file;
        let mut buf = [0; DATA_MAX];
        match Self::server(state).handle(state.now, BOARD, &request, file, &mut buf) {
            Reply::Send(len) => state.to_client.send(buf[..len].to_vec()),
            Reply::Burst(mut burst) => {
                while let Some(len) = burst.poll_transmit(state.now, file, &mut buf) {
                    state.to_client.send(buf[..len].to_vec());
                }
            }
            Reply::None | Reply::Report(_) => {}
        }
    }

    fn forge(&self, state: &mut State, number: u32) {
        let file = &self.file;
        let block = &[0xee; BLOCK][..file.blocks[number as usize].len()];
        let id = (file.object.id() >> 16) as u16;
        let mut buf = [0; DATA_MAX];
        let len = Answer::Data { id, number, block }.emit(&mut buf);
        state.to_client.forge(buf[..len.expect("a block")].to_vec());
    }
}

impl Model for Config {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let now = Instant::from_millis(1);
        let request = Request {
            path: "/f",
            digest: Some(self.file.object.digest),
            offset: 0,
            window: self.window,
            rate: 0,
            multicast: false,
        };
        let client = Client::new(
            Software::default(),
            SERVER,
            &request,
            Timing::default(),
            7,
            now,
        );
        let mut state = State {
            now,
            client: client.expect("a request within its bounds"),
            ring: Ring::default(),
            to_client: Way::default(),
            to_server: Way::default(),
            key: 0,
            delivered: 0,
            ready: false,
            faults: 0,
            wrong: false,
            failed: false,
        };
        self.settle(&mut state);
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.ended() {
            return;
        }
        let quiet = state.to_client.is_empty() && state.to_server.is_empty();
        if !state.to_client.is_empty() {
            actions.push(Action::ToClient);
        }
        if !state.to_server.is_empty() {
            actions.push(Action::ToServer);
        }
        if state.ready {
            actions.push(Action::Take);
        }
        let timer = state.client.poll_timeout().is_some();
        if timer && quiet && !state.ready {
            actions.push(Action::Timer);
        }
        if state.faults == self.faults {
            return;
        }
        if timer && (!quiet || state.ready) {
            actions.push(Action::Timer);
        }
        let mishaps = state.to_client.mishaps().iter().copied();
        actions.extend(mishaps.map(Action::OnWayToClient));
        let mishaps = state.to_server.mishaps().iter().copied();
        actions.extend(mishaps.map(Action::OnWayToServer));
        if state.client.rtt().is_some() {
            let next = state.client.next_number();
            let near = next..next + u32::from(self.window) + 1;
            actions.extend(
                near.filter(|number| (*number as usize) < self.file.blocks.len())
                    .map(Action::Forge),
            );
            actions.push(Action::Forget);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        let quiet = state.to_client.is_empty() && state.to_server.is_empty();
        let fault = match action {
            Action::ToClient | Action::ToServer | Action::Take => false,
            Action::Timer => !quiet || state.ready,
            _ => true,
        };
        state.faults += u8::from(fault);
        match action {
            Action::ToClient => self.to_client(&mut state),
            Action::ToServer => self.to_server(&mut state),
            Action::Take => self.take(&mut state),
            Action::Timer => {
                state.now = state.now.max(state.client.poll_timeout()?);
                state.failed |= state.client.handle_timeout(state.now).is_err();
            }
            Action::OnWayToClient(mishap) => state.to_client.befall(mishap),
            Action::OnWayToServer(mishap) => state.to_server.befall(mishap),
            Action::Forge(number) => self.forge(&mut state, number),
            Action::Forget => state.key += 1,
        }
        self.settle(&mut state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("what is delivered is the file", |_, state| !state.wrong),
            Property::<Self>::always("a complete transfer has the whole file", |model, state| {
                !state.client.is_complete()
                    || state.delivered == model.file.data.len() && state.ring.0.is_empty()
            }),
            Property::<Self>::always("no more is held than the window has", |model, state| {
                state.ring.0.len() <= usize::from(model.window)
            }),
            Property::<Self>::always(
                "without a fault no more is held and on its way than the window has",
                |model, state| {
                    let count = state.ring.0.len() + state.on_the_way();
                    state.faults > 0 || count <= usize::from(model.window)
                },
            ),
            Property::<Self>::always("each fault brings a window at the most", |model, state| {
                let windows = 1 + usize::from(state.faults);
                state.on_the_way() <= usize::from(model.window) * windows
            }),
            Property::<Self>::always(
                "some way leads out of each state, or the transfer has ended",
                |model, state| {
                    let mut actions = Vec::new();
                    model.actions(state, &mut actions);
                    !actions.is_empty() || state.ended()
                },
            ),
            Property::<Self>::always("few faults do not end a transfer", |_, state| !state.failed),
            Property::<Self>::sometimes("the transfer ends well", |_, state| {
                state.client.is_complete()
            }),
            Property::<Self>::sometimes(
                "a transfer that was disturbed ends well",
                |model, state| state.client.is_complete() && state.faults == model.faults,
            ),
        ]
    }
}
