//! Parses and builds the BOOTP message that carries DHCP (RFC 2131 section 2).
//!
//! [`Packet::parse`] checks every length once. [`Builder`] serves both directions, so that a server
//! can be built from the same codec.

use crate::options::{Options, code};
use core::fmt;
use core::net::Ipv4Addr;

/// UDP port of servers and relays.
pub const SERVER_PORT: u16 = 67;
/// UDP port of clients.
pub const CLIENT_PORT: u16 = 68;
/// UDP port on which a PXE server takes a unicast request (PXE 2.1 section 2.2.3).
pub const PXE_PORT: u16 = 4011;

const COOKIE: u32 = 0x6382_5363;
const ETHERNET: u8 = 1;
const BROADCAST_FLAG: u16 = 0x8000;
const SNAME_LEN: usize = 64;
const FILE_LEN: usize = 128;
/// Octets of the shortest message. Relays and servers of the BOOTP age drop shorter ones (RFC 1542 section 2.1).
const MIN_LEN: usize = 300;

/// DHCP message type, option 53 (RFC 2132 section 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MessageType {
    Discover,
    Offer,
    Request,
    Decline,
    Ack,
    Nak,
    Release,
    Inform,
}

impl MessageType {
    /// Gives the type for the octet in option 53.
    pub const fn from_wire(octet: u8) -> Option<Self> {
        Some(match octet {
            1 => Self::Discover,
            2 => Self::Offer,
            3 => Self::Request,
            4 => Self::Decline,
            5 => Self::Ack,
            6 => Self::Nak,
            7 => Self::Release,
            8 => Self::Inform,
            _ => return None,
        })
    }

    /// The octet in option 53.
    pub const fn to_wire(self) -> u8 {
        match self {
            Self::Discover => 1,
            Self::Offer => 2,
            Self::Request => 3,
            Self::Decline => 4,
            Self::Ack => 5,
            Self::Nak => 6,
            Self::Release => 7,
            Self::Inform => 8,
        }
    }
}

/// Why a datagram is no DHCP message of an Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The datagram is too short, or an option is cut short.
    Malformed,
    /// The datagram is not for an Ethernet, or has no magic cookie or no DHCP message type. It is plain BOOTP or something else.
    NotDhcp,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseError::Malformed => {
                "a DHCP datagram is too short, or one of its options is cut short"
            }
            ParseError::NotDhcp => "a datagram on a DHCP port is no DHCP message of an Ethernet",
        })
    }
}

impl core::error::Error for ParseError {}

/// The fixed fields that the client needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Set for a message of a server (BOOTREPLY), not set for one of a client.
    pub reply: bool,
    /// Transaction id.
    pub xid: u32,
    /// Seconds since the client began (`secs`).
    pub secs: u16,
    /// Set when the client cannot take unicast yet (flag BROADCAST).
    pub broadcast: bool,
    /// The client's address, if it owns one (`ciaddr`).
    pub ciaddr: Ipv4Addr,
    /// The address that the server gives to the client (`yiaddr`).
    pub yiaddr: Ipv4Addr,
    /// The server to boot from (`siaddr`).
    pub siaddr: Ipv4Addr,
    /// The relay (`giaddr`).
    pub giaddr: Ipv4Addr,
    /// The client's MAC address.
    pub chaddr: [u8; 6],
}

/// One DHCP message, borrowed from its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed fields.
    pub header: Header,
    /// The message type (option 53).
    pub message: MessageType,
    /// Server name, padded with NUL. Empty when the field holds options.
    pub sname: &'a [u8],
    /// Boot file name, padded with NUL. Empty when the field holds options.
    pub file: &'a [u8],
    /// All options.
    pub options: Options<'a>,
}

