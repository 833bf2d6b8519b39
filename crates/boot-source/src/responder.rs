//! The boot source's side of the messages, sans-IO.
//!
//! [`handle`](Responder::handle) says what the MCU ROM wants, and one of the answers follows. An image is sent through the
//! [`ImageSink`] of the responder: what is written gathers in one chunk, which is sent again until it is acknowledged. The window
//! is closed meanwhile, so that a slow MCU ROM slows the network.
//!
//! A download is served only after a request for the metadata of the same image, and once for each. A request for a download that
//! comes again after the image was sent, from a mailbox that doubles or delays, is so known to be old.

use crate::config::{Numbering, ResponderConfig};
use crate::error::{BootSourceError, WaitFor};
use crate::id::FirmwareId;
use crate::message::{BootFlags, Cleanup, Message, PROTOCOL_VERSION, ack, kind};
use crate::provider::ImageMetadata;
use crate::status::Status;
use netboot_core::{AbortReason, ImageSink, Instant};

/// How much more slowly a chunk is repeated that the MCU ROM has and holds.
const HELD: u32 = 5;

/// What the MCU ROM wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The source is to get ready; [`answer_initiate`](Responder::answer_initiate).
    Initiate {
        /// What is asked for.
        flags: BootFlags,
    },
    /// What is known of an image; [`answer_metadata`](Responder::answer_metadata).
    Metadata {
        /// The image.
        id: FirmwareId,
    },
    /// An image: begin it, or [`refuse`](Responder::refuse).
    Download {
        /// The image.
        id: FirmwareId,
    },
    /// The source is needed no longer; [`answer_finalize`](Responder::answer_finalize).
    Finalize {
        /// How the boot ended.
        outcome: Status,
        /// More about an error.
        error: u16,
    },
}

/// An answer that waits to be sent. The last one replaces an earlier one.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Initiated(Status),
    Metadata(Result<ImageMetadata, Status>),
    Refused(Status),
    Finalized(Status, Cleanup),
    /// A message of an unknown type gets an answer of its own type.
    Unknown(u8),
}

/// The image that is sent.
#[derive(Clone, Copy, Debug, Default)]
struct Transfer {
    size: u32,
    /// Octets that the producer has written.
    written: u32,
    /// Octets of the chunk that gathers or waits.
    len: u32,
    /// Set while the chunk waits for its acknowledgement.
    waiting: bool,
    /// Set once the MCU ROM has acknowledged the chunk and is not ready for the next one.
    held: bool,
    /// Set once the producer has written all octets and said so.
    ended: bool,
    /// Set once the last chunk was acknowledged.
    done: bool,
    send_at: Option<Instant>,
    deadline: Instant,
}

/// Where a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No image was asked for.
    None,
    /// An image was asked for, and not begun.
    Asked,
    /// The image is sent.
    Sending,
    /// The MCU ROM gave the image up, or asked for something else.
    GivenUp,
}

/// The boot source's side. `B` holds the data of one chunk; in a ROM it is a `&mut [u8]`.
#[derive(Clone, Debug)]
pub struct Responder<'c, B> {
    config: ResponderConfig<'c>,
    /// Data of the chunk.
    buffer: B,
    answer: Option<Answer>,
    phase: Phase,
    /// The image's octet.
    id: u8,
    transfer: Transfer,
    /// Number of the chunk that gathers or waits.
    sequence: u16,
    /// Images whose metadata was asked for, and which were not sent since: one bit for each octet.
    wanted: [u32; 8],
}

impl<'c, B: AsRef<[u8]> + AsMut<[u8]>> Responder<'c, B> {
    /// Makes a responder that gathers a chunk in `buffer`.
    ///
    /// # Errors
    /// Fails with `TooSmall` when `buffer` cannot hold a chunk's data, or a chunk has none.
    pub fn new(config: ResponderConfig<'c>, buffer: B) -> Result<Self, BootSourceError> {
        let chunk_size = config.shared.chunk_size as usize;
        let needed = chunk_size.max(1);
        let given = buffer.as_ref().len().min(chunk_size);
        if given < needed {
            return Err(BootSourceError::TooSmall { needed, given });
        }
        Ok(Self {
            config,
            buffer,
            answer: None,
            phase: Phase::None,
            id: 0,
            transfer: Transfer::default(),
            sequence: 0,
            wanted: [0; 8],
        })
    }

