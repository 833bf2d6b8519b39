//! The library's side inside a plugin that is written in Rust.
//!
//! A plugin is a library with a copy of this crate of its own: the program's Rust types are not its own, even where their
//! names are, and their layout may differ. So nothing of Rust crosses the border. What a plugin registers is put behind the C
//! interface here, and a panic in it ends here as an error.

use crate::abi::{self, status};
use crate::foreign::{Context, collect, give, slice};
use crate::types::{CommandDescriptor, ProtocolHandler, ProtocolType, TransportFactory};
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_session::{CaliptraSession, SessionConfig};
use caliptra_util_host_transport::{Transport, TransportConfig, TransportError, TransportResult};
use core::ffi::{CStr, c_void};
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

#[doc(hidden)]
pub use crate::abi::Descriptor;

/// The program that has loaded this plugin. In a program it is never set.
static HOST: OnceLock<GuestHost> = OnceLock::new();

/// The program, seen from a plugin.
#[derive(Debug)]
pub struct GuestHost(&'static abi::Host);

// SAFETY: the table is constant, and the program's functions may be called from any thread.
unsafe impl Send for GuestHost {}
// SAFETY: as above.
unsafe impl Sync for GuestHost {}

pub(crate) fn host() -> Option<&'static GuestHost> {
    HOST.get()
}

/// Runs a plugin's function; a panic becomes [`status::UNKNOWN`].
#[doc(hidden)]
pub fn contain(run: impl FnOnce() -> CaliptraResult<()>) -> u32 {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => status::SUCCESS,
        Ok(Err(error)) => abi::of_error(&error),
        Err(_) => status::UNKNOWN,
    }
}

/// Remembers the program and runs the plugin's `register`.
///
/// # Safety
/// `host` has to be the program's table, and to live as long as the plugin is loaded.
#[doc(hidden)]
pub unsafe fn register(host: *const abi::Host, register: fn() -> CaliptraResult<()>) -> u32 {
    if host.is_null() {
        return status::INVALID_ARGUMENT;
    }
    // SAFETY: the caller's promise.
    let host: &'static abi::Host = unsafe { &*host };
    if host.abi_version != abi::ABI_VERSION || (host.struct_size as usize) < size_of::<abi::Host>()
    {
        return status::NOT_SUPPORTED;
    }
    let _ = HOST.set(GuestHost(host));
    contain(register)
}

fn check(code: u32) -> CaliptraResult<()> {
    match code {
        status::SUCCESS => Ok(()),
        code => Err(abi::to_error(code)),
    }
}

fn text(text: &str) -> CaliptraResult<CString> {
    CString::new(text).map_err(|_| CaliptraApiError::InvalidParameter("a text has a zero inside"))
}

impl GuestHost {
    pub(crate) fn register_command(&self, desc: CommandDescriptor) -> CaliptraResult<()> {
        let (name, description) = (text(desc.name)?, text(desc.description)?);
        // A plugin's registrations live as long as the plugin, which is as long as this memory.
        let user_data: *const CommandDescriptor = Box::leak(Box::new(desc));
        let command = abi::Command {
            struct_size: size_of::<abi::Command>() as u32,
            command_id: desc.command_id,
            name: name.as_ptr(),
            description: description.as_ptr(),
            user_data: user_data.cast_mut().cast(),
            execute: Some(execute),
        };
        // SAFETY: the table is the program's, and the structure outlives the call.
        check(unsafe { (self.0.register_command)(self.0.context, &command) })
    }

    pub(crate) fn unregister_command(&self, name: &str) -> CaliptraResult<()> {
        let name = text(name)?;
        // SAFETY: as for `register_command`.
        check(unsafe { (self.0.unregister_command)(self.0.context, name.as_ptr()) })
    }

    pub(crate) fn register_transport(
        &self,
        factory: Box<dyn TransportFactory>,
    ) -> CaliptraResult<()> {
        let (name, description) = (text(factory.name())?, text(factory.description())?);
        let user_data: *mut Box<dyn TransportFactory> = Box::leak(Box::new(factory));
        let factory = abi::Factory {
            struct_size: size_of::<abi::Factory>() as u32,
            reserved: 0,
            name: name.as_ptr(),
            description: description.as_ptr(),
            user_data: user_data.cast(),
            create: Some(create),
        };
        // SAFETY: as for `register_command`.
        check(unsafe { (self.0.register_transport)(self.0.context, &factory) })
    }

