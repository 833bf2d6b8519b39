//! What a frame with a packet of IPv6 is, before smoltcp sees it (RFC 8200).
//!
//! Headers that extend the packet's own are looked through, and checksums are verified. Messages of ICMPv6 and datagrams are read where the device
//! put them; only TCP goes smoltcp's way, and only without such headers, as every TCP sends it.

use super::arrival::{Arrival, Datagram, Direct, TCP, UDP, UDP_HEADER, UdpHeader};
use super::ipv6::Inet6;
use super::{Service, checksum};
use netboot_ndp::wire::{Envelope, HEADER, Header, ICMPV6};
use zerocopy::FromBytes;

/// Protocol numbers of the headers that extend a packet's own.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;
/// Number of such headers that are looked through. A packet with more is nobody's here.
const EXTENSIONS: u8 = 4;
/// UDP port of a DHCPv6 client (RFC 8415, section 7.2).
const DHCP_CLIENT: u16 = 546;

/// Looks at a packet of IPv6 and the padding behind it, as they stand in `frame` from `start` on. With `verified` the device has checked the
/// checksum of UDP or TCP.
#[inline(never)]
pub(super) fn look(
    frame: &[u8],
    start: usize,
    inet: &Inet6,
    direct: Direct,
    verified: bool,
) -> Arrival {
    let packet = frame.get(start..).unwrap_or_default();
    check(packet, start, inet, direct, verified).unwrap_or(Arrival::Dropped)
}

