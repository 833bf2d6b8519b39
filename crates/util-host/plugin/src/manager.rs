//! Loading and unloading of plugins.

use crate::abi::{self, Descriptor, status};
use crate::foreign::{Alive, Context, ForeignCommand, ForeignFactory, ForeignHandler};
use crate::guest::read_text;
use crate::registry::contents;
use crate::types::ProtocolType;
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
use core::ffi::{c_char, c_void};
use core::fmt;
use libloading::Library;
use object::{Object, ObjectSymbol};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where plugins are looked for: directories, separated as in `PATH`.
pub const PATH_VARIABLE: &str = "CALIPTRA_UTIL_PLUGIN_PATH";

/// A loaded plugin. While a handle lives the plugin is not unloaded.
#[derive(Clone, Debug)]
pub struct PluginHandle {
    /// The plugin's name.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    _alive: Alive,
}

/// What is known of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The file that it was loaded from.
    pub path: PathBuf,
}

/// What the C interface needs to know of a plugin while it registers.
struct Guest {
    name: String,
    alive: Alive,
}

struct Loaded {
    guest: Box<Guest>,
    /// Boxed, as the plugin keeps its address.
    _host: Box<abi::Host>,
    unregister: Option<unsafe extern "C" fn() -> u32>,
    /// Last: what is above points into it.
    library: Library,
}

/// Loads plugins, and keeps them until they are unloaded. A plugin that is still in use when the manager goes stays loaded for
/// good.
#[derive(Default)]
pub struct PluginManager {
    loaded: Vec<Loaded>,
    infos: Vec<PluginInfo>,
}

impl fmt::Debug for PluginManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginManager")
            .field("plugins", &self.infos)
            .finish_non_exhaustive()
    }
}

impl PluginManager {
    /// A manager without plugins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Loads a plugin and has it register what it brings.
    ///
    /// A loaded plugin runs with all rights of this program: load only files that you trust. What is checked before any code of
    /// it runs is its symbol table; what is checked after is the size and the version of its descriptor.
    ///
    /// # Errors
    /// [`PluginError`](CaliptraApiError::PluginError) when the file is no plugin, or one of another version, or its
    /// registration fails or panics; [`AlreadyRegistered`](CaliptraApiError::AlreadyRegistered) when a plugin of this name is
    /// loaded, or something that it brings is there. Nothing of it is then left registered.
    pub fn load(&mut self, path: &Path) -> CaliptraResult<PluginHandle> {
        let exported = descriptor_size(path)?;
        if (exported as usize) < size_of::<Descriptor>() {
            return Err(CaliptraApiError::PluginError(
                "its descriptor is smaller than this library's",
            ));
        }
        // SAFETY: loading runs the library's initializers, for which the caller vouches.
        let library = unsafe { Library::new(path) };
        let library =
            library.map_err(|_| CaliptraApiError::PluginError("the system cannot load it"))?;
        // SAFETY: the symbol table says that the symbol is data of at least a descriptor's size; any octets are valid numbers
        // and pointers, which are looked at only after the size and the version.
        let symbol = unsafe { library.get::<*const Descriptor>(abi::DESCRIPTOR_SYMBOL.as_bytes()) };
        let descriptor: *const Descriptor =
            *symbol.map_err(|_| CaliptraApiError::PluginError("it has no descriptor"))?;
        if descriptor.is_null() || !descriptor.is_aligned() {
            return Err(CaliptraApiError::PluginError(
                "its descriptor is not where it has to be",
            ));
        }
        // SAFETY: as above.
        let descriptor = unsafe { &*descriptor };
        if descriptor.abi_version != abi::ABI_VERSION {
            return Err(CaliptraApiError::PluginError(
                "it was made for another version of the interface",
            ));
        }
        if descriptor.struct_size as usize != size_of::<Descriptor>() {
            return Err(CaliptraApiError::PluginError(
                "its descriptor has not the size of this version",
            ));
        }
        // SAFETY: a descriptor of this version has strings that end with a zero.
        let (name, version) =
            unsafe { (read_text(descriptor.name)?, read_text(descriptor.version)?) };
        if self.infos.iter().any(|info| info.name == name) {
            return Err(CaliptraApiError::AlreadyRegistered("plugin"));
        }
        let register = descriptor
            .register
            .ok_or(CaliptraApiError::PluginError("it cannot register"))?;
        let alive = Alive::default();
        let guest = Box::new(Guest {
            name: name.clone(),
            alive: Arc::clone(&alive),
        });
        let context: *const Guest = &*guest;
        let host = Box::new(host_table(context.cast_mut().cast()));
        // SAFETY: a descriptor of this version has a sound function, and the table lives as long as the plugin.
        let code = unsafe { register(&*host) };
        if code != status::SUCCESS {
            contents().remove_owner(&Some(name));
            return Err(match code {
                status::UNKNOWN => CaliptraApiError::PluginError("it panicked while it registered"),
                code => abi::to_error(code),
            });
        }
        self.loaded.push(Loaded {
            guest,
            _host: host,
            unregister: descriptor.unregister,
            library,
        });
        self.infos.push(PluginInfo {
            name: name.clone(),
            version: version.clone(),
            path: path.to_path_buf(),
        });
        Ok(PluginHandle {
            name,
            version,
            _alive: alive,
        })
    }

