//! The station's address, routes and routers, as the interface has them.

use crate::error::NetError;
use crate::stack::Stack;
use core::net::{IpAddr, Ipv4Addr};
use log::warn;
use netboot_core::Device;
use netboot_core::net::{NetworkConfig, Prefix, Route};

/// Where the present configuration lies. It is kept once: a lease's with the lease.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a station, and no heap to put the configuration on"
)]
pub(crate) enum ConfigSource {
    /// The interface has no address.
    None,
    /// The lease has the configuration.
    Lease,
    /// The configuration was set by hand.
    Static(NetworkConfig),
}

/// The way out of the interface.
pub(crate) struct Addressing {
    /// Which of the configured routers is the default one.
    router: usize,
    /// The neighbour on the way to whoever was spoken to last.
    #[cfg(feature = "fast-start")]
    asked: Option<Ipv4Addr>,
}

impl Addressing {
    pub const fn new() -> Self {
        Self {
            router: 0,
            #[cfg(feature = "fast-start")]
            asked: None,
        }
    }

    /// Sets address, routers and routes of the interface. Routes that cannot be used are left out; says whether there were any.
    ///
    /// # Errors
    /// [`NetError::BadAddress`] for an address or prefix that no station can have, [`NetError::AddressFamily`] for IPv6.
    #[inline(never)]
    pub fn configure<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        config: &NetworkConfig,
    ) -> Result<bool, NetError> {
        let IpAddr::V4(address) = config.address else {
            return Err(NetError::AddressFamily);
        };
        let usable = is_single(address.to_bits()) && !address.is_loopback();
        if !usable || !(1..=32).contains(&config.prefix_len) {
            return Err(NetError::BadAddress);
        }
        stack.set_address(address, config.prefix_len);
        stack.clear_routes();
        self.router = 0;
        self.set_router(stack, config);
        let mut left_out = false;
        for route in &config.routes {
            if add_route(stack, config, route).is_err() {
                left_out = true;
                warn!("route to {} is not usable", route.destination.address);
            }
        }
        Ok(left_out)
    }

    /// Prepares for a way that may have changed: forgets all neighbours, and goes on to the next router
    /// (RFC 1122, sections 2.3.2.1 and 3.3.1.4).
    pub fn suspect_path<D: Device>(&mut self, stack: &mut Stack<'_, D>, config: &NetworkConfig) {
        stack.forget_neighbors();
        let count = config.routers.len();
        if count < 2 {
            return;
        }
        self.router = self.router.saturating_add(1);
        if self.router >= count {
            self.router = 0;
        }
        self.set_router(stack, config);
    }

    /// Makes the present router the default one, whether or not it is on the own network.
    fn set_router<D: Device>(&self, stack: &mut Stack<'_, D>, config: &NetworkConfig) {
        if let Some(router) = config.routers.get(self.router) {
            let everywhere = Prefix {
                address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                len: 0,
            };
            let route = Route {
                destination: everywhere,
                gateway: Some(*router),
            };
            let _ = stack.add_route(&route);
        }
    }

    /// Asks for the hardware address on the way to `address`, which is spoken to next, unless it is the same as the last time.
    ///
    /// smoltcp asks for a neighbour's hardware address when the first packet for it is ready, but only once in a second, whoever
    /// is waiting: the server whose name was just resolved would wait for that second, had the DNS server been asked for before.
    #[cfg(feature = "fast-start")]
    #[inline(never)]
    pub fn ask_neighbor<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        config: &NetworkConfig,
        address: IpAddr,
    ) {
        let hop = match config.prefix().contains(address) {
            true => address,
            false => match config.routers.get(self.router) {
                Some(router) => *router,
                None => return,
            },
        };
        let (IpAddr::V4(own), IpAddr::V4(hop)) = (config.address, hop) else {
            return;
        };
        // The first one is left to smoltcp.
        let before = self.asked.replace(hop);
        if before.is_some_and(|before| before.to_bits() != hop.to_bits()) {
            stack.link.send_arp(own, hop);
        }
    }
}

/// Adds a route, or replaces the one to the same destination.
///
/// # Errors
/// [`NetError::BadRoute`] when the gateway is not on the own network or the table is full.
pub(super) fn add_route<D: Device>(
    stack: &mut Stack<'_, D>,
    config: &NetworkConfig,
    route: &Route,
) -> Result<(), NetError> {
    let reachable = route
        .gateway
        .is_some_and(|gateway| config.prefix().contains(gateway));
    if !reachable {
        return Err(NetError::BadRoute);
    }
    stack.add_route(route).map_err(|_| NetError::BadRoute)
}

/// Checks that a peer's address can be spoken to with what is configured.
///
/// # Errors
/// [`NetError::NotConfigured`], [`NetError::BadAddress`] for an address that is not a single host's,
/// [`NetError::AddressFamily`] for IPv6.
pub(super) fn check_peer(config: Option<&NetworkConfig>, address: IpAddr) -> Result<(), NetError> {
    let config = config.ok_or(NetError::NotConfigured)?;
    let (IpAddr::V4(own), IpAddr::V4(peer)) = (config.address, address) else {
        return Err(NetError::AddressFamily);
    };
    let bits = peer.to_bits();
    // The last address of the own network is everybody's, unless the network has one or two addresses (RFC 3021).
    let host_bits = u32::MAX.checked_shr(config.prefix_len.into()).unwrap_or(0);
    let everybody = host_bits > 1 && bits == own.to_bits() | host_bits;
    match is_single(bits) && !everybody {
        true => Ok(()),
        false => Err(NetError::BadAddress),
    }
}

/// Whether an IPv4 address can be that of a single host: 0.0.0.0 is nobody's, 224.0.0.0/4 are groups, and 255.255.255.255 is
/// everybody on the link (RFC 1122, section 3.2.1.3).
#[inline(never)]
fn is_single(bits: u32) -> bool {
    bits != 0 && bits != u32::MAX && bits >> 28 != 0xE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(own: [u8; 4], len: u8, peer: [u8; 4]) -> bool {
        let config = NetworkConfig::new(own.into(), len);
        check_peer(Some(&config), peer.into()) == Err(NetError::BadAddress)
    }

    #[test]
    fn the_broadcast_address_of_a_network() {
        assert!(refused([10, 1, 2, 3], 24, [10, 1, 2, 255]));
        assert!(refused([10, 1, 2, 3], 8, [10, 255, 255, 255]));
        assert!(refused([10, 1, 2, 2], 30, [10, 1, 2, 3]));
        assert!(!refused([10, 1, 2, 2], 31, [10, 1, 2, 3]));
        assert!(!refused([10, 1, 2, 3], 32, [10, 1, 2, 3]));
        assert!(!refused([10, 1, 2, 3], 24, [10, 1, 3, 255]));
    }

    #[test]
    fn peers_that_are_no_single_host_are_refused() {
        let config = NetworkConfig::new([10, 1, 2, 3].into(), 24);
        let peer = |text: &str| check_peer(Some(&config), text.parse().unwrap());
        assert_eq!(
            check_peer(None, [10, 1, 2, 1].into()),
            Err(NetError::NotConfigured)
        );
        assert_eq!(peer("10.1.2.1"), Ok(()));
        for bad in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "10.1.2.255"] {
            assert_eq!(peer(bad), Err(NetError::BadAddress), "{bad}");
        }
        assert_eq!(peer("fd00::1"), Err(NetError::AddressFamily));
    }
}
