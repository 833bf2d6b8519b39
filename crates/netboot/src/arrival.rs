//! What a frame is, before smoltcp sees it.
//!
//! The checksum of UDP and TCP is looked at here, and not again by smoltcp. A datagram for the TFTP port is read where
//! the device put it; everything out of the ordinary goes smoltcp's way.

use crate::checksum;
use core::net::Ipv4Addr;
use core::ops::Range;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, UdpPacket,
};

/// Octets of the headers of a datagram without IP options.
const HEADERS: usize = 14 + 20 + 8;

/// A UDP datagram that lies in the device's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub source: Ipv4Addr,
    pub port: u16,
    /// Its payload, in the frame.
    pub payload: Range<usize>,
}

/// Whose datagrams are read in place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Direct {
    pub mac: EthernetAddress,
    pub address: Ipv4Addr,
    pub port: u16,
}

/// What to do with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// smoltcp knows.
    Other,
    /// A fragment, which nobody puts together here, or damaged.
    Damaged,
    /// For [`Direct`].
    Datagram(Datagram),
}

/// Looks at a frame.
#[inline(never)]
pub(crate) fn look(frame: &[u8], direct: Option<Direct>) -> Arrival {
    let Ok(ethernet) = EthernetFrame::new_checked(frame) else {
        return Arrival::Other;
    };
    if ethernet.ethertype() != EthernetProtocol::Ipv4 {
        return Arrival::Other;
    }
    let Ok(ip) = Ipv4Packet::new_checked(ethernet.payload()) else {
        return Arrival::Damaged;
    };
    let protocol = ip.next_header();
    let body = ip.payload();
    let (body, udp) = match protocol {
        IpProtocol::Udp => match UdpPacket::new_checked(body) {
            Ok(udp) => (body.get(..usize::from(udp.len())), Some(udp)),
            Err(_) => return Arrival::Damaged,
        },
        IpProtocol::Tcp => (Some(body), None),
        _ => return Arrival::Other,
    };
    let body = body.unwrap_or_default();
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    // The sum is over the order of memory, these two are over that of the wire.
    let start = u32::from(length.to_be()) + u32::from(u16::from(u8::from(protocol)).to_be());
    let source = ip.src_addr();
    let start = checksum::sum(start, &source.octets());
    let start = checksum::sum(start, &ip.dst_addr().octets());
    // A UDP sender may leave it out (RFC 768).
    let unchecked = udp.as_ref().is_some_and(|udp| udp.checksum() == 0);
    if ip.more_frags()
        || ip.frag_offset() != 0
        || !(unchecked || checksum::is_right(checksum::sum(start, body)))
    {
        return Arrival::Damaged;
    }
    match (udp, direct) {
        (Some(udp), Some(direct))
            if udp.dst_port() == direct.port
                && !unchecked
                && ip.version() == 4
                && ip.header_len() == 20
                && ip.dst_addr() == direct.address
                && ethernet.dst_addr() == direct.mac
                && ip.verify_checksum() =>
        {
            Arrival::Datagram(Datagram {
                source,
                port: udp.src_port(),
                payload: HEADERS..HEADERS.saturating_add(udp.payload().len()),
            })
        }
        _ => Arrival::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{EthernetRepr, Ipv4Repr, UdpRepr};

    const MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
    const STATION: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
    const DIRECT: Option<Direct> = Some(Direct {
        mac: MAC,
        address: STATION,
        port: 50_000,
    });

    /// A datagram from port 69 with the checksums of smoltcp, and padding as of a short frame.
    fn frame(payload: &[u8]) -> Vec<u8> {
        let udp = UdpRepr {
            src_port: 69,
            dst_port: 50_000,
        };
        let ip = Ipv4Repr {
            src_addr: SERVER,
            dst_addr: STATION,
            next_header: IpProtocol::Udp,
            payload_len: 8 + payload.len(),
            hop_limit: 64,
        };
        let ethernet = EthernetRepr {
            src_addr: EthernetAddress([2, 0, 0, 0, 0, 2]),
            dst_addr: MAC,
            ethertype: EthernetProtocol::Ipv4,
        };
        let mut octets = vec![0; (HEADERS + payload.len()).max(60)];
        let caps = ChecksumCapabilities::default();
        let mut frame = EthernetFrame::new_unchecked(&mut octets[..]);
        ethernet.emit(&mut frame);
        let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
        ip.emit(&mut packet, &caps);
        let mut datagram = UdpPacket::new_unchecked(packet.payload_mut());
        udp.emit(
            &mut datagram,
            &SERVER.into(),
            &STATION.into(),
            payload.len(),
            |to| to.copy_from_slice(payload),
            &caps,
        );
        octets
    }

    #[test]
    fn a_datagram_for_the_port_is_found_where_it_lies() {
        for length in [0, 1, 4, 17, 18, 19, 100, 1472] {
            let payload: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
            let frame = frame(&payload);
            let Arrival::Datagram(datagram) = look(&frame, DIRECT) else {
                panic!("{length} octets: {:?}", look(&frame, DIRECT));
            };
            assert_eq!((datagram.source, datagram.port), (SERVER, 69));
            assert_eq!(frame[datagram.payload], payload[..]);
            assert_eq!(look(&frame, None), Arrival::Other);
        }
    }

    #[test]
    fn every_flipped_bit_of_what_is_checked_is_noticed() {
        let good = frame(b"a block of data");
        // From the IP header to the end of the payload; padding is nobody's.
        for at in 14..HEADERS + 15 {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(
                    !matches!(look(&bad, DIRECT), Arrival::Datagram(_)),
                    "bit {bit} of octet {at}"
                );
            }
        }
    }

    #[test]
    fn others_go_the_ordinary_way() {
        let good = frame(b"data");
        // To everybody, on the lower layer.
        let mut broadcast = good.clone();
        broadcast[..6].fill(0xff);
        assert_eq!(look(&broadcast, DIRECT), Arrival::Other);
        // No checksum.
        let mut unchecked = good.clone();
        unchecked[40..42].fill(0);
        assert_eq!(look(&unchecked, DIRECT), Arrival::Other);
        // A fragment, with its header checksum mended.
        let mut fragment = good.clone();
        fragment[20] ^= 0x20;
        Ipv4Packet::new_unchecked(&mut fragment[14..]).fill_checksum();
        assert_eq!(look(&fragment, DIRECT), Arrival::Damaged);
        let mut arp = good;
        arp[12..14].copy_from_slice(&[0x08, 0x06]);
        assert_eq!(look(&arp, DIRECT), Arrival::Other);
    }
}
