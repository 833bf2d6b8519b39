#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod client;
pub mod error;
#[cfg(test)]
mod error_tests;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
#[cfg(test)]
mod model;
pub mod options;
pub mod packet;
pub mod rto;
pub mod stats;
#[cfg(test)]
mod stats_tests;

pub use client::{Client, Endpoint, Event, Request, Timing};
pub use error::{ServerMessage, TftpError};
pub use netboot_core::{Duration, Instant};
pub use options::{Negotiated, OptionError};
pub use packet::{ErrorCode, Packet};
pub use stats::Stats;
