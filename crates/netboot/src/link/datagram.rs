//! The way out for UDP: a datagram with its headers (RFC 768), in a packet of IPv4 (RFC 791) or IPv6 (RFC 8200).

use super::arrival::{UDP, UDP_HEADER};
use super::checksum;
use super::ethernet::copy;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The packet may not be cut into fragments, so that it needs no number of its own (RFC 6864, section 4.1).
const DONT_FRAGMENT: u8 = 0x40;
/// Routers that the packet may pass.
const HOP_LIMIT: u8 = 64;

/// Octets of a packet to this address with a payload of `len` octets.
pub(super) fn packet_len(to: IpAddr, len: usize) -> usize {
    let header = match to {
        IpAddr::V4(_) => 20 + UDP_HEADER,
        IpAddr::V6(_) => 40 + UDP_HEADER,
    };
    len.saturating_add(header)
}

/// Writes a packet with this payload into `packet`, from and to an address and a port each. Gives its octets; 0 for addresses of two families and
/// for a payload that does not fit.
#[inline(never)]
pub(super) fn emit(
    packet: &mut [u8],
    from: (IpAddr, u16),
    to: (IpAddr, u16),
    payload: &[u8],
) -> usize {
    let ((source, from), (destination, to)) = (from, to);
    // One that is too long for the length's field is too long for the packet.
    let len = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let len = len.saturating_add(UDP_HEADER as u16);
    let (header, addresses) = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            (v4(packet, UDP, len, source, destination), 8)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) if cfg!(feature = "ipv6") => {
            (v6(packet, UDP, len, source, destination), 32)
        }
        _ => return 0,
    };
    let end = header.saturating_add(len.into());
    let Some((head, datagram)) = packet
        .get_mut(..end)
        .and_then(|packet| packet.split_at_mut_checked(header))
    else {
        return 0;
    };
    let [f0, f1] = from.to_be_bytes();
    let [t0, t1] = to.to_be_bytes();
    let [l0, l1] = len.to_be_bytes();
    copy(datagram, &[f0, f1, t0, t1, l0, l1, 0, 0]);
    let (udp, body) = datagram
        .split_at_mut_checked(UDP_HEADER)
        .unwrap_or_default();
    copy(body, payload);
    // Words are summed in the order of memory.
    let pseudo = u32::from(len.to_be()) + u32::from(u16::from(UDP).to_be());
    let from = header.saturating_sub(addresses);
    let sum = checksum::sum(pseudo, head.get(from..).unwrap_or_default());
    let sum = checksum::sum(checksum::sum(sum, udp), body);
    let sum = match checksum::complement(sum) {
        // Zero would say that there is none.
        [0, 0] => [0xff, 0xff],
        sum => sum,
    };
    copy(udp.get_mut(6..).unwrap_or_default(), &sum);
    end
}

/// Writes a header of IPv4 before `len` octets of `protocol`. Gives its octets.
pub(super) fn v4(
    packet: &mut [u8],
    protocol: u8,
    len: u16,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> usize {
    let mut header = [0; 20];
    let [l0, l1] = len.saturating_add(20).to_be_bytes();
    header[0] = 0x45;
    header[2] = l0;
    header[3] = l1;
    header[6] = DONT_FRAGMENT;
    header[8] = HOP_LIMIT;
    header[9] = protocol;
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&destination.octets());
    let sum = checksum::complement(checksum::sum(0, &header));
    header[10..12].copy_from_slice(&sum);
    copy(packet, &header);
    header.len()
}

