//! The DHCP client on its UDP port, with the ARP probe of the address that it is offered.
//!
//! The lease works on the IP stack alone and reports changes; the [station](super::station) sets the interface up by them.

use crate::link::{Mac, Shown};
use crate::options::{ArpProbe, DhcpOptions};
use crate::stack::Stack;
use core::net::Ipv4Addr;
use log::{debug, info, warn};
use netboot_core::net::NetworkConfig;
use netboot_core::{Device, Duration, Instant};
use netboot_dhcp::{self as dhcp, DhcpError, Event, RawOptions};
use netboot_ipxe::DhcpGoal;
use rand_core::RngCore;

/// Port of the client (RFC 2131, section 4.1).
const CLIENT_PORT: u16 = 68;
/// Messages and events looked at in one call.
const BUDGET: usize = 8;
/// Octets of the longest DHCP message that the client writes.
pub(crate) const MESSAGE_MAX: usize = 600;

/// Whether this build can probe an address.
const PROBES: bool = cfg!(feature = "robust");

/// How far the lease is. States are told apart by their pattern: a comparison would look into the errors.
#[derive(Debug)]
pub(crate) enum State {
    /// `dhcp` was not called, or was ended.
    Off,
    /// The client looks for an address.
    Acquiring,
    /// The station may use the leased address.
    Bound,
    /// The client gave up.
    Failed(DhcpError),
}

/// What happened to the lease.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// There is an address now.
    Bound,
    /// The address is the same, and what came with it may be new.
    Updated,
    /// The address must not be used any more.
    Lost,
}

/// The probe of an offered address.
struct Probe {
    address: Ipv4Addr,
    /// Questions that are still to be sent.
    left: u8,
    /// When the next question is due, or the result.
    next: Instant,
}

/// The client and what goes on around it.
pub(crate) struct Lease<'a> {
    /// `None` when the options cannot be sent, because a text is too long.
    client: &'a mut Option<dhcp::Client>,
    /// The options of the servers' messages as they came; none are kept without the feature.
    raw: RawOptions<'a>,
    pub state: State,
    probe: Option<Probe>,
    how: ArpProbe,
    offer_window: Duration,
    /// Set once there was an address since `dhcp` was called. Should it be lost, the client does not give up.
    was_bound: bool,
    /// Address of whoever sent the last message.
    #[cfg(feature = "fast-start")]
    sender: Option<Ipv4Addr>,
}

impl<'a> Lease<'a> {
    /// Makes the client of these options. Options that cannot be sent leave no client, and `start` then refuses.
    #[inline(never)]
    pub fn new(
        client: &'a mut Option<dhcp::Client>,
        mac: [u8; 6],
        raw: &'a mut [u8],
        options: &DhcpOptions,
    ) -> Self {
        let config = dhcp::Config {
            uuid: options.uuid,
            arch: options.arch,
            hostname: options.hostname,
            user_class: options.user_class,
            vendor_class: options.vendor_class,
            offer_window: options.offer_window,
            probe: PROBES && options.probe != ArpProbe::Off,
            declines: options.declines,
            after_declines: options.after_declines,
            deadline: options.timeout,
            ..dhcp::Config::new(mac)
        };
        *client = dhcp::Client::new(&config).ok();
        Self {
            client,
            raw: RawOptions::new(raw),
            state: State::Off,
            probe: None,
            how: options.probe,
            offer_window: options.offer_window,
            was_bound: false,
            #[cfg(feature = "fast-start")]
            sender: None,
        }
    }

    /// When [`service`](Self::service) has something to do although no message came.
    pub fn poll_timeout(&self) -> Instant {
        if self.is_off() {
            return Instant::FAR_FUTURE;
        }
        let probe = self.probe.as_ref().map(|probe| probe.next);
        let client = self.client.as_ref().and_then(dhcp::Client::poll_timeout);
        probe
            .unwrap_or(Instant::FAR_FUTURE)
            .min(client.unwrap_or(Instant::FAR_FUTURE))
    }

    /// Whether `dhcp` was not called, or was ended.
    pub fn is_off(&self) -> bool {
        matches!(self.state, State::Off)
    }

    /// Whether there is a lease.
    pub fn is_bound(&self) -> bool {
        matches!(self.state, State::Bound)
    }

    /// Whether the address is there, and everything that may still come with it.
    pub fn is_complete(&self) -> bool {
        self.is_bound() && !self.client.as_ref().is_some_and(dhcp::Client::boot_pending)
    }

    /// What the server said, while there is a lease.
    pub fn lease(&self) -> Option<&dhcp::Lease> {
        self.client.as_ref()?.lease()
    }

    /// The interface's configuration by the lease.
    pub fn config(&self) -> Option<&NetworkConfig> {
        self.lease().map(|lease| &lease.config)
    }

