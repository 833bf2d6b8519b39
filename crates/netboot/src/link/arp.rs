//! ARP for IPv4 on Ethernet (RFC 826), and the watch for other users of an address (RFC 5227).

use super::ethernet::{Mac, is_group};
use core::net::Ipv4Addr;
use netboot_core::net::is_host;
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Octets of a message.
pub(super) const LEN: usize = 28;
/// Hardware type of Ethernet, EtherType of IPv4, and the octets of an address of each.
const KIND: [u8; 6] = [0, 1, 8, 0, 6, 4];
/// The operation that asks for a hardware address.
pub(super) const REQUEST: u16 = 1;
/// The operation that tells one.
pub(super) const REPLY: u16 = 2;

/// A message.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub(super) struct Arp {
    kind: [u8; 6],
    operation: U16,
    pub sender_mac: Mac,
    sender: [u8; 4],
    target_mac: Mac,
    target: [u8; 4],
}

impl Arp {
    /// Makes a message. A request has no `target_mac`.
    pub fn new(operation: u16, sender: (Mac, Ipv4Addr), target_mac: Mac, target: Ipv4Addr) -> Self {
        Self {
            kind: KIND,
            operation: operation.into(),
            sender_mac: sender.0,
            sender: sender.1.octets(),
            target_mac,
            target: target.octets(),
        }
    }

    /// Reads a message. `None` for anything but a request or reply for IPv4 on Ethernet.
    pub fn parse(payload: &[u8]) -> Option<&Self> {
        let (message, _) = Self::ref_from_prefix(payload).ok()?;
        let known = message.kind == KIND && matches!(message.operation.get(), REQUEST | REPLY);
        known.then_some(message)
    }

    /// The IPv4 address of whoever sent the message; 0.0.0.0 in a probe.
    pub fn sender(&self) -> Ipv4Addr {
        self.sender.into()
    }

    /// The IPv4 address that is asked for, or that the reply goes to.
    pub fn target(&self) -> Ipv4Addr {
        self.target.into()
    }

    pub fn is_request(&self) -> bool {
        self.operation.get() == REQUEST
    }

    /// Whether the sender can be a neighbour: a single host with a hardware address of its own.
    pub fn has_sender(&self) -> bool {
        is_host(self.sender()) && !is_group(self.sender_mac)
    }
}

/// Watches for other users of an address that the station would like to use.
#[derive(Debug)]
pub(super) struct Watch {
    address: Option<Ipv4Addr>,
    /// Hardware address of the first other user that was seen.
    pub conflict: Option<Mac>,
}

impl Watch {
    /// Makes a watch for `address`, or one that looks at nothing.
    pub const fn new(address: Option<Ipv4Addr>) -> Self {
        Self {
            address,
            conflict: None,
        }
    }

    /// Looks at a message of another station. `alone` says that the frame was sent to this station alone, and `servant` is the
    /// hardware address that DHCP messages came from.
    ///
    /// A station uses the address when it says that it has it, or when it probes for it as we do (RFC 5227, section 2.1.1). Two
    /// kinds of messages look so and mean nothing: a switch asks a single station whether it is still there, with the sender
    /// 0.0.0.0 and in a frame for that station alone; and the router, which is where our DHCP messages come from, answers for
    /// everybody (proxy ARP) and probes what it is about to lease.
    #[inline(never)]
    pub fn look(&mut self, message: &Arp, alone: bool, servant: Mac) {
        let Some(address) = self.address else {
            return;
        };
        let has_it = message.sender() == address;
        let wants_it = message.is_request()
            && message.sender().is_unspecified()
            && message.target() == address;
        let asks_us = alone && message.is_request();
        if (has_it || wants_it) && !asks_us && message.sender_mac != servant {
            self.conflict.get_or_insert(message.sender_mac);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: Mac = [2, 0, 0, 0, 0, 2];
    const SERVANT: Mac = [2, 0, 0, 0, 0, 3];
    const WANTED: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
    const ELSE: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 16);
    const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

    fn conflict(operation: u16, mac: Mac, sender: Ipv4Addr, target: Ipv4Addr, alone: bool) -> bool {
        let message = Arp::new(operation, (mac, sender), [0; 6], target);
        let mut watch = Watch::new(Some(WANTED));
        watch.look(&message, alone, SERVANT);
        assert!(watch.conflict.is_none_or(|found| found == mac));
        watch.conflict.is_some()
    }

    #[test]
    fn users_of_the_address_and_other_probes_for_it_are_conflicts() {
        assert!(
            conflict(REPLY, OTHER, WANTED, NONE, true),
            "answers our probe"
        );
        assert!(conflict(REPLY, OTHER, WANTED, WANTED, false), "announces");
        assert!(conflict(REQUEST, OTHER, WANTED, WANTED, false), "announces");
        assert!(conflict(REQUEST, OTHER, WANTED, ELSE, false), "asks others");
        assert!(conflict(REQUEST, OTHER, NONE, WANTED, false), "probes");
        assert!(
            !conflict(REQUEST, OTHER, ELSE, WANTED, false),
            "asks for us"
        );
        assert!(!conflict(REQUEST, OTHER, NONE, ELSE, false));
        assert!(!conflict(REPLY, OTHER, ELSE, WANTED, true));
    }

    #[test]
    fn who_asks_us_alone_competes_with_nobody() {
        assert!(!conflict(REQUEST, OTHER, NONE, WANTED, true));
        assert!(!conflict(REQUEST, OTHER, WANTED, WANTED, true));
    }

    #[test]
    fn the_router_answers_for_everybody() {
        assert!(!conflict(REPLY, SERVANT, WANTED, NONE, true));
        assert!(!conflict(REQUEST, SERVANT, NONE, WANTED, false));
    }

    #[test]
    fn only_ipv4_on_ethernet_is_read() {
        let message = Arp::new(REPLY, (OTHER, ELSE), SERVANT, WANTED);
        let octets = message.as_bytes();
        assert_eq!(Arp::parse(octets), Some(&message));
        for at in 0..8 {
            let mut other = octets.to_vec();
            other[at] ^= 4;
            assert_eq!(Arp::parse(&other), None, "octet {at}");
        }
        for len in 0..LEN {
            assert_eq!(Arp::parse(&octets[..len]), None);
        }
    }
}
