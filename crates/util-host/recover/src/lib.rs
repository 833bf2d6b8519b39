#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod agent;
pub mod bus;
pub mod conformance;
pub mod framing;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
#[cfg(feature = "server")]
pub mod server;
