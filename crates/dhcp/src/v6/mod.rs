//! A DHCPv6 client (RFC 8415) beside the DHCPv4 one: sans-IO, no allocation, no panic.
//!
//! [`Client::start`] begins one of two exchanges, as the router advertisement says ([`Mode`]): with the M flag the client asks for an
//! address and all that comes with it, with the O flag it asks for the rest alone. The caller sends from a link-local address
//! and UDP port 546 what [`Client::poll_transmit`] writes, and hands in what arrives there.
//!
//! ```text
//! Client::new -> start -> { poll_transmit | handle | handle_timeout | poll }*
//!   stateful:  Solicit -> Request -> (probe ->) bound -> Renew -> Rebind
//!   stateless: Information-request -> bound -> Information-request
//! ```
//!
//! ```
//! use netboot_core::{Duration, Instant};
//! use netboot_dhcp::v6::{Client, Config, Dhcp6Error, Mode};
//! use rand_core::RngCore;
//!
//! fn start(rng: &mut impl RngCore) -> Result<Client, Dhcp6Error> {
//!     let now = Instant::ZERO;
//!     // This board asks at once: it does not start together with others.
//!     let config = Config { start_delay: Duration::ZERO, ..Config::new([0x02, 0, 0, 0, 0, 1]) };
//!     let mut client = Client::new(&config)?;
//!     client.start(now, rng, Mode::Stateful);
//!
//!     // The first message is a Solicit to all servers and relays of the link.
//!     let mut buf = [0; 576];
//!     let message = client.poll_transmit(now, rng, &mut buf).expect("a message is due");
//!     assert_eq!(message.destination_port, 547);
//!     assert_eq!(buf[0], 1);
//!     // Then: hand in what arrives with `handle`, take events with `poll`, sleep until `poll_timeout`.
//!     Ok(client)
//! }
//! # struct Zero;
//! # impl RngCore for Zero {
//! #     fn next_u32(&mut self) -> u32 { 0 }
//! #     fn next_u64(&mut self) -> u64 { 0 }
//! #     fn fill_bytes(&mut self, dest: &mut [u8]) { dest.fill(0) }
//! #     fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> { dest.fill(0); Ok(()) }
//! # }
//! # start(&mut Zero)?;
//! # Ok::<(), Dhcp6Error>(())
//! ```
//!
//! Standards: RFC 8415 (DHCPv6), 3646 (DNS), 5908 (NTP), 5970 (network boot), 8572 section 8.2 (option 136).

mod boot;
#[cfg(test)]
mod boot_tests;
pub mod client;
pub mod config;
pub mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod ia;
pub mod lease;
#[cfg(test)]
mod model;
mod offer;
pub mod options;
pub mod packet;
pub mod raw;
mod retry;
#[cfg(test)]
mod wire_tests;

pub use boot::BootParams;
pub use client::{Client, Event, Transmit};
pub use config::{Config, Duid, Mode};
pub use error::{Dhcp6Error, MessageError};
pub use lease::{Lease, ServerId};
pub use raw::RawOptions;
