//! The way out: from an IP packet to a frame for the right neighbour.
//!
//! A packet for a neighbour whose hardware address is not known waits here, and the question for the address goes out in its
//! place. One packet waits at a time; a later one takes its place, as the protocols repeat what is lost.

use super::Address;
use super::arp::{self, Arp};
use super::ethernet::{self, BROADCAST, Mac};
#[cfg(feature = "ping")]
use super::family::ip_of;
use super::family::{address_of, of_v4};
#[cfg(feature = "ipv6")]
use super::ipv6::{self, Inet6};
use super::neighbors::Neighbors;
use super::routes::Routes;
#[cfg(feature = "ipv6")]
use core::net::Ipv6Addr;
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::{Instant, TxSlot};
use zerocopy::IntoBytes;

/// Octets of the longest packet that can wait: the longest first packet of any conversation is a request or a DHCP message.
pub(crate) const WAITING: usize = 672;
/// Octets of an IPv4 header without options. The destination is its end.
const IPV4_HEADER: usize = 20;

/// What the way out needs to know.
pub(crate) struct Egress<'w> {
    pub mac: Mac,
    /// The VLAN that the station is in.
    pub vlan: Option<u16>,
    /// The station's address, as the interface has it.
    pub address: Option<Ipv4Addr>,
    pub routes: Routes,
    /// Addresses of IPv6.
    #[cfg(feature = "ipv6")]
    pub ipv6: Inet6,
    pub(super) neighbors: Neighbors,
    /// The neighbour that a packet waits for.
    hop: Option<Address>,
    /// Set when the neighbour has told its address.
    pub(super) ready: bool,
    /// Memory for the packet that waits.
    waiting: &'w mut [u8; WAITING],
    /// Octets of the packet that waits.
    len: usize,
}

impl<'w> Egress<'w> {
    #[inline(always)]
    pub const fn new(mac: Mac, vlan: Option<u16>, waiting: &'w mut [u8; WAITING]) -> Self {
        Self {
            mac,
            vlan,
            address: None,
            routes: Routes::new(),
            #[cfg(feature = "ipv6")]
            ipv6: Inet6::new(),
            neighbors: Neighbors::new(),
            hop: None,
            ready: false,
            waiting,
            len: 0,
        }
    }

    /// Octets of the header of each frame.
    pub fn header_len(&self) -> usize {
        ethernet::header_len(self.vlan)
    }

    /// Octets of a frame with an ARP message.
    pub fn arp_len(&self) -> usize {
        self.header_len().saturating_add(arp::LEN)
    }

    /// Takes in what a neighbour says of itself. With `create` it is remembered although nobody has spoken to it.
    pub fn learn(&mut self, now: Instant, address: Address, mac: Mac, create: bool) {
        let awaited = self.hop == Some(address);
        self.neighbors.learn(now, address, mac, create || awaited);
        self.ready |= awaited;
    }

    /// Forgets all neighbours.
    pub fn forget(&mut self) {
        self.neighbors.clear();
        self.hop = None;
        self.ready = false;
    }

    /// Octets of a frame with a packet of `len` octets. The question for its neighbour may have to take its place, and is longer than the shortest
    /// packets of IPv6.
    fn frame_len(&self, len: usize) -> usize {
        #[cfg(feature = "ipv6")]
        let len = match self.ipv6.is_on() {
            true => len.max(ipv6::QUESTION),
            false => len,
        };
        self.header_len().saturating_add(len)
    }

    /// Octets of the frame of the packet that has waited.
    pub fn waited_len(&self) -> usize {
        self.frame_len(self.len)
    }

    /// Sends the packet of at most `room` octets that `write` makes, and says how long it is.
    pub fn send<T: TxSlot>(
        &mut self,
        slot: T,
        now: Instant,
        room: usize,
        write: impl FnOnce(&mut [u8]) -> usize,
    ) {
        let header = self.header_len();
        // What the packet leaves of the room becomes padding.
        slot.send(self.frame_len(room), |frame| {
            let len = write(frame.get_mut(header..).unwrap_or_default());
            self.finish(frame, len, now);
        });
    }

    /// The station's address that it speaks to `peer` with; `None` while it has none of the family.
    #[inline(always)]
    pub fn source_for(&self, peer: IpAddr) -> Option<IpAddr> {
        match peer {
            IpAddr::V4(_) => self.address.map(IpAddr::V4),
            #[cfg(feature = "ipv6")]
            IpAddr::V6(peer) => self.ipv6.source_for(peer).map(IpAddr::V6),
            #[cfg(not(feature = "ipv6"))]
            IpAddr::V6(_) => None,
        }
    }

    /// Neighbour number `nth`: address and hardware address.
    #[cfg(feature = "ping")]
    pub fn neighbor(&self, nth: usize) -> Option<(IpAddr, Mac)> {
        let (address, mac) = self.neighbors.get(nth)?;
        Some((ip_of(address), mac))
    }

