//! What can go wrong in a session.

use crate::config::SessionState;
use caliptra_util_host_command_types::CommandError;
use caliptra_util_host_osal::OsalError;
use caliptra_util_host_transport::TransportError;
use core::fmt;

/// Result of a session's operation.
pub type SessionResult<T> = Result<T, SessionError>;

/// A session's failure, with the error of the layer below as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionError {
    /// There is no session with this number.
    SessionNotFound(u32),
    /// The session is not where the operation needs it.
    InvalidState {
        /// Where the session is.
        current: SessionState,
        /// Where it has to be.
        expected: SessionState,
    },
    /// The transport failed, or the device declined.
    TransportError(TransportError),
    /// The operating system failed.
    OsalError(OsalError),
    /// The session's settings are wrong.
    ConfigurationError(&'static str),
    /// The device could not be authenticated.
    AuthenticationError(&'static str),
    /// A resource is exhausted.
    ResourceError(&'static str),
    /// The request cannot be written, or the answer cannot be read.
    SerializationError(CommandError),
    /// The command failed as often as the settings allow.
    MaxRetriesExceeded {
        /// How often it was sent.
        attempts: u32,
        /// The last failure.
        last: TransportError,
    },
    /// The library is at fault.
    InternalError(&'static str),
    /// An error of a plugin.
    Custom(&'static str),
}

impl SessionError {
    /// A stable number, unique among all errors of the host library. That of the layer below where the error is its.
    pub const fn code(&self) -> u32 {
        match self {
            Self::SessionNotFound(_) => 0x2201,
            Self::InvalidState { .. } => 0x2202,
            Self::TransportError(error) => error.code(),
            Self::OsalError(error) => error.code(),
            Self::ConfigurationError(_) => 0x2203,
            Self::AuthenticationError(_) => 0x2204,
            Self::ResourceError(_) => 0x2205,
            Self::SerializationError(error) => error.code(),
            Self::MaxRetriesExceeded { last, .. } => last.code(),
            Self::InternalError(_) => 0x2206,
            Self::Custom(_) => 0x2207,
        }
    }

    /// The transport's error, if one is behind this.
    pub const fn transport(&self) -> Option<TransportError> {
        match self {
            Self::TransportError(error) | Self::MaxRetriesExceeded { last: error, .. } => {
                Some(*error)
            }
            _ => None,
        }
    }
}

impl From<TransportError> for SessionError {
    fn from(error: TransportError) -> Self {
        Self::TransportError(error)
    }
}

impl From<CommandError> for SessionError {
    fn from(error: CommandError) -> Self {
        Self::SerializationError(error)
    }
}

impl From<OsalError> for SessionError {
    fn from(error: OsalError) -> Self {
        Self::OsalError(error)
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionNotFound(id) => write!(f, "there is no session {id}"),
            Self::InvalidState { current, expected } => {
                write!(f, "the session is {current:?} and has to be {expected:?}")
            }
            Self::TransportError(error) => error.fmt(f),
            Self::OsalError(error) => error.fmt(f),
            Self::ConfigurationError(what) => write!(f, "the session's settings are wrong: {what}"),
            Self::AuthenticationError(what) => write!(f, "the device is not authentic: {what}"),
            Self::ResourceError(what) => write!(f, "the session lacks a resource: {what}"),
            Self::SerializationError(error) => error.fmt(f),
            Self::MaxRetriesExceeded { attempts, last } => {
                write!(
                    f,
                    "the command failed {attempts} times; the last time: {last}"
                )
            }
            Self::InternalError(what) => write!(f, "the host library is at fault: {what}"),
            Self::Custom(what) => f.write_str(what),
        }
    }
}

impl core::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::TransportError(error) | Self::MaxRetriesExceeded { last: error, .. } => {
                Some(error)
            }
            Self::OsalError(error) => Some(error),
            Self::SerializationError(error) => Some(error),
            _ => None,
        }
    }
}
