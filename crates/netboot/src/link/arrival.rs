//! What a frame is, before smoltcp sees it.
//!
//! The checksum of UDP and TCP is looked at here, and not again by smoltcp. A datagram for the TFTP port is read where
//! the device put it; everything else goes smoltcp's way.

use super::family::of_v4;
use super::{Address, Service, checksum};
use core::net::Ipv4Addr;
use core::ops::Range;
use zerocopy::network_endian::U16;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Protocol numbers of IP.
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
/// Octets of a UDP header.
pub(super) const UDP_HEADER: usize = 8;
/// UDP port of a DHCP client (RFC 2131, section 4.1).
const DHCP_CLIENT: u16 = 68;

/// The header of IPv4 (RFC 791, section 3.1).
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
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
pub(super) struct UdpHeader {
    pub from: U16,
    pub to: U16,
    pub len: U16,
    pub checksum: U16,
}

/// A UDP datagram that lies in the device's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Datagram {
    /// Address of the sender.
    pub source: Address,
    /// Port of the sender.
    pub port: u16,
    /// Where in the frame the payload is.
    pub payload: Range<usize>,
}

/// Says for whom datagrams are read in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Direct {
    /// The station's address. Without one, a DHCP message for any address is taken: servers send it to the address that they
    /// offer, whatever the client has asked for (RFC 1542, section 3.1.1).
    pub address: Option<Ipv4Addr>,
    /// The port of the transfer.
    pub port: Option<u16>,
    /// The port of a query for a name.
    #[cfg(feature = "dns")]
    pub dns: Option<u16>,
}

/// What to do with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The packet goes smoltcp's way.
    Other,
    /// The packet is damaged, or nobody here takes it.
    Dropped,
    /// The packet is a fragment. Nobody puts fragments together here.
    Fragment,
    /// The packet holds a datagram for the transfer.
    Datagram(Datagram),
    /// The packet holds a message for a service of the station.
    Message(Service, Datagram),
    /// The packet holds a message of ICMPv6.
    #[cfg(feature = "ipv6")]
    Control(netboot_ndp::wire::Envelope, Range<usize>),
}

/// Looks at an IP packet and the padding behind it, as they stand in `frame` from `start` on. With `verified` the device has
/// checked the checksum of UDP or TCP.
#[inline(never)]
pub(super) fn look(frame: &[u8], start: usize, direct: Direct, verified: bool) -> Arrival {
    let packet = frame.get(start..).unwrap_or_default();
    let Ok((header, _)) = Header::ref_from_prefix(packet) else {
        return Arrival::Dropped;
    };
    // The flag for more of them and the offset.
    if header.fragment.get() & 0x3fff != 0 {
        return Arrival::Fragment;
    }
    if !matches!(header.protocol, TCP | UDP) {
        return Arrival::Other;
    }
    match check(packet, start, header, direct, verified) {
        Some(arrival) => arrival,
        None => Arrival::Dropped,
    }
}

