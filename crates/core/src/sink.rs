//! Where an image goes.
//!
//! The producer asks for the [`window`](ImageSink::window), writes no more than that, and polls its
//! network between two writes; a sink that is full therefore never stops the network.
//!
//! ```text
//! begin(size) -> { window() -> write(..) }* -> end() -> { poll_ready() }* -> activate()
//!                                         \-> withdraw() -> begin(size), while no octet was used
//!                                         \-> abort(reason), from any point
//! ```
//!
//! A consumer may use octets before it has all of them: a Caliptra device counts and hashes each burst as it comes. An image
//! that was used in part cannot be begun anew. Its producer may pause and change, but the octet that follows must be the next
//! one of the same image.

use crate::Instant;
use crate::error::Coded;

/// Why an image that was begun will not be finished. The device is not told to activate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortReason {
    /// The transfer ended before the image did.
    TransferFailed,
    /// The octets do not have the expected SHA-256.
    DigestMismatch,
    /// More or fewer octets than expected.
    SizeMismatch,
    /// The caller gave up (deadline, policy).
    Cancelled,
}

/// A consumer of one image at a time, in order, that holds back its producer.
pub trait ImageSink {
    /// What can go wrong on the consumer's side.
    type Error: Coded;

    /// Opens an image of `size` octets. Called before the first octet of each image.
    ///
    /// # Errors
    /// When the consumer is not waiting for an image, or cannot take one of this size.
    fn begin(&mut self, now: Instant, size: u64) -> Result<(), Self::Error>;

    /// How many octets [`write`](Self::write) will take at this moment; 0 means *poll again later*.
    ///
    /// # Errors
    /// When the consumer refused the image, vanished, or took longer than its deadline.
    fn window(&mut self, now: Instant) -> Result<usize, Self::Error>;

    /// Takes all of `data`, which must not be longer than the last [`window`](Self::window).
    ///
    /// Any length is allowed; a sink of whole words keeps the odd octets for the next call.
    ///
    /// # Errors
    /// When `data` exceeds the window or the declared size.
    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), Self::Error>;

    /// Says that all `size` octets were written. What is buffered is flushed, padded.
    ///
    /// # Errors
    /// When fewer octets were written than [`begin`](Self::begin) declared.
    fn end(&mut self, now: Instant) -> Result<(), Self::Error>;

    /// Whether the consumer has taken everything and waits to be told to activate.
    ///
    /// # Errors
    /// As for [`window`](Self::window).
    fn poll_ready(&mut self, now: Instant) -> Result<bool, Self::Error>;

    /// Tells the consumer to use the image. Only after `poll_ready` said `true`.
    ///
    /// # Errors
    /// When the image is not ready to be activated.
    fn activate(&mut self, now: Instant) -> Result<(), Self::Error>;

    /// Takes back the image that was begun, so that [`begin`](Self::begin) can open another one in its place.
    ///
    /// Returns `true` when the consumer had used none of its octets; it then holds none of them either. Returns `false` when
    /// it had used some: nothing changes then, the image stays open and goes on with its next octet. Without an open image
    /// the answer is `true`.
    fn withdraw(&mut self, now: Instant) -> bool;

    /// Gives up the image that was begun. A consumer that had used none of its octets is ready for another
    /// [`begin`](Self::begin); any other one takes no image until it is reset. Without an open image this does nothing.
    fn abort(&mut self, now: Instant, reason: AbortReason);
}
