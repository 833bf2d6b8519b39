//! The station's address, routes and routers, as the interface has them.

use crate::error::NetError;
use crate::stack::Stack;
use core::net::{IpAddr, Ipv4Addr};
use log::warn;
use netboot_core::Device;
use netboot_core::net::{NetworkConfig, Prefix, Route};

/// What the interface is set to.
pub(crate) struct Addressing {
    config: Option<NetworkConfig>,
    /// Which of the configured routers is the default one.
    router: usize,
    /// The neighbour on the way to whoever was spoken to last.
    #[cfg(feature = "fast-start")]
    asked: Option<Ipv4Addr>,
}

impl Addressing {
    pub const fn new() -> Self {
        Self {
            config: None,
            router: 0,
            #[cfg(feature = "fast-start")]
            asked: None,
        }
    }

    /// The configuration; `None` while there is no address.
    pub fn config(&self) -> Option<&NetworkConfig> {
        self.config.as_ref()
    }

    /// Sets address, routers and routes. Routes that cannot be used are left out.
    ///
    /// # Errors
    /// [`NetError::BadAddress`] for an address or prefix that no station can have, [`NetError::AddressFamily`] for IPv6.
    #[inline(never)]
    pub fn configure<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        config: &NetworkConfig,
    ) -> Result<(), NetError> {
        let IpAddr::V4(address) = config.address else {
            return Err(NetError::AddressFamily);
        };
        let usable = !(address.is_unspecified()
            || address.is_multicast()
            || address.is_broadcast()
            || address.is_loopback());
        if !usable || config.prefix_len == 0 || config.prefix_len > 32 {
            return Err(NetError::BadAddress);
        }
        stack.set_address(address, config.prefix_len);
        stack.clear_routes();
        self.router = 0;
        self.config = Some(config.clone());
        self.set_router(stack);
        for route in &config.routes {
            if self.add_route(stack, route).is_err() {
                warn!("route to {} is not usable", route.destination.address);
            }
        }
        Ok(())
    }

    /// Takes the address away, and all routes with it.
    pub fn clear<D: Device>(&mut self, stack: &mut Stack<'_, D>) {
        stack.clear();
        self.config = None;
    }

    /// Adds a route, or replaces the one to the same destination.
    ///
    /// # Errors
    /// [`NetError::NotConfigured`] without an address, [`NetError::BadRoute`] when the gateway is not on the own network or the
    /// table is full.
    pub fn add_route<D: Device>(
        &self,
        stack: &mut Stack<'_, D>,
        route: &Route,
    ) -> Result<(), NetError> {
        let config = self.config.as_ref().ok_or(NetError::NotConfigured)?;
        let reachable = route
            .gateway
            .is_some_and(|gateway| config.prefix().contains(gateway));
        if !reachable {
            return Err(NetError::BadRoute);
        }
        stack.add_route(route).map_err(|_| NetError::BadRoute)
    }

    /// Prepares for a way that may have changed: forgets all neighbours, and goes on to the next router
    /// (RFC 1122, sections 2.3.2.1 and 3.3.1.4).
    pub fn suspect_path<D: Device>(&mut self, stack: &mut Stack<'_, D>) {
        stack.forget_neighbors();
        let count = self
            .config
            .as_ref()
            .map_or(0, |config| config.routers.len());
        if count < 2 {
            return;
        }
        self.router = self.router.saturating_add(1);
        if self.router >= count {
            self.router = 0;
        }
        self.set_router(stack);
    }

    /// Makes the present router the default one, whether or not it is on the own network.
    fn set_router<D: Device>(&self, stack: &mut Stack<'_, D>) {
        if let Some(router) = self.router() {
            let everywhere = Prefix {
                address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                len: 0,
            };
            let route = Route {
                destination: everywhere,
                gateway: Some(router),
            };
            let _ = stack.add_route(&route);
        }
    }

    fn router(&self) -> Option<IpAddr> {
        self.config.as_ref()?.routers.get(self.router).copied()
    }

    /// Checks that a peer's address can be spoken to with what is configured.
    ///
    /// # Errors
    /// [`NetError::NotConfigured`], [`NetError::BadAddress`] for an address that is not a single host's,
    /// [`NetError::AddressFamily`] for IPv6.
    pub fn check_peer(&self, address: IpAddr) -> Result<Ipv4Addr, NetError> {
        let config = self.config.as_ref().ok_or(NetError::NotConfigured)?;
        let IpAddr::V4(address) = address else {
            return Err(NetError::AddressFamily);
        };
        match address.is_unspecified()
            || address.is_multicast()
            || address.is_broadcast()
            || Some(address) == everybody(config)
        {
            true => Err(NetError::BadAddress),
            false => Ok(address),
        }
    }

    /// Asks for the hardware address on the way to `address`, which is spoken to next, unless it is the same as the last time.
    ///
    /// smoltcp asks for a neighbour's hardware address when the first packet for it is ready, but only once in a second, whoever
    /// is waiting: the server whose name was just resolved would wait for that second, had the DNS server been asked for before.
    #[cfg(feature = "fast-start")]
    #[inline(never)]
    pub fn ask_neighbor<D: Device>(&mut self, stack: &mut Stack<'_, D>, address: IpAddr) {
        let Some(config) = &self.config else { return };
        let hop = match config.prefix().contains(address) {
            true => address,
            false => match self.router() {
                Some(router) => router,
                None => return,
            },
        };
        let (IpAddr::V4(own), IpAddr::V4(hop)) = (config.address, hop) else {
            return;
        };
        // The first one is left to smoltcp.
        let before = self.asked.replace(hop);
        if before.is_some_and(|before| before != hop) {
            stack.link.send_arp(own, hop);
        }
    }
}

