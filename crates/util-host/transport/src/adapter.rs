//! Adapters for protocols that bring their own messages: SPDM and PLDM.
//!
//! libspdm calls its transport to send and receive whole messages; libpldm encodes and decodes messages and leaves sending
//! to the caller. Both need a [`MessageChannel`], a way for whole MCTP messages of any type. The C bindings give them the
//! shape that the two libraries want.

use crate::error::TransportResult;

/// MCTP message types, DSP0239.
pub mod message_type {
    /// PLDM.
    pub const PLDM: u8 = 0x01;
    /// SPDM.
    pub const SPDM: u8 = 0x05;
    /// Secured messages using SPDM.
    pub const SECURED: u8 = 0x06;
    /// Vendor defined, IANA.
    pub const VENDOR_IANA: u8 = 0x7F;
}

/// A way for whole messages. The first octet of each is its MCTP message type.
pub trait MessageChannel: Send + Sync {
    /// Sends a message.
    ///
    /// # Errors
    /// When it cannot be sent.
    fn send_message(&mut self, message: &[u8]) -> TransportResult<()>;

    /// Receives the message that answers, within `timeout_ms`, and gives its length in octets.
    ///
    /// # Errors
    /// [`TransportError::Timeout`](crate::TransportError::Timeout);
    /// [`BufferTooSmall`](crate::TransportError::BufferTooSmall) with the length needed.
    fn receive_message(&mut self, buffer: &mut [u8], timeout_ms: u32) -> TransportResult<usize>;
}

/// Sends a message and waits for the message of the same type that answers it, as a PLDM requester does.
///
/// # Errors
/// As for the channel; [`InvalidMessage`](crate::TransportError::InvalidMessage) when the answer is of another type.
pub fn request(
    channel: &mut dyn MessageChannel,
    message: &[u8],
    answer: &mut [u8],
    timeout_ms: u32,
) -> TransportResult<usize> {
    channel.send_message(message)?;
    let len = channel.receive_message(answer, timeout_ms)?;
    // Bit 7 of the type octet only tells of an integrity check.
    let kind = |octets: &[u8]| octets.first().map(|octet| octet & 0x7F);
    if kind(message) != kind(answer.get(..len).unwrap_or_default()) {
        return Err(crate::TransportError::InvalidMessage);
    }
    Ok(len)
}
