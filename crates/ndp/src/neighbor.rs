//! Neighbor Solicitation and Neighbor Advertisement: who has this address (RFC 4861, sections 4.3, 4.4 and 7).

use crate::address::{ALL_NODES, Mac, solicited_node};
use crate::wire::{Envelope, HEADER, HOP_LIMIT, ICMPV6, Options, SOURCE_MAC, TARGET_MAC, Writer};
use core::net::Ipv6Addr;

/// Octets of the longest packet with such a message.
pub const PACKET: usize = HEADER + 24 + 8;
/// Type of a solicitation.
pub const SOLICITATION: u8 = 135;
/// Type of an advertisement.
pub const ADVERTISEMENT: u8 = 136;
/// Set when the advertisement answers a solicitation.
const SOLICITED: u8 = 0x40;
/// Set when the advertisement replaces what is known of the address.
const OVERRIDE: u8 = 0x20;

/// A message about the hardware address of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbor {
    /// Somebody asks who has `target`.
    Solicitation {
        /// The address that is asked for.
        target: Ipv6Addr,
        /// Hardware address of whoever asks. `None` when the host has no address yet: it asks whether anybody has the one it would like.
        mac: Option<Mac>,
    },
    /// Somebody has `target`.
    Advertisement {
        /// The address.
        target: Ipv6Addr,
        /// Hardware address of whoever has it, when the message tells.
        mac: Option<Mac>,
    },
}

impl Neighbor {
    /// Reads a message of ICMPv6, whose checksum was found right. `None` for another message, and for one that RFC 4861 has ignored
    /// (sections 7.1.1 and 7.1.2).
    #[inline(never)]
    pub fn parse(envelope: &Envelope, message: &[u8]) -> Option<Self> {
        let (head, options) = message.split_first_chunk::<8>()?;
        let (target, options) = options.split_first_chunk::<16>()?;
        let target = Ipv6Addr::from(*target);
        let [kind, code, .., flags, _, _, _] = *head;
        if envelope.hop_limit != HOP_LIMIT || code != 0 || target.is_multicast() {
            return None;
        }
        let options = Options::new(options)?;
        match kind {
            SOLICITATION => {
                let mac = options.mac(SOURCE_MAC);
                let nameless = envelope.source.is_unspecified();
                if nameless && (mac.is_some() || envelope.destination != solicited_node(target)) {
                    return None;
                }
                Some(Neighbor::Solicitation { target, mac })
            }
            ADVERTISEMENT => {
                if envelope.destination.is_multicast() && flags & SOLICITED != 0 {
                    return None;
                }
                let mac = options.mac(TARGET_MAC);
                Some(Neighbor::Advertisement { target, mac })
            }
            _ => None,
        }
    }
}

/// Writes the question who has `target`, asked in the name of `source`: `::` for a host that would like to have the address itself
/// (RFC 4862, section 5.4.2). Gives the packet's octets, at most [`PACKET`].
pub fn solicit(buffer: &mut [u8], mac: Mac, source: Ipv6Addr, target: Ipv6Addr) -> usize {
    let envelope = Envelope {
        source,
        destination: solicited_node(target),
        hop_limit: HOP_LIMIT,
    };
    let mac = Some((SOURCE_MAC, mac)).filter(|_| !source.is_unspecified());
    emit(buffer, &envelope, [SOLICITATION, 0], target, mac)
}

/// Writes the answer to a question from `asker`: the host with hardware address `mac` has `target`. Gives the packet's octets, at most
/// [`PACKET`].
pub fn advertise(buffer: &mut [u8], mac: Mac, target: Ipv6Addr, asker: Ipv6Addr) -> usize {
    // Who has no address yet is told with everybody else (RFC 4861, section 7.2.4).
    let (destination, flags) = match asker.is_unspecified() {
        true => (ALL_NODES, OVERRIDE),
        false => (asker, OVERRIDE | SOLICITED),
    };
    let envelope = Envelope {
        source: target,
        destination,
        hop_limit: HOP_LIMIT,
    };
    let mac = Some((TARGET_MAC, mac));
    emit(buffer, &envelope, [ADVERTISEMENT, flags], target, mac)
}

