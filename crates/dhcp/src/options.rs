//! Reads the options of a message: `{code, length, data}*` with PAD and END (RFC 2132 section 2). Options may go on in
//! `file` and `sname` (section 9.3), and a long one may be split over several instances (RFC 3396).

use core::net::{IpAddr, Ipv4Addr};
use netboot_core::net::is_host;
use netboot_core::text::{printable, read_domain};

/// Option numbers (RFC 2132 unless noted).
pub mod code {
    /// Padding: one octet without length or meaning.
    pub const PAD: u8 = 0;
    /// Subnet mask.
    pub const SUBNET_MASK: u8 = 1;
    /// Routers, best first.
    pub const ROUTERS: u8 = 3;
    /// DNS servers, best first.
    pub const DNS: u8 = 6;
    /// Host name.
    pub const HOSTNAME: u8 = 12;
    /// Domain name.
    pub const DOMAIN: u8 = 15;
    /// MTU of the interface.
    pub const MTU: u8 = 26;
    /// Servers that take a log (RFC 2132, section 3.9), best first.
    pub const LOG: u8 = 7;
    /// NTP servers, best first.
    pub const NTP: u8 = 42;
    /// Vendor-specific information.
    pub const VENDOR_SPECIFIC: u8 = 43;
    /// The address that a client asks for.
    pub const REQUESTED_ADDRESS: u8 = 50;
    /// Lease time in seconds.
    pub const LEASE_TIME: u8 = 51;
    /// Overload: options go on in `file` (1), `sname` (2) or both (3).
    pub const OVERLOAD: u8 = 52;
    /// DHCP message type.
    pub const MESSAGE_TYPE: u8 = 53;
    /// Address by which a server is known.
    pub const SERVER_ID: u8 = 54;
    /// The options that a client wants.
    pub const PARAMETER_LIST: u8 = 55;
    /// Octets of the longest message that a client takes.
    pub const MAX_MESSAGE_SIZE: u8 = 57;
    /// Time to renewal (T1) in seconds.
    pub const RENEWAL_TIME: u8 = 58;
    /// Time to rebinding (T2) in seconds.
    pub const REBINDING_TIME: u8 = 59;
    /// Vendor class of the client. A PXE or HTTP boot server echoes it.
    pub const CLASS_ID: u8 = 60;
    /// Client identifier.
    pub const CLIENT_ID: u8 = 61;
    /// TFTP server name.
    pub const TFTP_SERVER: u8 = 66;
    /// Boot file name or URI.
    pub const BOOT_FILE: u8 = 67;
    /// User class (RFC 3004).
    pub const USER_CLASS: u8 = 77;
    /// Client system architectures (RFC 4578).
    pub const ARCHITECTURE: u8 = 93;
    /// Client network interface (RFC 4578).
    pub const INTERFACE: u8 = 94;
    /// Client machine identifier (RFC 4578).
    pub const MACHINE_ID: u8 = 97;
    /// Domains in which short names are looked up (RFC 3397).
    pub const DOMAIN_SEARCH: u8 = 119;
    /// Classless static routes (RFC 3442).
    pub const CLASSLESS_ROUTES: u8 = 121;
    /// sZTP bootstrap servers (RFC 8572 section 8).
    pub const SZTP_REDIRECT: u8 = 143;
    /// Addresses of TFTP servers (RFC 5859).
    pub const TFTP_SERVERS: u8 = 150;
    /// The end of the options.
    pub const END: u8 = 255;
}

/// An option with this number runs past the end of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut(u8);

/// The options in one field of the message.
struct Field<'a>(&'a [u8]);

impl<'a> Iterator for Field<'a> {
    type Item = Result<(u8, &'a [u8]), Cut>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let octets = core::mem::take(&mut self.0);
            match octets {
                // A field without END ends with its last octet; some servers send it so.
                [] | [code::END, ..] => return None,
                [code::PAD, rest @ ..] => self.0 = rest,
                [code, len, rest @ ..] => {
                    let Some((data, rest)) = rest.split_at_checked(usize::from(*len)) else {
                        return Some(Err(Cut(*code)));
                    };
                    self.0 = rest;
                    return Some(Ok((*code, data)));
                }
                [code] => return Some(Err(Cut(*code))),
            }
        }
    }
}

/// All options of a message, in the order in which RFC 3396 joins them: `options`, `file`, `sname`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    fields: [&'a [u8]; 3],
    /// Number of an option that is cut short, if there is one. It is left out, and what stands behind it in the same field.
    pub cut: Option<u8>,
}

