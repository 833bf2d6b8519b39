//! IPv6 packets with a message of ICMPv6 in them, as this crate writes them (RFC 8200, RFC 4443).

use crate::address::Mac;
use core::net::Ipv6Addr;
use zerocopy::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Octets of the IPv6 header.
pub const HEADER: usize = 40;
/// Octets of the longest packet that this crate writes: a report of three groups.
pub const PACKET_MAX: usize = HEADER + 8 + 8 + 3 * 20;
/// The protocol number of ICMPv6.
pub const ICMPV6: u8 = 58;
/// The hop limit of Neighbor Discovery. A router lowers it, so such a message comes from the link itself (RFC 4861, section 3.1).
pub const HOP_LIMIT: u8 = 255;
/// Type of the option with the hardware address of the sender (RFC 4861, section 4.6.1).
pub(crate) const SOURCE_MAC: u8 = 1;
/// Type of the option with the hardware address of the target (RFC 4861, section 4.6.1).
pub(crate) const TARGET_MAC: u8 = 2;

/// The header of IPv6 (RFC 8200, section 3).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// Version (4 bits), traffic class (8 bits), flow label (20 bits).
    pub version_class_flow: U32,
    /// Octets behind this header.
    pub payload_len: U16,
    /// Type of what follows.
    pub next: u8,
    /// Number of routers that may still pass the packet on.
    pub hop_limit: u8,
    /// Who sent the packet.
    pub source: [u8; 16],
    /// Whom the packet is for.
    pub destination: [u8; 16],
}

/// What the IPv6 header says around a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who sent the message.
    pub source: Ipv6Addr,
    /// Whom the message is for: a host or a group.
    pub destination: Ipv6Addr,
    /// The hop limit on arrival.
    pub hop_limit: u8,
}

/// Writes packets into a buffer, part by part. What does not fit is left out, and the packet is then none: each caller has a buffer of
/// [`PACKET_MAX`] octets.
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Writer<'b> {
    /// Begins a packet.
    pub fn new(buffer: &'b mut [u8], envelope: &Envelope, next: u8) -> Self {
        let mut writer = Self { buffer, len: 0 };
        writer.put(
            Header {
                version_class_flow: U32::new(6 << 28),
                payload_len: U16::ZERO,
                next,
                hop_limit: envelope.hop_limit,
                source: envelope.source.octets(),
                destination: envelope.destination.octets(),
            }
            .as_bytes(),
        );
        writer
    }

    /// Writes octets behind those that are there.
    #[inline(never)]
    pub fn put(&mut self, octets: &[u8]) {
        let end = self.len.saturating_add(octets.len());
        if let Some(to) = self.buffer.get_mut(self.len..end) {
            copy(to, octets);
            self.len = end;
        }
    }

    /// Writes an option with a hardware address.
    pub fn put_mac(&mut self, kind: u8, mac: Mac) {
        self.put(&[kind, 1]);
        self.put(&mac);
    }

    /// Ends the packet, whose message of ICMPv6 begins at octet `at`: sets its length and the checksum. Gives the packet's octets.
    #[inline(never)]
    pub fn finish(self, at: usize) -> usize {
        let Self { buffer, len } = self;
        let packet = buffer.get_mut(..len).unwrap_or_default();
        let sum = packet.split_at_checked(at).and_then(|(head, message)| {
            Some(checksum(Header::ref_from_prefix(head).ok()?.0, message))
        });
        let field = packet
            .get_mut(at..)
            .and_then(|message| message.get_mut(2..4));
        if let (Some(sum), Some(field)) = (sum, field) {
            copy(field, &sum.to_be_bytes());
        }
        if let Ok((header, payload)) = Header::mut_from_prefix(packet) {
            header.payload_len = U16::new(payload.len() as u16);
        }
        len
    }
}

/// Copies as many octets as there are in both.
#[inline(never)]
fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Gives the checksum of a message of ICMPv6 in a packet with this header (RFC 8200, section 8.1). Over a message with the right checksum in it the
/// result is 0.
pub fn checksum(header: &Header, message: &[u8]) -> u16 {
    let mut sum = u32::from(ICMPV6) + message.len() as u32;
    let mut add = |octets: &[u8]| {
        let (pairs, odd) = octets.as_chunks::<2>();
        for pair in pairs {
            sum = sum.wrapping_add(u16::from_be_bytes(*pair).into());
        }
        if let Some(last) = odd.first() {
            sum = sum.wrapping_add(u32::from(*last) << 8);
        }
    };
    add(&header.source);
    add(&header.destination);
    add(message);
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    !(sum as u16)
}

