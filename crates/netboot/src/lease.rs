//! The DHCP client on its socket, the ARP probe, and the interface's configuration by the lease.

use crate::NetError;
use crate::options::{ArpProbe, NetworkOptions};
use crate::resources::DHCP_TX;
use crate::stack::{Internal, Stack, Step};
use core::net::Ipv4Addr;
use log::{debug, info, warn};
use netboot_core::{Device, Duration, Instant, Platform};
use netboot_dhcp::{self as dhcp, DhcpError, Event};
use netboot_ipxe::{BootInfo, NetworkConfig, Route};
use smoltcp::socket::udp::{self, UdpMetadata};
use smoltcp::wire::{IpAddress, IpEndpoint};

/// Port of the client (RFC 2131, section 4.1).
const CLIENT_PORT: u16 = 68;
/// Messages looked at in one service call.
const BUDGET: usize = 8;
/// How long a message may wait for its server's hardware address.
const ADDRESS_WAIT: Duration = Duration::from_secs(3);

/// Whether this build can probe an address.
pub(crate) const PROBES: bool = cfg!(feature = "arp-probe");

/// How far the lease is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// `dhcp` was not called, or was ended.
    Off,
    /// No address yet.
    Acquiring,
    /// The interface has the leased address.
    Bound,
    /// The client gave up.
    Failed(DhcpError),
}

/// The probe of an offered address.
struct Probe {
    address: Ipv4Addr,
    left: u8,
    next: Instant,
}

/// The client and what goes on around it.
pub(crate) struct Lease {
    /// `None` when the options cannot be sent: a text is too long.
    client: Option<dhcp::Client>,
    pub state: State,
    probe: Option<Probe>,
    how: ArpProbe,
    /// There was an address since `dhcp` was called. Should it be lost, the client does not give up.
    was_bound: bool,
    /// When the last message was given to the socket.
    sent_at: Instant,
}

impl Lease {
    #[inline(never)]
    /// The client of these options. Options that cannot be sent (a text too long) are left out; `start`
    /// then refuses.
    pub fn new(mac: [u8; 6], options: &NetworkOptions) -> Self {
        let options = &options.dhcp;
        let config = dhcp::Config {
            uuid: options.uuid,
            arch: options.arch,
            hostname: options.hostname,
            user_class: options.user_class,
            vendor_class: options.vendor_class,
            offer_window: options.offer_window,
            probe: PROBES && options.probe != ArpProbe::Off,
            deadline: options.timeout,
            ..dhcp::Config::new(mac)
        };
        Self {
            client: dhcp::Client::new(&config).ok(),
            state: State::Off,
            probe: None,
            how: options.probe,
            was_bound: false,
            sent_at: Instant::ZERO,
        }
    }

    pub fn poll_timeout(&self) -> Instant {
        if self.state == State::Off {
            return Instant::FAR_FUTURE;
        }
        let probe = self.probe.as_ref().map(|probe| probe.next);
        let client = self.client.as_ref().and_then(dhcp::Client::poll_timeout);
        probe
            .unwrap_or(Instant::FAR_FUTURE)
            .min(client.unwrap_or(Instant::FAR_FUTURE))
    }

    /// Whether the address, and all that is to come with it, is there.
    pub fn is_complete(&self) -> bool {
        self.state == State::Bound && !self.client.as_ref().is_some_and(dhcp::Client::boot_pending)
    }

    /// What the server said beyond the address.
    pub fn lease(&self) -> Option<&dhcp::Lease> {
        self.client.as_ref()?.lease()
    }
}

