//! What routers have told of the link, each with its end.

use crate::advertisement::{Advertisement, Fact, Lifetime, Preference, Prefix};
use core::net::{IpAddr, Ipv6Addr};
use heapless::{String, Vec};
use netboot_core::Instant;
use netboot_core::net::{self, DOMAIN_MAX, NetworkConfig, Route};
use netboot_core::text;

/// Number of facts that are kept. What there is no room for comes again with the next advertisement.
const ENTRIES: usize = 16;

/// Number of turns in which entries go into a configuration.
const RANKS: u8 = 4;

/// What is known of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    /// It is that of a default router.
    Router(Preference),
    /// All addresses that begin with the same bits are on the link.
    OnLink(u8),
    /// The router with the other address knows the way to all addresses that begin with the same bits.
    Via(u8, Ipv6Addr, Preference),
    /// It is that of a DNS server.
    Server,
}

impl What {
    /// The turn in which it goes into a configuration, below [`RANKS`]: what is preferred comes first, and what has no preference last.
    fn rank(&self) -> u8 {
        match self {
            What::Router(preference) | What::Via(_, _, preference) => match preference {
                Preference::High => 0,
                Preference::Medium => 1,
                Preference::Low => 2,
            },
            What::OnLink(_) | What::Server => 3,
        }
    }

    /// Whether this replaces the other, of the same address.
    fn replaces(&self, other: &Self) -> bool {
        match (self, other) {
            (What::Router(_), What::Router(_)) | (What::Server, What::Server) => true,
            (What::OnLink(one), What::OnLink(two)) => one == two,
            // Each router speaks for itself (RFC 4191, section 3.1).
            (What::Via(one, a, _), What::Via(two, b, _)) => one == two && a == b,
            _ => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entry {
    address: Ipv6Addr,
    what: What,
    until: Instant,
}

/// What is known of the link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Learnt {
    entries: Vec<Entry, ENTRIES>,
    domain: String<DOMAIN_MAX>,
    domain_until: Instant,
    mtu: Option<u16>,
    /// Set once a router has said that addresses come by DHCPv6.
    pub managed: bool,
    /// Set once a router has said that other facts come by DHCPv6.
    pub other: bool,
    /// Set once a router was heard.
    pub heard: bool,
}

impl Learnt {
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            domain: String::new(),
            domain_until: Instant::FAR_FUTURE,
            mtu: None,
            managed: false,
            other: false,
            heard: false,
        }
    }

    /// Takes in what an advertisement says. Gives the prefixes of which a host makes its address to `autonomous`. Says whether anything is other
    /// than before, but for how long it is known.
    #[inline(never)]
    pub fn take(
        &mut self,
        now: Instant,
        told: &Advertisement<'_>,
        mut autonomous: impl FnMut(&Prefix),
    ) -> bool {
        let flags = (true, self.managed | told.managed, self.other | told.other);
        let mut news = flags != (self.heard, self.managed, self.other);
        (self.heard, self.managed, self.other) = flags;
        let router = What::Router(told.preference);
        news |= self.set(now, told.lifetime, told.router, router);
        for fact in told.facts() {
            match fact {
                Fact::Prefix(prefix) => {
                    if prefix.on_link {
                        let network = masked(prefix.network, prefix.len);
                        news |= self.set(now, prefix.valid, network, What::OnLink(prefix.len));
                    }
                    if prefix.autonomous {
                        autonomous(&prefix);
                    }
                }
                Fact::Mtu(mtu) => news |= self.mtu.replace(mtu) != Some(mtu),
                Fact::Route {
                    network,
                    len,
                    lifetime,
                    preference,
                } => {
                    let via = What::Via(len, told.router, preference);
                    news |= self.set(now, lifetime, masked(network, len), via);
                }
                Fact::Servers(lifetime, addresses) => {
                    for address in addresses {
                        news |= self.set(now, lifetime, (*address).into(), What::Server);
                    }
                }
                Fact::Domains(lifetime, octets) => {
                    // The first one. The others would be looked through one after the other, and a boot has no time for that.
                    let mut domain = String::new();
                    if !lifetime.is_over() {
                        text::read_domain(octets, &mut domain);
                    }
                    self.domain_until = match domain.is_empty() {
                        true => Instant::FAR_FUTURE,
                        false => lifetime.until(now),
                    };
                    news |= domain != self.domain;
                    self.domain = domain;
                }
            }
        }
        news
    }

