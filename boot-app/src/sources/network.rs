//! The boot file that the network names, and the files beside it.

use core::net::IpAddr;
use heapless::String;
use netboot_core::Console;
use netboot_core::uri::{MAX_URI, Scheme, Uri, UriError, is_ipv4};
use netboot_ipxe::{IpxeInterface, NetworkConfig};

/// Octets of the longest address as text: eight groups of four digits, with seven colons.
const ADDRESS: usize = 39;

/// Whether this build copes with networks that tell less than they should.
const ROBUST: bool = cfg!(feature = "robust");
/// A backslash in a URI.
const BACKSLASH: &[u8] = b"%5C";

/// File names of the recovery images, by index, under the directory that the network names.
#[derive(Clone, Copy, Debug)]
pub struct FileNames<'c>(pub &'c [&'c str]);

impl Default for FileNames<'_> {
    fn default() -> Self {
        Self(&["caliptra-fw.bin", "soc-manifest.bin", "mcu-runtime.bin"])
    }
}

/// Gives the file of image `index` beside the boot file.
pub(crate) fn find(boot: &Uri, names: FileNames<'_>, index: u8) -> Option<Result<Uri, UriError>> {
    let name = names.0.get(usize::from(index))?;
    Some(beside(boot, name))
}

/// Gives the file of image `index` in the directory `boot` whose name lacks the final separator: `firmware` for `firmware/`.
#[cfg(feature = "toc")]
#[inline(never)]
pub(super) fn find_inside(
    boot: &Uri,
    names: FileNames<'_>,
    index: u8,
) -> Option<Result<Uri, UriError>> {
    let name = names.0.get(usize::from(index))?;
    let separator = if backslash(boot) > 0 { "%5C" } else { "/" };
    let mut reference: String<MAX_URI> = String::new();
    // The dot keeps a colon in the segment from being that of a scheme.
    for part in ["./", boot.last_segment(), separator, name] {
        if reference.push_str(part).is_err() {
            return Some(Err(UriError::TooLong));
        }
    }
    Some(boot.join(&reference))
}

/// Gives the file `name` in the directory of `boot`. A TFTP server that takes backslashes for separators is asked with them.
#[inline(never)]
pub(super) fn beside(boot: &Uri, name: &str) -> Result<Uri, UriError> {
    if !ROBUST {
        return boot.join(name);
    }
    let directory = boot.path().get(1..backslash(boot)).unwrap_or_default();
    let mut reference: String<MAX_URI> = String::new();
    for part in [directory, name] {
        reference.push_str(part).map_err(|_| UriError::TooLong)?;
    }
    boot.join(&reference)
}

/// Octets of the path up to its last separator, where the separators are backslashes: it has no slash but the first octet. 0 where
/// they are slashes.
fn backslash(uri: &Uri) -> usize {
    let path = uri.path().as_bytes();
    if !ROBUST
        || uri.scheme() != Scheme::Tftp
        || path.iter().rposition(|octet| *octet == b'/') != Some(0)
    {
        return 0;
    }
    let mut separators = path.windows(BACKSLASH.len());
    let last = separators.rposition(|three| three == BACKSLASH);
    last.map_or(0, |at| at.saturating_add(BACKSLASH.len()))
}

/// Why the network names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceError {
    /// What it names cannot be a URI.
    Uri(UriError),
    /// A name is longer than what can be kept.
    TooLong,
    /// A name is no text.
    NoText,
    /// There is a boot file, and nothing says on which server.
    NoServer,
    /// There is no boot file, but a PXE menu that gave none.
    NoService,
}

