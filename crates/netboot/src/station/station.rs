//! The one loop that everything waits in.

use super::address::{self, Addressing, ConfigSource};
#[cfg(feature = "ipv6")]
use super::ipv6::Ipv6;
use super::lease::{Change, Lease, State};
#[cfg(feature = "dns")]
use super::names::Names;
#[cfg(feature = "syslog")]
use super::pace::Pace;
use super::step::Step;
use crate::board::Board;
use crate::error::NetError;
use crate::link::{Service, ip_of};
use crate::options::NetworkOptions;
use crate::stack::Stack;
use core::fmt;
use core::net::IpAddr;
use log::warn;
use netboot_core::net::{NetworkConfig, Route};
use netboot_core::{Device, Duration, Instant, Platform};
#[cfg(feature = "dns")]
use netboot_dns::RecordType;
use netboot_ipxe::DhcpGoal;
use rand_core::RngCore;

/// Frames looked at in one service call: a flood cannot keep the caller from its deadline.
const INGRESS_BUDGET: usize = 8;
/// Changes of the lease in one service call.
const CHANGES: usize = 4;
/// How long frames may wait in the device for the sink: longer than a device of 1,000 octets a second needs for a block, shorter
/// than neighbours go on asking for our hardware address.
const LEAVE_AT_MOST: Duration = Duration::from_millis(2000);
/// While datagrams are read in place, everything else gets its turn this often.
const ROUND: Duration = Duration::from_millis(1);
/// First ephemeral port (RFC 6335, section 6).
const EPHEMERAL: u16 = 49152;

/// An error on its way up. The error itself lies with the station: a `Result` with all its facts, copied at each `?`, would take
/// kilobytes of flash. Only [`Station::fail`] makes one.
#[derive(Debug)]
pub struct Failed(());

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the command failed; the station has the error")
    }
}

impl core::error::Error for Failed {}

/// A result whose error lies with the [`Station`].
pub type Internal<T = ()> = Result<T, Failed>;

/// A station on the network: what transfers need of the world around them.
///
/// A [carrier](crate::carrier::Carrier) that is not of this crate uses the public methods.
pub struct Station<'a, B: Board> {
    pub(crate) platform: B::Platform,
    pub(crate) options: NetworkOptions,
    pub(crate) stack: Stack<'a, B::Device>,
    pub(crate) lease: Lease<'a>,
    /// Where the interface's configuration lies.
    pub(super) source: ConfigSource,
    pub(super) addressing: Addressing,
    /// IPv6.
    #[cfg(feature = "ipv6")]
    pub(crate) ipv6: Ipv6<'a>,
    /// What is known of names.
    #[cfg(feature = "dns")]
    pub(crate) names: Names<'a>,
    /// The pace of the log.
    #[cfg(feature = "syslog")]
    pub(crate) pace: Pace,
    /// Commands end by then.
    pub(crate) deadline: Instant,
    /// The error behind the last [`Failed`].
    error: Option<NetError>,
    /// Since when frames are left in the device because one is being read in place.
    full_since: Option<Instant>,
    /// When everything gets its turn at the latest.
    round_at: Instant,
    /// Set while a person may end a command.
    #[cfg(feature = "script")]
    pub(crate) interruptible: bool,
    /// Set while shorter packets are asked for than the network has told.
    pub(crate) shortened: bool,
    /// Set when the host that was looked for last has an address of IPv6.
    #[cfg(feature = "ipv6")]
    pub(super) peer_is_ipv6: bool,
}

/// What a station is made of.
pub(crate) struct StationParts<'a, B: Board> {
    pub platform: B::Platform,
    pub options: NetworkOptions,
    pub stack: Stack<'a, B::Device>,
    pub lease: Lease<'a>,
    #[cfg(feature = "ipv6")]
    pub ipv6: Ipv6<'a>,
    #[cfg(feature = "dns")]
    pub names: Names<'a>,
}