/// Sorts a packet with UDP or TCP in it; `None` for a damaged one, and for a datagram that nobody takes.
fn check(
    packet: &[u8],
    at: usize,
    header: &Header,
    direct: Direct,
    verified: bool,
) -> Option<Arrival> {
    // With options, up to 60 octets.
    let start = usize::from(header.version_ihl & 0x0f) * 4;
    let end = usize::from(header.total_len.get());
    let ip = packet.get(..start)?;
    let mut body = packet.get(start..end)?;
    let mut udp = None;
    if header.protocol == UDP {
        let header = UdpHeader::ref_from_prefix(body).ok()?.0;
        body = body.get(..usize::from(header.len.get()))?;
        udp = Some(header);
    }
    // Words are summed in the order of memory.
    let length = (body.len() as u16).to_be();
    let protocol = u16::from(header.protocol).to_be();
    let [source, destination] = header.addresses;
    let pseudo = u32::from(length) + u32::from(protocol);
    let pseudo = checksum::sum(pseudo, header.addresses.as_flattened());
    // A sender of UDP may leave it out.
    let unchecked = verified || udp.is_some_and(|udp| udp.checksum == 0);
    if !(unchecked || checksum::is_right(checksum::sum(pseudo, body))) {
        return None;
    }
    let Some(udp) = udp else {
        return Some(Arrival::Other);
    };
    let destination = Ipv4Addr::from(destination);
    let own = direct.address == Some(destination);
    let mut service = None;
    if udp.to == DHCP_CLIENT && (own || direct.address.is_none() || destination.is_broadcast()) {
        service = Some(Service::Dhcp);
    }
    let is = |wanted: Option<u16>| own && wanted.is_some_and(|port| udp.to == port);
    #[cfg(feature = "dns")]
    if is(direct.dns) {
        service = Some(Service::Dns);
    }
    // Nobody else takes datagrams.
    if service.is_none() && !is(direct.port)
        || header.version_ihl >> 4 != 4
        || !checksum::is_right(checksum::sum(0, ip))
    {
        return None;
    }
    body.get(UDP_HEADER..)?;
    let start = at.saturating_add(start);
    let datagram = Datagram {
        source: of_v4(source.into()),
        port: udp.from.get(),
        payload: start.saturating_add(UDP_HEADER)..start.saturating_add(body.len()),
    };
    Some(match service {
        Some(service) => Arrival::Message(service, datagram),
        None => Arrival::Datagram(datagram),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{
        EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpProtocol, Ipv4Packet,
        Ipv4Repr, UdpPacket, UdpRepr,
    };

    const ETHERNET: usize = 14;
    const HEADERS: usize = ETHERNET + 20 + UDP_HEADER;

    const MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
    const STATION: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
    const DIRECT: Direct = Direct {
        address: Some(STATION),
        port: Some(50_000),
        #[cfg(feature = "dns")]
        dns: None,
    };
    const NOBODY: Direct = Direct {
        address: None,
        port: None,
        #[cfg(feature = "dns")]
        dns: None,
    };

    fn look(frame: &[u8], direct: Direct, verified: bool) -> Arrival {
        super::look(frame, ETHERNET, direct, verified)
    }

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
            assert_eq!((datagram.source, datagram.port), (of_v4(SERVER), 69));
            assert_eq!(frame[datagram.payload], payload[..]);
            assert_eq!(look(&frame, NOBODY, false), Arrival::Dropped);
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
        assert_eq!(look(&damaged, DIRECT, false), Arrival::Dropped);
        assert!(matches!(look(&damaged, DIRECT, true), Arrival::Datagram(_)));
    }

    #[test]
    fn others_go_the_ordinary_way() {
        let good = frame(b"data");
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
        assert_eq!(look(&fragment, DIRECT, false), Arrival::Fragment);
    }

    #[test]
    fn dhcp_messages_are_found_whatever_their_destination_while_there_is_no_address() {
        let mut dhcp = frame(b"a DHCP message");
        dhcp[36..38].copy_from_slice(&68u16.to_be_bytes());
        dhcp[40..42].fill(0);
        let taken = |direct| {
            matches!(
                look(&dhcp, direct, false),
                Arrival::Message(Service::Dhcp, _)
            )
        };
        assert!(taken(NOBODY), "to the address that is offered");
        assert!(taken(DIRECT), "to the address that the station has");
        let another = Direct {
            address: Some(Ipv4Addr::new(10, 0, 2, 16)),
            ..NOBODY
        };
        assert!(!taken(another));
        let mut everybody = dhcp.clone();
        everybody[30..34].fill(0xff);
        Ipv4Packet::new_unchecked(&mut everybody[14..]).fill_checksum();
        assert!(matches!(
            look(&everybody, another, false),
            Arrival::Message(Service::Dhcp, _)
        ));
    }
}
