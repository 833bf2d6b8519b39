//! The MCU ROM's side of the messages, sans-IO.
//!
//! One exchange at a time: InitiateBoot, metadata, a download, Finalize. Each begins with a call, goes on with
//! [`handle`](Requester::handle), [`poll`](Requester::poll) and [`poll_transmit`](Requester::poll_transmit), and ends with an
//! [`Event`] or an error. A request is repeated until it is answered. A chunk is acknowledged when the caller says that it
//! has used it, so that a full consumer slows the source.
//!
//! # What is old
//!
//! A chunk says neither which image it is of nor which request it answers, and the answers with metadata do not say it either.
//! Three things keep what is old apart from what is due:
//!
//! - A chunk counts only with the sequence number *and* the offset *and* the size that are due.
//! - With [`Numbering::Continuing`] the numbers go on from one image to the next, so that the last chunk of an image is never taken
//!   for the first of another one.
//! - After an exchange the requester listens for [`linger`](RequesterConfig::linger), or for [`retry`](RequesterConfig::retry) when
//!   it had to repeat something, before it begins another. What comes then is old, and makes it listen on.
//!
//! A mailbox that keeps the order and brings nothing twice needs no `linger`. Any other one needs one that is longer than a message
//! can be on its way.

use crate::config::{Numbering, RequesterConfig};
use crate::error::{BootSourceError, WaitFor};
use crate::id::FirmwareId;
use crate::message::{BootFlags, Cleanup, Message, PROTOCOL_VERSION, ack};
use crate::provider::ImageMetadata;
use crate::status::Status;
use netboot_core::{Digest, Duration, Instant};

/// What a message meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'m> {
    /// Nothing: the message was old, or only a part of an answer.
    None,
    /// The source is ready.
    Ready,
    /// The metadata that was asked for.
    Metadata(ImageMetadata),
    /// The next octets of the image. [`accept`](Requester::accept) has to follow, at once or later.
    Chunk {
        /// The octets; their offset is [`position`](Requester::position).
        data: &'m [u8],
    },
    /// The source has ended its work.
    Finalized(Cleanup),
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ask {
    Initiate { flags: u32, started: bool },
    Metadata { id: u8 },
    Finalize { status: Status, error: u16 },
}

/// An image on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Transfer {
    id: u8,
    size: u32,
    position: u32,
    /// Number of the chunk that is due.
    sequence: u16,
    /// Octets of the chunk that the caller holds; `None` while none is held.
    held: Option<u32>,
    /// Time from which the source may be told again that the chunk is held; `None` before it was told at all.
    hold_at: Option<Instant>,
    /// Set once a chunk was accepted: what is repeated is then the acknowledgement, and before that the request.
    begun: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    /// Nothing was asked yet, or the last exchange failed: only InitiateBoot may follow.
    Apart,
    /// Something may be asked.
    Idle,
    /// A request waits for its answer.
    Asking(Ask),
    /// An image comes.
    Receiving(Transfer),
}

/// The last chunk that was accepted, to acknowledge it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Last {
    id: u8,
    sequence: u16,
    /// Octets of the image up to its end.
    end: u32,
    flags: u32,
}

/// The MCU ROM's side.
#[derive(Clone, Debug)]
pub struct Requester<'c> {
    config: RequesterConfig<'c>,
    state: State,
    /// Number of the first chunk of the next image.
    next_sequence: u16,
    last: Option<Last>,
    /// Set when the acknowledgement of `last` has to be sent.
    acknowledge: bool,
    /// When the request, or the acknowledgement, is sent (again).
    send_at: Option<Instant>,
    /// The end of the present wait.
    deadline: Instant,
    /// The time until which an exchange that ended is listened for.
    quiet_until: Instant,
    /// How often the request, or an acknowledgement in its place, was sent in this exchange.
    sends: u32,
}

impl<'c> Requester<'c> {
    /// Makes a requester that has asked nothing yet.
    pub const fn new(config: RequesterConfig<'c>) -> Self {
        Self {
            config,
            state: State::Apart,
            next_sequence: 0,
            last: None,
            acknowledge: false,
            send_at: None,
            deadline: Instant::ZERO,
            quiet_until: Instant::ZERO,
            sends: 0,
        }
    }

