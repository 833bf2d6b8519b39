//! The commands.

use crate::error::NetError;
use crate::fetch::{Fetch, Stop, deliver};
use crate::options::NetworkOptions;
use crate::resources::{Buffers, Slots};
use crate::stack::Stack;
#[cfg(feature = "dns")]
use crate::station::Names;
use crate::station::{Lease, State, Station, StationParts, Step};
use crate::transfer::carrier::Carrier;
#[cfg(feature = "http")]
use crate::transfer::http::{Connection, Http, tcp_socket};
use crate::transfer::table::Carriers;
use crate::transfer::tftp::Tftp;
use heapless::String;
use log::{debug, info};
use netboot_core::uri::Uri;
use netboot_core::{Device, Duration, Instant, Platform};
use netboot_dhcp as dhcp;
#[cfg(feature = "dhcp-options")]
use netboot_dhcp::RawOptions;
use netboot_ipxe::{
    Deliver, DhcpGoal, ExecError, ImageHandle, IpxeInterface, LoadedImage, NAME_LEN, NetworkConfig,
    Part, Route,
};
use rand_core::RngCore;
use smoltcp::socket::udp;

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
}

impl<'a, D: Device, P: Platform> Network<'a, D, P> {
    /// Takes the device into use. No frame is sent before the first command.
    // Inlined, so that the parts are made where the whole will lie and not on the stack first.
    #[inline(always)]
    pub fn new<const TCP: usize, const OPTIONS: usize>(
        device: D,
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
        let (seed, now) = (platform.rng().next_u64(), platform.now());
        let vlan = options.vlan;
        let waiting = &mut buffers.waiting;
        let mut stack = Stack::new(device, vlan, waiting, seed, now, &mut slots.sockets[..]);
        let tftp = stack.add(sending(&mut slots.udp_tx, &mut buffers.udp_tx));
        let dhcp = stack.add(sending(&mut slots.dhcp_tx, &mut buffers.dhcp_tx));
        #[cfg(feature = "dns")]
        let dns = stack.add(sending(&mut slots.dns_tx, &mut buffers.dns_tx));
        #[cfg(feature = "http")]
        let tcp = stack.add(tcp_socket(&mut buffers.tcp_rx, &mut buffers.tcp_tx));
        // Each part is made in its place: a part with a name of its own would lie on the stack as well.
        Self {
            fetch: Fetch::new(Carriers::new(
                Tftp::new(tftp, options.tftp),
                #[cfg(feature = "http")]
                Http::new(Connection::new(tcp), options.http),
            )),
            station: Station::new(StationParts {
                platform,
                lease: Lease::new(
                    &mut slots.dhcp,
                    mac,
                    dhcp,
                    &mut buffers.dhcp_options,
                    &options.dhcp,
                ),
                options,
                stack,
                #[cfg(feature = "dns")]
                names: Names::new(dns, &mut slots.resolver),
            }),
            id: 0,
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

    fn set_deadline(&mut self, deadline: Instant) {
        self.station.deadline = deadline;
    }

    #[inline(never)]
    fn dhcp(&mut self, goal: DhcpGoal) -> Result<&NetworkConfig, NetError> {
        let station = &mut self.station;
        station.start_lease(goal);
        let limit = station.now() + station.options.dhcp.timeout;
        let result = station.run(limit, NetError::DhcpTimeout, |station, _| {
            match station.lease.state {
                State::Failed(error) => Err(station.fail(error.into())),
                State::Bound if station.lease.is_complete() => Ok(Step::Done(())),
                State::Off | State::Acquiring | State::Bound => Ok(Step::WAIT),
            }
        });
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
        station.end_lease();
        station.configure(config)
    }

    fn config(&self) -> Option<&NetworkConfig> {
        self.station.config()
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
            name: short_name(name.unwrap_or_else(|| last_segment(uri.path()))),
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
        // Handles given out so far are void.
        self.id = self.id.wrapping_add(1);
        let deadline = self.station.deadline;
        let now = self.station.now();
        self.station.deadline = deadline.min(now + PATIENCE);
        let opened = self.fetch.open(&mut self.station, uri, part);
        self.station.deadline = deadline;
        if opened.is_ok() {
            self.fetch.is_early(now + KEEP);
        }
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

    fn echo(&mut self, message: &str) {
        info!("{message}");
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

/// Makes a socket that only sends: what comes is read where the device put it.
fn sending<'a>(slots: &'a mut [udp::PacketMetadata], buffer: &'a mut [u8]) -> udp::Socket<'a> {
    udp::Socket::new(
        udp::PacketBuffer::new(&mut [][..], &mut [][..]),
        udp::PacketBuffer::new(slots, buffer),
    )
}

/// The name of a file in a path.
fn last_segment(path: &str) -> &str {
    let after = path.bytes().rposition(|octet| octet == b'/');
    path.get(after.map_or(0, |at| at.saturating_add(1))..)
        .unwrap_or(path)
}

/// As much of `name` as fits.
fn short_name(name: &str) -> String<NAME_LEN> {
    let (short, _) = name.split_at(name.floor_char_boundary(NAME_LEN));
    short.try_into().unwrap_or_default()
}
