//! DNS resolver for network boot, sans-IO: RFC 1034, 1035, 2308 and 4343, with the defences of RFC 5452.
//!
//! The crate has no socket and no clock, and does not allocate. The caller moves datagrams between UDP ports and the network,
//! passes the time and lends a random source.
//!
//! ```text
//! Resolver::new -> start -> { poll_transmit | handle | handle_timeout | poll }*
//! ```
//!
//! - [`resolver`]: which server is asked for which name, and what the answers come to.
//! - [`answer`]: one answer, with its records in any order.
//! - [`name`]: domain names as they stand in messages.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod answer;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod name;
pub mod resolver;
#[cfg(test)]
mod wire_tests;

pub use answer::{Answer, Found, RecordType};
pub use name::{BadName, Name};
pub use resolver::{Failure, Ignored, Outcome, Resolver, Timing, Transmit};

/// UDP port of a DNS server (RFC 1035, section 4.2.1).
pub const PORT: u16 = 53;
/// Number of addresses that are kept of one name.
pub const MAX_ADDRESSES: usize = 4;
/// Octets of a buffer that holds every query.
pub const TRANSMIT_MAX: usize = 12 + name::MAX + 4;

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
