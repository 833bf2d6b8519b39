//! The C interface between the library and a plugin.
//!
//! A plugin is a shared library with the symbol `CALIPTRA_PLUGIN_DESCRIPTOR`, a [`Descriptor`]. Every structure begins with
//! its size, so that a later version may add fields; numbers are `u32`, lengths `usize`, results one of [`status`]. No
//! function may unwind. Strings are UTF-8, end with a zero, and live as long as the plugin is loaded.

use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_commands::types::CommandError;
use caliptra_util_host_session::SessionError;
use caliptra_util_host_transport::{DeviceFailure, TransportError};
use core::ffi::{c_char, c_void};

/// Version of this interface. A plugin with another is refused.
pub const ABI_VERSION: u32 = 1;

/// The symbol of the descriptor.
pub const DESCRIPTOR_SYMBOL: &str = "CALIPTRA_PLUGIN_DESCRIPTOR";

/// Results of calls.
pub mod status {
    /// It is done.
    pub const SUCCESS: u32 = 0;
    /// It is not known what went wrong; a panic ends as this.
    pub const UNKNOWN: u32 = 1;
    /// An argument is not valid.
    pub const INVALID_ARGUMENT: u32 = 2;
    /// No answer came in time.
    pub const TIMEOUT: u32 = 3;
    /// There is no such command.
    pub const NOT_SUPPORTED: u32 = 4;
    /// The transport failed.
    pub const TRANSPORT: u32 = 5;
    /// The peer broke the protocol.
    pub const PROTOCOL: u32 = 6;
    /// The device declined.
    pub const DEVICE: u32 = 7;
    /// Memory is exhausted.
    pub const MEMORY: u32 = 8;
    /// It is in use.
    pub const BUSY: u32 = 9;
    /// It is not in the right state.
    pub const STATE: u32 = 10;
    /// The system refused.
    pub const IO: u32 = 11;
    /// The buffer is too small; the length needed is told.
    pub const BUFFER_TOO_SMALL: u32 = 12;
}

/// A plugin.
#[repr(C)]
#[derive(Debug)]
pub struct Descriptor {
    /// Octets of this structure.
    pub struct_size: u32,
    /// [`ABI_VERSION`].
    pub abi_version: u32,
    /// The plugin's name.
    pub name: *const c_char,
    /// The plugin's version.
    pub version: *const c_char,
    /// Registers what the plugin brings. `host` lives as long as the plugin is loaded.
    pub register: Option<unsafe extern "C" fn(host: *const Host) -> u32>,
    /// Called before the plugin goes; may be null.
    pub unregister: Option<unsafe extern "C" fn() -> u32>,
}

// SAFETY: a descriptor is constant data, and its strings are too.
unsafe impl Sync for Descriptor {}

/// What the library offers to a plugin.
#[repr(C)]
#[derive(Debug)]
pub struct Host {
    /// Octets of this structure.
    pub struct_size: u32,
    /// [`ABI_VERSION`].
    pub abi_version: u32,
    /// Comes back with each call.
    pub context: *mut c_void,
    /// Registers a command; the library copies what it is given.
    pub register_command:
        unsafe extern "C" fn(context: *mut c_void, command: *const Command) -> u32,
    /// Unregisters a command of this plugin.
    pub unregister_command: unsafe extern "C" fn(context: *mut c_void, name: *const c_char) -> u32,
    /// Registers a transport; the library copies what it is given.
    pub register_transport:
        unsafe extern "C" fn(context: *mut c_void, factory: *const Factory) -> u32,
    /// Unregisters a transport of this plugin.
    pub unregister_transport:
        unsafe extern "C" fn(context: *mut c_void, name: *const c_char) -> u32,
    /// Registers a protocol handler; the library copies what it is given.
    pub register_protocol_handler:
        unsafe extern "C" fn(context: *mut c_void, handler: *const Handler) -> u32,
    /// Unregisters a protocol handler of this plugin.
    pub unregister_protocol_handler:
        unsafe extern "C" fn(context: *mut c_void, protocol: u32) -> u32,
}