    /// Unloads a plugin: calls its `unregister`, removes what it left, and gives the library back to the system.
    ///
    /// # Errors
    /// [`NotFound`](CaliptraApiError::NotFound) when there is no such plugin;
    /// [`PluginError`](CaliptraApiError::PluginError) when a handle, a transport of the plugin or a call of its command still
    /// lives: it then stays loaded and registered.
    pub fn unload(&mut self, name: &str) -> CaliptraResult<()> {
        let found = self.infos.iter().position(|info| info.name == name);
        let at = found.ok_or(CaliptraApiError::NotFound("plugin"))?;
        let owner = Some(name.to_string());
        let plugin = self
            .loaded
            .get(at)
            .ok_or(CaliptraApiError::NotFound("plugin"))?;
        // The registry's own references do not count; under its lock no new ones come.
        let contents = contents();
        let registered = contents.references(&owner);
        if Arc::strong_count(&plugin.guest.alive) > 1 + registered {
            return Err(CaliptraApiError::PluginError(
                "a handle or something that it made is still in use",
            ));
        }
        drop(contents);
        let mut result = Ok(());
        if let Some(unregister) = plugin.unregister {
            // SAFETY: a descriptor of this version has a sound function.
            if unsafe { unregister() } != status::SUCCESS {
                result = Err(CaliptraApiError::PluginError(
                    "it could not unregister; it was unloaded all the same",
                ));
            }
        }
        crate::registry::contents().remove_owner(&owner);
        let plugin = self.loaded.remove(at);
        self.infos.remove(at);
        if Arc::strong_count(&plugin.guest.alive) > 1 {
            // Another thread began a call meanwhile: the code has to stay.
            core::mem::forget(plugin.library);
        }
        result
    }

    /// The loaded plugins.
    pub fn loaded_plugins(&self) -> &[PluginInfo] {
        &self.infos
    }

    /// The files of a directory that look like plugins: shared libraries with a descriptor. None of them is loaded.
    ///
    /// # Errors
    /// [`NotFound`](CaliptraApiError::NotFound) when the directory cannot be read.
    pub fn discover(directory: &Path) -> CaliptraResult<Vec<PathBuf>> {
        let entries =
            std::fs::read_dir(directory).map_err(|_| CaliptraApiError::NotFound("directory"))?;
        let mut found: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION)
            })
            .filter(|path| descriptor_size(path).is_ok())
            .collect();
        found.sort();
        Ok(found)
    }

    /// The plugins in the directories of the variable `CALIPTRA_UTIL_PLUGIN_PATH`.
    pub fn discover_all() -> Vec<PathBuf> {
        let directories = std::env::var_os(PATH_VARIABLE).unwrap_or_default();
        let directories: Vec<_> = std::env::split_paths(&directories).collect();
        directories
            .iter()
            .filter_map(|directory| Self::discover(directory).ok())
            .flatten()
            .collect()
    }
}

impl Drop for PluginManager {
    fn drop(&mut self) {
        for name in self
            .infos
            .iter()
            .map(|info| info.name.clone())
            .collect::<Vec<_>>()
        {
            let _ = self.unload(&name);
        }
        for plugin in self.loaded.drain(..) {
            core::mem::forget(plugin);
        }
    }
}

/// Octets of the descriptor in a library, by its symbol table; no code of the library runs.
fn descriptor_size(path: &Path) -> CaliptraResult<u64> {
    let no_plugin = CaliptraApiError::PluginError("it is no shared library with a descriptor");
    let octets = std::fs::read(path).map_err(|_| CaliptraApiError::NotFound("file"))?;
    let file = object::File::parse(&*octets).map_err(|_| no_plugin)?;
    let mut symbols = file.dynamic_symbols();
    let found = symbols
        .find(|symbol| symbol.is_definition() && symbol.name() == Ok(abi::DESCRIPTOR_SYMBOL));
    Ok(found.ok_or(no_plugin)?.size())
}

fn host_table(context: *mut c_void) -> abi::Host {
    abi::Host {
        struct_size: size_of::<abi::Host>() as u32,
        abi_version: abi::ABI_VERSION,
        context,
        register_command,
        unregister_command,
        register_transport,
        unregister_transport,
        register_protocol_handler,
        unregister_protocol_handler,
    }
}

