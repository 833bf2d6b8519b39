//! Whole MCTP messages of any type, for libspdm and libpldm.
//!
//! libspdm takes callbacks that send and receive; `caliptra_channel_send` and `caliptra_channel_receive` are their bodies.
//! libpldm encodes and decodes and leaves sending to its user; `caliptra_channel_request` does it. `examples/c` has both.

use crate::error::CaliptraError::{self, *};
use crate::handles::{fill, guard, input};
use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_session::SessionError;
use caliptra_util_host_transport::adapter::{MessageChannel, request};
use caliptra_util_host_transport::mctp::stream::SerialMctp;
use caliptra_util_host_transport::{TransportError, uri};
use core::ffi::{CStr, c_char};
use std::sync::{Mutex, PoisonError};

/// A way for whole MCTP messages.
pub struct CaliptraChannel(Mutex<SerialMctp>);

fn code(result: Result<(), CaliptraApiError>) -> CaliptraError {
    result.map_or_else(|error| CaliptraError::of(&error), |()| CALIPTRA_SUCCESS)
}

fn error(error: TransportError) -> CaliptraApiError {
    match error {
        TransportError::BufferTooSmall { needed, available } => {
            CaliptraApiError::BufferTooSmall { needed, available }
        }
        error => SessionError::TransportError(error).into(),
    }
}

/// Runs something with a channel.
///
/// # Safety
/// `channel` has to be null or a channel that is not closed.
unsafe fn with(
    channel: *mut CaliptraChannel,
    run: impl FnOnce(&mut SerialMctp) -> Result<(), CaliptraApiError>,
) -> CaliptraError {
    guard(|| {
        // SAFETY: the caller's promise.
        match unsafe { channel.as_ref() } {
            Some(channel) => code(run(&mut channel
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner))),
            None => CALIPTRA_ERROR_INVALID_ARGUMENT,
        }
    })
}

/// Opens a channel: `mctp+tcp://HOST:PORT[?eid=N][&own=N]`, `mctp+unix:PATH` or `mctp+serial:PATH`. It connects with the first
/// message. Close it with `caliptra_channel_close`.
///
/// # Safety
/// `address` has to be null or a string that ends with a zero, `channel` null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_channel_open(
    address: *const c_char,
    channel: *mut *mut CaliptraChannel,
) -> CaliptraError {
    guard(|| {
        if address.is_null() || channel.is_null() {
            return CALIPTRA_ERROR_INVALID_ARGUMENT;
        }
        // SAFETY: the caller's promise.
        let address = unsafe { CStr::from_ptr(address) }
            .to_str()
            .unwrap_or_default();
        match uri::open_channel(address) {
            Ok(made) => {
                // SAFETY: the caller's promise; null was looked for.
                unsafe {
                    channel.write(Box::into_raw(Box::new(CaliptraChannel(Mutex::new(made)))))
                };
                CALIPTRA_SUCCESS
            }
            Err(_) => CALIPTRA_ERROR_INVALID_ARGUMENT,
        }
    })
}

/// Closes a channel. Null is allowed.
///
/// # Safety
/// `channel` has to be null or a channel that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_channel_close(channel: *mut CaliptraChannel) {
    if !channel.is_null() {
        // SAFETY: the caller's promise; the library made the pointer.
        drop(unsafe { Box::from_raw(channel) });
    }
}

/// Sends a message. Its first octet is the MCTP message type: 5 for SPDM, 1 for PLDM.
///
/// # Safety
/// As for `caliptra_channel_close`; `message` has to be valid for `message_len` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_channel_send(
    channel: *mut CaliptraChannel,
    message: *const u8,
    message_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        with(channel, |channel| {
            channel
                .send_message(input(message, message_len)?)
                .map_err(error)
        })
    }
}

/// Receives the message that answers the last one sent. `out_len` holds the buffer's length and then the message's, or the
/// length needed; the message can then be received again.
///
/// # Safety
/// As for `caliptra_channel_close`; `out` has to be valid for `*out_len` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_channel_receive(
    channel: *mut CaliptraChannel,
    out: *mut u8,
    out_len: *mut usize,
    timeout_ms: u32,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        with(channel, |channel| {
            fill(out, out_len, |out| {
                channel.receive_message(out, timeout_ms).map_err(error)
            })
        })
    }
}

/// Sends a message and receives the message of the same type that answers it.
///
/// # Safety
/// As for `caliptra_channel_send` and `caliptra_channel_receive`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_channel_request(
    channel: *mut CaliptraChannel,
    message: *const u8,
    message_len: usize,
    out: *mut u8,
    out_len: *mut usize,
    timeout_ms: u32,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        with(channel, |channel| {
            let message = input(message, message_len)?;
            fill(out, out_len, |out| {
                request(channel, message, out, timeout_ms).map_err(error)
            })
        })
    }
}
