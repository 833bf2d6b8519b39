//! The MCI mailbox.
//!
//! [`Mailbox`] knows the framing, a [`MailboxDriver`] how octets reach the mailbox: [`registers`] by its registers,
//! [`udp`] by datagrams.

#[allow(unsafe_code, reason = "volatile accesses to registers")]
pub mod mmio;
pub mod registers;
#[cfg(feature = "std")]
pub mod udp;

#[cfg(feature = "std")]
pub use udp::UdpMailbox;

use crate::error::{DeviceFailure, TransportError, TransportResult};
use crate::framed::{Framed, Framing};
use caliptra_util_host_command_types::{
    CaliptraCommandId, MAX_RESPONSE_SIZE, mailbox, wire::copy_out,
};
use core::fmt;
use core::ops::DerefMut;

/// Octets of a [`Mailbox`]'s buffer by default; the longest request and the longest answer fit.
pub const DEFAULT_CAPACITY: usize = MAX_RESPONSE_SIZE;

/// How octets reach a mailbox.
pub trait MailboxDriver: Send + Sync {
    /// Carries out a command: `external_cmd` goes into the command register, `payload` (with its checksum) into the data.
    /// Gives the answer, with its checksum.
    ///
    /// # Errors
    /// When no answer can be had. An answer to an earlier command must never be given.
    fn send_command(&mut self, external_cmd: u32, payload: &[u8]) -> Result<&[u8], MailboxError>;

    /// Whether a command can be sent now.
    fn is_ready(&self) -> bool;

    /// Makes the mailbox usable.
    ///
    /// # Errors
    /// When the mailbox cannot be reached.
    fn connect(&mut self) -> Result<(), MailboxError>;

    /// Gives the mailbox up.
    ///
    /// # Errors
    /// When that cannot be done in order.
    fn disconnect(&mut self) -> Result<(), MailboxError>;

    /// Sets how long a connection and a command may take, in milliseconds. The default ignores it.
    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        let _ = (connection_ms, command_ms);
    }
}

/// A mailbox's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxError {
    /// The mailbox is in use, or not yet usable; the command was not taken.
    NotReady,
    /// No answer came in time.
    Timeout,
    /// The mailbox does not know the command.
    InvalidCommand,
    /// Octets could not be moved.
    CommunicationError,
    /// The command or its answer does not fit.
    BufferOverflow,
    /// The device declined; the value is what the mailbox shows.
    DeviceError(u32),
}

impl fmt::Display for MailboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TransportError::from(*self).fmt(f)
    }
}

impl core::error::Error for MailboxError {}

impl From<MailboxError> for TransportError {
    fn from(error: MailboxError) -> Self {
        match error {
            MailboxError::NotReady => Self::Busy,
            MailboxError::Timeout => Self::Timeout,
            MailboxError::InvalidCommand => {
                Self::NotSupported("the mailbox does not know the command")
            }
            MailboxError::CommunicationError => Self::IoError("the mailbox cannot be reached"),
            MailboxError::BufferOverflow => {
                Self::BufferError("the mailbox is too small for the command or its answer")
            }
            MailboxError::DeviceError(status) => Self::Device(DeviceFailure::Mailbox { status }),
        }
    }
}

/// The framing of the mailbox, over a driver.
pub struct MailboxFraming<D>(pub(crate) D);

impl<D: DerefMut<Target: MailboxDriver> + Send + Sync> Framing for MailboxFraming<D> {
    const NAME: &'static str = "Mailbox";
    const UNKNOWN: &'static str = "the mailbox does not know the command";

    fn connect(&mut self) -> TransportResult<()> {
        Ok(self.0.connect()?)
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        Ok(self.0.disconnect()?)
    }

    fn exchange(
        &mut self,
        id: CaliptraCommandId,
        data: &[u8],
        buffer: &mut [u8],
    ) -> TransportResult<usize> {
        let request = mailbox::encode(id, data, buffer)?;
        let message = buffer.get(..request.len).unwrap_or_default();
        let response = self.0.send_command(request.code, message)?;
        Ok(copy_out(open(response)?, buffer)?)
    }

    fn is_ready(&self) -> bool {
        self.0.is_ready()
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        self.0.set_timeouts(connection_ms, command_ms);
    }
}

/// A transport over a mailbox driver, with a buffer of `N` octets for the request and then the answer.
pub type Mailbox<'a, const N: usize = DEFAULT_CAPACITY> =
    Framed<MailboxFraming<&'a mut dyn MailboxDriver>, [u8; N]>;

impl<'a> Mailbox<'a> {
    /// A transport over `mailbox` with a buffer of [`DEFAULT_CAPACITY`] octets.
    pub fn new(mailbox: &'a mut dyn MailboxDriver) -> Self {
        Self::with_capacity(mailbox)
    }
}

