//! TFTP with windows (RFC 1350, 2347 to 2349, 7440): the shipped client, a server and a network that makes mistakes.
//!
//! The server is written after the RFCs alone. Each request that reaches it opens a transfer on a port of its own. A timer that is
//! due fires when nothing is on its way, the earlier one first. That a datagram is lost, doubled or overtaken, that somebody who does
//! not know the port sends one, and that a timer fires although an answer is on its way, is a fault each, and there is a limit for
//! their number.

use core::net::{IpAddr, Ipv4Addr};
use model_check::{Mishap, Way, key};
use netboot_core::{Duration, Instant};
use netboot_tftp::client::TRANSMIT_MAX;
use netboot_tftp::packet::OptionsWriter;
use netboot_tftp::{Client, Endpoint, ErrorCode, Event, Packet, Request, Timing};
use stateright::{Model, Property};
use std::hash::{Hash, Hasher};

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 2, 2));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 2, 3));
/// Octets of a block that is asked for.
const BLOCK: usize = 8;
/// First port of the server's transfers.
const FIRST_PORT: u16 = 2_000;
/// A port that no transfer has.
const STRAY_PORT: u16 = 9;
/// How long the server waits before it sends again.
const SERVER_TIMEOUT: Duration = Duration::from_millis(700);
/// How often it does.
const SERVER_TRIES: u8 = 4;

/// What is checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Number of blocks; the last one has three octets.
    pub blocks: u16,
    /// Blocks in a window; 1 asks for no window.
    pub window: u16,
    /// Faults at the most.
    pub faults: u8,
    /// Whether the server knows options.
    pub options: bool,
}

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Datagram {
    /// Port of the server's end, and whether it comes from another address.
    port: u16,
    foreign: bool,
    octets: Vec<u8>,
}

/// One transfer at the server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Transfer {
    port: u16,
    /// Blocks that the client has acknowledged; `None` until the OACK is.
    acked: Option<u16>,
    oack: bool,
    timer: Option<Instant>,
    tries: u8,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct State {
    now: Instant,
    client: Client,
    transfers: Vec<Transfer>,
    to_client: Way<Datagram>,
    to_server: Way<Datagram>,
    delivered: Vec<u8>,
    /// Faults so far.
    faults: u8,
    /// Set once the client knows the server's port. Before that it takes whatever answers first: TFTP has no means against it, and
    /// the image's digest is one.
    opened: bool,
    failed: bool,
    /// Most blocks on their way to the client at one moment.
    outstanding: usize,
}

impl State {
    /// What of the state counts.
    fn counts(&self) -> impl Eq + Hash + '_ {
        (
            key(&(&self.client, &self.transfers), self.now),
            (&self.to_client, &self.to_server, &self.delivered),
            (self.faults, self.opened, self.failed, self.outstanding),
        )
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
    /// The next datagram arrives at the client.
    ToClient,
    /// The next datagram arrives at the server.
    ToServer,
    /// The timer that is due first fires.
    Timer,
    /// The client's timer fires although something is on its way.
    EarlyClient,
    /// The server's timer fires although something is on its way.
    EarlyServer,
    /// Something befalls what is on its way to the client (`true`) or to the other side.
    Mishap(bool, Mishap),
    /// Somebody who does not know the port sends the next block.
    ForgeData,
    /// Somebody who does not know the port sends an error.
    ForgeError,
    /// Somebody with another address sends the next block, from the right port.
    ForgeAddress,
}

impl Config {
    /// Octets of a block: the least that RFC 2348 allows, or what RFC 1350 has for a server without options.
    fn block_len(&self) -> usize {
        if self.options { BLOCK } else { 512 }
    }

    fn file(&self) -> Vec<u8> {
        let len = (usize::from(self.blocks) - 1) * self.block_len() + 3;
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    fn block(&self, number: u16) -> Vec<u8> {
        let file = self.file();
        let from = (usize::from(number) - 1) * self.block_len();
        file[from..file.len().min(from + self.block_len())].to_vec()
    }

    /// The server's datagrams from what is acknowledged on.
    fn send(&self, transfer: &mut Transfer, now: Instant, out: &mut Way<Datagram>) {
        transfer.timer = Some(now + SERVER_TIMEOUT);
        let mut send = |packet: Packet<'_>| {
            let mut octets = vec![0; 600];
            let len = packet.emit(&mut octets).expect("room");
            octets.truncate(len);
            out.send(Datagram {
                port: transfer.port,
                foreign: false,
                octets,
            });
        };
        match transfer.acked {
            None => {
                let mut options = OptionsWriter::<64>::default();
                options.put("blksize", BLOCK as u64).expect("room");
                if self.window > 1 {
                    options.put("windowsize", self.window.into()).expect("room");
                }
                send(Packet::Oack(options.options()));
            }
            Some(acked) => {
                let window = if transfer.oack { self.window } else { 1 };
                for number in acked + 1..=self.blocks.min(acked + window) {
                    send(Packet::Data {
                        block: number,
                        payload: &self.block(number),
                    });
                }
            }
        }
    }

