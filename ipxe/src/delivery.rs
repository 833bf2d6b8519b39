//! The delivery of one image into a sink, which outlives the sources that it comes from.
//!
//! A transfer may break in mid-image, and another server, or another protocol, may bring the rest. What was delivered stays
//! delivered: a Caliptra device counts and hashes each burst as it drains it, and no reset of the FIFO makes it begin anew. So
//! position, size and hash belong to whoever owns the sink, not to the library that fetches. The library asks the delivery where
//! it stands, and proves that a source has the same octets up to there before it delivers the next one.

use crate::hash::{Accelerated, InSoftware, StreamHash};
use core::fmt;
use netboot_core::{Digest, Duration, Hasher, ImageSink, Instant};

/// The sink failed. The error itself lies with the delivery ([`Delivery::take_error`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkFailed;

impl fmt::Display for SinkFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sink of the image failed")
    }
}

impl core::error::Error for SinkFailed {}

/// A delivery as a network library sees it, without the type of its sink.
pub trait Deliver {
    /// Number of octets that were delivered, and at the same time the offset of the octet that comes next.
    fn position(&self) -> u64;

    /// Octets of the image, once [`begin`](Self::begin) has told the sink. `None` before that.
    fn size(&self) -> Option<u64>;

    /// Tells the sink that an image of `size` octets begins. A delivery that was begun with the same size goes on where it is.
    ///
    /// # Errors
    /// When the sink is not waiting for an image, or cannot take one of this size. The caller compares `size` with
    /// [`size`](Self::size) first: another size than the one that was begun is an error of the source.
    fn begin(&mut self, now: Instant, size: u64) -> Result<(), SinkFailed>;

    /// Takes the delivery back to its first octet, if the sink has used none; says whether that was possible.
    fn withdraw(&mut self, now: Instant) -> bool;

    /// Number of octets that [`write`](Self::write) takes at this moment; 0 means that it is to be asked again later.
    ///
    /// # Errors
    /// When the consumer refused the image, vanished, or took longer than its deadline.
    fn window(&mut self, now: Instant) -> Result<usize, SinkFailed>;

    /// Delivers the next octets, no more than [`window`](Self::window) said.
    ///
    /// # Errors
    /// When `data` exceeds the window or the declared size.
    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), SinkFailed>;

    /// Says that every octet was delivered.
    ///
    /// # Errors
    /// When fewer octets were written than the declared size.
    fn end(&mut self, now: Instant) -> Result<(), SinkFailed>;

    /// SHA-256 of the octets delivered so far. `None` for a delivery that does not hash, which is the default.
    fn digest(&self) -> Option<Digest> {
        None
    }

    /// The number under which the library knows the file that brought the octets delivered so far, set by
    /// [`set_source`](Self::set_source). 0 until then, and for a delivery that does not note it, which is the default.
    fn source(&self) -> u32 {
        0
    }

    /// Notes the file that brings the octets. The numbers are the library's own and never 0. The default notes nothing: a transfer that breaks is then taken
    /// up again only where the server itself proves that the file is the same.
    fn set_source(&mut self, source: u32) {
        let _ = source;
    }

    /// Whether the delivery itself proves each octet that it takes, before it is used: any source may then bring what comes next, and nothing that was delivered
    /// has to come again to be compared. A [`position`](Self::position) that went back asks for octets again that were wrong. The default proves nothing.
    #[cfg(feature = "verity")]
    fn proves_itself(&self) -> bool {
        false
    }

    /// Begins an image of `size` octets, as [`begin`](Self::begin) does, whose source itself verifies each octet before it comes: they are those of the file
    /// with this verity digest. The default does not look at the digest.
    ///
    /// # Errors
    /// As for `begin`.
    #[cfg(feature = "verified-source")]
    fn begin_verified(
        &mut self,
        now: Instant,
        size: u64,
        digest: &Digest,
    ) -> Result<(), SinkFailed> {
        let _ = digest;
        self.begin(now, size)
    }

    /// Goes on with octets that were taken and are not delivered yet; whether none is left. The default holds none back.
    ///
    /// # Errors
    /// As for [`window`](Self::window).
    #[cfg(feature = "verity")]
    fn flush(&mut self, now: Instant) -> Result<bool, SinkFailed> {
        let _ = now;
        Ok(true)
    }

    /// Counts a transfer that broke and was taken up again. The default does not count.
    fn resumed(&mut self) {}
}

/// One image on its way into `S`, and how far it is. Used again for the next image after [`reset`](Delivery::reset). `H` computes its hash.
#[derive(Clone, Debug)]
pub struct Delivery<S: ImageSink, H = InSoftware> {
    sink: S,
    error: Option<S::Error>,
    /// Octets delivered.
    position: u64,
    /// Octets of the image; `None` until the sink was told.
    size: Option<u64>,
    /// Hash of the octets delivered.
    hash: H,
    source: u32,
    resumes: u32,
    begun: Instant,
    ended: Option<Instant>,
}

