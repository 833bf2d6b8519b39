//! DHCPv4 (RFC 2131): the shipped client, two servers that do not know of each other, and a network that makes mistakes.
//!
//! The servers are written after the RFC alone. What the client believes to have is compared with what its server has promised, at
//! every moment: an address that is in use without such a promise may be somebody else's by now.

use core::net::Ipv4Addr;
use model_check::{Counter, Mishap, Way, key};
use netboot_core::{Duration, Instant};
use netboot_dhcp::client::TRANSMIT_MAX;
use netboot_dhcp::options::code;
use netboot_dhcp::packet::{Builder, Header, MessageType, Packet};
use netboot_dhcp::{Client, Config as ClientConfig, Event};
use stateright::{Model, Property};
use std::hash::{Hash, Hasher};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x15];
/// Length of a lease in seconds: long enough for a renewal, and short enough to see its end.
const LEASE: u32 = 120;
/// Addresses that the client declines at the most.
const DECLINES: u8 = 3;
/// The identifier of a server that nobody has asked.
const ROGUE: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 66);

/// What is checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Number of servers, 1 or 2.
    pub servers: u8,
    /// Faults at the most.
    pub faults: u8,
    /// Whether the client has its address probed.
    pub probe: bool,
    /// The conversation is looked at for so long.
    pub until: Duration,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Datagram {
    /// Who sent it; the client is 0.0.0.0 or its address.
    from: Ipv4Addr,
    to: Ipv4Addr,
    octets: Vec<u8>,
}

/// A server with one address at a time.
#[derive(Clone, Debug)]
struct Server {
    id: Ipv4Addr,
    address: Ipv4Addr,
    /// Until when the address is promised to the client.
    bound: Option<Instant>,
    /// Addresses that the client has declined.
    declined: Vec<Ipv4Addr>,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct State {
    now: Instant,
    client: Client,
    rng: Counter,
    servers: Vec<Server>,
    to_client: Way<Datagram>,
    to_servers: Way<Datagram>,
    /// The address that is being probed.
    probed: Option<Ipv4Addr>,
    /// Addresses that were found to be somebody else's.
    conflicts: Vec<Ipv4Addr>,
    faults: u8,
    failed: bool,
    /// Most messages of the client on their way at one moment.
    outstanding: usize,
}

impl State {
    /// What of the state counts.
    fn counts(&self) -> impl Eq + Hash + '_ {
        (
            key(&(&self.client, &self.rng, &self.servers), self.now),
            (
                &self.to_client,
                &self.to_servers,
                self.probed,
                &self.conflicts,
            ),
            (self.now, self.faults, self.failed, self.outstanding),
        )
    }

    fn quiet(&self) -> bool {
        self.to_client.is_empty() && self.to_servers.is_empty() && self.probed.is_none()
    }

    /// Sends what the client has to send, and takes its events.
    fn settle(&mut self) {
        let mut buffer = [0; TRANSMIT_MAX];
        while let Some(out) = self
            .client
            .poll_transmit(self.now, &mut self.rng, &mut buffer)
        {
            self.to_servers.send(Datagram {
                from: out.source,
                to: out.destination,
                octets: buffer[..out.len].to_vec(),
            });
        }
        while let Some(event) = self.client.poll(self.now) {
            match event {
                Event::ProbeAddress(address) => self.probed = Some(address),
                Event::Failed(_) => self.failed = true,
                _ => {}
            }
        }
        self.outstanding = self.outstanding.max(self.to_servers.datagrams().len());
    }

    fn timer(&mut self) {
        if let Some(at) = self.client.poll_timeout() {
            self.now = self.now.max(at);
            self.client.handle_timeout(self.now, &mut self.rng);
        }
    }

    /// Lets every server that a message is for see it.
    fn at_servers(&mut self, datagram: &Datagram) {
        let packet = Packet::parse(&datagram.octets).expect("the client sends DHCP");
        for at in 0..self.servers.len() {
            let id = self.servers[at].id;
            if datagram.to.is_broadcast() || datagram.to == id {
                let answer = self.servers[at].answer(self.now, &packet);
                if let Some(octets) = answer {
                    self.to_client.send(Datagram {
                        from: id,
                        to: Ipv4Addr::BROADCAST,
                        octets,
                    });
                }
            }
        }
    }

