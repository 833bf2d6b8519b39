//! An image on its way: fetched, loaded, delivered.

use core::fmt;
use heapless::String;
use netboot_core::uri::{Scheme, Uri};
use netboot_core::{Digest, Duration};

/// Longest image name, octets.
pub const NAME_LEN: usize = 32;

/// The protocol that carries an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 1350 and its options
    Tftp,
    /// RFC 9110, 9112
    Http,
    /// HTTP over TLS
    Https,
}

impl Protocol {
    /// The name as in a URI's scheme.
    pub const fn as_str(self) -> &'static str {
        match self {
            Protocol::Tftp => "tftp",
            Protocol::Http => "http",
            Protocol::Https => "https",
        }
    }
}

impl From<Scheme> for Protocol {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Tftp => Protocol::Tftp,
            Scheme::Http => Protocol::Http,
            Scheme::Https => Protocol::Https,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part of a file: an image inside a whole flash image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Octets before the image.
    pub offset: u64,
    /// Octets of the image.
    pub len: u64,
}

/// `imgfetch`'s answer: the server has the file and the transfer is open.
#[derive(Clone, Debug)]
pub struct ImageHandle {
    /// The name given to it, for logs and reports.
    pub name: String<NAME_LEN>,
    /// Where it is; after redirects, where it really is.
    pub uri: Uri,
    /// Size in octets, if the server said so.
    pub size: Option<u64>,
    /// What carries it.
    pub protocol: Protocol,
    /// Tells this transfer from earlier ones of the same library.
    pub id: u32,
}

/// `imgload`'s answer: the size is known and the first octet is ready to flow.
#[derive(Debug)]
pub struct LoadedImage<'s> {
    /// The transfer.
    pub handle: ImageHandle,
    /// Size in octets.
    pub size: u64,
    /// The whole image, when a staging buffer was given to `imgload`.
    pub staged: Option<&'s [u8]>,
}

/// `imgexec`'s answer: every octet was written to the sink, nothing was activated yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Octets delivered.
    pub octets: u64,
    /// SHA-256 of the octets delivered; `None` when the library was told not to hash.
    pub sha256: Option<Digest>,
    /// Times that the transfer was taken up again after it broke.
    pub resumes: u32,
    /// From the first octet to the last.
    pub duration: Duration,
}
