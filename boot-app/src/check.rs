//! What an image has to be, and a sink that looks on while it goes by.

use crate::error::AppError;
use crate::observer::{Event, Observer};
use netboot_core::{AbortReason, Digest, ImageSink, Instant};
use netboot_ipxe::Delivery;

/// What is known of an image before it was seen. What is not known is not checked here; the device
/// verifies signatures in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Octets.
    pub size: Option<u64>,
    /// SHA-256 of all octets.
    pub sha256: Option<Digest>,
    /// The table's checksum: 0 minus the wrapping sum of all octets.
    pub checksum: Option<u32>,
}

impl Expected {
    /// Compares what the server says of the size.
    pub(crate) fn size_error<N>(&self, found: u64) -> Option<AppError<N>> {
        let expected = self.size.filter(|expected| *expected != found)?;
        Some(AppError::SizeMismatch { expected, found })
    }

    /// Compares the digest, and the table's checksum with the `sum` of all octets.
    pub(crate) fn content_error<N>(&self, delivery: &Delivery, sum: u32) -> Option<AppError<N>> {
        // Without a digest nothing shows that it is the expected one.
        let found = delivery.sha256.unwrap_or(Digest([0; 32]));
        if self.sha256.is_some_and(|expected| expected != found) {
            return Some(AppError::DigestMismatch { found });
        }
        let found = 0u32.wrapping_sub(sum);
        let expected = self.checksum.filter(|expected| *expected != found)?;
        Some(AppError::ChecksumMismatch { expected, found })
    }
}

/// Progress is told this often over an image.
const STEPS: u64 = 64;

/// Passes an image on; sums its octets where the sum will be compared, and tells how far it is.
pub(crate) struct Watched<'w, S, O> {
    pub sink: &'w mut S,
    observer: &'w mut O,
    index: u8,
    size: u64,
    octets: u64,
    tell_at: u64,
    /// Wrapping sum of the octets, when wanted.
    sum: Option<u32>,
}

impl<'w, S: ImageSink, O: Observer> Watched<'w, S, O> {
    pub fn new(sink: &'w mut S, observer: &'w mut O, index: u8, with_sum: bool) -> Self {
        Self {
            sink,
            observer,
            index,
            size: 0,
            octets: 0,
            tell_at: 0,
            sum: with_sum.then_some(0),
        }
    }

    /// Octets passed on.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Wrapping sum of the octets passed on, 0 when not wanted.
    pub fn sum(&self) -> u32 {
        self.sum.unwrap_or(0)
    }

    fn tell(&mut self, now: Instant) {
        self.tell_at = self.octets.saturating_add(self.size / STEPS);
        self.observer.event(
            now,
            &Event::Delivered {
                index: self.index,
                octets: self.octets,
                size: self.size,
            },
        );
    }
}

impl<S: ImageSink, O: Observer> ImageSink for Watched<'_, S, O> {
    type Error = S::Error;

    fn begin(&mut self, now: Instant, size: u64) -> Result<(), S::Error> {
        self.sink.begin(now, size)?;
        self.size = size;
        self.tell(now);
        Ok(())
    }

    fn window(&mut self, now: Instant) -> Result<usize, S::Error> {
        self.sink.window(now)
    }

    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), S::Error> {
        self.sink.write(now, data)?;
        if let Some(sum) = &mut self.sum {
            *sum = data
                .iter()
                .fold(*sum, |sum, octet| sum.wrapping_add(u32::from(*octet)));
        }
        self.octets = self.octets.saturating_add(data.len() as u64);
        if self.octets >= self.tell_at || self.octets == self.size {
            self.tell(now);
        }
        Ok(())
    }

    fn end(&mut self, now: Instant) -> Result<(), S::Error> {
        self.sink.end(now)
    }

    fn poll_ready(&mut self, now: Instant) -> Result<bool, S::Error> {
        self.sink.poll_ready(now)
    }

    fn activate(&mut self, now: Instant) -> Result<(), S::Error> {
        self.sink.activate(now)
    }

    fn withdraw(&mut self, now: Instant) -> bool {
        self.sink.withdraw(now)
    }

    fn abort(&mut self, now: Instant, reason: AbortReason) {
        self.sink.abort(now, reason);
    }
}
