//! Servers, a relay, a link and a caller under virtual time, to test the client against.

use super::client::{Client, Event, TRANSMIT_MAX};
use super::config::{Config, Mode};
use super::error::status;
use super::options::{Options, code};
use super::packet::{ALL_SERVERS, Builder, MessageType, Packet};
use core::net::Ipv6Addr;
use netboot_core::fuzz::Random;
use netboot_core::{Duration, Instant};
use rand_core::RngCore;
use std::collections::BTreeMap;

pub use crate::model::MAC;

/// The DUID of a client with [`MAC`] and without a UUID.
pub const DUID: [u8; 10] = [0, 3, 0, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56];
/// The client's link-local address.
pub const CLIENT: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe12, 0x3456);
/// Link-local address of the relay.
pub const RELAY: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x99);
/// Type, hops, link and peer of a relay's message (RFC 8415 section 9).
const RELAY_HEAD: usize = 34;

/// A default configuration for tests that count milliseconds: it asks at once and does not probe.
pub const PROMPT: Config<'static> = Config {
    probe: false,
    start_delay: Duration::ZERO,
    ..Config::new(MAC)
};

pub fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// An address that a server gives.
pub fn ip(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, last)
}

/// A message with these options, as octets.
pub fn message(kind: MessageType, xid: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut buf = vec![0; 8192];
    let mut out = Builder::new(&mut buf, kind, xid);
    for (code, data) in options {
        out.option(*code, data);
    }
    let len = out.finish().unwrap();
    buf.truncate(len);
    buf
}

/// The data of a status option.
pub fn status_data(status: u16, words: &str) -> Vec<u8> {
    [&status.to_be_bytes()[..], words.as_bytes()].concat()
}

/// The data of option 3 with one address, if there is one: address, preferred and valid lifetime in seconds.
pub fn association(
    iaid: u32,
    times: (u32, u32),
    address: Option<(Ipv6Addr, u32, u32)>,
    more: &[u8],
) -> Vec<u8> {
    let mut data = Vec::new();
    for number in [iaid, times.0, times.1] {
        data.extend(number.to_be_bytes());
    }
    if let Some((address, preferred, valid)) = address {
        data.extend([0, 5, 0, 24]);
        data.extend(address.octets());
        data.extend(preferred.to_be_bytes());
        data.extend(valid.to_be_bytes());
    }
    data.extend(more);
    data
}

/// What a server does.
#[derive(Clone, Debug)]
pub struct Server {
    pub id: Vec<u8>,
    /// Its link-local address.
    pub from: Ipv6Addr,
    pub address: Ipv6Addr,
    pub file: &'static str,
    pub preference: Option<u8>,
    pub delay: Duration,
    /// T1 and T2 in seconds.
    pub times: (u32, u32),
    /// Preferred and valid lifetime in seconds.
    pub lifetimes: (u32, u32),
    /// Gives an address in two messages to whoever asks for that.
    pub rapid: bool,
    /// Never offers.
    pub silent_offers: bool,
    /// Never replies.
    pub silent: bool,
    /// What it answers Solicits with in place of an address.
    pub no_offer: Option<u16>,
    /// How many Requests it refuses, and how.
    pub refusals: (u32, u16),
    /// Whether it has a record of the client. Renewals without one have the status NoBinding.
    pub bound: bool,
    /// Makes no new records.
    pub forgetful: bool,
    /// Takes the address away when it is renewed.
    pub withdraws: bool,
    /// Replies to renewals without an address.
    pub leaves_out: bool,
    /// Further options of its answers.
    pub more: Vec<(u16, Vec<u8>)>,
    pub declined: Vec<Ipv6Addr>,
    pub released: Vec<Ipv6Addr>,
}