    fn at_server(&self, state: &mut State, datagram: &Datagram) {
        let now = state.now;
        match Packet::parse(&datagram.octets) {
            Ok(Packet::Request { options, .. }) => {
                let oack = self.options && options.count() > 0;
                let mut transfer = Transfer {
                    port: FIRST_PORT + state.transfers.len() as u16,
                    acked: (!oack).then_some(0),
                    oack,
                    timer: None,
                    tries: 0,
                };
                self.send(&mut transfer, now, &mut state.to_client);
                state.transfers.push(transfer);
            }
            Ok(Packet::Ack { block }) => {
                let found = state.transfers.iter_mut();
                let Some(transfer) = found
                    .filter(|one| one.timer.is_some())
                    .find(|one| one.port == datagram.port)
                else {
                    return;
                };
                // An old acknowledgment brings nothing (RFC 1123, section 4.2.3.1), one within the window asks for the rest
                // (RFC 7440, section 4).
                let before = transfer.acked;
                let fits = match before {
                    None => block == 0,
                    Some(acked) => block > acked && block <= self.blocks,
                };
                if !fits {
                    return;
                }
                transfer.acked = Some(block);
                transfer.tries = 0;
                if block == self.blocks {
                    transfer.timer = None;
                } else {
                    self.send(transfer, now, &mut state.to_client);
                }
            }
            Ok(Packet::Error { .. }) => {
                let mut found = state.transfers.iter_mut();
                if let Some(transfer) = found.find(|one| one.port == datagram.port) {
                    transfer.timer = None;
                }
            }
            _ => {}
        }
    }

    fn at_client(state: &mut State, datagram: &Datagram) {
        let addr = if datagram.foreign { OTHER } else { SERVER };
        let from = Endpoint {
            addr,
            port: datagram.port,
        };
        let now = state.now;
        for _ in 0..2 {
            let again = match state.client.handle(now, from, &datagram.octets) {
                Ok(Event::None) => false,
                Ok(Event::Opened { again, .. }) => {
                    state.opened = true;
                    state.client.start(now);
                    again
                }
                Ok(Event::Data { payload, .. }) => {
                    state.delivered.extend(payload);
                    state.client.data_consumed(now);
                    false
                }
                Err(_) => {
                    state.failed = true;
                    false
                }
            };
            if !again {
                break;
            }
        }
    }

    fn server_timer(&self, state: &mut State) {
        let timers = state.transfers.iter_mut();
        let Some(transfer) = timers
            .filter(|one| one.timer.is_some())
            .min_by_key(|one| one.timer)
        else {
            return;
        };
        if let Some(at) = transfer.timer {
            state.now = state.now.max(at);
        }
        transfer.tries += 1;
        if transfer.tries > SERVER_TRIES {
            transfer.timer = None;
            return;
        }
        self.send(transfer, state.now, &mut state.to_client);
    }

    fn client_timer(state: &mut State) {
        if let Some(at) = state.client.poll_timeout() {
            state.now = state.now.max(at);
            state.failed |= state.client.handle_timeout(state.now).is_err();
        }
    }

    fn forge(&self, state: &mut State, port: u16, foreign: bool, error: bool) {
        let number = (state.delivered.len() / self.block_len()) as u16 + 1;
        let packet = match error {
            true => Packet::Error {
                code: ErrorCode(0),
                message: b"forged",
            },
            false => Packet::Data {
                block: number,
                payload: &[0xEE; BLOCK],
            },
        };
        let mut octets = vec![0; 64];
        let len = packet.emit(&mut octets).expect("room");
        octets.truncate(len);
        let datagram = Datagram {
            port,
            foreign,
            octets,
        };
        state.to_client.forge(datagram);
    }

