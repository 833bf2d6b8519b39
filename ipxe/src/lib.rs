#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "bootstore")]
mod conversation;
mod delivery;
mod hash;
mod image;
mod interface;
#[cfg(test)]
mod interface_tests;
#[cfg(feature = "san")]
pub mod san;
#[cfg(feature = "script")]
pub mod script;
mod server;
#[cfg(feature = "terminal")]
pub mod terminal;

#[cfg(feature = "bootstore")]
pub use conversation::Conversation;
pub use delivery::{Deliver, Delivery, SinkFailed};
pub use hash::sha256;
pub use image::{ImageHandle, LoadedImage, NAME_LEN, Part, short_name};
#[cfg(any(feature = "script", feature = "bootstore"))]
pub use interface::InterfaceInfo;
pub use interface::{DhcpGoal, ExecError, IpxeInterface, Severity, WriteLine};
#[cfg(feature = "script")]
pub use interface::{INTERRUPTED, OptionScope};
pub use netboot_core::net::{NetworkConfig, Route};
pub use netboot_core::uri::{Host, Scheme, Uri, UriError};
pub use netboot_core::{Digest, Duration, ImageSink, Instant};
pub use server::ServerInfo;