impl Server {
    pub fn new(number: u16, file: &'static str) -> Self {
        Self {
            id: vec![0, 2, 0, 0, 0, 9, number as u8],
            from: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number),
            address: ip(100 * number),
            file,
            preference: None,
            delay: Duration::from_millis(20),
            times: (0, 0),
            lifetimes: (3600, 7200),
            rapid: false,
            silent_offers: false,
            silent: false,
            no_offer: None,
            refusals: (0, 0),
            bound: false,
            forgetful: false,
            withdraws: false,
            leaves_out: false,
            more: Vec::new(),
            declined: Vec::new(),
            released: Vec::new(),
        }
    }

    /// Answers a message of a client, or a relay's message with one in it.
    fn handle(&mut self, wire: &[u8]) -> Option<Vec<u8>> {
        if wire.first() != Some(&MessageType::RelayForward.to_wire()) {
            return self.answer(wire);
        }
        let options = Options::new(&wire[RELAY_HEAD..]);
        let answer = self.answer(options.find(code::RELAY_MESSAGE)?)?;
        let mut reply = wire[..RELAY_HEAD].to_vec();
        reply[0] = MessageType::RelayReply.to_wire();
        let interface = options.find(18)?;
        reply.extend([0, 18, 0, interface.len() as u8]);
        reply.extend(interface);
        reply.extend(code::RELAY_MESSAGE.to_be_bytes());
        reply.extend((answer.len() as u16).to_be_bytes());
        reply.extend(answer);
        Some(reply)
    }

    fn answer(&mut self, wire: &[u8]) -> Option<Vec<u8>> {
        use MessageType as M;
        let packet = Packet::parse(wire).unwrap();
        let options = packet.options;
        assert_eq!(options.find(code::CLIENT_ID), Some(&DUID[..]));
        assert_eq!(options.cut(), None);
        let chosen = options.find(code::SERVER_ID);
        let to_one = matches!(
            packet.message,
            M::Request | M::Renew | M::Release | M::Decline
        );
        assert_eq!(to_one, chosen.is_some(), "RFC 8415 section 16");
        if chosen.is_some_and(|id| id != self.id) {
            return None;
        }
        let association_data = options.find(code::IA_NA);
        let own = association_data
            .filter(|data| data.len() == 40)
            .map(|data| {
                assert_eq!(data[4..16], [0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 24]);
                Ipv6Addr::from_octets(data[16..32].try_into().unwrap())
            });
        let iaid = association_data.map(|data| u32::from_be_bytes(data[..4].try_into().unwrap()));
        let iaid = iaid.unwrap_or(0);
        let mut kind = M::Reply;
        let mut rapid = false;
        let mut of_message = None;
        let (preferred, valid) = self.lifetimes;
        let mut ia = association(
            iaid,
            self.times,
            Some((self.address, preferred, valid)),
            &[],
        );
        let failed = |status: u16| {
            let words = status_data(status, "no");
            let option = [&[0, 13, 0, words.len() as u8][..], &words].concat();
            association(iaid, (0, 0), None, &option)
        };
        match packet.message {
            M::Solicit if self.silent_offers => return None,
            M::Solicit => {
                assert_eq!(own, None);
                rapid = self.rapid && options.find(code::RAPID_COMMIT).is_some();
                if let Some(status) = self.no_offer {
                    ia = failed(status);
                    rapid = false;
                }
                if !rapid {
                    kind = M::Advertise;
                }
                self.bound |= rapid;
            }
            _ if self.silent => return None,
            M::Request if self.refusals.0 > 0 => {
                self.refusals.0 -= 1;
                ia = failed(self.refusals.1);
            }
            M::Request => {
                if self.forgetful {
                    ia = failed(status::NO_ADDRS_AVAIL);
                } else {
                    self.bound = true;
                }
            }
            M::Renew | M::Rebind => {
                if !self.bound {
                    ia = failed(status::NO_BINDING);
                } else if self.withdraws {
                    ia = association(iaid, (0, 0), own.map(|own| (own, 0, 0)), &[]);
                } else if self.leaves_out {
                    ia = association(iaid, (0, 0), None, &[]);
                } else {
                    assert_eq!(own, Some(self.address));
                }
            }
            M::Release => {
                self.released.extend(own);
                self.bound = false;
                of_message = Some(status_data(0, "released"));
            }
            M::Decline => {
                // A repetition says nothing new. The next address comes after this one, as with a server.
                if own == Some(self.address) {
                    self.declined.extend(own);
                    self.bound = false;
                    self.address = Ipv6Addr::from_bits(self.address.to_bits() + 1);
                }
                of_message = Some(status_data(0, "declined"));
            }
            M::InformationRequest => assert_eq!(association_data, None),
            _ => return None,
        }
        let preference = self.preference.map(|preference| [preference]);
        let mut all: Vec<(u16, &[u8])> =
            vec![(code::CLIENT_ID, &DUID), (code::SERVER_ID, &self.id)];
        if let Some(data) = &of_message {
            all.push((code::STATUS, data));
        } else {
            if packet.message != M::InformationRequest {
                all.push((code::IA_NA, &ia));
            }
            if rapid {
                all.push((code::RAPID_COMMIT, &[]));
            }
            if let Some(preference) = &preference {
                all.push((code::PREFERENCE, preference));
            }
            if !self.file.is_empty() {
                all.push((code::BOOT_FILE_URL, self.file.as_bytes()));
            }
            all.extend(self.more.iter().map(|(code, data)| (*code, &data[..])));
        }
        Some(message(kind, packet.xid, &all))
    }
}

