//! The commands.

use crate::error::NetError;
use crate::fetch::{Fetch, Stop, deliver};
#[cfg(feature = "ping")]
use crate::link::echo_len;
use crate::options::NetworkOptions;
use crate::resources::{Buffers, Slots};
use crate::stack::Stack;
#[cfg(any(feature = "fast-start", feature = "negotiate"))]
use crate::station::Internal;
#[cfg(feature = "dns")]
use crate::station::Names;
#[cfg(not(feature = "ipv6"))]
use crate::station::State;
#[cfg(feature = "ping")]
use crate::station::ping;
#[cfg(feature = "script")]
use crate::station::resolve;
#[cfg(feature = "ipv6")]
use crate::station::{Ipv6, Lease6};
use crate::station::{Lease, Station, StationParts, Step};
use crate::transfer::carrier::Carrier;
#[cfg(feature = "http")]
use crate::transfer::http::{Connection, Http, tcp_socket};
use crate::transfer::table::Carriers;
use crate::transfer::tftp::Tftp;
#[cfg(feature = "script")]
use core::net::IpAddr;
use log::{debug, info};
#[cfg(any(feature = "script", feature = "bootstore"))]
use netboot_core::DeviceInfo;
#[cfg(feature = "script")]
use netboot_core::uri::Scheme;
use netboot_core::uri::Uri;
use netboot_core::{Device, Duration, Instant, Platform};
use netboot_dhcp as dhcp;
#[cfg(feature = "dhcp-options")]
use netboot_dhcp::RawOptions;
#[cfg(feature = "bootstore")]
use netboot_ipxe::Conversation;
#[cfg(any(feature = "script", feature = "bootstore"))]
use netboot_ipxe::InterfaceInfo;
#[cfg(feature = "dhcp-options")]
use netboot_ipxe::OptionScope;
#[cfg(feature = "negotiate")]
use netboot_ipxe::ServerInfo;
#[cfg(all(feature = "script", feature = "ipv6"))]
use netboot_ipxe::script::Configurator;
use netboot_ipxe::{
    Deliver, DhcpGoal, ExecError, ImageHandle, IpxeInterface, LoadedImage, NetworkConfig, Part,
    Route, short_name,
};
#[cfg(feature = "syslog")]
use netboot_ipxe::{Severity, WriteLine};
use rand_core::RngCore;

/// Longest time that opening a transfer ahead may take: the caller has other things to look after.
#[cfg(feature = "fast-start")]
const PATIENCE: Duration = Duration::from_millis(500);
/// How long such a transfer counts. A TFTP server repeats its answer to the request after 1 to 5 s, and gives up after 5
/// repetitions or more; HTTP servers wait for a minute and more.
#[cfg(feature = "fast-start")]
const KEEP: Duration = Duration::from_secs(3);

/// The network of a station: a device, a platform, and every buffer of the stack.
///
/// One transfer is open at a time. `D` and `P` are the board's; the buffers come from
/// [`Buffers`] and [`Slots`], with `TCP` chosen by the integrator.
pub struct Network<'a, D: Device, P: Platform> {
    station: Station<'a, (D, P)>,
    fetch: Fetch<'a, (D, P)>,
    /// Identifies the open transfer; handles with another id are stale.
    id: u32,
    /// The families of addresses that the options allow. A script may use one of them alone.
    #[cfg(all(feature = "script", feature = "ipv6"))]
    families: crate::options::Families,
}

