//! Custom transports that carry whole messages, and transports that are lent to a session.

use caliptra_util_host_plugin::ForeignTransport;
use caliptra_util_host_transport::{
    MailboxDriver, MailboxError, MctpVdmDriver, MctpVdmError, Transport, TransportError,
    TransportResult,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Callbacks that carry mailbox messages.
pub(crate) struct OpsMailbox(pub ForeignTransport, pub Vec<u8>);

/// Callbacks that carry vendor defined messages.
pub(crate) struct OpsVdm(pub ForeignTransport, pub Vec<u8>);

/// Receives into a buffer that grows once to the length needed.
fn receive(transport: &mut ForeignTransport, buffer: &mut Vec<u8>) -> TransportResult<usize> {
    buffer.resize(buffer.capacity().max(16 * 1024), 0);
    match transport.receive(buffer) {
        Err(TransportError::BufferTooSmall { needed, .. }) if needed <= 1 << 20 => {
            buffer.resize(needed, 0);
            transport.receive(buffer)
        }
        other => other,
    }
}

fn mailbox_error(error: TransportError) -> MailboxError {
    match error {
        TransportError::Timeout => MailboxError::Timeout,
        TransportError::Busy | TransportError::Disconnected => MailboxError::NotReady,
        TransportError::NotSupported(_) => MailboxError::InvalidCommand,
        TransportError::Device(_) => MailboxError::DeviceError(3),
        TransportError::BufferTooSmall { .. } | TransportError::BufferError(_) => {
            MailboxError::BufferOverflow
        }
        _ => MailboxError::CommunicationError,
    }
}

fn vdm_error(error: TransportError) -> MctpVdmError {
    match error {
        TransportError::Timeout => MctpVdmError::Timeout,
        TransportError::Busy | TransportError::Disconnected => MctpVdmError::NotReady,
        TransportError::InvalidMessage => MctpVdmError::InvalidMessage,
        TransportError::Device(_) => MctpVdmError::DeviceError(1),
        TransportError::BufferTooSmall { .. } | TransportError::BufferError(_) => {
            MctpVdmError::BufferOverflow
        }
        _ => MctpVdmError::CommunicationError,
    }
}

impl MailboxDriver for OpsMailbox {
    fn send_command(&mut self, external_cmd: u32, payload: &[u8]) -> Result<&[u8], MailboxError> {
        self.0.send(external_cmd, payload).map_err(mailbox_error)?;
        let len = receive(&mut self.0, &mut self.1).map_err(mailbox_error)?;
        self.1.get(..len).ok_or(MailboxError::BufferOverflow)
    }

    fn is_ready(&self) -> bool {
        self.0.is_connected()
    }

    fn connect(&mut self) -> Result<(), MailboxError> {
        self.0.connect().map_err(mailbox_error)
    }

    fn disconnect(&mut self) -> Result<(), MailboxError> {
        self.0.disconnect().map_err(mailbox_error)
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        self.0.set_timeouts(connection_ms, command_ms);
    }
}

impl MctpVdmDriver for OpsVdm {
    fn send_request(&mut self, vdm: &[u8]) -> Result<&[u8], MctpVdmError> {
        self.0.send(0, vdm).map_err(vdm_error)?;
        let len = receive(&mut self.0, &mut self.1).map_err(vdm_error)?;
        self.1.get(..len).ok_or(MctpVdmError::BufferOverflow)
    }

    fn is_ready(&self) -> bool {
        self.0.is_connected()
    }

    fn connect(&mut self) -> Result<(), MctpVdmError> {
        self.0.connect().map_err(vdm_error)
    }

    fn disconnect(&mut self) -> Result<(), MctpVdmError> {
        self.0.disconnect().map_err(vdm_error)
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        self.0.set_timeouts(connection_ms, command_ms);
    }
}

/// The transport that a session was lent.
pub(crate) struct Lent(pub Arc<Mutex<Box<dyn Transport>>>);

impl Lent {
    fn with<R>(&self, run: impl FnOnce(&mut dyn Transport) -> R) -> R {
        run(&mut **self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transport for Lent {
    fn connect(&mut self) -> TransportResult<()> {
        self.with(|transport| transport.connect())
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        self.with(|transport| transport.disconnect())
    }

    fn send(&mut self, command_id: u32, data: &[u8]) -> TransportResult<()> {
        self.with(|transport| transport.send(command_id, data))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        self.with(|transport| transport.receive(buffer))
    }

    fn is_connected(&self) -> bool {
        self.with(|transport| transport.is_connected())
    }

    fn is_ready(&self) -> bool {
        self.with(|transport| transport.is_ready())
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        self.with(|transport| transport.set_timeouts(connection_ms, command_ms));
    }
}
