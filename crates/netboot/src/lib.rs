//! The Network Boot Library: DHCP, DNS, TFTP and HTTP over smoltcp, behind the iPXE-style commands.
//!
//! [`Network`] owns the IP stack and every buffer, in statics that the integrator gives
//! ([`Buffers`], [`Slots`]), and implements [`netboot_ipxe::IpxeInterface`]. This is the only ROM crate that
//! names smoltcp; its API has none of smoltcp's types.
//!
//! The library is built in layers; each uses only those below it:
//!
//! | layer | what |
//! |---|---|
//! | `network` | the commands |
//! | `fetch/` | one image: parts, resumption, proof that a source has the same file |
//! | `transfer/` | a file as a stream that is pumped: the [carriers](carrier) TFTP and HTTP, and the table of schemes |
//! | `station/` | the loop that everything waits in; lease, address, names |
//! | `stack` | smoltcp's interface and sockets, and nothing else |
//! | `link/` | frames: what they are before smoltcp sees them, and what it neither sends nor reports |
//!
//! Beside them stand [`NetError`], [`NetworkOptions`], the memory ([`Buffers`], [`Slots`]) and the [`Board`].
//!
//! An octet that comes by TFTP goes from the device's buffer, where the client looks at it, to the hash and to the sink. By HTTP
//! smoltcp copies it into TCP's receive buffer first. While the sink is full the loop goes on polling: ARP is answered, TCP keeps
//! its window closed, the lease is renewed.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod board;
mod error;
mod fetch;
mod link;
mod network;
mod options;
mod resources;
mod stack;
mod station;
mod transfer;

pub use board::Board;
pub use error::NetError;
#[cfg(feature = "exchange")]
pub use netboot_http::Method;
pub use network::Network;
#[cfg(feature = "http")]
pub use options::HttpOptions;
pub use options::{ArpProbe, DhcpOptions, NetworkOptions, TftpOptions};
#[cfg(feature = "parallel")]
pub use resources::Lanes;
pub use resources::{Buffers, Slots};
#[cfg(feature = "https")]
pub use transfer::http::Tls;
#[cfg(feature = "exchange")]
pub use transfer::http::{Answer, ExchangeRequest, Protection};

#[cfg(feature = "dhcp-options")]
pub use netboot_dhcp::{RawOptions, Scope};

/// What a protocol of the integrator's own implements, and what it works with.
///
/// A carrier fetches the URIs of a private scheme, `x-...` ([`Network::use_carrier`]). The test
/// `tests/tests/sim_network/carrier.rs` has one.
pub mod carrier {
    pub use crate::board::Board;
    pub use crate::station::{Failed, Internal, Station, Step, resolve};
    pub use crate::transfer::carrier::{Carrier, Opened, Pumped, Start, Take, Validator};
}

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