impl<'a, D: Device, P: Platform> Network<'a, D, P> {
    /// Takes the device into use. No frame is sent before the first command.
    // Inlined, so that the parts are made where the whole will lie and not on the stack first.
    #[inline(always)]
    pub fn new<const TCP: usize, const OPTIONS: usize>(
        device: D,
        #[cfg_attr(
            not(feature = "http"),
            expect(unused_mut, reason = "TCP wants random numbers")
        )]
        mut platform: P,
        buffers: &'a mut Buffers<TCP, OPTIONS>,
        slots: &'a mut Slots<'a>,
        options: NetworkOptions,
    ) -> Self {
        const {
            assert!(
                D::HELD_FRAMES > 0,
                "Device::HELD_FRAMES is 0: TFTP reads each block in a frame that the device keeps (Device::hold)"
            );
        }
        let mac = device.info().mac;
        #[cfg(feature = "http")]
        let (seed, now) = (platform.rng().next_u64(), platform.now());
        let vlan = options.vlan;
        #[cfg(all(feature = "script", feature = "ipv6"))]
        let families = options.families;
        let waiting = &mut buffers.waiting;
        #[cfg_attr(
            not(feature = "http"),
            expect(unused_mut, reason = "sockets are added")
        )]
        let mut stack = Stack::new(
            device,
            vlan,
            waiting,
            #[cfg(feature = "http")]
            (seed, now, &mut slots.sockets[..]),
        );
        #[cfg(feature = "http")]
        let tcp = stack.add(tcp_socket(&mut buffers.tcp_rx, &mut buffers.tcp_tx));
        // Each part is made in its place: a part with a name of its own would lie on the stack as well.
        Self {
            fetch: Fetch::new(Carriers::new(
                Tftp::new(options.tftp),
                #[cfg(feature = "http")]
                Http::new(Connection::new(tcp), options.http),
            )),
            station: Station::new(StationParts {
                platform,
                lease: Lease::new(
                    &mut slots.dhcp,
                    mac,
                    &mut buffers.dhcp_options,
                    &options.dhcp,
                ),
                #[cfg(feature = "ipv6")]
                ipv6: Ipv6::new(
                    mac,
                    &options.dhcp,
                    Lease6::new(
                        &mut slots.dhcp6,
                        mac,
                        &mut buffers.dhcp6_options,
                        &options.dhcp,
                    ),
                ),
                options,
                stack,
                #[cfg(feature = "dns")]
                names: Names::new([
                    &mut slots.resolver,
                    #[cfg(feature = "ipv6")]
                    &mut slots.resolver6,
                ]),
            }),
            id: 0,
            #[cfg(all(feature = "script", feature = "ipv6"))]
            families,
        }
    }

    /// Makes `https` possible. Without it such URIs are refused.
    #[cfg(feature = "https")]
    pub fn use_tls(&mut self, tls: &'a mut crate::Tls<'a>) {
        self.fetch.carriers.http.use_tls(tls);
    }

    /// Makes it possible that one HTTP transfer uses `1 + N` connections: up to four in all, and as many as
    /// [`HttpOptions::connections`](crate::HttpOptions::connections) allows.
    #[cfg(feature = "parallel")]
    #[inline(never)]
    pub fn use_lanes<const TCP: usize, const N: usize>(
        &mut self,
        lanes: &'a mut crate::Lanes<TCP, N>,
    ) {
        let crate::Lanes { rx, tx } = lanes;
        let http = &mut self.fetch.carriers.http;
        for (rx, tx) in rx.iter_mut().zip(tx) {
            if http.has_room() {
                let socket = self.station.stack.add(tcp_socket(rx, tx));
                http.add(Connection::new(socket));
            }
        }
    }

    /// Makes `ubp` possible. Without it such URIs are refused.
    #[cfg(feature = "ubp")]
    pub fn use_ubp(&mut self, ubp: &'a mut crate::Ubp<'a>) {
        self.fetch.carriers.ubp = Some(ubp);
    }

    /// Lets `carrier` fetch the URIs of private schemes, whose names begin with `x-`
    /// ([`Uri::scheme_name`](netboot_core::Uri::scheme_name)). There is one such carrier.
    pub fn use_carrier(&mut self, carrier: &'a mut dyn Carrier<(D, P)>) {
        self.fetch.carriers.private = Some(carrier);
    }

    /// The board's platform.
    pub fn platform(&mut self) -> &mut P {
        &mut self.station.platform
    }

    /// The board's device.
    pub fn device(&mut self) -> &mut D {
        self.station.device()
    }

    /// The lease, while there is one.
    pub fn lease(&self) -> Option<&dhcp::Lease> {
        self.station.lease.lease()
    }

    /// The options of the DHCP servers' messages by number, in their raw form.
    #[cfg(feature = "dhcp-options")]
    pub fn dhcp_options(&self) -> &RawOptions<'a> {
        self.station.lease.raw()
    }

    /// The options of the DHCPv6 servers' messages by number, in their raw form.
    #[cfg(all(feature = "dhcp-options", feature = "ipv6"))]
    pub fn dhcp6_options(&self) -> &crate::RawOptions6<'a> {
        self.station.ipv6.raw()
    }

    /// Receives, answers, and keeps lease and connections alive: one bounded round, for callers that
    /// have a loop of their own.
    pub fn poll(&mut self) {
        let now = self.station.service();
        self.fetch.carriers.linger(&mut self.station, now);
    }

    /// Makes one HTTP request and reads its whole answer into `buffer`. Redirects are not followed. An open transfer is closed.
    ///
    /// # Errors
    /// When the server cannot be reached or its answer cannot be read, [`NetError::AnswerTooLong`] when the answer is longer than
    /// `buffer`. A status that means failure is no error: the answer has it.
    #[cfg(feature = "exchange")]
    pub fn exchange<'b>(
        &mut self,
        request: &crate::ExchangeRequest<'_>,
        buffer: &'b mut [u8],
    ) -> Result<crate::Answer<'b>, NetError> {
        self.id = self.id.wrapping_add(1);
        let Self { station, fetch, .. } = self;
        fetch.close(station);
        fetch
            .carriers
            .http
            .exchange(station, request, buffer)
            .map_err(|failed| station.take_error(failed))
    }

    /// Opens a transfer for which nobody has asked yet, within `patience`. Handles given out so far are void.
    #[cfg(any(feature = "fast-start", feature = "negotiate"))]
    #[inline(never)]
    fn open_early(&mut self, uri: &Uri, part: Option<Part>, patience: Duration) -> Internal {
        self.id = self.id.wrapping_add(1);
        let deadline = self.station.deadline;
        let now = self.station.now();
        self.station.deadline = deadline.min(now + patience);
        let opened = self.fetch.open(&mut self.station, uri, part);
        self.station.deadline = deadline;
        #[cfg(feature = "fast-start")]
        if opened.is_ok() {
            self.fetch.is_early(now + KEEP);
        }
        opened
    }

    /// Whether the open transfer is this one, opened before anybody asked for it.
    #[cfg(feature = "fast-start")]
    fn is_ahead(&mut self, uri: &Uri, part: Option<Part>) -> bool {
        let now = self.station.now();
        self.fetch.is_ahead(uri, part, now)
    }

    #[cfg(not(feature = "fast-start"))]
    fn is_ahead(&mut self, _: &Uri, _: Option<Part>) -> bool {
        false
    }

    /// Refuses a handle of a transfer that is not the present one.
    fn check(&self, handle: &ImageHandle) -> Result<(), NetError> {
        (handle.id == self.id)
            .then_some(())
            .ok_or(NetError::StaleHandle)
    }
}

