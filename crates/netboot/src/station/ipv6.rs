//! IPv6 of the station: what routers say of the link, the addresses that come of it, and the lease that they tell to ask for.
//!
//! The [`Host`] and the DHCPv6 client decide; this file gives them their clock and their packets, lets one hear of the other, and sets the
//! interface up by what they have found.

use super::lease6::Lease6;
use crate::link::Shown;
use crate::options::{ArpProbe, DhcpOptions};
use crate::stack::Stack;
use core::net::{IpAddr, Ipv6Addr};
use log::{debug, info, warn};
use netboot_core::net::{NetworkConfig, Prefix, Route};
use netboot_core::{Device, Duration, Instant};
use netboot_dhcp::v6::{self, Dhcp6Error, Mode};
use netboot_ipxe::DhcpGoal;
use netboot_ndp::address::PREFIX_LEN;
use netboot_ndp::host::{Config, Event, Host, KINDS, Kind, Probing, Progress, TRANSMIT_MAX};
use netboot_ndp::wire::Envelope;
use netboot_ndp::{Advertisement, listener};
use rand_core::RngCore;

/// Packets and events in one call.
const BUDGET: usize = 8;

/// IPv6 of the station.
pub(crate) struct Ipv6<'a> {
    host: Host,
    lease: Lease6<'a>,
    goal: DhcpGoal,
    /// Set while there is an address that reaches beyond the link.
    is_configured: bool,
    /// The interface's configuration while there is no lease. A lease has its own.
    config: NetworkConfig,
    /// What of the lease's configuration the server told: the number of DNS servers, and whether there is a domain. What routers tell comes
    /// behind it, and goes when they say so. `None` while nothing of them is in it.
    leased: Option<(usize, bool)>,
    /// Which of the routers is the default one.
    router: usize,
    /// Set when all addresses that the host tried are in use by others.
    failed: bool,
    /// What somebody has set by hand. No server is asked for an address then.
    #[cfg(feature = "bootstore")]
    pub hand: Option<ByHand>,
}

/// What somebody has set by hand.
#[cfg(feature = "bootstore")]
pub(crate) struct ByHand {
    /// The address; `None` for a station that wants none but the link-local one.
    address: Option<Ipv6Addr>,
    router: Option<IpAddr>,
    dns: heapless::Vec<IpAddr, { netboot_core::net::MAX_DNS }>,
}

#[cfg(feature = "bootstore")]
impl ByHand {
    /// Makes a station that wants no address but the link-local one.
    pub const fn new() -> Self {
        Self {
            address: None,
            router: None,
            dns: heapless::Vec::new(),
        }
    }

    /// Takes what a configuration has around this address.
    pub fn set(address: Ipv6Addr, config: &NetworkConfig) -> Self {
        Self {
            address: Some(address),
            router: config.routers.first().copied(),
            dns: config.dns.clone(),
        }
    }

    /// Puts what was set into a configuration that has what routers have told: the router comes first, and so do the DNS servers.
    fn fill(&self, config: &mut NetworkConfig) {
        if let Some(router) = self.router {
            config.routers.clear();
            let _ = config.routers.push(router);
        }
        if !self.dns.is_empty() {
            config.dns.clone_from(&self.dns);
        }
    }
}