#[inline(never)]
fn emit(
    buffer: &mut [u8],
    envelope: &Envelope,
    [kind, flags]: [u8; 2],
    target: Ipv6Addr,
    mac: Option<(u8, Mac)>,
) -> usize {
    let mut writer = Writer::new(buffer, envelope, ICMPV6);
    writer.put(&[kind, 0, 0, 0, flags, 0, 0, 0]);
    writer.put(&target.octets());
    if let Some((kind, mac)) = mac {
        writer.put_mac(kind, mac);
    }
    writer.finish(HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Header, checksum};
    use zerocopy::FromBytes;

    const MAC: Mac = [2, 0, 0, 0, 0, 9];
    const OWN: &str = "fe80::ff:fe00:9";
    const OTHER: &str = "2001:db8::1:2";

    fn address(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    /// Takes a packet apart, and checks what IPv6 says of it.
    fn open(packet: &[u8]) -> (Envelope, &[u8]) {
        let (header, message) = Header::ref_from_prefix(packet).unwrap();
        assert_eq!(header.version_class_flow.get(), 0x6000_0000);
        assert_eq!(usize::from(header.payload_len.get()), message.len());
        assert_eq!(header.next, 58);
        assert_eq!(checksum(header, message), 0);
        let envelope = Envelope {
            source: header.source.into(),
            destination: header.destination.into(),
            hop_limit: header.hop_limit,
        };
        (envelope, message)
    }

    fn question(source: &str, target: &str) -> Vec<u8> {
        let mut buffer = [0xaa; PACKET];
        let len = solicit(&mut buffer, MAC, address(source), address(target));
        buffer[..len].to_vec()
    }

    fn answer(target: &str, asker: &str) -> Vec<u8> {
        let mut buffer = [0xaa; PACKET];
        let len = advertise(&mut buffer, MAC, address(target), address(asker));
        buffer[..len].to_vec()
    }

    #[test]
    fn a_question_octet_by_octet() {
        let packet = question(OWN, OTHER);
        let (envelope, message) = open(&packet);
        assert_eq!(envelope.source, address(OWN));
        assert_eq!(envelope.destination, address("ff02::1:ff01:2"));
        assert_eq!(envelope.hop_limit, 255);
        assert_eq!(message[..2], [135, 0]);
        assert_eq!(message[4..8], [0; 4]);
        assert_eq!(message[8..24], address(OTHER).octets());
        assert_eq!(message[24..], [1, 1, 2, 0, 0, 0, 0, 9]);
        assert_eq!(packet.len(), PACKET, "there is no longer one");
        let read = Neighbor::parse(&envelope, message);
        let (target, mac) = (address(OTHER), Some(MAC));
        assert_eq!(read, Some(Neighbor::Solicitation { target, mac }));
    }

    #[test]
    fn a_host_without_an_address_does_not_tell_its_hardware_address() {
        let packet = question("::", OWN);
        let (envelope, message) = open(&packet);
        assert_eq!(message.len(), 24);
        let (target, mac) = (address(OWN), None);
        let read = Neighbor::parse(&envelope, message);
        assert_eq!(read, Some(Neighbor::Solicitation { target, mac }));
    }

    #[test]
    fn an_answer_goes_to_whoever_asked_or_to_everybody() {
        let packet = answer(OWN, OTHER);
        let (envelope, message) = open(&packet);
        assert_eq!(envelope.destination, address(OTHER));
        assert_eq!((message[0], message[4]), (136, 0x60));
        assert_eq!(message[24..], [2, 1, 2, 0, 0, 0, 0, 9]);
        let (target, mac) = (address(OWN), Some(MAC));
        let read = Neighbor::parse(&envelope, message);
        assert_eq!(read, Some(Neighbor::Advertisement { target, mac }));
        let packet = answer(OWN, "::");
        let (envelope, message) = open(&packet);
        assert_eq!(envelope.destination, ALL_NODES);
        assert_eq!(message[4], 0x20);
        assert!(Neighbor::parse(&envelope, message).is_some());
    }

    /// Each change alone makes the message one to be ignored (RFC 4861, sections 7.1.1 and 7.1.2).
    #[test]
    fn what_is_ignored() {
        let packet = question(OWN, OTHER);
        let (envelope, message) = open(&packet);
        let far = Envelope {
            hop_limit: 254,
            ..envelope
        };
        assert_eq!(Neighbor::parse(&far, message), None, "passed a router");
        let with = |at: usize, octet: u8| {
            let mut message = message.to_vec();
            message[at] = octet;
            Neighbor::parse(&envelope, &message)
        };
        assert_eq!(with(1, 1), None, "code");
        assert_eq!(with(8, 0xff), None, "the target is a group");
        assert_eq!(with(25, 0), None, "an option of no length");
        assert_eq!(with(25, 2), None, "an option that leaves the message");
        assert_eq!(with(0, 137), None, "a redirect");
        for len in 0..24 {
            assert_eq!(Neighbor::parse(&envelope, &message[..len]), None);
        }
        assert!(Neighbor::parse(&envelope, &message[..24]).is_some());
        let nameless = Envelope {
            source: address("::"),
            ..envelope
        };
        assert_eq!(Neighbor::parse(&nameless, message), None, "with an option");
        assert!(Neighbor::parse(&nameless, &message[..24]).is_some());
        let alone = Envelope {
            destination: address(OTHER),
            ..nameless
        };
        assert_eq!(
            Neighbor::parse(&alone, &message[..24]),
            None,
            "not to the group"
        );
        let packet = answer(OWN, OTHER);
        let (envelope, message) = open(&packet);
        let group = Envelope {
            destination: ALL_NODES,
            ..envelope
        };
        assert_eq!(
            Neighbor::parse(&group, message),
            None,
            "solicited by a group"
        );
    }

    #[test]
    fn a_buffer_that_is_too_short_takes_no_more_than_it_has() {
        for len in 0..PACKET {
            let mut buffer = vec![0; len];
            let written = solicit(&mut buffer, MAC, address(OWN), address(OTHER));
            assert!(written <= len);
        }
    }
}
