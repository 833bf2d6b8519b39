//! What every network boot crate shares, and nothing that only one of them needs.
//!
//! - [`time`]: instants and durations that never overflow; clocks are injected, never read here.
//! - [`error`]: stable error numbers and whose fault an error is.
//! - [`uri`]: the address of an image, RFC 3986 for the schemes we speak.
//! - [`sink`]: where an image goes; knows nothing of networks.
//! - [`platform`]: what a board lends to the library: clock, entropy, an idle hook.
//! - [`device`]: an Ethernet device.
//! - [`net`]: the station's address and what is around it; [`boot`]: where the network says that the boot files are.
//! - [`console`]: where a boot tells what it does, without `core::fmt`.
//! - [`digest`]: a SHA-256 value and its hexadecimal form.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod boot;
pub mod console;
pub mod device;
pub mod digest;
mod divide;
pub mod error;
pub mod net;
pub mod platform;
pub mod sink;
pub mod time;
pub mod uri;

pub use boot::{BootInfo, BootOrigin};
pub use console::Console;
pub use device::{Device, DeviceInfo, FrameSlot, Received, TxSlot};
pub use digest::Digest;
pub use divide::quotient;
pub use error::{Blame, Coded, Module};
pub use net::{ConfigOrigin, NetworkConfig, Prefix, Route};
pub use platform::Platform;
pub use sink::{AbortReason, ImageSink};
pub use time::{Duration, Instant};
pub use uri::Uri;

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