/// Gives the boot file or directory that a configuration points to: a whole URI in place of the file or the server's name, or a
/// path on the server by TFTP. Without a file name the place is the server's root directory. `None` when the configuration names
/// no place, or no further one.
///
/// Several things may say which server it is; `nth` counts through those that do. An address of option 66 comes first, then a name
/// in it that is more than a label, then the next server (`siaddr`), the addresses of option 150, and the label. Without any
/// address it is the server that told the boot file (option 54), as with EDK2. A label is what people write beside an address, and mostly nobody can
/// resolve it.
#[inline(never)]
pub(crate) fn boot_uri(config: &NetworkConfig, nth: usize) -> Result<Option<Uri>, PlaceError> {
    if nth > 0 && !ROBUST {
        return Ok(None);
    }
    let boot = &config.boot;
    if boot.damaged {
        return Err(PlaceError::NoText);
    }
    if boot.oversize {
        return Err(PlaceError::TooLong);
    }
    for text in [&*boot.file, &*boot.server_name] {
        if is_whole_uri(text) {
            if nth > 0 {
                return Ok(None);
            }
            let uri = Uri::parse(text);
            let uri = match text == &*boot.file {
                true => uri,
                false => uri.and_then(|uri| uri.join(&boot.file)),
            };
            return uri.map(Some).map_err(PlaceError::Uri);
        }
    }
    let name = Some(boot.server_name.as_str()).filter(|name| !name.is_empty());
    let literal = name.is_some_and(is_ipv4);
    let label = name.is_some_and(|name| !literal && !name.bytes().any(|octet| octet == b'.'));
    let resolvable = literal || !config.dns.is_empty();
    let [one, two] = match ROBUST {
        true => [boot.tftp_servers.first(), boot.tftp_servers.get(1)],
        false => [None; 2],
    };
    let alone = boot.next_server.is_none() && one.is_none();
    // Without a resolver a name is told as it is when there is nothing else: the error then names it.
    let name = name.filter(|_| resolvable || alone);
    let label = label && !alone;
    let told = boot.server.as_ref();
    let told = told.filter(|_| ROBUST && alone && !literal && !boot.file.is_empty());
    let candidates = [
        name.filter(|_| !ROBUST || !label).map(Host::Name),
        boot.next_server.as_ref().map(Host::Address),
        one.map(Host::Address),
        two.map(Host::Address),
        name.filter(|_| ROBUST && label).map(Host::Name),
        told.map(Host::Address),
    ];
    let mut left = nth;
    let mut found = None;
    for candidate in &candidates {
        if candidate.is_some() {
            if left == 0 {
                found = candidate.as_ref();
                break;
            }
            left = left.saturating_sub(1);
        }
    }
    let mut buffer: String<ADDRESS> = String::new();
    let host = match found {
        Some(Host::Name(name)) => name,
        Some(Host::Address(address)) => {
            let text: &mut dyn Console = &mut buffer;
            text.ip(**address);
            buffer.as_str()
        }
        None if nth == 0 && !boot.file.is_empty() => return Err(PlaceError::NoServer),
        None if ROBUST && nth == 0 && boot.has_pxe_menu => return Err(PlaceError::NoService),
        None => return Ok(None),
    };
    Uri::from_parts(Scheme::Tftp, host, None, &boot.file)
        .map(Some)
        .map_err(PlaceError::Uri)
}

/// The configurations of the interface: the one that names the boot files first, and that of the other family of addresses.
pub(crate) type Networks<'c> = [Option<&'c NetworkConfig>; 2];

/// Gives the configurations of the interface.
#[inline(always)]
pub(crate) fn networks<N: IpxeInterface>(net: &N) -> Networks<'_> {
    [net.config(), net.other_config()]
}

/// Gives the `nth` boot file of all that the configurations name.
#[inline(never)]
pub(crate) fn boot_uri_of(networks: Networks<'_>, mut nth: usize) -> Option<Uri> {
    for config in networks.into_iter().flatten() {
        let mut at = 0;
        while let Some(uri) = boot_uri(config, at).ok().flatten() {
            if nth == 0 {
                return Some(uri);
            }
            nth = nth.saturating_sub(1);
            at += 1;
        }
    }
    None
}

/// A server, as the network says which it is.
#[derive(Clone, Copy)]
enum Host<'c> {
    Name(&'c str),
    Address(&'c IpAddr),
}

/// Whether the network tells no protocol for the boot file of `config`.
#[cfg(feature = "negotiate")]
pub(crate) fn is_bare(config: &NetworkConfig) -> bool {
    !is_whole_uri(&config.boot.file) && !is_whole_uri(&config.boot.server_name)
}

/// Gives the same file on the same server by another protocol.
#[cfg(feature = "negotiate")]
#[inline(never)]
pub(crate) fn by(scheme: Scheme, uri: &Uri) -> Result<Uri, UriError> {
    let mut path = [0; MAX_URI];
    Uri::from_parts(scheme, uri.authority(), None, uri.decode_path(&mut path)?)
}

fn is_whole_uri(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| three == b"://")
}

/// Whether a URI names a directory, so that there is no boot file to look into.
#[cfg(feature = "toc")]
pub(crate) fn is_directory(uri: &Uri) -> bool {
    let path = uri.path();
    path.is_empty() || path.ends_with('/') || backslash(uri) == path.len()
}

