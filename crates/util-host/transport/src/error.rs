//! What can go wrong between host and device.

use caliptra_util_host_command_types::{CommandError, CompletionCode};
use core::fmt;

/// Result of a transport's operation.
pub type TransportResult<T> = Result<T, TransportError>;

/// How a device declines a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceFailure {
    /// The mailbox shows *command failure*. The contract gives no reason with it.
    Mailbox {
        /// What the mailbox shows: its status register, or the octet of the UDP framing.
        status: u32,
    },
    /// A completion code of a vendor defined message.
    Completion(CompletionCode),
}

impl fmt::Display for DeviceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox { status } => write!(
                f,
                "the device declined the command (mailbox status {status:#x})"
            ),
            Self::Completion(code) => write!(f, "the device declined the command: {code}"),
        }
    }
}

impl core::error::Error for DeviceFailure {}

/// A transport's failure, with the facts that the layer below gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// The connection could not be made.
    ConnectionFailed(Option<&'static str>),
    /// The command could not be sent; whether the device got a part of it is unknown.
    SendFailed(Option<&'static str>),
    /// The answer could not be received.
    ReceiveFailed(Option<&'static str>),
    /// No answer came in time.
    Timeout,
    /// The transport cannot carry the command.
    NotSupported(&'static str),
    /// What came is no message of the protocol.
    InvalidMessage,
    /// The transport is not connected; nothing was sent.
    Disconnected,
    /// The transport's settings are wrong.
    ConfigurationError(&'static str),
    /// The operating system or the hardware refused.
    IoError(&'static str),
    /// The command or its answer does not fit a buffer of the transport.
    BufferError(&'static str),
    /// The caller's buffer is too small. The answer is kept: receive it again with a larger one.
    BufferTooSmall {
        /// Octets of the answer.
        needed: usize,
        /// Octets of the buffer.
        available: usize,
    },
    /// Nothing was sent since the last answer was received.
    NoResponse,
    /// The device or its mailbox is in use and did not take the command.
    Busy,
    /// The device took the command and declined it.
    Device(DeviceFailure),
    /// The answer's octets are wrong.
    Command(CommandError),
}

impl TransportError {
    /// A stable number, unique among all errors of the host library.
    pub const fn code(&self) -> u32 {
        match self {
            Self::ConnectionFailed(_) => 0x2101,
            Self::SendFailed(_) => 0x2102,
            Self::ReceiveFailed(_) => 0x2103,
            Self::Timeout => 0x2104,
            Self::NotSupported(_) => 0x2105,
            Self::InvalidMessage => 0x2106,
            Self::Disconnected => 0x2107,
            Self::ConfigurationError(_) => 0x2108,
            Self::IoError(_) => 0x2109,
            Self::BufferError(_) => 0x210A,
            Self::BufferTooSmall { .. } => 0x210B,
            Self::NoResponse => 0x210C,
            Self::Busy => 0x210D,
            Self::Device(DeviceFailure::Mailbox { .. }) => 0x210E,
            Self::Device(DeviceFailure::Completion(_)) => 0x210F,
            Self::Command(error) => error.code(),
        }
    }

    /// Whether the device surely did not carry out the command, so that any command may be sent again.
    pub const fn is_before_execution(&self) -> bool {
        match self {
            Self::Busy | Self::Disconnected | Self::ConnectionFailed(_) => true,
            Self::Device(DeviceFailure::Completion(code)) => code.is_transient(),
            _ => false,
        }
    }

    /// Whether the same command may have another outcome a little later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::SendFailed(_) | Self::ReceiveFailed(_) | Self::Timeout | Self::IoError(_) => true,
            Self::InvalidMessage => true,
            Self::Command(error) => matches!(error, CommandError::ChecksumMismatch { .. }),
            other => other.is_before_execution(),
        }
    }

    /// Whether the connection is gone.
    pub const fn is_disconnection(&self) -> bool {
        matches!(
            self,
            Self::Disconnected | Self::ConnectionFailed(_) | Self::SendFailed(_) | Self::IoError(_)
        )
    }
}

impl From<CommandError> for TransportError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Unsupported => {
                Self::NotSupported("this transport has no code for the command")
            }
            error => Self::Command(error),
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = |f: &mut fmt::Formatter<'_>, text: &str, why: &Option<&str>| match why {
            Some(why) => write!(f, "{text}: {why}"),
            None => f.write_str(text),
        };
        match self {
            Self::ConnectionFailed(why) => with(f, "cannot connect to the device", why),
            Self::SendFailed(why) => with(f, "cannot send to the device", why),
            Self::ReceiveFailed(why) => with(f, "cannot receive from the device", why),
            Self::Timeout => f.write_str("the device did not answer in time"),
            Self::NotSupported(what) => f.write_str(what),
            Self::InvalidMessage => {
                f.write_str("the device's answer is no message of the protocol")
            }
            Self::Disconnected => f.write_str("the transport is not connected"),
            Self::ConfigurationError(what) => {
                write!(f, "the transport's settings are wrong: {what}")
            }
            Self::IoError(what) => write!(f, "the host's system refused: {what}"),
            Self::BufferError(what) => f.write_str(what),
            Self::BufferTooSmall { needed, available } => write!(
                f,
                "the answer has {needed} octets and the buffer {available}"
            ),
            Self::NoResponse => f.write_str("there is no answer to receive, as nothing was sent"),
            Self::Busy => f.write_str("the device's mailbox is in use"),
            Self::Device(failure) => failure.fmt(f),
            Self::Command(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Command(error) => Some(error),
            _ => None,
        }
    }
}
