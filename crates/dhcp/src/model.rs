//! Servers, a link and a caller under virtual time, to test the client against.

use crate::client::{Client, Event};
use crate::config::Config;
use crate::options::code;
use crate::packet::{Builder, Header, MessageType, Packet};
use core::net::Ipv4Addr;
use netboot_core::fuzz::Random;
use netboot_core::{Duration, Instant};
use std::collections::BTreeMap;

pub const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

/// How late the caller of the client's timer is at most.
pub const LATENESS: Duration = Duration::from_millis(1);

/// The fixed fields of a server's message to [`MAC`] without an address in it.
pub const REPLY: Header = Header {
    reply: true,
    xid: 1,
    secs: 0,
    broadcast: false,
    ciaddr: Ipv4Addr::UNSPECIFIED,
    yiaddr: Ipv4Addr::UNSPECIFIED,
    siaddr: Ipv4Addr::UNSPECIFIED,
    giaddr: Ipv4Addr::UNSPECIFIED,
    chaddr: MAC,
};

/// A message with these options and no other but its type, as octets.
pub fn message(header: &Header, kind: MessageType, options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut buffer = vec![0; 8192];
    let mut out = Builder::new(&mut buffer, header, kind, b"", b"");
    for (code, data) in options {
        out.option(*code, data);
    }
    let len = out.finish().unwrap();
    buffer.truncate(len);
    buffer
}

pub fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 7, last)
}

/// What a server does.
#[derive(Clone, Debug)]
pub struct Server {
    pub id: Ipv4Addr,
    /// The address that it gives; `None`: ProxyDHCP.
    pub address: Option<Ipv4Addr>,
    pub file: &'static str,
    /// The file is named only on port 4011.
    pub on_4011: bool,
    /// What option 43 of its offers says; whoever asks on port 4011 then has to ask for this service.
    pub menu: Option<(&'static [u8], u16)>,
    /// Offers have no menu. It comes in the answer on port 4011 to whoever asks for no service, as with dnsmasq.
    pub late_menu: bool,
    pub delay: Duration,
    /// How many requests to refuse.
    pub naks: u32,
    /// Never offers.
    pub silent_offers: bool,
    /// Never confirms.
    pub silent: bool,
    pub lease_secs: u32,
    /// Refuses renewals.
    pub refuses_renewal: bool,
    pub declined: Vec<Ipv4Addr>,
    pub released: Vec<Ipv4Addr>,
}

impl Server {
    pub fn new(id: u8, address: Option<u8>, file: &'static str) -> Self {
        Self {
            id: ip(id),
            address: address.map(ip),
            file,
            on_4011: false,
            menu: None,
            late_menu: false,
            delay: Duration::from_millis(20),
            naks: 0,
            silent_offers: false,
            silent: false,
            lease_secs: 3600,
            refuses_renewal: false,
            declined: Vec::new(),
            released: Vec::new(),
        }
    }

    fn handle(&mut self, to: Ipv4Addr, port: u16, request: &Packet<'_>) -> Option<Vec<u8>> {
        if !to.is_broadcast() && to != self.id {
            return None;
        }
        let chosen = request.options.address(code::SERVER_ID);
        let mut shows_menu = port == 67 && !self.late_menu;
        let (message, address) = match (request.message, self.address, port) {
            (MessageType::Discover, address, 67) if !self.silent_offers => {
                (MessageType::Offer, address.unwrap_or(Ipv4Addr::UNSPECIFIED))
            }
            (MessageType::Request, _, 4011) if self.on_4011 => {
                let mut options = request.options.iter();
                let item = options.find(|(code, _)| *code == code::VENDOR_SPECIFIC);
                let wanted = self.menu.map(|(_, kind)| kind.to_be_bytes());
                let wanted = wanted.map(|[high, low]| vec![71, 4, high, low, 0, 0, 255]);
                shows_menu = item.is_none() && self.menu.is_some();
                if !shows_menu && item.map(|(_, data)| data.to_vec()) != wanted {
                    return None;
                }
                (MessageType::Ack, Ipv4Addr::UNSPECIFIED)
            }
            (MessageType::Request, Some(address), 67) => {
                let renewal = !request.header.ciaddr.is_unspecified();
                if self.silent || !renewal && chosen != Some(self.id) {
                    return None;
                }
                if renewal {
                    assert_eq!((request.header.ciaddr, chosen), (address, None));
                } else {
                    let asked = request.options.address(code::REQUESTED_ADDRESS);
                    assert_eq!(asked, Some(address));
                    assert!(request.header.broadcast);
                }
                if self.naks > 0 || renewal && self.refuses_renewal {
                    self.naks = self.naks.saturating_sub(1);
                    (MessageType::Nak, Ipv4Addr::UNSPECIFIED)
                } else {
                    (MessageType::Ack, address)
                }
            }
            (MessageType::Decline, ..) if chosen == Some(self.id) => {
                let address = request.options.address(code::REQUESTED_ADDRESS);
                self.declined.extend(address);
                // The next address, as a server does.
                self.address = self
                    .address
                    .map(|address| Ipv4Addr::from_bits(address.to_bits() + 1));
                return None;
            }
            (MessageType::Release, ..) if chosen == Some(self.id) => {
                self.released.push(request.header.ciaddr);
                return None;
            }
            _ => return None,
        };
        let header = Header {
            reply: true,
            yiaddr: address,
            siaddr: self.id,
            ..request.header
        };
        let mut buf = [0; 576];
        let mut out = Builder::new(&mut buf, &header, message, b"", b"");
        out.address(code::SERVER_ID, self.id);
        if message != MessageType::Nak {
            if self.address.is_some() && port == 67 {
                out.option(code::LEASE_TIME, &self.lease_secs.to_be_bytes());
                out.option(code::SUBNET_MASK, &[255, 255, 255, 0]);
                out.address(code::ROUTERS, ip(1));
            } else {
                out.option(code::CLASS_ID, b"PXEClient");
            }
            if let (true, Some((menu, _))) = (shows_menu, self.menu) {
                out.option(code::VENDOR_SPECIFIC, menu);
            } else if !self.file.is_empty() && (port == 4011) == self.on_4011 {
                out.option(code::BOOT_FILE, self.file.as_bytes());
            }
        }
        let len = out.finish().unwrap();
        Some(buf[..len].to_vec())
    }
}

enum Flight {
    ToServers(Ipv4Addr, u16, Vec<u8>),
    ToClient(Ipv4Addr, Vec<u8>),
    Probed(bool),
}

pub struct World {
    pub now: Instant,
    pub client: Client,
    pub servers: Vec<Server>,
    /// Per cent.
    pub loss: u32,
    pub duplication: u32,
    /// How many probes find the address in use.
    pub conflicts: u32,
    pub events: Vec<(Instant, Event)>,
    /// Time, type, destination and port of each message sent.
    pub sent: Vec<(Instant, MessageType, Ipv4Addr, u16)>,
    pub random: Random,
    flights: BTreeMap<(Instant, u64), Flight>,
    count: u64,
}

impl World {
    pub fn new(config: &Config<'_>, servers: Vec<Server>, seed: u64) -> Self {
        let mut world = Self {
            now: Instant::from_millis(5_000),
            client: Client::new(config).unwrap(),
            servers,
            loss: 0,
            duplication: 0,
            conflicts: 0,
            events: Vec::new(),
            sent: Vec::new(),
            random: Random(seed),
            flights: BTreeMap::new(),
            count: 0,
        };
        world.client.start(world.now, &mut world.random);
        world
    }