impl<'a, B: Board> Station<'a, B> {
    #[inline(always)]
    pub(crate) fn new(parts: StationParts<'a, B>) -> Self {
        Self {
            platform: parts.platform,
            options: parts.options,
            stack: parts.stack,
            lease: parts.lease,
            source: ConfigSource::None,
            addressing: Addressing::new(),
            #[cfg(feature = "ipv6")]
            ipv6: parts.ipv6,
            #[cfg(feature = "dns")]
            names: parts.names,
            #[cfg(feature = "syslog")]
            pace: Pace::new(),
            deadline: Instant::FAR_FUTURE,
            error: None,
            full_since: None,
            #[cfg(feature = "script")]
            interruptible: false,
            round_at: Instant::ZERO,
            shortened: false,
            #[cfg(feature = "ipv6")]
            peer_is_ipv6: false,
        }
    }

    /// Tells the time.
    pub fn now(&mut self) -> Instant {
        self.platform.now()
    }

    /// The board's platform, for random numbers.
    pub fn platform(&mut self) -> &mut B::Platform {
        &mut self.platform
    }

    /// The configuration of the interface; `None` while there is no address. Of two families it is the one that names boot files,
    /// and the preferred one when both do or none.
    pub fn config(&self) -> Option<&NetworkConfig> {
        let [first, _] = self.configs();
        first
    }

    /// The configurations of the interface, one for each family of addresses: the one that [`config`](Self::config) gives, and the other one.
    #[cfg_attr(feature = "ipv6", inline(never))]
    #[cfg_attr(not(feature = "ipv6"), inline(always))]
    pub(crate) fn configs(&self) -> [Option<&NetworkConfig>; 2] {
        let ipv4 = present(&self.source, &self.lease);
        #[cfg(feature = "ipv6")]
        {
            let configs = match self.options.families.prefers_ipv6() {
                true => [self.ipv6.config(), ipv4],
                false => [ipv4, self.ipv6.config()],
            };
            let [first, second] = configs;
            let knows =
                |config: Option<&NetworkConfig>| config.map(|config| config.boot.is_known());
            match (knows(first), knows(second)) {
                (None, _) | (Some(false), Some(true)) => [second, first],
                _ => configs,
            }
        }
        #[cfg(not(feature = "ipv6"))]
        [ipv4, None]
    }

    /// The configuration by which the station speaks to `address`.
    fn config_for(&self, address: IpAddr) -> Option<&NetworkConfig> {
        let [first, second] = self.configs();
        let fits = |config: &&NetworkConfig| config.address.is_ipv4() == address.is_ipv4();
        first.filter(fits).or(second.filter(fits)).or(first)
    }

    /// Keeps an error, for the token to be passed up.
    #[inline(never)]
    pub fn fail(&mut self, error: NetError) -> Failed {
        self.error = Some(error);
        Failed(())
    }

    /// The error behind a [`Failed`].
    pub(crate) fn error(&self) -> Option<&NetError> {
        self.error.as_ref()
    }

    /// The error behind a [`Failed`], for the caller of a command.
    pub(crate) fn take_error(&mut self, _: Failed) -> NetError {
        // `Failed` is only made together with an error.
        self.error.take().unwrap_or(NetError::Internal)
    }

