//! Reads the options of a message: `{code, length, data}*` with code and length of two octets each (RFC 8415 section 21.1).

use core::net::{IpAddr, Ipv6Addr};
use netboot_core::net::is_host_v6;

/// Option numbers (RFC 8415 section 21 unless noted).
pub mod code {
    /// DUID of the client.
    pub const CLIENT_ID: u16 = 1;
    /// DUID of the server.
    pub const SERVER_ID: u16 = 2;
    /// Identity association for non-temporary addresses.
    pub const IA_NA: u16 = 3;
    /// Address of an identity association.
    pub const IA_ADDRESS: u16 = 5;
    /// The options that a client asks for.
    pub const REQUESTED: u16 = 6;
    /// How much a server wants to be chosen, 0 to 255.
    pub const PREFERENCE: u16 = 7;
    /// Time since the first message of the exchange, in hundredths of a second.
    pub const ELAPSED_TIME: u16 = 8;
    /// The message in a relay's message.
    pub const RELAY_MESSAGE: u16 = 9;
    /// Status of a message, an identity association or an address.
    pub const STATUS: u16 = 13;
    /// The exchange has two messages in place of four.
    pub const RAPID_COMMIT: u16 = 14;
    /// User classes of the client.
    pub const USER_CLASS: u16 = 15;
    /// Vendor classes of the client.
    pub const VENDOR_CLASS: u16 = 16;
    /// Vendor-specific information.
    pub const VENDOR_OPTIONS: u16 = 17;
    /// DNS servers, best first (RFC 3646 section 3).
    pub const DNS: u16 = 23;
    /// Domains in which short names are looked up (RFC 3646 section 4).
    pub const DOMAIN_SEARCH: u16 = 24;
    /// Seconds until information without an address is asked for again (section 21.23).
    pub const REFRESH_TIME: u16 = 32;
    /// Time servers (RFC 5908).
    pub const NTP: u16 = 56;
    /// URL of the boot file (RFC 5970 section 3.1).
    pub const BOOT_FILE_URL: u16 = 59;
    /// Parameters for the boot file (RFC 5970 section 3.2).
    pub const BOOT_FILE_PARAMETERS: u16 = 60;
    /// Client system architectures (RFC 5970 section 3.3).
    pub const ARCHITECTURE: u16 = 61;
    /// Client network interface (RFC 5970 section 3.4).
    pub const INTERFACE: u16 = 62;
    /// Longest time between two Solicits, in seconds (section 21.24).
    pub const SOL_MAX_RT: u16 = 82;
    /// Longest time between two Information-requests, in seconds (section 21.25).
    pub const INF_MAX_RT: u16 = 83;
    /// sZTP bootstrap servers (RFC 8572 section 8.2).
    pub const SZTP_REDIRECT: u16 = 136;
}

/// The suboption of option 56 that has the address of a time server (RFC 5908 section 4.1).
const NTP_SERVER_ADDRESS: u16 = 1;

/// Options, borrowed from the message or the option that they stand in. What stands before an option that is cut short counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a>(&'a [u8]);

/// Walks over options.
#[derive(Clone, Debug)]
struct Walk<'a>(&'a [u8]);

impl<'a> Walk<'a> {
    /// The next option. At the end there is none, and what remains is a piece of an option.
    #[inline(never)]
    fn step(&mut self) -> Option<(u16, &'a [u8])> {
        let ([c0, c1, l0, l1], rest) = self.0.split_first_chunk()?;
        let len = usize::from(u16::from_be_bytes([*l0, *l1]));
        let (data, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((u16::from_be_bytes([*c0, *c1]), data))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.step()
    }
}

impl<'a> Options<'a> {
    /// Reads `octets` as options.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// Every option, in order. The same code may come more than once.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        Walk(self.0)
    }

    /// Code of the option that is cut short, if there is one. It is left out. A piece that is too short for a code counts as 0, which
    /// no option has.
    pub fn cut(&self) -> Option<u16> {
        let mut walk = Walk(self.0);
        while walk.step().is_some() {}
        match walk.0 {
            [] => None,
            [high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
            _ => Some(0),
        }
    }

    /// The data of the first option with this code.
    #[inline(never)]
    pub fn find(&self, code: u16) -> Option<&'a [u8]> {
        let mut walk = Walk(self.0);
        while let Some((found, data)) = walk.step() {
            if found == code {
                return Some(data);
            }
        }
        None
    }

    /// The first option with this code, as a number of 32 bits. `None` when it has another length.
    pub fn long(&self, code: u16) -> Option<u32> {
        let data = self.find(code)?;
        data.try_into().ok().map(u32::from_be_bytes)
    }

    /// Status and message of option 13. Without the option the status is [`SUCCESS`](crate::v6::error::status::SUCCESS), and a damaged
    /// option counts as [`UNSPEC_FAIL`](crate::v6::error::status::UNSPEC_FAIL).
    pub fn status(&self) -> (u16, &'a [u8]) {
        match self.find(code::STATUS) {
            None => (0, &[]),
            Some([high, low, message @ ..]) => (u16::from_be_bytes([*high, *low]), message),
            Some(_) => (1, &[]),
        }
    }

    /// Reads the addresses of option 23 into `list`, as many as it holds, without those that no host can have.
    pub(crate) fn read_dns(&self, list: &mut heapless::VecView<IpAddr>) {
        list.clear();
        let mut rest = self.find(code::DNS).unwrap_or_default();
        while let Some((address, behind)) = rest.split_first_chunk() {
            rest = behind;
            keep(list, address);
        }
    }