    fn fly(&mut self, delay: Duration, flight: Flight) {
        self.count += 1;
        self.flights.insert((self.now + delay, self.count), flight);
    }

    pub fn settle(&mut self) {
        let mut buf = [0; 576];
        let before = self.sent.len();
        while let Some(out) = self
            .client
            .poll_transmit(self.now, &mut self.random, &mut buf)
        {
            // What has not been sent yet, and a farewell.
            assert!(self.sent.len() < before + 2, "messages without end");
            let wire = buf[..out.len].to_vec();
            assert!(wire.len() >= 300);
            let packet = Packet::parse(&wire).unwrap();
            assert_eq!(out.source, packet.header.ciaddr);
            let Self { sent, now, .. } = self;
            sent.push((*now, packet.message, out.destination, out.destination_port));
            if !self.random.percent(self.loss) {
                let flight = Flight::ToServers(out.destination, out.destination_port, wire);
                self.fly(Duration::from_millis(1), flight);
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
            let late = 1 + Random(self.now.as_micros()).number() % LATENESS.as_micros();
            self.now += Duration::from_micros(late);
            self.client.handle_timeout(self.now, &mut self.random);
            let due = self.client.poll_timeout();
            assert!(
                due.is_none_or(|due| due > self.now),
                "a late call did nothing"
            );
        } else if let Some((_, flight)) = self.flights.pop_first() {
            match flight {
                Flight::ToServers(to, port, wire) => {
                    let packet = Packet::parse(&wire).unwrap();
                    let answers: Vec<_> = self
                        .servers
                        .iter_mut()
                        .filter_map(|server| {
                            let answer = server.handle(to, port, &packet)?;
                            Some((server.delay, server.id, answer))
                        })
                        .collect();
                    for (delay, id, answer) in answers {
                        let copies = 1 + u32::from(self.random.percent(self.duplication));
                        for _ in 0..copies {
                            if !self.random.percent(self.loss) {
                                self.fly(delay, Flight::ToClient(id, answer.clone()));
                            }
                        }
                    }
                }
                Flight::ToClient(from, wire) => {
                    let _ = self.client.handle(self.now, &mut self.random, from, &wire);
                }
                Flight::Probed(conflict) => {
                    let other = conflict.then_some([2, 0, 0, 0, 0, 9]);
                    self.client.probe_result(self.now, other);
                }
            }
        }
        self.settle();
        true
    }

    /// Runs until the client is bound and has no question left, has failed, or `secs` have passed.
    pub fn acquire(&mut self, secs: u64) -> Option<Event> {
        let end = self.now + Duration::from_secs(secs);
        while self.step(end) {
            if let Some((_, Event::Failed(error))) = self.events.last() {
                return Some(Event::Failed(*error));
            }
            if self.client.lease().is_some() && !self.client.boot_pending() {
                return Some(Event::Bound);
            }
        }
        None
    }

    /// Runs for `secs`.
    pub fn run(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        while self.step(end) {}
        self.now = end;
    }

    pub fn count(&self, message: MessageType) -> usize {
        self.sent.iter().filter(|sent| sent.1 == message).count()
    }
}