enum Flight {
    ToServers(Vec<u8>),
    ToClient(Ipv6Addr, Vec<u8>),
    Probed(bool),
}

pub struct World {
    pub now: Instant,
    pub client: Client,
    pub servers: Vec<Server>,
    /// A relay stands between client and servers.
    pub relay: bool,
    /// Per cent.
    pub loss: u32,
    pub duplication: u32,
    /// Longest further delay of a datagram, which lets it be overtaken.
    pub shuffle: Duration,
    /// How late the caller of the client's timer is at most.
    pub lateness: Duration,
    /// How many probes find the address in use.
    pub conflicts: u32,
    pub events: Vec<(Instant, Event)>,
    /// Time, type and octets of each message sent.
    pub sent: Vec<(Instant, MessageType, Vec<u8>)>,
    pub random: Random,
    flights: BTreeMap<(Instant, u64), Flight>,
    count: u64,
}

impl World {
    pub fn new(config: &Config<'_>, servers: Vec<Server>, mode: Mode, seed: u64) -> Self {
        let mut world = Self {
            now: Instant::from_millis(5_000),
            client: Client::new(config).unwrap(),
            servers,
            relay: false,
            loss: 0,
            duplication: 0,
            shuffle: Duration::ZERO,
            lateness: Duration::from_millis(1),
            conflicts: 0,
            events: Vec::new(),
            sent: Vec::new(),
            random: Random(seed),
            flights: BTreeMap::new(),
            count: 0,
        };
        world.client.start(world.now, &mut world.random, mode);
        world
    }

    fn fly(&mut self, delay: Duration, flight: Flight) {
        self.count += 1;
        let more = self.random.next_u64() % (self.shuffle.as_micros() + 1);
        let at = self.now + delay + Duration::from_micros(more);
        self.flights.insert((at, self.count), flight);
    }

    /// Sends what the client has to send, and takes its events.
    pub fn settle(&mut self) {
        let mut buf = [0; TRANSMIT_MAX];
        let mut budget = 2;
        while let Some(out) = self
            .client
            .poll_transmit(self.now, &mut self.random, &mut buf)
        {
            budget -= 1;
            assert!(budget > 0, "messages without end");
            assert_eq!((out.destination, out.destination_port), (ALL_SERVERS, 547));
            let wire = buf[..out.len].to_vec();
            let kind = Packet::parse(&wire).unwrap().message;
            self.sent.push((self.now, kind, wire.clone()));
            if !self.random.percent(self.loss) {
                self.fly(Duration::from_millis(1), Flight::ToServers(wire));
            }
        }
        while let Some(event) = self.client.poll(self.now) {
            self.events.push((self.now, event));
            if let Event::ProbeAddress(_) = event {
                let conflict = self.conflicts > 0;
                self.conflicts = self.conflicts.saturating_sub(1);
                self.fly(Duration::from_millis(600), Flight::Probed(conflict));
            }
        }
    }

