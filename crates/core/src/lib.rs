#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod backoff;
pub mod base64;
pub mod boot;
pub mod console;
pub mod device;
pub mod digest;
mod divide;
pub mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod hasher;
pub mod message;
pub mod net;
pub mod platform;
mod round_trip;
pub mod sink;
pub mod text;
pub mod time;
pub mod uri;
pub mod uuid;

pub use backoff::Backoff;
pub use boot::{BootInfo, BootOrigin};
pub use console::Console;
pub use device::{Device, DeviceInfo, FrameSlot, Received, TxSlot};
pub use digest::Digest;
pub use divide::quotient;
pub use error::{Blame, Coded, Module};
pub use hasher::Hasher;
pub use message::ServerMessage;
pub use net::{ConfigOrigin, NetworkConfig, Prefix, Route};
pub use platform::Platform;
pub use round_trip::RoundTrip;
pub use sink::{AbortReason, ImageSink};
pub use time::{Duration, Instant};
pub use uri::Uri;
