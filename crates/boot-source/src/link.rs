//! A requester with a buffer: messages come from a mailbox, and the chunk that came stays here until it was used.

use crate::config::RequesterConfig;
use crate::error::BootSourceError;
use crate::mailbox::Mailbox;
use crate::message::{CHUNK_HEADER, Cleanup, MIN_MESSAGE, message_len};
use crate::provider::ImageMetadata;
use crate::requester::{Event, Requester};
use netboot_core::Instant;

/// Most messages that one step takes, so that a flood of them cannot keep it.
const BUDGET: u32 = 16;

/// What a step led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing new, or a chunk.
    Nothing,
    Ready,
    Metadata(ImageMetadata),
    Finalized(Cleanup),
}

/// A requester and its buffer.
#[derive(Debug)]
pub(crate) struct Link<'c, 'b> {
    pub(crate) requester: Requester<'c>,
    buffer: &'b mut [u8],
    /// Where the octets of the chunk are that were not used yet.
    start: usize,
    end: usize,
}

impl<'c, 'b> Link<'c, 'b> {
    /// # Errors
    /// Fails with `TooSmall` when `buffer`, or a mailbox that carries `capacity` octets, cannot hold every message.
    pub(crate) fn new(
        config: RequesterConfig<'c>,
        buffer: &'b mut [u8],
        capacity: usize,
    ) -> Result<Self, BootSourceError> {
        let requester = Requester::new(config);
        let needed = message_len(config.shared.chunk_size as usize);
        let given = buffer.len().min(capacity);
        if given < needed {
            return Err(BootSourceError::TooSmall { needed, given });
        }
        Ok(Self {
            requester,
            buffer,
            start: 0,
            end: 0,
        })
    }

    /// The octets of the chunk that were not used yet.
    pub(crate) fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Forgets the chunk.
    pub(crate) fn forget(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Says that the first `octets` of the chunk were used. Once all were, the next chunk is asked for. Returns whether the
    /// image is complete.
    pub(crate) fn used(&mut self, now: Instant, octets: usize) -> bool {
        self.start = self.start.saturating_add(octets).min(self.end);
        if self.start < self.end {
            return false;
        }
        self.forget();
        self.requester.accept(now)
    }

    /// Takes messages until one leads on, and sends what is due. While a chunk is held, messages stay in the mailbox: they
    /// would be written over it.
    pub(crate) fn step(
        &mut self,
        now: Instant,
        mailbox: &mut dyn Mailbox,
    ) -> Result<Step, BootSourceError> {
        let mut step = Step::Nothing;
        for _ in 0..BUDGET {
            if self.end != 0 || step != Step::Nothing {
                break;
            }
            let Some(len) = mailbox.receive(self.buffer) else {
                break;
            };
            let message = self.buffer.get(..len).unwrap_or_default();
            match self.requester.handle(now, message) {
                Ok(Event::None) => {}
                Ok(Event::Ready) => step = Step::Ready,
                Ok(Event::Metadata(metadata)) => step = Step::Metadata(metadata),
                Ok(Event::Finalized(cleanup)) => step = Step::Finalized(cleanup),
                Ok(Event::Chunk { data }) => {
                    self.start = CHUNK_HEADER;
                    self.end = CHUNK_HEADER.saturating_add(data.len());
                }
                // Whoever wrote them, they are no messages.
                Err(
                    BootSourceError::UnknownMessage { .. } | BootSourceError::ShortMessage { .. },
                ) => {}
                Err(error) => {
                    self.send(now, mailbox);
                    return Err(error);
                }
            }
        }
        let polled = self.requester.poll(now);
        self.send(now, mailbox);
        polled.map(|()| step)
    }

    /// Sends what is due. A message for which the mailbox has no room counts as lost, and is repeated.
    pub(crate) fn send(&mut self, now: Instant, mailbox: &mut dyn Mailbox) {
        let mut out = [0; MIN_MESSAGE];
        for _ in 0..BUDGET {
            let Some(len) = self.requester.poll_transmit(now, &mut out) else {
                return;
            };
            mailbox.send(out.get(..len).unwrap_or_default());
        }
    }
}
