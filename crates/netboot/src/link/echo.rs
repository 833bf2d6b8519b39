//! Echo requests and their answers (RFC 792; RFC 4443, section 4).

use super::checksum;
use super::datagram::{v4, v6};
use super::ethernet::copy;
use core::net::IpAddr;

/// Protocol number of ICMP in IPv4.
const ICMP: u8 = 1;
/// Octets before the payload: type, code, checksum, identifier and sequence number.
const HEADER: usize = 8;
/// Types of messages of ICMP.
const REPLY: u8 = 0;
const REQUEST: u8 = 8;
/// Types of messages of ICMPv6, and its protocol number.
#[cfg(feature = "ipv6")]
const REPLY6: u8 = 129;
const REQUEST6: u8 = 128;
const ICMPV6: u8 = 58;

/// An echo request on its way, and the answer to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo {
    /// Whom it was sent to.
    pub to: IpAddr,
    /// Tells the answer from those to others.
    pub id: u16,
    pub sequence: u16,
    /// Octets of the answer's payload, once it has come.
    pub answer: Option<u16>,
}

/// Octets of a packet to this address with a payload of `len` octets.
pub(crate) fn packet_len(to: IpAddr, len: u16) -> usize {
    let header = match to {
        IpAddr::V4(_) => 20,
        IpAddr::V6(_) => 40,
    };
    header + HEADER + usize::from(len)
}

/// Writes a request with `len` octets of payload into `packet`. Gives its octets; 0 for addresses of two families, and for a payload that does not fit.
#[inline(never)]
pub(super) fn emit(packet: &mut [u8], source: IpAddr, echo: &Echo, len: u16) -> usize {
    let octets = len.saturating_add(HEADER as u16);
    let (kind, header, pseudo) = match (source, echo.to) {
        (IpAddr::V4(source), IpAddr::V4(to)) => (REQUEST, v4(packet, ICMP, octets, source, to), 0),
        (IpAddr::V6(source), IpAddr::V6(to)) => {
            let pseudo = u32::from(octets.to_be()) + u32::from(u16::from(ICMPV6).to_be());
            let pseudo = checksum::sum(pseudo, &source.octets());
            let pseudo = checksum::sum(pseudo, &to.octets());
            (REQUEST6, v6(packet, ICMPV6, octets, source, to), pseudo)
        }
        _ => return 0,
    };
    let end = header.saturating_add(octets.into());
    let Some(message) = packet.get_mut(header..end) else {
        return 0;
    };
    for (at, octet) in message.iter_mut().enumerate() {
        *octet = at as u8;
    }
    let [i0, i1] = echo.id.to_be_bytes();
    let [s0, s1] = echo.sequence.to_be_bytes();
    copy(message, &[kind, 0, 0, 0, i0, i1, s0, s1]);
    let sum = checksum::complement(checksum::sum(pseudo, message));
    copy(message.get_mut(2..).unwrap_or_default(), &sum);
    end
}

impl Echo {
    /// Takes the answer, if a packet of IPv4 is the one.
    #[inline(never)]
    pub(super) fn look(&mut self, packet: &[u8]) {
        let _ = self.look_at(packet);
    }

    fn look_at(&mut self, packet: &[u8]) -> Option<()> {
        let header = packet.first_chunk::<20>()?;
        let [a, b, c, d] = [header[12], header[13], header[14], header[15]];
        if header[9] != ICMP || self.to != IpAddr::from([a, b, c, d]) {
            return None;
        }
        let start = usize::from(header[0] & 0x0f) * 4;
        let end = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let body = packet.get(start..end)?;
        if !checksum::is_right(checksum::sum(0, body)) {
            return None;
        }
        self.take(body, REPLY)
    }

    /// Takes the answer, if a message of ICMPv6 is the one. Its checksum was found right.
    #[cfg(feature = "ipv6")]
    pub(super) fn look6(&mut self, source: core::net::Ipv6Addr, message: &[u8]) {
        if self.to == source {
            let _ = self.take(message, REPLY6);
        }
    }

