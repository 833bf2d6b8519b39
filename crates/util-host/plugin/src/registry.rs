//! What is registered: commands, transports, protocol handlers.
//!
//! The registry belongs to the program. Inside a plugin, which has a copy of this crate of its own, the same functions forward
//! to the program's registry ([`guest`](crate::guest)).
//!
//! A plugin's command is called through one of a fixed number of places, because a [`CommandDescriptor`] holds a plain function.
//! A place is never used for another name, so a descriptor that someone kept after its plugin went finds an empty place and
//! gives [`NotFound`](CaliptraApiError::NotFound).

use crate::foreign::ForeignCommand;
use crate::sync::{Mutex, MutexGuard};
use crate::types::{CommandDescriptor, ProtocolHandler, ProtocolType, TransportFactory};
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_session::CaliptraSession;
use caliptra_util_host_transport::{Transport, TransportConfig};
use std::sync::Arc;

/// Commands of plugins that a program can have known in its life.
pub(crate) const PLACES: usize = 64;

/// Who registered something: the program, or a plugin by its name.
pub(crate) type Owner = Option<String>;

struct Entry<T> {
    item: T,
    owner: Owner,
}

/// The registry's contents.
#[derive(Default)]
pub(crate) struct Contents {
    commands: Vec<Entry<&'static CommandDescriptor>>,
    transports: Vec<Entry<(&'static str, Arc<dyn TransportFactory>)>>,
    handlers: Vec<Entry<(ProtocolType, Box<dyn ProtocolHandler>)>>,
    places: Vec<(String, &'static CommandDescriptor, Option<ForeignCommand>)>,
}

const COMMAND: &str = "command";
const TRANSPORT: &str = "transport";
const PROTOCOL: &str = "protocol handler";

fn valid(name: &str) -> CaliptraResult<()> {
    match name.is_empty() || name.len() > 64 || name.contains(|letter: char| letter.is_control()) {
        true => Err(CaliptraApiError::InvalidParameter(
            "a name has 1 to 64 letters",
        )),
        false => Ok(()),
    }
}

/// Removes what `matches` finds and `owner` registered.
fn remove<T>(
    entries: &mut Vec<Entry<T>>,
    owner: &Owner,
    what: &'static str,
    matches: impl Fn(&T) -> bool,
) -> CaliptraResult<T> {
    let found = entries
        .iter()
        .position(|entry| matches(&entry.item) && entry.owner == *owner);
    found
        .map(|at| entries.remove(at).item)
        .ok_or(CaliptraApiError::NotFound(what))
}

impl Contents {
    pub fn add_command(&mut self, command: CommandDescriptor, owner: Owner) -> CaliptraResult<()> {
        self.check_command(command.name, command.command_id)?;
        // Descriptors are handed out for good.
        let item = Box::leak(Box::new(command));
        self.commands.push(Entry { item, owner });
        Ok(())
    }

    fn check_command(&self, name: &str, id: u32) -> CaliptraResult<()> {
        valid(name)?;
        match self
            .commands
            .iter()
            .any(|entry| entry.item.name == name || entry.item.command_id == id)
        {
            true => Err(CaliptraApiError::AlreadyRegistered(COMMAND)),
            false => Ok(()),
        }
    }

    /// Adds a plugin's command, in the place that its name had before or a new one.
    pub fn add_foreign(
        &mut self,
        name: String,
        description: String,
        command: ForeignCommand,
        owner: Owner,
    ) -> CaliptraResult<()> {
        let command_id = command.command.command_id;
        self.check_command(&name, command_id)?;
        let known = self.places.iter().position(|(place, ..)| *place == name);
        let at = known.unwrap_or(self.places.len());
        let execute = *TRAMPOLINES.get(at).ok_or(CaliptraApiError::PluginError(
            "there is no place for another command",
        ))?;
        let descriptor: &'static CommandDescriptor = match self.places.get(at) {
            Some((_, descriptor, _))
                if descriptor.command_id == command_id && descriptor.description == description =>
            {
                descriptor
            }
            _ => Box::leak(Box::new(CommandDescriptor {
                name: String::leak(name.clone()),
                command_id,
                execute,
                description: String::leak(description),
            })),
        };
        let place = (name, descriptor, Some(command));
        match self.places.get_mut(at) {
            Some(to) => *to = place,
            None => self.places.push(place),
        }
        let item = descriptor;
        self.commands.push(Entry { item, owner });
        Ok(())
    }

    pub fn remove_command(&mut self, name: &str, owner: &Owner) -> CaliptraResult<()> {
        remove(&mut self.commands, owner, COMMAND, |command| {
            command.name == name
        })?;
        for (place, _, command) in &mut self.places {
            if place == name {
                *command = None;
            }
        }
        Ok(())
    }

    pub fn add_transport(
        &mut self,
        factory: Box<dyn TransportFactory>,
        owner: Owner,
    ) -> CaliptraResult<()> {
        let name = factory.name();
        valid(name)?;
        if self.transports.iter().any(|entry| entry.item.0 == name) {
            return Err(CaliptraApiError::AlreadyRegistered(TRANSPORT));
        }
        // Names are handed out for good.
        let name: &'static str = String::leak(name.to_string());
        let item = (name, Arc::from(factory));
        self.transports.push(Entry { item, owner });
        Ok(())
    }

    pub fn remove_transport(&mut self, name: &str, owner: &Owner) -> CaliptraResult<()> {
        remove(&mut self.transports, owner, TRANSPORT, |item| {
            item.0 == name
        })
        .map(drop)
    }

    pub fn add_handler(
        &mut self,
        handler: Box<dyn ProtocolHandler>,
        owner: Owner,
    ) -> CaliptraResult<()> {
        let protocol = handler.protocol_type();
        if self.handlers.iter().any(|entry| entry.item.0 == protocol) {
            return Err(CaliptraApiError::AlreadyRegistered(PROTOCOL));
        }
        let item = (protocol, handler);
        self.handlers.push(Entry { item, owner });
        Ok(())
    }

    pub fn remove_handler(&mut self, protocol: ProtocolType, owner: &Owner) -> CaliptraResult<()> {
        remove(&mut self.handlers, owner, PROTOCOL, |item| {
            item.0 == protocol
        })
        .map(drop)
    }

    /// Removes all that a plugin registered.
    pub fn remove_owner(&mut self, owner: &Owner) {
        let names: Vec<_> = self
            .commands
            .iter()
            .filter(|entry| entry.owner == *owner)
            .map(|entry| entry.item.name)
            .collect();
        for name in names {
            let _ = self.remove_command(name, owner);
        }
        self.transports.retain(|entry| entry.owner != *owner);
        self.handlers.retain(|entry| entry.owner != *owner);
    }

    /// How many references to a plugin the registry itself holds: one for each thing that the plugin registered.
    pub fn references(&self, owner: &Owner) -> usize {
        let commands = self
            .commands
            .iter()
            .filter(|entry| entry.owner == *owner)
            .count();
        let transports = self
            .transports
            .iter()
            .filter(|entry| entry.owner == *owner)
            .count();
        let handlers = self
            .handlers
            .iter()
            .filter(|entry| entry.owner == *owner)
            .count();
        commands + transports + handlers
    }

    fn foreign(&self, place: usize) -> CaliptraResult<ForeignCommand> {
        let found = self
            .places
            .get(place)
            .and_then(|(.., command)| command.clone());
        found.ok_or(CaliptraApiError::NotFound(COMMAND))
    }
}

/// Calls the command in a place. The registry is not locked while the command runs, so it may use the registry itself; the
/// clone keeps the plugin loaded.
fn call_place<const PLACE: usize>(
    session: &mut CaliptraSession<'_>,
    payload: &[u8],
) -> CaliptraResult<Vec<u8>> {
    let command = contents().foreign(PLACE)?;
    command.execute(session, payload)
}

type Execute = fn(&mut CaliptraSession<'_>, &[u8]) -> CaliptraResult<Vec<u8>>;

macro_rules! trampolines {
    ($($tens:literal)*) => {
        [$(
            call_place::<{ $tens }>, call_place::<{ $tens + 1 }>, call_place::<{ $tens + 2 }>, call_place::<{ $tens + 3 }>,
            call_place::<{ $tens + 4 }>, call_place::<{ $tens + 5 }>, call_place::<{ $tens + 6 }>, call_place::<{ $tens + 7 }>,
        )*]
    };
}
static TRAMPOLINES: [Execute; PLACES] = trampolines!(0 8 16 24 32 40 48 56);

/// The program's registry.
pub(crate) fn contents() -> MutexGuard<'static, Contents> {
    #[cfg(not(loom))]
    {
        use std::sync::{OnceLock, PoisonError};
        static CONTENTS: OnceLock<Mutex<Contents>> = OnceLock::new();
        let contents = CONTENTS.get_or_init(|| Mutex::new(Contents::default()));
        // Every change is one step, so a panic leaves the contents whole.
        contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
    #[cfg(loom)]
    unreachable!(
        "models bring a registry of their own, not {:?}",
        core::any::type_name::<Mutex<Contents>>()
    )
}

/// Registers a command.
///
/// # Errors
/// [`AlreadyRegistered`](CaliptraApiError::AlreadyRegistered) when there is a command of this name or number.
pub fn register_command(desc: CommandDescriptor) -> CaliptraResult<()> {
    match crate::guest::host() {
        Some(host) => host.register_command(desc),
        None => contents().add_command(desc, None),
    }
}

/// Unregisters a command by its name. What a plugin registered only the plugin, or its unloading, unregisters.
///
/// # Errors
/// [`NotFound`](CaliptraApiError::NotFound).
pub fn unregister_command(name: &str) -> CaliptraResult<()> {
    match crate::guest::host() {
        Some(host) => host.unregister_command(name),
        None => contents().remove_command(name, &None),
    }
}

/// Registers a factory of transports.
///
/// # Errors
/// [`AlreadyRegistered`](CaliptraApiError::AlreadyRegistered) when there is a transport of this name.
pub fn register_transport(factory: Box<dyn TransportFactory>) -> CaliptraResult<()> {
    match crate::guest::host() {
        Some(host) => host.register_transport(factory),
        None => contents().add_transport(factory, None),
    }
}

/// Unregisters a factory of transports. Transports that it made go on.
///
/// # Errors
/// [`NotFound`](CaliptraApiError::NotFound).
pub fn unregister_transport(name: &str) -> CaliptraResult<()> {
    match crate::guest::host() {
        Some(host) => host.unregister_transport(name),
        None => contents().remove_transport(name, &None),
    }
}

/// Registers a protocol handler.
///
/// # Errors
/// [`AlreadyRegistered`](CaliptraApiError::AlreadyRegistered) when the protocol has a handler.
pub fn register_protocol_handler(handler: Box<dyn ProtocolHandler>) -> CaliptraResult<()> {
    match crate::guest::host() {
        Some(host) => host.register_protocol_handler(handler),
        None => contents().add_handler(handler, None),
    }
}

/// Unregisters a protocol handler.
///
/// # Errors
/// [`NotFound`](CaliptraApiError::NotFound).
pub fn unregister_protocol_handler(protocol_type: ProtocolType) -> CaliptraResult<()> {
    match crate::guest::host() {
        Some(host) => host.unregister_protocol_handler(protocol_type),
        None => contents().remove_handler(protocol_type, &None),
    }
}

/// The registered commands.
pub fn list_commands() -> Vec<&'static CommandDescriptor> {
    contents().commands.iter().map(|entry| entry.item).collect()
}

/// The names of the registered transports.
pub fn list_transports() -> Vec<&'static str> {
    contents()
        .transports
        .iter()
        .map(|entry| entry.item.0)
        .collect()
}

