//! Places that are compiled in or set by the operator.

use netboot_core::uri::{Uri, UriError};

/// One fixed place of one image.
#[derive(Clone, Copy, Debug)]
pub struct FixedSource<'c> {
    /// Recovery image index.
    pub index: u8,
    /// Absolute URI of the image.
    pub uri: &'c str,
}

/// Gives place number `item` of image `index`.
pub(super) fn find(
    places: &[FixedSource<'_>],
    index: u8,
    item: usize,
) -> Option<Result<Uri, UriError>> {
    let mut of_image = places.iter().filter(|place| place.index == index);
    Some(Uri::parse(of_image.nth(item)?.uri))
}

/// Whether there is a place for image `index`.
pub(super) fn has(places: &[FixedSource<'_>], index: u8) -> bool {
    places.iter().any(|place| place.index == index)
}
