//! Runs whole boots on the host: what tests and tools share.
//!
//! - [`plan`]: what is to be booted: images, protocol, device.
//! - [`ethernet`]: the station's device, on any of the wires below.
//! - [`host`]: the boot application and the network boot library on this machine's processor.
//! - [`rack`]: what a rack remembers of its network, for boots without DHCP.
//! - [`settings_help`]: what a line of the settings may be.
//! - [`sim`]: in a simulated world, in virtual time.
//! - [`rom`], [`flash`], [`qemu`]: the real ROM, built, put into flash and run under QEMU; in [`stay`] it stays up after the boot, in [`uart`]
//!   its console is a socket.
//! - [`hash_count`]: instructions of SHA-256 on the ROM's processor.
//! - [`device_lines`]: the console lines about the emulated device, for boots on the host. The crate `netboot-lines` reads
//!   a console back.
//! - [`bridge`], [`console`]: any machine under QEMU behind a link that delays and loses, with a console to talk to.
//! - [`real`]: in real time, on a network of its own ([`netns`], [`tap`], [`realtime`]) with real
//!   servers ([`servers`], over TLS [`tls_servers`], for logs [`loggers`], for IPv6 [`routers`], for other leases [`isc`],
//!   caches before them [`caches`]). [`ipxe`] runs iPXE itself there.
#![deny(unsafe_code)]

mod addresses;
pub mod bridge;
pub mod caches;
pub mod console;
pub mod device_lines;
pub mod ethernet;
pub mod flash;
pub mod hash_count;
pub mod host;
pub mod https;
pub mod ipxe;
pub mod isc;
pub mod loggers;
pub mod netboot;
pub mod netns;
pub mod plan;
pub mod qemu;
pub mod rack;
pub mod real;
pub mod realtime;
pub mod rom;
pub mod routers;
pub mod servers;
pub mod settings_help;
pub mod sim;
pub mod stay;
pub mod sztp;
pub mod tap;
pub mod tls_servers;
pub mod uart;
mod watched;
mod wire;

pub use https::Https;
pub use plan::{Image, Plan, Protocol};
pub use rom_parts::sizes;
