//! What a plugin is made of, as Rust types. Across a library's border they go in the shape of [`abi`](crate::abi).

use caliptra_util_host_commands::CaliptraResult;
use caliptra_util_host_session::CaliptraSession;
use caliptra_util_host_transport::{Transport, TransportConfig};

/// A plugin: what it is called, and what it does when it comes and goes.
#[derive(Clone, Copy, Debug)]
pub struct PluginDescriptor {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Registers what the plugin brings, with [`register_command`](crate::register_command) and its like.
    pub register: fn() -> CaliptraResult<()>,
    /// Called before the plugin goes. What the plugin leaves registered the library removes.
    pub unregister: Option<fn() -> CaliptraResult<()>>,
}

/// A command that a plugin brings.
#[derive(Clone, Copy, Debug)]
pub struct CommandDescriptor {
    /// Its name.
    pub name: &'static str,
    /// Its number.
    pub command_id: u32,
    /// Carries it out.
    pub execute: fn(&mut CaliptraSession<'_>, &[u8]) -> CaliptraResult<Vec<u8>>,
    /// What it does, for people.
    pub description: &'static str,
}

/// Makes transports of one kind.
pub trait TransportFactory: Send + Sync {
    /// The kind's name.
    fn name(&self) -> &str;

    /// Makes a transport.
    ///
    /// # Errors
    /// When the settings are wrong.
    fn create(&self, config: &TransportConfig) -> CaliptraResult<Box<dyn Transport>>;

    /// What it is, for people.
    fn description(&self) -> &str;
}

/// A protocol.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProtocolType {
    /// The MCI mailbox.
    Mailbox = 0,
    /// MCTP vendor defined messages.
    MctpVdm = 1,
    /// A protocol of the plugin's own.
    Custom = 2,
    /// SPDM.
    Spdm = 3,
    /// PLDM.
    Pldm = 4,
}

impl ProtocolType {
    /// The protocol of a number.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Mailbox),
            1 => Some(Self::MctpVdm),
            2 => Some(Self::Custom),
            3 => Some(Self::Spdm),
            4 => Some(Self::Pldm),
            _ => None,
        }
    }
}

/// Handles messages of a protocol.
pub trait ProtocolHandler: Send + Sync {
    /// The protocol.
    fn protocol_type(&self) -> ProtocolType;

    /// Answers a message.
    ///
    /// # Errors
    /// When the message is not valid.
    fn handle_message(&mut self, message: &[u8]) -> CaliptraResult<Vec<u8>>;
}
