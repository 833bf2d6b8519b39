//! The network coprocessor's side: serves an [`ImageSource`] through a mailbox.

use crate::config::ResponderConfig;
use crate::error::BootSourceError;
use crate::id::FirmwareId;
use crate::mailbox::Mailbox;
use crate::message::{Cleanup, message_len};
use crate::provider::{ImageMetadata, ImageSource};
use crate::responder::{Request, Responder};
use crate::status::Status;
use netboot_core::{AbortReason, Duration, ImageSink, Instant};
use netboot_ipxe::Delivery;

/// Most messages that one look takes, so that a flood of them cannot keep it.
const BUDGET: u32 = 16;
/// How long to idle while the last chunk waits for its acknowledgement.
const PAUSE: Duration = Duration::from_millis(1);

/// What [`Server::step`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Nothing was asked for.
    Nothing,
    /// A request was answered.
    Answered,
    /// An image was sent whole.
    Sent(FirmwareId),
    /// An image was not sent to its end.
    Failed(FirmwareId),
    /// The MCU ROM needs the source no longer; it says how its boot ended.
    Finalized(Status),
}

/// Serves a source.
#[derive(Debug)]
pub struct Server<'c, 'b, M> {
    responder: Responder<'c, &'b mut [u8]>,
    mailbox: M,
    /// A message that comes or goes.
    message: &'b mut [u8],
    pending: Option<Request>,
    ready: bool,
    /// The answer to the last request for metadata, so that a repeated request does not ask the source again. A download uses it
    /// up, and InitiateBoot and Finalize forget it: a later request gets the metadata that the source has then.
    known: Option<(FirmwareId, ImageMetadata)>,
}

impl<'c, 'b, M: Mailbox> Server<'c, 'b, M> {
    /// Makes a server with two buffers: `chunk` for the data of a chunk, and `message` for a whole message.
    ///
    /// # Errors
    /// Fails with `TooSmall` when one of them, or the mailbox, is smaller than a chunk.
    pub fn new(
        config: ResponderConfig<'c>,
        mailbox: M,
        chunk: &'b mut [u8],
        message: &'b mut [u8],
    ) -> Result<Self, BootSourceError> {
        let responder = Responder::new(config, chunk)?;
        let needed = message_len(config.shared.chunk_size as usize);
        let given = message.len().min(mailbox.capacity());
        if given < needed {
            return Err(BootSourceError::TooSmall { needed, given });
        }
        Ok(Self {
            responder,
            mailbox,
            message,
            pending: None,
            ready: false,
            known: None,
        })
    }

