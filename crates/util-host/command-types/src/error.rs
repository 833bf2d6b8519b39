//! What can be wrong with a command's octets, and what a device answers in place of data.

use core::fmt;

/// A command that cannot be encoded, or an answer that cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The command's number is not one of [`CaliptraCommandId`](crate::CaliptraCommandId).
    InvalidCommand {
        /// The number.
        id: u32,
    },
    /// A field of the request is out of its range.
    InvalidRequest(&'static str),
    /// A field of the answer is out of its range.
    InvalidResponse(&'static str),
    /// The answer has another length than the command's answer has.
    InvalidResponseLength {
        /// The least octets that the answer has to have.
        expected: usize,
        /// Octets that came.
        found: usize,
    },
    /// The answer is longer than any answer to this command.
    ResponseTooLong {
        /// The most octets that the answer may have.
        limit: usize,
        /// Octets that came.
        found: usize,
    },
    /// The request cannot be written: a length does not fit its field.
    SerializationError,
    /// Text in the answer is not text.
    DeserializationError,
    /// The answer's checksum is wrong; nothing of the answer was used.
    ChecksumMismatch {
        /// The checksum over what came.
        expected: u32,
        /// The checksum that came.
        found: u32,
    },
    /// The transport has no code for this command.
    Unsupported,
    /// The caller's buffer does not hold the data; nothing was copied.
    BufferTooSmall {
        /// Octets that the data needs.
        needed: usize,
        /// Octets that the buffer has.
        available: usize,
    },
    /// `fips_status` of the answer says that the module is not in an approved state.
    Fips {
        /// The value of `fips_status`.
        status: u32,
    },
    /// A plugin or custom transport gives this reason.
    Custom(&'static str),
}

impl CommandError {
    /// A stable number, unique among all errors of the host library.
    pub const fn code(&self) -> u32 {
        match self {
            Self::InvalidCommand { .. } => 0x2001,
            Self::InvalidRequest(_) => 0x2002,
            Self::InvalidResponse(_) => 0x2003,
            Self::InvalidResponseLength { .. } => 0x2004,
            Self::ResponseTooLong { .. } => 0x2005,
            Self::SerializationError => 0x2006,
            Self::DeserializationError => 0x2007,
            Self::ChecksumMismatch { .. } => 0x2008,
            Self::Unsupported => 0x2009,
            Self::BufferTooSmall { .. } => 0x200A,
            Self::Fips { .. } => 0x200B,
            Self::Custom(_) => 0x200C,
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidCommand { id } => write!(f, "there is no command {id:#06x}"),
            Self::InvalidRequest(what) => write!(f, "the request is not valid: {what}"),
            Self::InvalidResponse(what) => write!(f, "the device's answer is not valid: {what}"),
            Self::InvalidResponseLength { expected, found } => write!(
                f,
                "the device's answer has {found} octets, and the command's answer has {expected}"
            ),
            Self::ResponseTooLong { limit, found } => write!(
                f,
                "the device's answer has {found} octets, and the command's answer has at most {limit}"
            ),
            Self::SerializationError => {
                f.write_str("the request's data is too long for its length field")
            }
            Self::DeserializationError => f.write_str("text in the device's answer is not ASCII"),
            Self::ChecksumMismatch { expected, found } => write!(
                f,
                "the answer's checksum is {found:#010x} and has to be {expected:#010x}: it was damaged on its way"
            ),
            Self::Unsupported => f.write_str("this transport has no code for the command"),
            Self::BufferTooSmall { needed, available } => write!(
                f,
                "the buffer has {available} octets and the data needs {needed}"
            ),
            Self::Fips { status } => write!(
                f,
                "the device is not in an approved state: its fips_status is {status:#010x}"
            ),
            Self::Custom(what) => f.write_str(what),
        }
    }
}

impl core::error::Error for CommandError {}

/// A completion code of the OCP command registry, or of the Caliptra project (0xC0 to 0xFF).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CompletionCode(pub u32);

impl CompletionCode {
    /// The command was carried out.
    pub const SUCCESS: Self = Self(0x00);
    /// The device gives no reason.
    pub const GENERAL_ERROR: Self = Self(0x01);
    /// A parameter is not valid.
    pub const INVALID_PARAMETER: Self = Self(0x02);
    /// The request's length is wrong.
    pub const INVALID_LENGTH: Self = Self(0x03);
    /// An identifier is unknown.
    pub const INVALID_IDENTIFIER: Self = Self(0x04);
    /// The operation could not be completed.
    pub const OPERATION_FAILED: Self = Self(0x05);
    /// The device lacks resources.
    pub const INSUFFICIENT_RESOURCES: Self = Self(0x06);
    /// The device does not have the command.
    pub const UNSUPPORTED: Self = Self(0x07);
    /// The device cannot answer yet.
    pub const NOT_READY: Self = Self(0x08);
    /// The device gave up on the operation.
    pub const TIMEOUT: Self = Self(0x0B);
    /// The command needs an authorization.
    pub const ACCESS_DENIED: Self = Self(0x0C);
    /// The device's policy forbids the command.
    pub const POLICY_VIOLATION: Self = Self(0x0E);
    /// The device is not in the right state.
    pub const INVALID_STATE: Self = Self(0x0F);
    /// Caliptra's mailbox is in use.
    pub const MAILBOX_BUSY: Self = Self(0xC0);
    /// The device's buffer is too small for the answer.
    pub const DEVICE_BUFFER_TOO_SMALL: Self = Self(0xC1);

    /// Whether the same request may be answered with success a little later.
    pub const fn is_transient(self) -> bool {
        matches!(self.0, 0x08 | 0xC0)
    }

    /// The registry's name in lower case.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x00 => "success",
            0x01 => "general error",
            0x02 => "invalid parameter",
            0x03 => "invalid length",
            0x04 => "invalid identifier",
            0x05 => "operation failed",
            0x06 => "insufficient resources",
            0x07 => "unsupported operation",
            0x08 => "device not ready",
            0x09 => "invalid command version",
            0x0A => "invalid payload size",
            0x0B => "timeout in the device",
            0x0C => "access denied",
            0x0D => "resource unavailable",
            0x0E => "policy violation",
            0x0F => "invalid state",
            0xC0 => "Caliptra mailbox busy",
            0xC1 => "Caliptra buffer too small",
            _ => "unknown completion code",
        }
    }
}

impl fmt::Display for CompletionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#04x})", self.name(), self.0)
    }
}