    fn transmit(state: &mut State) {
        let mut buffer = [0; TRANSMIT_MAX];
        while let Some((len, to)) = state.client.poll_transmit(state.now, &mut buffer) {
            state.to_server.send(Datagram {
                port: to.port,
                foreign: false,
                octets: buffer[..len].to_vec(),
            });
        }
    }
}

impl State {
    fn quiet(&self) -> bool {
        self.to_client.is_empty() && self.to_server.is_empty()
    }

    fn server_due(&self) -> Option<Instant> {
        self.transfers.iter().filter_map(|one| one.timer).min()
    }

    fn client_due(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn ended(&self) -> bool {
        self.failed || self.client.is_complete()
    }
}

impl Model for Config {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let request = Request {
            filename: "f",
            blksize: BLOCK as u16,
            windowsize: self.window,
            timeout: None,
            tsize: false,
        };
        let client = Client::new(
            Endpoint::server(SERVER),
            &request,
            Timing::default(),
            Instant::ZERO,
        );
        let mut state = State {
            now: Instant::ZERO,
            client: client.expect("a good request"),
            transfers: Vec::new(),
            to_client: Way::default(),
            to_server: Way::default(),
            delivered: Vec::new(),
            faults: 0,
            opened: false,
            failed: false,
            outstanding: 0,
        };
        Self::transmit(&mut state);
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if !state.to_client.is_empty() {
            actions.push(Action::ToClient);
        }
        if !state.to_server.is_empty() {
            actions.push(Action::ToServer);
        }
        let due = state.client_due().is_some() || state.server_due().is_some();
        if state.quiet() && due {
            actions.push(Action::Timer);
        }
        if state.faults >= self.faults {
            return;
        }
        if !state.quiet() {
            if state.client_due().is_some() {
                actions.push(Action::EarlyClient);
            }
            if state.server_due().is_some() {
                actions.push(Action::EarlyServer);
            }
        }
        for (to_client, way) in [(true, &state.to_client), (false, &state.to_server)] {
            let mishaps = way.mishaps().iter();
            actions.extend(mishaps.map(|mishap| Action::Mishap(to_client, *mishap)));
        }
        if state.opened && !state.ended() {
            actions.extend([Action::ForgeData, Action::ForgeError, Action::ForgeAddress]);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        if !matches!(action, Action::ToClient | Action::ToServer | Action::Timer) {
            state.faults += 1;
        }
        match action {
            Action::ToClient => {
                let datagram = state.to_client.arrive();
                Self::at_client(&mut state, &datagram);
            }
            Action::ToServer => {
                let datagram = state.to_server.arrive();
                self.at_server(&mut state, &datagram);
            }
            Action::Timer => match (state.client_due(), state.server_due()) {
                (Some(client), Some(server)) if client > server => self.server_timer(&mut state),
                (Some(_), _) => Self::client_timer(&mut state),
                (None, _) => self.server_timer(&mut state),
            },
            Action::EarlyClient => Self::client_timer(&mut state),
            Action::EarlyServer => self.server_timer(&mut state),
            Action::Mishap(true, mishap) => state.to_client.befall(mishap),
            Action::Mishap(false, mishap) => state.to_server.befall(mishap),
            Action::ForgeData => self.forge(&mut state, STRAY_PORT, false, false),
            Action::ForgeError => self.forge(&mut state, STRAY_PORT, false, true),
            Action::ForgeAddress => self.forge(&mut state, FIRST_PORT, true, false),
        }
        Self::transmit(&mut state);
        let data = state
            .to_client
            .datagrams()
            .iter()
            .filter(|one| one.octets.starts_with(&[0, 3]));
        state.outstanding = state.outstanding.max(data.count());
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always(
                "what is delivered is a prefix of the file",
                |model, state| model.file().starts_with(&state.delivered),
            ),
            Property::<Self>::always("a complete transfer has the whole file", |model, state| {
                !state.client.is_complete() || state.delivered == model.file()
            }),
            Property::<Self>::always(
                "without a fault no more than a window is on its way",
                |model, state| state.faults > 0 || state.outstanding <= usize::from(model.window),
            ),
            // A fault can have a window sent once more, or one datagram be two.
            Property::<Self>::always("each fault brings a window at the most", |model, state| {
                state.outstanding <= usize::from(model.window) * (1 + usize::from(state.faults))
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
