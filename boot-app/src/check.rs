//! What an image has to be, and a delivery that is looked at while it goes by.

use crate::error::AppError;
use crate::observer::{Event, Observer};
use netboot_core::{Digest, ImageSink, Instant};
use netboot_ipxe::{Deliver, Delivery, SinkFailed, StreamHash};

/// What is known of an image before it was seen. What is not known is not checked here; the device
/// verifies signatures in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Size of the image in octets.
    pub size: Option<u64>,
    /// SHA-256 of all octets.
    pub sha256: Option<Digest>,
    /// Checksum as in a table of contents: 0 minus the wrapping sum of all octets.
    pub checksum: Option<u32>,
    /// Verity digest of the image, by which each block of a packed file is verified before it is delivered: what `fsverity digest --block-size=1024` prints. A file that
    /// is not packed is refused then, unless its SHA-256 is known, too.
    #[cfg(feature = "verity")]
    pub verity: Option<Digest>,
}

impl Expected {
    /// Expects an image of this size with this SHA-256, as far as they are known.
    pub fn of(size: Option<u64>, sha256: Option<Digest>) -> Self {
        let mut expected = Self::default();
        (expected.size, expected.sha256) = (size, sha256);
        expected
    }

    /// Whether a digest of the image is known.
    pub fn is_known(&self) -> bool {
        #[cfg(feature = "verity")]
        if self.verity.is_some() {
            return true;
        }
        self.sha256.is_some()
    }

    /// Compares what the server says of the size.
    pub(crate) fn size_error<N>(&self, found: u64) -> Option<AppError<N>> {
        let expected = self.size.filter(|expected| *expected != found)?;
        Some(AppError::SizeMismatch { expected, found })
    }

    /// Compares the digest, and the table's checksum with the `sum` of all octets if they were summed.
    pub(crate) fn content_error<N>(
        &self,
        digest: Option<Digest>,
        sum: Option<u32>,
    ) -> Option<AppError<N>> {
        // Without a digest nothing shows that it is the expected one.
        let found = digest.unwrap_or(Digest([0; 32]));
        if self.sha256.is_some_and(|expected| expected != found) {
            return Some(AppError::DigestMismatch { found });
        }
        let found = 0u32.wrapping_sub(sum?);
        let expected = self.checksum.filter(|expected| *expected != found)?;
        Some(AppError::ChecksumMismatch { expected, found })
    }
}

/// Progress is told this often over an image.
const STEPS: u64 = 64;

/// What is counted of one image while it goes by. It outlives the sources of the image, as the delivery does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    /// Position at which progress is told next.
    tell_at: u64,
    /// Wrapping sum of the octets, where it will be compared.
    sum: Option<u32>,
}

impl Watch {
    pub fn new(with_sum: bool) -> Self {
        Self {
            tell_at: 0,
            sum: with_sum.then_some(0),
        }
    }

    /// Wrapping sum of the octets delivered, if they are summed.
    pub fn sum(&self) -> Option<u32> {
        self.sum
    }
}

/// A delivery with somebody who looks on.
pub(crate) struct Watched<'w, S: ImageSink, H, O> {
    pub delivery: &'w mut Delivery<S, H>,
    pub watch: &'w mut Watch,
    pub observer: &'w mut O,
    /// Recovery image index.
    pub index: u8,
}

impl<S: ImageSink, H: StreamHash, O: Observer> Watched<'_, S, H, O> {
    #[inline(never)]
    fn tell(&mut self, now: Instant) {
        let (octets, size) = (self.delivery.position(), self.delivery.size().unwrap_or(0));
        self.watch.tell_at = octets.saturating_add(size / STEPS);
        let event = Event::Delivered {
            index: self.index,
            octets,
            size,
        };
        self.observer.event(now, &event);
    }
}

impl<S: ImageSink, H: StreamHash, O: Observer> Deliver for Watched<'_, S, H, O> {
    fn position(&self) -> u64 {
        self.delivery.position()
    }

    fn size(&self) -> Option<u64> {
        self.delivery.size()
    }

    fn begin(&mut self, now: Instant, size: u64) -> Result<(), SinkFailed> {
        self.delivery.begin(now, size)?;
        self.tell(now);
        Ok(())
    }

    fn withdraw(&mut self, now: Instant) -> bool {
        let withdrawn = self.delivery.withdraw(now);
        if withdrawn {
            *self.watch = Watch::new(self.watch.sum.is_some());
        }
        withdrawn
    }

    fn window(&mut self, now: Instant) -> Result<usize, SinkFailed> {
        self.delivery.window(now)
    }

    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        self.delivery.write(now, data)?;
        if let Some(sum) = &mut self.watch.sum {
            *sum = data
                .iter()
                .fold(*sum, |sum, octet| sum.wrapping_add(u32::from(*octet)));
        }
        let octets = self.delivery.position();
        if octets >= self.watch.tell_at || Some(octets) == self.delivery.size() {
            self.tell(now);
        }
        Ok(())
    }

    fn end(&mut self, now: Instant) -> Result<(), SinkFailed> {
        self.delivery.end(now)
    }

    fn digest(&self) -> Option<Digest> {
        self.delivery.digest()
    }

    fn source(&self) -> u32 {
        self.delivery.source()
    }

    fn set_source(&mut self, source: u32) {
        self.delivery.set_source(source);
    }

    fn resumed(&mut self) {
        self.delivery.resumed();
    }
}
