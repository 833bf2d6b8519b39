//! Transports and sessions.

use crate::custom::{Lent, OpsMailbox, OpsVdm};
use crate::error::CaliptraError::{self, *};
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_plugin::{ForeignTransport, TransportOps};
use caliptra_util_host_session::{
    CaliptraSession as Session, SessionConfig, SessionState, SharedSession,
};
use caliptra_util_host_transport::Transport;
use caliptra_util_host_transport::uri::{self, OwnedTransport};
use core::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// What a transport carries.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaliptraProtocolType {
    /// Mailbox messages: the callbacks of a custom transport get mailbox codes and messages with their checksum.
    CALIPTRA_PROTOCOL_MAILBOX = 0,
    /// Vendor defined messages: the callbacks of a custom transport get messages from the enterprise number on.
    CALIPTRA_PROTOCOL_MCTP_VDM = 1,
    /// Payloads: the callbacks of a custom transport get the library's command numbers and payloads.
    CALIPTRA_PROTOCOL_CUSTOM = 2,
}

/// State of a session.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaliptraSessionState {
    /// There is no connection.
    CALIPTRA_SESSION_DISCONNECTED = 0,
    /// The connection is being made.
    CALIPTRA_SESSION_CONNECTING = 1,
    /// Commands can be sent.
    CALIPTRA_SESSION_CONNECTED = 2,
    /// Commands can be sent, and the application has authenticated the device.
    CALIPTRA_SESSION_AUTHENTICATED = 3,
    /// The connection was lost.
    CALIPTRA_SESSION_ERROR = 4,
}

/// Settings of a session.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CaliptraSessionConfig {
    /// How long a connection may take, in milliseconds; not 0.
    pub connection_timeout_ms: u32,
    /// How long each attempt at a command may take, in milliseconds; not 0.
    pub command_timeout_ms: u32,
    /// How often a command is sent again at most.
    pub max_retries: u8,
    /// After how long without a command the session asks for a sign of life, in milliseconds; 0 for never.
    pub keepalive_interval_ms: u32,
    /// Whether a lost connection is made anew.
    pub auto_reconnect: bool,
}

/// What a session did.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct CaliptraSessionStatistics {
    /// Requests given to the transport, repeated ones included.
    pub commands_sent: u64,
    /// Commands that ended with the device's answer.
    pub commands_succeeded: u64,
    /// Commands that ended with an error.
    pub commands_failed: u64,
    /// Octets of payload in the requests.
    pub bytes_sent: u64,
    /// Octets of payload in the answers.
    pub bytes_received: u64,
    /// How often a lost connection was made anew.
    pub reconnect_count: u32,
    /// Errors since the last success.
    pub last_error_count: u32,
}

enum Kind {
    Mailbox(OwnedTransport),
    Mctp(OwnedTransport),
    Custom(ForeignTransport),
}

/// A transport.
pub struct CaliptraTransport {
    kind: Mutex<Slot>,
}

enum Slot {
    /// No session was made of it yet.
    Fresh(Kind),
    /// A session has, or had, it. The transport goes back here when the session is destroyed.
    Lent(Arc<Mutex<Box<dyn Transport>>>, CaliptraProtocolType),
    /// While it is being moved.
    Empty,
}

/// A session.
pub struct CaliptraSession {
    pub(crate) shared: SharedSession<'static>,
    last_error: Mutex<Option<CaliptraApiError>>,
}

/// Runs a call; a panic of the library does not reach C.
pub(crate) fn guard(run: impl FnOnce() -> CaliptraError) -> CaliptraError {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(CALIPTRA_ERROR_UNKNOWN)
}

/// Runs a command in a session.
///
/// # Safety
/// `session` has to be null or a session that is not destroyed.
pub(crate) unsafe fn in_session(
    session: *mut CaliptraSession,
    run: impl FnOnce(&mut Session<'static>) -> CaliptraResult<()>,
) -> CaliptraError {
    guard(|| {
        // SAFETY: the caller's promise.
        let Some(session) = (unsafe { session.as_ref() }) else {
            return CALIPTRA_ERROR_INVALID_ARGUMENT;
        };
        let result = match session.shared.lock() {
            Ok(mut locked) => run(&mut locked),
            Err(error) => Err(error.into()),
        };
        let code = result
            .as_ref()
            .map_or_else(CaliptraError::of, |()| CALIPTRA_SUCCESS);
        *session
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = result.err();
        code
    })
}

/// A slice from C. `None`: the pointer is null and the length is not zero.
///
/// # Safety
/// `data` has to be valid for `len` octets, or null.
pub(crate) unsafe fn input<'a>(data: *const u8, len: usize) -> CaliptraResult<&'a [u8]> {
    match (data.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(CaliptraApiError::InvalidParameter(
            "a pointer is null and its length is not zero",
        )),
        // SAFETY: the caller's promise.
        (false, _) => Ok(unsafe { core::slice::from_raw_parts(data, len) }),
    }
}

/// A value from C.
///
/// # Safety
/// `value` has to be null or valid.
pub(crate) unsafe fn value<'a, T>(value: *const T) -> CaliptraResult<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { value.as_ref() }.ok_or(CaliptraApiError::InvalidParameter("a pointer is null"))
}