    /// Receives, answers, sends and keeps the lease; bounded work. Returns the time it ran at.
    #[inline(never)]
    pub fn service(&mut self) -> Instant {
        self.platform.alive();
        let now = self.platform.now();
        // Before frames are taken: what the sink has used up since opens TCP's window, and one acknowledgment tells of both.
        self.stack.flush(now);
        for _ in 0..INGRESS_BUDGET {
            if self.leave_frames(now) {
                break;
            }
            let (lease, platform) = (&mut self.lease, &mut self.platform);
            #[cfg(feature = "ipv6")]
            let ipv6 = &mut self.ipv6;
            #[cfg(feature = "dns")]
            let names = &mut self.names;
            let mut messages = false;
            let mut take = |service, (from, _port), message: &[u8]| match service {
                Service::Dhcp => {
                    if let IpAddr::V4(from) = ip_of(from) {
                        lease.receive(now, platform.rng(), from, message);
                    }
                    messages = true;
                }
                #[cfg(feature = "ipv6")]
                Service::Router(envelope) => {
                    ipv6.receive(now, platform.rng(), &envelope, message);
                    messages = true;
                }
                #[cfg(feature = "ipv6")]
                Service::Dhcp6 => {
                    ipv6.receive_message(now, platform.rng(), from, message);
                    messages = true;
                }
                #[cfg(feature = "dns")]
                Service::Dns => names.receive(now, platform.rng(), (from, _port), message),
            };
            if !self.stack.receive_one(now, &mut take) {
                break;
            }
            if messages {
                // What it asks for is done before the next one comes.
                self.round_at = now;
            }
            if self.stack.link.hold() {
                if now < self.round_at {
                    return now;
                }
                break;
            }
        }
        self.stack.link.service(now);
        if now >= self.round_at || self.config().is_none() {
            self.round_at = now + ROUND;
            self.service_lease(now);
            #[cfg(feature = "ipv6")]
            if self.ipv6.service(&mut self.stack, now, self.platform.rng()) && !self.shortened {
                // A path that took no long packets takes none because a router says what the link takes.
                self.follow_mtu();
            }
        }
        now
    }

    /// Whether the time has come at which everything gets its turn.
    pub(crate) fn round_is_due(&self, now: Instant) -> bool {
        now >= self.round_at
    }

    /// Whether frames are better left in the device's ring, because one is being read in place. A TFTP window is no larger than
    /// the ring, so nothing is lost there. When the sink is stuck for longer, ARP and the lease go before the blocks.
    fn leave_frames(&mut self, now: Instant) -> bool {
        if !self.stack.link.holds() {
            self.full_since = None;
            return false;
        }
        let since = *self.full_since.get_or_insert(now);
        now.since(since) < LEAVE_AT_MOST
    }

    /// Sends what the sockets hold.
    pub fn flush(&mut self) {
        let now = self.platform.now();
        self.stack.flush(now);
    }

    /// Idles until `until`, or until the stack has something to do.
    pub fn idle(&mut self, now: Instant, until: Instant) {
        let mut wake = until.min(self.deadline).min(self.lease.poll_timeout());
        #[cfg(feature = "ipv6")]
        {
            wake = wake.min(self.ipv6.poll_timeout());
        }
        if let Some(at) = self.stack.poll_timeout(now) {
            wake = wake.min(at);
        }
        if wake > now {
            self.platform.idle(wake);
        } else {
            // Something is due at once: a socket that waits for a neighbour, or for a free buffer.
            self.platform.idle(now + Duration::from_micros(1));
        }
    }

