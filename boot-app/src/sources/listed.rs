//! What a table of contents lists.

use super::{Candidate, Origin, SourceError};
use crate::check::Expected;
use crate::toc::Toc;
use netboot_core::uri::Uri;
use netboot_ipxe::Part;

/// Gives the place that a table, which lies at `boot`, lists for image `index`, and what the image has to be by it.
#[inline(never)]
pub(super) fn find(
    toc: &Toc,
    boot: &Uri,
    index: u8,
    mut expected: Expected,
) -> Option<Result<Candidate, SourceError>> {
    let entry = toc.find(u32::from(index))?;
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
        name => match boot.join(name) {
            Ok(uri) => (uri, None),
            Err(error) => return Some(Err(error.into())),
        },
    };
    Some(Ok(Candidate {
        uri,
        part,
        expected,
        origin: Origin::Toc,
    }))
}
