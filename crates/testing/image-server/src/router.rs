//! A router: it answers solicitations and advertises the link (RFC 4861, RFC 4191, RFC 8106).
//!
//! The messages are written octet by octet, and share nothing with what reads them on the other side.

use crate::config::Ipv6Config;
use crate::shared::Shared;
use netboot_core::Instant;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress, IpProtocol,
    Ipv6Packet, Ipv6Repr, UdpPacket, UdpRepr,
};
use std::net::Ipv6Addr;

const SOLICITATION: u8 = 133;
const ADVERTISEMENT: u8 = 134;
/// The group of all nodes of a link (RFC 4291, section 2.7.1).
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The router's state: when it speaks next.
#[derive(Default)]
pub struct Router {
    due: Option<Instant>,
    /// Solicitations that it has heard.
    heard: u32,
}

/// The address that is valid on the link only, made of the hardware address (RFC 2464, section 5).
pub fn link_local(mac: [u8; 6]) -> Ipv6Addr {
    of_mac([0xfe80, 0, 0, 0], mac)
}

/// The address that is made of a prefix of 64 bits and the hardware address (RFC 2464, section 4).
pub fn of_mac([p, q, r, s]: [u16; 4], mac: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.map(u16::from);
    Ipv6Addr::new(
        p,
        q,
        r,
        s,
        (a ^ 2) << 8 | b,
        c << 8 | 0xff,
        0xfe00 | d,
        e << 8 | f,
    )
}

impl Router {
    /// Looks at a frame that has arrived.
    pub fn look(&mut self, now: Instant, frame: &[u8], shared: &Shared) {
        let Some(config) = shared.config.ipv6.as_ref() else {
            return;
        };
        let is_question = || {
            let ethernet = EthernetFrame::new_checked(frame).ok()?;
            let packet = Ipv6Packet::new_checked(ethernet.payload()).ok()?;
            let message = packet.payload().first()?;
            Some(
                ethernet.ethertype() == EthernetProtocol::Ipv6
                    && packet.next_header() == IpProtocol::Icmpv6
                    && packet.hop_limit() == 255
                    && *message == SOLICITATION,
            )
        };
        if is_question() == Some(true) {
            self.heard += 1;
            if self.heard > config.deaf {
                self.due = Some(now + config.delay);
            }
        }
    }

    /// Sends what is due.
    pub fn poll(&mut self, now: Instant, shared: &mut Shared) {
        let Some(config) = shared.config.ipv6.as_ref() else {
            return;
        };
        if config.router && self.due.is_some_and(|due| due <= now) {
            self.due = None;
            let frame = advertisement(shared.config.mac, config);
            shared.raw.push(frame);
        }
    }

    /// When it speaks next.
    pub fn poll_at(&self) -> Option<Instant> {
        self.due
    }
}

/// An advertisement in its frame, to everybody on the link.
pub fn advertisement(mac: [u8; 6], config: &Ipv6Config) -> Vec<u8> {
    let mut flags = 0;
    if config.managed {
        flags |= 0x80;
    }
    if config.other {
        flags |= 0x40;
    }
    let mut message = vec![ADVERTISEMENT, 0, 0, 0, 64, flags];
    message.extend(config.router_lifetime.to_be_bytes());
    message.extend([0; 8]);
    message.extend([1, 1]);
    message.extend(mac);
    if let Some(mtu) = config.mtu {
        message.extend([5, 1, 0, 0]);
        message.extend(u32::from(mtu).to_be_bytes());
    }
    let prefix_flags = match config.autonomous {
        true => 0xc0,
        false => 0x80,
    };
    message.extend([3, 4, 64, prefix_flags]);
    message.extend(config.valid_lifetime.to_be_bytes());
    message.extend((config.valid_lifetime / 2).to_be_bytes());
    message.extend([0; 4]);
    message.extend(&config.address.octets()[..8]);
    message.extend([0; 8]);
    if !config.dns_servers.is_empty() {
        message.extend([
            25,
            1 + 2 * config.dns_servers.len() as u8,
            0,
            0,
            0,
            0,
            2,
            88,
        ]);
        for server in &config.dns_servers {
            message.extend(server.octets());
        }
    }
    packet(mac, link_local(mac), ALL_NODES, message)
}

/// The advertisement of a neighbour to everybody that `address` is its own (RFC 4861, section 4.4), with the flag that overrides what others know.
pub fn claim(mac: [u8; 6], address: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(address.octets());
    message.extend([2, 1]);
    message.extend(mac);
    packet(mac, address, ALL_NODES, message)
}

/// A message of ICMPv6 in its frame, with the checksum set.
pub fn packet(
    mac: [u8; 6],
    source: Ipv6Addr,
    destination: Ipv6Addr,
    mut message: Vec<u8>,
) -> Vec<u8> {
    let sum = checksum(source, destination, &message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let [.., a, b, c, d] = destination.octets();
    frame(
        mac,
        [0x33, 0x33, a, b, c, d],
        (source, destination),
        IpProtocol::Icmpv6,
        &message,
    )
}

/// A UDP datagram over IPv6 in its frame, with the checksum set.
pub fn udp(
    mac: [u8; 6],
    to_mac: [u8; 6],
    from: (Ipv6Addr, u16),
    to: (Ipv6Addr, u16),
    payload: &[u8],
) -> Vec<u8> {
    let ports = UdpRepr {
        src_port: from.1,
        dst_port: to.1,
    };
    let mut datagram = vec![0; ports.header_len() + payload.len()];
    ports.emit(
        &mut UdpPacket::new_unchecked(&mut datagram[..]),
        &IpAddress::Ipv6(from.0),
        &IpAddress::Ipv6(to.0),
        payload.len(),
        |to| to.copy_from_slice(payload),
        &ChecksumCapabilities::default(),
    );
    frame(mac, to_mac, (from.0, to.0), IpProtocol::Udp, &datagram)
}

fn frame(
    mac: [u8; 6],
    to_mac: [u8; 6],
    (source, destination): (Ipv6Addr, Ipv6Addr),
    next_header: IpProtocol,
    message: &[u8],
) -> Vec<u8> {
    let ethernet = EthernetRepr {
        src_addr: EthernetAddress(mac),
        dst_addr: EthernetAddress(to_mac),
        ethertype: EthernetProtocol::Ipv6,
    };
    let ip = Ipv6Repr {
        src_addr: source,
        dst_addr: destination,
        next_header,
        payload_len: message.len(),
        hop_limit: 255,
    };
    let head = ethernet.buffer_len();
    let mut frame = vec![0; head + ip.buffer_len() + message.len()];
    ethernet.emit(&mut EthernetFrame::new_unchecked(&mut frame[..]));
    let mut packet = Ipv6Packet::new_unchecked(&mut frame[head..]);
    ip.emit(&mut packet);
    packet.payload_mut().copy_from_slice(message);
    frame
}

/// The checksum of a message of ICMPv6 (RFC 4443, section 2.3).
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let mut octets = [source.octets(), destination.octets()].concat();
    octets.extend((message.len() as u32).to_be_bytes());
    octets.extend([0, 0, 0, 58]);
    octets.extend(message);
    let words = octets
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
