//! Reads where to boot from, as a DHCPv6 server says it (RFC 5970).

use super::options::{Options, code, items};
use core::net::{IpAddr, Ipv6Addr};
use netboot_core::boot::{BootInfo, BootOrigin, FILE_MAX};
use netboot_core::text::printable;

/// Octets of boot file parameters that are kept, with a length of two octets for each.
pub const PARAMETERS_MAX: usize = 128;

/// Parameters for the boot file, option 60: each is a text that the server gives to what is booted, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootParams(
    /// The option's data, all of it well formed.
    heapless::Vec<u8, PARAMETERS_MAX>,
);

impl BootParams {
    /// The parameters. A parameter may be empty.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        items(&self.0)
            .flatten()
            .map(|item| parameter(item).unwrap_or(""))
    }
}

/// Reads the boot information of a message from `from` where it will stay.
#[inline(never)]
pub(crate) fn read(
    boot: &mut BootInfo,
    parameters: &mut BootParams,
    options: &Options<'_>,
    from: Ipv6Addr,
) {
    boot.server_name.clear();
    boot.next_server = None;
    boot.tftp_servers.clear();
    boot.server = Some(IpAddr::V6(from));
    boot.origin = BootOrigin::Dhcp;
    boot.has_bootstrap_servers = has_bootstrap_servers(options);
    boot.oversize = false;
    boot.damaged = matches!(
        options.cut(),
        Some(code::BOOT_FILE_URL | code::BOOT_FILE_PARAMETERS)
    );
    boot.file.clear();
    let url = options.find(code::BOOT_FILE_URL).unwrap_or_default();
    match whole_text(url) {
        Some(url) => boot.oversize |= boot.file.push_str(url).is_err(),
        None => boot.damaged |= !url.is_empty(),
    }
    parameters.0.clear();
    let data = options.find(code::BOOT_FILE_PARAMETERS);
    let data = data.unwrap_or_default();
    if items(data).all(|item| item.and_then(parameter).is_some()) {
        boot.oversize |= parameters.0.extend_from_slice(data).is_err();
    } else {
        boot.damaged = true;
    }
}

/// Whether a message says what to boot: a URL that can be kept, or bootstrap servers.
#[inline(never)]
pub(crate) fn is_known_in(options: &Options<'_>) -> bool {
    let url = options.find(code::BOOT_FILE_URL);
    url.and_then(whole_text)
        .is_some_and(|url| url.len() <= FILE_MAX)
        || has_bootstrap_servers(options)
}

fn has_bootstrap_servers(options: &Options<'_>) -> bool {
    let servers = options.find(code::SZTP_REDIRECT);
    servers.is_some_and(|servers| !servers.is_empty())
}

/// The text of a parameter, which may be empty.
fn parameter(octets: &[u8]) -> Option<&str> {
    match octets {
        [] => Some(""),
        octets => whole_text(octets),
    }
}

/// The text that goes to the end of `octets`: UTF-8 without control characters, and without a NUL at its end (RFC 5970 section 3.1).
fn whole_text(octets: &[u8]) -> Option<&str> {
    printable(octets).filter(|text| text.len() == octets.len())
}
