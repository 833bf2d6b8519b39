#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "fuzz"))]
extern crate alloc;

pub mod client;
pub mod endpoint;
pub mod error;
mod flow;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod rtt;
#[cfg(any(test, feature = "server"))]
pub mod server;
mod window;
#[cfg(test)]
mod window_tests;
pub mod wire;
#[cfg(test)]
mod world;
#[cfg(test)]
mod world_tests;

#[cfg(any(test, feature = "multicast"))]
pub use client::OWN_SLOT;
pub use client::{Client, Event, Frames, Output, Request, Stats, Timing};
pub use endpoint::{Endpoint, PORT};
pub use error::UbpError;
pub use netboot_core::{Duration, Instant};
