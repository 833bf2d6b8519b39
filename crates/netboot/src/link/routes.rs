//! Which neighbour a packet goes to: the destination itself when it is on the link, else a router (RFC 1122, section 3.3.1).

use core::net::IpAddr;
use heapless::Vec;
use netboot_core::net::{MAX_ROUTES, Route};

/// Number of routes of one family: those of a configuration, the own network, a default router, and a few that were added by hand.
const ENTRIES: usize = MAX_ROUTES + 4;
/// Number of families.
const FAMILIES: usize = 1 + cfg!(feature = "ipv6") as usize;

/// A route cannot be set: the table is full, or its addresses are of two families or of one that the build does not speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteRefused;

/// The routes of the interface.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Route, { ENTRIES * FAMILIES }>);

impl Routes {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes all routes of one family away.
    #[inline(never)]
    pub fn clear(&mut self, ipv6: bool) {
        self.0
            .retain(|route| route.destination.address.is_ipv6() != ipv6);
    }

    /// Adds a route, or replaces the one to the same destination.
    #[inline(never)]
    pub fn add(&mut self, route: &Route) -> Result<(), RouteRefused> {
        let destination = &route.destination;
        let ipv6 = destination.address.is_ipv6();
        let longest = if ipv6 { 128 } else { 32 };
        let mixed = route
            .gateway
            .is_some_and(|gateway| gateway.is_ipv6() != ipv6);
        if mixed || destination.len > longest || ipv6 && FAMILIES < 2 {
            return Err(RouteRefused);
        }
        let same = |old: &&mut Route| {
            old.destination.len == destination.len && old.destination.contains(destination.address)
        };
        // One family does not take the room of the other.
        let full = FAMILIES > 1 && self.count(ipv6) >= ENTRIES;
        match self.0.iter_mut().find(same) {
            Some(old) => *old = *route,
            None if full => return Err(RouteRefused),
            None => self.0.push(*route).map_err(|_| RouteRefused)?,
        }
        Ok(())
    }

    /// Number of routes of one family.
    fn count(&self, ipv6: bool) -> usize {
        let routes = self.0.iter();
        routes
            .filter(|route| route.destination.address.is_ipv6() == ipv6)
            .count()
    }

    /// The neighbour that packets to `address` go to, by the longest prefix that matches. `None` when there is no route.
    #[inline(never)]
    pub fn hop(&self, address: IpAddr) -> Option<IpAddr> {
        let mut best: Option<&Route> = None;
        for route in &self.0 {
            let longer = best.is_none_or(|best| route.destination.len > best.destination.len);
            if longer && route.destination.contains(address) {
                best = Some(route);
            }
        }
        best.map(|best| best.gateway.unwrap_or(address))
    }

    /// Whether `address` is on the link.
    pub fn is_on_link(&self, address: IpAddr) -> bool {
        self.hop(address) == Some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_core::net::Prefix;

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
        assert!(routes.is_on_link("10.0.2.2".parse().unwrap()));
        assert!(!routes.is_on_link("10.0.2.3".parse().unwrap()));
    }

    #[test]
    fn what_is_no_route_of_this_family_or_does_not_fit_is_refused() {
        let mut routes = Routes::new();
        #[cfg(not(feature = "ipv6"))]
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

    #[test]
    #[cfg(feature = "ipv6")]
    fn routes_of_ipv6() {
        let mut routes = Routes::new();
        routes.add(&route("fe80::", 64, None)).unwrap();
        routes.add(&route("fd00::1", 64, None)).unwrap();
        assert_eq!(hop(&routes, "2001:db8::1"), None);
        routes.add(&route("::", 0, Some("fe80::1"))).unwrap();
        routes.add(&route("fd00:1::", 32, Some("fe80::2"))).unwrap();
        assert_eq!(hop(&routes, "fd00::9").unwrap(), "fd00::9");
        assert_eq!(hop(&routes, "fe80::9").unwrap(), "fe80::9");
        assert_eq!(hop(&routes, "fd00:1::9").unwrap(), "fe80::2");
        assert_eq!(hop(&routes, "fd00:0:0:1::").unwrap(), "fe80::1");
        assert_eq!(routes.add(&route("fd00::", 129, None)), Err(RouteRefused));
        let mixed = route("fd00::", 8, Some("10.0.0.1"));
        assert_eq!(routes.add(&mixed), Err(RouteRefused));
        routes.add(&route("10.0.0.0", 8, None)).unwrap();
        assert_eq!(hop(&routes, "10.9.9.9").unwrap(), "10.9.9.9");
        routes.clear(true);
        assert_eq!(hop(&routes, "fd00::9"), None);
        assert_eq!(
            hop(&routes, "10.9.9.9").unwrap(),
            "10.9.9.9",
            "the other family stays"
        );
    }
}