#[cfg(all(test, feature = "robust"))]
mod tests {
    use super::*;

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
        let uri = boot_uri(&config, 0).unwrap()?;
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
            some("tftp://[fd00::2]/a")
        );
        assert_eq!(
            uri_of("boot", "a", Some("10.0.2.2"), true),
            some("tftp://10.0.2.2/a")
        );
        assert_eq!(
            uri_of("boot.example", "a", Some("10.0.2.2"), true),
            some("tftp://boot.example/a")
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
        assert_eq!(uri_of("boot", "", None, true), some("tftp://boot/"));
        // Names of 65 to 128 octets are kept whole on their way here.
        let long = format!("{}.{}.example", "a".repeat(60), "b".repeat(50));
        assert_eq!(
            uri_of(&long, "f", None, true),
            some(&format!("tftp://{long}/f"))
        );
    }

    #[test]
    fn every_server_that_the_network_names_in_turn() {
        let mut config = NetworkConfig::new([10, 0, 2, 15].into(), 24);
        let all = |config: &NetworkConfig| {
            let uris = (0..).map_while(|nth| boot_uri(config, nth).unwrap());
            uris.map(|uri| uri.to_string()).collect::<Vec<_>>()
        };
        config.boot.file = "a".try_into().unwrap();
        assert_eq!(boot_uri(&config, 0), Err(PlaceError::NoServer));
        config.boot.server = Some([10, 0, 2, 1].into());
        assert_eq!(all(&config), ["tftp://10.0.2.1/a"]);
        config.boot.tftp_servers.push([10, 0, 2, 3].into()).unwrap();
        config.boot.tftp_servers.push([10, 0, 2, 4].into()).unwrap();
        config.boot.next_server = Some([10, 0, 2, 2].into());
        config.boot.server_name = "zorro".try_into().unwrap();
        config.dns.push([10, 0, 2, 5].into()).unwrap();
        let uris = ["10.0.2.2", "10.0.2.3", "10.0.2.4", "zorro"];
        assert_eq!(all(&config), uris.map(|host| format!("tftp://{host}/a")));
        config.boot.server_name = "zorro.example".try_into().unwrap();
        assert_eq!(all(&config)[0], "tftp://zorro.example/a");
        assert_eq!(all(&config).len(), 4);
        // Nobody can resolve the name, and there is something else.
        config.dns.clear();
        assert_eq!(all(&config)[0], "tftp://10.0.2.2/a");
        assert_eq!(all(&config).len(), 3);
        // Whoever tells no boot file is nobody to ask for one.
        config.boot.file.clear();
        assert_eq!(all(&config).len(), 3);
        config.boot.file = "http://h/a".try_into().unwrap();
        assert_eq!(all(&config), ["http://h/a"]);
        config.boot.damaged = true;
        assert_eq!(boot_uri(&config, 0), Err(PlaceError::NoText));
    }

    #[test]
    #[cfg(feature = "toc")]
    fn a_directory_without_its_final_separator() {
        for (file, found) in [
            ("firmware", "firmware/caliptra-fw.bin"),
            ("/firmware", "/firmware/caliptra-fw.bin"),
            ("a/b", "a/b/caliptra-fw.bin"),
            ("a:b", "a:b/caliptra-fw.bin"),
            ("http:/10.0.2.2/fw", "http:/10.0.2.2/fw/caliptra-fw.bin"),
            ("fw 1?#%", "fw 1?#%/caliptra-fw.bin"),
            (r"Boot\FW", r"Boot\FW\caliptra-fw.bin"),
        ] {
            let boot = Uri::from_parts(Scheme::Tftp, "10.0.2.2", None, file).unwrap();
            let inside = find_inside(&boot, FileNames::default(), 0).unwrap();
            let mut name = [0; 256];
            let inside = inside.unwrap();
            assert_eq!(inside.decode_path(&mut name).unwrap(), found, "{file}");
            assert!(find_inside(&boot, FileNames::default(), 3).is_none());
        }
        let long = format!("http://h/{}", "a".repeat(240));
        let inside = find_inside(&Uri::parse(&long).unwrap(), FileNames::default(), 0);
        assert_eq!(inside, Some(Err(UriError::TooLong)));
    }

    #[test]
    fn backslashes_separate_where_there_are_no_slashes() {
        let beside = |file: &str| {
            let boot = Uri::from_parts(Scheme::Tftp, "10.0.2.2", None, file).unwrap();
            let found = beside(&boot, "caliptra-fw.bin").unwrap();
            let mut name = [0; 256];
            found.decode_path(&mut name).unwrap().to_string()
        };
        for (file, found) in [
            (r"Boot\FW\boot.toc", r"Boot\FW\caliptra-fw.bin"),
            (r"Boot\FW\", r"Boot\FW\caliptra-fw.bin"),
            (r"\Boot\FW\boot.toc", r"\Boot\FW\caliptra-fw.bin"),
            (r"\boot.toc", r"\caliptra-fw.bin"),
            (r"Boot/F\W/boot.toc", r"Boot/F\W/caliptra-fw.bin"),
            (r"Boot/F\boot.toc", "Boot/caliptra-fw.bin"),
            ("boot.toc", "caliptra-fw.bin"),
        ] {
            assert_eq!(beside(file), found, "{file}");
        }
    }
}