    /// Notes whether an image's metadata was asked for, and returns whether it was before.
    fn want(&mut self, id: u8, wanted: bool) -> bool {
        let Some(word) = self.wanted.get_mut(usize::from(id >> 5)) else {
            return false;
        };
        let bit = 1 << (id & 31);
        let before = *word & bit != 0;
        *word = match wanted {
            true => *word | bit,
            false => *word & !bit,
        };
        before
    }

    /// The image was sent whole.
    fn done(&mut self) {
        self.transfer.done = true;
        self.transfer.send_at = None;
        self.want(self.id, false);
    }

    /// Whether the image that was asked for is wanted no longer.
    pub fn given_up(&self) -> bool {
        self.phase == Phase::GivenUp
    }

    /// Another request ends the download: the requester asks for one thing at a time.
    fn leave(&mut self) {
        self.phase = match self.phase {
            // All octets are there, whatever became of the last acknowledgement.
            Phase::Sending if self.transfer.ended => {
                self.finish();
                Phase::Sending
            }
            Phase::Sending => Phase::GivenUp,
            Phase::Asked => Phase::None,
            phase => phase,
        };
    }

    fn finish(&mut self) {
        if self.transfer.waiting {
            self.transfer.waiting = false;
            // A whole last chunk counts with the one without data that would follow it.
            let whole = self.transfer.len >= self.config.shared.chunk_size;
            self.sequence = self.sequence.wrapping_add(1 + u16::from(whole));
        }
        self.done();
    }

    /// Takes a message, and returns what the MCU ROM wants. Call [`poll_transmit`](Self::poll_transmit) afterwards.
    ///
    /// # Errors
    /// Fails with `UnknownMessage` or `ShortMessage` for octets that are no message. The MCU ROM is told of an unknown request.
    pub fn handle(
        &mut self,
        now: Instant,
        octets: &[u8],
    ) -> Result<Option<Request>, BootSourceError> {
        let message = match Message::parse(octets) {
            Ok(message) => message,
            Err(error) => {
                if let BootSourceError::UnknownMessage { kind } = error
                    && kind != 0
                    && kind & kind::ANSWER == 0
                {
                    self.answer = Some(Answer::Unknown(kind | kind::ANSWER));
                }
                return Err(error);
            }
        };
        Ok(match message {
            Message::Initiate { version, flags, .. } => {
                self.leave();
                if version != PROTOCOL_VERSION || flags.has_reserved() {
                    self.answer = Some(Answer::Initiated(Status::INVALID_PARAMETERS));
                    return Ok(None);
                }
                self.sequence = 0;
                Some(Request::Initiate { flags })
            }
            Message::MetadataRequest { id } => {
                self.leave();
                self.want(id, true);
                let id = self.config.shared.ids.id(id);
                Some(Request::Metadata { id })
            }
            Message::Download { id } => self.download(id),
            Message::Ack {
                id,
                sequence,
                flags,
            } => {
                self.acknowledged(now, id, sequence, flags);
                None
            }
            Message::Finalize { status, error } => {
                self.leave();
                Some(Request::Finalize {
                    outcome: status,
                    error,
                })
            }
            // An answer, from somebody who takes this side for the other one.
            _ => None,
        })
    }

    /// An image is asked for. A request for the one that is sent is a repetition: what was sent last is sent again by its timer.
    fn download(&mut self, id: u8) -> Option<Request> {
        let same = id == self.id && !self.transfer.done;
        if same && matches!(self.phase, Phase::Asked | Phase::Sending) {
            return None;
        }
        if !self.want(id, false) {
            return None;
        }
        self.want(id, true);
        // The producer is told first, and asked for the other image when the request comes again.
        self.leave();
        if matches!(self.phase, Phase::Sending | Phase::GivenUp) {
            return None;
        }
        self.id = id;
        self.phase = Phase::Asked;
        self.transfer = Transfer::default();
        let id = self.config.shared.ids.id(id);
        Some(Request::Download { id })
    }

    fn acknowledged(&mut self, now: Instant, id: u8, sequence: u16, flags: u32) {
        let transfer = &mut self.transfer;
        let open = self.phase == Phase::Sending && id == self.id && !transfer.done;
        if open && flags & ack::ERROR != 0 {
            // Only of the chunk that waits: an older one came well.
            if sequence == self.sequence {
                self.phase = Phase::GivenUp;
            }
            return;
        }
        if !open || sequence != self.sequence || !transfer.waiting {
            return;
        }
        transfer.deadline = now + self.config.ack_timeout;
        if flags & ack::READY == 0 {
            transfer.held = true;
            // Its repetition asks whether the MCU ROM still holds it: the word that it does not may have got lost.
            transfer.send_at = Some(now + self.config.retry * HELD);
            return;
        }
        let short = transfer.len < self.config.shared.chunk_size;
        transfer.waiting = false;
        transfer.held = false;
        transfer.send_at = None;
        transfer.len = 0;
        self.sequence = self.sequence.wrapping_add(1);
        let ended = transfer.ended;
        if short {
            self.done();
        } else if ended {
            // The last chunk was whole: one without data says that it was the last.
            self.launch(now);
        }
    }