    fn begin(&mut self, now: Instant, state: State, timeout: Duration) {
        self.state = state;
        self.sends = 0;
        // What is old may still come.
        let first = self.quiet_until.max(now);
        self.send_at = Some(first);
        self.deadline = first + timeout;
    }

    /// Asks the source to get ready. What was going on ends.
    pub fn initiate(&mut self, now: Instant, flags: BootFlags) {
        self.last = None;
        self.acknowledge = false;
        self.next_sequence = 0;
        let ask = Ask::Initiate {
            flags: flags.0,
            started: false,
        };
        self.begin(now, State::Asking(ask), self.config.ready_timeout);
    }

    /// # Errors
    /// Fails with `Busy` unless something may be asked.
    fn idle(&self) -> Result<(), BootSourceError> {
        match self.state {
            State::Idle => Ok(()),
            _ => Err(BootSourceError::Busy),
        }
    }

    /// Asks what is known of an image.
    ///
    /// # Errors
    /// Fails with `Busy`, and with `IdNotOnWire` for an id that no octet stands for.
    pub fn metadata(&mut self, now: Instant, id: FirmwareId) -> Result<(), BootSourceError> {
        self.idle()?;
        let id = self.config.shared.ids.octet(id)?;
        let ask = State::Asking(Ask::Metadata { id });
        self.begin(now, ask, self.config.answer_timeout);
        Ok(())
    }

    /// Asks for an image of which the metadata said that it has `size` octets.
    ///
    /// # Errors
    /// Fails with `Busy`, with `IdNotOnWire`, and with `SizeUnsupported` for an image without octets.
    pub fn download(
        &mut self,
        now: Instant,
        id: FirmwareId,
        size: u32,
    ) -> Result<(), BootSourceError> {
        self.idle()?;
        if size == 0 || self.config.shared.chunk_size == 0 {
            return Err(BootSourceError::SizeUnsupported { size: size.into() });
        }
        let transfer = Transfer {
            id: self.config.shared.ids.octet(id)?,
            size,
            position: 0,
            sequence: self.next_sequence,
            held: None,
            hold_at: None,
            begun: false,
        };
        let state = State::Receiving(transfer);
        self.begin(now, state, self.config.answer_timeout);
        Ok(())
    }

    /// Tells the source that it is needed no longer. A download that is not complete is given up.
    pub fn finalize(&mut self, now: Instant, status: Status, error: u16) {
        let ask = State::Asking(Ask::Finalize { status, error });
        self.begin(now, ask, self.config.answer_timeout);
    }

    /// Gives a download up: the source is told, and has to be asked to get ready again.
    pub fn abort(&mut self, now: Instant) {
        if let State::Receiving(transfer) = self.state {
            self.last = Some(Last {
                id: transfer.id,
                sequence: transfer.sequence,
                end: 0,
                flags: ack::ERROR,
            });
            self.acknowledge = true;
            self.fail(now);
        }
    }

    /// Octets of the image that were accepted.
    pub fn position(&self) -> u32 {
        match self.state {
            State::Receiving(transfer) => transfer.position,
            _ => 0,
        }
    }

    /// Whether something may be asked.
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Number of octets that the chunk which is due has to have.
    fn due(&self, transfer: &Transfer) -> u32 {
        let left = transfer.size.saturating_sub(transfer.position);
        left.min(self.config.shared.chunk_size)
    }

    /// The exchange ends, well or not.
    fn end(&mut self, now: Instant, state: State) {
        self.state = state;
        self.send_at = None;
        let listen = match self.sends {
            0 | 1 => self.config.linger,
            _ => self.config.linger.max(self.config.retry),
        };
        self.quiet_until = now + listen;
    }

    fn fail(&mut self, now: Instant) {
        self.end(now, State::Apart);
    }

    /// # Errors
    /// Fails with what the source says.
    fn check(&mut self, now: Instant, status: Status) -> Result<(), BootSourceError> {
        if status.is_success() {
            return Ok(());
        }
        self.fail(now);
        Err(BootSourceError::Source(status))
    }