/// A session, lent to a plugin's command for one call.
#[repr(C)]
#[derive(Debug)]
pub struct Session {
    /// Octets of this structure.
    pub struct_size: u32,
    /// The session's number.
    pub session_id: u32,
    /// Comes back with each call.
    pub context: *mut c_void,
    /// Executes a command by its number. `out_len` tells the length of the answer, or the length needed.
    pub execute: unsafe extern "C" fn(
        context: *mut c_void,
        command_id: u32,
        payload: *const u8,
        payload_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32,
}

/// A command.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Octets of this structure.
    pub struct_size: u32,
    /// The command's number.
    pub command_id: u32,
    /// Its name.
    pub name: *const c_char,
    /// What it does, for people.
    pub description: *const c_char,
    /// Comes back with each call.
    pub user_data: *mut c_void,
    /// Carries it out. `out_len` tells the length of the answer, or the length needed.
    pub execute: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            session: *const Session,
            payload: *const u8,
            payload_len: usize,
            out: *mut u8,
            out_capacity: usize,
            out_len: *mut usize,
        ) -> u32,
    >,
}

/// A transport by callbacks. The library calls from one thread at a time, but not always from the same.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TransportOps {
    /// Octets of this structure.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Connects.
    pub connect: Option<unsafe extern "C" fn(context: *mut c_void) -> u32>,
    /// Disconnects.
    pub disconnect: Option<unsafe extern "C" fn(context: *mut c_void) -> u32>,
    /// Sends a command and waits for its answer.
    pub send: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            command_id: u32,
            payload: *const u8,
            payload_len: usize,
        ) -> u32,
    >,
    /// Gives the answer, from `fips_status` on. `len` tells its length, or the length needed.
    pub receive: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            out: *mut u8,
            out_capacity: usize,
            len: *mut usize,
        ) -> u32,
    >,
    /// Sets how long a connection and a command may take; may be null.
    pub set_timeouts:
        Option<unsafe extern "C" fn(context: *mut c_void, connection_ms: u32, command_ms: u32)>,
    /// Frees the context; may be null.
    pub destroy: Option<unsafe extern "C" fn(context: *mut c_void)>,
}

/// Makes transports.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Factory {
    /// Octets of this structure.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The kind's name.
    pub name: *const c_char,
    /// What it is, for people.
    pub description: *const c_char,
    /// Comes back with each call.
    pub user_data: *mut c_void,
    /// Makes a transport: fills `ops` and `context`.
    pub create: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            max_message_size: usize,
            timeout_ms: u32,
            ops: *mut TransportOps,
            context: *mut *mut c_void,
        ) -> u32,
    >,
}

/// Handles messages of a protocol.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Handler {
    /// Octets of this structure.
    pub struct_size: u32,
    /// The protocol's number.
    pub protocol: u32,
    /// Comes back with each call.
    pub user_data: *mut c_void,
    /// Answers a message. `out_len` tells the length of the answer, or the length needed.
    pub handle_message: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            message: *const u8,
            message_len: usize,
            out: *mut u8,
            out_capacity: usize,
            out_len: *mut usize,
        ) -> u32,
    >,
}

/// The status of a transport's error.
pub const fn of_transport(error: &TransportError) -> u32 {
    match error {
        TransportError::Timeout => status::TIMEOUT,
        TransportError::NotSupported(_) => status::NOT_SUPPORTED,
        TransportError::InvalidMessage => status::PROTOCOL,
        TransportError::Disconnected | TransportError::NoResponse => status::STATE,
        TransportError::ConfigurationError(_) => status::INVALID_ARGUMENT,
        TransportError::IoError(_) => status::IO,
        TransportError::BufferTooSmall { .. } => status::BUFFER_TOO_SMALL,
        TransportError::Busy => status::BUSY,
        TransportError::Device(_) => status::DEVICE,
        TransportError::Command(error) => of_command(error),
        TransportError::BufferError(_) => status::MEMORY,
        TransportError::ConnectionFailed(_)
        | TransportError::SendFailed(_)
        | TransportError::ReceiveFailed(_) => status::TRANSPORT,
    }
}