    /// Reads the server addresses of all options 56 into `list`, as many as it holds.
    pub(crate) fn read_ntp(&self, list: &mut heapless::VecView<IpAddr>) {
        list.clear();
        for (_, data) in self.iter().filter(|(found, _)| *found == code::NTP) {
            for (kind, address) in Options::new(data).iter() {
                if let (NTP_SERVER_ADDRESS, Ok(address)) = (kind, address.try_into()) {
                    keep(list, address);
                }
            }
        }
    }
}

/// Adds an address, if a host can have it, it is not in the list, and there is room.
#[inline(never)]
fn keep(list: &mut heapless::VecView<IpAddr>, octets: &[u8; 16]) {
    let host = Ipv6Addr::from_octets(*octets);
    if is_host_v6(host) && !list.contains(&IpAddr::V6(host)) {
        let _ = list.push(IpAddr::V6(host));
    }
}

/// Splits `{u16 length, data}*`, the form of options 15, 16 and 60. Yields `None` once when the data does not follow the form.
pub fn items(data: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    Items(data)
}

struct Items<'a>(&'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let octets = core::mem::take(&mut self.0);
        if octets.is_empty() {
            return None;
        }
        let Some((len, rest)) = octets.split_first_chunk() else {
            return Some(None);
        };
        let Some((item, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
        else {
            return Some(None);
        };
        self.0 = rest;
        Some(Some(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn options_up_to_one_that_is_cut() {
        let wire = [0, 7, 0, 1, 255, 0, 14, 0, 0, 0, 7, 0, 1, 3];
        let options = Options::new(&wire);
        let all = [(7, &[255][..]), (14, &[]), (7, &[3])];
        assert_eq!(options.iter().collect::<Vec<_>>(), all);
        assert_eq!((options.find(7), options.cut()), (Some(&[255][..]), None));
        for (piece, cut) in [
            (&[0][..], 0),
            (&[0, 59], 59),
            (&[1, 2, 0], 0x102),
            (&[0, 59, 0, 2, b'x'], 59),
        ] {
            let wire = [&wire[..], piece].concat();
            let options = Options::new(&wire);
            assert_eq!(options.iter().collect::<Vec<_>>(), all);
            assert_eq!(options.cut(), Some(cut));
        }
    }

    #[test]
    fn numbers_have_their_length() {
        let wire = [0, 82, 0, 4, 0, 0, 0, 60, 0, 83, 0, 3, 0, 0, 1];
        let options = Options::new(&wire);
        assert_eq!(options.long(82), Some(60));
        assert_eq!(options.long(83), None, "three octets are no number");
        assert_eq!(options.long(32), None);
    }

    #[test]
    fn statuses() {
        let status = |wire: &[u8]| {
            let (code, message) = Options::new(wire).status();
            (code, message.to_vec())
        };
        assert_eq!(status(&[]), (0, vec![]));
        assert_eq!(
            status(&[0, 13, 0, 4, 0, 2, b'n', b'o']),
            (2, b"no".to_vec())
        );
        assert_eq!(status(&[0, 13, 0, 1, 2]), (1, vec![]));
    }

    #[test]
    fn addresses_of_hosts() {
        let host = |last| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last);
        let mut wire = vec![0, 23, 0, 16 * 4 + 3];
        for address in [host(1), Ipv6Addr::LOCALHOST, host(1), host(2)] {
            wire.extend(address.octets());
        }
        wire.extend([1, 2, 3]);
        // RFC 5908: an address, a multicast address and a name, in two options.
        wire.extend([0, 56, 0, 40, 0, 1, 0, 16]);
        wire.extend(host(3).octets());
        wire.extend([0, 2, 0, 16]);
        wire.extend(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x101).octets());
        wire.extend([0, 56, 0, 20 + 7, 0, 3, 0, 3, 1, b'n', 0, 0, 1, 0, 16]);
        wire.extend(host(4).octets());
        let options = Options::new(&wire);
        let mut list = heapless::Vec::<IpAddr, 3>::new();
        options.read_dns(&mut list);
        assert_eq!(list, [IpAddr::V6(host(1)), IpAddr::V6(host(2))]);
        options.read_ntp(&mut list);
        assert_eq!(list, [IpAddr::V6(host(3)), IpAddr::V6(host(4))]);
        let mut one = heapless::Vec::<IpAddr, 1>::new();
        options.read_dns(&mut one);
        assert_eq!(one, [IpAddr::V6(host(1))]);
    }

    #[test]
    fn lists_of_items() {
        let all = |data| items(data).collect::<Vec<_>>();
        assert_eq!(all(b""), []);
        assert_eq!(
            all(b"\0\x01a\0\0\0\x02bc"),
            [Some(&b"a"[..]), Some(b""), Some(b"bc")]
        );
        assert_eq!(all(b"\0\x01a\0"), [Some(&b"a"[..]), None]);
        assert_eq!(all(b"\0\x02a"), [None]);
    }

    proptest! {
        #[test]
        fn any_octets(wire in proptest::collection::vec(prop_oneof![0..4u8, any::<u8>()], 0..300)) {
            let options = Options::new(&wire);
            let read: usize = options.iter().map(|(_, data)| data.len() + 4).sum();
            prop_assert_eq!(options.cut().is_some(), read < wire.len());
            for (code, _) in options.iter() {
                prop_assert!(options.find(code).is_some());
            }
            let split: usize = items(&wire).flatten().map(|item| item.len() + 2).sum();
            prop_assert_eq!(items(&wire).any(|item| item.is_none()), split < wire.len());
        }
    }
}