/// Sorts a packet; `None` for a damaged one, and for one that is not for the station.
fn check(
    packet: &[u8],
    at: usize,
    inet: &Inet6,
    direct: Direct,
    verified: bool,
) -> Option<Arrival> {
    let (header, rest) = Header::ref_from_prefix(packet).ok()?;
    if header.version_class_flow.get() >> 28 != 6 {
        return None;
    }
    let mut body = rest.get(..usize::from(header.payload_len.get()))?;
    let mut next = header.next;
    let mut offset = HEADER;
    for _ in 0..EXTENSIONS {
        let [after, len, high, low, ..] = *body.first_chunk::<8>()?;
        let size = match next {
            HOP_BY_HOP | DESTINATION => 8 + 8 * usize::from(len),
            // A packet that has not come to the end of its way is not for the station.
            ROUTING if low == 0 => 8 + 8 * usize::from(len),
            // One that is whole has come through a translator (RFC 6946).
            FRAGMENT if u16::from_be_bytes([high, low]) & !6 == 0 => 8,
            FRAGMENT => return Some(Arrival::Fragment),
            _ => break,
        };
        next = after;
        body = body.get(size..)?;
        offset = offset.saturating_add(size);
    }
    let envelope = Envelope {
        source: header.source.into(),
        destination: header.destination.into(),
        hop_limit: header.hop_limit,
    };
    if envelope.source.is_multicast() {
        return None;
    }
    let mut udp = None;
    if next == UDP {
        let header = UdpHeader::ref_from_prefix(body).ok()?.0;
        body = body.get(..usize::from(header.len.get()))?;
        udp = Some(header);
    }
    if !(verified && next != ICMPV6) {
        // Words are summed in the order of memory. A checksum of zero is none, and there has to be one: the sum is then wrong.
        let pseudo = u32::from((body.len() as u16).to_be()) + u32::from(u16::from(next).to_be());
        let pseudo = checksum::sum(pseudo, &header.source);
        let pseudo = checksum::sum(pseudo, &header.destination);
        if !checksum::is_right(checksum::sum(pseudo, body)) {
            return None;
        }
    }
    let start = at.saturating_add(offset);
    let end = start.saturating_add(body.len());
    if next == ICMPV6 {
        return Some(Arrival::Control(envelope, start..end));
    }
    if !inet.has(envelope.destination) {
        return None;
    }
    let Some(udp) = udp else {
        return (next == TCP && offset == HEADER).then_some(Arrival::Other);
    };
    body.get(UDP_HEADER..)?;
    let datagram = Datagram {
        source: envelope.source.into(),
        port: udp.from.get(),
        payload: start.saturating_add(UDP_HEADER)..end,
    };
    let is = |wanted: Option<u16>| wanted.is_some_and(|port| udp.to == port);
    if udp.to == DHCP_CLIENT {
        return Some(Arrival::Message(Service::Dhcp6, datagram));
    }
    #[cfg(feature = "dns")]
    if is(direct.dns) {
        return Some(Arrival::Message(Service::Dns, datagram));
    }
    // Nobody listens to any other port: what comes there is nobody's.
    is(direct.port).then_some(Arrival::Datagram(datagram))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv6Addr;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        IpAddress, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket, UdpRepr,
    };

    const ETHERNET: usize = 14;
    const OWN: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9);
    const PEER: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
    const PORT: u16 = 50_000;
    const DIRECT: Direct = Direct {
        address: None,
        port: Some(PORT),
        #[cfg(feature = "dns")]
        dns: Some(PORT + 1),
    };

    fn inet() -> Inet6 {
        let mut inet = Inet6::new();
        inet.set([OWN].into_iter(), [].into_iter());
        inet
    }

    fn look(frame: &[u8]) -> Arrival {
        super::look(frame, ETHERNET, &inet(), DIRECT, false)
    }

    /// A packet in a frame, with padding behind it. `extensions` stand between header and payload, the type of the first one before
    /// them.
    fn frame(next: u8, extensions: &[u8], payload: &[u8]) -> Vec<u8> {
        let header = Header {
            version_class_flow: (6 << 28).into(),
            payload_len: ((extensions.len() + payload.len()) as u16).into(),
            next,
            hop_limit: 64,
            source: PEER.octets(),
            destination: OWN.octets(),
        };
        use zerocopy::IntoBytes;
        let mut frame = vec![0; ETHERNET];
        frame.extend(header.as_bytes());
        frame.extend(extensions);
        frame.extend(payload);
        frame.extend([0; 7]);
        frame
    }

    fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
        let ports = UdpRepr {
            src_port: 69,
            dst_port: port,
        };
        let mut datagram = vec![0; 8 + payload.len()];
        ports.emit(
            &mut UdpPacket::new_unchecked(&mut datagram[..]),
            &IpAddress::Ipv6(PEER),
            &IpAddress::Ipv6(OWN),
            payload.len(),
            |to| to.copy_from_slice(payload),
            &ChecksumCapabilities::default(),
        );
        datagram
    }

    fn tcp() -> Vec<u8> {
        let segment = TcpRepr {
            src_port: 80,
            dst_port: PORT,
            control: TcpControl::Syn,
            seq_number: TcpSeqNumber(1),
            ack_number: None,
            window_len: 1,
            window_scale: None,
            max_seg_size: Some(1_220),
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: &[],
        };
        let mut octets = vec![0; segment.buffer_len()];
        segment.emit(
            &mut TcpPacket::new_unchecked(&mut octets[..]),
            &IpAddress::Ipv6(PEER),
            &IpAddress::Ipv6(OWN),
            &ChecksumCapabilities::default(),
        );
        octets
    }

    #[test]
    fn each_port_has_its_reader() {
        for length in [0, 1, 2, 17, 512, 1_428] {
            let payload: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
            let frame = frame(UDP, &[], &udp(PORT, &payload));
            let Arrival::Datagram(datagram) = look(&frame) else {
                panic!("{length} octets: {:?}", look(&frame));
            };
            assert_eq!((datagram.source, datagram.port), (PEER.into(), 69));
            assert_eq!(frame[datagram.payload], payload[..]);
        }
        let service = |port| match look(&frame(UDP, &[], &udp(port, b"message"))) {
            Arrival::Message(service, _) => Some(service),
            other => {
                assert_eq!(other, Arrival::Dropped, "nobody's");
                None
            }
        };
        assert_eq!(service(546), Some(Service::Dhcp6));
        #[cfg(feature = "dns")]
        assert_eq!(service(PORT + 1), Some(Service::Dns));
        assert_eq!(service(9), None);
        assert_eq!(look(&frame(TCP, &[], &tcp())), Arrival::Other);
        assert_eq!(look(&frame(89, &[], &[0; 20])), Arrival::Dropped, "OSPF");
    }

    #[test]
    fn what_is_for_somebody_else_is_not_taken() {
        let mut other = Inet6::new();
        other.set([PEER].into_iter(), [OWN].into_iter());
        for packet in [
            frame(UDP, &[], &udp(PORT, b"data")),
            frame(TCP, &[], &tcp()),
        ] {
            let arrival = super::look(&packet, ETHERNET, &other, DIRECT, false);
            assert_eq!(arrival, Arrival::Dropped, "the address is only wanted yet");
        }
        let mut group = frame(UDP, &[], &udp(PORT, b"data"));
        group[ETHERNET + 8] = 0xff;
        assert_eq!(look(&group), Arrival::Dropped);
    }

    #[test]
    fn every_flipped_bit_of_what_is_checked_is_noticed() {
        let good = frame(UDP, &[], &udp(PORT, b"a block of data"));
        // Class, flow and hop limit are not checked; padding is nobody's.
        let checked = [0..1, 4..7, 8..40 + 8 + 15].into_iter().flatten();
        for at in checked {
            for bit in if at == 0 { 4..8 } else { 0..8 } {
                let mut bad = good.clone();
                bad[ETHERNET + at] ^= 1 << bit;
                let arrival = look(&bad);
                assert!(
                    !matches!(arrival, Arrival::Datagram(_)),
                    "bit {bit} of octet {at}"
                );
            }
        }
        let mut unchecked = good.clone();
        unchecked[ETHERNET + 46..ETHERNET + 48].fill(0);
        assert_eq!(
            look(&unchecked),
            Arrival::Dropped,
            "there has to be a checksum"
        );
        let mut damaged = good;
        damaged[ETHERNET + 48] ^= 1;
        let verified = super::look(&damaged, ETHERNET, &inet(), DIRECT, true);
        assert!(matches!(verified, Arrival::Datagram(_)));
    }

    #[test]
    fn headers_that_extend_the_packet_are_looked_through() {
        let payload = udp(PORT, b"data");
        let datagram = |first, extensions: &[u8]| look(&frame(first, extensions, &payload));
        let padded = |next| [next, 0, 1, 4, 0, 0, 0, 0];
        let is_read = |arrival| matches!(arrival, Arrival::Datagram(_));
        assert!(is_read(datagram(HOP_BY_HOP, &padded(UDP))));
        assert!(is_read(datagram(DESTINATION, &padded(UDP))));
        let two = [padded(DESTINATION), padded(UDP)].concat();
        assert!(is_read(datagram(HOP_BY_HOP, &two)));
        let long = [&[UDP, 1, 1, 12][..], &[0; 12]].concat();
        assert!(is_read(datagram(DESTINATION, &long)));
        // A router that the packet has passed; one that it still has to pass.
        assert!(is_read(datagram(ROUTING, &[UDP, 0, 4, 0, 0, 0, 0, 0])));
        assert_eq!(
            datagram(ROUTING, &[UDP, 0, 4, 1, 0, 0, 0, 0]),
            Arrival::Dropped
        );
        // A fragment that is all there is; the first of two; the second of two.
        assert!(is_read(datagram(FRAGMENT, &[UDP, 0, 0, 0, 0, 0, 0, 1])));
        assert_eq!(
            datagram(FRAGMENT, &[UDP, 0, 0, 1, 0, 0, 0, 1]),
            Arrival::Fragment
        );
        assert_eq!(
            datagram(FRAGMENT, &[UDP, 0, 0, 8, 0, 0, 0, 1]),
            Arrival::Fragment
        );
        let many = [padded(DESTINATION); 4].concat();
        assert_eq!(
            datagram(DESTINATION, &[many, padded(UDP).to_vec()].concat()),
            Arrival::Dropped
        );
        let leaves = [UDP, 200, 0, 0, 0, 0, 0, 0];
        assert_eq!(datagram(DESTINATION, &leaves), Arrival::Dropped);
        // No TCP sends such headers, and what reads TCP need not know them.
        assert_eq!(
            look(&frame(DESTINATION, &padded(TCP), &tcp())),
            Arrival::Dropped
        );
    }

    #[test]
    fn packets_that_are_cut_short() {
        let whole = frame(UDP, &[], &udp(PORT, b"data"));
        let end = whole.len() - 7;
        for len in ETHERNET..end {
            assert_eq!(look(&whole[..len]), Arrival::Dropped, "{len}");
        }
        assert!(matches!(look(&whole[..end]), Arrival::Datagram(_)));
    }
}