const fn of_command(error: &CommandError) -> u32 {
    match error {
        CommandError::InvalidRequest(_) | CommandError::SerializationError => {
            status::INVALID_ARGUMENT
        }
        CommandError::BufferTooSmall { .. } => status::BUFFER_TOO_SMALL,
        CommandError::Unsupported | CommandError::InvalidCommand { .. } => status::NOT_SUPPORTED,
        CommandError::Fips { .. } => status::DEVICE,
        _ => status::PROTOCOL,
    }
}

/// The status of an error.
pub const fn of_error(error: &CaliptraApiError) -> u32 {
    match error {
        CaliptraApiError::Osal(_) => status::IO,
        CaliptraApiError::InvalidParameter(_) | CaliptraApiError::WrongContext => {
            status::INVALID_ARGUMENT
        }
        CaliptraApiError::SessionNotInitialized => status::STATE,
        CaliptraApiError::TransportNotAvailable => status::TRANSPORT,
        CaliptraApiError::CommandFailed(_) => status::DEVICE,
        CaliptraApiError::BufferTooSmall { .. } => status::BUFFER_TOO_SMALL,
        CaliptraApiError::NotSupported | CaliptraApiError::NotFound(_) => status::NOT_SUPPORTED,
        CaliptraApiError::AlreadyRegistered(_) | CaliptraApiError::PluginError(_) => status::BUSY,
        CaliptraApiError::SessionError(error) => match error {
            SessionError::TransportError(error)
            | SessionError::MaxRetriesExceeded { last: error, .. } => of_transport(error),
            SessionError::SerializationError(error) => of_command(error),
            SessionError::InvalidState { .. } => status::STATE,
            SessionError::ConfigurationError(_) => status::INVALID_ARGUMENT,
            SessionError::OsalError(_) => status::IO,
            _ => status::UNKNOWN,
        },
    }
}

/// The transport's error that a callback's status stands for.
pub const fn to_transport(code: u32) -> TransportError {
    match code {
        status::TIMEOUT => TransportError::Timeout,
        status::NOT_SUPPORTED => {
            TransportError::NotSupported("the custom transport does not have the command")
        }
        status::PROTOCOL => TransportError::InvalidMessage,
        status::DEVICE => TransportError::Device(DeviceFailure::Mailbox { status: code }),
        status::BUSY => TransportError::Busy,
        status::STATE => TransportError::Disconnected,
        status::INVALID_ARGUMENT => {
            TransportError::ConfigurationError("the custom transport refuses an argument")
        }
        status::MEMORY => TransportError::BufferError("the custom transport has too little memory"),
        status::TRANSPORT => TransportError::ReceiveFailed(Some("the custom transport failed")),
        _ => TransportError::IoError("the custom transport failed"),
    }
}

/// The error that a plugin's status stands for.
pub const fn to_error(code: u32) -> CaliptraApiError {
    match code {
        status::INVALID_ARGUMENT => {
            CaliptraApiError::InvalidParameter("the plugin refuses an argument")
        }
        status::NOT_SUPPORTED => CaliptraApiError::NotSupported,
        status::DEVICE => {
            CaliptraApiError::CommandFailed("the device declined the plugin's command")
        }
        status::BUSY => CaliptraApiError::AlreadyRegistered("command, transport or protocol"),
        status::UNKNOWN => CaliptraApiError::PluginError("it failed, or panicked"),
        code => CaliptraApiError::SessionError(SessionError::TransportError(to_transport(code))),
    }
}
