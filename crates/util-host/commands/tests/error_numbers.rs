//! Every error of the host library has a number of its own.

use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_commands::types::{CommandError, CompletionCode};
use caliptra_util_host_osal::OsalError;
use caliptra_util_host_session::{SessionError, SessionState};
use caliptra_util_host_transport::{DeviceFailure, TransportError};
use std::collections::BTreeSet;

#[test]
fn numbers_are_unique_and_sentences_are_there() {
    let command = [
        CommandError::InvalidCommand { id: 1 },
        CommandError::InvalidRequest("r"),
        CommandError::InvalidResponse("r"),
        CommandError::InvalidResponseLength {
            expected: 1,
            found: 2,
        },
        CommandError::ResponseTooLong { limit: 1, found: 2 },
        CommandError::SerializationError,
        CommandError::DeserializationError,
        CommandError::ChecksumMismatch {
            expected: 1,
            found: 2,
        },
        CommandError::Unsupported,
        CommandError::BufferTooSmall {
            needed: 1,
            available: 0,
        },
        CommandError::Fips { status: 1 },
        CommandError::Custom("c"),
    ];
    let transport = [
        TransportError::ConnectionFailed(None),
        TransportError::SendFailed(Some("why")),
        TransportError::ReceiveFailed(None),
        TransportError::Timeout,
        TransportError::NotSupported("n"),
        TransportError::InvalidMessage,
        TransportError::Disconnected,
        TransportError::ConfigurationError("c"),
        TransportError::IoError("i"),
        TransportError::BufferError("b"),
        TransportError::BufferTooSmall {
            needed: 1,
            available: 0,
        },
        TransportError::NoResponse,
        TransportError::Busy,
        TransportError::Device(DeviceFailure::Mailbox { status: 3 }),
        TransportError::Device(DeviceFailure::Completion(CompletionCode(1))),
    ];
    let session = [
        SessionError::SessionNotFound(1),
        SessionError::InvalidState {
            current: SessionState::Error,
            expected: SessionState::Connected,
        },
        SessionError::ConfigurationError("c"),
        SessionError::AuthenticationError("a"),
        SessionError::ResourceError("r"),
        SessionError::InternalError("i"),
        SessionError::Custom("c"),
    ];
    let api = [
        CaliptraApiError::InvalidParameter("p"),
        CaliptraApiError::SessionNotInitialized,
        CaliptraApiError::TransportNotAvailable,
        CaliptraApiError::CommandFailed("c"),
        CaliptraApiError::BufferTooSmall {
            needed: 1,
            available: 0,
        },
        CaliptraApiError::NotSupported,
        CaliptraApiError::WrongContext,
        CaliptraApiError::AlreadyRegistered("command"),
        CaliptraApiError::NotFound("command"),
        CaliptraApiError::PluginError("p"),
    ];
    let osal = [
        OsalError::OutOfMemory,
        OsalError::Poisoned,
        OsalError::Thread,
        OsalError::NotSupported("x"),
    ];
    let mut numbers = vec![];
    let mut sentences = vec![];
    macro_rules! add {
        ($($all:ident)*) => {$( for error in $all { numbers.push(error.code()); sentences.push(error.to_string()); } )*};
    }
    add!(command transport session api osal);
    let unique: BTreeSet<_> = numbers.iter().collect();
    assert_eq!(unique.len(), numbers.len(), "two errors share a number");
    assert!(!numbers.contains(&0));
    assert!(sentences.iter().all(|sentence| !sentence.is_empty()));
    // An error keeps its number on its way up.
    let busy = CaliptraApiError::from(SessionError::TransportError(TransportError::Busy));
    assert_eq!(busy.code(), TransportError::Busy.code());
}
