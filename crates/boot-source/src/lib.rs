#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod clock;
#[cfg(test)]
mod clock_tests;
pub mod config;
pub mod error;
#[cfg(test)]
mod error_tests;
pub mod feeder;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod id;
mod link;
pub mod mailbox;
pub mod message;
pub mod network;
pub mod provider;
pub mod pulled;
pub mod remote;
pub mod requester;
pub mod responder;
#[cfg(test)]
mod responder_tests;
pub mod server;
#[cfg(test)]
mod server_tests;
pub mod status;

pub use clock::Clock;
pub use config::{Numbering, RequesterConfig, ResponderConfig, SharedConfig};
pub use error::{BootSourceError, WaitFor};
pub use feeder::{Feeder, Progress, load_image};
pub use id::{FirmwareId, IdMap};
pub use mailbox::Mailbox;
pub use message::{
    BootFlags, CHUNK_HEADER, Cleanup, MIN_MESSAGE, Message, PROTOCOL_VERSION, message_len,
};
pub use network::{NetworkError, NetworkSource, Place};
pub use provider::{BootSourceProvider, ImageMetadata, ImageSource, ImageStream, SourceState};
pub use pulled::Pulled;
pub use remote::RemoteSource;
pub use requester::{Event, Requester};
pub use responder::{Request, Responder};
pub use server::{Served, Server};
pub use status::Status;
