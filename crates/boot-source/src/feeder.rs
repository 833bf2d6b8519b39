//! Images from a boot source into a consumer, such as the recovery agent of `ocp-recovery`.

use crate::clock::Clock;
use crate::config::RequesterConfig;
use crate::error::BootSourceError;
use crate::id::FirmwareId;
use crate::link::{Link, Step};
use crate::mailbox::Mailbox;
use crate::message::{BootFlags, Cleanup};
use crate::provider::{BootSourceProvider, ImageMetadata, ImageStream};
use crate::status::Status;
use netboot_core::{Coded, Digest, Duration, Instant};
use netboot_ipxe::{Deliver, SinkFailed};

/// How long to wait for a consumer that has no room.
const PAUSE: Duration = Duration::from_millis(1);
/// Octets that are read from a stream at once.
const PIECE: usize = 256;

/// What a [`Feeder`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It goes on; poll again.
    Waiting,
    /// The source is ready.
    Ready,
    /// The image was delivered whole, and is the one that the source's checksum names, if it names one. It may be activated.
    Complete(ImageMetadata),
    /// The source has ended its work.
    Finalized(Cleanup),
}

/// The MCU ROM's side as a state machine that never blocks: it asks a source for an image and delivers it.
///
/// The buffer holds one chunk, of which as much is delivered as the consumer takes. The next one is asked for when it is used up.
#[derive(Debug)]
pub struct Feeder<'c, 'b> {
    link: Link<'c, 'b>,
    id: FirmwareId,
    metadata: Option<ImageMetadata>,
}

impl<'c, 'b> Feeder<'c, 'b> {
    /// Makes a feeder whose messages go through `buffer`, which has room for [`message_len`](crate::message_len) octets. So has
    /// its mailbox, which the feeder does not know yet.
    ///
    /// # Errors
    /// Fails with `TooSmall` when `buffer` is smaller.
    pub fn new(config: RequesterConfig<'c>, buffer: &'b mut [u8]) -> Result<Self, BootSourceError> {
        Ok(Self {
            link: Link::new(config, buffer, usize::MAX)?,
            id: FirmwareId::CALIPTRA,
            metadata: None,
        })
    }

    /// Asks the source to get ready; the first call, and the first one after an error.
    pub fn initiate(&mut self, now: Instant, flags: BootFlags) {
        self.link.forget();
        self.metadata = None;
        self.link.requester.initiate(now, flags);
    }

    /// Asks for an image, which [`poll`](Self::poll) delivers.
    ///
    /// # Errors
    /// Fails with `Busy` unless the source is ready and the last image is complete, and with `IdNotOnWire`.
    pub fn fetch(&mut self, now: Instant, id: FirmwareId) -> Result<(), BootSourceError> {
        self.link.requester.metadata(now, id)?;
        self.id = id;
        self.metadata = None;
        Ok(())
    }

    /// Tells the source that it is needed no longer, and how the boot ended.
    pub fn finalize(&mut self, now: Instant, status: Status, error: u16) {
        self.link.forget();
        self.link.requester.finalize(now, status, error);
    }

    /// Goes on as far as that is possible now. `delivery` is a fresh one for each image.
    ///
    /// # Errors
    /// Fails with what the source says, with a time-out, with `ChecksumMismatch` or `Unhashed` before the image counts as complete, and
    /// with `Sink` when the consumer fails. The image must not be activated then. `initiate` begins anew.
    pub fn poll(
        &mut self,
        now: Instant,
        mailbox: &mut dyn Mailbox,
        delivery: &mut dyn Deliver,
    ) -> Result<Progress, BootSourceError> {
        match self.link.step(now, mailbox)? {
            Step::Ready => return Ok(Progress::Ready),
            Step::Finalized(cleanup) => return Ok(Progress::Finalized(cleanup)),
            Step::Metadata(metadata) => {
                let begun = self.begin(now, metadata, delivery);
                self.checked(now, mailbox, begun)?;
            }
            Step::Nothing => {}
        }
        let delivered = self.deliver(now, delivery);
        let progress = self.checked(now, mailbox, delivered);
        self.link.send(now, mailbox);
        progress
    }

