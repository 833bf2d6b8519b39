//! DHCP messages on the wire: RFC 2131 section 2, options by RFC 2132 and RFC 3396.

use std::net::Ipv4Addr;

/// Octets before the magic cookie.
const FIXED: usize = 236;
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const BOOTREQUEST: u8 = 1;
const BOOTREPLY: u8 = 2;
/// Relays of old drop shorter messages (RFC 1542 section 2.1).
const SHORTEST: usize = 300;

/// Message types (option 53).
pub mod kind {
    /// DHCPDISCOVER
    pub const DISCOVER: u8 = 1;
    /// DHCPOFFER
    pub const OFFER: u8 = 2;
    /// DHCPREQUEST
    pub const REQUEST: u8 = 3;
    /// DHCPDECLINE
    pub const DECLINE: u8 = 4;
    /// DHCPACK
    pub const ACK: u8 = 5;
    /// DHCPNAK
    pub const NAK: u8 = 6;
    /// DHCPRELEASE
    pub const RELEASE: u8 = 7;
    /// DHCPINFORM
    pub const INFORM: u8 = 8;
}

/// Option codes.
pub mod option {
    #![allow(missing_docs)]
    pub const PAD: u8 = 0;
    pub const SUBNET_MASK: u8 = 1;
    pub const ROUTERS: u8 = 3;
    pub const DNS: u8 = 6;
    pub const REQUESTED_ADDRESS: u8 = 50;
    pub const LEASE_TIME: u8 = 51;
    pub const OVERLOAD: u8 = 52;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const SERVER_ID: u8 = 54;
    pub const PARAMETER_LIST: u8 = 55;
    pub const RENEWAL_TIME: u8 = 58;
    pub const REBINDING_TIME: u8 = 59;
    pub const CLASS_ID: u8 = 60;
    pub const SERVER_NAME: u8 = 66;
    pub const BOOT_FILE: u8 = 67;
    pub const CLIENT_ID: u8 = 61;
    pub const CLIENT_GUID: u8 = 97;
    pub const END: u8 = 255;
}

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Option 53.
    pub kind: u8,
    /// Transaction id.
    pub xid: [u8; 4],
    /// Flags; the first bit asks for broadcast answers.
    pub flags: [u8; 2],
    /// The client's address, if it has one.
    pub ciaddr: Ipv4Addr,
    /// The relay, if there is one.
    pub giaddr: Ipv4Addr,
    /// The client's Ethernet address.
    pub chaddr: [u8; 6],
    /// All options in order, pieces of long ones joined.
    pub options: Vec<(u8, Vec<u8>)>,
}

impl Request {
    /// Reads a message for an Ethernet client.
    pub fn parse(message: &[u8]) -> Option<Self> {
        let (fixed, rest) = message.split_at_checked(FIXED)?;
        let rest = rest.strip_prefix(&COOKIE)?;
        if fixed[..3] != [BOOTREQUEST, 1, 6] {
            return None;
        }
        let address =
            |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
        let options = parse_options(rest)?;
        let kind = match options
            .iter()
            .find(|(code, _)| *code == option::MESSAGE_TYPE)
        {
            Some((_, value)) if value.len() == 1 => value[0],
            _ => return None,
        };
        Some(Self {
            kind,
            xid: [fixed[4], fixed[5], fixed[6], fixed[7]],
            flags: [fixed[10], fixed[11]],
            ciaddr: address(12),
            giaddr: address(24),
            chaddr: [
                fixed[28], fixed[29], fixed[30], fixed[31], fixed[32], fixed[33],
            ],
            options,
        })
    }

    /// The value of an option.
    pub fn option(&self, code: u8) -> Option<&[u8]> {
        let found = self.options.iter().find(|(c, _)| *c == code);
        found.map(|(_, value)| value.as_slice())
    }

