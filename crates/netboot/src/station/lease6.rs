//! The DHCPv6 client on its UDP port.

use crate::options::DhcpOptions;
use crate::stack::Stack;
use core::net::{IpAddr, Ipv6Addr};
use log::{debug, warn};
use netboot_core::net::NetworkConfig;
use netboot_core::{Device, Duration, Instant};
use netboot_dhcp::v6::{Client, Config, Dhcp6Error, Event, Mode, RawOptions};
use netboot_ipxe::DhcpGoal;
use rand_core::RngCore;

/// Port of the client (RFC 8415, section 7.2).
const CLIENT_PORT: u16 = 546;
/// Octets of the longest message that the client writes.
pub(crate) const MESSAGE_MAX: usize = netboot_dhcp::v6::client::TRANSMIT_MAX;
/// Messages in one call.
const BUDGET: usize = 4;

/// How far the lease is. States are told apart by their pattern: a comparison would look into the errors.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nobody has said yet that there is a server.
    Off,
    /// The client looks for a server.
    Acquiring,
    /// There is a lease, or the facts that were asked for.
    Bound,
    /// The client gave up.
    Failed(Dhcp6Error),
}

/// The client and what goes on around it.
pub(crate) struct Lease6<'a> {
    /// `None` when the options cannot be sent, because a text is too long.
    client: &'a mut Option<Client>,
    /// The options of the servers' messages as they came; none are kept without the feature.
    raw: RawOptions<'a>,
    state: State,
    mode: Mode,
    /// Set once there was a lease since the router said so. Should it be lost, the client does not give up.
    was_bound: bool,
    offer_window: Duration,
}

impl<'a> Lease6<'a> {
    /// Makes the client of these options. Options that cannot be sent leave no client, and `start` then refuses.
    #[inline(never)]
    pub fn new(
        client: &'a mut Option<Client>,
        mac: [u8; 6],
        raw: &'a mut [u8],
        options: &DhcpOptions,
    ) -> Self {
        let config = Config {
            uuid: options.uuid,
            arch: options.arch,
            user_class: options.user_class,
            vendor_class: options.vendor_class,
            declines: options.declines,
            after_declines: options.after_declines,
            // A boot has no time for the random second of RFC 8415 (section 18.2.1). The pauses between repetitions are random.
            start_delay: Duration::ZERO,
            attempts: u8::MAX,
            deadline: options.timeout,
            ..Config::new(mac)
        };
        *client = Client::new(&config).ok();
        Self {
            client,
            raw: RawOptions::new(raw),
            state: State::Off,
            mode: Mode::Stateless,
            was_bound: false,
            offer_window: options.offer_window,
        }
    }

    /// Whether servers are asked, and have not answered yet.
    pub fn is_acquiring(&self) -> bool {
        matches!(self.state, State::Acquiring)
    }

    fn is_off(&self) -> bool {
        matches!(self.state, State::Off)
    }

    /// What the server said, while there is a lease.
    pub fn config(&self) -> Option<&NetworkConfig> {
        self.client.as_ref()?.lease().map(|lease| &lease.config)
    }

    /// The same, for what routers have told.
    pub fn config_mut(&mut self) -> Option<&mut NetworkConfig> {
        self.client.as_mut()?.config_mut()
    }

    /// The address of the lease, while there is one.
    pub fn address(&self) -> Option<Ipv6Addr> {
        self.client.as_ref()?.lease()?.address
    }

