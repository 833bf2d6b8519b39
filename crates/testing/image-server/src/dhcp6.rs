//! DHCPv6 server: RFC 8415, RFC 5970, RFC 3646. It is written from the RFCs, and shares nothing with the client that it serves.
//!
//! It works on frames, below the IP stack: its clients speak to a group.

use crate::config::Dhcp6Config;
use crate::faults::Dhcp6Fault;
use crate::frame::Datagram6;
use crate::pending::Pending;
use crate::router::{link_local, udp};
use crate::served::Protocol;
use crate::shared::Shared;
use netboot_core::{Duration, Instant};
use rand_core::RngCore;
use std::net::Ipv6Addr;

const SERVER_PORT: u16 = 547;
const CLIENT_PORT: u16 = 546;

/// Types of messages (RFC 8415, section 7.3).
mod kind {
    pub const SOLICIT: u8 = 1;
    pub const ADVERTISE: u8 = 2;
    pub const REQUEST: u8 = 3;
    pub const CONFIRM: u8 = 4;
    pub const RENEW: u8 = 5;
    pub const REBIND: u8 = 6;
    pub const REPLY: u8 = 7;
    pub const RELEASE: u8 = 8;
    pub const DECLINE: u8 = 9;
    pub const INFORMATION_REQUEST: u8 = 11;
}

/// Numbers of options (RFC 8415, section 21; RFC 3646; RFC 5970).
mod option {
    pub const CLIENT_ID: u16 = 1;
    pub const SERVER_ID: u16 = 2;
    pub const IA_NA: u16 = 3;
    pub const IA_ADDRESS: u16 = 5;
    pub const PREFERENCE: u16 = 7;
    pub const STATUS: u16 = 13;
    pub const RAPID_COMMIT: u16 = 14;
    pub const DNS: u16 = 23;
    pub const DOMAINS: u16 = 24;
    pub const BOOT_FILE: u16 = 59;
}

/// Codes of the status option (RFC 8415, section 21.13).
const NO_ADDRESSES: u16 = 2;
const NO_BINDING: u16 = 3;

/// The DHCPv6 side of the server.
#[derive(Default)]
pub struct Dhcp6 {
    /// DUIDs of clients by the number of their address, and addresses that were declined.
    clients: Vec<Vec<u8>>,
    declined: Vec<Ipv6Addr>,
    pending: Pending,
}

/// A message of a client.
struct Message<'f> {
    mac: [u8; 6],
    source: Ipv6Addr,
    kind: u8,
    id: [u8; 3],
    options: &'f [u8],
}

impl<'f> Message<'f> {
    fn parse(frame: &'f [u8]) -> Option<Self> {
        let datagram = Datagram6::parse(frame).filter(|found| found.to.1 == SERVER_PORT)?;
        let (head, options) = datagram.payload.split_first_chunk::<4>()?;
        let [kind, id @ ..] = *head;
        Some(Self {
            mac: datagram.from_mac,
            source: datagram.from.0,
            kind,
            id,
            options,
        })
    }

    fn option(&self, code: u16) -> Option<&'f [u8]> {
        find(self.options, code)
    }

    fn name(&self) -> &'static str {
        match self.kind {
            kind::SOLICIT => "solicit",
            kind::REQUEST => "request6",
            kind::CONFIRM => "confirm",
            kind::RENEW => "renew",
            kind::REBIND => "rebind",
            kind::RELEASE => "release6",
            kind::DECLINE => "decline6",
            kind::INFORMATION_REQUEST => "information-request",
            _ => "dhcpv6",
        }
    }
}

/// The value of the first option with this number.
fn find(mut options: &[u8], wanted: u16) -> Option<&[u8]> {
    while let [a, b, c, d, rest @ ..] = options {
        let (code, len) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        let (value, after) = rest.split_at_checked(len.into())?;
        if code == wanted {
            return Some(value);
        }
        options = after;
    }
    None
}

/// Writes an option.
pub fn put(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend(code.to_be_bytes());
    out.extend((value.len() as u16).to_be_bytes());
    out.extend(value);
}

