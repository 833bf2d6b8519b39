//! Which neighbour a packet goes to: the destination itself when it is on the link, else a router (RFC 1122, section 3.3.1).

use core::net::{IpAddr, Ipv4Addr};
use heapless::Vec;
use netboot_core::net::{MAX_ROUTES, Prefix, Route};

/// Number of routes: those of a configuration, the own network, a default router, and a few that were added by hand.
const ENTRIES: usize = MAX_ROUTES + 4;

/// One route.
#[derive(Clone, Copy, Debug)]
struct Entry {
    network: u32,
    /// Has a 1 for each bit of the prefix.
    mask: u32,
    /// `None` for a network on the link.
    gateway: Option<Ipv4Addr>,
}

/// A route cannot be set: the table is full, or one of its addresses is not of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteRefused;

/// The routes of the interface.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Entry, ENTRIES>);

impl Routes {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes all routes away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a route, or replaces the one to the same destination.
    #[inline(never)]
    pub fn add(&mut self, route: &Route) -> Result<(), RouteRefused> {
        let Prefix {
            address: IpAddr::V4(network),
            len: len @ 0..=32,
        } = route.destination
        else {
            return Err(RouteRefused);
        };
        let gateway = match route.gateway {
            None => None,
            Some(IpAddr::V4(gateway)) => Some(gateway),
            Some(IpAddr::V6(_)) => return Err(RouteRefused),
        };
        let mask = mask(len);
        let entry = Entry {
            network: network.to_bits() & mask,
            mask,
            gateway,
        };
        let same = |old: &&mut Entry| old.mask == mask && old.network == entry.network;
        match self.0.iter_mut().find(same) {
            Some(old) => *old = entry,
            None => self.0.push(entry).map_err(|_| RouteRefused)?,
        }
        Ok(())
    }

    /// The neighbour that packets to `address` go to, by the longest prefix that matches. `None` when there is no route.
    #[inline(never)]
    pub fn hop(&self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        let bits = address.to_bits();
        let mut best: Option<&Entry> = None;
        for entry in &self.0 {
            let matches = bits & entry.mask == entry.network;
            if matches && best.is_none_or(|best| entry.mask > best.mask) {
                best = Some(entry);
            }
        }
        best.map(|best| best.gateway.unwrap_or(address))
    }

    /// Whether `address` is on the link.
    pub fn is_on_link(&self, address: Ipv4Addr) -> bool {
        self.hop(address) == Some(address)
    }
}

/// The mask with `len` leading bits.
fn mask(len: u8) -> u32 {
    u32::MAX
        .checked_shl(32u32.saturating_sub(len.into()))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(network: &str, len: u8, gateway: Option<&str>) -> Route {
        Route {
            destination: Prefix {
                address: network.parse().unwrap(),
                len,
            },
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        }
    }

    fn hop(routes: &Routes, address: &str) -> Option<String> {
        let hop = routes.hop(address.parse().unwrap());
        hop.map(|hop| hop.to_string())
    }

    #[test]
    fn the_longest_prefix_counts() {
        let mut routes = Routes::new();
        assert_eq!(hop(&routes, "10.0.2.2"), None);
        routes.add(&route("10.0.2.15", 24, None)).unwrap();
        assert_eq!(hop(&routes, "10.0.2.2").unwrap(), "10.0.2.2");
        assert_eq!(hop(&routes, "10.0.3.2"), None);
        routes.add(&route("0.0.0.0", 0, Some("10.0.2.1"))).unwrap();
        routes.add(&route("10.0.0.0", 8, Some("10.0.2.3"))).unwrap();
        routes
            .add(&route("10.9.9.9", 32, Some("10.0.2.4")))
            .unwrap();
        assert_eq!(hop(&routes, "10.0.3.2").unwrap(), "10.0.2.3");
        assert_eq!(hop(&routes, "10.9.9.9").unwrap(), "10.0.2.4");
        assert_eq!(hop(&routes, "192.0.2.1").unwrap(), "10.0.2.1");
        routes.add(&route("10.1.0.0", 8, Some("10.0.2.5"))).unwrap();
        assert_eq!(hop(&routes, "10.0.3.2").unwrap(), "10.0.2.5", "replaced");
    }

    #[test]
    fn a_station_alone_in_its_network_reaches_what_its_routes_say() {
        let mut routes = Routes::new();
        routes.add(&route("10.0.2.15", 32, None)).unwrap();
        routes.add(&route("10.0.2.2", 32, None)).unwrap();
        routes.add(&route("0.0.0.0", 0, Some("10.0.2.2"))).unwrap();
        assert_eq!(hop(&routes, "10.0.2.2").unwrap(), "10.0.2.2");
        assert_eq!(hop(&routes, "10.0.2.3").unwrap(), "10.0.2.2");
        assert!(routes.is_on_link(Ipv4Addr::new(10, 0, 2, 2)));
        assert!(!routes.is_on_link(Ipv4Addr::new(10, 0, 2, 3)));
    }

    #[test]
    fn what_is_no_route_of_this_family_or_does_not_fit_is_refused() {
        let mut routes = Routes::new();
        assert_eq!(routes.add(&route("fd00::", 8, None)), Err(RouteRefused));
        assert_eq!(routes.add(&route("10.0.0.0", 33, None)), Err(RouteRefused));
        let mixed = route("10.0.0.0", 8, Some("fd00::1"));
        assert_eq!(routes.add(&mixed), Err(RouteRefused));
        for at in 0..ENTRIES {
            let network = format!("10.{at}.0.0");
            routes.add(&route(&network, 16, None)).unwrap();
        }
        assert_eq!(routes.add(&route("10.99.0.0", 16, None)), Err(RouteRefused));
        routes.add(&route("10.0.0.0", 16, None)).unwrap();
    }
}
