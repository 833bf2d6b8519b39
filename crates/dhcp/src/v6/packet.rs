//! Parses and builds the messages between clients and servers (RFC 8415 section 8).
//!
//! [`Builder`] serves both directions, so that a server can be built from the same codec.

use super::options::Options;
use crate::packet::{self, ParseError};
use core::net::Ipv6Addr;

/// UDP port of servers and relays (RFC 8415 section 7.2).
pub const SERVER_PORT: u16 = 547;
/// UDP port of clients.
pub const CLIENT_PORT: u16 = 546;
/// All_DHCP_Relay_Agents_and_Servers, the group of the link to which a client sends (RFC 8415 section 7.1).
pub const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// Message type (RFC 8415 section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum MessageType {
    Solicit = 1,
    Advertise = 2,
    Request = 3,
    Confirm = 4,
    Renew = 5,
    Rebind = 6,
    Reply = 7,
    Release = 8,
    Decline = 9,
    Reconfigure = 10,
    InformationRequest = 11,
    RelayForward = 12,
    RelayReply = 13,
}

impl MessageType {
    /// Gives the type for the first octet of a message.
    pub const fn from_wire(octet: u8) -> Option<Self> {
        Some(match octet {
            1 => Self::Solicit,
            2 => Self::Advertise,
            3 => Self::Request,
            4 => Self::Confirm,
            5 => Self::Renew,
            6 => Self::Rebind,
            7 => Self::Reply,
            8 => Self::Release,
            9 => Self::Decline,
            10 => Self::Reconfigure,
            11 => Self::InformationRequest,
            12 => Self::RelayForward,
            13 => Self::RelayReply,
            _ => return None,
        })
    }

    /// The first octet of a message.
    pub const fn to_wire(self) -> u8 {
        self as u8
    }
}

/// One message, borrowed from its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The message type.
    pub message: MessageType,
    /// The transaction id, 24 bits. Without a meaning in a message between relays and servers, whose head has another form.
    pub xid: u32,
    /// The options. Without a meaning in a message between relays and servers.
    pub options: Options<'a>,
}

impl<'a> Packet<'a> {
    /// Parses one datagram, from a server or a client.
    ///
    /// # Errors
    /// Fails with [`ParseError::Malformed`] when it is shorter than 4 octets, and with [`ParseError::NotDhcp`] when no message type has
    /// its first octet.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let Some(([kind, x0, x1, x2], options)) = datagram.split_first_chunk() else {
            return Err(ParseError::Malformed);
        };
        Ok(Self {
            message: MessageType::from_wire(*kind).ok_or(ParseError::NotDhcp)?,
            xid: u32::from_be_bytes([0, *x0, *x1, *x2]),
            options: Options::new(options),
        })
    }
}

/// Writes a message: type and transaction id, then options.
///
/// When something did not fit, [`finish`](Builder::finish) returns `None`.
#[derive(Debug)]
pub struct Builder<'a> {
    out: packet::Builder<'a>,
}

impl<'a> Builder<'a> {
    /// Begins a message at the start of `buf`. The upper 8 bits of `xid` do not count.
    pub fn new(buf: &'a mut [u8], message: MessageType, xid: u32) -> Self {
        let mut all = Self::options(buf);
        let [_, x0, x1, x2] = xid.to_be_bytes();
        all.out.put(&[message.to_wire(), x0, x1, x2]);
        all
    }

    /// Begins options without a message around them at the start of `buf`.
    pub(crate) fn options(buf: &'a mut [u8]) -> Self {
        Self {
            out: packet::Builder::empty(buf),
        }
    }

    /// Appends an option of up to 65,535 octets.
    pub fn option(&mut self, code: u16, data: &[u8]) {
        self.parts(code, &[data]);
    }

    /// Appends an option whose data is these parts, one behind the other.
    #[inline(never)]
    pub fn parts(&mut self, code: u16, parts: &[&[u8]]) {
        let mut len = 0usize;
        for part in parts {
            len = len.saturating_add(part.len());
        }
        let Ok(len) = u16::try_from(len) else {
            self.out.fail();
            return;
        };
        self.out.put(&code.to_be_bytes());
        self.out.put(&len.to_be_bytes());
        for part in parts {
            self.out.put(part);
        }
    }

    /// Ends the message and returns its length in octets. Returns `None` when the message did not fit.
    pub fn finish(self) -> Option<usize> {
        self.out.written()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let mut buf = [0xee; 32];
        let mut out = Builder::new(&mut buf, MessageType::Reply, 0xff12_3456);
        out.option(7, &[9]);
        out.parts(15, &[b"ab", b"", b"c"]);
        let len = out.finish().unwrap();
        let wire = [
            7, 0x12, 0x34, 0x56, 0, 7, 0, 1, 9, 0, 15, 0, 3, b'a', b'b', b'c',
        ];
        assert_eq!(buf[..len], wire);
        let packet = Packet::parse(&wire).unwrap();
        assert_eq!(
            (packet.message, packet.xid),
            (MessageType::Reply, 0x12_3456)
        );
        assert_eq!(packet.options.find(15), Some(&b"abc"[..]));
    }

    #[test]
    fn types_are_those_of_the_rfc() {
        for octet in 1..=13 {
            assert_eq!(MessageType::from_wire(octet).unwrap().to_wire(), octet);
        }
        assert_eq!(MessageType::from_wire(0), None);
        assert_eq!(MessageType::from_wire(14), None);
    }

    #[test]
    fn what_is_no_message() {
        assert_eq!(Packet::parse(&[7, 0, 0]), Err(ParseError::Malformed));
        assert_eq!(Packet::parse(&[14, 0, 0, 0]), Err(ParseError::NotDhcp));
        assert!(Packet::parse(&[7, 0, 0, 0]).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_not_sent() {
        let mut buf = [0; 8];
        let mut out = Builder::new(&mut buf, MessageType::Solicit, 1);
        out.option(14, &[]);
        assert_eq!(out.finish(), Some(8));
        let mut out = Builder::new(&mut buf, MessageType::Solicit, 1);
        out.option(7, &[1]);
        assert_eq!(out.finish(), None);
        assert_eq!(
            Builder::new(&mut buf[..3], MessageType::Solicit, 1).finish(),
            None
        );
        let mut long = vec![0; 70_000];
        let mut out = Builder::new(&mut long, MessageType::Solicit, 1);
        out.option(1, &[0; 65_536]);
        assert_eq!(out.finish(), None);
    }
}