/// Runs a call of a plugin.
///
/// # Safety
/// `context` has to be that of the plugin's table.
unsafe fn call(context: *mut c_void, run: impl FnOnce(&Guest) -> CaliptraResult<()>) -> u32 {
    if context.is_null() {
        return status::INVALID_ARGUMENT;
    }
    // SAFETY: the caller's promise; a guest lives as long as its plugin.
    let guest = unsafe { &*context.cast::<Guest>() };
    match catch_unwind(AssertUnwindSafe(|| run(guest))) {
        Ok(Ok(())) => status::SUCCESS,
        Ok(Err(error)) => abi::of_error(&error),
        Err(_) => status::UNKNOWN,
    }
}

/// The structure behind a plugin's pointer, if its size is right.
///
/// # Safety
/// `structure` has to be null, or valid for its `struct_size`, which is its first field.
unsafe fn checked<T: Copy>(structure: *const T) -> CaliptraResult<T> {
    if structure.is_null() || !structure.is_aligned() {
        return Err(CaliptraApiError::InvalidParameter("a structure is null"));
    }
    // SAFETY: each structure begins with its size.
    let size = unsafe { structure.cast::<u32>().read() };
    if size as usize != size_of::<T>() {
        return Err(CaliptraApiError::InvalidParameter(
            "a structure has not the size of this version",
        ));
    }
    // SAFETY: the structure is as long as it says, which is as long as it has to be.
    Ok(unsafe { structure.read() })
}

unsafe extern "C" fn register_command(context: *mut c_void, command: *const abi::Command) -> u32 {
    let run = |guest: &Guest| {
        // SAFETY: the plugin's promise.
        let command = unsafe { checked(command) }?;
        if command.execute.is_none() {
            return Err(CaliptraApiError::InvalidParameter(
                "a command has no function",
            ));
        }
        // SAFETY: the plugin's promise.
        let (name, description) =
            unsafe { (read_text(command.name)?, read_text(command.description)?) };
        let command = ForeignCommand {
            command,
            user_data: Context(command.user_data),
            _alive: Arc::clone(&guest.alive),
        };
        contents().add_foreign(name, description, command, Some(guest.name.clone()))
    };
    // SAFETY: the context is that of the plugin's table.
    unsafe { call(context, run) }
}

unsafe extern "C" fn unregister_command(context: *mut c_void, name: *const c_char) -> u32 {
    let run = |guest: &Guest| {
        // SAFETY: the plugin's promise.
        let name = unsafe { read_text(name) }?;
        contents().remove_command(&name, &Some(guest.name.clone()))
    };
    // SAFETY: the context is that of the plugin's table.
    unsafe { call(context, run) }
}

unsafe extern "C" fn register_transport(context: *mut c_void, factory: *const abi::Factory) -> u32 {
    let run = |guest: &Guest| {
        // SAFETY: the plugin's promise.
        let factory = unsafe { checked(factory) }?;
        // SAFETY: the plugin's promise.
        let (name, description) =
            unsafe { (read_text(factory.name)?, read_text(factory.description)?) };
        let factory = ForeignFactory {
            name,
            description,
            factory,
            user_data: Context(factory.user_data),
            alive: Arc::clone(&guest.alive),
        };
        contents().add_transport(Box::new(factory), Some(guest.name.clone()))
    };
    // SAFETY: the context is that of the plugin's table.
    unsafe { call(context, run) }
}

unsafe extern "C" fn unregister_transport(context: *mut c_void, name: *const c_char) -> u32 {
    let run = |guest: &Guest| {
        // SAFETY: the plugin's promise.
        let name = unsafe { read_text(name) }?;
        contents().remove_transport(&name, &Some(guest.name.clone()))
    };
    // SAFETY: the context is that of the plugin's table.
    unsafe { call(context, run) }
}

unsafe extern "C" fn register_protocol_handler(
    context: *mut c_void,
    handler: *const abi::Handler,
) -> u32 {
    let run = |guest: &Guest| {
        // SAFETY: the plugin's promise.
        let handler = unsafe { checked(handler) }?;
        let protocol = ProtocolType::from_u32(handler.protocol);
        let protocol = protocol.ok_or(CaliptraApiError::InvalidParameter(
            "there is no such protocol",
        ))?;
        let handler = ForeignHandler {
            protocol,
            handler,
            user_data: Context(handler.user_data),
            _alive: Arc::clone(&guest.alive),
        };
        contents().add_handler(Box::new(handler), Some(guest.name.clone()))
    };
    // SAFETY: the context is that of the plugin's table.
    unsafe { call(context, run) }
}

unsafe extern "C" fn unregister_protocol_handler(context: *mut c_void, protocol: u32) -> u32 {
    let run = |guest: &Guest| {
        let protocol = ProtocolType::from_u32(protocol);
        let protocol = protocol.ok_or(CaliptraApiError::InvalidParameter(
            "there is no such protocol",
        ))?;
        contents().remove_handler(protocol, &Some(guest.name.clone()))
    };
    // SAFETY: the context is that of the plugin's table.
    unsafe { call(context, run) }
}