    /// Serves the network until `step` has a result. `step` is called after each round and says when it wants the next one, if no
    /// frame comes before.
    ///
    /// # Errors
    /// What `step` fails with; `late` when `limit` comes first; [`NetError::Deadline`] when the caller's deadline does.
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
            #[cfg(feature = "script")]
            if self.interruptible && self.platform.interrupted() {
                return Err(self.fail(NetError::Interrupted));
            }
            self.idle(now, limit.min(again));
        }
    }

    /// Lets `span` pass with the network served.
    ///
    /// # Errors
    /// [`NetError::Deadline`] when the caller's deadline comes first.
    pub fn wait(&mut self, span: Duration) -> Internal {
        let until = self.platform.now() + span;
        self.run(Instant::FAR_FUTURE, NetError::Deadline, |_, now| {
            Ok(Step::until(now, until))
        })
    }

    /// Waits before the first question to anybody, as [`DhcpOptions::spread`](crate::DhcpOptions::spread) says. Later calls do not wait.
    ///
    /// # Errors
    /// [`NetError::Deadline`] when the caller's deadline comes first.
    #[cfg(feature = "robust")]
    #[inline(never)]
    pub fn spread_start(&mut self) -> Internal {
        let spread = core::mem::take(&mut self.options.dhcp.spread);
        if spread == Duration::ZERO {
            return Ok(());
        }
        let wait = spread.portion(self.platform.rng().next_u32());
        self.wait(wait)
    }

    /// Gives a random port for a new conversation.
    pub fn ephemeral_port(&mut self) -> u16 {
        EPHEMERAL | (self.platform.rng().next_u32() as u16 & (EPHEMERAL ^ u16::MAX))
    }

    /// Asks for an address: the interface has none until the lease is bound.
    pub(crate) fn start_lease(&mut self, goal: DhcpGoal) {
        let now = self.platform.now();
        self.deconfigure();
        let rng = self.platform.rng();
        self.lease.start(&mut self.stack, now, rng, goal);
    }

    /// Looks for routers, and takes an address of IPv6.
    #[cfg(feature = "ipv6")]
    pub(crate) fn start_ipv6(&mut self, goal: DhcpGoal) {
        let now = self.platform.now();
        let rng = self.platform.rng();
        self.ipv6.start(&mut self.stack, now, rng, goal);
    }

    /// Gives the address back and stops. The interface keeps its address until the release is sent.
    pub(crate) fn end_lease(&mut self) {
        let now = self.platform.now();
        let rng = self.platform.rng();
        self.lease.end(&mut self.stack, now, rng);
        #[cfg(feature = "ipv6")]
        self.end_ipv6();
    }

    /// Gives the address of IPv6 back and stops.
    #[cfg(feature = "ipv6")]
    pub(super) fn end_ipv6(&mut self) {
        let now = self.platform.now();
        self.ipv6.end(&mut self.stack, now, self.platform.rng());
    }

    /// Sets the interface up by hand.
    ///
    /// # Errors
    /// When the address, the prefix or a route cannot be used; the interface then has no address.
    pub(crate) fn configure(&mut self, config: &NetworkConfig) -> Result<(), NetError> {
        self.set_mtu(config.mtu);
        let configured = self.addressing.configure(&mut self.stack, config);
        match configured {
            Ok(false) => {
                self.source = ConfigSource::Static(config.clone());
                self.announce();
                Ok(())
            }
            Ok(true) => {
                self.deconfigure();
                Err(NetError::BadRoute)
            }
            Err(error) => Err(error),
        }
    }

    /// Adds a route.
    ///
    /// # Errors
    /// When the interface has no address, or the route cannot be used.
    pub(crate) fn add_route(&mut self, route: &Route) -> Result<(), NetError> {
        let config = present(&self.source, &self.lease);
        #[cfg(feature = "ipv6")]
        let config = match (route.destination.address, route.gateway) {
            (IpAddr::V6(_), None | Some(IpAddr::V6(_))) => self.ipv6.config(),
            _ => config,
        };
        let config = config.ok_or(NetError::NotConfigured)?;
        address::add_route(&mut self.stack, config, route)
    }

    /// Checks that a peer can be spoken to.
    pub(crate) fn approach(&mut self, address: IpAddr) -> Result<(), NetError> {
        address::check_peer(self.config_for(address), address)?;
        match self.stack.hop(address) {
            Some(_) => Ok(()),
            None => Err(NetError::NoRoute { address }),
        }
    }

    /// The kinds of addresses that the station can speak to, the preferred one first.
    #[cfg(all(feature = "dns", feature = "ipv6"))]
    pub(crate) fn families(&mut self) -> [Option<RecordType>; 2] {
        let ipv4 = present(&self.source, &self.lease).map(|_| RecordType::A);
        let ipv6 = self.ipv6.config().map(|_| RecordType::Aaaa);
        let families = match self.options.families.prefers_ipv6() {
            true => [ipv6, ipv4],
            false => [ipv4, ipv6],
        };
        for (nth, family) in families.iter().enumerate() {
            if family.is_none() {
                self.names.forget(nth);
            }
        }
        families
    }

    /// The kinds of addresses that the station can speak to.
    #[cfg(all(feature = "dns", not(feature = "ipv6")))]
    #[inline(always)]
    pub(crate) fn families(&self) -> [Option<RecordType>; 1] {
        [Some(RecordType::A)]
    }

    /// After a failure: the next address of the name that was looked for last is spoken to next. Says whether there is one, after `tried` of
    /// them failed.
    pub(crate) fn next_address(&mut self, tried: usize) -> bool {
        #[cfg(all(feature = "dns", feature = "ipv6"))]
        {
            let slow = matches!(self.error, Some(NetError::ConnectTimeout));
            let again = self.options.families.are_both();
            self.names.next_attempt(tried, slow, again)
        }
        #[cfg(all(feature = "dns", not(feature = "ipv6")))]
        {
            tried < self.names.next_address()
        }
        #[cfg(not(feature = "dns"))]
        {
            let _ = tried;
            false
        }
    }

    /// Takes the address away, and all routes with it.
    pub(crate) fn deconfigure(&mut self) {
        self.stack.clear();
        self.source = ConfigSource::None;
    }

    /// Waits for another address when the lease was lost.
    pub(crate) fn await_lease(&mut self) -> Internal {
        let waits = matches!(self.lease.state, State::Acquiring);
        // The other family may serve meanwhile.
        #[cfg(feature = "ipv6")]
        let waits = waits && self.ipv6.config().is_none();
        if !waits {
            return Ok(());
        }
        let limit = self.platform.now() + self.options.dhcp.timeout;
        self.run(limit, NetError::DhcpTimeout, |station, _| {
            Ok(match station.lease.state {
                State::Acquiring => Step::WAIT,
                _ => Step::Done(()),
            })
        })
    }

    #[inline(never)]
    fn service_lease(&mut self, now: Instant) {
        if self.lease.is_off() {
            return;
        }
        self.lease
            .service(&mut self.stack, now, self.platform.rng());
        for _ in 0..CHANGES {
            let rng = self.platform.rng();
            match self.lease.next_change(&mut self.stack, now, rng) {
                None => break,
                Some(Change::Lost) => self.deconfigure(),
                Some(Change::Updated) => self.apply_lease(),
                Some(Change::Bound) => {
                    self.apply_lease();
                    self.follow_mtu();
                    self.lease.tell();
                    self.announce();
                }
            }
        }
        self.lease.send(&mut self.stack, now, self.platform.rng());
    }

    /// Sets the interface up as the lease says.
    #[inline(never)]
    fn apply_lease(&mut self) {
        self.source = ConfigSource::Lease;
        let Some(config) = self.lease.config() else {
            return;
        };
        if let Err(error) = self.addressing.configure(&mut self.stack, config) {
            warn!("dhcp: the lease cannot be used: {error}");
        }
    }

    /// Tells the neighbours of the new address of IPv4, and asks for whoever told it.
    fn announce(&mut self) {
        let config = present(&self.source, &self.lease);
        let Some(IpAddr::V4(own)) = config.map(|config| config.address) else {
            return;
        };
        self.stack.link.send_arp(own, own);
        #[cfg(feature = "fast-start")]
        if let Some(server) = self.lease.sender() {
            self.stack.link.send_arp(own, server);
        }
    }
}

impl<B: Board> Station<'_, B> {
    /// The board's device.
    pub(crate) fn device(&mut self) -> &mut B::Device {
        self.stack.link.device()
    }

    /// Number of frames that the device can receive before somebody polls.
    pub(crate) fn rx_ring(&mut self) -> usize {
        self.device().info().rx_ring
    }
}

/// The configuration of the interface.
pub(super) fn present<'c>(
    source: &'c ConfigSource,
    lease: &'c Lease<'_>,
) -> Option<&'c NetworkConfig> {
    match source {
        ConfigSource::None => None,
        ConfigSource::Lease => lease.config(),
        ConfigSource::Static(config) => Some(config),
    }
}
