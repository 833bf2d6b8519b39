//! What a frame is, before smoltcp sees it.
//!
//! The checksum of UDP and TCP is looked at here, and not again by smoltcp. A datagram for the TFTP port is read where
//! the device put it; everything else goes smoltcp's way.

use super::checksum;
use core::net::Ipv4Addr;
use core::ops::Range;
use smoltcp::wire::EthernetAddress;
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Octets in an Ethernet header.
const ETHERNET: usize = 14;
/// EtherType of IPv4.
const IPV4: u16 = 0x0800;
/// Protocol numbers of IP.
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Octets of a UDP header.
const UDP_HEADER: usize = 8;

/// Ethernet and IPv4 (RFC 791, section 3.1).
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Headers {
    destination: [u8; 6],
    _source: [u8; 6],
    ethertype: U16,
    version_ihl: u8,
    _tos: u8,
    total_len: U16,
    _id: U16,
    fragment: U16,
    _ttl: u8,
    protocol: u8,
    _checksum: U16,
    /// Source and destination.
    addresses: [[u8; 4]; 2],
}

/// UDP (RFC 768).
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct UdpHeader {
    from: U16,
    to: U16,
    len: U16,
    checksum: U16,
}

/// A UDP datagram that lies in the device's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Datagram {
    /// Address of the sender.
    pub source: Ipv4Addr,
    /// Port of the sender.
    pub port: u16,
    /// Where in the frame the payload is.
    pub payload: Range<usize>,
}

/// Names the station and the port whose datagrams are read in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Direct {
    pub mac: EthernetAddress,
    pub address: Ipv4Addr,
    pub port: u16,
}

/// What to do with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The frame goes smoltcp's way.
    Other,
    /// The frame is damaged, or a fragment, which nobody puts together here.
    Damaged,
    /// The frame holds a datagram for [`Direct`].
    Datagram(Datagram),
}

/// Looks at a frame. With `verified` the device has checked the checksum of UDP or TCP.
#[inline(never)]
pub(super) fn look(frame: &[u8], direct: Option<Direct>, verified: bool) -> Arrival {
    let Ok((headers, _)) = Headers::ref_from_prefix(frame) else {
        return Arrival::Other;
    };
    if headers.ethertype != IPV4 || !matches!(headers.protocol, TCP | UDP) {
        return Arrival::Other;
    }
    match check(frame, headers, direct, verified) {
        Some(arrival) => arrival,
        None => Arrival::Damaged,
    }
}

/// Sorts a frame with UDP or TCP in it; `None` for a damaged one.
fn check(
    frame: &[u8],
    headers: &Headers,
    direct: Option<Direct>,
    verified: bool,
) -> Option<Arrival> {
    // With options, up to 60 octets.
    let start = ETHERNET + usize::from(headers.version_ihl & 0x0f) * 4;
    let end = ETHERNET + usize::from(headers.total_len.get());
    let ip = frame.get(ETHERNET..start)?;
    let mut body = frame.get(start..end)?;
    // The flag for more of them and the offset.
    let fragment = headers.fragment.get() & 0x3fff != 0;
    let mut udp = None;
    if headers.protocol == UDP {
        let header = UdpHeader::ref_from_prefix(body).ok()?.0;
        body = body.get(..usize::from(header.len.get()))?;
        udp = Some(header);
    }
    // Words are summed in the order of memory.
    let length = (body.len() as u16).to_be();
    let protocol = u16::from(headers.protocol).to_be();
    let [source, destination] = headers.addresses;
    let pseudo = u32::from(length) + u32::from(protocol);
    let pseudo = checksum::sum(pseudo, headers.addresses.as_flattened());
    // A sender of UDP may leave it out.
    let unchecked = verified || udp.is_some_and(|udp| udp.checksum == 0);
    if fragment || !(unchecked || checksum::is_right(checksum::sum(pseudo, body))) {
        return None;
    }
    let (Some(udp), Some(direct)) = (udp, direct) else {
        return Some(Arrival::Other);
    };
    if udp.to != direct.port
        || destination != direct.address.octets()
        || headers.destination != direct.mac.0
        || headers.version_ihl >> 4 != 4
        || !checksum::is_right(checksum::sum(0, ip))
    {
        return Some(Arrival::Other);
    }
    body.get(UDP_HEADER..)?;
    Some(Arrival::Datagram(Datagram {
        source: source.into(),
        port: udp.from.get(),
        payload: start.saturating_add(UDP_HEADER)..start.saturating_add(body.len()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        EthernetFrame, EthernetProtocol, EthernetRepr, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket,
        UdpRepr,
    };

    const HEADERS: usize = ETHERNET + 20 + UDP_HEADER;

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
            let Arrival::Datagram(datagram) = look(&frame, DIRECT, false) else {
                panic!("{length} octets: {:?}", look(&frame, DIRECT, false));
            };
            assert_eq!((datagram.source, datagram.port), (SERVER, 69));
            assert_eq!(frame[datagram.payload], payload[..]);
            assert_eq!(look(&frame, None, false), Arrival::Other);
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
                    !matches!(look(&bad, DIRECT, false), Arrival::Datagram(_)),
                    "bit {bit} of octet {at}"
                );
            }
        }
    }

    #[test]
    fn what_the_device_has_verified_is_not_looked_at_again() {
        let mut damaged = frame(b"data");
        damaged[HEADERS] ^= 1;
        assert_eq!(look(&damaged, DIRECT, false), Arrival::Damaged);
        assert!(matches!(look(&damaged, DIRECT, true), Arrival::Datagram(_)));
    }

    #[test]
    fn others_go_the_ordinary_way() {
        let good = frame(b"data");
        // To everybody, on the lower layer.
        let mut broadcast = good.clone();
        broadcast[..6].fill(0xff);
        assert_eq!(look(&broadcast, DIRECT, false), Arrival::Other);
        // No checksum: a UDP sender may do that.
        let mut unchecked = good.clone();
        unchecked[40..42].fill(0);
        assert!(matches!(
            look(&unchecked, DIRECT, false),
            Arrival::Datagram(_)
        ));
        // A fragment, with its header checksum mended.
        let mut fragment = good.clone();
        fragment[20] ^= 0x20;
        Ipv4Packet::new_unchecked(&mut fragment[14..]).fill_checksum();
        assert_eq!(look(&fragment, DIRECT, false), Arrival::Damaged);
        let mut arp = good;
        arp[12..14].copy_from_slice(&[0x08, 0x06]);
        assert_eq!(look(&arp, DIRECT, false), Arrival::Other);
    }
}
