//! The Network Boot Library: DHCP, DNS, TFTP and HTTP over smoltcp, behind the iPXE-style commands.
//!
//! [`Network`] owns the IP stack and every buffer, in statics that the integrator gives
//! ([`Buffers`], [`Slots`]), and implements [`netboot_ipxe::IpxeInterface`]. This is the only ROM crate that
//! names smoltcp; its API has none of smoltcp's types.
//!
//! The way of an octet by TFTP: device buffer, where the client looks at it -> hash -> the sink. By HTTP smoltcp copies it
//! into TCP's receive buffer first. While the sink is full the loop goes on polling:
//! ARP is answered, TCP keeps its window closed, the lease is renewed.
//!
//! | file | what |
//! |---|---|
//! | `stack` | smoltcp's interface and sockets, one service call for all of them |
//! | `arrival` | what a frame is, before smoltcp sees it |
//! | `checksum` | RFC 1071 |
//! | `link` | the board's device as a smoltcp device, with an eye for ARP conflicts |
//! | `lease` | the DHCP client on its socket, ARP probe, configuration of the interface |
//! | `neighbor` | ARP for who is spoken to next (feature `ahead`) |
//! | `reply` | ARP made needless by what DHCP showed (feature `learn-neighbor`) |
//! | `resolve` | host name to address |
//! | `transfer` | one open transfer, TFTP or HTTP, as a stream that is pumped |
//! | `tls` | TLS between HTTP and TCP (feature `https`) |
//! | `fetch` | one image: parts, resumption, proof that it is still the same file |
//! | `network` | the commands |
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod arrival;
mod checksum;
mod error;
mod fetch;
mod lease;
mod link;
#[cfg(feature = "ahead")]
mod neighbor;
mod network;
mod options;
#[cfg(feature = "learn-neighbor")]
mod reply;
mod resolve;
mod resources;
mod stack;
#[cfg(feature = "https")]
mod tls;
mod transfer;

pub use error::NetError;
pub use network::Network;
pub use options::{ArpProbe, DhcpOptions, NetworkOptions};
#[cfg(feature = "parallel")]
pub use resources::Lanes;
pub use resources::{Buffers, Slots};
#[cfg(feature = "https")]
pub use tls::Tls;
