#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod address;
pub mod advertisement;
mod duplicate;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod host;
#[cfg(test)]
mod host_leased_tests;
#[cfg(test)]
mod host_tests;
mod learnt;
#[cfg(test)]
mod learnt_tests;
pub mod listener;
pub mod neighbor;
pub mod wire;

pub use address::Mac;
pub use advertisement::Advertisement;
pub use host::{Config, Event, Host};
pub use neighbor::Neighbor;
pub use netboot_core::{Duration, Instant};