impl Dhcp6 {
    /// Looks at a frame that has arrived. Answers are sent by [`poll`](Self::poll).
    pub fn look(&mut self, now: Instant, frame: &[u8], shared: &mut Shared) {
        let Some(message) = Message::parse(frame) else {
            return;
        };
        let config = shared.config.ipv6.as_ref();
        let Some(config) = config.and_then(|ipv6| ipv6.dhcp.clone()) else {
            return;
        };
        let name = message.name();
        let faults = shared.config.faults.dhcp6.strike(name);
        if faults.contains(&Dhcp6Fault::Silent) || self.pending.room() == 0 {
            shared.record(now, Protocol::Dhcp, name, 0, false);
            return;
        }
        let Some(mut reply) = self.answer(&message, &config, &faults) else {
            shared.record(now, Protocol::Dhcp, name, 0, false);
            return;
        };
        let mut due = now + config.delay;
        let mut copies = 1;
        for fault in &faults {
            match fault {
                Dhcp6Fault::Delay(span) => due += *span,
                Dhcp6Fault::WrongId => reply[1] ^= 1 + (shared.rng.next_u32() as u8 & 0x7f),
                Dhcp6Fault::Truncated => reply.truncate(reply.len().saturating_sub(3)),
                Dhcp6Fault::Duplicate => copies = 2,
                Dhcp6Fault::Garbage => shared.rng.fill_bytes(&mut reply[4..]),
                Dhcp6Fault::Silent
                | Dhcp6Fault::NoAddress
                | Dhcp6Fault::NoBinding
                | Dhcp6Fault::WrongClient
                | Dhcp6Fault::NoServerId
                | Dhcp6Fault::NoBootFile => {}
            }
        }
        shared.record(now, Protocol::Dhcp, name, u16::from(reply[0]), true);
        let mac = shared.config.mac;
        let (from, to) = (
            (link_local(mac), SERVER_PORT),
            (message.source, CLIENT_PORT),
        );
        let frame = udp(mac, message.mac, from, to, &reply);
        for frame in std::iter::repeat_n(frame, copies) {
            self.pending.push(due, frame);
        }
    }

    /// Sends what is due.
    pub fn poll(&mut self, now: Instant, send: impl FnMut(Vec<u8>)) {
        self.pending.poll(now, send);
    }

    /// When the next answer is due.
    pub fn poll_at(&self) -> Option<Instant> {
        self.pending.poll_at()
    }

    /// The address of the client with this DUID.
    fn address(&mut self, client: &[u8], config: &Dhcp6Config) -> Ipv6Addr {
        let known = self.clients.iter().position(|known| known == client);
        let at = known.unwrap_or_else(|| {
            self.clients.push(client.to_vec());
            self.clients.len() - 1
        });
        let first = config.address.to_bits() + 16 * at as u128;
        let mut all = (first..first + 16).map(Ipv6Addr::from_bits);
        let free = all.find(|address| !self.declined.contains(address));
        free.unwrap_or(config.address)
    }