impl<'a> Packet<'a> {
    /// Parses one datagram, from a server or a client.
    ///
    /// # Errors
    /// Fails with a [`ParseError`], which says what is wrong.
    #[inline(never)]
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let (fixed, options) = datagram.split_first_chunk().ok_or(ParseError::Malformed)?;
        let [op, htype, hlen, _hops] = four(fixed, 0);
        let [secs_high, secs_low, flags, _] = four(fixed, 8);
        let [mac_0, mac_1, mac_2, mac_3] = four(fixed, 28);
        let [mac_4, mac_5, ..] = four(fixed, 32);
        let header = Header {
            reply: op == 2,
            xid: u32::from_be_bytes(four(fixed, 4)),
            secs: u16::from_be_bytes([secs_high, secs_low]),
            broadcast: flags & BROADCAST_FLAG.to_be_bytes()[0] != 0,
            ciaddr: Ipv4Addr::from_octets(four(fixed, 12)),
            yiaddr: Ipv4Addr::from_octets(four(fixed, 16)),
            siaddr: Ipv4Addr::from_octets(four(fixed, 20)),
            giaddr: Ipv4Addr::from_octets(four(fixed, 24)),
            chaddr: [mac_0, mac_1, mac_2, mac_3, mac_4, mac_5],
        };
        let sname = fixed.get(SNAME_AT..FILE_AT).unwrap_or_default();
        let file = fixed.get(FILE_AT..COOKIE_AT).unwrap_or_default();
        if !matches!(op, 1 | 2)
            || htype != ETHERNET
            || hlen != 6
            || four(fixed, COOKIE_AT) != COOKIE.to_be_bytes()
        {
            return Err(ParseError::NotDhcp);
        }
        let options = Options::parse(options, file, sname);
        let message = options
            .octet(code::MESSAGE_TYPE)
            .and_then(MessageType::from_wire)
            .ok_or(ParseError::NotDhcp)?;
        Ok(Self {
            header,
            message,
            sname: if options.uses_sname() { &[] } else { sname },
            file: if options.uses_file() { &[] } else { file },
            options,
        })
    }
}

/// Offset of `sname`: behind `chaddr`, of which an Ethernet address fills 6 of 16 octets.
const SNAME_AT: usize = 44;
const FILE_AT: usize = SNAME_AT + SNAME_LEN;
const COOKIE_AT: usize = FILE_AT + FILE_LEN;
/// Octets of the fields of fixed length and the cookie.
const FIXED_LEN: usize = COOKIE_AT + 4;

/// The four octets at `at`. The function is not inlined, because the fields lie at any address and each octet is a load.
#[inline(never)]
fn four(fixed: &[u8; FIXED_LEN], at: usize) -> [u8; 4] {
    let found = fixed.get(at..).and_then(|rest| rest.first_chunk());
    found.copied().unwrap_or_default()
}

/// Writes a message: the fixed fields first, then options, then END and padding.
///
/// When something did not fit, [`finish`](Builder::finish) returns `None`.
#[derive(Debug)]
pub struct Builder<'a> {
    rest: &'a mut [u8],
    len: usize,
    overflow: bool,
}

impl<'a> Builder<'a> {
    /// Begins a message at the start of `buf`. `sname` and `file` are cut to 64 and 128 octets.
    pub fn new(
        buf: &'a mut [u8],
        header: &Header,
        message: MessageType,
        sname: &[u8],
        file: &[u8],
    ) -> Self {
        let mut out = Self::empty(buf);
        out.put(&[if header.reply { 2 } else { 1 }, ETHERNET, 6, 0]);
        out.put(&header.xid.to_be_bytes());
        out.put(&header.secs.to_be_bytes());
        let flags = if header.broadcast { BROADCAST_FLAG } else { 0 };
        out.put(&flags.to_be_bytes());
        for address in [header.ciaddr, header.yiaddr, header.siaddr, header.giaddr] {
            out.put(&address.octets());
        }
        out.put(&header.chaddr);
        out.put(&[0; 10]);
        out.put_padded(sname, SNAME_LEN);
        out.put_padded(file, FILE_LEN);
        out.put(&COOKIE.to_be_bytes());
        out.option(code::MESSAGE_TYPE, &[message.to_wire()]);
        out
    }

    /// Begins at the start of `buf`, with nothing in it.
    #[inline(always)]
    pub(crate) fn empty(buf: &'a mut [u8]) -> Self {
        Self {
            rest: buf,
            len: 0,
            overflow: false,
        }
    }

    /// Appends an option of up to 255 octets.
    pub fn option(&mut self, code: u8, data: &[u8]) {
        let Ok(len) = u8::try_from(data.len()) else {
            self.overflow = true;
            return;
        };
        self.put(&[code, len]);
        self.put(data);
    }

    /// Appends an option that holds one address.
    pub fn address(&mut self, code: u8, address: Ipv4Addr) {
        self.option(code, &address.octets());
    }

    /// Ends the message and returns its length in octets, at least 300. Returns `None` when the message did not fit.
    pub fn finish(mut self) -> Option<usize> {
        self.put(&[code::END]);
        self.put_padded(&[], MIN_LEN.saturating_sub(self.len));
        self.written()
    }

