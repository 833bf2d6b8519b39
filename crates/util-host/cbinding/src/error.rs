//! Results of calls.

use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_plugin::abi;
use core::ffi::c_char;

/// Result of a call.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaliptraError {
    /// It is done.
    CALIPTRA_SUCCESS = 0,
    /// It is not known what went wrong.
    CALIPTRA_ERROR_UNKNOWN = 1,
    /// An argument is null or out of its range.
    CALIPTRA_ERROR_INVALID_ARGUMENT = 2,
    /// The device did not answer in time.
    CALIPTRA_ERROR_TIMEOUT = 3,
    /// The device or the transport does not have the command.
    CALIPTRA_ERROR_NOT_SUPPORTED = 4,
    /// The transport failed.
    CALIPTRA_ERROR_TRANSPORT = 5,
    /// The device broke the protocol, or an answer was damaged.
    CALIPTRA_ERROR_PROTOCOL = 6,
    /// The device declined the command.
    CALIPTRA_ERROR_DEVICE = 7,
    /// Memory is exhausted.
    CALIPTRA_ERROR_MEMORY = 8,
    /// The device or the object is in use.
    CALIPTRA_ERROR_BUSY = 9,
    /// The session is not in the right state.
    CALIPTRA_ERROR_STATE = 10,
    /// The system refused.
    CALIPTRA_ERROR_IO = 11,
    /// The buffer is too small; its length was set to the length needed, and nothing was copied.
    CALIPTRA_ERROR_BUFFER_TOO_SMALL = 12,
}

use CaliptraError::*;

impl CaliptraError {
    pub(crate) const fn of(error: &CaliptraApiError) -> Self {
        match abi::of_error(error) {
            0 => CALIPTRA_SUCCESS,
            2 => CALIPTRA_ERROR_INVALID_ARGUMENT,
            3 => CALIPTRA_ERROR_TIMEOUT,
            4 => CALIPTRA_ERROR_NOT_SUPPORTED,
            5 => CALIPTRA_ERROR_TRANSPORT,
            6 => CALIPTRA_ERROR_PROTOCOL,
            7 => CALIPTRA_ERROR_DEVICE,
            8 => CALIPTRA_ERROR_MEMORY,
            9 => CALIPTRA_ERROR_BUSY,
            10 => CALIPTRA_ERROR_STATE,
            11 => CALIPTRA_ERROR_IO,
            12 => CALIPTRA_ERROR_BUFFER_TOO_SMALL,
            _ => CALIPTRA_ERROR_UNKNOWN,
        }
    }
}

/// A sentence for a result. It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn caliptra_error_string(error: u32) -> *const c_char {
    let text = match error {
        0 => c"success",
        2 => c"an argument is null or out of its range",
        3 => c"the device did not answer in time",
        4 => c"the device or the transport does not have the command",
        5 => c"the transport failed",
        6 => c"the device broke the protocol, or an answer was damaged",
        7 => c"the device declined the command",
        8 => c"memory is exhausted",
        9 => c"the device or the object is in use",
        10 => c"the session is not in the right state",
        11 => c"the system refused",
        12 => c"the buffer is too small",
        _ => c"unknown error",
    };
    text.as_ptr()
}

/// The library's version. It lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn caliptra_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
