//! A boot source behind a mailbox, for an MCU ROM that blocks.

use crate::clock::Clock;
use crate::config::RequesterConfig;
use crate::error::BootSourceError;
use crate::id::FirmwareId;
use crate::link::{Link, Step};
use crate::mailbox::Mailbox;
use crate::message::{BootFlags, Cleanup};
use crate::provider::{BootSourceProvider, ImageMetadata, ImageStream, SourceState};
use crate::status::Status;
use netboot_core::Duration;

/// How long to idle when nothing is due.
const PAUSE: Duration = Duration::from_millis(1);

/// A network coprocessor, or another source, as a [`BootSourceProvider`].
///
/// Each call waits for the source's answer, at most for the time-outs of the configuration. The stream of an image says what the
/// source sent, in order and whole; whether these are the octets that the checksum names is found out by
/// [`load_image`](crate::load_image).
#[derive(Debug)]
pub struct RemoteSource<'c, 'b, M, C> {
    link: Link<'c, 'b>,
    mailbox: M,
    clock: C,
    state: SourceState,
    /// Size of the last image whose metadata was asked for.
    known: Option<(FirmwareId, u32)>,
    /// Size of the image that is read, and how much of it was.
    size: u32,
    read: u32,
}

impl<'c, 'b, M: Mailbox, C: Clock> RemoteSource<'c, 'b, M, C> {
    /// Makes a source whose messages go through `buffer`, which has room for [`message_len`](crate::message_len) octets.
    ///
    /// # Errors
    /// Fails with `TooSmall` when `buffer`, or the mailbox, is smaller.
    pub fn new(
        config: RequesterConfig<'c>,
        mailbox: M,
        clock: C,
        buffer: &'b mut [u8],
    ) -> Result<Self, BootSourceError> {
        let link = Link::new(config, buffer, mailbox.capacity())?;
        Ok(Self {
            link,
            mailbox,
            clock,
            state: SourceState::Idle,
            known: None,
            size: 0,
            read: 0,
        })
    }

    /// Looks into the mailbox and sends what is due.
    ///
    /// # Errors
    /// Fails with what the source says, and with `Timeout`.
    fn step(&mut self) -> Result<Step, BootSourceError> {
        let now = self.clock.now();
        let step = self.link.step(now, &mut self.mailbox);
        step.inspect_err(|_| self.state = SourceState::Failed)
    }

    /// Waits for the end of an exchange, or for a chunk.
    ///
    /// # Errors
    /// As for [`step`](Self::step). Fails with `Misuse` when no exchange is going on, because no message would end the wait.
    fn wait(&mut self) -> Result<Step, BootSourceError> {
        loop {
            let step = self.step()?;
            if step != Step::Nothing || !self.link.held().is_empty() {
                return Ok(step);
            }
            let due = self.link.requester.poll_timeout();
            let due = due.ok_or(BootSourceError::Misuse)?;
            let latest = self.clock.now() + PAUSE;
            self.clock.idle(due.min(latest));
        }
    }
}

impl<M: Mailbox, C: Clock> BootSourceProvider for RemoteSource<'_, '_, M, C> {
    type Error = BootSourceError;

    fn initiate_boot(&mut self, flags: BootFlags) -> Result<SourceState, BootSourceError> {
        if flags.has_reserved() {
            return Err(BootSourceError::Misuse);
        }
        self.link.forget();
        self.known = None;
        self.state = SourceState::Starting;
        let now = self.clock.now();
        self.link.requester.initiate(now, flags);
        self.wait()?;
        self.state = SourceState::Ready;
        Ok(self.state)
    }

    fn get_image_metadata(&mut self, id: FirmwareId) -> Result<ImageMetadata, BootSourceError> {
        let now = self.clock.now();
        self.link.requester.metadata(now, id)?;
        let answer = self.wait();
        // The source lacks this image, and may have others.
        if self.link.requester.is_idle() {
            self.state = SourceState::Ready;
        }
        let Step::Metadata(metadata) = answer? else {
            return Err(BootSourceError::Misuse);
        };
        self.known = Some((id, metadata.size));
        Ok(metadata)
    }

    fn download_image(
        &mut self,
        id: FirmwareId,
    ) -> Result<&mut dyn ImageStream<Error = BootSourceError>, BootSourceError> {
        let size = match self.known {
            Some((known, size)) if known == id => size,
            _ => self.get_image_metadata(id)?.size,
        };
        let now = self.clock.now();
        self.link.requester.download(now, id, size)?;
        self.state = SourceState::Sending(id);
        self.size = size;
        self.read = 0;
        Ok(self)
    }

    fn get_boot_source_status(&self) -> SourceState {
        self.state
    }

    fn finalize(&mut self, outcome: Status) -> Result<Cleanup, BootSourceError> {
        self.link.forget();
        let now = self.clock.now();
        self.link
            .requester
            .finalize(now, outcome, u16::from(outcome.0));
        let Step::Finalized(cleanup) = self.wait()? else {
            return Err(BootSourceError::Misuse);
        };
        self.state = SourceState::Idle;
        Ok(cleanup)
    }
}

impl<M: Mailbox, C: Clock> ImageStream for RemoteSource<'_, '_, M, C> {
    type Error = BootSourceError;

    /// Waits for the next chunk where none is left.
    ///
    /// # Errors
    /// Fails with what the source says, and with `Timeout`. After such an error it fails with `Misuse` until the next download.
    fn read_chunk(&mut self, into: &mut [u8]) -> Result<usize, BootSourceError> {
        if into.is_empty() || self.is_complete() {
            return Ok(0);
        }
        if self.link.held().is_empty() {
            self.wait()?;
        }
        let mut octets = 0usize;
        for (to, from) in into.iter_mut().zip(self.link.held()) {
            *to = *from;
            octets = octets.saturating_add(1);
        }
        self.read = self.read.saturating_add(octets as u32);
        let now = self.clock.now();
        if self.link.used(now, octets) {
            self.state = SourceState::Ready;
        }
        self.link.send(now, &mut self.mailbox);
        Ok(octets)
    }

    /// Takes the next chunk out of the mailbox, if one came, and tells the source at most every `retry` that it is held.
    fn hold(&mut self) -> Result<(), BootSourceError> {
        if self.is_complete() {
            return Ok(());
        }
        if self.link.held().is_empty() {
            self.step()?;
        }
        let now = self.clock.now();
        self.link.requester.hold(now);
        self.link.send(now, &mut self.mailbox);
        Ok(())
    }

    fn total_size(&self) -> Option<u64> {
        Some(u64::from(self.size))
    }

    fn is_complete(&self) -> bool {
        self.read >= self.size
    }
}