impl<'a, const N: usize> Mailbox<'a, N> {
    /// A transport over `mailbox` with a buffer of `N` octets. A longer answer is an error, never a cut one.
    pub fn with_capacity(mailbox: &'a mut dyn MailboxDriver) -> Self {
        Self::build(MailboxFraming(mailbox), [0; N])
    }
}

/// Verifies an answer and gives its payload.
///
/// # Errors
/// When the device declined, or the checksum is wrong.
pub(crate) fn open(response: &[u8]) -> TransportResult<&[u8]> {
    if response == mailbox::UDP_ERROR {
        return Err(TransportError::Device(DeviceFailure::Mailbox {
            status: 0xFF,
        }));
    }
    Ok(mailbox::decode(response)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traits::Transport;
    use caliptra_util_host_command_types::CommandError;

    #[derive(Default)]
    struct Scripted {
        answers: Vec<Result<Vec<u8>, MailboxError>>,
        sent: Vec<(u32, Vec<u8>)>,
        last: Vec<u8>,
    }

    impl MailboxDriver for Scripted {
        fn send_command(&mut self, code: u32, payload: &[u8]) -> Result<&[u8], MailboxError> {
            self.sent.push((code, payload.to_vec()));
            self.last = self.answers.remove(0)?;
            Ok(&self.last)
        }
        fn is_ready(&self) -> bool {
            true
        }
        fn connect(&mut self) -> Result<(), MailboxError> {
            Ok(())
        }
        fn disconnect(&mut self) -> Result<(), MailboxError> {
            Ok(())
        }
    }

    fn sealed(payload: &[u8]) -> Vec<u8> {
        let mut message = [&[0; 4], payload].concat();
        mailbox::seal(0, &mut message);
        message
    }

    #[test]
    fn nothing_is_sent_before_connect_and_nothing_received_before_send() {
        let mut driver = Scripted::default();
        let mut transport = Mailbox::new(&mut driver);
        assert_eq!(transport.send(1, &[]), Err(TransportError::Disconnected));
        transport.connect().unwrap();
        assert_eq!(
            transport.receive(&mut [0; 4]),
            Err(TransportError::NoResponse)
        );
        assert!(matches!(
            transport.send(0x7001, &[]),
            Err(TransportError::NotSupported(_))
        ));
        assert!(matches!(
            transport.send(0xFFFF_0000, &[]),
            Err(TransportError::NotSupported(_))
        ));
        transport.disconnect().unwrap();
        assert!(!transport.is_connected());
        assert!(driver.sent.is_empty());
    }

    #[test]
    fn an_answer_is_never_cut() {
        let mut driver = Scripted::default();
        driver.answers.push(Ok(sealed(&[0, 0, 0, 0, 1, 2, 3])));
        driver.answers.push(Ok(sealed(&[0; 40])));
        let mut transport = Mailbox::<32>::with_capacity(&mut driver);
        transport.connect().unwrap();
        transport.send(0x7005, &[]).unwrap();
        let small = transport.receive(&mut [0; 6]);
        let error = TransportError::BufferTooSmall {
            needed: 7,
            available: 6,
        };
        assert_eq!(small, Err(error));
        let mut buffer = [0; 7];
        assert_eq!(transport.receive(&mut buffer), Ok(7));
        assert_eq!(buffer, [0, 0, 0, 0, 1, 2, 3]);
        assert_eq!(
            transport.receive(&mut buffer),
            Err(TransportError::NoResponse)
        );
        let error = CommandError::BufferTooSmall {
            needed: 40,
            available: 32,
        };
        assert_eq!(transport.send(0x7005, &[]), Err(error.into()));
        assert_eq!(driver.sent[0].0, 0x4D47_4C47);
    }

    #[test]
    fn a_wrong_checksum_a_refusal_and_a_failure_are_told_apart() {
        let mut driver = Scripted::default();
        let mut damaged = sealed(&[0; 8]);
        damaged[5] = 1;
        driver.answers = vec![
            Ok(damaged),
            Ok(vec![0xFF]),
            Err(MailboxError::NotReady),
            Ok(vec![1, 2]),
        ];
        let mut transport = Mailbox::new(&mut driver);
        transport.connect().unwrap();
        let mut next = || transport.send(2, &[]).unwrap_err();
        assert!(matches!(
            next(),
            TransportError::Command(CommandError::ChecksumMismatch { .. })
        ));
        assert_eq!(
            next(),
            TransportError::Device(DeviceFailure::Mailbox { status: 0xFF })
        );
        assert_eq!(next(), TransportError::Busy);
        assert!(matches!(
            next(),
            TransportError::Command(CommandError::InvalidResponseLength { .. })
        ));
    }
}
