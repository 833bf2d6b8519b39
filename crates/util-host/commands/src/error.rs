//! What a command's function reports.

use caliptra_util_host_command_types::CommandError;
use caliptra_util_host_osal::OsalError;
use caliptra_util_host_session::SessionError;
use caliptra_util_host_transport::{DeviceFailure, TransportError};
use core::fmt;

/// Result of a command's function.
pub type CaliptraResult<T> = Result<T, CaliptraApiError>;

/// A command's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaliptraApiError {
    /// The operating system failed.
    Osal(OsalError),
    /// An argument is out of its range; nothing was sent.
    InvalidParameter(&'static str),
    /// The session is not connected.
    SessionNotInitialized,
    /// There is no such transport, or it cannot be made.
    TransportNotAvailable,
    /// The device carried out the command, and its outcome is not success, such as a wrong signature or tag.
    CommandFailed(&'static str),
    /// The session, the transport or the device failed.
    SessionError(SessionError),
    /// The caller's buffer is too small; nothing was copied.
    BufferTooSmall {
        /// Octets that the data needs.
        needed: usize,
        /// Octets that the buffer has.
        available: usize,
    },
    /// The device or the transport does not have the command.
    NotSupported,
    /// The context belongs to another session.
    WrongContext,
    /// There is a plugin, command, transport or protocol of this name already.
    AlreadyRegistered(&'static str),
    /// There is no plugin, command, transport or protocol of this name.
    NotFound(&'static str),
    /// The plugin is in use, or was not made for this library.
    PluginError(&'static str),
}

impl CaliptraApiError {
    /// A stable number, unique among all errors of the host library. That of the layer below where the error is its.
    pub const fn code(&self) -> u32 {
        match self {
            Self::Osal(error) => error.code(),
            Self::InvalidParameter(_) => 0x2301,
            Self::SessionNotInitialized => 0x2302,
            Self::TransportNotAvailable => 0x2303,
            Self::CommandFailed(_) => 0x2304,
            Self::SessionError(error) => error.code(),
            Self::BufferTooSmall { .. } => 0x2305,
            Self::NotSupported => 0x2306,
            Self::WrongContext => 0x2307,
            Self::AlreadyRegistered(_) => 0x2308,
            Self::NotFound(_) => 0x2309,
            Self::PluginError(_) => 0x230A,
        }
    }

    /// The device's or transport's refusal of a command that it does not have.
    pub(crate) fn or_not_supported(self) -> Self {
        match self {
            Self::SessionError(SessionError::TransportError(TransportError::Device(
                DeviceFailure::Mailbox { .. },
            ))) => Self::NotSupported,
            other => other,
        }
    }
}

impl From<SessionError> for CaliptraApiError {
    fn from(error: SessionError) -> Self {
        use caliptra_util_host_session::SessionState;
        match error {
            SessionError::InvalidState {
                current: SessionState::Disconnected,
                ..
            } => Self::SessionNotInitialized,
            SessionError::SerializationError(error) => error.into(),
            SessionError::OsalError(error) => Self::Osal(error),
            SessionError::TransportError(TransportError::NotSupported(_)) => Self::NotSupported,
            error => Self::SessionError(error),
        }
    }
}

impl From<CommandError> for CaliptraApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::BufferTooSmall { needed, available } => {
                Self::BufferTooSmall { needed, available }
            }
            CommandError::InvalidRequest(what) => Self::InvalidParameter(what),
            CommandError::Unsupported => Self::NotSupported,
            error => Self::SessionError(SessionError::SerializationError(error)),
        }
    }
}

impl From<OsalError> for CaliptraApiError {
    fn from(error: OsalError) -> Self {
        Self::Osal(error)
    }
}

impl fmt::Display for CaliptraApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Osal(error) => error.fmt(f),
            Self::InvalidParameter(what) => write!(f, "an argument is not valid: {what}"),
            Self::SessionNotInitialized => f.write_str("the session is not connected"),
            Self::TransportNotAvailable => f.write_str("there is no such transport"),
            Self::CommandFailed(what) => f.write_str(what),
            Self::SessionError(error) => error.fmt(f),
            Self::BufferTooSmall { needed, available } => {
                write!(
                    f,
                    "the buffer has {available} octets and the data needs {needed}"
                )
            }
            Self::NotSupported => {
                f.write_str("the device or the transport does not have this command")
            }
            Self::WrongContext => f.write_str("the context belongs to another session"),
            Self::AlreadyRegistered(what) => write!(f, "there is a {what} of this name already"),
            Self::NotFound(what) => write!(f, "there is no {what} of this name"),
            Self::PluginError(what) => write!(f, "the plugin cannot be used: {what}"),
        }
    }
}

impl core::error::Error for CaliptraApiError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Osal(error) => Some(error),
            Self::SessionError(error) => Some(error),
            _ => None,
        }
    }
}