/// Walks through the options of a message: type, and the octets behind type and length (RFC 4861, section 4.6).
#[derive(Clone, Debug)]
pub struct Options<'m>(&'m [u8]);

impl<'m> Options<'m> {
    /// Takes the options of a message. `None` when one has the length zero or leaves the message: the whole message is then no good
    /// (RFC 4861, section 4.6).
    pub fn new(octets: &'m [u8]) -> Option<Self> {
        let mut all = Self(octets);
        for _ in all.by_ref() {}
        all.0.is_empty().then_some(Self(octets))
    }

    /// Finds the hardware address in the option of this type.
    pub fn mac(&self, kind: u8) -> Option<Mac> {
        let (_, value) = self.clone().find(|option| option.0 == kind)?;
        value.first_chunk().copied()
    }
}

impl<'m> Iterator for Options<'m> {
    type Item = (u8, &'m [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [kind, units, ..] = *self.0 else {
            return None;
        };
        // The length counts units of eight octets. Zero leaves no room for type and length themselves.
        let (option, rest) = self.0.split_at_checked(usize::from(units) * 8)?;
        let value = option.get(2..)?;
        self.0 = rest;
        Some((kind, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn options_that_do_not_end_where_the_message_ends_are_none() {
        let good = [1, 1, 2, 0, 0, 0, 0, 9, 5, 1, 0, 0, 0, 0, 5, 220];
        let options = Options::new(&good).unwrap();
        assert_eq!(options.mac(1), Some([2, 0, 0, 0, 0, 9]));
        assert_eq!(options.mac(2), None);
        assert_eq!(options.count(), 2);
        for len in 1..16 {
            assert_eq!(Options::new(&good[..len]).is_some(), len == 8, "{len}");
        }
        let mut zero = good;
        zero[9] = 0;
        assert!(Options::new(&zero).is_none());
        let mut long = good;
        long[9] = 2;
        assert!(Options::new(&long).is_none());
        assert_eq!(Options::new(&[]).unwrap().count(), 0);
    }

    fn checksum_of(source: &str, destination: &str, message: &[u8]) -> u16 {
        let address = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
        let header = Header {
            version_class_flow: U32::new(6 << 28),
            payload_len: U16::new(message.len() as u16),
            next: ICMPV6,
            hop_limit: HOP_LIMIT,
            source: address(source),
            destination: address(destination),
        };
        checksum(&header, message)
    }

    /// Figures of another implementation. The tests of the messages only have the checksum checked by itself.
    #[test]
    fn checksums_of_known_messages() {
        // An echo request, and the same with an odd number of octets.
        let echo = [0x80, 0, 0, 0, 0x12, 0x34, 0xab, 0xcd, 0xaa, 0, 0, 0xff];
        assert_eq!(checksum_of("fe80::1", "fe80::2", &echo), 0x19b3);
        let odd = [0x80, 0, 0, 0, 0x12, 0x34, 0xab, 0xcd, 0xaa, 0, 0xff];
        assert_eq!(checksum_of("fe80::1", "fe80::2", &odd), 0x1bb2);
        // A neighbour solicitation with the sender's hardware address.
        let mut question = vec![135, 0, 0, 0, 0, 0, 0, 0];
        question.extend("fe80::1".parse::<Ipv6Addr>().unwrap().octets());
        question.extend([1, 1, 2, 0, 0, 0, 0, 9]);
        assert_eq!(checksum_of("fe80::9", "ff02::1:ff00:1", &question), 0x7a89);
        // Sums that carry often, once, and not at all (RFC 1071, section 1).
        let ones = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        assert_eq!(checksum_of(ones, ones, &[0xff, 0xff, 0, 0]), 0xffc1);
        assert_eq!(checksum_of("::", "::", &[0xff, 0xc3, 0, 0]), 0xfffd);
        assert_eq!(checksum_of("::", "::", &[0xff, 0xc1, 0, 0]), 0);
        assert_eq!(checksum_of("::", "::", &[]), !58);
    }

    proptest! {
        #[test]
        fn options_end(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Some(options) = Options::new(&octets) {
                prop_assert!(options.count() <= octets.len() / 8);
            }
        }
    }
}