    fn take(&mut self, message: &[u8], wanted: u8) -> Option<()> {
        let [kind, 0, _, _, i0, i1, s0, s1, payload @ ..] = message else {
            return None;
        };
        let [id, sequence] = [[*i0, *i1], [*s0, *s1]].map(u16::from_be_bytes);
        if *kind == wanted && id == self.id && sequence == self.sequence {
            self.answer = Some(payload.len() as u16);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr};

    const STATION: [u8; 4] = [10, 0, 2, 15];
    const SERVER: [u8; 4] = [10, 0, 2, 2];

    fn echo() -> Echo {
        Echo {
            to: SERVER.into(),
            id: 0x1234,
            sequence: 7,
            answer: None,
        }
    }

    /// An answer from smoltcp.
    fn answer(from: [u8; 4], id: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
        let caps = ChecksumCapabilities::default();
        let icmp = Icmpv4Repr::EchoReply {
            ident: id,
            seq_no: sequence,
            data,
        };
        let ip = Ipv4Repr {
            src_addr: from.into(),
            dst_addr: STATION.into(),
            next_header: IpProtocol::Icmp,
            payload_len: icmp.buffer_len(),
            hop_limit: 64,
        };
        let mut octets = vec![0; ip.buffer_len() + icmp.buffer_len()];
        let mut packet = Ipv4Packet::new_unchecked(&mut octets[..]);
        ip.emit(&mut packet, &caps);
        icmp.emit(
            &mut Icmpv4Packet::new_unchecked(packet.payload_mut()),
            &caps,
        );
        octets
    }

    #[test]
    fn smoltcp_reads_a_request() {
        for len in [0, 1, 64, 1472] {
            let mut packet = vec![0; packet_len(SERVER.into(), len)];
            assert_eq!(
                emit(&mut packet, STATION.into(), &echo(), len),
                packet.len()
            );
            let ip = Ipv4Packet::new_checked(&packet[..]).unwrap();
            assert!(ip.verify_checksum());
            assert_eq!(ip.dst_addr().octets(), SERVER);
            let icmp = Icmpv4Packet::new_checked(ip.payload()).unwrap();
            let read = Icmpv4Repr::parse(&icmp, &ChecksumCapabilities::default()).unwrap();
            let Icmpv4Repr::EchoRequest {
                ident,
                seq_no,
                data,
            } = read
            else {
                panic!("{read:?}");
            };
            assert_eq!((ident, seq_no, data.len()), (0x1234, 7, len.into()));
            let mut short = vec![0; packet.len() - 1];
            assert_eq!(emit(&mut short, STATION.into(), &echo(), len), 0);
        }
    }

    #[test]
    fn only_the_answer_to_the_request_counts() {
        let judge = |packet: &[u8]| {
            let mut echo = echo();
            echo.look(packet);
            echo.answer
        };
        let right = answer(SERVER, 0x1234, 7, b"data");
        assert_eq!(judge(&right), Some(4));
        // Padding of a short frame is not of the packet.
        assert_eq!(judge(&[&right[..], &[0; 18]].concat()), Some(4));
        assert_eq!(judge(&answer(STATION, 0x1234, 7, b"data")), None);
        assert_eq!(judge(&answer(SERVER, 0x1235, 7, b"data")), None);
        assert_eq!(judge(&answer(SERVER, 0x1234, 6, b"data")), None);
        for at in 20..right.len() {
            let mut damaged = right.clone();
            damaged[at] ^= 1;
            assert_eq!(judge(&damaged), None, "octet {at}");
        }
        for len in 0..right.len() {
            assert_eq!(judge(&right[..len]), None, "{len} octets");
        }
        let mut request = vec![0; 100];
        emit(&mut request, SERVER.into(), &echo(), 4);
        assert_eq!(judge(&request), None, "a request is no answer");
    }

    #[cfg(feature = "ipv6")]
    #[test]
    fn a_request_of_ipv6_is_answered() {
        use core::net::Ipv6Addr;
        use smoltcp::wire::{Icmpv6Packet, Icmpv6Repr, Ipv6Packet};
        let station = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9);
        let server = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
        let mut echo = Echo {
            to: server.into(),
            ..echo()
        };
        let mut packet = vec![0; packet_len(server.into(), 5)];
        assert_eq!(emit(&mut packet, station.into(), &echo, 5), packet.len());
        let ip = Ipv6Packet::new_checked(&packet[..]).unwrap();
        let caps = ChecksumCapabilities::default();
        let icmp = Icmpv6Packet::new_checked(ip.payload()).unwrap();
        let read = Icmpv6Repr::parse(&station, &server, &icmp, &caps).unwrap();
        let Icmpv6Repr::EchoRequest {
            ident,
            seq_no,
            data,
        } = read
        else {
            panic!("{read:?}");
        };
        let reply = Icmpv6Repr::EchoReply {
            ident,
            seq_no,
            data,
        };
        let mut message = vec![0; reply.buffer_len()];
        reply.emit(
            &server,
            &station,
            &mut Icmpv6Packet::new_unchecked(&mut message[..]),
            &caps,
        );
        echo.look6(station, &message);
        assert_eq!(echo.answer, None, "from somebody else");
        echo.look6(server, &message[..7]);
        assert_eq!(echo.answer, None, "a piece of it");
        echo.look6(server, &message);
        assert_eq!(echo.answer, Some(5));
    }
}
