//! What is known of the network around the station: addresses, routes, servers.
//!
//! The facts are kept once, in either address family, and are never narrowed on their way: DHCP fills a [`NetworkConfig`], the
//! IP stack is set up by it, and the boot application reads it. A configuration by hand has the same form.

use crate::boot::BootInfo;
use crate::time::Duration;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use heapless::{String, Vec};

/// Number of default routers that a [`NetworkConfig`] holds.
pub const MAX_ROUTERS: usize = 4;
/// Number of routes beside the default ones that a [`NetworkConfig`] holds.
pub const MAX_ROUTES: usize = 8;
/// Number of DNS servers that a [`NetworkConfig`] holds.
pub const MAX_DNS: usize = 3;
/// Number of time servers that a [`NetworkConfig`] holds.
pub const MAX_NTP: usize = 3;
/// Octets of the longest host name (RFC 1035, section 2.3.4: a label has at most 63).
pub const HOSTNAME_MAX: usize = 64;
/// Octets of the longest domain name that is kept.
pub const DOMAIN_MAX: usize = 128;

/// A network: all addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Any address of the network; bits behind the prefix do not count.
    pub address: IpAddr,
    /// Number of leading bits that all addresses of the network share: 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub len: u8,
}

impl Prefix {
    /// Whether `address` belongs to this network. An address of the other family never does.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => agree(&own.octets(), &other.octets(), self.len),
            (IpAddr::V6(own), IpAddr::V6(other)) => agree(&own.octets(), &other.octets(), self.len),
            _ => false,
        }
    }
}

/// Whether two addresses agree in their first `bits` bits.
#[inline(never)]
fn agree(one: &[u8], other: &[u8], bits: u8) -> bool {
    let mut left = u32::from(bits);
    for (one, other) in one.iter().zip(other) {
        let differing = u32::from(one ^ other);
        if differing >> 8u32.saturating_sub(left) != 0 {
            return false;
        }
        left = left.saturating_sub(8);
    }
    true
}

/// Whether an IPv4 address can be that of a single host: 0.0.0.0 is nobody's, 127.0.0.0/8 is the host itself, 224.0.0.0/4 are
/// groups, and 255.255.255.255 is everybody on the link (RFC 1122, section 3.2.1.3).
#[inline(never)]
pub const fn is_host(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    bits != 0 && bits != u32::MAX && bits >> 28 != 0xE && bits >> 24 != 127
}

/// Whether an IPv6 address can be that of a single host: `::` is nobody's, `::1` is the host itself, `ff00::/8` are groups, and an address
/// that begins with 96 zero bits, or with `::ffff:`, is one of IPv4 in disguise (RFC 4291, sections 2.5.2, 2.5.3, 2.5.5 and 2.7).
#[inline(never)]
pub const fn is_host_v6(address: Ipv6Addr) -> bool {
    let mut octets: &[u8] = &address.octets();
    if let [0xff, ..] = octets {
        return false;
    }
    while let [0, rest @ ..] = octets {
        octets = rest;
    }
    octets.len() > 4 && !matches!(octets, [0xff, 0xff, _, _, _, _])
}

/// A route to a network that is not the station's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network that the route leads to. A prefix of length 0 makes it a default route.
    pub destination: Prefix,
    /// The router, of the same family as the destination. `None` when the destination is on the link itself (RFC 3442).
    pub gateway: Option<IpAddr>,
}

/// Who configured the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConfigOrigin {
    /// A person or a program, by `ifconfig`.
    #[default]
    Static,
    /// The DHCP server with this address (option 54), or the DHCPv6 server or relay that sent the Reply from this address.
    Dhcp(IpAddr),
}

/// The station's address and what is around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// The station's own address.
    pub address: IpAddr,
    /// Length of the prefix of the station's own network: 1 to 32 for IPv4, 1 to 128 for IPv6.
    pub prefix_len: u8,
    /// Default routers, the preferred one first.
    pub routers: Vec<IpAddr, MAX_ROUTERS>,
    /// Further routes (DHCP option 121).
    pub routes: Vec<Route, MAX_ROUTES>,
    /// Number of routes that the network told and that there was no room for.
    pub routes_left_out: u8,
    /// DNS servers, the preferred one first.
    pub dns: Vec<IpAddr, MAX_DNS>,
    /// Time servers, the preferred one first.
    pub ntp: Vec<IpAddr, MAX_NTP>,
    /// The server that takes the log (DHCP option 7).
    pub log: Option<IpAddr>,
    /// The station's host name; empty when nobody told one.
    pub hostname: String<HOSTNAME_MAX>,
    /// The domain in which short names are looked up; empty when nobody told one.
    pub domain: String<DOMAIN_MAX>,
    /// Another domain for that, which comes before [`domain`](Self::domain): the first one of DHCP option 119 (RFC 3397), or of
    /// DHCPv6 option 24 (RFC 3646).
    pub search: String<DOMAIN_MAX>,
    /// Largest IP packet in octets, where the network said so. At least 68 (RFC 791).
    pub mtu: Option<u16>,
    /// Who configured the interface.
    pub origin: ConfigOrigin,
    /// Length of the DHCP server's lease, in whole seconds. `None` for a static address and for a lease without an end.
    pub lease_time: Option<Duration>,
    /// Where the network says that the boot files are.
    pub boot: BootInfo,
}

impl NetworkConfig {
    /// Makes the configuration of a station that knows its own address and nothing else.
    pub const fn new(address: IpAddr, prefix_len: u8) -> Self {
        Self {
            address,
            prefix_len,
            routers: Vec::new(),
            routes: Vec::new(),
            routes_left_out: 0,
            dns: Vec::new(),
            ntp: Vec::new(),
            log: None,
            hostname: String::new(),
            domain: String::new(),
            search: String::new(),
            mtu: None,
            origin: ConfigOrigin::Static,
            lease_time: None,
            boot: BootInfo::new(),
        }
    }

    /// The station's own network.
    pub const fn prefix(&self) -> Prefix {
        Prefix {
            address: self.address,
            len: self.prefix_len,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, len: u8, address: &str) -> bool {
        let address = address.parse().unwrap();
        let prefix = Prefix {
            address: network.parse().unwrap(),
            len,
        };
        prefix.contains(address)
    }

    #[test]
    fn a_prefix_holds_the_addresses_that_share_its_bits() {
        assert!(contains("10.1.2.3", 24, "10.1.2.200"));
        assert!(!contains("10.1.2.3", 24, "10.1.3.3"));
        assert!(contains("10.1.2.3", 32, "10.1.2.3"));
        assert!(!contains("10.1.2.3", 32, "10.1.2.2"));
        assert!(contains("10.1.2.3", 0, "192.168.0.1"));
        assert!(contains("fd00::1", 64, "fd00::ffff:0:0:1"));
        assert!(!contains("fd00::1", 64, "fd00:0:0:1::1"));
        assert!(contains("::", 0, "ff02::1"));
        assert!(contains("fd00::1", 128, "fd00::1"));
    }

    #[test]
    fn hosts_of_ipv6() {
        let host = |address: &str| is_host_v6(address.parse().unwrap());
        for good in ["2001:db8::1", "fd00::1", "fe80::1", "febf::1", "64:ff9b::1"] {
            assert!(host(good), "{good}");
        }
        for bad in ["::", "::1", "ff02::1:2", "::10.0.0.1", "::ffff:10.0.0.1"] {
            assert!(!host(bad), "{bad}");
        }
    }

    #[test]
    fn families_do_not_mix() {
        assert!(!contains("0.0.0.0", 0, "::1"));
        assert!(!contains("::", 0, "127.0.0.1"));
    }
}
