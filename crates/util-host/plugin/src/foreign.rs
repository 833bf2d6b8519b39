//! Commands, transports and protocol handlers behind the C interface, as the library's own types.

use crate::abi::{self, status};
use crate::types::{ProtocolHandler, ProtocolType, TransportFactory};
use caliptra_util_host_commands::types::MAX_RESPONSE_SIZE;
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_session::CaliptraSession;
use caliptra_util_host_transport::{Transport, TransportConfig, TransportError, TransportResult};
use core::ffi::c_void;
use core::fmt;
use std::sync::Arc;

/// Lives as long as something of a plugin does; the plugin is not unloaded before it is gone.
pub(crate) type Alive = Arc<()>;

/// Most octets that a plugin's answer may have.
const MAX_ANSWER: usize = 1 << 20;

/// Calls a function that writes an answer, with a buffer that grows once to the length that the function asks for.
pub(crate) fn collect(
    mut call: impl FnMut(*mut u8, usize, *mut usize) -> u32,
) -> CaliptraResult<Vec<u8>> {
    let mut buffer = vec![0; MAX_RESPONSE_SIZE];
    for _ in 0..2 {
        let mut len = 0;
        match call(buffer.as_mut_ptr(), buffer.len(), &mut len) {
            // A length beyond the buffer is a lie: the function cannot have written so much.
            status::SUCCESS if len <= buffer.len() => {
                buffer.truncate(len);
                return Ok(buffer);
            }
            status::SUCCESS => {
                return Err(CaliptraApiError::PluginError(
                    "it claims more octets than its buffer has",
                ));
            }
            status::BUFFER_TOO_SMALL if len > buffer.len() && len <= MAX_ANSWER => {
                buffer.resize(len, 0)
            }
            code => return Err(abi::to_error(code)),
        }
    }
    Err(CaliptraApiError::PluginError(
        "it asks for a larger buffer again and again",
    ))
}

/// A context of a plugin or a C program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context(pub *mut c_void);

// SAFETY: the interface demands that a context may be used from any thread, by one at a time.
unsafe impl Send for Context {}
// SAFETY: as above; the library calls with a context only where it holds `&mut` or a lock.
unsafe impl Sync for Context {}

/// A transport by callbacks.
pub struct ForeignTransport {
    ops: abi::TransportOps,
    context: Context,
    connected: bool,
    _alive: Option<Alive>,
}

impl fmt::Debug for ForeignTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignTransport")
            .field("connected", &self.connected)
            .finish_non_exhaustive()
    }
}

impl ForeignTransport {
    /// A transport by the callbacks of `ops`.
    ///
    /// # Errors
    /// [`PluginError`](CaliptraApiError::PluginError) when the structure's size is another, or a callback that has to be
    /// there is null. The context is then still the caller's.
    ///
    /// # Safety
    /// The callbacks have to be sound to call with `context` from any thread, one call at a time, until `destroy` was
    /// called, and must not unwind.
    pub unsafe fn new(ops: &abi::TransportOps, context: *mut c_void) -> CaliptraResult<Self> {
        if ops.struct_size as usize != size_of::<abi::TransportOps>() {
            return Err(CaliptraApiError::PluginError(
                "its transport's structure has another size",
            ));
        }
        if ops.connect.is_none()
            || ops.disconnect.is_none()
            || ops.send.is_none()
            || ops.receive.is_none()
        {
            return Err(CaliptraApiError::PluginError(
                "its transport lacks a callback",
            ));
        }
        Ok(Self {
            ops: *ops,
            context: Context(context),
            connected: false,
            _alive: None,
        })
    }
}

fn done(code: u32) -> TransportResult<()> {
    match code {
        status::SUCCESS => Ok(()),
        code => Err(abi::to_transport(code)),
    }
}

const GONE: TransportError = TransportError::NotSupported("the custom transport lacks a callback");

