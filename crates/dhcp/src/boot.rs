//! Reads where to boot from, as a DHCP or ProxyDHCP server says it.

use crate::options::{Options, code};
use crate::packet::Packet;
use core::net::{IpAddr, Ipv4Addr};
use heapless::string::StringView;
use netboot_core::boot::{BootInfo, BootOrigin, FILE_MAX};
use netboot_core::net::is_host;
use netboot_core::text::printable;

/// Reads the boot information of a message from `from`. The caller says who sent it.
pub fn parse(packet: &Packet<'_>, from: Ipv4Addr, origin: BootOrigin) -> BootInfo {
    let mut boot = BootInfo::default();
    read(&mut boot, packet, from, origin);
    boot
}

/// Reads the boot information of a message where it will stay.
#[inline(never)]
pub(crate) fn read(boot: &mut BootInfo, packet: &Packet<'_>, from: Ipv4Addr, origin: BootOrigin) {
    let options = &packet.options;
    let next_server = Some(packet.header.siaddr).filter(|address| is_host(*address));
    boot.next_server = next_server.map(IpAddr::V4);
    let server = options.address(code::SERVER_ID).filter(|id| is_host(*id));
    boot.server = Some(IpAddr::V4(server.unwrap_or(from)));
    options.read_addresses(code::TFTP_SERVERS, &mut boot.tftp_servers);
    boot.origin = origin;
    boot.has_bootstrap_servers = has_bootstrap_servers(options);
    boot.has_pxe_menu = false;
    let BootInfo {
        server_name,
        file,
        oversize,
        damaged,
        ..
    } = boot;
    *oversize = false;
    *damaged = matches!(options.cut, Some(code::TFTP_SERVER | code::BOOT_FILE));
    let mut keep = |option, field, to: &mut StringView| {
        to.clear();
        let mut buf = [0; NAMED_MAX];
        match named(options, option, field, &mut buf) {
            Ok(name) => *oversize |= to.push_str(name).is_err(),
            Err(Unreadable::TooLong) => *oversize = true,
            Err(Unreadable::NoText) => *damaged = true,
        }
    };
    keep(code::TFTP_SERVER, packet.sname, server_name);
    keep(code::BOOT_FILE, packet.file, file);
}

/// Whether a message says what to boot: a file name that can be kept, or bootstrap servers.
#[inline(never)]
pub(crate) fn is_known_in(packet: &Packet<'_>) -> bool {
    let options = &packet.options;
    let mut buf = [0; NAMED_MAX];
    named(options, code::BOOT_FILE, packet.file, &mut buf)
        .is_ok_and(|file| !file.is_empty() && file.len() <= FILE_MAX)
        || has_bootstrap_servers(options)
}

fn has_bootstrap_servers(options: &Options<'_>) -> bool {
    options
        .join(code::SZTP_REDIRECT, &mut [0; 1])
        .is_some_and(|(octets, _)| !octets.is_empty())
}

/// Whether the sender is a boot server: its class is that of PXE or of HTTP boot.
pub(crate) fn is_of_boot_server(packet: &Packet<'_>) -> bool {
    let mut buf = [0; CLASS_MAX];
    let class = class(&packet.options, &mut buf);
    class.starts_with(PXE) || class.starts_with("HTTPClient")
}

/// Whether the sender is a PXE server, which can be asked on port 4011.
pub(crate) fn is_of_pxe_server(packet: &Packet<'_>) -> bool {
    let mut buf = [0; CLASS_MAX];
    class(&packet.options, &mut buf).starts_with(PXE)
}

/// The class identifier of a PXE server.
const PXE: &str = "PXEClient";
/// Octets of a file name or server name that are read: one more than are kept of the longest, so that a trailing NUL does no harm.
const NAMED_MAX: usize = FILE_MAX + 1;
/// Octets of the class identifier that are looked at.
const CLASS_MAX: usize = 32;

/// Why a name cannot be read.
enum Unreadable {
    TooLong,
    NoText,
}

/// The text of an option, or else of a field of the header. Empty when there is neither. A name that cannot be read does not
/// give way to another one: whoever wrote it meant something else than what would be found then.
#[inline(never)]
fn named<'b>(
    options: &Options<'_>,
    option: u8,
    field: &'b [u8],
    buf: &'b mut [u8; NAMED_MAX],
) -> Result<&'b str, Unreadable> {
    let (octets, whole) = options.join(option, buf).unwrap_or((&[], 0));
    if whole > octets.len() {
        return Err(Unreadable::TooLong);
    }
    for octets in [octets, field] {
        if octets.first().is_some_and(|first| *first != 0) {
            return printable(octets).ok_or(Unreadable::NoText);
        }
    }
    Ok("")
}

/// The start of the class identifier, option 60.
fn class<'b>(options: &Options<'_>, buf: &'b mut [u8; CLASS_MAX]) -> &'b str {
    let octets = options.join(code::CLASS_ID, buf);
    octets
        .and_then(|(octets, _)| printable(octets))
        .unwrap_or("")
}
