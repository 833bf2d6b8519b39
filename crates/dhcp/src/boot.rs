//! Where to boot from, as a DHCP or ProxyDHCP server says.

use crate::options::{Options, code, is_host, text};
use crate::packet::Packet;
use core::net::Ipv4Addr;

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
    fn parse(options: &Options<'_>, code: u8) -> Self {
        let mut buf = [0; RAW_MAX];
        let (octets, whole) = options.join(code, &mut buf).unwrap_or((&[], 0));
        Self {
            octets: heapless::Vec::from_slice(octets).unwrap_or_default(),
            truncated: whole > octets.len(),
        }
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
        let options = &packet.options;
        let mut boot = Self {
            next_server: Some(packet.header.siaddr).filter(|address| is_host(*address)),
            vendor_specific: RawOption::parse(options, code::VENDOR_SPECIFIC),
            sztp_redirect: RawOption::parse(options, code::SZTP_REDIRECT),
            ..Self::default()
        };
        let mut oversize = false;
        let mut keep = |option, field: &[u8], max, to: &mut dyn FnMut(&str)| {
            // One octet more than is kept, so that a trailing NUL does no harm.
            let mut buf = [0; FILE_MAX + 1];
            let (octets, whole) = options.join(option, &mut buf).unwrap_or((&[], 0));
            let named = if whole > octets.len() {
                None
            } else {
                text(octets)
            };
            match named {
                Some(text) if text.len() <= max => to(text),
                Some(_) => oversize = true,
                None if whole > octets.len() => oversize = true,
                None => text(field).into_iter().for_each(to),
            }
        };
        let BootInfo {
            server_name, file, ..
        } = &mut boot;
        keep(
            code::TFTP_SERVER,
            packet.sname,
            SERVER_NAME_MAX,
            &mut |text| {
                let _ = server_name.push_str(text);
            },
        );
        keep(code::BOOT_FILE, packet.file, FILE_MAX, &mut |text| {
            let _ = file.push_str(text);
        });
        boot.oversize = oversize;
        let mut buf = [0; 32];
        if let Some((octets, _)) = options.join(code::CLASS_ID, &mut buf)
            && let Some(class) = text(octets)
        {
            let _ = boot.class_id.push_str(class);
        }
        boot
    }

    /// Whether it says what to boot: a file, or where to ask for one (sZTP).
    ///
    /// `siaddr` alone says nothing, as many servers put their own address there by default.
    pub fn is_known(&self) -> bool {
        !self.file.is_empty() || !self.sztp_redirect.octets.is_empty()
    }

    /// Whether the server calls itself a PXE server.
    pub(crate) fn is_pxe(&self) -> bool {
        self.class_id.starts_with("PXEClient")
    }

    /// Whether the server calls itself a boot server of either kind.
    pub(crate) fn is_boot_server(&self) -> bool {
        self.is_pxe() || self.class_id.starts_with("HTTPClient")
    }
}