/// Writes a value to C.
///
/// # Safety
/// `to` has to be null or valid.
pub(crate) unsafe fn output<T>(to: *mut T, value: T) -> CaliptraResult<()> {
    if to.is_null() {
        return Err(CaliptraApiError::InvalidParameter("a pointer is null"));
    }
    // SAFETY: the caller's promise.
    unsafe { to.write(value) };
    Ok(())
}

/// Checks a pointer to write to, before anything is sent.
pub(crate) fn wanted<T>(to: *mut T) -> CaliptraResult<()> {
    match to.is_null() {
        true => Err(CaliptraApiError::InvalidParameter("a pointer is null")),
        false => Ok(()),
    }
}

/// Runs something that fills a buffer of C: `len` holds its length and then the octets written, or the length needed.
///
/// # Safety
/// `out` has to be valid for `*len` octets or null, and `len` valid or null.
pub(crate) unsafe fn fill(
    out: *mut u8,
    len: *mut usize,
    run: impl FnOnce(&mut [u8]) -> CaliptraResult<usize>,
) -> CaliptraResult<()> {
    // SAFETY: the caller's promise.
    let capacity = *unsafe { value(len.cast_const()) }?;
    let buffer: &mut [u8] = match (out.is_null(), capacity) {
        (_, 0) => &mut [],
        (true, _) => {
            return Err(CaliptraApiError::InvalidParameter(
                "a buffer is null and its length is not zero",
            ));
        }
        // SAFETY: the caller's promise.
        (false, _) => unsafe { core::slice::from_raw_parts_mut(out, capacity) },
    };
    let result = run(buffer);
    let written = match &result {
        Ok(written) => *written,
        Err(CaliptraApiError::BufferTooSmall { needed, .. }) => *needed,
        Err(_) => 0,
    };
    // SAFETY: the caller's promise.
    unsafe { output(len, written) }?;
    result.map(drop)
}

fn give<T>(to: *mut *mut T, value: T) -> CaliptraError {
    if to.is_null() {
        return CALIPTRA_ERROR_INVALID_ARGUMENT;
    }
    // SAFETY: the C interface demands that a pointer to a result is valid; null was looked for.
    unsafe { to.write(Box::into_raw(Box::new(value))) };
    CALIPTRA_SUCCESS
}

/// Makes a transport of an address: `udp://HOST:PORT`, `mctp+tcp://HOST:PORT[?eid=N][&own=N]`, `mctp+unix:PATH`,
/// `mctp+serial:PATH` or `mctp+linux:EID[@NETWORK]`. Nothing is connected yet. Destroy it with `caliptra_transport_destroy`.
///
/// # Safety
/// `address` has to be a string that ends with a zero, `transport` valid; both may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_transport_open(
    address: *const c_char,
    transport: *mut *mut CaliptraTransport,
) -> CaliptraError {
    guard(|| {
        if address.is_null() || transport.is_null() {
            return CALIPTRA_ERROR_INVALID_ARGUMENT;
        }
        // SAFETY: the caller's promise.
        let Ok(address) = unsafe { CStr::from_ptr(address) }.to_str() else {
            return CALIPTRA_ERROR_INVALID_ARGUMENT;
        };
        let made = match uri::open(address) {
            Ok(made) if address.starts_with("udp:") => Kind::Mailbox(made),
            Ok(made) => Kind::Mctp(made),
            Err(_) => return CALIPTRA_ERROR_INVALID_ARGUMENT,
        };
        let kind = Mutex::new(Slot::Fresh(made));
        give(transport, CaliptraTransport { kind })
    })
}

/// Makes a transport of callbacks. `context` comes back with each; `destroy` is called once, when the transport and its
/// session are destroyed. The structure is copied. On failure `context` is still the caller's.
///
/// # Safety
/// `ops` has to be null or valid; its callbacks have to be sound to call with `context` from any thread, one at a time, and
/// must not unwind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_transport_create_custom(
    ops: *const TransportOps,
    context: *mut c_void,
    transport: *mut *mut CaliptraTransport,
) -> CaliptraError {
    guard(|| {
        // SAFETY: the caller's promise.
        let Some(ops) = (unsafe { ops.as_ref() }) else {
            return CALIPTRA_ERROR_INVALID_ARGUMENT;
        };
        if transport.is_null() {
            return CALIPTRA_ERROR_INVALID_ARGUMENT;
        }
        // SAFETY: the caller's promise.
        match unsafe { ForeignTransport::new(ops, context) } {
            Ok(made) => {
                let kind = Mutex::new(Slot::Fresh(Kind::Custom(made)));
                give(transport, CaliptraTransport { kind })
            }
            Err(_) => CALIPTRA_ERROR_INVALID_ARGUMENT,
        }
    })
}

