#![doc = include_str!("../README.md")]
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
pub use netboot_core::{Duration, Instant};
pub use resolver::{Failure, Ignored, Outcome, Resolver, Timing, Transmit};

/// UDP port of a DNS server (RFC 1035, section 4.2.1).
pub const PORT: u16 = 53;
/// Number of addresses that are kept of one name.
pub const MAX_ADDRESSES: usize = 4;
/// Octets of a buffer that holds every query.
pub const TRANSMIT_MAX: usize = 12 + name::MAX + 4;
