//! smoltcp's interface and sockets, and the one call that keeps all of them going.

use crate::lease::{Lease, State};
use crate::link::Link;
use crate::resources::{Buffers, Slots};
use crate::{NetError, NetworkOptions};
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::{Device, Duration, Instant, Platform};
use netboot_ipxe::{NetworkConfig, Route};
use rand_core::RngCore;
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet,
};
#[cfg(feature = "dns")]
use smoltcp::socket::dns;
#[cfg(feature = "http")]
use smoltcp::socket::tcp;
use smoltcp::socket::udp;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, Ipv4Cidr};

/// Frames looked at in one service call: a flood cannot keep the caller from its deadline.
const INGRESS_BUDGET: usize = 8;
/// Rounds of sending in one service call.
const EGRESS_BUDGET: usize = 16;
/// How long frames may wait in the device for the sink: longer than a device of 1,000 octets a second needs for
/// a block, shorter than neighbours go on asking for our hardware address.
const LEAVE_AT_MOST: Duration = Duration::from_millis(2000);
/// While datagrams are read in place, everything else gets its turn so often.
const ROUND: Duration = Duration::from_millis(1);
/// First ephemeral port (RFC 6335, section 6).
const EPHEMERAL: u16 = 49152;

/// smoltcp's clock for ours.
pub(crate) fn timestamp(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

/// smoltcp's span for ours.
#[cfg(feature = "http")]
pub(crate) fn span(duration: Duration) -> smoltcp::time::Duration {
    smoltcp::time::Duration::from_micros(duration.as_micros())
}

/// A TCP socket with these buffers.
#[cfg(feature = "http")]
#[cfg_attr(not(feature = "parallel"), inline(always))]
fn tcp_socket<'a>(rx: &'a mut [u8], tx: &'a mut [u8]) -> tcp::Socket<'a> {
    let mut socket = tcp::Socket::new(tcp::SocketBuffer::new(rx), tcp::SocketBuffer::new(tx));
    // A boot client sends one request and waits: nothing is gained by holding segments back.
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket
}

/// An error on its way up. The error itself lies in the stack ([`Stack::take_error`]): a `Result` with
/// all its facts, copied at each `?`, would take kilobytes of flash.
#[derive(Debug)]
pub(crate) struct Failed;

/// A result inside this crate.
pub(crate) type Internal<T = ()> = Result<T, Failed>;

/// What a step of a wait came to.
pub(crate) enum Step<T> {
    /// The wait is over.
    Done(T),
    /// Not yet; look again at this instant at the latest.
    Again(Instant),
}

impl<T> Step<T> {
    /// Not yet; only a frame or one of the stack's own timers can change that.
    pub const WAIT: Self = Step::Again(Instant::FAR_FUTURE);
}

/// The IP stack with its sockets.
pub(crate) struct Stack<'a, D: Device, P: Platform> {
    pub platform: P,
    pub options: NetworkOptions,
    pub link: Link<D>,
    pub iface: Interface,
    pub sockets: SocketSet<'a>,
    pub tftp: SocketHandle,
    pub dhcp: SocketHandle,
    #[cfg(feature = "dns")]
    dns: SocketHandle,
    /// Of the connection that is looked at.
    #[cfg(feature = "http")]
    tcp: SocketHandle,
    /// Of all connections, the first one first.
    #[cfg(feature = "parallel")]
    lanes: heapless::Vec<SocketHandle, { crate::transfer::LANES }>,
    /// The lease and its upkeep, while `dhcp` is in charge of the address.
    pub lease: Lease,
    /// What the interface is set to.
    pub config: Option<NetworkConfig>,
    /// TFTP windowsize to ask for: what the last transfer showed to fit, at most the option's.
    #[cfg(feature = "resume")]
    pub windowsize: u16,
    /// Which of the configured routers is the default one.
    pub router: usize,
    /// On the way to the last one that was spoken to.
    #[cfg(feature = "ahead")]
    pub asked: Option<Ipv4Addr>,
    /// Commands end by then.
    pub deadline: Instant,
    /// The channel for `https`, if there is to be one.
    #[cfg(feature = "https")]
    pub tls: Option<&'a mut crate::Tls<'a>>,
    /// The error behind the last [`Failed`].
    error: Option<NetError>,
    /// Since when frames are left in the device because one is being read in place.
    full_since: Option<Instant>,
    /// When everything gets its turn at the latest.
    pub round_at: Instant,
}

