//! What all transports over a driver share: whether there is a connection, and the answer until somebody receives it.

use crate::error::{TransportError, TransportResult};
use crate::traits::Transport;
use caliptra_util_host_command_types::CaliptraCommandId;
use core::fmt;

/// A driver together with the framing of its messages.
pub trait Framing: Send + Sync {
    /// The name of the transport, for debugging.
    const NAME: &'static str;
    /// What to say of a command that the framing does not know.
    const UNKNOWN: &'static str;

    /// Connects to the device.
    ///
    /// # Errors
    /// When the device cannot be reached.
    fn connect(&mut self) -> TransportResult<()>;

    /// Disconnects from the device.
    ///
    /// # Errors
    /// When that cannot be done in order.
    fn disconnect(&mut self) -> TransportResult<()>;

    /// Frames a command in `buffer`, has it carried out, and puts the payload of the answer at the front of `buffer`. Gives the
    /// payload's length in octets.
    ///
    /// # Errors
    /// When the command cannot be sent, no answer comes in time, or the device declines.
    fn exchange(
        &mut self,
        id: CaliptraCommandId,
        data: &[u8],
        buffer: &mut [u8],
    ) -> TransportResult<usize>;

    /// Whether a command can be sent now.
    fn is_ready(&self) -> bool;

    /// Sets how long a connection and a command may take, in milliseconds.
    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32);
}

/// A transport over a driver. It holds one buffer for the request and then the answer.
pub struct Framed<F, B> {
    framing: F,
    buffer: B,
    /// Octets of the answer in `buffer`.
    response: Option<usize>,
    connected: bool,
}

impl<F: Framing, B> fmt::Debug for Framed<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(F::NAME)
            .field("connected", &self.connected)
            .field("response", &self.response)
            .finish_non_exhaustive()
    }
}

impl<F, B> Framed<F, B> {
    /// Makes a transport that is not connected.
    pub(crate) const fn build(framing: F, buffer: B) -> Self {
        Self {
            framing,
            buffer,
            response: None,
            connected: false,
        }
    }
}

impl<F: Framing, B: AsRef<[u8]> + AsMut<[u8]> + Send + Sync> Transport for Framed<F, B> {
    fn connect(&mut self) -> TransportResult<()> {
        self.framing.connect()?;
        self.connected = true;
        Ok(())
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        self.response = None;
        if !core::mem::take(&mut self.connected) {
            return Ok(());
        }
        self.framing.disconnect()
    }

    fn send(&mut self, command_id: u32, data: &[u8]) -> TransportResult<()> {
        self.response = None;
        if !self.connected {
            return Err(TransportError::Disconnected);
        }
        let id = CaliptraCommandId::from_u32(command_id)
            .ok_or(TransportError::NotSupported(F::UNKNOWN))?;
        let len = self.framing.exchange(id, data, self.buffer.as_mut())?;
        self.response = Some(len);
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        hand_over(self.buffer.as_ref(), &mut self.response, buffer)
    }

    fn is_connected(&self) -> bool {
        self.connected
    }

    fn is_ready(&self) -> bool {
        self.connected && self.framing.is_ready()
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        self.framing.set_timeouts(connection_ms, command_ms);
    }
}

/// Copies the kept answer, and forgets it only when it was copied.
fn hand_over(
    kept: &[u8],
    response: &mut Option<usize>,
    buffer: &mut [u8],
) -> TransportResult<usize> {
    let len = response.ok_or(TransportError::NoResponse)?;
    let answer = kept.get(..len).unwrap_or_default();
    let available = buffer.len();
    let Some(to) = buffer.get_mut(..len) else {
        return Err(TransportError::BufferTooSmall {
            needed: len,
            available,
        });
    };
    to.copy_from_slice(answer);
    *response = None;
    Ok(len)
}