    /// Takes a message. Call [`poll_transmit`](Self::poll_transmit) afterwards.
    ///
    /// # Errors
    /// Fails with what the source says, and for a chunk in order that has not the size that is due; the exchange is over then.
    /// Fails with `UnknownMessage` or `ShortMessage` for octets that are no message; the exchange goes on then.
    pub fn handle<'m>(
        &mut self,
        now: Instant,
        octets: &'m [u8],
    ) -> Result<Event<'m>, BootSourceError> {
        let message = Message::parse(octets)?;
        // Nothing that comes before the request was sent answers it.
        let state = match self.sends {
            0 => State::Idle,
            _ => self.state,
        };
        match (state, message) {
            (State::Asking(Ask::Initiate { flags, .. }), Message::Initiated { status }) => {
                if status == Status::IN_PROGRESS {
                    let started = true;
                    self.state = State::Asking(Ask::Initiate { flags, started });
                    return Ok(Event::None);
                }
                self.check(now, status)?;
                self.end(now, State::Idle);
                Ok(Event::Ready)
            }
            (
                State::Asking(Ask::Metadata { .. }),
                Message::Metadata {
                    status,
                    size,
                    checksum,
                    version,
                    flags,
                },
            ) => {
                // The source is at work: it is asked again.
                if status == Status::SOURCE_NOT_READY {
                    return Ok(Event::None);
                }
                if !status.is_success() {
                    self.end(now, State::Idle);
                    return Err(BootSourceError::Source(status));
                }
                self.end(now, State::Idle);
                Ok(Event::Metadata(ImageMetadata {
                    size,
                    checksum: Some(Digest(checksum)).filter(|digest| digest.0 != [0; 32]),
                    version,
                    flags,
                }))
            }
            (State::Asking(Ask::Finalize { .. }), Message::Finalized { status, cleanup }) => {
                self.check(now, status)?;
                self.end(now, State::Apart);
                Ok(Event::Finalized(cleanup))
            }
            (
                _,
                Message::Chunk {
                    status,
                    sequence,
                    offset,
                    data,
                },
            ) => self.chunk(now, state, status, sequence, offset, data),
            _ => {
                self.hear(now);
                Ok(Event::None)
            }
        }
    }

    /// Something old came: more of it may be on its way.
    fn hear(&mut self, now: Instant) {
        let unsent = self.sends == 0 && self.send_at.is_some();
        if (matches!(self.state, State::Idle | State::Apart) || unsent)
            && self.config.linger != Duration::ZERO
        {
            let until = now + self.config.linger;
            self.quiet_until = self.quiet_until.max(until);
            if unsent {
                self.send_at = Some(self.quiet_until);
            }
        }
    }

    fn chunk<'m>(
        &mut self,
        now: Instant,
        state: State,
        status: Status,
        sequence: u16,
        offset: u32,
        data: &'m [u8],
    ) -> Result<Event<'m>, BootSourceError> {
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        if let State::Receiving(mut transfer) = state {
            self.check(now, status)?;
            let free = transfer.held.is_none();
            if free && sequence == transfer.sequence && offset == transfer.position {
                let expected = self.due(&transfer);
                if len != expected {
                    self.abort(now);
                    return Err(BootSourceError::ChunkSize {
                        found: len,
                        expected,
                    });
                }
                transfer.held = Some(len);
                self.state = State::Receiving(transfer);
                self.send_at = None;
                return Ok(Event::Chunk { data });
            }
        }
        self.again(now, sequence, offset, len);
        Ok(Event::None)
    }

    /// A chunk that is not due. Its acknowledgement may have got lost.
    fn again(&mut self, now: Instant, sequence: u16, offset: u32, len: u32) {
        self.hear(now);
        let Some(last) = &mut self.last else {
            return;
        };
        // The end of an image whose size is a multiple of the chunk's is a chunk without data.
        let end = len == 0 && offset == last.end && sequence == last.sequence.wrapping_add(1);
        if end {
            last.sequence = sequence;
        }
        if sequence == last.sequence {
            self.acknowledge = true;
        }
    }

    /// Says that the consumer has no room for the chunk yet. The source then goes on waiting, and repeats this chunk more rarely.
    /// Call it as often as the consumer says that it has no room: the source is told at the first call for each chunk, and then
    /// once in every [`retry`](RequesterConfig::retry).
    pub fn hold(&mut self, now: Instant) {
        if let State::Receiving(mut transfer) = self.state
            && transfer.held.is_some()
            && transfer.hold_at.is_none_or(|at| at <= now)
        {
            transfer.hold_at = Some(now + self.config.retry);
            self.state = State::Receiving(transfer);
            self.last = Some(Last {
                id: transfer.id,
                sequence: transfer.sequence,
                end: transfer.size,
                flags: 0,
            });
            self.acknowledge = true;
        }
    }

    /// Says that the consumer has used the chunk, and asks for the next one. Returns whether the image is complete.
    pub fn accept(&mut self, now: Instant) -> bool {
        let State::Receiving(mut transfer) = self.state else {
            return false;
        };
        let Some(len) = transfer.held.take() else {
            return false;
        };
        transfer.hold_at = None;
        self.last = Some(Last {
            id: transfer.id,
            sequence: transfer.sequence,
            end: transfer.size,
            flags: ack::READY,
        });
        self.acknowledge = true;
        transfer.position = transfer.position.saturating_add(len);
        transfer.sequence = transfer.sequence.wrapping_add(1);
        transfer.begun = true;
        if transfer.position < transfer.size {
            self.state = State::Receiving(transfer);
            self.send_at = Some(now + self.config.retry);
            self.deadline = now + self.config.answer_timeout;
            return false;
        }
        // A whole last chunk is followed by one without data.
        let whole = transfer.size.checked_rem(self.config.shared.chunk_size) == Some(0);
        self.next_sequence = match self.config.shared.numbering {
            Numbering::Continuing => transfer.sequence.wrapping_add(u16::from(whole)),
            Numbering::FromZero => 0,
        };
        self.end(now, State::Idle);
        true
    }

    /// Notices deadlines. Call it at [`poll_timeout`](Self::poll_timeout).
    ///
    /// # Errors
    /// Fails with `Timeout` when the source did not answer in time; the exchange is over then.
    pub fn poll(&mut self, now: Instant) -> Result<(), BootSourceError> {
        let wait = match self.state {
            State::Apart | State::Idle => return Ok(()),
            // The consumer takes its time, and has deadlines of its own.
            State::Receiving(transfer) if transfer.held.is_some() => return Ok(()),
            State::Asking(Ask::Initiate { started: false, .. }) => WaitFor::Start,
            State::Asking(Ask::Initiate { .. }) => WaitFor::Ready,
            State::Asking(Ask::Metadata { .. }) => WaitFor::Metadata,
            State::Asking(Ask::Finalize { .. }) => WaitFor::Finalized,
            State::Receiving(_) => WaitFor::Chunk,
        };
        if now < self.deadline {
            return Ok(());
        }
        self.fail(now);
        Err(BootSourceError::Timeout(wait))
    }

    /// Writes the message that is due into the front of `out` and returns its length in octets. Call it until it returns `None`.
    /// A message that `out` has no room for is not sent; [`MIN_MESSAGE`](crate::MIN_MESSAGE) octets are enough for each.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        if self.acknowledge
            && let Some(last) = self.last
        {
            let len = Self::acknowledgement(last).emit(out)?;
            self.acknowledge = false;
            return Some(len);
        }
        let due = self.send_at.is_some_and(|at| at <= now);
        if !due {
            return None;
        }
        let message = match self.state {
            State::Asking(Ask::Initiate { flags, .. }) => Message::Initiate {
                version: PROTOCOL_VERSION,
                flags: BootFlags(flags),
                specific: &[],
            },
            State::Asking(Ask::Metadata { id }) => Message::MetadataRequest { id },
            State::Asking(Ask::Finalize { status, error }) => Message::Finalize { status, error },
            State::Receiving(Transfer {
                id, begun: false, ..
            }) => Message::Download { id },
            State::Receiving(_) => Self::acknowledgement(self.last?),
            State::Apart | State::Idle => return None,
        };
        let len = message.emit(out)?;
        self.sends = self.sends.saturating_add(1);
        self.send_at = Some(now + self.config.retry);
        Some(len)
    }

    fn acknowledgement(last: Last) -> Message<'static> {
        Message::Ack {
            id: last.id,
            sequence: last.sequence,
            flags: last.flags,
        }
    }

    /// When to call [`poll`](Self::poll) and [`poll_transmit`](Self::poll_transmit) at the latest. `None`: only a message, or the
    /// caller, leads on.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.acknowledge {
            return Some(Instant::ZERO);
        }
        self.send_at.map(|at| at.min(self.deadline))
    }
}