impl<'a, D: Device, P: Platform> Stack<'a, D, P> {
    #[inline(never)]
    pub fn new<const TCP: usize>(
        device: D,
        mut platform: P,
        buffers: &'a mut Buffers<TCP>,
        slots: &'a mut Slots<'a>,
        options: NetworkOptions,
    ) -> Self {
        let mut link = Link::new(device);
        let mut config = Config::new(HardwareAddress::Ethernet(link.mac()));
        config.random_seed = platform.rng().next_u64();
        let now = platform.now();
        let iface = Interface::new(config, &mut link, timestamp(now));
        let mut sockets = SocketSet::new(&mut slots.sockets[..]);
        let tftp = sockets.add(udp::Socket::new(
            // What comes is read where the device put it.
            udp::PacketBuffer::new(&mut [][..], &mut [][..]),
            udp::PacketBuffer::new(&mut slots.udp_tx[..], &mut buffers.udp_tx[..]),
        ));
        let dhcp = sockets.add(udp::Socket::new(
            udp::PacketBuffer::new(&mut slots.dhcp_rx[..], &mut buffers.dhcp_rx[..]),
            udp::PacketBuffer::new(&mut slots.dhcp_tx[..], &mut buffers.dhcp_tx[..]),
        ));
        #[cfg(feature = "dns")]
        let dns = sockets.add(dns::Socket::new(&[], &mut slots.dns_query[..]));
        #[cfg(feature = "http")]
        let tcp = sockets.add(tcp_socket(&mut buffers.tcp_rx, &mut buffers.tcp_tx));
        let lease = Lease::new(link.mac().0, &options);
        Self {
            platform,
            options,
            link,
            iface,
            sockets,
            tftp,
            dhcp,
            #[cfg(feature = "dns")]
            dns,
            #[cfg(feature = "http")]
            tcp,
            #[cfg(feature = "parallel")]
            lanes: heapless::Vec::from_array([tcp]),
            lease,
            config: None,
            #[cfg(feature = "resume")]
            windowsize: options.tftp_windowsize,
            router: 0,
            #[cfg(feature = "ahead")]
            asked: None,
            deadline: Instant::FAR_FUTURE,
            #[cfg(feature = "https")]
            tls: None,
            error: None,
            full_since: None,
            round_at: Instant::ZERO,
        }
    }

    /// Puts an error down, for the token to be passed up.
    #[inline(never)]
    pub fn fail(&mut self, error: NetError) -> Failed {
        self.error = Some(error);
        Failed
    }

    /// The error behind a [`Failed`].
    pub fn error(&self) -> Option<&NetError> {
        self.error.as_ref()
    }

    /// The error behind a [`Failed`], to be given to the caller.
    pub fn take_error(&mut self, _: Failed) -> NetError {
        // There is always one: `Failed` is only made by `fail`.
        self.error.take().unwrap_or(NetError::StaleHandle)
    }

