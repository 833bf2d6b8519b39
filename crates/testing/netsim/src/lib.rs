//! A virtual Ethernet link with virtual time, faults and packet capture.
//!
//! Two sides, a client and a server, exchange Ethernet frames over a [`Link`]. Nothing here reads a
//! clock: the caller says what time it is, and [`Link::next_arrival`] says when the link has something
//! to deliver. All chance comes from the seed, and each direction has its own stream of it, so a run is
//! the same run every time and more traffic one way does not move the faults the other way.
//!
//! - [`config`]: what a direction of the link does to frames.
//! - [`link`]: the link itself.
//! - [`pcap`]: classic packet capture files, for Wireshark.
#![forbid(unsafe_code)]

pub mod config;
pub mod link;
pub mod pcap;

pub use config::LinkConfig;
pub use link::{DirectionStats, Link, LinkStats, Middle, Side};
pub use pcap::PcapWriter;

pub use netboot_core::{Duration, Instant};
