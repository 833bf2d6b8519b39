//! Framing of the MCI mailbox: a checksum before each payload.
//!
//! A request is `chksum ‖ payload` (for device ownership transfer `chksum ‖ subcommand ‖ payload`), an answer
//! `chksum ‖ payload`, where the payload begins with `fips_status`. The checksum is 0 minus the sum of all octets that
//! follow it and of the octets of the command code, which counts as 0 in an answer.

use crate::error::CommandError;
use crate::id::CaliptraCommandId;
use crate::wire::{Reader, Writer};

/// Octets of the checksum.
pub const HEADER_SIZE: usize = 4;

/// `fips_status` of a verification over a digest that the caller supplied: "USRD".
pub const FIPS_USER_DIGEST: u32 = 0x5553_5244;

/// The one octet with which the public UDP server answers a command that failed.
pub const UDP_ERROR: [u8; 1] = [0xFF];

/// The checksum over a command code and the octets after the checksum field.
pub fn checksum(command: u32, data: &[u8]) -> u32 {
    let sum = command
        .to_le_bytes()
        .iter()
        .chain(data)
        .fold(0u32, |sum, octet| sum.wrapping_add(u32::from(*octet)));
    0u32.wrapping_sub(sum)
}

/// A request, ready for the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxRequest {
    /// What goes into the command register.
    pub code: u32,
    /// Octets written to the buffer.
    pub len: usize,
}

/// Writes `payload` with its checksum into `out`.
///
/// # Errors
/// [`CommandError::Unsupported`] when the mailbox has no code for the command; [`CommandError::BufferTooSmall`].
pub fn encode(
    id: CaliptraCommandId,
    payload: &[u8],
    out: &mut [u8],
) -> Result<MailboxRequest, CommandError> {
    let code = id.mailbox_code().ok_or(CommandError::Unsupported)?;
    let mut writer = Writer::new(out);
    writer.u32(0)?;
    if let Some(subcommand) = id.dot_fourcc() {
        writer.u32(subcommand)?;
    }
    writer.bytes(payload)?;
    let len = writer.len();
    seal(code, out.get_mut(..len).unwrap_or_default());
    Ok(MailboxRequest { code, len })
}

/// Puts the checksum into the first four octets of a message. Shorter messages are left as they are.
pub fn seal(command: u32, message: &mut [u8]) {
    if let Some((head, rest)) = message.split_first_chunk_mut::<4>() {
        *head = checksum(command, rest).to_le_bytes();
    }
}

/// Checks a message's checksum before anything of it is used, and gives what follows the checksum.
///
/// # Errors
/// [`CommandError::InvalidResponseLength`] when there is no checksum, [`CommandError::ChecksumMismatch`] when it is wrong.
pub fn open(command: u32, message: &[u8]) -> Result<&[u8], CommandError> {
    let mut reader = Reader::new(message);
    let found = reader.u32()?;
    let payload = reader.rest();
    match checksum(command, payload) {
        expected if expected == found => Ok(payload),
        expected => Err(CommandError::ChecksumMismatch { expected, found }),
    }
}

/// Checks an answer's checksum, for which the command counts as 0, and gives its payload.
///
/// # Errors
/// As for [`open`].
pub fn decode(response: &[u8]) -> Result<&[u8], CommandError> {
    let payload = open(0, response)?;
    if payload.len() < 4 {
        return Err(CommandError::InvalidResponseLength {
            expected: 8,
            found: response.len(),
        });
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The vector of the public contract.
    #[test]
    fn the_contracts_vector() {
        assert_eq!(checksum(0xE8DC_3994, &[0x83, 0xE7, 0x25]), 0xFFFF_FBE0);
    }

    #[test]
    fn ownership_transfer_carries_its_subcommand() {
        let mut out = [0; 16];
        let request = encode(CaliptraCommandId::DotStatus, &[9], &mut out).unwrap();
        assert_eq!((request.code, request.len), (0x11, 9));
        assert_eq!(&out[4..9], [b'T', b'S', b'D', b'M', 9]);
        assert_eq!(open(0x11, &out[..9]).unwrap().len(), 5);
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_any_changed_octet_shows(payload: Vec<u8>, at: prop::sample::Index, change in 1u8..) {
            let mut message = vec![0; 4 + payload.len()];
            message[4..].copy_from_slice(&payload);
            seal(7, &mut message);
            prop_assert_eq!(open(7, &message).unwrap(), &payload[..]);
            let at = at.index(message.len());
            message[at] = message[at].wrapping_add(change);
            let damaged = matches!(open(7, &message), Err(CommandError::ChecksumMismatch { .. }));
            prop_assert!(damaged);
        }
    }
}
