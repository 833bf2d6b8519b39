#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod agent;
pub mod bus;
pub mod conformance;
pub mod framing;
#[cfg(feature = "server")]
pub mod server;