    /// An option that is one address.
    pub fn address_option(&self, code: u8) -> Option<Ipv4Addr> {
        let octets: [u8; 4] = self.option(code)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets))
    }

    /// Whether the client asks for broadcast answers.
    pub fn wants_broadcast(&self) -> bool {
        self.flags[0] & 0x80 != 0
    }
}

/// Reads options up to END or the end of the field; `None` when a length points beyond it.
pub fn parse_options(mut field: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut options: Vec<(u8, Vec<u8>)> = Vec::new();
    while let Some((&code, rest)) = field.split_first() {
        field = rest;
        match code {
            option::PAD => continue,
            option::END => break,
            _ => {}
        }
        let (&length, rest) = field.split_first()?;
        let (value, rest) = rest.split_at_checked(length.into())?;
        field = rest;
        match options.iter_mut().find(|(c, _)| *c == code) {
            Some((_, joined)) => joined.extend_from_slice(value),
            None => options.push((code, value.to_vec())),
        }
    }
    Some(options)
}

/// How options are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The later half of the options goes into `file` and `sname`.
    pub overload: bool,
    /// Options of two or more octets are cut in two.
    pub split: bool,
    /// A PAD goes before each option.
    pub pad: bool,
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Transaction id.
    pub xid: [u8; 4],
    /// Flags of the request.
    pub flags: [u8; 2],
    /// The client's address.
    pub ciaddr: Ipv4Addr,
    /// The address leased.
    pub yiaddr: Ipv4Addr,
    /// The server of the next step.
    pub siaddr: Ipv4Addr,
    /// The relay.
    pub giaddr: Ipv4Addr,
    /// The client's Ethernet address.
    pub chaddr: [u8; 6],
    /// `sname`; cut at 63 octets.
    pub sname: Vec<u8>,
    /// `file`; cut at 127 octets.
    pub file: Vec<u8>,
    /// All options, in order.
    pub options: Vec<(u8, Vec<u8>)>,
}

impl Reply {
    /// The message.
    pub fn encode(&self, layout: Layout) -> Vec<u8> {
        let mut fixed = [0; FIXED];
        fixed[..3].copy_from_slice(&[BOOTREPLY, 1, 6]);
        fixed[4..8].copy_from_slice(&self.xid);
        fixed[10..12].copy_from_slice(&self.flags);
        fixed[12..16].copy_from_slice(&self.ciaddr.octets());
        fixed[16..20].copy_from_slice(&self.yiaddr.octets());
        fixed[20..24].copy_from_slice(&self.siaddr.octets());
        fixed[24..28].copy_from_slice(&self.giaddr.octets());
        fixed[28..34].copy_from_slice(&self.chaddr);

        let mut main = Vec::new();
        if layout.overload {
            self.encode_overloaded(&mut fixed, &mut main, layout);
        } else {
            let sname = &self.sname[..self.sname.len().min(63)];
            fixed[44..44 + sname.len()].copy_from_slice(sname);
            let file = &self.file[..self.file.len().min(127)];
            fixed[108..108 + file.len()].copy_from_slice(file);
            for (code, value) in &self.options {
                encode_option(&mut main, *code, value, layout);
            }
        }
        main.push(option::END);

        let mut message = fixed.to_vec();
        message.extend_from_slice(&COOKIE);
        message.extend_from_slice(&main);
        message.resize(message.len().max(SHORTEST), option::PAD);
        message
    }