    pub(crate) fn unregister_transport(&self, name: &str) -> CaliptraResult<()> {
        let name = text(name)?;
        // SAFETY: as for `register_command`.
        check(unsafe { (self.0.unregister_transport)(self.0.context, name.as_ptr()) })
    }

    pub(crate) fn register_protocol_handler(
        &self,
        handler: Box<dyn ProtocolHandler>,
    ) -> CaliptraResult<()> {
        let protocol = handler.protocol_type() as u32;
        let user_data: *mut SharedHandler = Box::leak(Box::new(Mutex::new(handler)));
        let handler = abi::Handler {
            struct_size: size_of::<abi::Handler>() as u32,
            protocol,
            user_data: user_data.cast(),
            handle_message: Some(handle_message),
        };
        // SAFETY: as for `register_command`.
        check(unsafe { (self.0.register_protocol_handler)(self.0.context, &handler) })
    }

    pub(crate) fn unregister_protocol_handler(&self, protocol: ProtocolType) -> CaliptraResult<()> {
        // SAFETY: as for `register_command`.
        check(unsafe { (self.0.unregister_protocol_handler)(self.0.context, protocol as u32) })
    }
}

type SharedHandler = Mutex<Box<dyn ProtocolHandler>>;

/// The session that the program lends, as a transport for a session of the plugin's own.
struct LentSession {
    session: *const abi::Session,
    answer: Vec<u8>,
}

// SAFETY: the value lives on one thread, for one call.
unsafe impl Send for LentSession {}
// SAFETY: as above.
unsafe impl Sync for LentSession {}

impl Transport for LentSession {
    fn connect(&mut self) -> TransportResult<()> {
        Ok(())
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        Ok(())
    }

    fn send(&mut self, command_id: u32, data: &[u8]) -> TransportResult<()> {
        // SAFETY: the program lends the session for the call that this value lives in.
        let session = unsafe { &*self.session };
        // SAFETY: as above; the pointers are those of slices that outlive the call.
        let answer = collect(|out, capacity, len| unsafe {
            (session.execute)(
                session.context,
                command_id,
                data.as_ptr(),
                data.len(),
                out,
                capacity,
                len,
            )
        });
        self.answer = answer.map_err(|error| abi::to_transport(abi::of_error(&error)))?;
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        let (needed, available) = (self.answer.len(), buffer.len());
        let to = buffer
            .get_mut(..needed)
            .ok_or(TransportError::BufferTooSmall { needed, available })?;
        to.copy_from_slice(&self.answer);
        Ok(needed)
    }

    fn is_connected(&self) -> bool {
        true
    }
}