/// The command of a name.
pub fn get_command(name: &str) -> Option<&'static CommandDescriptor> {
    contents()
        .commands
        .iter()
        .map(|entry| entry.item)
        .find(|command| command.name == name)
}

/// Makes a transport by its kind's name.
///
/// # Errors
/// [`TransportNotAvailable`](CaliptraApiError::TransportNotAvailable) when there is no such kind; else as for the factory.
pub fn create_transport(
    name: &str,
    config: &TransportConfig,
) -> CaliptraResult<Box<dyn Transport>> {
    let factory = {
        let contents = contents();
        let found = contents
            .transports
            .iter()
            .find(|entry| entry.item.0 == name);
        found.map(|entry| Arc::clone(&entry.item.1))
    };
    // The registry is not locked while the factory runs.
    factory
        .ok_or(CaliptraApiError::TransportNotAvailable)?
        .create(config)
}

/// Has the handler of a protocol answer a message. The registry is locked meanwhile: a handler must not use it.
///
/// # Errors
/// [`NotFound`](CaliptraApiError::NotFound) when the protocol has no handler; else as for the handler.
pub fn handle_protocol_message(
    protocol_type: ProtocolType,
    message: &[u8],
) -> CaliptraResult<Vec<u8>> {
    let mut contents = contents();
    let found = contents
        .handlers
        .iter_mut()
        .find(|entry| entry.item.0 == protocol_type);
    found
        .ok_or(CaliptraApiError::NotFound(PROTOCOL))?
        .item
        .1
        .handle_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(name: &'static str, command_id: u32) -> CommandDescriptor {
        CommandDescriptor {
            name,
            command_id,
            execute: |_, payload| Ok(payload.to_vec()),
            description: "",
        }
    }

    #[test]
    fn duplicates_and_strangers_are_refused() {
        let mut contents = Contents::default();
        contents.add_command(descriptor("one", 1), None).unwrap();
        let taken = Err(CaliptraApiError::AlreadyRegistered(COMMAND));
        assert_eq!(
            contents.add_command(descriptor("one", 2), Some("p".into())),
            taken
        );
        assert_eq!(contents.add_command(descriptor("two", 1), None), taken);
        assert!(contents.add_command(descriptor("", 3), None).is_err());
        let missing = Err(CaliptraApiError::NotFound(COMMAND));
        assert_eq!(contents.remove_command("one", &Some("p".into())), missing);
        assert_eq!(contents.remove_command("one", &None), Ok(()));
        assert_eq!(contents.remove_command("one", &None), missing);
        contents
            .add_command(descriptor("two", 1), Some("p".into()))
            .unwrap();
        contents.remove_owner(&Some("p".into()));
        assert!(contents.commands.is_empty());
    }

    /// With `--cfg loom` this tries every order of the threads' steps.
    #[cfg(loom)]
    #[test]
    fn of_two_threads_that_register_the_same_name_one_wins() {
        loom::model(|| {
            let contents = loom::sync::Arc::new(Mutex::new(Contents::default()));
            let other = loom::sync::Arc::clone(&contents);
            let add = |contents: &Mutex<Contents>, id| {
                contents
                    .lock()
                    .unwrap()
                    .add_command(descriptor("one", id), None)
            };
            let thread = loom::thread::spawn(move || add(&other, 2));
            let first = add(&contents, 1);
            let second = thread.join().unwrap();
            assert!(first.is_ok() != second.is_ok());
            let mut contents = contents.lock().unwrap();
            assert_eq!(contents.commands.len(), 1);
            assert_eq!(contents.remove_command("one", &None), Ok(()));
        });
    }
}