    /// The promise that the client's lease stands on.
    fn promise(&self) -> Option<Instant> {
        let lease = self.client.lease()?;
        let mut servers = self.servers.iter();
        let server = servers.find(|server| server.id == lease.server_id)?;
        server.bound.filter(|_| server.address == lease.address)
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

impl Server {
    fn answer(&mut self, now: Instant, packet: &Packet<'_>) -> Option<Vec<u8>> {
        if self.bound.is_some_and(|until| until <= now) {
            self.bound = None;
        }
        let chosen = packet.options.address(code::SERVER_ID);
        let own = packet.header.ciaddr;
        match packet.message {
            MessageType::Discover => Some(self.message(packet, MessageType::Offer)),
            MessageType::Request if own.is_unspecified() => {
                let asked = packet.options.address(code::REQUESTED_ADDRESS);
                if chosen != Some(self.id) {
                    return None;
                }
                if asked != Some(self.address) {
                    return Some(self.message(packet, MessageType::Nak));
                }
                self.bound = Some(now + Duration::from_secs(LEASE.into()));
                Some(self.message(packet, MessageType::Ack))
            }
            // A renewal. A server that has no record of the client stays silent (RFC 2131, section 4.3.2).
            MessageType::Request if own == self.address => {
                if self.bound.is_none() {
                    return Some(self.message(packet, MessageType::Nak));
                }
                self.bound = Some(now + Duration::from_secs(LEASE.into()));
                Some(self.message(packet, MessageType::Ack))
            }
            MessageType::Decline if chosen == Some(self.id) => {
                self.declined.push(self.address);
                self.address = Ipv4Addr::from_bits(self.address.to_bits() + 1);
                self.bound = None;
                None
            }
            MessageType::Release if chosen == Some(self.id) => {
                self.bound = None;
                None
            }
            _ => None,
        }
    }

    fn message(&self, request: &Packet<'_>, message: MessageType) -> Vec<u8> {
        message_of(self.id, self.address, request.header, message)
    }
}

/// A message of a server.
fn message_of(id: Ipv4Addr, address: Ipv4Addr, request: Header, message: MessageType) -> Vec<u8> {
    let nak = message == MessageType::Nak;
    let header = Header {
        reply: true,
        yiaddr: if nak { Ipv4Addr::UNSPECIFIED } else { address },
        ..request
    };
    let mut octets = vec![0; 400];
    let mut out = Builder::new(&mut octets, &header, message, b"", b"");
    out.address(code::SERVER_ID, id);
    if !nak {
        out.option(code::LEASE_TIME, &LEASE.to_be_bytes());
        out.option(code::SUBNET_MASK, &[255, 255, 255, 0]);
        out.option(code::BOOT_FILE, b"f");
    }
    let len = out.finish().expect("room");
    octets.truncate(len);
    octets
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The next message arrives at the client.
    ToClient,
    /// The next message arrives at the servers.
    ToServers,
    /// Nobody else has the address that is probed.
    Free,
    /// The client's timer fires.
    Timer,
    /// Somebody else has the address that is probed.
    Taken,
    /// The client's timer fires although an answer is on its way.
    Early,
    /// Something befalls what is on its way to the client (`true`) or to the other side.
    Mishap(bool, Mishap),
    /// A server forgets the client, as after a restart.
    Forget(usize),
    /// Somebody who saw the client's message acknowledges it.
    ForgeAck,
    /// Somebody who saw it refuses it.
    ForgeNak,
}

impl Model for Config {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let config = ClientConfig {
            probe: self.probe,
            declines: DECLINES,
            ..ClientConfig::new(MAC)
        };
        let mut rng = Counter::default();
        let mut client = Client::new(&config).expect("a good configuration");
        client.start(Instant::ZERO, &mut rng);
        let server = |last: u8| Server {
            id: Ipv4Addr::new(10, 0, 2, last),
            address: Ipv4Addr::new(10, 0, 2, 50 * last),
            bound: None,
            declined: Vec::new(),
        };
        let mut state = State {
            now: Instant::ZERO,
            client,
            rng,
            servers: (1..=self.servers).map(server).collect(),
            to_client: Way::default(),
            to_servers: Way::default(),
            probed: None,
            conflicts: Vec::new(),
            faults: 0,
            failed: false,
            outstanding: 0,
        };
        state.settle();
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if !state.to_client.is_empty() {
            actions.push(Action::ToClient);
        }
        if !state.to_servers.is_empty() {
            actions.push(Action::ToServers);
        }
        // Whoever has an address keeps it.
        let taken = state
            .probed
            .filter(|address| state.conflicts.contains(address));
        match (state.probed, taken) {
            (Some(_), Some(_)) => actions.push(Action::Taken),
            (Some(_), None) => actions.push(Action::Free),
            (None, _) => {}
        }
        let due = state.client.poll_timeout().is_some();
        if state.quiet() && due {
            actions.push(Action::Timer);
        }
        if state.faults >= self.faults {
            return;
        }
        if state.probed.is_some() && taken.is_none() {
            actions.push(Action::Taken);
        }
        // Whoever probes answers in time.
        if !state.quiet() && state.probed.is_none() && due {
            actions.push(Action::Early);
        }
        for (to_client, way) in [(true, &state.to_client), (false, &state.to_servers)] {
            let mishaps = way.mishaps().iter();
            actions.extend(mishaps.map(|mishap| Action::Mishap(to_client, *mishap)));
        }
        for (at, server) in state.servers.iter().enumerate() {
            if server.bound.is_some() {
                actions.push(Action::Forget(at));
            }
        }
        if !state.to_servers.is_empty() {
            actions.extend([Action::ForgeAck, Action::ForgeNak]);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        let fault = !matches!(
            action,
            Action::ToClient | Action::ToServers | Action::Free | Action::Timer
        );
        let known = last
            .probed
            .is_some_and(|address| last.conflicts.contains(&address));
        let fault = fault && !(action == Action::Taken && known);
        state.faults += u8::from(fault);
        match action {
            Action::ToClient => {
                let datagram = state.to_client.arrive();
                let State { client, rng, .. } = &mut state;
                let _ = client.handle(last.now, rng, datagram.from, &datagram.octets);
            }
            Action::ToServers => {
                let datagram = state.to_servers.arrive();
                state.at_servers(&datagram);
            }
            Action::Free => {
                state.probed = None;
                state.client.probe_result(state.now, None);
            }
            Action::Taken => {
                state.conflicts.extend(state.probed.take());
                state
                    .client
                    .probe_result(state.now, Some([2, 0, 0, 0, 0, 9]));
            }
            Action::Timer | Action::Early => state.timer(),
            Action::Mishap(true, mishap) => state.to_client.befall(mishap),
            Action::Mishap(false, mishap) => state.to_servers.befall(mishap),
            // The server forgets what it has promised.
            Action::Forget(at) => state.servers[at].bound = None,
            Action::ForgeAck | Action::ForgeNak => {
                let request = Packet::parse(&state.to_servers.datagrams()[0].octets).ok()?;
                let message = match action {
                    Action::ForgeAck => MessageType::Ack,
                    _ => MessageType::Nak,
                };
                let asked = request.options.address(code::REQUESTED_ADDRESS);
                let address = asked.unwrap_or(Ipv4Addr::new(10, 0, 2, 99));
                let octets = message_of(ROGUE, address, request.header, message);
                state.to_client.forge(Datagram {
                    from: ROGUE,
                    to: Ipv4Addr::BROADCAST,
                    octets,
                });
            }
        }
        state.settle();
        Some(state)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.now < Instant::ZERO + self.until
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always(
                "an address in use is one that its server has promised",
                |_, state| {
                    let forgot = state.servers.iter().all(|server| server.bound.is_none());
                    state.client.lease().is_none() || forgot || state.promise().is_some()
                },
            ),
            Property::<Self>::always("a lease ends no later than the promise", |_, state| {
                let ends = state
                    .client
                    .lease()
                    .map(|lease| lease.obtained + lease.lease_time);
                ends.zip(state.promise())
                    .is_none_or(|(ends, until)| ends <= until)
            }),
            Property::<Self>::always(
                "no address is in use beyond its lease while timers are served",
                |_, state| {
                    let lease = state.client.lease();
                    lease.is_none_or(|lease| state.now <= lease.obtained + lease.lease_time)
                },
            ),
            Property::<Self>::always(
                "an address that somebody else has is not used",
                |_, state| {
                    let lease = state.client.lease();
                    // After three it is used, so that nobody can empty a pool.
                    let declined = state.conflicts.len() >= usize::from(DECLINES);
                    declined || lease.is_none_or(|lease| !state.conflicts.contains(&lease.address))
                },
            ),
            Property::<Self>::always(
                "nobody but a server that was asked gives an address",
                |_, state| {
                    let lease = state.client.lease();
                    lease.is_none_or(|lease| lease.server_id != ROGUE)
                },
            ),
            Property::<Self>::always("nothing multiplies", |_, state| {
                state.outstanding <= 1 + usize::from(state.faults)
            }),
            Property::<Self>::always("some way leads out of each state", |model, state| {
                let mut actions = Vec::new();
                model.actions(state, &mut actions);
                !actions.is_empty() || state.failed
            }),
            Property::<Self>::always("few faults do not end an acquisition", |_, state| {
                !state.failed
            }),
            Property::<Self>::sometimes("the client has an address", |_, state| {
                state.client.lease().is_some()
            }),
            Property::<Self>::sometimes("a lease is renewed", |_, state| {
                let lease = state.client.lease();
                lease.is_some_and(|lease| {
                    lease.obtained >= Instant::from_millis(1_000 * u64::from(LEASE) / 2)
                })
            }),
        ]
    }
}