    /// The chunk is whole, or the last one: it goes out.
    fn launch(&mut self, now: Instant) {
        let transfer = &mut self.transfer;
        transfer.waiting = true;
        transfer.held = false;
        transfer.send_at = Some(now);
        transfer.deadline = now + self.config.ack_timeout;
    }

    /// Says whether the source is ready (0), at work (1), or what is wrong.
    pub fn answer_initiate(&mut self, status: Status) {
        self.answer = Some(Answer::Initiated(status));
    }

    /// Says what is known of the image.
    pub fn answer_metadata(&mut self, answer: Result<ImageMetadata, Status>) {
        self.answer = Some(Answer::Metadata(answer));
    }

    /// Says that the image that was asked for does not come, or not to its end.
    pub fn refuse(&mut self, status: Status) {
        self.phase = Phase::None;
        self.answer = Some(Answer::Refused(status));
    }

    /// Ends a download that the MCU ROM gave up.
    pub fn close(&mut self) {
        self.phase = Phase::None;
    }

    /// Says that the source has ended its work.
    pub fn answer_finalize(&mut self, status: Status, cleanup: Cleanup) {
        self.phase = Phase::None;
        self.answer = Some(Answer::Finalized(status, cleanup));
    }

    /// Writes the message that is due into the front of `out` and returns its length in octets. Call it until it returns `None`.
    /// A message that `out` has no room for is not sent; see [`message_len`](crate::message_len).
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        if let Some(answer) = self.answer {
            let len = self.answered(answer, out)?;
            self.answer = None;
            return Some(len);
        }
        let transfer = &mut self.transfer;
        if self.phase != Phase::Sending || transfer.send_at.is_none_or(|at| at > now) {
            return None;
        }
        let chunk = Message::Chunk {
            status: Status::SUCCESS,
            sequence: self.sequence,
            offset: transfer.written.saturating_sub(transfer.len),
            data: self
                .buffer
                .as_ref()
                .get(..transfer.len as usize)
                .unwrap_or_default(),
        };
        let len = chunk.emit(out)?;
        transfer.send_at = Some(now + self.config.retry);
        Some(len)
    }

    fn answered(&self, answer: Answer, out: &mut [u8]) -> Option<usize> {
        let message = match answer {
            Answer::Initiated(status) => Message::Initiated { status },
            Answer::Metadata(Ok(metadata)) => Message::Metadata {
                status: Status::SUCCESS,
                size: metadata.size,
                checksum: metadata.checksum.map_or([0; 32], |digest| digest.0),
                version: metadata.version,
                flags: metadata.flags,
            },
            Answer::Metadata(Err(status)) => Message::Metadata {
                status,
                size: 0,
                checksum: [0; 32],
                version: 0,
                flags: 0,
            },
            Answer::Refused(status) => Message::Chunk {
                status,
                sequence: self.sequence,
                offset: 0,
                data: &[],
            },
            Answer::Finalized(status, cleanup) => Message::Finalized { status, cleanup },
            Answer::Unknown(kind) => {
                let octets = [kind, Status::INVALID_MESSAGE_TYPE.0, 0, 0];
                let place = out.first_chunk_mut()?;
                *place = octets;
                return Some(octets.len());
            }
        };
        message.emit(out)
    }

    /// When to call [`poll_transmit`](Self::poll_transmit), and the producer [`window`](ImageSink::window), at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.answer.is_some() {
            return Some(Instant::ZERO);
        }
        let transfer = &self.transfer;
        let waits = self.phase == Phase::Sending && transfer.waiting;
        waits.then(|| {
            let deadline = transfer.deadline;
            transfer.send_at.map_or(deadline, |at| at.min(deadline))
        })
    }

    /// Checks that the image is open and the MCU ROM answers.
    ///
    /// # Errors
    /// Fails with `Misuse`, `GivenUp` or `Timeout`.
    fn check(&mut self, now: Instant) -> Result<(), BootSourceError> {
        match self.phase {
            Phase::Sending => {}
            Phase::GivenUp => return Err(BootSourceError::GivenUp),
            Phase::None | Phase::Asked => return Err(BootSourceError::Misuse),
        }
        if self.transfer.waiting && now >= self.transfer.deadline {
            return Err(BootSourceError::Timeout(WaitFor::Acknowledgement));
        }
        Ok(())
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> ImageSink for Responder<'_, B> {
    type Error = BootSourceError;

    /// Begins the image that was asked for.
    ///
    /// # Errors
    /// Fails with `Misuse` when none was asked for, and with `SizeUnsupported` for a size of 0 or above 2^32 - 1.
    fn begin(&mut self, now: Instant, size: u64) -> Result<(), BootSourceError> {
        if self.phase != Phase::Asked {
            self.check(now)?;
            return Err(BootSourceError::Misuse);
        }
        let size = match u32::try_from(size) {
            Ok(size) if size != 0 => size,
            _ => return Err(BootSourceError::SizeUnsupported { size }),
        };
        if self.config.shared.numbering == Numbering::FromZero {
            self.sequence = 0;
        }
        self.transfer = Transfer {
            size,
            ..Transfer::default()
        };
        self.phase = Phase::Sending;
        Ok(())
    }

    /// Returns the octets that are left in the chunk; 0 while it waits for its acknowledgement.
    ///
    /// # Errors
    /// Fails with `GivenUp`, and with `Timeout` when the MCU ROM does not acknowledge.
    fn window(&mut self, now: Instant) -> Result<usize, BootSourceError> {
        self.check(now)?;
        let transfer = &self.transfer;
        if transfer.waiting {
            return Ok(0);
        }
        let room = self.config.shared.chunk_size.saturating_sub(transfer.len);
        let left = transfer.size.saturating_sub(transfer.written);
        Ok(room.min(left) as usize)
    }

    /// Gathers octets. A chunk that is whole goes out.
    ///
    /// # Errors
    /// Fails with `Misuse` for more octets than the window, and as [`window`](ImageSink::window).
    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), BootSourceError> {
        if data.len() > self.window(now)? {
            return Err(BootSourceError::Misuse);
        }
        if data.is_empty() {
            return Ok(());
        }
        let transfer = &mut self.transfer;
        let room = self.buffer.as_mut().get_mut(transfer.len as usize..);
        for (to, from) in room.unwrap_or_default().iter_mut().zip(data) {
            *to = *from;
        }
        let len = data.len() as u32;
        transfer.len = transfer.len.saturating_add(len);
        transfer.written = transfer.written.saturating_add(len);
        if transfer.len >= self.config.shared.chunk_size {
            self.launch(now);
        }
        Ok(())
    }

    /// Sends what is left. An image of whole chunks ends with one that has no data.
    ///
    /// # Errors
    /// Fails with `Misuse` when octets are missing, and as [`window`](ImageSink::window).
    fn end(&mut self, now: Instant) -> Result<(), BootSourceError> {
        self.check(now)?;
        if self.transfer.written != self.transfer.size || self.transfer.ended {
            return Err(BootSourceError::Misuse);
        }
        self.transfer.ended = true;
        if !self.transfer.waiting {
            self.launch(now);
        }
        Ok(())
    }

    /// Returns whether the last chunk was acknowledged.
    ///
    /// # Errors
    /// As for [`window`](ImageSink::window).
    fn poll_ready(&mut self, now: Instant) -> Result<bool, BootSourceError> {
        self.check(now)?;
        Ok(self.transfer.done)
    }

    /// Ends the image.
    ///
    /// # Errors
    /// Fails with `Misuse` unless the last chunk was acknowledged.
    fn activate(&mut self, _now: Instant) -> Result<(), BootSourceError> {
        if self.phase != Phase::Sending || !self.transfer.done {
            return Err(BootSourceError::Misuse);
        }
        self.phase = Phase::None;
        Ok(())
    }

    /// Takes the image back while nothing of it was sent.
    fn withdraw(&mut self, _now: Instant) -> bool {
        match self.phase {
            Phase::Sending
                if self.transfer.waiting || self.transfer.written > self.transfer.len =>
            {
                false
            }
            Phase::Sending => {
                self.transfer = Transfer::default();
                self.phase = Phase::Asked;
                true
            }
            _ => true,
        }
    }

    /// Tells the MCU ROM that the image does not come to its end.
    fn abort(&mut self, _now: Instant, _reason: AbortReason) {
        if matches!(self.phase, Phase::Asked | Phase::Sending) {
            self.refuse(Status::UNSPECIFIED);
        }
    }
}