    /// Writes the packet that has waited into `frame` of [`waited_len`](Self::waited_len) octets, and its header.
    #[inline(never)]
    pub fn emit_waited(&mut self, frame: &mut [u8], now: Instant) {
        let header = self.header_len();
        let to = frame.get_mut(header..).unwrap_or_default();
        ethernet::copy(to, &*self.waiting);
        self.hop = None;
        self.ready = false;
        self.finish(frame, self.len, now);
    }

    /// Writes a whole frame with an ARP message. What is behind it becomes zero.
    #[inline(never)]
    pub(super) fn emit_arp(&self, frame: &mut [u8], message: &Arp, to: Mac) {
        frame.fill(0);
        ethernet::emit(frame, to, self.mac, ethernet::ARP, self.vlan);
        let rest = frame.get_mut(self.header_len()..).unwrap_or_default();
        ethernet::copy(rest, message.as_bytes());
    }

    /// Writes a question to everybody on the link: who has `target`, asked in the name of `sender`.
    #[cfg_attr(feature = "ipv6", inline(never))]
    pub fn emit_question(&self, frame: &mut [u8], sender: Ipv4Addr, target: Ipv4Addr) {
        let message = Arp::new(arp::REQUEST, (self.mac, sender), [0; 6], target);
        self.emit_arp(frame, &message, BROADCAST);
    }

    /// The neighbour that a packet goes to. Without a route the destination itself is taken for one: it is a sender that was heard on this link.
    fn hop(&self, destination: IpAddr) -> Address {
        let hop = self.routes.hop(destination).unwrap_or(destination);
        // The routes have this build's families only.
        address_of(hop).unwrap_or(of_v4(Ipv4Addr::UNSPECIFIED))
    }

    /// Finds the hardware address that a packet of IPv4 goes to, or else the neighbour that has to be asked for it.
    fn way(&mut self, packet: &[u8], now: Instant) -> (Option<Mac>, Address) {
        let destination = packet
            .get(..IPV4_HEADER)
            .and_then(<[u8]>::last_chunk::<4>)
            .copied();
        let destination = Ipv4Addr::from(destination.unwrap_or_default());
        if destination.is_broadcast() {
            (Some(BROADCAST), of_v4(destination))
        } else if destination.is_multicast() {
            // RFC 1112, section 6.4.
            let [_, second, third, fourth] = destination.octets();
            (
                Some([1, 0, 0x5e, second & 0x7f, third, fourth]),
                of_v4(destination),
            )
        } else {
            let hop = self.hop(IpAddr::V4(destination));
            (self.neighbors.lookup(now, hop), hop)
        }
    }

    /// As [`way`](Self::way), for a packet of IPv6.
    #[cfg(feature = "ipv6")]
    #[inline(never)]
    fn way6(&mut self, packet: &[u8], now: Instant) -> (Option<Mac>, Address) {
        let destination = packet.get(24..).and_then(<[u8]>::first_chunk::<16>);
        let destination = Ipv6Addr::from(destination.copied().unwrap_or_default());
        if destination.is_multicast() {
            let mac = netboot_ndp::address::group_mac(destination);
            return (Some(mac), destination.into());
        }
        let hop = self.hop(destination.into());
        (self.neighbors.lookup(now, hop), hop)
    }

    /// Writes the header before the IP packet of `len` octets that lies in `frame`, or puts the packet aside and asks for its neighbour. What is
    /// behind the packet becomes zero.
    #[inline(never)]
    fn finish(&mut self, frame: &mut [u8], len: usize, now: Instant) {
        let header = self.header_len();
        let rest = frame.get_mut(header..).unwrap_or_default();
        let (packet, behind) = rest.split_at_mut_checked(len).unwrap_or_default();
        behind.fill(0);
        #[cfg(feature = "ipv6")]
        let ((mac, hop), ethertype) = match packet.first() {
            Some(first) if first >> 4 == 6 => (self.way6(packet, now), ethernet::IPV6),
            _ => (self.way(packet, now), ethernet::IPV4),
        };
        #[cfg(not(feature = "ipv6"))]
        let ((mac, hop), ethertype) = (self.way(packet, now), ethernet::IPV4);
        if let Some(mac) = mac {
            ethernet::emit(frame, mac, self.mac, ethertype, self.vlan);
            return;
        }
        if let Some(to) = self.waiting.get_mut(..len) {
            to.copy_from_slice(packet);
            self.len = len;
            self.hop = Some(hop);
            self.ready = false;
        }
        self.emit_any_question(frame, hop);
    }

    /// Writes the question who has `target`, in the name of the station.
    #[cfg(feature = "ipv6")]
    #[inline(never)]
    pub fn emit_any_question(&self, frame: &mut [u8], target: Address) {
        let target = match target {
            IpAddr::V4(target) => {
                let own = self.address.unwrap_or(Ipv4Addr::UNSPECIFIED);
                return self.emit_question(frame, own, target);
            }
            IpAddr::V6(target) => target,
        };
        let source = self.ipv6.source_for(target);
        let rest = frame.get_mut(self.header_len()..).unwrap_or_default();
        rest.fill(0);
        let source = source.unwrap_or(Ipv6Addr::UNSPECIFIED);
        netboot_ndp::neighbor::solicit(rest, self.mac, source, target);
        let group = netboot_ndp::address::solicited_node(target);
        let mac = netboot_ndp::address::group_mac(group);
        ethernet::emit(frame, mac, self.mac, ethernet::IPV6, self.vlan);
    }

