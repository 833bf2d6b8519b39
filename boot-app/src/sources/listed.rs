//! What a table of contents lists.

use super::network::beside;
use crate::check::Expected;
use crate::toc::Toc;
use netboot_core::uri::{Uri, UriError};
use netboot_ipxe::Part;

/// Gives the place that a table, which lies at `boot`, lists for image `index`. Sets what the image has to be by the table, and
/// the part of the boot file that it is, if it is one.
#[inline(never)]
pub(super) fn find(
    toc: &Toc,
    boot: &Uri,
    index: u8,
    expected: &mut Expected,
    part: &mut Option<Part>,
) -> Option<Result<Uri, UriError>> {
    let entry = toc.find(u32::from(index))?;
    expected.size = Some(u64::from(entry.size));
    expected.checksum = Some(entry.checksum);
    Some(match entry.filename.as_str() {
        // The image is in the boot file itself.
        "" => {
            *part = Some(Part {
                offset: u64::from(entry.offset),
                len: u64::from(entry.size),
            });
            Ok(boot.clone())
        }
        name => beside(boot, name),
    })
}
