#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod endpoint;
pub mod wire;

pub use endpoint::{Endpoint, PORT};
pub use netboot_core::{Duration, Instant};