unsafe extern "C" fn execute(
    user_data: *mut c_void,
    session: *const abi::Session,
    payload: *const u8,
    payload_len: usize,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> u32 {
    if user_data.is_null() || session.is_null() || out_len.is_null() {
        return status::INVALID_ARGUMENT;
    }
    let run = || -> CaliptraResult<u32> {
        // SAFETY: `register_command` gave this pointer, and never frees it.
        let desc = unsafe { &*user_data.cast::<CommandDescriptor>() };
        // SAFETY: the program's pointer and length belong together.
        let payload = unsafe { slice(payload, payload_len) };
        let answer = vec![];
        let mut lent = LentSession { session, answer };
        // The program's session has its own retries.
        let config = SessionConfig {
            max_retries: 0,
            keepalive_interval_ms: 0,
            ..SessionConfig::default()
        };
        // SAFETY: the program lends the session for this call.
        let session_id = unsafe { (*session).session_id };
        let mut session = CaliptraSession::with_config(session_id, &mut lent, config)?;
        session.connect()?;
        let answer = (desc.execute)(&mut session, payload)?;
        // SAFETY: the program's buffer is valid for its capacity.
        Ok(unsafe { give(&answer, out, out_capacity, out_len) })
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => abi::of_error(&error),
        Err(_) => status::UNKNOWN,
    }
}

unsafe extern "C" fn handle_message(
    user_data: *mut c_void,
    message: *const u8,
    message_len: usize,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> u32 {
    if user_data.is_null() || out_len.is_null() {
        return status::INVALID_ARGUMENT;
    }
    let run = || -> CaliptraResult<u32> {
        // SAFETY: `register_protocol_handler` gave this pointer, and never frees it.
        let handler = unsafe { &*user_data.cast::<SharedHandler>() };
        // SAFETY: the program's pointer and length belong together.
        let message = unsafe { slice(message, message_len) };
        let answer = handler
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .handle_message(message)?;
        // SAFETY: the program's buffer is valid for its capacity.
        Ok(unsafe { give(&answer, out, out_capacity, out_len) })
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => abi::of_error(&error),
        Err(_) => status::UNKNOWN,
    }
}

unsafe extern "C" fn create(
    user_data: *mut c_void,
    max_message_size: usize,
    timeout_ms: u32,
    ops: *mut abi::TransportOps,
    context: *mut *mut c_void,
) -> u32 {
    if user_data.is_null() || ops.is_null() || context.is_null() {
        return status::INVALID_ARGUMENT;
    }
    contain(|| {
        // SAFETY: `register_transport` gave this pointer, and never frees it.
        let factory = unsafe { &*user_data.cast::<Box<dyn TransportFactory>>() };
        let config = TransportConfig {
            max_message_size,
            timeout_ms,
        };
        let transport = factory.create(&config)?;
        let (table, made) = export_transport(transport);
        // SAFETY: the program gave pointers to write to.
        unsafe {
            ops.write(table);
            context.write(made.0);
        }
        Ok(())
    })
}

/// Puts a transport behind callbacks. Its memory is freed by `destroy`.
fn export_transport(transport: Box<dyn Transport>) -> (abi::TransportOps, Context) {
    let context: *mut Box<dyn Transport> = Box::into_raw(Box::new(transport));
    let ops = abi::TransportOps {
        struct_size: size_of::<abi::TransportOps>() as u32,
        reserved: 0,
        connect: Some(connect),
        disconnect: Some(disconnect),
        send: Some(send),
        receive: Some(receive),
        set_timeouts: Some(set_timeouts),
        destroy: Some(destroy),
    };
    (ops, Context(context.cast()))
}

/// Runs something with a transport that [`export_transport`] put behind callbacks.
///
/// # Safety
/// `context` has to be that transport's, not destroyed, and used by nobody else meanwhile.
unsafe fn with(
    context: *mut c_void,
    run: impl FnOnce(&mut dyn Transport) -> TransportResult<()>,
) -> u32 {
    // SAFETY: the caller's promise.
    let transport = unsafe { &mut *context.cast::<Box<dyn Transport>>() };
    match catch_unwind(AssertUnwindSafe(|| run(&mut **transport))) {
        Ok(Ok(())) => status::SUCCESS,
        Ok(Err(error)) => abi::of_transport(&error),
        Err(_) => status::UNKNOWN,
    }
}

unsafe extern "C" fn connect(context: *mut c_void) -> u32 {
    // SAFETY: the interface's promise: the context of these callbacks, by one thread at a time.
    unsafe { with(context, |transport| transport.connect()) }
}

unsafe extern "C" fn disconnect(context: *mut c_void) -> u32 {
    // SAFETY: as for `connect`.
    unsafe { with(context, |transport| transport.disconnect()) }
}

unsafe extern "C" fn send(
    context: *mut c_void,
    command_id: u32,
    payload: *const u8,
    payload_len: usize,
) -> u32 {
    // SAFETY: as for `connect`; the pointer and the length belong together.
    unsafe {
        with(context, |transport| {
            transport.send(command_id, slice(payload, payload_len))
        })
    }
}

unsafe extern "C" fn receive(
    context: *mut c_void,
    out: *mut u8,
    out_capacity: usize,
    len: *mut usize,
) -> u32 {
    let mut buffer = vec![0; out_capacity];
    let mut received = 0;
    // SAFETY: as for `connect`.
    let code = unsafe {
        with(context, |transport| {
            received = match transport.receive(&mut buffer) {
                Err(TransportError::BufferTooSmall { needed, .. }) => needed,
                other => other?,
            };
            Ok(())
        })
    };
    if code != status::SUCCESS {
        return code;
    }
    match buffer.get(..received) {
        // SAFETY: the program's buffer is valid for its capacity.
        Some(answer) => unsafe { give(answer, out, out_capacity, len) },
        None => {
            // SAFETY: the program gave a number to write to.
            unsafe { len.write(received) };
            status::BUFFER_TOO_SMALL
        }
    }
}

unsafe extern "C" fn set_timeouts(context: *mut c_void, connection_ms: u32, command_ms: u32) {
    // SAFETY: as for `connect`.
    unsafe {
        with(context, |transport| {
            transport.set_timeouts(connection_ms, command_ms);
            Ok(())
        })
    };
}

unsafe extern "C" fn destroy(context: *mut c_void) {
    // SAFETY: `export_transport` made the context, and the program does not use it again.
    let transport = unsafe { Box::from_raw(context.cast::<Box<dyn Transport>>()) };
    let _ = catch_unwind(AssertUnwindSafe(move || drop(transport)));
}

/// A text that ends with a zero.
///
/// # Safety
/// `text` has to be null or a string that ends with a zero.
pub(crate) unsafe fn read_text(text: *const core::ffi::c_char) -> CaliptraResult<String> {
    if text.is_null() {
        return Err(CaliptraApiError::PluginError(
            "it has a name or text that is null",
        ));
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    let text = text
        .to_str()
        .map_err(|_| CaliptraApiError::PluginError("it has a text that is not UTF-8"))?;
    Ok(text.to_string())
}

/// Makes a library a plugin: exports what a program that loads it looks for.
///
/// The argument is a constant [`PluginDescriptor`](crate::PluginDescriptor). A panic in the plugin's functions ends as an error
/// and does not reach the program.
#[macro_export]
macro_rules! export_plugin {
    ($descriptor:expr) => {
        const _: () = {
            const __CALIPTRA_PLUGIN: $crate::PluginDescriptor = $descriptor;

            /// A text with a zero behind it.
            const fn __caliptra_ended<const N: usize>(text: &str) -> [u8; N] {
                let (from, mut to, mut at) = (text.as_bytes(), [0; N], 0);
                while at < from.len() {
                    assert!(
                        from[at] != 0,
                        "a plugin's name and version have no zero inside"
                    );
                    to[at] = from[at];
                    at += 1;
                }
                to
            }
            static __CALIPTRA_NAME: [u8; __CALIPTRA_PLUGIN.name.len() + 1] =
                __caliptra_ended(__CALIPTRA_PLUGIN.name);
            static __CALIPTRA_VERSION: [u8; __CALIPTRA_PLUGIN.version.len() + 1] =
                __caliptra_ended(__CALIPTRA_PLUGIN.version);

            unsafe extern "C" fn __caliptra_register(host: *const $crate::abi::Host) -> u32 {
                // SAFETY: the program gives its table, which lives as long as the plugin is loaded.
                unsafe { $crate::guest::register(host, __CALIPTRA_PLUGIN.register) }
            }

            unsafe extern "C" fn __caliptra_unregister() -> u32 {
                $crate::guest::contain(|| {
                    __CALIPTRA_PLUGIN
                        .unregister
                        .map_or(Ok(()), |unregister| unregister())
                })
            }

            // SAFETY: no other symbol of a plugin has this name.
            #[unsafe(no_mangle)]
            pub static CALIPTRA_PLUGIN_DESCRIPTOR: $crate::guest::Descriptor =
                $crate::guest::Descriptor {
                    struct_size: ::core::mem::size_of::<$crate::guest::Descriptor>() as u32,
                    abi_version: $crate::abi::ABI_VERSION,
                    name: __CALIPTRA_NAME.as_ptr().cast(),
                    version: __CALIPTRA_VERSION.as_ptr().cast(),
                    register: Some(__caliptra_register),
                    unregister: Some(__caliptra_unregister),
                };
        };
    };
}
