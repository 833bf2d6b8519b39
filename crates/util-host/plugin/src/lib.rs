#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "the C interface")]
pub mod abi;
#[allow(unsafe_code, reason = "calls into plugins")]
mod foreign;
#[allow(unsafe_code, reason = "the C interface, seen from a plugin")]
pub mod guest;
#[allow(unsafe_code, reason = "loading of libraries")]
mod manager;
mod registry;
mod sync;
mod types;

pub use abi::TransportOps;
pub use foreign::ForeignTransport;
pub use manager::{PluginHandle, PluginInfo, PluginManager};
pub use registry::{
    create_transport, get_command, handle_protocol_message, list_commands, list_transports,
    register_command, register_protocol_handler, register_transport, unregister_command,
    unregister_protocol_handler, unregister_transport,
};
pub use types::{
    CommandDescriptor, PluginDescriptor, ProtocolHandler, ProtocolType, TransportFactory,
};

pub use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