impl<'a> Ipv6<'a> {
    /// Makes a station without IPv6.
    pub fn new(mac: [u8; 6], options: &DhcpOptions, lease: Lease6<'a>) -> Self {
        let probing = match options.probe {
            // One question is what RFC 4862 asks for (section 5.1), and there are two addresses where ARP has one.
            ArpProbe::On { count, interval } => Probing {
                count: count.min(1),
                interval,
            },
            ArpProbe::Off => Probing {
                count: 0,
                interval: Duration::ZERO,
            },
        };
        Self {
            host: Host::new(Config {
                mac,
                probing,
                delay: Duration::ZERO,
            }),
            lease,
            goal: DhcpGoal::Address,
            is_configured: false,
            config: NetworkConfig::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), PREFIX_LEN),
            leased: None,
            router: 0,
            failed: false,
            #[cfg(feature = "bootstore")]
            hand: None,
        }
    }

    /// Whether there is an address that is valid on the link.
    #[cfg(feature = "bootstore")]
    pub fn has_local(&self) -> bool {
        self.host.address(Kind::LinkLocal).is_some()
    }

    /// Probes the address that was set by hand.
    #[cfg(feature = "bootstore")]
    pub fn probe(&mut self, now: Instant, address: Ipv6Addr) {
        self.host.probe(now, address);
    }

    /// Whether the address that was set by hand is in use, and a router is known or known to be absent.
    #[cfg(feature = "bootstore")]
    pub fn is_set_by_hand(&self) -> bool {
        let has_router = self.hand.as_ref().is_some_and(|hand| hand.router.is_some());
        self.host.address(Kind::Leased).is_some() && (has_router || self.is_complete())
    }

    /// Whether the address that was set by hand is in use by another station.
    #[cfg(feature = "bootstore")]
    fn lost(&self, address: Ipv6Addr) -> bool {
        let mut tentative = self.host.tentative();
        self.hand.as_ref().is_some_and(|hand| {
            hand.address == Some(address)
                && self.host.address(Kind::Leased).is_none()
                && !tentative.any(|own| own == address)
        })
    }

    /// Begins: a link-local address, and a question for routers.
    pub fn start<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        rng: &mut dyn RngCore,
        goal: DhcpGoal,
    ) {
        self.failed = false;
        self.router = 0;
        self.is_configured = false;
        self.goal = goal;
        self.host.start(now, rng);
        self.service(stack, now, rng);
    }

    /// Gives the lease back, and takes all addresses and routes away.
    pub fn end<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        rng: &mut dyn RngCore,
    ) {
        let own = self.host.address(Kind::LinkLocal);
        self.lease.end(stack, now, rng, own);
        self.failed = false;
        #[cfg(feature = "bootstore")]
        {
            self.hand = None;
        }
        if self.host.progress() != Progress::Off {
            self.host.stop();
            self.apply(stack);
        }
    }

    /// The interface's configuration, once there is an address that reaches beyond the link.
    pub fn config(&self) -> Option<&NetworkConfig> {
        let config = self.lease.config().unwrap_or(&self.config);
        self.is_configured.then_some(config)
    }

    /// The options of the DHCPv6 servers' messages.
    #[cfg(feature = "dhcp-options")]
    pub fn raw(&self) -> &v6::RawOptions<'a> {
        self.lease.raw()
    }

    /// Whether everything is known that may still come.
    pub fn is_complete(&self) -> bool {
        let settled = matches!(self.host.progress(), Progress::Settled | Progress::Alone);
        self.is_configured && settled && !self.lease.is_acquiring()
    }

    /// Whether nothing will come, because others use every address that the station has tried.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Why there is no lease, when servers were asked because a router has said so.
    pub fn error(&self) -> Option<Dhcp6Error> {
        self.lease.error().filter(|_| self.host.is_managed())
    }

    /// When [`service`](Self::service) has something to do although nothing came.
    pub fn poll_timeout(&self) -> Instant {
        self.host.poll_timeout().min(self.lease.poll_timeout())
    }

    /// Takes in a message for the DHCPv6 client.
    pub fn receive_message(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        from: IpAddr,
        message: &[u8],
    ) {
        // A renewal leaves what it does not tell anew.
        self.forget_routers();
        self.lease.receive(now, rng, from, message);
        self.leased = None;
        self.count_leased();
        let config = self.lease.config_mut().unwrap_or(&mut self.config);
        self.host.fill(config);
    }

    /// Notes what the server has told, of a lease whose configuration has nothing of routers yet.
    fn count_leased(&mut self) {
        if self.leased.is_none() {
            let config = self.lease.config();
            self.leased = config.map(|config| (config.dns.len(), !config.domain.is_empty()));
        }
    }

    /// Takes out of the lease's configuration what routers have told of servers and domains, or else out of the station's own.
    fn forget_routers(&mut self) {
        let (config, (servers, domain)) = match (self.lease.config_mut(), self.leased) {
            (Some(config), Some(leased)) => (config, leased),
            (Some(_), None) => return,
            (None, _) => (&mut self.config, (0, false)),
        };
        config.dns.truncate(servers);
        if !domain {
            config.domain.clear();
        }
    }

    /// Takes in a message of ICMPv6.
    #[inline(never)]
    pub fn receive(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        envelope: &Envelope,
        message: &[u8],
    ) {
        match Advertisement::parse(envelope, message) {
            Ok(told) => self.host.handle(now, &told),
            Err(why) => match listener::query(envelope, message) {
                Some(patience) => self.host.query(now, rng, patience),
                None => debug!("icmpv6: message from {} ignored: {why}", envelope.source),
            },
        }
    }

    /// Does what is due. Says whether the configuration is another than before.
    #[inline(never)]
    pub fn service<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        rng: &mut dyn RngCore,
    ) -> bool {
        if let Some((address, mac)) = stack.link.egress.ipv6.take_conflict() {
            warn!("ipv6: {address} is in use by {}", Shown(mac));
            self.host.conflict(now, rng, address, mac);
        }
        self.host.handle_timeout(now);
        let mut changed = false;
        // What one reports may be news for the other.
        for _ in 0..BUDGET {
            #[cfg(feature = "bootstore")]
            let asks = self.hand.is_none();
            #[cfg(not(feature = "bootstore"))]
            let asks = true;
            if asks {
                self.ask_servers(now, rng);
            }
            if let Some(event) = self.host.poll() {
                match event {
                    Event::Changed => changed = true,
                    Event::Failed => self.failed = true,
                    // It was told above, with the other station's hardware address.
                    Event::Duplicate(_) => {}
                    Event::Probed(_address, conflict) => {
                        #[cfg(feature = "bootstore")]
                        {
                            self.failed |= self.lost(_address);
                        }
                        self.lease.probe_result(now, rng, conflict);
                    }
                }
            } else if let Some(event) = self.lease.next_event(now, rng) {
                match event {
                    v6::Event::ProbeAddress(address) => self.host.probe(now, address),
                    v6::Event::Bound | v6::Event::Renewed => {
                        self.count_leased();
                        // An address that is used without a probe; the others the host has by now.
                        if let Some(address) = self.lease.address() {
                            self.host.assign(address);
                        }
                        changed = true;
                    }
                    v6::Event::Lost(_) | v6::Event::Failed(_) => {
                        self.host.withdraw();
                        changed = true;
                    }
                }
            } else {
                break;
            }
        }
        if changed {
            self.apply(stack);
        }
        let mut packet = [0; TRANSMIT_MAX];
        for _ in 0..BUDGET {
            let Some(len) = self.host.poll_transmit(now, rng, &mut packet) else {
                break;
            };
            let packet = packet.get(..len).unwrap_or_default();
            stack.link.send_packet(now, packet);
        }
        let own = self.host.address(Kind::LinkLocal);
        self.lease.send(stack, now, rng, own);
        changed
    }

    /// Asks DHCPv6 servers for what routers say that they have. Where no router answers they are asked for an address
    /// (RFC 4862, section 5.5.2).
    fn ask_servers(&mut self, now: Instant, rng: &mut dyn RngCore) {
        let asks = self.host.is_managed() || self.host.is_alone();
        let mode = match (asks, self.host.has_other()) {
            (true, _) => Mode::Stateful,
            (false, true) => Mode::Stateless,
            (false, false) => {
                // Servers that were asked because no router answered are not needed once one does.
                self.lease.give_up();
                return;
            }
        };
        if self.host.address(Kind::LinkLocal).is_some() && !self.lease.asks_for(mode) {
            self.lease.start(now, rng, mode, self.goal);
        }
    }

    /// Sets the interface up by what was found.
    #[inline(never)]
    fn apply<D: Device>(&mut self, stack: &mut Stack<'_, D>) {
        let host = &self.host;
        let own = KINDS.into_iter().filter_map(|kind| host.address(kind));
        stack.link.set_ipv6(own, host.tentative(), host.groups());
        stack.refresh();
        let address = host
            .address(Kind::Leased)
            .or(host.address(Kind::Autonomous));
        self.is_configured = address.is_some();
        let Some(address) = address else {
            return;
        };
        self.forget_routers();
        let host = &self.host;
        let config = self.lease.config_mut().unwrap_or(&mut self.config);
        let address = IpAddr::V6(address);
        if config.address != address {
            info!("ipv6: {address}");
        }
        config.address = address;
        config.prefix_len = PREFIX_LEN;
        host.fill(config);
        #[cfg(feature = "bootstore")]
        if let Some(hand) = &self.hand {
            hand.fill(config);
            let own = Route {
                destination: config.prefix(),
                gateway: None,
            };
            // The table was just emptied and has room.
            let _ = stack.add_route(&own);
        }
        for route in &config.routes {
            // What there is no room for is reached by the default router.
            let _ = stack.add_route(route);
        }
        self.set_router(stack);
    }

    /// Makes the present router the default one. On a link without any router, everything is looked for on the link: nobody says there what is on
    /// it. Where a router was heard and none is a default one, there is no default route (RFC 5942, section 4).
    fn set_router<D: Device>(&self, stack: &mut Stack<'_, D>) {
        let routers = self.config().map_or(&[][..], |config| &config.routers);
        let gateway = routers.get(self.router).or(routers.first()).copied();
        if gateway.is_none() && !self.host.is_alone() {
            return;
        }
        let route = Route {
            destination: Prefix {
                address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                len: 0,
            },
            gateway,
        };
        let _ = stack.add_route(&route);
    }

    /// Prepares for a way that may have changed: goes on to the next router.
    pub fn suspect_path<D: Device>(&mut self, stack: &mut Stack<'_, D>) {
        let count = self.config().map_or(0, |config| config.routers.len());
        if count > 1 {
            self.router = (self.router + 1).checked_rem(count).unwrap_or(0);
            self.set_router(stack);
        }
    }
}
