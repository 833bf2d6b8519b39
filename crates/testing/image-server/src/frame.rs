//! UDP datagrams in Ethernet frames, made and read by hand; TCP segments, read.
//!
//! DHCP talks to hosts that have no address yet, so it cannot go through an IP stack; and some faults
//! need frames that no stack would send.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress, IpProtocol,
    Ipv4Packet, Ipv4Repr, Ipv6Packet, TcpOption, TcpPacket, UdpPacket, UdpRepr,
};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4};

/// A UDP datagram and its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Ethernet source.
    pub from_mac: [u8; 6],
    /// Ethernet destination.
    pub to_mac: [u8; 6],
    /// Source address and port.
    pub from: SocketAddrV4,
    /// Destination address and port.
    pub to: SocketAddrV4,
    /// What it carries.
    pub payload: &'a [u8],
}

/// A UDP datagram over IPv6, and its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram6<'a> {
    /// Ethernet source.
    pub from_mac: [u8; 6],
    /// Source address and port.
    pub from: (Ipv6Addr, u16),
    /// Destination address and port.
    pub to: (Ipv6Addr, u16),
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Datagram6<'a> {
    /// Reads an IPv6/UDP frame without extension headers whose checksum is right.
    pub fn parse(frame: &'a [u8]) -> Option<Self> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv6 {
            return None;
        }
        let ip = Ipv6Packet::new_checked(ethernet.payload()).ok()?;
        if ip.next_header() != IpProtocol::Udp {
            return None;
        }
        let (from, to) = (ip.src_addr(), ip.dst_addr());
        let udp = UdpPacket::new_checked(ip.payload()).ok()?;
        if !udp.verify_checksum(&IpAddress::Ipv6(from), &IpAddress::Ipv6(to)) {
            return None;
        }
        Some(Self {
            from_mac: ethernet.src_addr().0,
            from: (from, udp.src_port()),
            to: (to, udp.dst_port()),
            payload: udp.payload(),
        })
    }
}

/// The Ethernet broadcast address.
pub const BROADCAST: [u8; 6] = [0xFF; 6];

impl<'a> Datagram<'a> {
    /// Reads an unfragmented IPv4/UDP frame whose checksums are right.
    pub fn parse(frame: &'a [u8]) -> Option<Self> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        if !ip.verify_checksum()
            || ip.next_header() != IpProtocol::Udp
            || ip.more_frags()
            || ip.frag_offset() != 0
        {
            return None;
        }
        let (from, to) = (ip.src_addr(), ip.dst_addr());
        let udp = UdpPacket::new_checked(ip.payload()).ok()?;
        if !udp.verify_checksum(&IpAddress::Ipv4(from), &IpAddress::Ipv4(to)) {
            return None;
        }
        Some(Self {
            from_mac: ethernet.src_addr().0,
            to_mac: ethernet.dst_addr().0,
            from: SocketAddrV4::new(from, udp.src_port()),
            to: SocketAddrV4::new(to, udp.dst_port()),
            payload: udp.payload(),
        })
    }

    /// The frame. The payload must fit into 65,507 octets; what is longer than the MTU goes out as it is.
    pub fn frame(&self) -> Vec<u8> {
        let checksums = ChecksumCapabilities::default();
        let udp = UdpRepr {
            src_port: self.from.port(),
            dst_port: self.to.port(),
        };
        let ip = Ipv4Repr {
            src_addr: *self.from.ip(),
            dst_addr: *self.to.ip(),
            next_header: IpProtocol::Udp,
            payload_len: udp.header_len() + self.payload.len(),
            hop_limit: 64,
        };
        let ethernet = EthernetRepr {
            src_addr: EthernetAddress(self.from_mac),
            dst_addr: EthernetAddress(self.to_mac),
            ethertype: EthernetProtocol::Ipv4,
        };
        let head = ethernet.buffer_len();
        let mut frame = vec![0; head + ip.buffer_len() + ip.payload_len];
        ethernet.emit(&mut EthernetFrame::new_unchecked(&mut frame[..]));
        let mut packet = Ipv4Packet::new_unchecked(&mut frame[head..]);
        ip.emit(&mut packet, &checksums);
        udp.emit(
            &mut UdpPacket::new_unchecked(packet.payload_mut()),
            &IpAddress::Ipv4(ip.src_addr),
            &IpAddress::Ipv4(ip.dst_addr),
            self.payload.len(),
            |payload| payload.copy_from_slice(self.payload),
            &checksums,
        );
        frame
    }
}