    /// Puts into `file` and then `sname` what fits there, from the last option backwards, and the rest
    /// into the main field.
    fn encode_overloaded(&self, fixed: &mut [u8; FIXED], main: &mut Vec<u8>, layout: Layout) {
        let mut options = self.options.clone();
        let mut fill = |room: usize| {
            let mut field = Vec::new();
            let mut index = options.len();
            while index > 0 {
                index -= 1;
                let (code, value) = &options[index];
                // Type and server identifier stay where simple clients look for them.
                if matches!(*code, option::MESSAGE_TYPE | option::SERVER_ID) {
                    continue;
                }
                let mut encoded = Vec::new();
                encode_option(&mut encoded, *code, value, layout);
                if field.len() + encoded.len() < room {
                    field.extend_from_slice(&encoded);
                    options.remove(index);
                }
            }
            field.push(option::END);
            field
        };
        let file = fill(128);
        let sname = fill(64);
        fixed[108..108 + file.len()].copy_from_slice(&file);
        fixed[44..44 + sname.len()].copy_from_slice(&sname);
        for (index, (code, value)) in options.iter().enumerate() {
            if index == 1 {
                encode_option(main, option::OVERLOAD, &[3], Layout::default());
            }
            encode_option(main, *code, value, layout);
        }
        if options.len() < 2 {
            encode_option(main, option::OVERLOAD, &[3], Layout::default());
        }
    }
}

fn encode_option(out: &mut Vec<u8>, code: u8, value: &[u8], layout: Layout) {
    if layout.pad {
        out.push(option::PAD);
    }
    let piece = match value.len() {
        2.. if layout.split => value.len().div_ceil(2).min(255),
        _ => 255,
    };
    if value.is_empty() {
        out.extend_from_slice(&[code, 0]);
    }
    for piece in value.chunks(piece) {
        // At most 255.
        out.extend_from_slice(&[code, piece.len() as u8]);
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(options: Vec<(u8, Vec<u8>)>) -> Reply {
        Reply {
            xid: [1, 2, 3, 4],
            flags: [0x80, 0],
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::new(10, 0, 0, 100),
            siaddr: Ipv4Addr::new(10, 0, 0, 1),
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr: [2, 0, 0, 0, 0, 9],
            sname: b"server".to_vec(),
            file: b"boot.bin".to_vec(),
            options,
        }
    }

    #[test]
    fn fields_stand_where_rfc_2131_puts_them() {
        let message = reply(vec![(53, vec![2])]).encode(Layout::default());
        assert_eq!(message.len(), 300);
        assert_eq!(message[..8], [2, 1, 6, 0, 1, 2, 3, 4]);
        assert_eq!(message[16..20], [10, 0, 0, 100]);
        assert_eq!(message[28..34], [2, 0, 0, 0, 0, 9]);
        assert_eq!(message[44..51], *b"server\0");
        assert_eq!(message[108..117], *b"boot.bin\0");
        assert_eq!(message[236..244], [0x63, 0x82, 0x53, 0x63, 53, 1, 2, 255]);
    }

    #[test]
    fn overload_moves_options_into_the_fields() {
        let options = vec![
            (53, vec![2]),
            (1, vec![255; 4]),
            (67, b"a/long/name".to_vec()),
        ];
        let message = reply(options).encode(Layout {
            overload: true,
            ..Layout::default()
        });
        assert_eq!(message[236 + 4..236 + 4 + 7], [53, 1, 2, 52, 1, 3, 255]);
        let file = parse_options(&message[108..236]).unwrap();
        assert_eq!(file, [(67, b"a/long/name".to_vec()), (1, vec![255; 4])]);
        assert_eq!(message[44], 255);
    }

    #[test]
    fn split_and_padded_options_join_to_the_same() {
        let options = vec![
            (53, vec![2]),
            (67, vec![7; 600]),
            (3, vec![]),
            (6, vec![1, 2, 3, 4]),
        ];
        for (split, pad) in [(false, false), (true, false), (true, true), (false, true)] {
            let layout = Layout {
                split,
                pad,
                ..Layout::default()
            };
            let message = reply(options.clone()).encode(layout);
            assert_eq!(parse_options(&message[240..]).unwrap(), options);
        }
    }

    proptest! {
        #[test]
        fn any_message_is_survived(tail in proptest::collection::vec(any::<u8>(), 0..80), cut in 0_usize..400) {
            let mut message = reply(vec![(53, vec![1])]).encode(Layout::default());
            message[0] = 1;
            message.truncate(243);
            message.extend_from_slice(&tail);
            message.truncate(cut);
            let _ = Request::parse(&message);
        }
    }
}