    /// When to call [`step`](Self::step) at the latest. `None`: when a message comes.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.responder.poll_timeout()
    }

    /// Takes messages and sends what is due.
    fn pump(&mut self, now: Instant) {
        for _ in 0..BUDGET {
            let Some(len) = self.mailbox.receive(self.message) else {
                break;
            };
            let message = self.message.get(..len).unwrap_or_default();
            // What is no message is ignored, whoever wrote it.
            if let Ok(Some(request)) = self.responder.handle(now, message) {
                self.pending = Some(request);
            }
        }
        for _ in 0..BUDGET {
            let Some(len) = self.responder.poll_transmit(now, self.message) else {
                break;
            };
            // Without room the message counts as lost, and one of the two sides repeats it.
            self.mailbox
                .send(self.message.get(..len).unwrap_or_default());
        }
    }

    /// Looks into the mailbox and does what is asked for. A call may take as long as the source: for an address, or for a whole
    /// image.
    pub fn step<S: ImageSource>(&mut self, source: &mut S) -> Served {
        self.pump(source.now());
        let Some(request) = self.pending.take() else {
            return Served::Nothing;
        };
        let served = match request {
            Request::Initiate { flags } => {
                self.known = None;
                if !self.ready {
                    self.responder.answer_initiate(Status::IN_PROGRESS);
                    self.pump(source.now());
                    let started = source.initiate_boot(flags);
                    self.ready = started.is_ok();
                    let status = started.err().map(|error| S::status_of(&error));
                    self.responder
                        .answer_initiate(status.map_or(Status::SUCCESS, no_progress));
                } else {
                    self.responder.answer_initiate(Status::SUCCESS);
                }
                Served::Answered
            }
            Request::Metadata { id } => {
                let answer = self.metadata(source, id);
                self.responder.answer_metadata(answer);
                Served::Answered
            }
            Request::Download { id } => self.download(source, id),
            Request::Finalize { outcome, .. } => {
                let cleanup = match self.ready {
                    true => source.finalize(outcome),
                    false => Cleanup::default(),
                };
                self.ready = false;
                self.known = None;
                self.responder.answer_finalize(Status::SUCCESS, cleanup);
                Served::Finalized(outcome)
            }
        };
        self.pump(source.now());
        served
    }

    fn metadata<S: ImageSource>(
        &mut self,
        source: &mut S,
        id: FirmwareId,
    ) -> Result<ImageMetadata, Status> {
        if !self.ready {
            return Err(Status::INVALID_PARAMETERS);
        }
        if let Some((known, metadata)) = self.known
            && known == id
        {
            return Ok(metadata);
        }
        let metadata = source.image_metadata(id);
        let metadata = metadata.map_err(|error| S::status_of(&error))?;
        self.known = Some((id, metadata));
        Ok(metadata)
    }

    fn download<S: ImageSource>(&mut self, source: &mut S, id: FirmwareId) -> Served {
        if !self.ready {
            self.responder.refuse(Status::SOURCE_NOT_READY);
            return Served::Failed(id);
        }
        self.known = None;
        let mut delivery = Delivery::new(Outlet(self));
        let sent = source.download(id, &mut delivery);
        let complete = delivery.is_complete();
        let mut outlet = delivery.into_sink();
        let status = match sent {
            Ok(()) if complete => loop {
                let now = source.now();
                match outlet.poll_ready(now) {
                    Ok(true) => break None,
                    Ok(false) => source.idle(PAUSE),
                    Err(_) => break Some(Status::TRANSFER_TIMEOUT),
                }
            },
            Ok(()) => Some(Status::UNSPECIFIED),
            Err(error) => Some(S::status_of(&error)),
        };
        match status {
            None => {
                self.responder.close();
                Served::Sent(id)
            }
            Some(status) => {
                match self.responder.given_up() {
                    true => self.responder.close(),
                    false => self.responder.refuse(status),
                }
                Served::Failed(id)
            }
        }
    }
}

/// An error in an answer to InitiateBoot: 1 means *at work* there.
fn no_progress(status: Status) -> Status {
    match status {
        Status::IN_PROGRESS => Status::UNSPECIFIED,
        status => status,
    }
}

/// The server as the consumer of an image: each call looks into the mailbox, too.
struct Outlet<'s, 'c, 'b, M>(&'s mut Server<'c, 'b, M>);

impl<M: Mailbox> ImageSink for Outlet<'_, '_, '_, M> {
    type Error = BootSourceError;

    fn begin(&mut self, now: Instant, size: u64) -> Result<(), BootSourceError> {
        self.0.responder.begin(now, size)
    }

    fn window(&mut self, now: Instant) -> Result<usize, BootSourceError> {
        self.0.pump(now);
        self.0.responder.window(now)
    }

    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), BootSourceError> {
        self.0.responder.write(now, data)?;
        self.0.pump(now);
        Ok(())
    }

    fn end(&mut self, now: Instant) -> Result<(), BootSourceError> {
        self.0.responder.end(now)?;
        self.0.pump(now);
        Ok(())
    }

    fn poll_ready(&mut self, now: Instant) -> Result<bool, BootSourceError> {
        self.0.pump(now);
        self.0.responder.poll_ready(now)
    }

    fn activate(&mut self, now: Instant) -> Result<(), BootSourceError> {
        self.0.responder.activate(now)
    }

    fn withdraw(&mut self, now: Instant) -> bool {
        self.0.responder.withdraw(now)
    }

    fn abort(&mut self, now: Instant, reason: AbortReason) {
        self.0.responder.abort(now, reason);
    }
}