impl Transport for ForeignTransport {
    fn connect(&mut self) -> TransportResult<()> {
        let call = self.ops.connect.ok_or(GONE)?;
        // SAFETY: `new` demands that the callback is sound to call with this context.
        done(unsafe { call(self.context.0) })?;
        self.connected = true;
        Ok(())
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        if !std::mem::take(&mut self.connected) {
            return Ok(());
        }
        let call = self.ops.disconnect.ok_or(GONE)?;
        // SAFETY: as for `connect`.
        done(unsafe { call(self.context.0) })
    }

    fn send(&mut self, command_id: u32, data: &[u8]) -> TransportResult<()> {
        if !self.connected {
            return Err(TransportError::Disconnected);
        }
        let call = self.ops.send.ok_or(GONE)?;
        // SAFETY: as for `connect`; the pointer and the length are those of a slice that outlives the call.
        done(unsafe { call(self.context.0, command_id, data.as_ptr(), data.len()) })
    }

    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        let call = self.ops.receive.ok_or(GONE)?;
        let mut len = 0;
        // SAFETY: as for `connect`; the pointers and the length are those of a slice and a number that outlive the call.
        let code = unsafe { call(self.context.0, buffer.as_mut_ptr(), buffer.len(), &mut len) };
        let available = buffer.len();
        match code {
            status::SUCCESS if len <= available => Ok(len),
            // A length beyond the buffer, with success or without, is the length needed.
            status::SUCCESS | status::BUFFER_TOO_SMALL => Err(TransportError::BufferTooSmall {
                needed: len,
                available,
            }),
            code => Err(abi::to_transport(code)),
        }
    }

    fn is_connected(&self) -> bool {
        self.connected
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        if let Some(call) = self.ops.set_timeouts {
            // SAFETY: as for `connect`.
            unsafe { call(self.context.0, connection_ms, command_ms) };
        }
    }
}

impl Drop for ForeignTransport {
    fn drop(&mut self) {
        let _ = self.disconnect();
        if let Some(call) = self.ops.destroy {
            // SAFETY: as for `connect`; the context is not used after this.
            unsafe { call(self.context.0) };
        }
    }
}

/// A plugin's command.
#[derive(Clone)]
pub(crate) struct ForeignCommand {
    pub command: abi::Command,
    pub user_data: Context,
    pub _alive: Alive,
}

// SAFETY: the structure holds constant data of the plugin, which stays loaded while `alive` lives, and a context that the
// interface allows to be used from any thread.
unsafe impl Send for ForeignCommand {}

impl ForeignCommand {
    pub fn execute(
        &self,
        session: &mut CaliptraSession<'_>,
        payload: &[u8],
    ) -> CaliptraResult<Vec<u8>> {
        let call = self
            .command
            .execute
            .ok_or(CaliptraApiError::PluginError("its command has no function"))?;
        let session_id = session.session_id;
        let context: *mut CaliptraSession<'_> = session;
        let lent = abi::Session {
            struct_size: size_of::<abi::Session>() as u32,
            session_id,
            context: context.cast(),
            execute: execute_in_session,
        };
        // SAFETY: `register_command` demands a sound function; `lent`, the payload and the buffer outlive the call.
        collect(|out, capacity, len| unsafe {
            call(
                self.user_data.0,
                &lent,
                payload.as_ptr(),
                payload.len(),
                out,
                capacity,
                len,
            )
        })
    }
}