    /// The servers' options by number.
    #[cfg(feature = "dhcp-options")]
    pub fn raw(&self) -> &RawOptions<'a> {
        &self.raw
    }

    /// Whether the client asks for this already, or has it and more.
    pub fn asks_for(&self, mode: Mode) -> bool {
        // A server that has leased an address has told the rest with it. One that was asked for an address in vain may still tell the rest.
        let holds = self.mode == Mode::Stateful && matches!(self.state, State::Bound);
        !self.is_off() && (self.mode == mode || holds)
    }

    /// Asks servers for an address and all that comes with it, or for everything but an address.
    pub fn start(&mut self, now: Instant, mut rng: &mut dyn RngCore, mode: Mode, goal: DhcpGoal) {
        self.raw.clear();
        self.mode = mode;
        self.was_bound = false;
        self.state = match self.client {
            Some(client) => {
                client.set_offer_window(Some(match goal {
                    DhcpGoal::Address => Duration::ZERO,
                    DhcpGoal::BootFiles => self.offer_window,
                }));
                client.start(now, &mut rng, mode);
                State::Acquiring
            }
            None => State::Failed(Dhcp6Error::Config),
        };
    }

    /// Gives the address back and stops.
    pub fn end<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        mut rng: &mut dyn RngCore,
        own: Option<Ipv6Addr>,
    ) {
        if let Some(client) = self.client
            && matches!(self.state, State::Bound)
        {
            client.release(now, &mut rng);
            self.send(stack, now, rng, own);
        }
        self.state = State::Off;
    }

    /// Why there is no lease yet, or at all; `None` when servers were not asked.
    pub fn error(&self) -> Option<Dhcp6Error> {
        match self.state {
            State::Acquiring => self.client.as_ref().map(Client::problem),
            State::Failed(error) => Some(error),
            State::Off | State::Bound => None,
        }
    }

    /// Asks no more, unless there is a lease.
    pub fn give_up(&mut self) {
        if self.is_acquiring() {
            self.state = State::Off;
        }
    }

    /// When something is due although no message came.
    pub fn poll_timeout(&self) -> Instant {
        let client = self.client.as_ref().filter(|_| !self.is_off());
        let at = client.and_then(Client::poll_timeout);
        at.unwrap_or(Instant::FAR_FUTURE)
    }

    /// Takes in a message from `from`.
    #[inline(never)]
    pub fn receive(
        &mut self,
        now: Instant,
        mut rng: &mut dyn RngCore,
        from: IpAddr,
        message: &[u8],
    ) {
        let off = self.is_off();
        let (Some(client), IpAddr::V6(from)) = (self.client.as_mut().filter(|_| !off), from) else {
            return;
        };
        match client.handle(now, &mut rng, from, message) {
            Ok(taken) if cfg!(feature = "dhcp-options") => {
                // What the client could read can be read once more.
                let _ = self.raw.keep(taken, message);
            }
            Ok(_) => {}
            Err(error) => debug!("dhcpv6: message from {from} ignored: {error}"),
        }
    }

    /// Does what is due, and tells what the client reports. Call until `None`.
    #[inline(never)]
    pub fn next_event(&mut self, now: Instant, mut rng: &mut dyn RngCore) -> Option<Event> {
        let off = self.is_off();
        let client = self.client.as_mut().filter(|_| !off)?;
        if client.poll_timeout().is_some_and(|at| at <= now) {
            client.handle_timeout(now, &mut rng);
        }
        let event = client.poll(now)?;
        match event {
            Event::Bound | Event::Renewed => {
                self.state = State::Bound;
                self.was_bound = true;
            }
            Event::Lost(reason) => {
                warn!("dhcpv6: lease lost: {reason:?}");
                self.state = State::Acquiring;
            }
            Event::Failed(error) => {
                warn!("dhcpv6: {error}");
                if self.was_bound {
                    client.start(now, &mut rng, self.mode);
                } else {
                    self.state = State::Failed(error);
                }
            }
            Event::ProbeAddress(_) => {}
        }
        Some(event)
    }

    /// Tells the client whether another station uses the address of its lease.
    pub fn probe_result(
        &mut self,
        now: Instant,
        mut rng: &mut dyn RngCore,
        conflict: Option<[u8; 6]>,
    ) {
        if let Some(client) = self.client {
            client.probe_result(now, &mut rng, conflict);
        }
    }

    /// Sends what is due, in the name of the link-local address `own`.
    #[inline(never)]
    pub fn send<D: Device>(
        &mut self,
        stack: &mut Stack<'_, D>,
        now: Instant,
        mut rng: &mut dyn RngCore,
        own: Option<Ipv6Addr>,
    ) {
        let off = self.is_off();
        let (Some(client), Some(own), false) = (&mut self.client, own, off) else {
            return;
        };
        for _ in 0..BUDGET {
            if !stack.link.can_send() {
                return;
            }
            let mut message = [0; MESSAGE_MAX];
            let Some(out) = client.poll_transmit(now, &mut rng, &mut message) else {
                return;
            };
            let from = (Some(own.into()), CLIENT_PORT);
            let to = (out.destination.into(), out.destination_port);
            let message = message.get(..out.len).unwrap_or_default();
            stack.link.send_datagram(now, from, to, message);
        }
    }
}
