//! The C boundary without C: the exported functions with callbacks in Rust, for Miri to look for undefined behaviour.
//!
//! `cargo +nightly miri test -p caliptra-util-host-cbinding --test miri`

use caliptra_util_host::*;
use caliptra_util_host_plugin::TransportOps;
use core::ffi::c_void;
use core::ptr::{null, null_mut};

/// Gives every command back as its answer, behind an approved status.
#[derive(Default)]
struct Echo {
    answer: Vec<u8>,
    destroyed: u32,
}

unsafe extern "C" fn yes(_context: *mut c_void) -> u32 {
    0
}

unsafe extern "C" fn send(context: *mut c_void, _id: u32, payload: *const u8, len: usize) -> u32 {
    // SAFETY: the context is an `Echo`, and the pointer and the length belong together.
    let (echo, payload) = unsafe {
        let payload = if len == 0 {
            &[]
        } else {
            core::slice::from_raw_parts(payload, len)
        };
        (&mut *context.cast::<Echo>(), payload)
    };
    echo.answer = [&[0; 4], payload].concat();
    0
}

unsafe extern "C" fn receive(
    context: *mut c_void,
    out: *mut u8,
    capacity: usize,
    len: *mut usize,
) -> u32 {
    // SAFETY: as for `send`; the buffer is valid for its capacity.
    unsafe {
        let echo = &*context.cast::<Echo>();
        len.write(echo.answer.len());
        if echo.answer.len() > capacity {
            return 12;
        }
        core::ptr::copy_nonoverlapping(echo.answer.as_ptr(), out, echo.answer.len());
    }
    0
}

unsafe extern "C" fn destroy(context: *mut c_void) {
    // SAFETY: as for `send`.
    unsafe { (*context.cast::<Echo>()).destroyed += 1 };
}

fn ops() -> TransportOps {
    TransportOps {
        struct_size: size_of::<TransportOps>() as u32,
        reserved: 0,
        connect: Some(yes),
        disconnect: Some(yes),
        send: Some(send),
        receive: Some(receive),
        set_timeouts: None,
        destroy: Some(destroy),
    }
}

#[test]
fn pointers_come_and_go_in_every_order() {
    use CaliptraError::*;
    let mut echo = Box::new(Echo::default());
    let context: *mut Echo = &mut *echo;
    for transport_first in [false, true] {
        let (mut transport, mut session) = (null_mut(), null_mut());
        // SAFETY: all pointers are valid, or null where that is tried.
        unsafe {
            assert_eq!(
                caliptra_transport_create_custom(&ops(), context.cast(), &mut transport),
                CALIPTRA_SUCCESS
            );
            let custom = CaliptraProtocolType::CALIPTRA_PROTOCOL_CUSTOM;
            assert_eq!(
                caliptra_session_create_with_protocol(transport, custom, &mut session),
                CALIPTRA_SUCCESS
            );
            assert_eq!(caliptra_session_connect(session), CALIPTRA_SUCCESS);
            let (data, mut out) = (*b"hello", [0; 16]);
            let mut len = 2;
            let result =
                caliptra_cmd_debug_echo(session, data.as_ptr(), 5, out.as_mut_ptr(), &mut len);
            assert_eq!((result, len), (CALIPTRA_ERROR_BUFFER_TOO_SMALL, 5));
            len = 16;
            let result =
                caliptra_cmd_debug_echo(session, data.as_ptr(), 5, out.as_mut_ptr(), &mut len);
            assert_eq!((result, &out[..len]), (CALIPTRA_SUCCESS, &b"hello"[..]));
            assert_eq!(
                caliptra_cmd_debug_echo(session, null(), 0, null_mut(), &mut len),
                CALIPTRA_ERROR_INVALID_ARGUMENT
            );
            assert_eq!(
                caliptra_cmd_debug_echo(session, null(), 1, null_mut(), null_mut()),
                CALIPTRA_ERROR_INVALID_ARGUMENT
            );
            let mut hash = null_mut();
            assert_ne!(
                caliptra_cmd_hash_init(session, 1, null(), 0, &mut hash),
                CALIPTRA_SUCCESS
            );
            assert_eq!(
                caliptra_cmd_hash_finalize(session, null_mut(), null(), 0, null_mut(), &mut len),
                CALIPTRA_ERROR_INVALID_ARGUMENT
            );
            let (mut text, mut text_len) = ([0; 128], 128);
            assert_eq!(
                caliptra_session_last_error(session, text.as_mut_ptr(), &mut text_len, null_mut()),
                CALIPTRA_SUCCESS
            );
            if transport_first {
                caliptra_transport_destroy(transport);
                caliptra_session_destroy(session);
            } else {
                caliptra_session_destroy(session);
                caliptra_transport_destroy(transport);
            }
        }
    }
    assert_eq!(echo.destroyed, 2);
}

#[test]
fn null_is_refused_everywhere() {
    use CaliptraError::*;
    // SAFETY: null is allowed.
    unsafe {
        assert_eq!(
            caliptra_session_connect(null_mut()),
            CALIPTRA_ERROR_INVALID_ARGUMENT
        );
        assert_eq!(
            caliptra_cmd_get_device_id(null_mut(), null_mut()),
            CALIPTRA_ERROR_INVALID_ARGUMENT
        );
        assert_eq!(
            caliptra_transport_create_custom(null(), null_mut(), null_mut()),
            CALIPTRA_ERROR_INVALID_ARGUMENT
        );
        caliptra_hash_context_free(null_mut());
        caliptra_session_destroy(null_mut());
    }
}
