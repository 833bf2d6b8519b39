//! Where to boot from, as a DHCP or ProxyDHCP server says.

use crate::options::{Options, code, is_host, text};
use crate::packet::Packet;
use core::net::Ipv4Addr;
use heapless::string::StringView;

/// Octets of the longest server name.
pub const SERVER_NAME_MAX: usize = 128;
/// Octets of the longest boot file name or URI.
pub const FILE_MAX: usize = 255;
/// Octets of a raw option that are kept.
pub const RAW_MAX: usize = 128;

/// An option in the form in which it came, joined after RFC 3396.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawOption {
    /// The first octets, empty when there is no such option.
    pub octets: heapless::Vec<u8, RAW_MAX>,
    /// Whether there were more.
    pub truncated: bool,
}

impl RawOption {
    fn read(&mut self, options: &Options<'_>, code: u8) {
        let _ = self.octets.resize_default(RAW_MAX);
        let (kept, whole) = options
            .join(code, &mut self.octets)
            .map_or((0, 0), |(octets, whole)| (octets.len(), whole));
        self.octets.truncate(kept);
        self.truncated = whole > kept;
    }
}

/// Boot information. Nothing in it is to be trusted: it points, and no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootInfo {
    /// TFTP server name: option 66, else the field `sname`; may be empty.
    pub server_name: heapless::String<SERVER_NAME_MAX>,
    /// Boot file name or URI: option 67, else the field `file`; may be empty.
    pub file: heapless::String<FILE_MAX>,
    /// The field `siaddr`, unless it is no address of a host.
    pub next_server: Option<Ipv4Addr>,
    /// Option 43.
    pub vendor_specific: RawOption,
    /// Option 143 (RFC 8572 section 8), not interpreted.
    pub sztp_redirect: RawOption,
    /// Option 60, cut to 32 octets: `PXEClient` or `HTTPClient` from a server that knows the client's
    /// kind; may be empty.
    pub class_id: heapless::String<32>,
    /// A name or file was left out as it is too long to keep; the server is configured wrongly.
    pub oversize: bool,
    /// From a ProxyDHCP or PXE server rather than from the server of the address.
    pub from_proxy: bool,
}

impl BootInfo {
    /// Reads the boot information of a message; it may be empty.
    pub fn parse(packet: &Packet<'_>) -> Self {
        let mut boot = Self::default();
        boot.read(packet);
        boot
    }

    /// As [`parse`](Self::parse), in place of what was here.
    #[inline(never)]
    pub(crate) fn read(&mut self, packet: &Packet<'_>) {
        let options = &packet.options;
        self.next_server = Some(packet.header.siaddr).filter(|address| is_host(*address));
        self.vendor_specific.read(options, code::VENDOR_SPECIFIC);
        self.sztp_redirect.read(options, code::SZTP_REDIRECT);
        self.oversize = false;
        self.from_proxy = false;
        let mut keep = |option, field, to: &mut StringView| {
            to.clear();
            let mut buf = [0; NAMED_MAX];
            let kept = named(options, option, field, &mut buf);
            self.oversize |= kept.is_none_or(|name| to.push_str(name).is_err());
        };
        keep(code::TFTP_SERVER, packet.sname, &mut self.server_name);
        keep(code::BOOT_FILE, packet.file, &mut self.file);
        self.class_id.clear();
        let _ = self.class_id.push_str(class(options, &mut [0; CLASS_MAX]));
    }

    /// Whether a message says what to boot.
    #[inline(never)]
    pub(crate) fn is_known_in(packet: &Packet<'_>) -> bool {
        let options = &packet.options;
        let mut buf = [0; NAMED_MAX];
        named(options, code::BOOT_FILE, packet.file, &mut buf)
            .is_some_and(|file| !file.is_empty() && file.len() <= FILE_MAX)
            || options
                .join(code::SZTP_REDIRECT, &mut [0; 1])
                .is_some_and(|(octets, _)| !octets.is_empty())
    }

    /// Whether a message is of a server that calls itself a boot server, for PXE or HTTP.
    pub(crate) fn is_of_boot_server(packet: &Packet<'_>) -> bool {
        let mut buf = [0; CLASS_MAX];
        let class = class(&packet.options, &mut buf);
        class.starts_with(PXE) || class.starts_with("HTTPClient")
    }

    /// Whether it says what to boot: a file, or where to ask for one (sZTP).
    ///
    /// `siaddr` alone says nothing, as many servers put their own address there by default.
    pub fn is_known(&self) -> bool {
        !self.file.is_empty() || !self.sztp_redirect.octets.is_empty()
    }

    /// Whether the server calls itself a PXE server.
    pub(crate) fn is_pxe(&self) -> bool {
        self.class_id.starts_with(PXE)
    }
}

/// The class of a PXE server.
const PXE: &str = "PXEClient";
/// One octet more than is kept, so that a trailing NUL does no harm.
const NAMED_MAX: usize = FILE_MAX + 1;
/// Octets of the class identifier that are looked at.
const CLASS_MAX: usize = 32;

/// The text of an option, else of a field of the header; empty when there is neither, `None` when it is
/// too long.
#[inline(never)]
fn named<'b>(
    options: &Options<'_>,
    option: u8,
    field: &'b [u8],
    buf: &'b mut [u8; NAMED_MAX],
) -> Option<&'b str> {
    let (octets, whole) = options.join(option, buf).unwrap_or((&[], 0));
    if whole > octets.len() {
        return None;
    }
    text(octets).or(text(field)).or(Some(""))
}

/// The start of the class identifier, option 60.
fn class<'b>(options: &Options<'_>, buf: &'b mut [u8; CLASS_MAX]) -> &'b str {
    let octets = options.join(code::CLASS_ID, buf);
    octets.and_then(|(octets, _)| text(octets)).unwrap_or("")
}
