//! Multicast Listener Discovery, version 2: which groups the host listens to (RFC 3810).
//!
//! A switch that snoops sends the question for a hardware address only to ports where somebody listens to its group. A host that never reports
//! its groups is not found there.

use crate::address::ALL_MLD_ROUTERS;
use crate::wire::{Envelope, HEADER, ICMPV6, Writer};
use core::net::Ipv6Addr;
use netboot_core::Duration;

/// Type of a query.
pub const QUERY: u8 = 130;
/// Type of a report of version 2.
const REPORT: u8 = 143;
/// The protocol number of the options for each router on the way.
const HOP_BY_HOP: u8 = 0;
/// Options for each router: ICMPv6 follows, a router alert for MLD (RFC 2711), and two octets that fill up (RFC 8200, section 4.2).
const ALERT: [u8; 8] = [ICMPV6, 0, 5, 2, 0, 0, 1, 0];
/// The record that says: from now on the host listens to this group, whoever sends to it (RFC 3810, section 5.2.12).
const CHANGE_TO_EXCLUDE: u8 = 4;
/// The record that says: the host listens to this group.
const IS_EXCLUDE: u8 = 2;
/// Response codes from this one on are floating-point numbers (RFC 3810, section 5.1.3).
const FLOAT: u16 = 0x8000;

/// Reads a query, whose checksum was found right. Gives the time within which the answer is wanted. `None` for another message and for one that
/// RFC 3810 has ignored (section 6.2).
pub fn query(envelope: &Envelope, message: &[u8]) -> Option<Duration> {
    let [kind, _, _, _, high, low, ..] = *message.first_chunk::<24>()?;
    let local = envelope.hop_limit == 1 && envelope.source.is_unicast_link_local();
    if kind != QUERY || !local {
        return None;
    }
    let code = u16::from_be_bytes([high, low]);
    // A query of version 1 is shorter and has the plain number of milliseconds there.
    let millis = match code {
        FLOAT.. if message.len() >= 28 => {
            let mantissa = u32::from(code & 0xfff) | 0x1000;
            mantissa << ((code >> 12 & 7) + 3)
        }
        _ => code.into(),
    };
    Some(Duration::from_millis(millis.into()))
}

/// Writes a report that the host listens to these groups, with `new` set when it has just begun to. Gives the packet's octets.
#[inline(never)]
pub fn report(buffer: &mut [u8], source: Ipv6Addr, groups: &[Ipv6Addr], new: bool) -> usize {
    let envelope = Envelope {
        source,
        destination: ALL_MLD_ROUTERS,
        hop_limit: 1,
    };
    let kind = match new {
        true => CHANGE_TO_EXCLUDE,
        false => IS_EXCLUDE,
    };
    let mut writer = Writer::new(buffer, &envelope, HOP_BY_HOP);
    writer.put(&ALERT);
    let count = groups.len() as u8;
    writer.put(&[REPORT, 0, 0, 0, 0, 0, 0, count]);
    for group in groups {
        writer.put(&[kind, 0, 0, 0]);
        writer.put(&group.octets());
    }
    writer.finish(HEADER + ALERT.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Header, PACKET_MAX, checksum};
    use zerocopy::FromBytes;

    fn asked() -> Envelope {
        Envelope {
            source: "fe80::1".parse().unwrap(),
            destination: "ff02::1".parse().unwrap(),
            hop_limit: 1,
        }
    }

    fn message(code: u16, len: usize) -> Vec<u8> {
        let mut message = vec![0; len];
        message[0] = QUERY;
        message[4..6].copy_from_slice(&code.to_be_bytes());
        message
    }

    #[test]
    fn a_report_octet_by_octet() {
        let groups =
            ["ff02::1:ff00:1", "ff02::1:ff00:2"].map(|text| text.parse::<Ipv6Addr>().unwrap());
        for (new, kind) in [(true, 4), (false, 2)] {
            let mut buffer = [0xaa; PACKET_MAX];
            let len = report(&mut buffer, "fe80::9".parse().unwrap(), &groups, new);
            assert_eq!(len, 40 + 8 + 8 + 40);
            let (header, rest) = Header::ref_from_prefix(&buffer[..len]).unwrap();
            assert_eq!((header.next, header.hop_limit), (0, 1));
            assert_eq!(header.payload_len.get(), 56);
            assert_eq!(Ipv6Addr::from(header.destination).to_string(), "ff02::16");
            assert_eq!(rest[..8], [58, 0, 5, 2, 0, 0, 1, 0]);
            assert_eq!(checksum(header, &rest[8..]), 0);
            assert_eq!((rest[8], rest[15]), (143, 2));
            assert_eq!(rest[16..20], [kind, 0, 0, 0]);
            assert_eq!(rest[20..36], groups[0].octets());
            assert_eq!(rest[36..40], [kind, 0, 0, 0]);
            assert_eq!(rest[40..56], groups[1].octets());
        }
    }

    /// A host has an address of each of three kinds, and so no more groups.
    #[test]
    fn a_report_of_three_groups_is_the_longest_packet() {
        let mut buffer = [0; 200];
        let len = report(
            &mut buffer,
            Ipv6Addr::UNSPECIFIED,
            &[ALL_MLD_ROUTERS; 3],
            true,
        );
        assert_eq!(len, 40 + 8 + 8 + 3 * 20);
        assert_eq!(PACKET_MAX, len);
    }

    #[test]
    fn the_time_that_a_query_gives() {
        let millis = |code, len| query(&asked(), &message(code, len)).map(Duration::as_millis);
        assert_eq!(millis(10_000, 28), Some(10_000));
        assert_eq!(millis(0x7fff, 28), Some(0x7fff));
        assert_eq!(millis(0x8000, 28), Some(0x1000 << 3));
        assert_eq!(millis(0xffff, 28), Some(0x1fff << 10));
        assert_eq!(millis(0xffff, 24), Some(0xffff), "version 1");
    }

    #[test]
    fn queries_that_are_ignored() {
        let good = message(1000, 28);
        assert!(query(&asked(), &good).is_some());
        let far = Envelope {
            hop_limit: 2,
            ..asked()
        };
        assert_eq!(query(&far, &good), None);
        let foreign = Envelope {
            source: "2001:db8::1".parse().unwrap(),
            ..asked()
        };
        assert_eq!(query(&foreign, &good), None);
        assert_eq!(query(&asked(), &good[..23]), None);
        let mut other = good;
        other[0] = 131;
        assert_eq!(query(&asked(), &other), None);
    }
}
