//! What `dhcp` learns and `ifconfig` sets.

use core::net::Ipv4Addr;
use heapless::{String, Vec};

/// Routers kept of DHCP option 3, in the server's order of preference.
pub const MAX_ROUTERS: usize = 4;
/// DNS servers kept of DHCP option 6, in the server's order of preference.
pub const MAX_DNS: usize = 3;

/// The station's address and what is around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// The station's own address.
    pub address: Ipv4Addr,
    /// Length of the network's prefix, 0 to 32.
    pub prefix_len: u8,
    /// Default routers, the preferred one first.
    pub routers: Vec<Ipv4Addr, MAX_ROUTERS>,
    /// DNS servers, the preferred one first.
    pub dns: Vec<Ipv4Addr, MAX_DNS>,
    /// Where the network says that the boot files are.
    pub boot: BootInfo,
}

impl NetworkConfig {
    /// An address with nothing around it.
    pub const fn new(address: Ipv4Addr, prefix_len: u8) -> Self {
        Self {
            address,
            prefix_len,
            routers: Vec::new(),
            dns: Vec::new(),
            boot: BootInfo {
                server_name: String::new(),
                file: String::new(),
                next_server: None,
            },
        }
    }
}

/// DHCP's pointers to the boot files. They only point: nothing here is to be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootInfo {
    /// Option 66, else the BOOTP field `sname`: a name or an address. Empty when absent.
    pub server_name: String<64>,
    /// Option 67, else the BOOTP field `file`: a path or a whole URI. Empty when absent.
    pub file: String<255>,
    /// The BOOTP field `siaddr`.
    pub next_server: Option<Ipv4Addr>,
}

/// A static route for the `route` command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network to be reached; 0.0.0.0/0 is the default route.
    pub destination: Ipv4Addr,
    /// Length of its prefix, 0 to 32.
    pub prefix_len: u8,
    /// The router on the own network.
    pub gateway: Ipv4Addr,
}