    /// When to poll at the latest. A consumer that has no room is to be polled more often.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.link.requester.poll_timeout()
    }

    /// Gives the image up after an error of the consumer's.
    fn checked<T>(
        &mut self,
        now: Instant,
        mailbox: &mut dyn Mailbox,
        result: Result<T, BootSourceError>,
    ) -> Result<T, BootSourceError> {
        if result.is_err() {
            self.link.forget();
            self.link.requester.abort(now);
            self.link.send(now, mailbox);
        }
        result
    }

    fn begin(
        &mut self,
        now: Instant,
        metadata: ImageMetadata,
        delivery: &mut dyn Deliver,
    ) -> Result<(), BootSourceError> {
        if delivery.position() != 0 {
            return Err(BootSourceError::Misuse);
        }
        can_compare(metadata.checksum, delivery)?;
        self.link.requester.download(now, self.id, metadata.size)?;
        delivery
            .begin(now, u64::from(metadata.size))
            .map_err(consumer)?;
        self.metadata = Some(metadata);
        Ok(())
    }

    fn deliver(
        &mut self,
        now: Instant,
        delivery: &mut dyn Deliver,
    ) -> Result<Progress, BootSourceError> {
        let Some(metadata) = self.metadata else {
            return Ok(Progress::Waiting);
        };
        let held = self.link.held();
        if held.is_empty() {
            return Ok(Progress::Waiting);
        }
        let window = delivery.window(now).map_err(consumer)?;
        let part = held.get(..window).unwrap_or(held);
        let (octets, rest) = (part.len(), held.len().saturating_sub(part.len()));
        if octets == 0 {
            self.link.requester.hold(now);
            return Ok(Progress::Waiting);
        }
        delivery.write(now, part).map_err(consumer)?;
        // Before the last acknowledgement: a wrong image is given up, and not taken.
        if rest == 0 && delivery.position() == u64::from(metadata.size) {
            compare(metadata.checksum, delivery)?;
            delivery.end(now).map_err(consumer)?;
        }
        if !self.link.used(now, octets) {
            return Ok(Progress::Waiting);
        }
        self.metadata = None;
        Ok(Progress::Complete(metadata))
    }
}

fn consumer(_: SinkFailed) -> BootSourceError {
    BootSourceError::Sink
}

/// Checks before the first octet that the digest can be compared after the last one.
///
/// # Errors
/// Fails with `Unhashed` when the source names a checksum and the delivery does not hash.
fn can_compare(expected: Option<Digest>, delivery: &dyn Deliver) -> Result<(), BootSourceError> {
    match expected.is_some() && delivery.digest().is_none() {
        true => Err(BootSourceError::Unhashed),
        false => Ok(()),
    }
}

/// Compares what was delivered with what the source names, if it names anything.
///
/// # Errors
/// Fails with `ChecksumMismatch`, and as [`can_compare`].
fn compare(expected: Option<Digest>, delivery: &dyn Deliver) -> Result<(), BootSourceError> {
    can_compare(expected, delivery)?;
    match expected.is_none() || expected == delivery.digest() {
        true => Ok(()),
        false => Err(BootSourceError::ChecksumMismatch),
    }
}

/// Reads a whole stream into a delivery, and waits where the delivery has no room. Before it says that the delivery is at its end, it
/// compares the digest with `expected`.
///
/// # Errors
/// Fails with what the stream says, with `ChecksumMismatch` or `Unhashed`, and with `Sink`.
pub(crate) fn pour<E: From<BootSourceError> + Coded>(
    stream: &mut dyn ImageStream<Error = E>,
    size: u64,
    expected: Option<Digest>,
    delivery: &mut dyn Deliver,
    clock: &mut dyn Clock,
) -> Result<(), E> {
    delivery.begin(clock.now(), size).map_err(consumer)?;
    let mut piece = [0; PIECE];
    while delivery.position() < size {
        let now = clock.now();
        let window = delivery.window(now).map_err(consumer)?;
        if window == 0 {
            stream.hold()?;
            clock.idle(now + PAUSE);
            continue;
        }
        let room = window.min(PIECE);
        let len = stream.read_chunk(piece.get_mut(..room).unwrap_or_default())?;
        if len == 0 {
            // The stream ended before its size.
            return Err(BootSourceError::Source(Status::CORRUPTED_DATA).into());
        }
        let now = clock.now();
        let read = piece.get(..len).unwrap_or_default();
        delivery.write(now, read).map_err(consumer)?;
    }
    compare(expected, delivery)?;
    let now = clock.now();
    delivery.end(now).map_err(|failed| consumer(failed).into())
}

/// Asks a provider for an image and delivers it whole. With a checksum in the metadata, the octets are compared before the delivery
/// is told that it has the whole image. The image may be activated after success, and not otherwise.
///
/// # Errors
/// Fails with what the provider says, and with `Sink` when the consumer fails. Fails with `Unhashed` before it asks for the first
/// octet, when the metadata has a checksum and the delivery does not hash. Fails with `ChecksumMismatch` after the last octet. After an
/// error, call [`initiate_boot`](BootSourceProvider::initiate_boot) before another image: the stream may be incomplete.
pub fn load_image<E: From<BootSourceError> + Coded>(
    provider: &mut dyn BootSourceProvider<Error = E>,
    id: FirmwareId,
    delivery: &mut dyn Deliver,
    clock: &mut dyn Clock,
) -> Result<ImageMetadata, E> {
    let metadata = provider.get_image_metadata(id)?;
    can_compare(metadata.checksum, delivery)?;
    let stream = provider.download_image(id)?;
    let size = u64::from(metadata.size);
    pour(stream, size, metadata.checksum, delivery, clock)?;
    Ok(metadata)
}
