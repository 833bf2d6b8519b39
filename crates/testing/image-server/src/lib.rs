//! The simulated image server: DHCP, DNS, TFTP, HTTP, HTTPS and the UDP boot protocol on a virtual link or a QEMU socket.
//!
//! It stands in for an operator's servers in tests and benchmarks, healthy or with faults of every kind.
//! [`ImageServer`] takes and gives Ethernet frames and is told the time; [`world::World`] puts it on a
//! [`netsim::Link`] in virtual time, [`qemu`] on a QEMU netdev socket in real time.
//!
//! ```
//! use image_server::{Content, ServerConfig, world::World};
//! use netboot_core::{Duration, Instant};
//! use netsim::LinkConfig;
//!
//! let mut config = ServerConfig::default();
//! config.files.insert("fw.bin".into(), Content::Pattern { size: 1 << 20, seed: 7 });
//! config.lease.boot_file = Some("tftp://10.0.0.1/fw.bin".into());
//! let mut world = World::new(config, LinkConfig::with_delay(Duration::from_millis(1)));
//! world.client_send(b"no frame that anybody answers");
//! assert!(!world.advance(Instant::from_millis(100)));
//! ```
#![forbid(unsafe_code)]

mod answers;
pub mod config;
pub mod content;
pub mod dhcp;
pub mod dhcp6;
mod dns;
pub mod faults;
#[cfg(unix)]
pub mod forward;
pub mod frame;
mod http;
pub mod nodes;
mod pending;
#[cfg(unix)]
pub mod qemu;
pub mod router;
mod served;
mod server;
mod shared;
mod stack;
mod tftp;
pub mod tls;
mod ubp;
pub mod udp;
pub mod world;

pub use config::{
    BootPlacement, Dhcp6Config, EtagKind, Framing, HttpConfig, Ipv6Config, LeaseConfig, Post,
    ProxyConfig, Redirect, RivalConfig, Rollover, ServerConfig, TftpConfig,
};
pub use content::Content;
pub use faults::{
    Dhcp6Fault, DhcpDamage, DhcpFault, DnsFault, Faults, HttpFault, Rule, Rules, TftpFault,
    TlsFault, UbpFault,
};
pub use nodes::{NodeConfig, NodeFault};
pub use served::{Protocol, Served};
pub use server::ImageServer;
pub use tls::{HttpsConfig, TlsConnection};
pub use ubp::UbpFile;
pub use world::{SharedWorld, World};
