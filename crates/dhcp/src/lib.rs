//! DHCPv4 client for network boot, sans-IO: RFC 2131 and 2132, with the options that a boot needs
//! (RFC 3004, 3396, 3442, 4578, 5859, 8572) and ProxyDHCP after the PXE specification.
//!
//! The crate has no socket and no clock, and does not allocate. The caller moves datagrams between UDP port 68 and the network,
//! passes the time and lends a random source.
//!
//! ```text
//! Client::new -> start -> { poll_transmit | handle | handle_timeout | poll }*
//!   Discovering -> Requesting -> (Probing ->) Bound -> Renewing -> Rebinding
//! ```
//!
//! After every call that takes `&mut self`, call [`Client::poll_transmit`] and [`Client::poll`] until
//! both return `None`, then sleep until a datagram arrives or [`Client::poll_timeout`] passes.
//!
//! - [`config`]: who the client is and how patient it is.
//! - [`client`]: the state machine.
//! - [`offer`]: which offers are kept, and which is taken.
//! - [`lease`]: an address and all that came with it; [`boot`]: where to boot from; [`raw`]: options by number.
//! - [`packet`], [`options`]: the wire, for both sides.
//! - [`error`]: what can go wrong.
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
pub mod raw;
#[cfg(test)]
mod raw_tests;
mod retry;

pub use client::{Client, Event, LostReason, Transmit};
pub use config::{AfterDeclines, ClientId, Config, VendorClass};
pub use error::DhcpError;
pub use lease::Lease;
pub use raw::{RawOptions, Scope, Taken};

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