    /// Remembers something for its lifetime, or forgets it when its lifetime is over. Says whether anything is known or forgotten by that.
    #[inline(never)]
    fn set(&mut self, now: Instant, lifetime: Lifetime, address: Ipv6Addr, what: What) -> bool {
        let entry = Entry {
            address,
            what,
            until: lifetime.until(now),
        };
        let same = |known: &&mut Entry| known.address == address && what.replaces(&known.what);
        let news = match self.entries.iter_mut().find(same) {
            Some(known) => {
                let other = known.what != what;
                *known = entry;
                other
            }
            None if lifetime.is_over() => false,
            None => self.entries.push(entry).is_ok(),
        };
        news | self.expire_entries(now)
    }

    /// Forgets the entries that are over. Says whether there was any.
    #[inline(never)]
    fn expire_entries(&mut self, now: Instant) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.until > now);
        before != self.entries.len()
    }

    /// Forgets what is over. Says whether there was anything.
    #[inline(never)]
    pub fn expire(&mut self, now: Instant) -> bool {
        let domain = self.domain_until <= now;
        if domain {
            self.domain.clear();
            self.domain_until = Instant::FAR_FUTURE;
        }
        domain | self.expire_entries(now)
    }

    /// When the next thing ends.
    pub fn ends(&self) -> Instant {
        let all = self.entries.iter().map(|entry| entry.until);
        all.fold(self.domain_until, Instant::min)
    }

    /// Whether a router says that `address` is on the link.
    #[cfg(test)]
    pub fn is_on_link(&self, address: Ipv6Addr) -> bool {
        self.entries.iter().any(|entry| match entry.what {
            What::OnLink(len) => masked(address.octets(), len) == entry.address,
            _ => false,
        })
    }

    /// Puts what is known into a configuration: routers and routes, the preferred ones first; DNS servers behind those that it has; domain and MTU.
    #[inline(never)]
    pub fn fill(&self, config: &mut NetworkConfig) {
        config.routers.clear();
        config.routes.clear();
        for rank in 0..RANKS {
            for entry in self
                .entries
                .iter()
                .filter(|entry| entry.what.rank() == rank)
            {
                let address = IpAddr::V6(entry.address);
                match entry.what {
                    // A fifth router is one too many, and so is a server that the list has or has no room for.
                    What::Router(_) => drop(config.routers.push(address)),
                    What::Server if config.dns.contains(&address) => {}
                    What::Server => drop(config.dns.push(address)),
                    What::OnLink(len) => add_route(config, address, len, None),
                    What::Via(len, router, _) => {
                        add_route(config, address, len, Some(router.into()));
                    }
                }
            }
        }
        if config.domain.is_empty() {
            config.domain.clone_from(&self.domain);
        }
        config.mtu = self.mtu;
    }
}

/// Adds a route. Of several routers that know the way to the same addresses the preferred one comes first, and the others are left out. That the
/// addresses are on the link comes last, and replaces what a router knows where the interface is set up.
fn add_route(config: &mut NetworkConfig, address: IpAddr, len: u8, gateway: Option<IpAddr>) {
    let destination = net::Prefix { address, len };
    let mut routes = config.routes.iter();
    if gateway.is_some() && routes.any(|known| known.destination == destination) {
        return;
    }
    // What there is no room for is reached by the default router.
    let _ = config.routes.push(Route {
        destination,
        gateway,
    });
}

/// The first address that begins with the first `len` bits of `network`.
#[inline(never)]
fn masked(mut network: [u8; 16], len: u8) -> Ipv6Addr {
    let mut left = u32::from(len);
    for octet in &mut network {
        *octet &= !(0xff_u32.checked_shr(left).unwrap_or(0) as u8);
        left = left.saturating_sub(8);
    }
    network.into()
}