    pub fn tftp(&mut self) -> &mut udp::Socket<'a> {
        self.sockets.get_mut(self.tftp)
    }

    pub fn dhcp(&mut self) -> &mut udp::Socket<'a> {
        self.sockets.get_mut(self.dhcp)
    }

    #[cfg(feature = "dns")]
    pub fn dns(&mut self) -> (&mut dns::Socket<'a>, &mut Interface) {
        (self.sockets.get_mut(self.dns), &mut self.iface)
    }

    #[cfg(feature = "http")]
    pub fn tcp(&mut self) -> &mut tcp::Socket<'a> {
        self.sockets.get_mut(self.tcp)
    }

    #[cfg(feature = "http")]
    pub fn tcp_with_iface(&mut self) -> (&mut tcp::Socket<'a>, &mut Interface) {
        (self.sockets.get_mut(self.tcp), &mut self.iface)
    }

    /// Adds a connection's socket, unless there are as many as there may be.
    #[cfg(feature = "parallel")]
    pub fn add_lane(&mut self, rx: &'a mut [u8], tx: &'a mut [u8]) {
        if self.lanes.is_full() {
            return;
        }
        let handle = self.sockets.add(tcp_socket(rx, tx));
        let _ = self.lanes.push(handle);
    }

    /// Connections that there are sockets for.
    #[cfg(feature = "parallel")]
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Makes [`tcp`](Self::tcp) the socket of this connection.
    #[cfg(feature = "parallel")]
    pub fn select_lane(&mut self, lane: u8) {
        if let Some(handle) = self.lanes.get(usize::from(lane)) {
            self.tcp = *handle;
        }
    }

    /// Octets of the smallest receive buffer of all connections.
    #[cfg(feature = "parallel")]
    pub fn lane_buffer(&self) -> usize {
        let sockets = self.lanes.iter().map(|handle| {
            let socket: &tcp::Socket<'_> = self.sockets.get(*handle);
            socket.recv_capacity()
        });
        sockets.min().unwrap_or(0)
    }

    /// Resets all connections.
    #[cfg(feature = "parallel")]
    pub fn abort_lanes(&mut self) {
        for handle in &self.lanes {
            let socket: &mut tcp::Socket<'_> = self.sockets.get_mut(*handle);
            socket.abort();
        }
    }

    /// A random port for a new connection, which no other connection has.
    #[cfg(feature = "parallel")]
    pub fn tcp_port(&mut self) -> u16 {
        const TRIES: usize = 8;
        let mut port = 0;
        for _ in 0..TRIES {
            port = self.ephemeral_port();
            let taken = self.lanes.iter().any(|handle| {
                let socket: &tcp::Socket<'_> = self.sockets.get(*handle);
                socket.local_endpoint().is_some_and(|own| own.port == port)
            });
            if !taken {
                break;
            }
        }
        port
    }

    #[cfg(feature = "https")]
    pub fn tcp_and_tls(&mut self) -> (&mut tcp::Socket<'a>, Option<&mut crate::Tls<'a>>) {
        (self.sockets.get_mut(self.tcp), self.tls.as_deref_mut())
    }

    /// Receives, answers, sends and keeps the lease; bounded work. Returns the time it ran at.
    #[inline(never)]
    pub fn service(&mut self) -> Instant {
        let now = self.platform.now();
        let at = timestamp(now);
        // Before frames are taken: what the sink has used up since opens TCP's window, and one acknowledgment tells of both.
        self.flush_at(at);
        for _ in 0..INGRESS_BUDGET {
            if self.leave_frames(now) {
                break;
            }
            let result = self
                .iface
                .poll_ingress_single(at, &mut self.link, &mut self.sockets);
            if matches!(result, PollIngressSingleResult::None) {
                break;
            }
            if self.link.hold() {
                if now < self.round_at {
                    return now;
                }
                break;
            }
        }
        if now >= self.round_at || self.lease.state != State::Bound || self.dhcp().can_recv() {
            self.round_at = now + ROUND;
            self.service_lease(now);
        }
        self.iface.poll_maintenance(at);
        now
    }

    /// Whether frames are better left in the device's ring: one is being read in place. A TFTP window is no larger than
    /// the ring, so nothing is lost there. When the sink is stuck for longer, ARP and the lease go before the blocks.
    fn leave_frames(&mut self, now: Instant) -> bool {
        if !self.link.holds() {
            self.full_since = None;
            return false;
        }
        let since = *self.full_since.get_or_insert(now);
        now.since(since) < LEAVE_AT_MOST
    }

    /// Sends what the sockets hold.
    pub fn flush(&mut self) {
        let now = self.platform.now();
        self.flush_at(timestamp(now));
    }

    #[inline(never)]
    fn flush_at(&mut self, at: smoltcp::time::Instant) {
        for _ in 0..EGRESS_BUDGET {
            let result = self
                .iface
                .poll_egress(at, &mut self.link, &mut self.sockets);
            if matches!(result, PollResult::None) {
                break;
            }
        }
    }

    /// Idles until `until`, or until the stack has something to do.
    pub fn idle(&mut self, now: Instant, until: Instant) {
        let mut wake = until.min(self.deadline).min(self.lease.poll_timeout());
        if let Some(at) = self.iface.poll_at(timestamp(now), &self.sockets) {
            let at = u64::try_from(at.total_micros()).unwrap_or(0);
            wake = wake.min(Instant::from_micros(at));
        }
        if wake > now {
            self.platform.idle(wake);
        } else {
            // Something is due at once: a socket that waits for a neighbour, or for a free buffer.
            self.platform.idle(now + Duration::from_micros(1));
        }
    }

    /// Serves the network until `step` has a result; fails at `limit` with `late`, or at the
    /// caller's deadline. `step` is called after each round and says when it wants the next one, if no
    /// frame comes before.
    pub fn run<T>(
        &mut self,
        limit: Instant,
        late: NetError,
        mut step: impl FnMut(&mut Self, Instant) -> Internal<Step<T>>,
    ) -> Internal<T> {
        loop {
            let now = self.service();
            let again = match step(self, now)? {
                Step::Done(done) => return Ok(done),
                Step::Again(at) => at,
            };
            if now >= self.deadline {
                return Err(self.fail(NetError::Deadline));
            }
            if now >= limit {
                return Err(self.fail(late));
            }
            self.idle(now, limit.min(again));
        }
    }

    /// A random port for a new conversation.
    pub fn ephemeral_port(&mut self) -> u16 {
        EPHEMERAL | (self.platform.rng().next_u32() as u16 & (EPHEMERAL ^ u16::MAX))
    }

    /// Sets address, routes and DNS servers.
    #[inline(never)]
    pub fn configure(&mut self, config: &NetworkConfig) {
        let cidr = IpCidr::Ipv4(Ipv4Cidr::new(config.address, config.prefix_len.min(32)));
        // smoltcp forgets all neighbours whenever the list is touched, and may then not ask for them
        // again for a second.
        if self.iface.ip_addrs() != [cidr] {
            self.iface.update_ip_addrs(|addresses| {
                addresses.clear();
                // The list was just emptied and has room for one.
                let _ = addresses.push(cidr);
            });
        }
        self.router = 0;
        self.iface.routes_mut().remove_default_ipv4_route();
        if let Some(router) = config.routers.first() {
            let _ = self.iface.routes_mut().add_default_ipv4_route(*router);
        }
        #[cfg(feature = "dns")]
        self.set_dns_servers(&config.dns);
        self.link.address = Some(config.address);
        self.config = Some(config.clone());
    }

    /// Takes the address away, and all routes with it.
    pub fn deconfigure(&mut self) {
        self.iface.update_ip_addrs(heapless::Vec::clear);
        self.iface.routes_mut().update(heapless::Vec::clear);
        self.link.address = None;
        self.config = None;
    }

    /// Nothing comes through: the hardware addresses in mind may be wrong, and the router may be dead
    /// (RFC 1122, sections 2.3.2.1 and 3.3.1.4).
    pub fn suspect_path(&mut self) {
        // An update, even one that changes nothing, empties smoltcp's neighbour cache.
        self.iface.update_ip_addrs(|_| ());
        self.next_router();
    }

    /// Makes the next configured router the default one.
    fn next_router(&mut self) {
        let Some(config) = &self.config else { return };
        let count = config.routers.len();
        if count < 2 {
            return;
        }
        self.router = self.router.saturating_add(1);
        if self.router >= count {
            self.router = 0;
        }
        if let Some(router) = config.routers.get(self.router) {
            let _ = self.iface.routes_mut().add_default_ipv4_route(*router);
        }
    }

    /// Adds or replaces a route.
    pub fn add_route(&mut self, route: Route) -> Result<(), NetError> {
        let own = self.own_network().ok_or(NetError::NotConfigured)?;
        if !own.contains_addr(&route.gateway) || route.prefix_len > 32 {
            return Err(NetError::BadRoute);
        }
        if route.prefix_len == 0 {
            return self
                .iface
                .routes_mut()
                .add_default_ipv4_route(route.gateway)
                .map(|_| ())
                .map_err(|_| NetError::BadRoute);
        }
        let cidr = IpCidr::Ipv4(Ipv4Cidr::new(route.destination, route.prefix_len).network());
        let mut fits = true;
        self.iface.routes_mut().update(|table| {
            table.retain(|old| old.cidr != cidr);
            let entry = smoltcp::iface::Route {
                cidr,
                via_router: IpAddress::Ipv4(route.gateway),
                preferred_until: None,
                expires_at: None,
            };
            fits = table.push(entry).is_ok();
        });
        fits.then_some(()).ok_or(NetError::BadRoute)
    }

    fn own_network(&self) -> Option<Ipv4Cidr> {
        let config = self.config.as_ref()?;
        Some(Ipv4Cidr::new(config.address, config.prefix_len.min(32)))
    }

    /// Whether a peer's address can be spoken to with what is configured.
    pub fn check_address(&mut self, address: IpAddr) -> Internal<Ipv4Addr> {
        if self.config.is_none() {
            return Err(self.fail(NetError::NotConfigured));
        }
        let everybody = self.own_network().and_then(|own| own.broadcast());
        match address {
            IpAddr::V4(v4)
                if v4.is_unspecified()
                    || v4.is_multicast()
                    || v4.is_broadcast()
                    || Some(v4) == everybody =>
            {
                Err(self.fail(NetError::BadAddress))
            }
            IpAddr::V4(v4) => Ok(v4),
            IpAddr::V6(_) => Err(self.fail(NetError::AddressFamily)),
        }
    }
}
