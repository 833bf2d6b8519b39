//! Places that are compiled in or set by the operator.

use super::{Candidate, SourceError};
use netboot_core::uri::Uri;

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
) -> Option<Result<Candidate, SourceError>> {
    let place = places
        .iter()
        .filter(|place| place.index == index)
        .nth(item)?;
    Some(match Uri::parse(place.uri) {
        Ok(uri) => Ok(uri.into()),
        Err(error) => Err(error.into()),
    })
}