/// The interface's configuration by a lease.
fn config_of(lease: &dhcp::Lease) -> NetworkConfig {
    NetworkConfig {
        address: lease.address,
        prefix_len: lease.prefix_len,
        routers: lease
            .routers
            .iter()
            .copied()
            .take(netboot_ipxe::MAX_ROUTERS)
            .collect(),
        dns: lease
            .dns
            .iter()
            .copied()
            .take(netboot_ipxe::MAX_DNS)
            .collect(),
        boot: BootInfo {
            server_name: lease
                .boot
                .server_name
                .as_str()
                .try_into()
                .unwrap_or_default(),
            file: lease.boot.file.as_str().try_into().unwrap_or_default(),
            next_server: lease.boot.next_server,
        },
    }
}

impl<D: Device, P: Platform> Stack<'_, D, P> {
    /// Starts over: no address, a first DISCOVER at the next service call.
    pub fn start_lease(&mut self) {
        self.deconfigure();
        let now = self.platform.now();
        let socket = self.dhcp();
        socket.close();
        // Binding fails only for a socket that is open, or for port 0.
        let _ = socket.bind(CLIENT_PORT);
        self.link.watch(None);
        self.lease.probe = None;
        self.lease.was_bound = false;
        match &mut self.lease.client {
            Some(client) => {
                client.start(now, self.platform.rng());
                self.lease.state = State::Acquiring;
            }
            None => self.lease.state = State::Failed(DhcpError::Config),
        }
    }

    /// Waits for another address when the lease was lost.
    pub fn await_lease(&mut self) -> Internal {
        if self.lease.state != State::Acquiring {
            return Ok(());
        }
        let limit = self.platform.now() + self.options.dhcp.timeout;
        self.run(limit, NetError::DhcpTimeout, |stack, _| {
            Ok(match stack.lease.state {
                State::Acquiring => Step::WAIT,
                _ => Step::Done(()),
            })
        })
    }

    /// Gives the address back and stops.
    pub fn end_lease(&mut self) {
        if self.lease.state == State::Bound {
            let now = self.platform.now();
            if let Some(client) = &mut self.lease.client {
                client.release(now);
            }
            self.send_dhcp(now);
            self.flush();
        }
        self.lease.state = State::Off;
        self.lease.probe = None;
        self.link.watch(None);
        self.dhcp().close();
    }

    /// Takes in messages and timeouts, acts on events, sends what is due.
    #[inline(never)]
    pub fn service_lease(&mut self, now: Instant) {
        if self.lease.state == State::Off {
            return;
        }
        self.receive_dhcp(now);
        self.service_probe(now);
        for _ in 0..BUDGET {
            let Some(event) = self.lease.client.as_mut().and_then(|c| c.poll(now)) else {
                break;
            };
            self.on_dhcp_event(now, event);
        }
        self.send_dhcp(now);
    }

    /// Takes in messages and timeouts.
    #[inline(never)]
    fn receive_dhcp(&mut self, now: Instant) {
        let Some(client) = &mut self.lease.client else {
            return;
        };
        for _ in 0..BUDGET {
            let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.dhcp);
            let Ok((message, meta)) = socket.recv() else {
                break;
            };
            let IpAddress::Ipv4(from) = meta.endpoint.addr;
            if let Err(error) = client.handle(now, self.platform.rng(), from, message) {
                debug!("dhcp: message from {from} ignored: {error}");
            }
        }
        if client.poll_timeout().is_some_and(|at| at <= now) {
            client.handle_timeout(now, self.platform.rng());
        }
    }

    fn probe_result(&mut self, now: Instant, conflict: bool) {
        if let Some(client) = &mut self.lease.client {
            client.probe_result(now, conflict);
        }
    }

    #[inline(never)]
    fn on_dhcp_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::ProbeAddress(_) if !PROBES => self.probe_result(now, false),
            Event::ProbeAddress(address) => match self.lease.how {
                ArpProbe::Off => self.probe_result(now, false),
                ArpProbe::On { count, .. } => {
                    self.link.watch(Some(address));
                    self.lease.probe = Some(Probe {
                        address,
                        left: count,
                        next: now,
                    });
                    self.service_probe(now);
                }
            },
            Event::Bound => {
                self.apply_lease();
                if let Some(config) = &self.config {
                    info!("dhcp: {}/{}", config.address, config.prefix_len);
                    self.link.send_arp_announcement(config.address);
                    #[cfg(feature = "learn-neighbor")]
                    if let Some(server) = self.link.server() {
                        self.link.send_arp(config.address, server);
                    }
                }
                self.lease.state = State::Bound;
                self.lease.was_bound = true;
            }
            Event::BootInfo => self.apply_lease(),
            Event::Renewed => {
                debug!("dhcp: lease renewed");
                self.apply_lease();
            }
            Event::Lost(reason) => {
                warn!("dhcp: lease lost: {reason:?}");
                self.deconfigure();
                self.lease.state = State::Acquiring;
            }
            Event::Failed(error) => {
                warn!("dhcp: {error}");
                if self.lease.was_bound {
                    if let Some(client) = &mut self.lease.client {
                        client.start(now, self.platform.rng());
                    }
                } else {
                    self.lease.state = State::Failed(error);
                }
            }
        }
    }

    /// Sets the interface up as the lease says, if that is not how it is.
    #[inline(never)]
    fn apply_lease(&mut self) {
        let config = self.lease.lease().map(config_of);
        if let Some(config) = config
            && self.config.as_ref() != Some(&config)
        {
            self.configure(&config);
            self.add_static_routes();
        }
    }

    fn add_static_routes(&mut self) {
        for at in 0.. {
            let routes = self.lease.lease().map(|lease| &lease.static_routes);
            let Some(route) = routes.and_then(|routes| routes.get(at)).copied() else {
                break;
            };
            // 0.0.0.0: on the own link, which smoltcp does not do beyond the own prefix.
            let added = self.add_route(Route {
                destination: route.destination,
                prefix_len: route.prefix_len,
                gateway: route.router,
            });
            if added.is_err() {
                warn!("dhcp: route to {} not usable", route.destination);
            }
        }
    }

    /// Sends the next probe, or ends the probing with its result.
    fn service_probe(&mut self, now: Instant) {
        let ArpProbe::On { interval, .. } = self.lease.how else {
            return;
        };
        if !PROBES {
            return;
        }
        let Some(probe) = &mut self.lease.probe else {
            return;
        };
        let conflict = self.link.conflict();
        if !conflict && now < probe.next {
            return;
        }
        if !conflict && probe.left > 0 {
            probe.left -= 1;
            probe.next = now + interval;
            self.link.send_arp_probe(probe.address);
            return;
        }
        if conflict {
            warn!("dhcp: {} is in use by another station", probe.address);
        }
        self.lease.probe = None;
        self.link.watch(None);
        self.probe_result(now, conflict);
    }

    #[inline(never)]
    fn send_dhcp(&mut self, now: Instant) {
        if self.dhcp().send_queue() > 0 && now.since(self.lease.sent_at) >= ADDRESS_WAIT {
            // The server of the lease is gone. smoltcp would ask for its hardware address each second,
            // for ever, and let no other socket ask for one meanwhile.
            self.dhcp().close();
            let _ = self.dhcp().bind(CLIENT_PORT);
        }
        for _ in 0..BUDGET {
            if !self.dhcp().can_send() {
                return;
            }
            let mut message = [0; DHCP_TX];
            let Some(client) = &mut self.lease.client else {
                return;
            };
            let Some(out) = client.poll_transmit(now, self.platform.rng(), &mut message) else {
                return;
            };
            let meta = UdpMetadata {
                endpoint: IpEndpoint::new(out.destination.into(), out.destination_port),
                local_address: Some(out.source.into()),
                meta: Default::default(),
            };
            let message = message.get(..out.len).unwrap_or_default();
            self.lease.sent_at = now;
            if let Err(error) = self.dhcp().send_slice(message, meta) {
                warn!("dhcp: cannot send: {error}");
            }
            self.flush();
        }
    }
}
