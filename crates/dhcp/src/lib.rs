#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod boot;
#[cfg(test)]
mod boot_tests;
pub mod client;
pub mod config;
#[cfg(test)]
mod edge_tests;
pub mod error;
#[cfg(test)]
mod error_tests;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod lease;
#[cfg(test)]
mod model;
pub mod offer;
pub mod options;
pub mod packet;
#[cfg(feature = "robust")]
mod pxe;
pub mod raw;
#[cfg(test)]
mod raw_tests;
mod retry;
#[cfg(feature = "ipv6")]
pub mod v6;

pub use client::{Client, Event, LostReason, Transmit};
pub use config::{AfterDeclines, ClientId, Config, VendorClass};
pub use error::DhcpError;
pub use lease::Lease;
pub use netboot_core::{Duration, Instant};
pub use raw::{RawOptions, Scope, Taken};
