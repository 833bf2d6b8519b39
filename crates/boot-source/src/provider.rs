//! What a boot source is.
//!
//! There are two sides of it. An MCU ROM *pulls*: it asks a [`BootSourceProvider`] for an image and reads a stream. A network
//! *pushes*: it has to keep its connection alive while the consumer is full, so an [`ImageSource`] is given the consumer
//! and delivers. [`Pulled`](crate::Pulled) makes the second out of the first.

use crate::id::FirmwareId;
use crate::message::{BootFlags, Cleanup};
use crate::status::Status;
use netboot_core::{Coded, Digest, Duration, Instant};
use netboot_ipxe::Deliver;

/// What is known of an image before it is downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageMetadata {
    /// Octets of the image.
    pub size: u32,
    /// SHA-256 of the image. Messages carry it as 32 octets, and zeros for `None`.
    pub checksum: Option<Digest>,
    /// Version of the image; 0 where none is known.
    pub version: u32,
    /// Flags of the image: bit 0 compressed, bit 1 signed.
    pub flags: u32,
}

/// Where a source is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceState {
    /// The source was not asked to get ready, or was told that it is needed no longer.
    #[default]
    Idle,
    /// The source gets ready.
    Starting,
    /// Images can be asked for.
    Ready,
    /// The source sends this image.
    Sending(FirmwareId),
    /// The source failed. It can be asked to get ready again.
    Failed,
}

/// The octets of one image, in order.
pub trait ImageStream {
    /// What can go wrong.
    type Error: Coded;

    /// Reads the next octets into the front of `into` and returns their number. 0 means that the image is complete, or that
    /// `into` is empty.
    ///
    /// # Errors
    /// When the source fails. The stream then has no more octets.
    fn read_chunk(&mut self, into: &mut [u8]) -> Result<usize, Self::Error>;

    /// Tells the source that the reader lives and has no room for more octets yet, so that a source with a deadline for its
    /// reader goes on waiting. A reader calls it in place of [`read_chunk`](Self::read_chunk), as often as it likes. The provided
    /// method does nothing, which is right for a source without such a deadline.
    ///
    /// # Errors
    /// When the source fails. The stream then has no more octets.
    fn hold(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Octets of the image, as far as they are known.
    fn total_size(&self) -> Option<u64>;

    /// Returns whether all octets were read.
    fn is_complete(&self) -> bool;
}

/// A boot source as an MCU ROM sees it: a network coprocessor, a flash, a USB device.
///
/// The calls come in the order of the methods. The trait can be used as `dyn BootSourceProvider<Error = E>`.
pub trait BootSourceProvider {
    /// What can go wrong.
    type Error: Coded;

    /// Gets the source ready: for a network, an address and the place of the images.
    ///
    /// # Errors
    /// When the source cannot be used.
    fn initiate_boot(&mut self, flags: BootFlags) -> Result<SourceState, Self::Error>;

    /// Asks what is known of an image.
    ///
    /// # Errors
    /// When the source does not have it, or fails.
    fn get_image_metadata(&mut self, id: FirmwareId) -> Result<ImageMetadata, Self::Error>;

    /// Begins to download an image. The stream that was begun before has to be complete: a caller that gives an image up calls
    /// [`initiate_boot`](Self::initiate_boot) before it asks for an image again.
    ///
    /// # Errors
    /// When the source does not have the image, or fails. A source that cannot leave a stream in its middle fails with
    /// [`Busy`](crate::BootSourceError::Busy) while one is incomplete, and that stream goes on.
    fn download_image(
        &mut self,
        id: FirmwareId,
    ) -> Result<&mut dyn ImageStream<Error = Self::Error>, Self::Error>;

    /// Tells where the source is, without asking it.
    fn get_boot_source_status(&self) -> SourceState;

    /// Tells the source that it is needed no longer, and how the boot ended.
    ///
    /// # Errors
    /// When the source does not answer.
    fn finalize(&mut self, outcome: Status) -> Result<Cleanup, Self::Error>;
}

/// A boot source as a network coprocessor has it: it delivers into whatever it is given.
pub trait ImageSource {
    /// What can go wrong.
    type Error: Coded;

    /// Gets the source ready.
    ///
    /// # Errors
    /// When the source cannot be used.
    fn initiate_boot(&mut self, flags: BootFlags) -> Result<(), Self::Error>;

    /// Asks what is known of an image.
    ///
    /// # Errors
    /// When the source does not have it, or fails.
    fn image_metadata(&mut self, id: FirmwareId) -> Result<ImageMetadata, Self::Error>;

    /// Delivers an image: `begin`, as many `write`s as it takes, `end`.
    ///
    /// # Errors
    /// When the source or the delivery fails.
    fn download(&mut self, id: FirmwareId, delivery: &mut dyn Deliver) -> Result<(), Self::Error>;

    /// Tells the source that it is needed no longer, and how the boot ended.
    fn finalize(&mut self, outcome: Status) -> Cleanup;

    /// The time, on the clock of the deliveries.
    fn now(&mut self) -> Instant;

    /// Lets at most `span` pass, and keeps the source alive meanwhile.
    fn idle(&mut self, span: Duration);

    /// The code that the MCU ROM is told for an error.
    fn status_of(error: &Self::Error) -> Status;
}