    fn answer(
        &mut self,
        message: &Message<'_>,
        config: &Dhcp6Config,
        faults: &[Dhcp6Fault],
    ) -> Option<Vec<u8>> {
        let client = message.option(option::CLIENT_ID);
        let own = config.duid.as_slice();
        let for_us = message.option(option::SERVER_ID);
        match message.kind {
            kind::SOLICIT | kind::REBIND | kind::CONFIRM if for_us.is_some() => return None,
            kind::REQUEST | kind::RENEW | kind::RELEASE | kind::DECLINE if for_us != Some(own) => {
                return None;
            }
            kind::SOLICIT | kind::REBIND | kind::CONFIRM | kind::INFORMATION_REQUEST => {}
            kind::REQUEST | kind::RENEW | kind::RELEASE | kind::DECLINE => {}
            _ => return None,
        }
        let informs = message.kind == kind::INFORMATION_REQUEST;
        if !informs && !config.stateful {
            return None;
        }
        let client = match client {
            Some(client) => client,
            None if informs => &[],
            None => return None,
        };
        let rapid = config.rapid_commit
            && message.kind == kind::SOLICIT
            && message.option(option::RAPID_COMMIT).is_some();
        let kind = match message.kind {
            kind::SOLICIT if !rapid => kind::ADVERTISE,
            _ => kind::REPLY,
        };
        let mut reply = vec![kind];
        reply.extend(message.id);
        // The order of the options means nothing.
        if !faults.contains(&Dhcp6Fault::NoServerId) {
            put(&mut reply, option::SERVER_ID, own);
        }
        if !client.is_empty() {
            let mut id = client.to_vec();
            if faults.contains(&Dhcp6Fault::WrongClient) {
                id[0] ^= 1;
            }
            put(&mut reply, option::CLIENT_ID, &id);
        }
        if rapid {
            put(&mut reply, option::RAPID_COMMIT, &[]);
        }
        if config.preference > 0 && kind == kind::ADVERTISE {
            put(&mut reply, option::PREFERENCE, &[config.preference]);
        }
        if let Some(ia) = message.option(option::IA_NA) {
            match message.kind {
                kind::RELEASE => put(&mut reply, option::STATUS, &[0, 0]),
                kind::DECLINE => {
                    let address = ia
                        .get(12..)
                        .and_then(|options| find(options, option::IA_ADDRESS));
                    if let Some(octets) = address.and_then(<[u8]>::first_chunk::<16>) {
                        self.declined.push((*octets).into());
                    }
                    put(&mut reply, option::STATUS, &[0, 0]);
                }
                _ => self.put_ia(&mut reply, ia, client, config, faults),
            }
        }
        if !config.dns.is_empty() {
            let servers: Vec<_> = config.dns.iter().flat_map(Ipv6Addr::octets).collect();
            put(&mut reply, option::DNS, &servers);
        }
        if !config.domain.is_empty() {
            let mut name = Vec::new();
            for label in config.domain.split('.') {
                name.push(label.len() as u8);
                name.extend(label.as_bytes());
            }
            name.push(0);
            put(&mut reply, option::DOMAINS, &name);
        }
        if let Some(file) = config
            .boot_file
            .as_ref()
            .filter(|_| !faults.contains(&Dhcp6Fault::NoBootFile))
        {
            put(&mut reply, option::BOOT_FILE, file.as_bytes());
        }
        for (code, value) in &config.options {
            put(&mut reply, *code, value);
        }
        Some(reply)
    }

    fn put_ia(
        &mut self,
        reply: &mut Vec<u8>,
        asked: &[u8],
        client: &[u8],
        config: &Dhcp6Config,
        faults: &[Dhcp6Fault],
    ) {
        let mut ia = asked.get(..4).unwrap_or_default().to_vec();
        ia.resize(4, 0);
        let preferred = config.valid_lifetime / 2;
        ia.extend((preferred / 2).to_be_bytes());
        ia.extend((preferred / 5 * 4).to_be_bytes());
        let refusal = match faults {
            faults if faults.contains(&Dhcp6Fault::NoAddress) => Some(NO_ADDRESSES),
            faults if faults.contains(&Dhcp6Fault::NoBinding) => Some(NO_BINDING),
            _ => None,
        };
        match refusal {
            Some(code) => put(&mut ia, option::STATUS, &code.to_be_bytes()),
            None => {
                let mut address = self.address(client, config).octets().to_vec();
                address.extend(preferred.to_be_bytes());
                address.extend(config.valid_lifetime.to_be_bytes());
                put(&mut ia, option::IA_ADDRESS, &address);
            }
        }
        put(reply, option::IA_NA, &ia);
    }
}

impl Default for Dhcp6Config {
    fn default() -> Self {
        Self {
            stateful: true,
            address: Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x1000),
            valid_lifetime: 7_200,
            duid: vec![0, 3, 0, 1, 2, 0, 0, 0, 0, 1],
            preference: 0,
            rapid_commit: false,
            dns: Vec::new(),
            domain: String::new(),
            boot_file: None,
            options: Vec::new(),
            delay: Duration::ZERO,
        }
    }
}