/// Destroys a transport. A session that uses it keeps what it needs, so the order does not matter. Null is allowed.
///
/// # Safety
/// `transport` has to be null or a transport that is not destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_transport_destroy(
    transport: *mut CaliptraTransport,
) -> CaliptraError {
    guard(|| {
        if !transport.is_null() {
            // SAFETY: the caller's promise; `give` made the pointer.
            drop(unsafe { Box::from_raw(transport) });
        }
        CALIPTRA_SUCCESS
    })
}

fn kind_as(kind: Kind, protocol: CaliptraProtocolType) -> Result<Box<dyn Transport>, Kind> {
    use CaliptraProtocolType::*;
    match (kind, protocol) {
        (Kind::Mailbox(made), CALIPTRA_PROTOCOL_MAILBOX)
        | (Kind::Mctp(made), CALIPTRA_PROTOCOL_MCTP_VDM) => Ok(Box::new(made)),
        (Kind::Custom(made), CALIPTRA_PROTOCOL_CUSTOM) => Ok(Box::new(made)),
        (Kind::Custom(made), CALIPTRA_PROTOCOL_MAILBOX) => Ok(Box::new(OwnedTransport::mailbox(
            Box::new(OpsMailbox(made, vec![])),
        ))),
        (Kind::Custom(made), CALIPTRA_PROTOCOL_MCTP_VDM) => Ok(Box::new(OwnedTransport::mctp(
            Box::new(OpsVdm(made, vec![])),
        ))),
        (kind, _) => Err(kind),
    }
}

fn create(
    transport: &CaliptraTransport,
    protocol: CaliptraProtocolType,
    config: SessionConfig,
    session: *mut *mut CaliptraSession,
) -> CaliptraError {
    let mut slot = transport
        .kind
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    *slot = match std::mem::replace(&mut *slot, Slot::Empty) {
        Slot::Fresh(kind) => match kind_as(kind, protocol) {
            Ok(made) => Slot::Lent(Arc::new(Mutex::new(made)), protocol),
            Err(kind) => {
                *slot = Slot::Fresh(kind);
                return CALIPTRA_ERROR_INVALID_ARGUMENT;
            }
        },
        other => other,
    };
    let Slot::Lent(lent, made_for) = &*slot else {
        return CALIPTRA_ERROR_STATE;
    };
    if *made_for != protocol {
        return CALIPTRA_ERROR_INVALID_ARGUMENT;
    }
    if Arc::strong_count(lent) > 1 {
        return CALIPTRA_ERROR_BUSY;
    }
    match Session::owning(1, Box::new(Lent(Arc::clone(lent))), config) {
        Ok(made) => {
            let made = CaliptraSession {
                shared: SharedSession::new(made),
                last_error: Mutex::new(None),
            };
            give(session, made)
        }
        Err(error) => CaliptraError::of(&error.into()),
    }
}

/// Makes a session over a transport, with the default settings. A transport has one session at a time; a second one is
/// refused as busy. Destroy the session with `caliptra_session_destroy`.
///
/// # Safety
/// `transport` has to be null or a transport that is not destroyed, `session` null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_session_create_with_protocol(
    transport: *mut CaliptraTransport,
    protocol_type: CaliptraProtocolType,
    session: *mut *mut CaliptraSession,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        caliptra_session_create_with_config(transport, protocol_type, core::ptr::null(), session)
    }
}

/// As `caliptra_session_create_with_protocol`, with settings; null for the default ones.
///
/// # Safety
/// As for `caliptra_session_create_with_protocol`; `config` has to be null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_session_create_with_config(
    transport: *mut CaliptraTransport,
    protocol_type: CaliptraProtocolType,
    config: *const CaliptraSessionConfig,
    session: *mut *mut CaliptraSession,
) -> CaliptraError {
    guard(|| {
        // SAFETY: the caller's promise.
        let (Some(transport), config) = (unsafe { (transport.as_ref(), config.as_ref()) }) else {
            return CALIPTRA_ERROR_INVALID_ARGUMENT;
        };
        if session.is_null() {
            return CALIPTRA_ERROR_INVALID_ARGUMENT;
        }
        let config = config.map_or_else(SessionConfig::default, |config| SessionConfig {
            connection_timeout_ms: config.connection_timeout_ms,
            command_timeout_ms: config.command_timeout_ms,
            max_retries: config.max_retries,
            keepalive_interval_ms: config.keepalive_interval_ms,
            auto_reconnect: config.auto_reconnect,
        });
        create(transport, protocol_type, config, session)
    })
}

