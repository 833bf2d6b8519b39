//! MCTP vendor defined messages.
//!
//! [`MctpVdm`] knows the messages, a [`MctpVdmDriver`] how they reach the device: [`serial`] frames (DSP0253) over a byte
//! stream, Linux's `AF_MCTP`, or anything else. [`packet`] has the packets of DSP0236, [`requester`] the tags.

#[cfg(all(feature = "std", target_os = "linux"))]
#[allow(
    unsafe_code,
    reason = "socket calls for a family that no safe wrapper knows"
)]
pub mod linux;
pub mod packet;
pub mod requester;
pub mod serial;
#[cfg(feature = "std")]
pub mod stream;

use crate::error::{DeviceFailure, TransportError, TransportResult};
use crate::framed::{Framed, Framing};
use caliptra_util_host_command_types::vdm::{self, VdmAnswer};
use caliptra_util_host_command_types::{CaliptraCommandId, CompletionCode};
use core::fmt;
use core::ops::DerefMut;

/// Octets of a [`MctpVdm`]'s buffer by default. The longest message of the contract is a part of the log.
pub const DEFAULT_CAPACITY: usize = 4096 + 64;

/// How vendor defined messages reach a device.
pub trait MctpVdmDriver: Send + Sync {
    /// Sends a request, from the enterprise number on, and gives the answer, from the enterprise number on.
    ///
    /// # Errors
    /// When no answer can be had. An answer to an earlier request must never be given.
    fn send_request(&mut self, vdm: &[u8]) -> Result<&[u8], MctpVdmError>;

    /// Whether a request can be sent now.
    fn is_ready(&self) -> bool;

    /// Connects to the device.
    ///
    /// # Errors
    /// When the device cannot be reached.
    fn connect(&mut self) -> Result<(), MctpVdmError>;

    /// Disconnects from the device.
    ///
    /// # Errors
    /// When that cannot be done in order.
    fn disconnect(&mut self) -> Result<(), MctpVdmError>;

    /// Sets how long a connection and a command may take, in milliseconds. The default ignores it.
    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        let _ = (connection_ms, command_ms);
    }
}

/// An MCTP driver's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MctpVdmError {
    /// The endpoint is not connected, or all message tags wait for answers that never came.
    NotReady,
    /// No answer came in time.
    Timeout,
    /// Octets could not be moved.
    CommunicationError,
    /// The request or its answer does not fit.
    BufferOverflow,
    /// What came is no answer of the protocol.
    InvalidMessage,
    /// The device declined; the value is its completion code.
    DeviceError(u32),
}

impl fmt::Display for MctpVdmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TransportError::from(*self).fmt(f)
    }
}

impl core::error::Error for MctpVdmError {}

impl From<MctpVdmError> for TransportError {
    fn from(error: MctpVdmError) -> Self {
        match error {
            MctpVdmError::NotReady => Self::Busy,
            MctpVdmError::Timeout => Self::Timeout,
            MctpVdmError::CommunicationError => {
                Self::IoError("the MCTP endpoint cannot be reached")
            }
            MctpVdmError::BufferOverflow => {
                Self::BufferError("the MCTP message is longer than the buffer")
            }
            MctpVdmError::InvalidMessage => Self::InvalidMessage,
            MctpVdmError::DeviceError(code) => {
                Self::Device(DeviceFailure::Completion(CompletionCode(code)))
            }
        }
    }
}

/// The framing of vendor defined messages, over a driver.
pub struct VdmFraming<D>(pub(crate) D);

impl<D: DerefMut<Target: MctpVdmDriver> + Send + Sync> Framing for VdmFraming<D> {
    const NAME: &'static str = "MctpVdm";
    const UNKNOWN: &'static str = "there is no MCTP message for the command";

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
        let len = vdm::encode(id, data, buffer)?;
        let request = buffer.get(..len).unwrap_or_default();
        let answer = self.0.send_request(request)?;
        open(id, answer, buffer)
    }

    fn is_ready(&self) -> bool {
        self.0.is_ready()
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        self.0.set_timeouts(connection_ms, command_ms);
    }
}

/// A transport over an MCTP driver, with a buffer of `N` octets for the request and then the answer.
pub type MctpVdm<'a, const N: usize = DEFAULT_CAPACITY> =
    Framed<VdmFraming<&'a mut dyn MctpVdmDriver>, [u8; N]>;

impl<'a> MctpVdm<'a> {
    /// A transport over `driver` with a buffer of [`DEFAULT_CAPACITY`] octets.
    pub fn new(driver: &'a mut dyn MctpVdmDriver) -> Self {
        Self::with_capacity(driver)
    }
}

impl<'a, const N: usize> MctpVdm<'a, N> {
    /// A transport over `driver` with a buffer of `N` octets. A longer answer is an error, never a cut one.
    pub fn with_capacity(driver: &'a mut dyn MctpVdmDriver) -> Self {
        Self::build(VdmFraming(driver), [0; N])
    }
}

/// Reads an answer and writes its payload into `out`.
///
/// # Errors
/// When the device declined, or the answer is none to this command.
pub(crate) fn open(id: CaliptraCommandId, answer: &[u8], out: &mut [u8]) -> TransportResult<usize> {
    match vdm::decode(id, answer, out)? {
        VdmAnswer::Payload(len) => Ok(len),
        VdmAnswer::Refused(CompletionCode::UNSUPPORTED) => Err(TransportError::NotSupported(
            "the device does not have the command",
        )),
        VdmAnswer::Refused(code) => Err(TransportError::Device(DeviceFailure::Completion(code))),
    }
}