/// A TCP segment and its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Source address and port.
    pub from: SocketAddrV4,
    /// Destination address and port.
    pub to: SocketAddrV4,
    /// Sequence number of the first octet of the payload (or of SYN).
    pub sequence: u32,
    /// The next sequence number expected, where ACK is set.
    pub ack: Option<u32>,
    /// The window as it is in the header, to be scaled unless this is a SYN (RFC 7323).
    pub window: u16,
    /// Bits by which later windows are to be shifted: with SYN, if at all.
    pub scale: Option<u8>,
    /// What it carries.
    pub payload: &'a [u8],
}

/// The window scale option among `options` (RFC 7323, section 2.2).
fn scale(mut options: &[u8]) -> Option<u8> {
    while let Ok((rest, option)) = TcpOption::parse(options) {
        match option {
            TcpOption::WindowScale(bits) => return Some(bits),
            TcpOption::EndOfList => return None,
            _ if rest.len() >= options.len() => return None,
            _ => options = rest,
        }
    }
    None
}

impl<'a> Segment<'a> {
    /// Reads an IPv4/TCP frame. Checksums are not looked at: an observer counts what is on the wire.
    pub fn parse(frame: &'a [u8]) -> Option<Self> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        if ip.next_header() != IpProtocol::Tcp || ip.more_frags() || ip.frag_offset() != 0 {
            return None;
        }
        let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
        Some(Self {
            from: SocketAddrV4::new(ip.src_addr(), tcp.src_port()),
            to: SocketAddrV4::new(ip.dst_addr(), tcp.dst_port()),
            sequence: tcp.seq_number().0 as u32,
            ack: tcp.ack().then(|| tcp.ack_number().0 as u32),
            window: tcp.window_len(),
            scale: tcp.syn().then(|| scale(tcp.options())).flatten(),
            payload: tcp.payload(),
        })
    }
}

/// A broadcast frame of `octets` (at least 60, with nothing of use in it): a UDP datagram to the discard port.
pub fn noise(from_mac: [u8; 6], from: Ipv4Addr, octets: usize) -> Vec<u8> {
    const HEADERS: usize = 14 + 20 + 8;
    let payload = vec![0x5A; octets.clamp(60, 1_514) - HEADERS];
    Datagram {
        from_mac,
        to_mac: BROADCAST,
        from: SocketAddrV4::new(from, 9),
        to: SocketAddrV4::new(Ipv4Addr::BROADCAST, 9),
        payload: &payload,
    }
    .frame()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(payload: &[u8]) -> Datagram<'_> {
        Datagram {
            from_mac: [2, 0, 0, 0, 0, 1],
            to_mac: BROADCAST,
            from: "10.0.0.1:67".parse().unwrap(),
            to: "255.255.255.255:68".parse().unwrap(),
            payload,
        }
    }

    #[test]
    fn round_trip_and_every_flipped_bit_is_noticed() {
        let frame = sample(b"hello").frame();
        assert_eq!(Datagram::parse(&frame), Some(sample(b"hello")));
        // The Ethernet header is guarded by the FCS alone.
        for bit in 14 * 8..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(Datagram::parse(&damaged), Some(sample(b"hello")));
        }
    }

    #[test]
    fn noise_has_the_size_asked_for() {
        assert_eq!(noise([2; 6], Ipv4Addr::new(10, 0, 0, 1), 900).len(), 900);
        assert_eq!(noise([2; 6], Ipv4Addr::new(10, 0, 0, 1), 0).len(), 60);
        assert_eq!(
            noise([2; 6], Ipv4Addr::new(10, 0, 0, 1), 9_999).len(),
            1_514
        );
    }

    proptest! {
        #[test]
        fn any_octets_are_survived(mut frame in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Datagram::parse(&frame);
            if frame.len() > 34 {
                frame[12..14].copy_from_slice(&[0x08, 0x00]);
                frame[14] = 0x45;
                frame[23] = 17;
                let _ = Datagram::parse(&frame);
                frame[23] = 6;
                let _ = Segment::parse(&frame);
            }
        }
    }
}
