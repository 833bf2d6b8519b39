//! From a recovery image index to the places where that image may be.
//!
//! First match wins: the table of contents, if the boot file that DHCP names is one; else DHCP's
//! server and directory with a file name for each index. A compiled-in default comes last, and is
//! also what is tried when the network's own pointers fail.

use crate::app::AppConfig;
use crate::check::Expected;
#[cfg(feature = "toc")]
use crate::toc::Toc;
use heapless::String;
use netboot_core::Console;
use netboot_core::uri::{Scheme, Uri, UriError, is_ipv4};
use netboot_ipxe::{NetworkConfig, Part};

/// Places of one image that are tried in one round; more are of no use after so many failures.
pub(crate) const MAX_TRIED: u8 = 3;

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
    #[cfg(feature = "toc")]
    pub toc: Option<Toc>,
    /// A boot file that could not be looked into. The compiled-in places serve until it can.
    pub unread: bool,
}

impl Sources {
    /// Place number `place` of image `index`: 0 is what the network says, the others are the
    /// compiled-in ones. `None` when there is none for this image.
    ///
    /// # Errors
    /// What is there cannot be a URI.
    #[inline(never)]
    pub fn candidate(
        &self,
        index: u8,
        place: usize,
        config: &AppConfig<'_>,
    ) -> Result<Option<Candidate>, UriError> {
        let expected = config
            .expected
            .iter()
            .find_map(|(of, expected)| (*of == index).then_some(*expected))
            .unwrap_or_default();
        let uri = if let Some(place) = place.checked_sub(1) {
            match config.defaults.get(place) {
                Some(default) if default.index == index => Uri::parse(default.uri),
                _ => return Ok(None),
            }
        } else {
            let Some(boot) = self.boot.as_ref().filter(|_| !self.unread) else {
                return Ok(None);
            };
            #[cfg(feature = "toc")]
            if let Some(toc) = &self.toc {
                return listed(toc, boot, index, expected);
            }
            match config.names.0.get(usize::from(index)) {
                Some(name) => boot.join(name),
                None => return Ok(None),
            }
        };
        Ok(Some(Candidate {
            uri: uri?,
            part: None,
            expected,
        }))
    }
}

/// What a table of contents, which lies at `boot`, says of an image.
#[cfg(feature = "toc")]
#[inline(never)]
fn listed(
    toc: &Toc,
    boot: &Uri,
    index: u8,
    mut expected: Expected,
) -> Result<Option<Candidate>, UriError> {
    let Some(entry) = toc.find(u32::from(index)) else {
        return Ok(None);
    };
    expected.size = Some(u64::from(entry.size));
    expected.checksum = Some(entry.checksum);
    let (uri, part) = match entry.filename.as_str() {
        // The image is in the boot file itself.
        "" => {
            let part = Part {
                offset: u64::from(entry.offset),
                len: u64::from(entry.size),
            };
            (boot.clone(), Some(part))
        }
        name => (boot.join(name)?, None),
    };
    Ok(Some(Candidate {
        uri,
        part,
        expected,
    }))
}

/// The boot file or directory that DHCP points to: a whole URI in option 67, or a path on the server
/// of option 66 or `siaddr`, by TFTP. Without a file name it is the server's root directory.
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
    let mut address: String<15> = String::new();
    let host = match (name, boot.next_server) {
        (Some(name), _) => name,
        (None, Some(server)) => {
            // The longest dotted quad has 15 octets.
            let text: &mut dyn Console = &mut address;
            text.ipv4(server.octets());
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