impl<'a> Options<'a> {
    /// Reads the options field and, where option 52 says so, `file` and `sname`. What stands before an option that is cut short
    /// counts.
    pub fn parse(options: &'a [u8], file: &'a [u8], sname: &'a [u8]) -> Self {
        let mut overload = 0;
        let mut cut = None;
        for option in Field(options) {
            match option {
                Ok((code::OVERLOAD, [value, ..])) => overload = *value,
                Ok(_) => {}
                Err(Cut(code)) => cut = Some(code),
            }
        }
        let file = if overload & 1 != 0 { file } else { &[] };
        let sname = if overload & 2 != 0 { sname } else { &[] };
        for option in Field(file).chain(Field(sname)) {
            if let Err(Cut(code)) = option {
                cut = Some(code);
            }
        }
        Self {
            fields: [options, file, sname],
            cut,
        }
    }

    /// Whether `file` holds options.
    pub fn uses_file(&self) -> bool {
        let [_, file, _] = self.fields;
        !file.is_empty()
    }

    /// Whether `sname` holds options.
    pub fn uses_sname(&self) -> bool {
        let [_, _, sname] = self.fields;
        !sname.is_empty()
    }

    /// Every instance of every option, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let [options, file, sname] = self.fields;
        Field(options)
            .chain(Field(file))
            .chain(Field(sname))
            .filter_map(Result::ok)
    }

    /// Joins all instances of option `code` at the start of `buf` (RFC 3396).
    ///
    /// Returns the octets that fitted and the whole length. Returns `None` when there is no such option.
    pub fn join<'b>(&self, code: u8, buf: &'b mut [u8]) -> Option<(&'b [u8], usize)> {
        let mut whole = None;
        let mut to = buf.iter_mut();
        for (_, data) in self.iter().filter(|(found, _)| *found == code) {
            whole = Some(whole.unwrap_or(0usize).saturating_add(data.len()));
            // `to` second: `zip` takes from the first before it finds the second at its end.
            for (from, to) in data.iter().zip(to.by_ref()) {
                *to = *from;
            }
        }
        let whole = whole?;
        let fitted = whole.min(buf.len());
        Some((buf.get(..fitted)?, whole))
    }

    /// The first octet of option `code`.
    pub fn octet(&self, code: u8) -> Option<u8> {
        self.join(code, &mut [0; 1])?.0.first().copied()
    }

    /// The first two octets of option `code`, as a number.
    pub fn short(&self, code: u8) -> Option<u16> {
        let mut buf = [0; 2];
        (self.join(code, &mut buf)?.1 >= 2).then(|| u16::from_be_bytes(buf))
    }

    /// The first four octets of option `code`, as a number.
    pub fn long(&self, code: u8) -> Option<u32> {
        // Servers that send an option twice mean the same by both. The first one counts.
        let mut buf = [0; 4];
        (self.join(code, &mut buf)?.1 >= 4).then(|| u32::from_be_bytes(buf))
    }

    /// The first four octets of option `code`, as an address.
    pub fn address(&self, code: u8) -> Option<Ipv4Addr> {
        self.long(code).map(Ipv4Addr::from_bits)
    }

    /// Reads the addresses of a list option into `list`, as many as it holds, without those that no host can have.
    pub(crate) fn read_addresses(&self, code: u8, list: &mut heapless::VecView<IpAddr>) {
        list.clear();
        let mut buf = [0; 64];
        let (octets, _) = self.join(code, &mut buf).unwrap_or((&[], 0));
        for address in octets.chunks_exact(4) {
            let [a, b, c, d] = *address else { break };
            let host = Ipv4Addr::new(a, b, c, d);
            let address = IpAddr::V4(host);
            if is_host(host) && !list.contains(&address) && list.push(address).is_err() {
                break;
            }
        }
    }

    /// Reads a text into `to` if it fits whole. Otherwise `to` is empty.
    pub(crate) fn read_text(&self, code: u8, to: &mut heapless::string::StringView) {
        to.clear();
        let mut buf = [0; 256];
        if let Some((octets, whole)) = self.join(code, &mut buf)
            && whole == octets.len()
            && let Some(text) = printable(octets)
        {
            let _ = to.push_str(text);
        }
    }
}

impl Options<'_> {
    /// Reads the first domain of option 119 (RFC 3397) into `to`. Without one, or when it is damaged, `to` is empty.
    pub(crate) fn read_domain(&self, to: &mut heapless::string::StringView) {
        to.clear();
        let mut buf = [0; 255];
        if let Some((octets, _)) = self.join(code::DOMAIN_SEARCH, &mut buf) {
            read_domain(octets, to);
        }
    }
}

/// The user classes in the data of option 77: `{length, data}+` (RFC 3004), or, as iPXE and others send
/// it, the data as one class.
pub fn user_classes(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let by_the_rfc = !data.is_empty() && UserClasses(data).all(|class| class.is_some());
    let raw = (!by_the_rfc && !data.is_empty()).then_some(data);
    let listed = UserClasses(if by_the_rfc { data } else { &[] });
    listed.flatten().chain(raw)
}

/// Iterates over `{length, data}+`. Yields `None` at data that does not follow the form.
struct UserClasses<'a>(&'a [u8]);

