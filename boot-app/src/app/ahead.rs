//! Opens the transfer that is needed next while there is nothing to do but wait for the device.
//!
//! Devices ask for their images in the order of the indices. While one verifies an image, or has not asked yet, the name of
//! the next one's server can be resolved, the connection made and the request answered: round trips that nobody waits for.
//! Nothing is written before the device asks. If the device asks for something else, everything goes as it would have gone without.

use super::BootApp;
use crate::observer::Observer;
use crate::sources::{Place, networks};
use netboot_core::uri::UriError;
use netboot_ipxe::IpxeInterface;
use ocp_recovery::RegisterBus;

/// Number of looks at a waiting device before the next image is opened. A device that asks at the second look does not wait for
/// another image to be opened first.
pub(super) const LOOKS: u8 = 2;

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Opens the image that the device is expected to ask for, at the place that will be tried first; once for each wait.
    #[inline(never)]
    pub(super) fn open_ahead(&mut self) {
        let looks = self.looks;
        self.looks = looks.saturating_sub(1);
        let last = self.report.images.last();
        let index = last.map_or(0, |image| image.index.saturating_add(1));
        if looks != 1 || index > self.agent().last_index() {
            return;
        }
        let mut place = Place::default();
        while let Some(candidate) =
            self.sources
                .next(&mut place, index, &self.config, networks(&self.net))
        {
            if let Ok(candidate) = candidate {
                self.net.prefetch(&candidate.uri, candidate.part);
                return;
            }
        }
    }
}
