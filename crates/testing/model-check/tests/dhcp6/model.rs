//! DHCPv6 (RFC 8415): the shipped client, two servers that do not know of each other, and a network that makes mistakes.
//!
//! The servers are written after the RFC alone. What the client believes to have is compared with what its server has promised, at
//! every moment: an address that is in use without such a promise may be somebody else's by now.

use core::net::Ipv6Addr;
use model_check::{Counter, Mishap, Way, key};
use netboot_core::{Duration, Instant};
use netboot_dhcp::v6::client::TRANSMIT_MAX;
use netboot_dhcp::v6::error::status;
use netboot_dhcp::v6::options::code;
use netboot_dhcp::v6::packet::{Builder, MessageType, Packet};
use netboot_dhcp::v6::{Client, Config as ClientConfig, Event, Mode};
use stateright::{Model, Property};
use std::hash::{Hash, Hasher};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x15];
/// Lifetimes of an address in seconds: long enough for a renewal, and short enough to see its end.
const LIFETIME: u32 = 120;
/// Time after which information without an address is asked for again, in seconds.
const REFRESH: u32 = 600;
/// Addresses that the client declines at the most.
const DECLINES: u8 = 3;
/// The identifier of a server that nobody has asked.
const ROGUE: u8 = 66;

/// What is checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Number of servers, 1 or 2.
    pub servers: u8,
    /// Faults at the most.
    pub faults: u8,
    /// Whether the client has its address probed.
    pub probe: bool,
    /// Whether the client takes an address in two messages.
    pub rapid_commit: bool,
    /// What the client asks for.
    pub mode: Mode,
    /// The conversation is looked at for so long.
    pub until: Duration,
}

