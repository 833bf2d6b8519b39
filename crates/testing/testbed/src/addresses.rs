//! The addresses of the simulated network.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Address of the simulated server.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// Its address of IPv6.
pub const SERVER6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 2, 0, 0, 0, 2);
/// Address that it leases.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