    /// Number of octets written. `None` when something did not fit.
    pub(crate) fn written(&self) -> Option<usize> {
        (!self.overflow).then_some(self.len)
    }

    /// Notes that something cannot be written.
    #[cfg(feature = "ipv6")]
    pub(crate) fn fail(&mut self) {
        self.overflow = true;
    }

    /// Appends `octets`, cut or padded with NUL to `len`.
    fn put_padded(&mut self, octets: &[u8], len: usize) {
        let rest = core::mem::take(&mut self.rest);
        let Some((head, tail)) = rest.split_at_mut_checked(len) else {
            self.overflow = true;
            return;
        };
        let padded = octets.iter().chain(core::iter::repeat(&0));
        for (to, from) in head.iter_mut().zip(padded) {
            *to = *from;
        }
        self.rest = tail;
        self.len = self.len.saturating_add(len);
    }

    /// Appends `octets`.
    pub(crate) fn put(&mut self, octets: &[u8]) {
        self.put_padded(octets, octets.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: Header = Header {
        reply: true,
        xid: 0x1234_5678,
        secs: 3,
        broadcast: true,
        ciaddr: Ipv4Addr::new(1, 2, 3, 4),
        yiaddr: Ipv4Addr::new(5, 6, 7, 8),
        siaddr: Ipv4Addr::new(9, 10, 11, 12),
        giaddr: Ipv4Addr::new(13, 14, 15, 16),
        chaddr: [2, 0, 0, 0, 0, 1],
    };

    #[test]
    fn round_trip_with_offsets_of_the_rfc() {
        let mut buf = [0xee; 576];
        let mut out = Builder::new(&mut buf, &HEADER, MessageType::Offer, b"name", b"file");
        out.address(code::SERVER_ID, HEADER.siaddr);
        let len = out.finish().unwrap();
        assert_eq!(len, 300);
        assert_eq!(buf[..4], [2, 1, 6, 0]);
        assert_eq!(buf[10..12], [0x80, 0]);
        assert_eq!(buf[28..34], HEADER.chaddr);
        assert_eq!(buf[44..49], *b"name\0");
        assert_eq!(buf[108..113], *b"file\0");
        assert_eq!(buf[236..243], [0x63, 0x82, 0x53, 0x63, 53, 1, 2]);
        let packet = Packet::parse(&buf[..len]).unwrap();
        assert_eq!(packet.header, HEADER);
        assert_eq!(packet.message, MessageType::Offer);
        assert_eq!(packet.options.address(54), Some(HEADER.siaddr));
    }

    #[test]
    fn what_is_no_dhcp() {
        let mut buf = [0; 576];
        let len = Builder::new(&mut buf, &HEADER, MessageType::Ack, b"", b"")
            .finish()
            .unwrap();
        let good = buf[..len].to_vec();
        assert_eq!(Packet::parse(&good[..235]), Err(ParseError::Malformed));
        for (index, value) in [(0, 3), (1, 6), (2, 16), (236, 0), (242, 9), (240, 12)] {
            let mut bad = good.clone();
            bad[index] = value;
            assert_eq!(Packet::parse(&bad), Err(ParseError::NotDhcp), "{index}");
        }
        let mut cut = good[..243].to_vec();
        assert!(Packet::parse(&cut).is_ok(), "END may be missing");
        cut.extend([3, 4, 10]);
        assert_eq!(Packet::parse(&cut).unwrap().options.cut, Some(3));
    }

    #[test]
    fn what_does_not_fit_is_not_sent() {
        let mut buf = [0; 299];
        let out = Builder::new(&mut buf, &HEADER, MessageType::Ack, b"", b"");
        assert_eq!(out.finish(), None);
        let mut buf = [0; 576];
        let mut out = Builder::new(&mut buf, &HEADER, MessageType::Ack, b"", b"");
        out.option(43, &[0; 256]);
        assert_eq!(out.finish(), None);
    }

    proptest! {
        #[test]
        fn any_octets(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut wire = vec![2, 1, 6, 0];
            wire.extend(&tail);
            let _ = Packet::parse(&wire);
            let mut buf = [0; 576];
            let len = Builder::new(&mut buf, &HEADER, MessageType::Ack, b"", b"").finish().unwrap();
            let mut wire = buf[..len].to_vec();
            wire.truncate(243);
            wire.extend(&tail);
            let _ = Packet::parse(&wire);
        }
    }
}
