#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "bootstore")]
mod conversation;
mod delivery;
mod hash;
#[cfg(all(test, feature = "sha256"))]
mod hash_tests;
mod image;
mod interface;
#[cfg(test)]
mod interface_tests;
#[cfg(feature = "post")]
mod post;
#[cfg(feature = "san")]
pub mod san;
#[cfg(feature = "script")]
pub mod script;
mod server;
#[cfg(feature = "terminal")]
pub mod terminal;
#[cfg(feature = "verity")]
mod unpack;
#[cfg(all(test, feature = "verified-source"))]
mod unpack_forms_tests;
#[cfg(all(test, feature = "verity"))]
mod unpack_tests;

#[cfg(feature = "bootstore")]
pub use conversation::Conversation;
pub use delivery::{Deliver, Delivery, SinkFailed};
pub use hash::{Accelerated, Chosen, InSoftware, StreamHash, sha256};
pub use image::{ImageHandle, LoadedImage, NAME_LEN, Part, short_name};
#[cfg(feature = "script")]
pub use interface::INTERRUPTED;
#[cfg(any(feature = "script", feature = "bootstore"))]
pub use interface::InterfaceInfo;
#[cfg(feature = "dhcp-options")]
pub use interface::OptionScope;
pub use interface::{DhcpGoal, ExecError, IpxeInterface, Severity, WriteLine};
#[cfg(feature = "sha256")]
pub use netboot_core::hasher::Software;
pub use netboot_core::net::{NetworkConfig, Route};
pub use netboot_core::uri::{Host, Scheme, Uri, UriError};
pub use netboot_core::{Digest, Duration, Hasher, ImageSink, Instant};
#[cfg(feature = "post")]
pub use post::{MAX_MEDIA_TYPE, Post, Posted, Protection};
pub use server::ServerInfo;
#[cfg(feature = "verity")]
pub use unpack::{LEVELS, UnpackError, Unpacker, Unpacking, Wanted};
