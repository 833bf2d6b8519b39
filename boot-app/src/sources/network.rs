//! The boot file that the network names, and the files beside it.

use heapless::String;
use netboot_core::Console;
use netboot_core::uri::{Scheme, Uri, UriError, is_ipv4};
use netboot_ipxe::NetworkConfig;

/// Octets of the longest address as text: eight groups of four digits, with seven colons.
const ADDRESS: usize = 39;

/// File names of the recovery images, by index, under the directory that the network names.
#[derive(Clone, Copy, Debug)]
pub struct FileNames<'c>(pub &'c [&'c str]);

impl Default for FileNames<'_> {
    fn default() -> Self {
        Self(&["caliptra-fw.bin", "soc-manifest.bin", "mcu-runtime.bin"])
    }
}

/// Gives the file of image `index` beside the boot file.
pub(super) fn find(boot: &Uri, names: FileNames<'_>, index: u8) -> Option<Result<Uri, UriError>> {
    let name = names.0.get(usize::from(index))?;
    Some(boot.join(name))
}

/// Gives the boot file or directory that a configuration points to: a whole URI in place of the file or the server's name, or a
/// path on the server by TFTP. The server is the one that is named (DHCP option 66), else the next server (`siaddr`). Without a
/// file name the place is the server's root directory.
#[inline(never)]
pub(crate) fn boot_uri(config: &NetworkConfig) -> Result<Option<Uri>, UriError> {
    let boot = &config.boot;
    if is_whole_uri(&boot.file) {
        return Uri::parse(&boot.file).map(Some);
    }
    if is_whole_uri(&boot.server_name) {
        return Uri::parse(&boot.server_name)?.join(&boot.file).map(Some);
    }
    // A name is of use only where somebody can resolve it.
    let name = Some(boot.server_name.as_str()).filter(|name| {
        !name.is_empty() && (is_ipv4(name) || !config.dns.is_empty() || boot.next_server.is_none())
    });
    let mut address: String<ADDRESS> = String::new();
    let host = match (name, boot.next_server) {
        (Some(name), _) => name,
        (None, Some(server)) => {
            let text: &mut dyn Console = &mut address;
            text.ip(server);
            address.as_str()
        }
        (None, None) => return Ok(None),
    };
    Uri::from_parts(Scheme::Tftp, host, None, &boot.file).map(Some)
}

fn is_whole_uri(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| three == b"://")
}

/// Whether a URI names a directory, so that there is no boot file to look into.
#[cfg(feature = "toc")]
pub(crate) fn is_directory(uri: &Uri) -> bool {
    uri.path().is_empty() || uri.path().ends_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::IpAddr;

    fn uri_of(
        server_name: &str,
        file: &str,
        next: Option<&str>,
        dns: bool,
    ) -> Option<std::string::String> {
        let mut config = NetworkConfig::new([10, 0, 2, 15].into(), 24);
        config.boot.server_name = server_name.try_into().unwrap();
        config.boot.file = file.try_into().unwrap();
        config.boot.next_server = next.map(|next| next.parse::<IpAddr>().unwrap());
        if dns {
            config.dns.push(IpAddr::from([10, 0, 2, 3])).unwrap();
        }
        let uri = boot_uri(&config).unwrap()?;
        Some(uri.as_str().to_string())
    }

    #[test]
    fn the_place_that_the_network_names() {
        let some = |text: &str| Some(text.to_string());
        assert_eq!(uri_of("", "", None, true), None);
        assert_eq!(
            uri_of("", "a/b", Some("10.0.2.2"), false),
            some("tftp://10.0.2.2/a/b")
        );
        assert_eq!(
            uri_of("", "a", Some("fd00::2"), false),
            some("tftp://[fd00:0:0:0:0:0:0:2]/a")
        );
        assert_eq!(
            uri_of("boot", "a", Some("10.0.2.2"), true),
            some("tftp://boot/a")
        );
        assert_eq!(
            uri_of("boot", "a", Some("10.0.2.2"), false),
            some("tftp://10.0.2.2/a")
        );
        assert_eq!(uri_of("boot", "a", None, false), some("tftp://boot/a"));
        assert_eq!(
            uri_of("10.0.2.9", "a", Some("10.0.2.2"), false),
            some("tftp://10.0.2.9/a")
        );
        assert_eq!(
            uri_of("http://s/d/", "a", None, false),
            some("http://s/d/a")
        );
        assert_eq!(uri_of("x", "https://s/a", None, false), some("https://s/a"));
        // Names of 65 to 128 octets are kept whole on their way here.
        let long = format!("{}.{}.example", "a".repeat(60), "b".repeat(50));
        assert_eq!(
            uri_of(&long, "f", None, true),
            some(&format!("tftp://{long}/f"))
        );
    }
}