/// Executes a command for a plugin in the session that was lent to it.
unsafe extern "C" fn execute_in_session(
    context: *mut c_void,
    command_id: u32,
    payload: *const u8,
    payload_len: usize,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> u32 {
    if context.is_null()
        || out_len.is_null()
        || (payload.is_null() && payload_len != 0)
        || (out.is_null() && out_capacity != 0)
    {
        return status::INVALID_ARGUMENT;
    }
    let run = || {
        // SAFETY: the context is the session that `ForeignCommand::execute` has lent for this call, on this thread.
        let session = unsafe { &mut *context.cast::<CaliptraSession<'_>>() };
        // SAFETY: the plugin gives a pointer and a length that belong together; null goes with length zero only.
        let payload = unsafe { slice(payload, payload_len) };
        let idempotent =
            caliptra_util_host_commands::types::CaliptraCommandId::from_u32(command_id)
                .is_some_and(caliptra_util_host_commands::types::CaliptraCommandId::is_idempotent);
        match session.execute_raw(command_id, idempotent, payload) {
            Ok(answer) => {
                // SAFETY: as above for the pointers of the output.
                unsafe { give(answer, out, out_capacity, out_len) }
            }
            Err(error) => abi::of_error(&error.into()),
        }
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or(status::UNKNOWN)
}

/// A slice of a pointer and a length from outside.
///
/// # Safety
/// `octets` has to be valid for `len` octets for as long as the slice is used, or `len` is zero.
pub unsafe fn slice<'a>(octets: *const u8, len: usize) -> &'a [u8] {
    if len == 0 || octets.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(octets, len) }
}

/// Copies an answer to where a caller outside wants it, and tells its length in any case.
///
/// # Safety
/// `out` has to be valid for `capacity` octets, and `len` for a number.
pub unsafe fn give(answer: &[u8], out: *mut u8, capacity: usize, len: *mut usize) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { len.write(answer.len()) };
    if answer.len() > capacity {
        return status::BUFFER_TOO_SMALL;
    }
    if !answer.is_empty() {
        // SAFETY: the caller's promise; `capacity` was compared, and an answer of the library overlaps no memory of the caller.
        unsafe { core::ptr::copy_nonoverlapping(answer.as_ptr(), out, answer.len()) };
    }
    status::SUCCESS
}

/// A plugin's factory of transports.
pub(crate) struct ForeignFactory {
    pub name: String,
    pub description: String,
    pub factory: abi::Factory,
    pub user_data: Context,
    pub alive: Alive,
}

// SAFETY: as for `ForeignCommand`.
unsafe impl Send for ForeignFactory {}
// SAFETY: as for `ForeignCommand`; the registry calls the factory under its lock.
unsafe impl Sync for ForeignFactory {}

impl TransportFactory for ForeignFactory {
    fn name(&self) -> &str {
        &self.name
    }

    fn create(&self, config: &TransportConfig) -> CaliptraResult<Box<dyn Transport>> {
        let call = self
            .factory
            .create
            .ok_or(CaliptraApiError::PluginError("its factory has no function"))?;
        let mut ops = abi::TransportOps {
            struct_size: 0,
            reserved: 0,
            connect: None,
            disconnect: None,
            send: None,
            receive: None,
            set_timeouts: None,
            destroy: None,
        };
        let mut context = core::ptr::null_mut();
        // SAFETY: `register_transport` demands a sound function; the structures outlive the call.
        let code = unsafe {
            call(
                self.user_data.0,
                config.max_message_size,
                config.timeout_ms,
                &mut ops,
                &mut context,
            )
        };
        if code != status::SUCCESS {
            return Err(abi::to_error(code));
        }
        // SAFETY: the plugin promises that the callbacks are sound with this context; it stays loaded while `alive` lives.
        let mut transport = unsafe { ForeignTransport::new(&ops, context) }?;
        transport._alive = Some(Arc::clone(&self.alive));
        Ok(Box::new(transport))
    }

    fn description(&self) -> &str {
        &self.description
    }
}

/// A plugin's protocol handler.
pub(crate) struct ForeignHandler {
    pub protocol: ProtocolType,
    pub handler: abi::Handler,
    pub user_data: Context,
    pub _alive: Alive,
}

// SAFETY: as for `ForeignCommand`.
unsafe impl Send for ForeignHandler {}
// SAFETY: as for `ForeignCommand`; calls need `&mut`.
unsafe impl Sync for ForeignHandler {}

impl ProtocolHandler for ForeignHandler {
    fn protocol_type(&self) -> ProtocolType {
        self.protocol
    }

    fn handle_message(&mut self, message: &[u8]) -> CaliptraResult<Vec<u8>> {
        let call = self
            .handler
            .handle_message
            .ok_or(CaliptraApiError::PluginError("its handler has no function"))?;
        // SAFETY: `register_protocol_handler` demands a sound function; message and buffer outlive the call.
        collect(|out, capacity, len| unsafe {
            call(
                self.user_data.0,
                message.as_ptr(),
                message.len(),
                out,
                capacity,
                len,
            )
        })
    }
}
