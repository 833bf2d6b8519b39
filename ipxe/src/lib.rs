#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod delivery;
mod hash;
mod image;
mod interface;

pub use delivery::{Deliver, Delivery, SinkFailed};
pub use image::{ImageHandle, LoadedImage, NAME_LEN, Part};
pub use interface::{DhcpGoal, ExecError, IpxeInterface};
pub use netboot_core::net::{NetworkConfig, Route};
pub use netboot_core::uri::{Host, Scheme, Uri, UriError};
pub use netboot_core::{Digest, Duration, ImageSink, Instant};