/// Connects to the device.
///
/// # Safety
/// `session` has to be null or a session that is not destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_session_connect(session: *mut CaliptraSession) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe { in_session(session, |session| Ok(session.connect()?)) }
}

/// Disconnects from the device.
///
/// # Safety
/// As for `caliptra_session_connect`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_session_disconnect(
    session: *mut CaliptraSession,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe { in_session(session, |session| Ok(session.disconnect()?)) }
}

/// Destroys a session. Its transport can be used for another. Null is allowed.
///
/// # Safety
/// As for `caliptra_session_connect`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_session_destroy(session: *mut CaliptraSession) -> CaliptraError {
    guard(|| {
        if !session.is_null() {
            // SAFETY: the caller's promise; `give` made the pointer.
            drop(unsafe { Box::from_raw(session) });
        }
        CALIPTRA_SUCCESS
    })
}

/// Tells a session's state.
///
/// # Safety
/// As for `caliptra_session_connect`; `state` has to be null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_session_get_state(
    session: *mut CaliptraSession,
    state: *mut CaliptraSessionState,
) -> CaliptraError {
    use CaliptraSessionState::*;
    let run = |session: &mut Session<'_>| {
        let value = match session.state {
            SessionState::Disconnected => CALIPTRA_SESSION_DISCONNECTED,
            SessionState::Connecting => CALIPTRA_SESSION_CONNECTING,
            SessionState::Connected => CALIPTRA_SESSION_CONNECTED,
            SessionState::Authenticated => CALIPTRA_SESSION_AUTHENTICATED,
            SessionState::Error => CALIPTRA_SESSION_ERROR,
        };
        // SAFETY: the caller's promise.
        unsafe { output(state, value) }
    };
    // SAFETY: the caller's promise.
    unsafe { in_session(session, run) }
}

/// Tells what a session did.
///
/// # Safety
/// As for `caliptra_session_connect`; `statistics` has to be null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_session_get_statistics(
    session: *mut CaliptraSession,
    statistics: *mut CaliptraSessionStatistics,
) -> CaliptraError {
    let run = |session: &mut Session<'_>| {
        let stats = session.stats;
        let value = CaliptraSessionStatistics {
            commands_sent: stats.commands_sent,
            commands_succeeded: stats.commands_succeeded,
            commands_failed: stats.commands_failed,
            bytes_sent: stats.bytes_sent,
            bytes_received: stats.bytes_received,
            reconnect_count: stats.reconnect_count,
            last_error_count: stats.last_error_count,
        };
        // SAFETY: the caller's promise.
        unsafe { output(statistics, value) }
    };
    // SAFETY: the caller's promise.
    unsafe { in_session(session, run) }
}

/// Asks the device for a sign of life if one is due. `asked` tells whether it was; it may be null.
///
/// # Safety
/// As for `caliptra_session_connect`; `asked` has to be null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_session_keepalive(
    session: *mut CaliptraSession,
    asked: *mut bool,
) -> CaliptraError {
    let run = |session: &mut Session<'_>| {
        let done = session.poll_keepalive()?;
        if !asked.is_null() {
            // SAFETY: the caller's promise.
            unsafe { asked.write(done) };
        }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { in_session(session, run) }
}

/// Writes the sentence of the last call's failure, which ends with a zero, and its stable number. After a success the sentence
/// is empty and the number 0. `text_len` holds the buffer's length and then the sentence's, with its zero.
///
/// # Safety
/// As for `caliptra_session_connect`; `text` has to be valid for `*text_len` octets; `code` may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_session_last_error(
    session: *mut CaliptraSession,
    text: *mut c_char,
    text_len: *mut usize,
    code: *mut u32,
) -> CaliptraError {
    guard(|| {
        // SAFETY: the caller's promise.
        let Some(session) = (unsafe { session.as_ref() }) else {
            return CALIPTRA_ERROR_INVALID_ARGUMENT;
        };
        let error = *session
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut sentence = error.map_or_else(String::new, |error| error.to_string());
        sentence.push('\0');
        if !code.is_null() {
            // SAFETY: the caller's promise.
            unsafe { code.write(error.map_or(0, |error| error.code())) };
        }
        let copy = |out: &mut [u8]| {
            let (needed, available) = (sentence.len(), out.len());
            let to = out
                .get_mut(..needed)
                .ok_or(CaliptraApiError::BufferTooSmall { needed, available })?;
            to.copy_from_slice(sentence.as_bytes());
            Ok(needed)
        };
        // SAFETY: the caller's promise.
        unsafe { fill(text.cast(), text_len, copy) }
            .map_or_else(|error| CaliptraError::of(&error), |()| CALIPTRA_SUCCESS)
    })
}