impl<D: Device, P: Platform> IpxeInterface for Network<'_, D, P> {
    type Error = NetError;

    fn now(&mut self) -> Instant {
        self.station.now()
    }

    fn random(&mut self) -> u32 {
        self.station.platform.rng().next_u32()
    }

    fn set_deadline(&mut self, deadline: Instant) {
        self.station.deadline = deadline;
    }

    #[inline(never)]
    fn dhcp(&mut self, goal: DhcpGoal) -> Result<&NetworkConfig, NetError> {
        let station = &mut self.station;
        #[cfg(feature = "robust")]
        if let Err(failed) = station.spread_start() {
            return Err(station.take_error(failed));
        }
        #[cfg(feature = "ipv6")]
        let result = station.acquire(goal);
        #[cfg(not(feature = "ipv6"))]
        let result = {
            station.start_lease(goal);
            let limit = station.now() + station.options.dhcp.timeout;
            station.run(limit, NetError::DhcpTimeout, |station, _| {
                match station.lease.state {
                    State::Failed(error) => Err(station.fail(error.into())),
                    State::Bound if station.lease.is_complete() => Ok(Step::Done(())),
                    State::Off | State::Acquiring | State::Bound => Ok(Step::WAIT),
                }
            })
        };
        if let Err(failed) = result {
            let error = station.take_error(failed);
            station.end_lease();
            return Err(error);
        }
        // What was learned on the way is told before anybody is spoken to.
        #[cfg(feature = "fast-start")]
        station.service();
        station.config().ok_or(NetError::NotConfigured)
    }

    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), NetError> {
        let station = &mut self.station;
        #[cfg(all(feature = "bootstore", feature = "ipv6"))]
        if config.address.is_ipv6() {
            return match station.configure_ipv6(config) {
                Ok(()) => Ok(()),
                Err(failed) => Err(station.take_error(failed)),
            };
        }
        station.end_lease();
        station.configure(config)
    }

    fn config(&self) -> Option<&NetworkConfig> {
        self.station.config()
    }

    #[cfg(feature = "ipv6")]
    fn other_config(&self) -> Option<&NetworkConfig> {
        let [_, other] = self.station.configs();
        other
    }

    fn route(&mut self, route: &Route) -> Result<(), NetError> {
        self.station.add_route(route)
    }

    #[inline(never)]
    fn imgfetch(
        &mut self,
        uri: &Uri,
        name: Option<&str>,
        part: Option<Part>,
    ) -> Result<ImageHandle, NetError> {
        debug!("imgfetch {uri}");
        self.id = self.id.wrapping_add(1);
        if !self.is_ahead(uri, part)
            && let Err(failed) = self.fetch.open(&mut self.station, uri, part)
        {
            self.fetch.close(&mut self.station);
            return Err(self.station.take_error(failed));
        }
        // After redirects it is where it really is.
        let uri = self.fetch.uri.as_ref().unwrap_or(uri);
        Ok(ImageHandle {
            name: short_name(name.unwrap_or_else(|| uri.last_segment())),
            uri: uri.clone(),
            size: self.fetch.size,
            id: self.id,
        })
    }

    #[cfg(feature = "fast-start")]
    #[inline(never)]
    fn prefetch(&mut self, uri: &Uri, part: Option<Part>) {
        #[cfg(feature = "https")]
        if self.id == 0 && uri.scheme() == netboot_core::uri::Scheme::Https {
            // A handshake may take longer than there is patience for, and would have to be made again.
            return;
        }
        debug!("prefetch {uri}");
        let _ = self.open_early(uri, part, PATIENCE);
    }

    #[cfg(feature = "negotiate")]
    #[inline(never)]
    fn probe(&mut self, uri: &Uri, patience: Duration) -> Result<ServerInfo, NetError> {
        debug!("probe {uri}");
        if let Err(failed) = self.open_early(uri, None, patience) {
            self.fetch.close(&mut self.station);
            return Err(self.station.take_error(failed));
        }
        Ok(self.fetch.carriers.offer(self.fetch.size))
    }

    #[inline(never)]
    fn imgload<'h>(&mut self, handle: &'h ImageHandle) -> Result<LoadedImage<'h>, NetError> {
        self.check(handle)?;
        match self.fetch.measure(&mut self.station) {
            Ok(size) => Ok(LoadedImage { handle, size }),
            Err(failed) => Err(self.station.take_error(failed)),
        }
    }

    fn imgexec(
        &mut self,
        image: LoadedImage<'_>,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<NetError>> {
        self.check(image.handle).map_err(ExecError::Transfer)?;
        let Self { station, fetch, .. } = self;
        match deliver(fetch, station, image.size, delivery) {
            Ok(()) => Ok(()),
            Err(Stop::Net(failed)) => Err(ExecError::Transfer(station.take_error(failed))),
            Err(Stop::Refused(failed)) => Err(ExecError::Refused(station.take_error(failed))),
            Err(Stop::Sink) => Err(ExecError::Sink),
        }
    }

    #[cfg(any(feature = "script", feature = "bootstore"))]
    fn interface(&mut self) -> Option<InterfaceInfo> {
        let device = self.station.device();
        let DeviceInfo { mac, mtu, .. } = device.info();
        Some(InterfaceInfo {
            mac,
            mtu: u16::try_from(mtu).unwrap_or(u16::MAX),
            link: Some(device.link_up()),
        })
    }

    #[cfg(feature = "bootstore")]
    fn converse(&mut self, with: &mut dyn Conversation) -> Option<Result<(), NetError>> {
        let Self { station, fetch, .. } = self;
        self.id = self.id.wrapping_add(1);
        fetch.close(station);
        let spoken = station.converse(with);
        Some(spoken.map_err(|failed| station.take_error(failed)))
    }

    #[cfg(feature = "bootstore")]
    fn use_vlan(&mut self, vlan: Option<u16>) -> bool {
        let Self { station, fetch, .. } = self;
        let vlan = vlan.or(station.options.vlan);
        if station.stack.link.egress.vlan != vlan {
            fetch.close(station);
            fetch.carriers.disconnect(station);
            station.end_lease();
            station.deconfigure();
            // The neighbours of one VLAN are not those of another.
            station.stack.link.egress.forget();
            station.stack.link.egress.vlan = vlan;
        }
        true
    }

    #[cfg(feature = "script")]
    fn nslookup(&mut self, host: &str) -> Option<Result<IpAddr, NetError>> {
        let uri = match Uri::from_parts(Scheme::Http, host, None, "") {
            Ok(uri) => uri,
            Err(error) => return Some(Err(error.into())),
        };
        let found = resolve(&mut self.station, &uri);
        Some(found.map_err(|failed| self.station.take_error(failed)))
    }

    #[cfg(feature = "ping")]
    fn neighbor(&self, nth: usize) -> Option<(IpAddr, [u8; 6])> {
        self.station.stack.link.egress.neighbor(nth)
    }

    #[cfg(feature = "ping")]
    fn ping(
        &mut self,
        to: IpAddr,
        sequence: u16,
        octets: u16,
        patience: Duration,
    ) -> Option<Result<u16, NetError>> {
        let station = &mut self.station;
        if echo_len(to, octets) > station.stack.mtu().into() {
            return None;
        }
        let answer = ping(station, to, sequence, octets, patience);
        Some(answer.map_err(|failed| station.take_error(failed)))
    }

    #[cfg(feature = "dhcp-options")]
    fn dhcp_option(&self, scope: OptionScope, code: u16) -> Option<&[u8]> {
        let lease = &self.station.lease;
        match scope {
            OptionScope::Dhcp => lease.raw().get(dhcp::Scope::Dhcp, code.try_into().ok()?),
            OptionScope::Proxy => lease.raw().get(dhcp::Scope::Proxy, code.try_into().ok()?),
            #[cfg(feature = "ipv6")]
            OptionScope::Dhcp6 => self.station.ipv6.raw().get(code),
            #[cfg(not(feature = "ipv6"))]
            OptionScope::Dhcp6 => None,
        }
    }

    #[cfg(feature = "script")]
    fn interruptible(&mut self, yes: bool) {
        self.station.interruptible = yes;
    }

    #[cfg(all(feature = "script", feature = "ipv6"))]
    fn use_family(&mut self, only: Option<Configurator>) -> bool {
        use crate::options::Families;
        let all = self.families;
        let (speaks, families) = match only {
            None => (true, all),
            Some(Configurator::Dhcp) => (all.has_ipv4(), Families::Ipv4),
            Some(Configurator::Ipv6) => (all.has_ipv6(), Families::Ipv6),
        };
        if speaks {
            self.station.options.families = families;
        }
        speaks
    }

    #[cfg(feature = "exchange")]
    fn post(
        &mut self,
        request: &netboot_ipxe::Post<'_>,
        answer: &mut [u8],
    ) -> Option<Result<netboot_ipxe::Posted, NetError>> {
        let request = crate::ExchangeRequest {
            method: netboot_http::Method::Post,
            uri: request.uri,
            accept: request.accept,
            media_type: request.media_type,
            body: request.body,
            protection: request.protection,
        };
        Some(
            self.exchange(&request, answer)
                .map(|answer| netboot_ipxe::Posted {
                    status: answer.status,
                    media_type: answer.media_type.as_str().try_into().unwrap_or_default(),
                    len: answer.body.len(),
                    retry_after: answer.retry_after,
                }),
        )
    }

    #[cfg(feature = "exchange")]
    fn accept_any_server(&mut self, yes: bool) {
        #[cfg(feature = "https")]
        self.fetch.carriers.http.accept_any_server(yes);
        #[cfg(not(feature = "https"))]
        let _ = yes;
    }

    #[cfg(feature = "exchange")]
    fn secret(&mut self, octets: &mut [u8]) -> bool {
        let rng = self.station.platform().secret_rng();
        rng.is_some_and(|rng| rng.try_fill_bytes(octets).is_ok())
    }

    fn echo(&mut self, message: &str) {
        info!("{message}");
    }

    #[cfg(feature = "syslog")]
    fn syslog(&mut self, severity: Severity, id: &str, write: WriteLine<'_>) {
        self.station.syslog(severity, id, write);
    }

    fn sleep(&mut self, span: Duration) -> Result<(), NetError> {
        let Self { station, fetch, .. } = self;
        let until = station.now() + span;
        let slept = station.run(Instant::FAR_FUTURE, NetError::Deadline, |station, now| {
            // A datagram that is read by nobody would keep everything behind it waiting.
            fetch.carriers.linger(station, now);
            Ok(Step::until(now, until))
        });
        slept.map_err(|failed| station.take_error(failed))
    }

    fn exit(&mut self) {
        self.fetch.close(&mut self.station);
        self.fetch.carriers.disconnect(&mut self.station);
        self.station.end_lease();
        self.station.flush();
        self.station.deconfigure();
    }
}
