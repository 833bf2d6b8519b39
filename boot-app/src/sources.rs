//! From a recovery image index to the places where that image may be.
//!
//! First match wins: the table of contents, if the boot file that DHCP names is one; else DHCP's
//! server and directory with a file name for each index. A compiled-in default comes last, and is
//! also what is tried when the network's own pointers fail.

use crate::check::Expected;
use crate::toc::Toc;
use core::fmt::Write as _;
use core::net::Ipv4Addr;
use heapless::{String, Vec};
use netboot_core::uri::{Scheme, Uri, UriError};
use netboot_ipxe::{NetworkConfig, Part};

/// Places of one image.
const MAX_CANDIDATES: usize = 3;

/// File names of the recovery images, by index, under the directory that DHCP names.
#[derive(Clone, Copy, Debug)]
pub struct FileNames<'c>(pub &'c [&'c str]);

impl Default for FileNames<'_> {
    fn default() -> Self {
        Self(&["caliptra-fw.bin", "soc-manifest.bin", "mcu-runtime.bin"])
    }
}

/// A place that is compiled in.
#[derive(Clone, Copy, Debug)]
pub struct DefaultSource<'c> {
    /// Recovery image index.
    pub index: u8,
    /// Absolute URI.
    pub uri: &'c str,
}

/// One place where an image may be, and what it has to be.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub uri: Uri,
    pub part: Option<Part>,
    pub expected: Expected,
}

/// What the network says of the images.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The boot file, or the directory of the images.
    pub boot: Option<Uri>,
    /// The boot file's contents, if it is a table.
    pub toc: Option<Toc>,
    /// A boot file that could not be looked into. The compiled-in places serve until it can.
    pub unread: Option<Uri>,
}

impl Sources {
    /// The places of image `index`, the preferred one first. A pointer that cannot be a URI is left
    /// out; it comes back as the error if nothing else is left.
    pub fn candidates(
        &self,
        index: u8,
        names: FileNames<'_>,
        defaults: &[DefaultSource<'_>],
        expected: &[(u8, Expected)],
    ) -> Result<Vec<Candidate, MAX_CANDIDATES>, UriError> {
        let mut list = Vec::new();
        let mut trouble = None;
        let expected = expected
            .iter()
            .find_map(|(of, expected)| (*of == index).then_some(*expected))
            .unwrap_or_default();
        match self.by_network(index, names, expected) {
            Ok(candidate) => list.extend(candidate),
            Err(error) => trouble = Some(error),
        }
        for default in defaults.iter().filter(|default| default.index == index) {
            match Uri::parse(default.uri) {
                Ok(uri) => {
                    // Defaults beyond the room in the list are of no use after so many failures.
                    let _ = list.push(Candidate {
                        uri,
                        part: None,
                        expected,
                    });
                }
                Err(error) => trouble = Some(error),
            }
        }
        match trouble {
            Some(error) if list.is_empty() => Err(error),
            _ => Ok(list),
        }
    }

    fn by_network(
        &self,
        index: u8,
        names: FileNames<'_>,
        expected: Expected,
    ) -> Result<Option<Candidate>, UriError> {
        let Some(boot) = &self.boot else {
            return Ok(None);
        };
        let Some(toc) = &self.toc else {
            let Some(name) = names.0.get(usize::from(index)) else {
                return Ok(None);
            };
            return Ok(Some(Candidate {
                uri: boot.join(name)?,
                part: None,
                expected,
            }));
        };
        let Some(entry) = toc.find(u32::from(index)) else {
            return Ok(None);
        };
        let part = Part {
            offset: u64::from(entry.offset),
            len: u64::from(entry.size),
        };
        let in_this_file = entry.filename.is_empty();
        let uri = if in_this_file {
            boot.clone()
        } else {
            boot.join(&entry.filename)?
        };
        Ok(Some(Candidate {
            uri,
            part: in_this_file.then_some(part),
            expected: Expected {
                size: Some(u64::from(entry.size)),
                checksum: Some(entry.checksum),
                ..expected
            },
        }))
    }
}

/// The boot file or directory that DHCP points to: a whole URI in option 67, or a path on the server
/// of option 66 or `siaddr`, by TFTP. Without a file name it is the server's root directory.
pub(crate) fn boot_uri(config: &NetworkConfig) -> Result<Option<Uri>, UriError> {
    let boot = &config.boot;
    if boot.file.contains("://") {
        return Uri::parse(&boot.file).map(Some);
    }
    if boot.server_name.contains("://") {
        return Uri::parse(&boot.server_name)?.join(&boot.file).map(Some);
    }
    // A name is of use only where somebody can resolve it.
    let name = Some(boot.server_name.as_str()).filter(|name| {
        !name.is_empty()
            && (name.parse::<Ipv4Addr>().is_ok()
                || !config.dns.is_empty()
                || boot.next_server.is_none())
    });
    let mut address: String<15> = String::new();
    let host = match (name, boot.next_server) {
        (Some(name), _) => name,
        (None, Some(server)) => {
            // The longest dotted quad has 15 octets.
            let _ = write!(address, "{server}");
            address.as_str()
        }
        (None, None) => return Ok(None),
    };
    Uri::from_parts(Scheme::Tftp, host, None, &boot.file).map(Some)
}

/// Whether a URI names a directory, so that there is no boot file to look into.
pub(crate) fn is_directory(uri: &Uri) -> bool {
    uri.path().is_empty() || uri.path().ends_with('/')
}
