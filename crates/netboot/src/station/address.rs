//! The station's address, routes and routers, as the interface has them.

use crate::error::NetError;
use crate::stack::Stack;
use core::net::{IpAddr, Ipv4Addr};
use log::warn;
use netboot_core::Device;
use netboot_core::net::{NetworkConfig, Prefix, Route, is_host};

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
}

impl Addressing {
    pub const fn new() -> Self {
        Self { router: 0 }
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
        if !is_host(address) || !(1..=32).contains(&config.prefix_len) {
            return Err(NetError::BadAddress);
        }
        stack.set_address(address);
        stack.clear_routes();
        let own = Route {
            destination: config.prefix(),
            gateway: None,
        };
        // The table was just emptied and has room.
        let _ = stack.add_route(&own);
        self.router = 0;
        self.set_router(stack, config);
        let mut left_out = false;
        // Those on the link come first: the routers of the others may be found by them (RFC 3442).
        for on_link in [true, false] {
            for route in &config.routes {
                if route.gateway.is_none() == on_link && add_route(stack, config, route).is_err() {
                    left_out = true;
                    warn!("route to {} is not usable", route.destination.address);
                }
            }
        }
        Ok(left_out)
    }

    /// Prepares for a way that may have changed: forgets all neighbours, and goes on to the next router
    /// (RFC 1122, sections 2.3.2.1 and 3.3.1.4).
    pub fn suspect_path<D: Device>(&mut self, stack: &mut Stack<'_, D>, config: &NetworkConfig) {
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

    /// Makes the present router the default one, whether or not it is on the own network: it is looked for on the link.
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
}

/// Adds a route, or replaces the one to the same destination.
///
/// # Errors
/// [`NetError::BadRoute`] when the gateway is not on the link or the table is full. The gateway of a station that is alone in its
/// network is on the link whatever the prefix says.
pub(super) fn add_route<D: Device>(
    stack: &mut Stack<'_, D>,
    config: &NetworkConfig,
    route: &Route,
) -> Result<(), NetError> {
    let reachable = match route.gateway {
        None => true,
        Some(IpAddr::V4(gateway)) => {
            is_host(gateway)
                && (config.prefix_len == 32 || stack.link.egress.routes.is_on_link(gateway.into()))
        }
        #[cfg(feature = "ipv6")]
        Some(IpAddr::V6(gateway)) => {
            netboot_ndp::address::is_host(gateway)
                && (config.prefix_len == 128 || stack.link.egress.routes.is_on_link(gateway.into()))
        }
        #[cfg(not(feature = "ipv6"))]
        Some(IpAddr::V6(_)) => false,
    };
    if !reachable {
        return Err(NetError::BadRoute);
    }
    stack.add_route(route).map_err(|_| NetError::BadRoute)
}

/// Checks that a peer's address can be spoken to with what is configured.
///
/// # Errors
/// [`NetError::NotConfigured`], [`NetError::BadAddress`] for an address that is not a single host's,
/// [`NetError::AddressFamily`] for an address of a family that the station has no address of.
pub(super) fn check_peer(config: Option<&NetworkConfig>, address: IpAddr) -> Result<(), NetError> {
    let config = config.ok_or(NetError::NotConfigured)?;
    #[cfg(feature = "ipv6")]
    if let (IpAddr::V6(_), IpAddr::V6(peer)) = (config.address, address) {
        return match netboot_ndp::address::is_host(peer) {
            true => Ok(()),
            false => Err(NetError::BadAddress),
        };
    }
    let (IpAddr::V4(own), IpAddr::V4(peer)) = (config.address, address) else {
        return Err(NetError::AddressFamily);
    };
    // The last address of the own network is everybody's, unless the network has one or two addresses (RFC 3021).
    let host_bits = u32::MAX.checked_shr(config.prefix_len.into()).unwrap_or(0);
    let everybody = host_bits > 1 && peer.to_bits() == own.to_bits() | host_bits;
    match is_host(peer) && !everybody {
        true => Ok(()),
        false => Err(NetError::BadAddress),
    }
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

    #[test]
    #[cfg(feature = "ipv6")]
    fn peers_of_ipv6() {
        let config = NetworkConfig::new("fd00::9".parse().unwrap(), 64);
        let peer = |text: &str| check_peer(Some(&config), text.parse().unwrap());
        for good in ["fd00::1", "fe80::1", "2001:db8::1"] {
            assert_eq!(peer(good), Ok(()), "{good}");
        }
        for bad in ["::", "::1", "ff02::1", "::ffff:10.1.2.1"] {
            assert_eq!(peer(bad), Err(NetError::BadAddress), "{bad}");
        }
        assert_eq!(peer("10.1.2.1"), Err(NetError::AddressFamily));
    }
}