impl<'a> Iterator for UserClasses<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let (len, rest) = core::mem::take(&mut self.0).split_first()?;
        let Some((class, rest)) = rest
            .split_at_checked(usize::from(*len))
            .filter(|(class, _)| !class.is_empty())
        else {
            return Some(None);
        };
        self.0 = rest;
        Some(Some(class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(options: &[u8]) -> Options<'_> {
        Options::parse(options, &[], &[])
    }

    #[test]
    fn pad_end_and_bounds() {
        let options = parse(&[0, 0, 53, 1, 2, 0, 255, 54, 200]);
        assert_eq!(options.iter().collect::<Vec<_>>(), [(53, &[2][..])]);
        assert_eq!(parse(&[53, 1, 5]).octet(53), Some(5));
        for (octets, cut) in [(&[53][..], 53), (&[53, 1], 53), (&[0, 54, 4, 10, 0, 0], 54)] {
            assert_eq!(parse(octets).cut, Some(cut));
            let whole = [&[12, 1, b'a'], octets].concat();
            let options = parse(&whole);
            assert_eq!(options.cut, Some(cut));
            assert_eq!(options.iter().collect::<Vec<_>>(), [(12, &b"a"[..])]);
        }
    }

    #[test]
    fn overload_in_the_order_of_rfc_3396() {
        let main = [67, 1, b'a', 52, 1, 3, 255];
        let file = [67, 1, b'b', 255, 9, 9];
        let sname = [67, 1, b'c', 0, 0, 255];
        let options = Options::parse(&main, &file, &sname);
        let mut buf = [0; 8];
        assert_eq!(options.join(67, &mut buf), Some((&b"abc"[..], 3)));
        assert!(options.uses_file() && options.uses_sname());
        let only_sname = [52, 1, 2];
        let options = Options::parse(&only_sname, &[67, 9, 9], &sname);
        assert_eq!(options.join(67, &mut buf), Some((&b"c"[..], 1)));
        assert!(!options.uses_file());
        let both = [52, 1, 3];
        let options = Options::parse(&both, &[67, 9, 9], &sname);
        assert_eq!(options.cut, Some(67));
        assert_eq!(options.join(67, &mut buf), Some((&b"c"[..], 1)));
    }

    #[test]
    fn a_long_option_is_joined_and_its_length_known() {
        let mut wire = vec![67, 255];
        wire.extend([b'x'; 255]);
        wire.extend([67, 3, b'y', b'y', b'y']);
        let options = parse(&wire);
        let mut buf = [0; 256];
        let (octets, whole) = options.join(67, &mut buf).unwrap();
        assert_eq!((octets.len(), whole), (256, 258));
        assert_eq!(octets.last(), Some(&b'y'));
    }

    #[test]
    fn numbers_and_addresses() {
        let wire = [
            26, 2, 5, 220, 51, 4, 0, 0, 14, 16, 58, 3, 0, 0, 1, 54, 4, 10, 0, 0, 1, 54, 4, 10, 0,
            0, 1, 3, 12, 10, 0, 0, 1, 0, 0, 0, 0, 10, 0, 0, 2, 3, 5, 10, 0, 0, 1, 99,
        ];
        let options = parse(&wire);
        assert_eq!(options.short(26), Some(1500));
        assert_eq!(options.long(51), Some(3600));
        assert_eq!(options.long(58), None, "three octets are no number");
        assert_eq!(options.address(54), Some(Ipv4Addr::new(10, 0, 0, 1)));
        let mut routers = heapless::Vec::<_, 4>::new();
        options.read_addresses(3, &mut routers);
        assert_eq!(routers, [IpAddr::from([10, 0, 0, 1]), [10, 0, 0, 2].into()]);
    }

    #[test]
    fn user_classes_in_both_forms() {
        let classes = |data| user_classes(data).collect::<Vec<&[u8]>>();
        assert_eq!(classes(b"\x04iPXE"), [b"iPXE"]);
        assert_eq!(classes(b"\x01a\x02bc"), [&b"a"[..], b"bc"]);
        for raw in [&b"iPXE"[..], b"\x04iPX", b"\x00", b"\x01a\x00"] {
            assert_eq!(classes(raw), [raw]);
        }
        assert!(classes(b"").is_empty());
    }

    proptest! {
        #[test]
        fn any_octets(
            main in proptest::collection::vec(any::<u8>(), 0..300),
            file in proptest::collection::vec(any::<u8>(), 128),
            sname in proptest::collection::vec(any::<u8>(), 64),
            overload in 0u8..4,
            code: u8,
        ) {
            let mut main = main;
            main.splice(0..0, [52, 1, overload]);
            let options = Options::parse(&main, &file, &sname);
            let total: usize = options.iter().filter(|(c, _)| *c == code).map(|(_, d)| d.len()).sum();
            let mut buf = [0; 32];
            let joined = options.join(code, &mut buf).map_or(0, |(octets, whole)| {
                assert_eq!(octets.len(), whole.min(32));
                whole
            });
            prop_assert_eq!(joined, total);
        }
    }
}