/// A server with one address at a time. Its identifier has one octet.
#[derive(Clone, Debug)]
struct Server {
    id: u8,
    address: Ipv6Addr,
    /// Until when the address is promised to the client.
    bound: Option<Instant>,
    /// Set when the server has lost its record of a promise, and has made no other one since.
    forgot: bool,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct State {
    now: Instant,
    client: Client,
    rng: Counter,
    servers: Vec<Server>,
    to_client: Way<Vec<u8>>,
    to_servers: Way<Vec<u8>>,
    /// The address that is being probed.
    probed: Option<Ipv6Addr>,
    /// Addresses that were found to be somebody else's.
    conflicts: Vec<Ipv6Addr>,
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
            self.to_servers.send(buffer[..out.len].to_vec());
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

    /// Lets every server see a message.
    fn at_servers(&mut self, datagram: &[u8]) {
        let packet = Packet::parse(datagram).expect("the client sends DHCPv6");
        for server in &mut self.servers {
            if let Some(answer) = server.answer(self.now, &packet) {
                self.to_client.send(answer);
            }
        }
    }

    /// The server that gave the client its lease.
    fn server(&self) -> Option<&Server> {
        let lease = self.client.lease()?;
        let mut servers = self.servers.iter();
        servers.find(|server| *lease.server_id == [server.id])
    }

    /// The promise that the client's lease stands on.
    fn promise(&self) -> Option<Instant> {
        let address = self.client.lease()?.address;
        let server = self.server()?;
        server.bound.filter(|_| address == Some(server.address))
    }

    /// Whether the client has a lease of an address.
    fn has_address(&self) -> bool {
        let lease = self.client.lease();
        lease.is_some_and(|lease| lease.address.is_some())
    }

    fn probe_result(&mut self, conflict: Option<[u8; 6]>) {
        let Self {
            client, now, rng, ..
        } = self;
        client.probe_result(*now, rng, conflict);
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

/// What a server says of the address.
enum Said {
    Address(Ipv6Addr),
    Status(u16),
    /// The message has no identity association.
    Nothing,
}

impl Server {
    fn promise(&mut self, now: Instant) {
        self.bound = Some(now + Duration::from_secs(LIFETIME.into()));
        self.forgot = false;
    }

    fn answer(&mut self, now: Instant, packet: &Packet<'_>) -> Option<Vec<u8>> {
        use MessageType as M;
        if self.bound.is_some_and(|until| until <= now) {
            self.bound = None;
        }
        let chosen = packet.options.find(code::SERVER_ID);
        if chosen.is_some_and(|id| id != [self.id]) {
            return None;
        }
        let mine = address_in(packet) == Some(self.address);
        let rapid = packet.options.find(code::RAPID_COMMIT).is_some();
        let mut kind = M::Reply;
        let said = match packet.message {
            M::Solicit => {
                if rapid {
                    self.promise(now);
                } else {
                    kind = M::Advertise;
                }
                Said::Address(self.address)
            }
            M::Request if mine => {
                self.promise(now);
                Said::Address(self.address)
            }
            M::Request => Said::Status(status::NOT_ON_LINK),
            M::Renew | M::Rebind if mine && self.bound.is_some() => {
                self.promise(now);
                Said::Address(self.address)
            }
            M::Renew => Said::Status(status::NO_BINDING),
            // A server need not answer for an address of which it has no record (RFC 8415 section 18.3.5).
            M::Rebind if mine => Said::Status(status::NO_BINDING),
            M::Decline => {
                if mine {
                    self.address = Ipv6Addr::from_bits(self.address.to_bits() + 1);
                    self.bound = None;
                }
                Said::Nothing
            }
            M::Release => {
                self.bound = None;
                Said::Nothing
            }
            M::InformationRequest => Said::Nothing,
            _ => return None,
        };
        Some(message_of(self.id, kind, packet, &said))
    }
}

/// The address in a client's identity association.
fn address_in(packet: &Packet<'_>) -> Option<Ipv6Addr> {
    let association = packet.options.find(code::IA_NA)?;
    let octets: [u8; 16] = association.get(16..32)?.try_into().ok()?;
    Some(octets.into())
}

/// A message of a server to the client that has sent `packet`.
fn message_of(id: u8, kind: MessageType, packet: &Packet<'_>, said: &Said) -> Vec<u8> {
    let mut octets = vec![0; 400];
    let mut out = Builder::new(&mut octets, kind, packet.xid);
    let client = packet.options.find(code::CLIENT_ID).unwrap_or_default();
    out.option(code::CLIENT_ID, client);
    out.option(code::SERVER_ID, &[id]);
    let iaid = [MAC[2], MAC[3], MAC[4], MAC[5]];
    let lifetime = LIFETIME.to_be_bytes();
    match said {
        Said::Address(address) => out.parts(
            code::IA_NA,
            &[
                &iaid,
                &[0; 8],
                &[0, 5, 0, 24],
                &address.octets(),
                &lifetime,
                &lifetime,
            ],
        ),
        Said::Status(status) => {
            let [high, low] = status.to_be_bytes();
            out.parts(code::IA_NA, &[&iaid, &[0; 8], &[0, 13, 0, 2, high, low]]);
        }
        Said::Nothing => out.option(code::REFRESH_TIME, &REFRESH.to_be_bytes()),
    }
    if packet.options.find(code::RAPID_COMMIT).is_some() {
        out.option(code::RAPID_COMMIT, &[]);
    }
    out.option(code::BOOT_FILE_URL, b"f");
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
    /// Somebody who saw the client's message, and is no server that it asks, gives it an address.
    ForgeReply,
    /// Somebody who saw it refuses it.
    ForgeRefusal,
}

impl Model for Config {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let config = ClientConfig {
            probe: self.probe,
            rapid_commit: self.rapid_commit,
            declines: DECLINES,
            start_delay: Duration::ZERO,
            ..ClientConfig::new(MAC)
        };
        let mut rng = Counter::default();
        let mut client = Client::new(&config).expect("a good configuration");
        client.start(Instant::ZERO, &mut rng, self.mode);
        let server = |id: u8| Server {
            id,
            address: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 100 * u16::from(id)),
            bound: None,
            forgot: false,
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
        let known = |address: &Ipv6Addr| state.conflicts.contains(address);
        match state.probed {
            Some(address) if known(&address) => actions.push(Action::Taken),
            Some(_) => actions.push(Action::Free),
            None => {}
        }
        let due = state.client.poll_timeout().is_some();
        if state.quiet() && due {
            actions.push(Action::Timer);
        }
        if state.faults >= self.faults {
            return;
        }
        if state.probed.is_some_and(|address| !known(&address)) {
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
        // Whoever sees the message by which a client asks all servers is one of them, as far as the client can tell.
        let sent = state.to_servers.datagrams().first();
        let to_one = sent.is_some_and(|sent| {
            let packet = Packet::parse(sent).expect("the client sends DHCPv6");
            packet.options.find(code::SERVER_ID).is_some()
        });
        if to_one {
            actions.extend([Action::ForgeReply, Action::ForgeRefusal]);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        let known = last
            .probed
            .is_some_and(|address| last.conflicts.contains(&address));
        let fault = !matches!(
            action,
            Action::ToClient | Action::ToServers | Action::Free | Action::Timer
        );
        let fault = fault && !(action == Action::Taken && known);
        state.faults += u8::from(fault);
        match action {
            Action::ToClient => {
                let datagram = state.to_client.arrive();
                let from = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
                let State { client, rng, .. } = &mut state;
                let _ = client.handle(last.now, rng, from, &datagram);
            }
            Action::ToServers => {
                let datagram = state.to_servers.arrive();
                state.at_servers(&datagram);
            }
            Action::Free => {
                state.probed = None;
                state.probe_result(None);
            }
            Action::Taken => {
                state.conflicts.extend(state.probed.take());
                state.probe_result(Some([2, 0, 0, 0, 0, 9]));
            }
            Action::Timer | Action::Early => state.timer(),
            Action::Mishap(true, mishap) => state.to_client.befall(mishap),
            Action::Mishap(false, mishap) => state.to_servers.befall(mishap),
            // The server forgets what it has promised.
            Action::Forget(at) => {
                state.servers[at].bound = None;
                state.servers[at].forgot = true;
            }
            Action::ForgeReply | Action::ForgeRefusal => {
                let packet = Packet::parse(&last.to_servers.datagrams()[0]).ok()?;
                let said = match action {
                    Action::ForgeReply => Said::Address(address_in(&packet)?),
                    _ => Said::Status(status::NOT_ON_LINK),
                };
                let forged = message_of(ROGUE, MessageType::Reply, &packet, &said);
                state.to_client.forge(forged);
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
                    let forgot = state.server().is_some_and(|server| server.forgot);
                    !state.has_address() || forgot || state.promise().is_some()
                },
            ),
            Property::<Self>::always("a lease ends no later than the promise", |_, state| {
                let ends = state.client.lease().map(|lease| lease.expires_at());
                ends.zip(state.promise())
                    .is_none_or(|(ends, until)| ends <= until)
            }),
            Property::<Self>::always(
                "no address is in use beyond its lease while timers are served",
                |_, state| {
                    let lease = state.client.lease();
                    lease.is_none_or(|lease| state.now <= lease.expires_at())
                },
            ),
            Property::<Self>::always(
                "an address that somebody else has is not used",
                |_, state| {
                    let address = state.client.lease().and_then(|lease| lease.address);
                    // After three it is used, so that nobody can empty a pool.
                    let declined = state.conflicts.len() >= usize::from(DECLINES);
                    declined || address.is_none_or(|address| !state.conflicts.contains(&address))
                },
            ),
            Property::<Self>::always(
                "nobody but a server that was asked gives an address",
                |_, state| {
                    let lease = state.client.lease();
                    lease.is_none_or(|lease| *lease.server_id != [ROGUE])
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
            Property::<Self>::sometimes("the client has its lease", |model, state| {
                let stateful = model.mode == Mode::Stateful;
                state.client.lease().is_some() && state.has_address() == stateful
            }),
            Property::<Self>::sometimes("a lease is renewed", |_, state| {
                let lease = state.client.lease();
                let half = Duration::from_secs(u64::from(LIFETIME) / 2);
                lease.is_some_and(|lease| lease.obtained >= Instant::ZERO + half)
            }),
        ]
    }
}
