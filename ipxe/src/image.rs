//! An image on its way: fetched, loaded, delivered.

use heapless::String;
use netboot_core::uri::Uri;

/// Octets of the longest image name.
pub const NAME_LEN: usize = 32;

/// As much of `name` as an image's name can have.
pub fn short_name(name: &str) -> String<NAME_LEN> {
    let short = name.get(..name.floor_char_boundary(NAME_LEN));
    short.unwrap_or_default().try_into().unwrap_or_default()
}

/// A part of a file: an image inside a whole flash image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Octets of the file before the image.
    pub offset: u64,
    /// Octets of the image.
    pub len: u64,
}

/// `imgfetch`'s answer: the server has the file and the transfer is open.
#[derive(Clone, Debug)]
pub struct ImageHandle {
    /// The name given to the image, for logs and reports.
    pub name: String<NAME_LEN>,
    /// Where the image is; after redirects, where it really is. The scheme says what carries it.
    pub uri: Uri,
    /// Size in octets, if the server said so.
    pub size: Option<u64>,
    /// Tells this transfer from earlier ones of the same library.
    pub id: u32,
}

/// `imgload`'s answer: the size is known and the first octet is ready to flow.
#[derive(Clone, Copy, Debug)]
pub struct LoadedImage<'h> {
    /// The transfer.
    pub handle: &'h ImageHandle,
    /// Size in octets.
    pub size: u64,
}
