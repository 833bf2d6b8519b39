//! Framing of MCTP vendor defined messages with an IANA number, message type 0x7F.
//!
//! The message body after the type octet is `00 00 A6 7F` (42623, the OCP's enterprise number, most significant octet
//! first), a control octet with bit 7 set in a request, the command code, and the payload. The payload of an answer
//! begins with a completion code of 32 bits, little endian.
//!
//! [`decode`] turns an answer into the payload that the mailbox would have given, so that one parser serves both.

use crate::error::{CommandError, CompletionCode};
use crate::id::CaliptraCommandId;
pub use crate::id::VdmCommand;
use crate::wire::{Reader, Writer};

/// The MCTP message type, DSP0239.
pub const MESSAGE_TYPE: u8 = 0x7F;
/// The OCP's enterprise number.
pub const IANA_ENTERPRISE: u32 = 42623;
/// Octets from the enterprise number to the command code.
pub const HEADER_SIZE: usize = 6;
/// Set in the control octet of a request.
pub const REQUEST: u8 = 0x80;
/// Version of the command set that *Get Vendor Defined Message Support* tells.
pub const COMMAND_SET_VERSION: u16 = 0x0001;
/// Octets of the version text in an answer to [`VdmCommand::FirmwareVersion`].
pub const VERSION_SIZE: usize = 32;

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VdmHeader {
    /// Whether the message is a request.
    pub request: bool,
    /// The command code.
    pub command: u8,
}

impl VdmHeader {
    /// Writes the header.
    ///
    /// # Errors
    /// When the buffer is too small.
    pub fn emit(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(&IANA_ENTERPRISE.to_be_bytes())?;
        out.u8(if self.request { REQUEST } else { 0 })?;
        out.u8(self.command)
    }

    /// Reads the header and gives what follows it.
    ///
    /// # Errors
    /// When the message is too short, is another vendor's, or has reserved bits set.
    pub fn parse(message: &[u8]) -> Result<(Self, &[u8]), CommandError> {
        let mut reader = Reader::new(message);
        if reader.u32_be()? != IANA_ENTERPRISE {
            return Err(CommandError::InvalidResponse(
                "it has another enterprise number",
            ));
        }
        let [control, command] = reader.array()?;
        if control & !REQUEST != 0 {
            return Err(CommandError::InvalidResponse(
                "reserved bits of its control octet are set",
            ));
        }
        let request = control & REQUEST != 0;
        Ok((Self { request, command }, reader.rest()))
    }
}

/// Writes a request, from the enterprise number on; gives its length in octets.
///
/// # Errors
/// [`CommandError::Unsupported`] when there is no message for the command; [`CommandError::BufferTooSmall`].
pub fn encode(
    id: CaliptraCommandId,
    payload: &[u8],
    out: &mut [u8],
) -> Result<usize, CommandError> {
    let command = id.vdm_command().ok_or(CommandError::Unsupported)? as u8;
    let mut writer = Writer::new(out);
    VdmHeader {
        request: true,
        command,
    }
    .emit(&mut writer)?;
    writer.bytes(payload)?;
    Ok(writer.len())
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VdmAnswer {
    /// The payload was written, this many octets.
    Payload(usize),
    /// The device refused.
    Refused(CompletionCode),
}

/// Reads an answer to `id`, from the enterprise number on, and writes the payload as the mailbox would have given it.
///
/// # Errors
/// When the octets are not an answer to this command, or `out` is too small.
pub fn decode(
    id: CaliptraCommandId,
    response: &[u8],
    out: &mut [u8],
) -> Result<VdmAnswer, CommandError> {
    let command = id.vdm_command().ok_or(CommandError::Unsupported)?;
    let (header, body) = VdmHeader::parse(response)?;
    if header.request || header.command != command as u8 {
        return Err(CommandError::InvalidResponse("it answers another command"));
    }
    let mut reader = Reader::new(body);
    let completion = CompletionCode(reader.u32()?);
    if completion != CompletionCode::SUCCESS {
        return Ok(VdmAnswer::Refused(completion));
    }
    let mut writer = Writer::new(out);
    writer.u32(0)?;
    match command {
        VdmCommand::FirmwareVersion => {
            let text = reader.bytes(reader_len(body).min(VERSION_SIZE))?;
            let end = text.iter().position(|octet| *octet == 0);
            writer.sized(text.get(..end.unwrap_or(text.len())).unwrap_or_default())?;
        }
        VdmCommand::DeviceCapabilities => writer.bytes(reader.rest())?,
        VdmCommand::GetDebugLog => {
            let more = reader.u32()?;
            let data = reader.sized()?;
            let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
            writer.u32(len.saturating_add(4))?;
            writer.u32(more)?;
            writer.bytes(data)?;
        }
        VdmCommand::ClearDebugLog => {}
    }
    reader.finish()?;
    Ok(VdmAnswer::Payload(writer.len()))
}

/// Octets of a body behind its completion code.
fn reader_len(body: &[u8]) -> usize {
    body.len().saturating_sub(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_of_a_request() {
        let mut out = [0; 16];
        let len = encode(
            CaliptraCommandId::GetFirmwareVersion,
            &[1, 0, 0, 0],
            &mut out,
        )
        .unwrap();
        assert_eq!(out[..len], [0, 0, 0xA6, 0x7F, 0x80, 1, 1, 0, 0, 0]);
        assert_eq!(
            encode(CaliptraCommandId::GetDeviceId, &[], &mut out),
            Err(CommandError::Unsupported)
        );
    }

    #[test]
    fn answers_become_mailbox_payloads() {
        let mut out = [0; 64];
        let mut version = vec![0, 0, 0xA6, 0x7F, 0, 1, 0, 0, 0, 0];
        version.extend(b"2.1.3");
        version.resize(10 + VERSION_SIZE, 0);
        let id = CaliptraCommandId::GetFirmwareVersion;
        assert_eq!(decode(id, &version, &mut out), Ok(VdmAnswer::Payload(13)));
        assert_eq!(&out[..13], b"\0\0\0\0\x05\0\0\x002.1.3");
        let log = [
            0, 0, 0xA6, 0x7F, 0, 3, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 7, 8,
        ];
        let id = CaliptraCommandId::DebugGetLog;
        assert_eq!(decode(id, &log, &mut out), Ok(VdmAnswer::Payload(14)));
        assert_eq!(out[..14], [0, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 7, 8]);
        let busy = [0, 0, 0xA6, 0x7F, 0, 3, 0xC0, 0, 0, 0];
        assert_eq!(
            decode(id, &busy, &mut out),
            Ok(VdmAnswer::Refused(CompletionCode::MAILBOX_BUSY))
        );
    }

    #[test]
    fn other_messages_are_refused() {
        let mut out = [0; 64];
        let good = [0, 0, 0xA6, 0x7F, 0, 4, 0, 0, 0, 0];
        let id = CaliptraCommandId::DebugClearLog;
        assert_eq!(decode(id, &good, &mut out), Ok(VdmAnswer::Payload(4)));
        for (at, value) in [(0, 1), (3, 0), (4, 0x80), (4, 1), (5, 3)] {
            let mut bad = good;
            bad[at] = value;
            assert!(decode(id, &bad, &mut out).is_err(), "{at} {value}");
        }
        for len in 0..good.len() {
            assert!(decode(id, &good[..len], &mut out).is_err());
        }
    }
}