    /// Writes the question who has `target`, in the name of the station.
    #[cfg(not(feature = "ipv6"))]
    #[inline(always)]
    pub fn emit_any_question(&self, frame: &mut [u8], target: Address) {
        self.emit_question(frame, self.address.unwrap_or(Ipv4Addr::UNSPECIFIED), target);
    }

    /// Octets of the frame of a question.
    pub fn question_len(&self) -> usize {
        self.frame_len(arp::LEN)
    }
}

/// A transmit buffer of the device, for one IP packet.
#[cfg(feature = "http")]
pub(crate) struct Tx<'a, 'w, T> {
    slot: T,
    egress: &'a mut Egress<'w>,
    now: Instant,
}

#[cfg(feature = "http")]
impl<'a, 'w, T> Tx<'a, 'w, T> {
    pub(super) fn new(slot: T, egress: &'a mut Egress<'w>, now: Instant) -> Self {
        Self { slot, egress, now }
    }
}

#[cfg(feature = "http")]
impl<T: TxSlot> Tx<'_, '_, T> {
    /// Has the packet of `len` octets written by `f`, and sends it.
    #[inline(always)]
    pub fn fill<R>(self, len: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
        let Self { slot, egress, now } = self;
        let header = egress.header_len();
        slot.send(egress.frame_len(len), |frame| {
            let packet = frame.get_mut(header..).and_then(|rest| rest.get_mut(..len));
            let result = f(packet.unwrap_or_default());
            egress.finish(frame, len, now);
            result
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
    const MAC: Mac = [2, 0, 0, 0, 0, 1];
    const OTHER: Mac = [2, 0, 0, 0, 0, 2];

    fn egress(vlan: Option<u16>) -> Egress<'static> {
        let waiting = Box::leak(Box::new([0; WAITING]));
        let mut egress = Egress::new(MAC, vlan, waiting);
        egress.address = Some(OWN);
        egress
    }

    /// A frame with room for the header and an IP packet of 40 octets to `to`, as it goes out.
    fn sent(egress: &mut Egress<'_>, to: Ipv4Addr) -> Vec<u8> {
        let header = egress.header_len();
        let mut frame = vec![7; header + 40];
        frame[header + 16..header + 20].copy_from_slice(&to.octets());
        let len = frame.len() - header;
        egress.finish(&mut frame, len, Instant::ZERO);
        frame
    }

    #[test]
    fn a_packet_waits_for_its_neighbour() {
        for vlan in [None, Some(9)] {
            let mut egress = egress(vlan);
            let header = egress.header_len();
            let question = sent(&mut egress, SERVER);
            let head = ethernet::parse(&question, vlan).unwrap();
            assert_eq!(
                (head.ethertype, head.destination),
                (ethernet::ARP, &BROADCAST)
            );
            let message = Arp::parse(&question[header..]).unwrap();
            assert_eq!((message.sender(), message.target()), (OWN, SERVER));
            assert!(message.is_request());
            assert!(
                question[header + arp::LEN..]
                    .iter()
                    .all(|octet| *octet == 0)
            );
            assert!(!egress.ready);
            egress.learn(Instant::ZERO, of_v4(SERVER), OTHER, false);
            assert!(egress.ready);
            let mut frame = vec![0; egress.waited_len()];
            egress.emit_waited(&mut frame, Instant::ZERO);
            assert!(!egress.ready);
            let head = ethernet::parse(&frame, vlan).unwrap();
            assert_eq!((head.ethertype, head.destination), (ethernet::IPV4, &OTHER));
            assert_eq!(frame.len(), header + 40);
            assert_eq!(frame[header + 16..header + 20], SERVER.octets());
            assert_eq!(frame[header + 20..], [7; 20]);
            // The next one need not wait.
            let next = sent(&mut egress, SERVER);
            assert_eq!(next, frame);
        }
    }

    #[test]
    fn groups_and_everybody_need_no_question() {
        let mut egress = egress(None);
        let to = |frame: &[u8]| *ethernet::parse(frame, None).unwrap().destination;
        let everybody = sent(&mut egress, Ipv4Addr::BROADCAST);
        assert_eq!(to(&everybody), BROADCAST);
        let group = sent(&mut egress, Ipv4Addr::new(239, 129, 2, 3));
        assert_eq!(to(&group), [1, 0, 0x5e, 1, 2, 3]);
    }

    #[test]
    fn a_packet_that_cannot_wait_is_lost_and_asked_for() {
        let mut egress = egress(None);
        let mut frame = vec![7; 14 + WAITING + 1];
        frame[30..34].copy_from_slice(&SERVER.octets());
        egress.finish(&mut frame, WAITING + 1, Instant::ZERO);
        assert_eq!(frame[12..14], [8, 6]);
        egress.learn(Instant::ZERO, of_v4(SERVER), OTHER, false);
        assert!(!egress.ready, "nothing waits");
    }
}