impl<S: ImageSink> Delivery<S> {
    /// Makes a delivery into `sink` that has not begun, and is hashed in software.
    pub fn new(sink: S) -> Self {
        Self::hashed_by(sink, InSoftware::new())
    }

    /// Makes a delivery that computes no hash. A broken transfer is then taken up again only where the server itself proves
    /// that the file is the same. Meant for measurements.
    pub fn unhashed(sink: S) -> Self {
        let mut delivery = Self::new(sink);
        delivery.hash.begin(false);
        delivery
    }
}

impl<S: ImageSink, H: Hasher> Delivery<S, Accelerated<H>> {
    /// Makes a delivery into `sink` that has not begun, and is hashed by a board's accelerator.
    pub fn with_hasher(sink: S, hasher: H) -> Self {
        Self::hashed_by(sink, Accelerated::new(hasher))
    }
}

impl<S: ImageSink, H: StreamHash> Delivery<S, H> {
    /// Makes a delivery into `sink` that has not begun, whose hash `hash` computes.
    #[inline(always)]
    pub fn hashed_by(sink: S, hash: H) -> Self {
        Self {
            sink,
            error: None,
            position: 0,
            size: None,
            hash,
            source: 0,
            resumes: 0,
            begun: Instant::ZERO,
            ended: None,
        }
    }

    /// Has `hash` compute the hash of the image that comes next. Without effect once octets were delivered.
    pub fn set_hash(&mut self, hash: H) {
        if self.position == 0 {
            self.hash = hash;
        }
    }

    /// Says whether the octets of the image that comes next are hashed. Without effect once octets were delivered.
    #[cfg(feature = "verity")]
    pub fn set_hashed(&mut self, hashed: bool) {
        if self.position == 0 {
            self.hash.begin(hashed);
        }
    }

    /// Makes the delivery ready for another image. The sink is not told.
    #[inline(never)]
    pub fn reset(&mut self) {
        self.error = None;
        self.position = 0;
        self.size = None;
        self.hash.restart();
        self.source = 0;
        self.resumes = 0;
        self.ended = None;
    }

    /// The sink, for what is not the delivery's: requests, readiness, activation.
    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Gives the sink back.
    pub fn into_sink(self) -> S {
        self.sink
    }

    /// The error behind a [`SinkFailed`].
    pub fn take_error(&mut self) -> Option<S::Error> {
        self.error.take()
    }

    /// Whether the sink was told that the image begins, and was not withdrawn since.
    pub fn has_begun(&self) -> bool {
        self.size.is_some()
    }

    /// Whether every octet was delivered and the sink was told.
    pub fn is_complete(&self) -> bool {
        self.ended.is_some()
    }

    /// Times that a transfer broke and was taken up again.
    pub fn resumes(&self) -> u32 {
        self.resumes
    }

    /// Time from the beginning to the last octet, pauses between two sources included. Zero until the last octet.
    pub fn duration(&self) -> Duration {
        self.ended
            .map_or(Duration::ZERO, |ended| ended.since(self.begun))
    }

    fn keep<T>(&mut self, result: Result<T, S::Error>) -> Result<T, SinkFailed> {
        result.map_err(|error| {
            self.error = Some(error);
            SinkFailed
        })
    }
}

impl<S: ImageSink, H: StreamHash> Deliver for Delivery<S, H> {
    fn position(&self) -> u64 {
        self.position
    }

    fn size(&self) -> Option<u64> {
        self.size
    }

    fn begin(&mut self, now: Instant, size: u64) -> Result<(), SinkFailed> {
        if self.size == Some(size) {
            return Ok(());
        }
        let begun = self.sink.begin(now, size);
        self.keep(begun)?;
        self.size = Some(size);
        self.begun = now;
        Ok(())
    }

    fn withdraw(&mut self, now: Instant) -> bool {
        let withdrawn = self.sink.withdraw(now);
        if withdrawn {
            let resumes = self.resumes;
            self.reset();
            self.resumes = resumes;
        }
        withdrawn
    }

    fn window(&mut self, now: Instant) -> Result<usize, SinkFailed> {
        let window = self.sink.window(now);
        self.keep(window)
    }

    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        let written = self.sink.write(now, data);
        self.keep(written)?;
        self.hash.update(data);
        self.position = self.position.saturating_add(data.len() as u64);
        Ok(())
    }

    fn end(&mut self, now: Instant) -> Result<(), SinkFailed> {
        let ended = self.sink.end(now);
        self.keep(ended)?;
        self.hash.end();
        self.ended = Some(now);
        Ok(())
    }

    #[inline(never)]
    fn digest(&self) -> Option<Digest> {
        self.hash.digest()
    }

    fn source(&self) -> u32 {
        self.source
    }

    fn set_source(&mut self, source: u32) {
        self.source = source;
    }

    fn resumed(&mut self) {
        self.resumes = self.resumes.saturating_add(1);
    }
}
