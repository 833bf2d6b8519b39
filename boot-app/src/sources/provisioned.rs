//! The image that a bootstrap server has named (RFC 8572, section 7.3, `boot-image`).

use crate::MAX_IMAGES;
use crate::check::Expected;
use crate::sources::listed;
use crate::toc::Toc;
use heapless::Vec;
use netboot_core::Digest;
use netboot_core::uri::{Uri, UriError};
use netboot_ipxe::Part;
use netboot_sztp::BootImage;

/// Places of an image that are kept; more are left out.
pub(crate) const MAX_PLACES: usize = 4;

/// Where the image is, and what it has to be.
#[derive(Clone, Debug)]
pub(crate) struct Provisioned {
    /// The preferred place first. Places that are no URI were left out.
    pub places: Vec<Uri, MAX_PLACES>,
    /// SHA-256 of the file at each of the places, if the owner tells it.
    pub sha256: Option<Digest>,
    /// SHA-256 of parts of the file, by recovery image index, once the whole file was found to be right.
    pub parts: Vec<(u8, Digest), MAX_IMAGES>,
    /// The boot file that was named before, by whomever. It counts again when this image is done with.
    pub before: Option<Uri>,
}

impl Provisioned {
    /// Takes note of what the owner demands, in place of the boot file `before`. `Err` has what is wrong with the last place when none can be used.
    pub fn of(image: &BootImage<'_>, before: Option<&Uri>) -> Result<Self, UriError> {
        let mut places = Vec::new();
        let mut wrong = UriError::TooLong;
        for text in image.places() {
            let text = text.copy::<{ netboot_core::uri::MAX_URI }>();
            let uri = text.ok_or(UriError::TooLong);
            match uri.and_then(|text| Uri::parse(&text)) {
                // As many as fit.
                Ok(uri) => drop(places.push(uri)),
                Err(error) => wrong = error,
            }
        }
        match places.is_empty() {
            true => Err(wrong),
            false => Ok(Self {
                places,
                sha256: image.sha256,
                parts: Vec::new(),
                before: before.cloned(),
            }),
        }
    }

    /// Moves this place in front of the others.
    pub fn prefer(&mut self, item: usize) {
        let mut nth = item.min(self.places.len().saturating_sub(1));
        while let Some(before) = nth.checked_sub(1) {
            self.places.swap(before, nth);
            nth = before;
        }
    }

    /// The place `item` for image `index`. Without a table the file is image 0. Sets what the image has to be.
    #[inline(never)]
    pub fn find(
        &self,
        toc: Option<&Toc>,
        index: u8,
        item: usize,
        expected: &mut Expected,
        part: &mut Option<Part>,
    ) -> Option<Result<Uri, UriError>> {
        let place = self.places.get(item)?;
        if let Some(toc) = toc {
            let found = listed::find(toc, place, index, expected, part);
            let mut parts = self.parts.iter();
            let digest = parts.find_map(|(of, digest)| (*of == index).then_some(*digest));
            expected.sha256 = digest.or(expected.sha256);
            return found;
        }
        if index != 0 {
            return None;
        }
        expected.sha256 = self.sha256.or(expected.sha256);
        Some(Ok(place.clone()))
    }
}