/// The address of all stations of the own network; a network of one or two addresses has none (RFC 3021).
fn everybody(config: &NetworkConfig) -> Option<Ipv4Addr> {
    let IpAddr::V4(own) = config.address else {
        return None;
    };
    let host_bits = u32::MAX.checked_shr(config.prefix_len.into())?;
    (host_bits > 1).then(|| Ipv4Addr::from_bits(own.to_bits() | host_bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everybody_of(address: [u8; 4], len: u8) -> Option<Ipv4Addr> {
        everybody(&NetworkConfig::new(address.into(), len))
    }

    #[test]
    fn the_broadcast_address_of_a_network() {
        let last = |a, b, c, d| Some(Ipv4Addr::new(a, b, c, d));
        assert_eq!(everybody_of([10, 1, 2, 3], 24), last(10, 1, 2, 255));
        assert_eq!(everybody_of([10, 1, 2, 3], 8), last(10, 255, 255, 255));
        assert_eq!(everybody_of([10, 1, 2, 3], 30), last(10, 1, 2, 3));
        assert_eq!(everybody_of([10, 1, 2, 3], 31), None);
        assert_eq!(everybody_of([10, 1, 2, 3], 32), None);
    }

    #[test]
    fn peers_that_are_no_single_host_are_refused() {
        let mut addressing = Addressing::new();
        let peer =
            |addressing: &Addressing, text: &str| addressing.check_peer(text.parse().unwrap());
        assert_eq!(peer(&addressing, "10.1.2.1"), Err(NetError::NotConfigured));
        addressing.config = Some(NetworkConfig::new([10, 1, 2, 3].into(), 24));
        assert_eq!(
            peer(&addressing, "10.1.2.1"),
            Ok(Ipv4Addr::new(10, 1, 2, 1))
        );
        for bad in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "10.1.2.255"] {
            assert_eq!(peer(&addressing, bad), Err(NetError::BadAddress), "{bad}");
        }
        assert_eq!(peer(&addressing, "fd00::1"), Err(NetError::AddressFamily));
    }
}
