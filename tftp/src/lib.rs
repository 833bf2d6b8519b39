//! TFTP read client, sans-IO: RFC 1350 with the options of RFC 2347 (negotiation), 2348 (`blksize`),
//! 2349 (`timeout`, `tsize`) and 7440 (`windowsize`).
//!
//! The crate has no socket and no clock, and does not allocate: the caller moves datagrams and passes the time. The
//! acknowledgement is the back-pressure, because a block is acknowledged only after its consumer took it.
//!
//! ```text
//! Client::new -> poll_transmit (RRQ) -> handle -> Opened -> start
//!   { poll_transmit (ACK) -> handle -> Data -> data_consumed }* -> is_complete
//! ```
//!
//! After every call that takes `&mut self`, call [`Client::poll_transmit`] until it returns `None`,
//! then sleep until a datagram arrives or [`Client::poll_timeout`] passes. When both happened,
//! present the datagrams before [`Client::handle_timeout`].
//!
//! - [`packet`]: the six packets on the wire, for both sides.
//! - [`options`]: which OACK is a valid answer to a request.
//! - [`client`]: the transfer.
//! - [`rto`]: how long to wait before sending again.
//! - [`stats`]: what happened, and the window for the next transfer.
//! - [`error`]: what can end a transfer.
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
pub use options::{Negotiated, OptionError};
pub use packet::{ErrorCode, Packet};
pub use stats::Stats;

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
