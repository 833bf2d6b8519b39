//! The one interface of all transports.

use crate::error::TransportResult;
use caliptra_util_host_command_types::{MAX_REQUEST_SIZE, MAX_RESPONSE_SIZE};

/// A way to a device.
///
/// [`send`](Self::send) does the whole exchange; [`receive`](Self::receive) hands over the answer. A payload is what all
/// transports share: a request without checksum, an answer from `fips_status` on.
pub trait Transport: Send + Sync {
    /// Connects to the device.
    ///
    /// # Errors
    /// When the device cannot be reached within the connection's time-out.
    fn connect(&mut self) -> TransportResult<()>;

    /// Disconnects from the device. Without a connection it does nothing.
    ///
    /// # Errors
    /// When the connection cannot be closed in order; it is closed all the same.
    fn disconnect(&mut self) -> TransportResult<()>;

    /// Sends a command and waits for its answer. `command_id` is a
    /// [`CaliptraCommandId`](caliptra_util_host_command_types::CaliptraCommandId) or a number of a plugin's own.
    ///
    /// # Errors
    /// When the command cannot be sent, no answer comes in time, or the device declines.
    fn send(&mut self, command_id: u32, data: &[u8]) -> TransportResult<()>;

    /// Hands over the answer and gives its length in octets.
    ///
    /// # Errors
    /// [`BufferTooSmall`](crate::TransportError::BufferTooSmall) with the length needed: nothing is cut off, and the answer
    /// can be received again. [`NoResponse`](crate::TransportError::NoResponse) when nothing was sent.
    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize>;

    /// Whether the transport is connected.
    fn is_connected(&self) -> bool;

    /// Whether a command can be sent now. The default is whether the transport is connected.
    fn is_ready(&self) -> bool {
        self.is_connected()
    }

    /// Sets how long a connection and a command may take, in milliseconds. A transport that waits has to keep to it; the
    /// default ignores it.
    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        let _ = (connection_ms, command_ms);
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn connect(&mut self) -> TransportResult<()> {
        (**self).connect()
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        (**self).disconnect()
    }

    fn send(&mut self, command_id: u32, data: &[u8]) -> TransportResult<()> {
        (**self).send(command_id, data)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        (**self).receive(buffer)
    }

    fn is_connected(&self) -> bool {
        (**self).is_connected()
    }

    fn is_ready(&self) -> bool {
        (**self).is_ready()
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        (**self).set_timeouts(connection_ms, command_ms);
    }
}

/// Settings of a transport that a factory makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportConfig {
    /// Octets of the longest message, a request or an answer.
    pub max_message_size: usize,
    /// How long a command may take, in milliseconds.
    pub timeout_ms: u32,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            max_message_size: if MAX_REQUEST_SIZE > MAX_RESPONSE_SIZE {
                MAX_REQUEST_SIZE
            } else {
                MAX_RESPONSE_SIZE
            },
            timeout_ms: 5_000,
        }
    }
}
