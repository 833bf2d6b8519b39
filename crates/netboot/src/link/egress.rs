//! The way out: from an IP packet to a frame for the right neighbour.
//!
//! A packet for a neighbour whose hardware address is not known waits here, and the question for the address goes out in its
//! place. One packet waits at a time; a later one takes its place, as the protocols repeat what is lost.

use super::arp::{self, Arp};
use super::ethernet::{self, BROADCAST, Mac};
use super::neighbors::Neighbors;
use super::routes::Routes;
use core::net::Ipv4Addr;
use netboot_core::{Instant, TxSlot};
use smoltcp::phy::TxToken;
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
    pub(super) neighbors: Neighbors,
    /// The neighbour that a packet waits for.
    hop: Option<Ipv4Addr>,
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
    pub fn learn(&mut self, now: Instant, address: Ipv4Addr, mac: Mac, create: bool) {
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

    /// Octets of the frame of the packet that has waited.
    pub fn waited_len(&self) -> usize {
        self.header_len().saturating_add(self.len)
    }

    /// Writes the packet that has waited into `frame` of [`waited_len`](Self::waited_len) octets, and its header.
    #[inline(never)]
    pub fn emit_waited(&mut self, frame: &mut [u8], now: Instant) {
        let header = self.header_len();
        let to = frame.get_mut(header..).unwrap_or_default();
        ethernet::copy(to, &*self.waiting);
        self.hop = None;
        self.ready = false;
        self.finish(frame, now);
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
    pub fn emit_question(&self, frame: &mut [u8], sender: Ipv4Addr, target: Ipv4Addr) {
        let message = Arp::new(arp::REQUEST, (self.mac, sender), [0; 6], target);
        self.emit_arp(frame, &message, BROADCAST);
    }

    /// Writes the header before the IP packet that lies in `frame`, or puts the packet aside and asks for its neighbour.
    #[inline(never)]
    fn finish(&mut self, frame: &mut [u8], now: Instant) {
        let header = self.header_len();
        let packet = frame.get(header..).unwrap_or_default();
        let destination = packet
            .get(..IPV4_HEADER)
            .and_then(<[u8]>::last_chunk::<4>)
            .copied();
        let destination = Ipv4Addr::from(destination.unwrap_or_default());
        let (mac, hop) = if destination.is_broadcast() {
            (Some(BROADCAST), destination)
        } else if destination.is_multicast() {
            // RFC 1112, section 6.4.
            let [_, second, third, fourth] = destination.octets();
            (
                Some([1, 0, 0x5e, second & 0x7f, third, fourth]),
                destination,
            )
        } else {
            // An answer to somebody whom no route leads to: the sender was heard on this link, and is looked for there.
            let hop = self.routes.hop(destination).unwrap_or(destination);
            (self.neighbors.lookup(now, hop), hop)
        };
        if let Some(mac) = mac {
            ethernet::emit(frame, mac, self.mac, ethernet::IPV4, self.vlan);
            return;
        }
        if let Some(to) = self.waiting.get_mut(..packet.len()) {
            to.copy_from_slice(packet);
            self.len = packet.len();
            self.hop = Some(hop);
            self.ready = false;
        }
        self.emit_question(frame, self.address.unwrap_or(Ipv4Addr::UNSPECIFIED), hop);
    }
}

/// A transmit buffer of the device, for one IP packet.
pub(crate) struct Tx<'a, 'w, T> {
    slot: T,
    egress: &'a mut Egress<'w>,
    now: Instant,
}

impl<'a, 'w, T> Tx<'a, 'w, T> {
    pub(super) fn new(slot: T, egress: &'a mut Egress<'w>, now: Instant) -> Self {
        Self { slot, egress, now }
    }
}

impl<T: TxSlot> TxToken for Tx<'_, '_, T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let Self { slot, egress, now } = self;
        let header = egress.header_len();
        slot.send(header.saturating_add(len), |frame| {
            let result = f(frame.get_mut(header..).unwrap_or_default());
            egress.finish(frame, now);
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
        egress.finish(&mut frame, Instant::ZERO);
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
            egress.learn(Instant::ZERO, SERVER, OTHER, false);
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
        egress.finish(&mut frame, Instant::ZERO);
        assert_eq!(frame[12..14], [8, 6]);
        egress.learn(Instant::ZERO, SERVER, OTHER, false);
        assert!(!egress.ready, "nothing waits");
    }
}