/// Writes a header of IPv6 before `len` octets of `protocol`. Gives its octets.
pub(super) fn v6(
    packet: &mut [u8],
    protocol: u8,
    len: u16,
    source: Ipv6Addr,
    destination: Ipv6Addr,
) -> usize {
    let mut header = [0; 40];
    let [l0, l1] = len.to_be_bytes();
    header[0] = 0x60;
    header[4] = l0;
    header[5] = l1;
    header[6] = protocol;
    header[7] = HOP_LIMIT;
    header[8..24].copy_from_slice(&source.octets());
    header[24..40].copy_from_slice(&destination.octets());
    copy(packet, &header);
    header.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{IpAddress, Ipv4Packet, Ipv6Packet, UdpPacket, UdpRepr};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    proptest! {
        /// smoltcp reads what is written, and finds every checksum right.
        #[test]
        fn another_stack_reads_it(
            payload in proptest::collection::vec(any::<u8>(), 0..600),
            ports in any::<(u16, u16)>(),
            v4 in any::<([u8; 4], [u8; 4])>(),
            v6 in any::<([u8; 16], [u8; 16])>(),
            is_v6 in any::<bool>(),
        ) {
            let is_v6 = is_v6 && cfg!(feature = "ipv6");
            let (source, destination): (IpAddr, IpAddr) = match is_v6 {
                true => (v6.0.into(), v6.1.into()),
                false => (v4.0.into(), v4.1.into()),
            };
            let mut packet = vec![0xaa; 700];
            let expected = packet_len(destination, payload.len());
            let len = emit(&mut packet, (source, ports.0), (destination, ports.1), &payload);
            prop_assert_eq!(len, expected);
            let packet = &packet[..len];
            let datagram = if is_v6 {
                let read = Ipv6Packet::new_checked(packet).unwrap();
                prop_assert_eq!(read.total_len(), len);
                prop_assert_eq!((read.hop_limit(), u8::from(read.next_header())), (64, 17));
                prop_assert_eq!(IpAddr::from(read.src_addr()), source);
                prop_assert_eq!(IpAddr::from(read.dst_addr()), destination);
                &packet[40..]
            } else {
                let read = Ipv4Packet::new_checked(packet).unwrap();
                prop_assert!(read.verify_checksum() && read.dont_frag() && !read.more_frags());
                prop_assert_eq!(usize::from(read.total_len()), len);
                prop_assert_eq!((read.hop_limit(), u8::from(read.next_header())), (64, 17));
                prop_assert_eq!(IpAddr::from(read.src_addr()), source);
                prop_assert_eq!(IpAddr::from(read.dst_addr()), destination);
                &packet[20..]
            };
            let addresses = (IpAddress::from(source), IpAddress::from(destination));
            let read = UdpPacket::new_checked(datagram).unwrap();
            prop_assert!(read.checksum() != 0);
            // Port 0 is nobody's, and smoltcp refuses it.
            if ports.1 != 0 {
                let caps = ChecksumCapabilities::default();
                let repr = UdpRepr::parse(&read, &addresses.0, &addresses.1, &caps).unwrap();
                prop_assert_eq!((repr.src_port, repr.dst_port), ports);
            }
            prop_assert_eq!(read.payload(), &payload[..]);
        }
    }

    #[test]
    fn what_cannot_be_sent_is_nothing() {
        let mut packet = [0; 100];
        let from = (ip("10.0.0.1"), 1);
        assert_eq!(emit(&mut packet, from, (ip("fd00::1"), 1), b"data"), 0);
        assert_eq!(emit(&mut packet, from, (ip("10.0.0.2"), 1), &[0; 73]), 0);
        assert_eq!(emit(&mut packet, from, (ip("10.0.0.2"), 1), &[0; 72]), 100);
    }

    /// A checksum of zero means that there is none (RFC 768).
    #[test]
    fn a_sum_of_zero_is_sent_as_all_ones() {
        let mut packet = [0; 100];
        let (from, to) = ((ip("10.0.0.1"), 1), (ip("10.0.0.2"), 2));
        let len = emit(&mut packet, from, to, &[0, 0]);
        let sum = [packet[26], packet[27]];
        let len = emit(&mut packet[..len], from, to, &sum);
        assert_eq!(packet[26..28], [0xff, 0xff], "{len}");
    }
}