    /// The servers' options by number.
    #[cfg(feature = "dhcp-options")]
    pub fn raw(&self) -> &RawOptions<'a> {
        &self.raw
    }

    /// Starts over: a first DISCOVER is sent at the next call of [`service`](Self::service). The interface has no address.
    pub fn start<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        mut rng: &mut dyn RngCore,
        goal: DhcpGoal,
    ) {
        stack.link.watch(None);
        self.probe = None;
        self.was_bound = false;
        self.raw.clear();
        match self.client {
            Some(client) => {
                client.set_offer_window(match goal {
                    DhcpGoal::Address => Duration::ZERO,
                    DhcpGoal::BootFiles => self.offer_window,
                });
                client.start(now, &mut rng);
                self.state = State::Acquiring;
            }
            None => self.state = State::Failed(DhcpError::Config),
        }
    }

    /// Gives the address back and stops.
    pub fn end<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        rng: &mut dyn RngCore,
    ) {
        if self.is_bound() {
            if let Some(client) = self.client {
                client.release(now);
            }
            self.send(stack, now, rng);
        }
        self.state = State::Off;
        self.probe = None;
        stack.link.watch(None);
    }

    /// Address of whoever sent the last message: the server, or the router that relays for it.
    #[cfg(feature = "fast-start")]
    pub fn sender(&self) -> Option<Ipv4Addr> {
        self.sender
    }

    /// Takes in a message from `from`. [`next_change`](Self::next_change) and [`send`](Self::send) then have the results.
    #[inline(never)]
    pub fn receive(
        &mut self,
        now: Instant,
        mut rng: &mut dyn RngCore,
        from: Ipv4Addr,
        message: &[u8],
    ) {
        let off = self.is_off();
        let Some(client) = self.client.as_mut().filter(|_| !off) else {
            return;
        };
        match client.handle(now, &mut rng, from, message) {
            Ok(taken) => {
                #[cfg(feature = "fast-start")]
                {
                    self.sender = Some(from);
                }
                if cfg!(feature = "dhcp-options") {
                    // What the client could read can be read once more.
                    let _ = self.raw.keep(taken, message);
                }
            }
            Err(error) => debug!("dhcp: message from {from} ignored: {error}"),
        }
    }

    /// Takes in timeouts. [`next_change`](Self::next_change) and [`send`](Self::send) then have the results.
    #[inline(never)]
    pub fn service<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        mut rng: &mut dyn RngCore,
    ) {
        let Some(client) = self.client else {
            return;
        };
        if client.poll_timeout().is_some_and(|at| at <= now) {
            client.handle_timeout(now, &mut rng);
        }
        self.service_probe(stack, now);
    }

    /// Acts on what the client reports, and tells what concerns the interface. Call until `None`.
    #[inline(never)]
    pub fn next_change<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        mut rng: &mut dyn RngCore,
    ) -> Option<Change> {
        for _ in 0..BUDGET {
            match self.client.as_mut()?.poll(now)? {
                Event::ProbeAddress(address) => match self.how {
                    ArpProbe::On { count, .. } if PROBES => {
                        stack.link.watch(Some(address));
                        self.probe = Some(Probe {
                            address,
                            left: count,
                            next: now,
                        });
                        self.service_probe(stack, now);
                    }
                    ArpProbe::On { .. } | ArpProbe::Off => self.probe_result(now, None),
                },
                Event::Bound => {
                    self.state = State::Bound;
                    self.was_bound = true;
                    return Some(Change::Bound);
                }
                Event::BootInfo => return Some(Change::Updated),
                Event::Renewed => {
                    debug!("dhcp: lease renewed");
                    return Some(Change::Updated);
                }
                Event::Lost(reason) => {
                    warn!("dhcp: lease lost: {reason:?}");
                    self.state = State::Acquiring;
                    return Some(Change::Lost);
                }
                Event::Failed(error) => {
                    warn!("dhcp: {error}");
                    if !self.was_bound {
                        self.state = State::Failed(error);
                    } else if let Some(client) = self.client {
                        client.start(now, &mut rng);
                    }
                }
            }
        }
        None
    }

    fn probe_result(&mut self, now: Instant, conflict: Option<Mac>) {
        if let Some(client) = self.client {
            client.probe_result(now, conflict);
            if conflict.is_some() && client.has_declined_enough() {
                warn!("dhcp: too many addresses are in use; the next one is not probed");
            }
        }
    }

    /// Sends the next probe, or ends the probing with its result.
    fn service_probe<D: Device>(&mut self, stack: &mut Stack<'_, D>, now: Instant) {
        let ArpProbe::On { interval, .. } = self.how else {
            return;
        };
        if !PROBES {
            return;
        }
        let Some(probe) = &mut self.probe else {
            return;
        };
        let conflict = stack.link.conflict();
        if conflict.is_none() && now < probe.next {
            return;
        }
        if conflict.is_none() && probe.left > 0 {
            probe.left -= 1;
            probe.next = now + interval;
            stack.link.send_arp(Ipv4Addr::UNSPECIFIED, probe.address);
            return;
        }
        if let Some(mac) = conflict {
            warn!("dhcp: {} is in use by {}", probe.address, Shown(mac));
        }
        self.probe = None;
        stack.link.watch(None);
        self.probe_result(now, conflict);
    }

    /// Sends what is due.
    #[inline(never)]
    pub fn send<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        mut rng: &mut dyn RngCore,
    ) {
        for _ in 0..BUDGET {
            if !stack.link.can_send() {
                return;
            }
            let mut message = [0; MESSAGE_MAX];
            let Some(client) = self.client else {
                return;
            };
            let Some(out) = client.poll_transmit(now, &mut rng, &mut message) else {
                return;
            };
            let from = (Some(out.source.into()), CLIENT_PORT);
            let to = (out.destination.into(), out.destination_port);
            let message = message.get(..out.len).unwrap_or_default();
            stack.link.send_datagram(now, from, to, message);
        }
    }

    /// Says what the log tells of a new lease.
    pub fn tell(&self) {
        if let Some(config) = self.config() {
            info!("dhcp: {}/{}", config.address, config.prefix_len);
        }
    }
}