    /// Moves to the next event before `end` and does it; false when there is none.
    pub fn step(&mut self, end: Instant) -> bool {
        self.settle();
        let flight = self.flights.keys().next().map(|(at, _)| *at);
        let timer = self.client.poll_timeout();
        let Some(next) = [flight, timer].into_iter().flatten().min() else {
            return false;
        };
        if next > end {
            return false;
        }
        self.now = self.now.max(next);
        if flight != Some(next) {
            // No caller is on the dot.
            let late = Random(self.now.as_micros()).next_u64() % self.lateness.as_micros().max(1);
            self.now += Duration::from_micros(1 + late);
            self.client.handle_timeout(self.now, &mut self.random);
            let due = self.client.poll_timeout();
            let idle = due.is_none_or(|due| due > self.now);
            assert!(idle, "a late call did nothing");
        } else if let Some((_, flight)) = self.flights.pop_first() {
            self.land(flight);
        }
        self.settle();
        true
    }

    fn land(&mut self, flight: Flight) {
        match flight {
            Flight::ToServers(wire) => {
                let wire = match self.relay {
                    true => forwarded(&wire),
                    false => wire,
                };
                let answers: Vec<_> = self
                    .servers
                    .iter_mut()
                    .filter_map(|server| {
                        let answer = server.handle(&wire)?;
                        Some((server.delay, server.from, answer))
                    })
                    .collect();
                for (delay, from, answer) in answers {
                    let (from, answer) = match self.relay {
                        true => (RELAY, unwrapped(&answer)),
                        false => (from, answer),
                    };
                    let copies = 1 + u32::from(self.random.percent(self.duplication));
                    for _ in 0..copies {
                        if !self.random.percent(self.loss) {
                            self.fly(delay, Flight::ToClient(from, answer.clone()));
                        }
                    }
                }
            }
            Flight::ToClient(from, wire) => {
                let _ = self.client.handle(self.now, &mut self.random, from, &wire);
            }
            Flight::Probed(conflict) => {
                let other = conflict.then_some([2, 0, 0, 0, 0, 9]);
                self.client.probe_result(self.now, &mut self.random, other);
            }
        }
    }

    /// Runs until the client is bound, has failed, or `secs` have passed.
    pub fn acquire(&mut self, secs: u64) -> Option<Event> {
        let end = self.now + Duration::from_secs(secs);
        while self.step(end) {
            if let Some((_, Event::Failed(error))) = self.events.last() {
                return Some(Event::Failed(*error));
            }
            if self.client.lease().is_some() {
                return Some(Event::Bound);
            }
        }
        None
    }

    /// Runs for `secs`.
    pub fn run(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        while self.step(end) {}
        self.now = self.now.max(end);
    }

    pub fn count(&self, kind: MessageType) -> usize {
        self.sent.iter().filter(|sent| sent.1 == kind).count()
    }

    /// Types of the messages sent, without repetitions one behind the other.
    pub fn kinds(&self) -> Vec<MessageType> {
        let mut kinds: Vec<_> = self.sent.iter().map(|sent| sent.1).collect();
        kinds.dedup();
        kinds
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.iter().map(|(_, event)| *event).collect()
    }
}

/// A client's message as a relay forwards it, with the interface that it came from.
fn forwarded(wire: &[u8]) -> Vec<u8> {
    let mut out = vec![MessageType::RelayForward.to_wire(), 0];
    out.extend(ip(0).octets());
    out.extend(CLIENT.octets());
    out.extend([0, 18, 0, 4, b'e', b't', b'h', b'7']);
    out.extend(code::RELAY_MESSAGE.to_be_bytes());
    out.extend((wire.len() as u16).to_be_bytes());
    out.extend(wire);
    out
}

/// The message for the client in a server's message to the relay.
fn unwrapped(wire: &[u8]) -> Vec<u8> {
    assert_eq!(wire[0], MessageType::RelayReply.to_wire());
    assert_eq!(wire[18..34], CLIENT.octets());
    let options = Options::new(&wire[RELAY_HEAD..]);
    assert_eq!(options.find(18), Some(&b"eth7"[..]));
    options.find(code::RELAY_MESSAGE).unwrap().to_vec()
}
