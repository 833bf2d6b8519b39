//! The commands.

#[cfg(feature = "staging")]
use crate::fetch::staged;
use crate::fetch::{Fetch, wait_for};
use crate::lease::State;
use crate::stack::{Stack, Step};
use crate::{Buffers, NetError, NetworkOptions, Slots};
use heapless::String;
use log::{debug, info};
use netboot_core::uri::Uri;
use netboot_core::{Device, Duration, ImageSink, Instant, Platform};
use netboot_dhcp as dhcp;
use netboot_ipxe::{
    Delivery, ExecError, ImageHandle, IpxeInterface, LoadedImage, NAME_LEN, NetworkConfig, Part,
    Protocol, Route,
};

/// How long it may take to open a transfer ahead: the caller has other things to look after.
#[cfg(feature = "ahead")]
const PATIENCE: Duration = Duration::from_millis(500);
/// How long such a transfer counts. A TFTP server repeats its answer to the request after 1 to 5 s, and gives up after 5
/// repetitions or more; HTTP servers wait for a minute and more.
#[cfg(feature = "ahead")]
const KEEP: Duration = Duration::from_secs(3);

/// The network of a station: a device, a platform, and every buffer of the stack.
///
/// One transfer is open at a time. `D` and `P` are the board's; the buffers come from
/// [`Buffers`] and [`Slots`], with `TCP` chosen by the integrator.
pub struct Network<'a, D: Device, P: Platform> {
    stack: Stack<'a, D, P>,
    fetch: Fetch,
    /// Of the transfer that is open.
    id: u32,
    /// It was opened before it was asked for, and counts until then.
    #[cfg(feature = "ahead")]
    ahead_until: Instant,
}

impl<'a, D: Device, P: Platform> Network<'a, D, P> {
    /// Takes the device into use. No frame is sent before the first command.
    #[inline(never)]
    pub fn new<const TCP: usize>(
        device: D,
        platform: P,
        buffers: &'a mut Buffers<TCP>,
        slots: &'a mut Slots<'a>,
        options: NetworkOptions,
    ) -> Self {
        Self {
            stack: Stack::new(device, platform, buffers, slots, options),
            fetch: Fetch::new(),
            id: 0,
            #[cfg(feature = "ahead")]
            ahead_until: Instant::ZERO,
        }
    }

    /// Makes `https` possible. Without it such URIs are refused.
    #[cfg(feature = "https")]
    pub fn use_tls(&mut self, tls: &'a mut crate::Tls<'a>) {
        self.stack.tls = Some(tls);
    }

    /// Makes it possible that one HTTP transfer uses `1 + N` connections: up to four in all, and as many as
    /// [`NetworkOptions::connections`] allows.
    #[cfg(feature = "parallel")]
    #[inline(never)]
    pub fn use_lanes<const TCP: usize, const N: usize>(
        &mut self,
        lanes: &'a mut crate::Lanes<TCP, N>,
    ) {
        let crate::Lanes { rx, tx } = lanes;
        for (rx, tx) in rx.iter_mut().zip(tx) {
            self.stack.add_lane(rx, tx);
        }
    }

    /// The board's platform.
    pub fn platform(&mut self) -> &mut P {
        &mut self.stack.platform
    }

    /// The board's device.
    pub fn device(&mut self) -> &mut D {
        self.stack.link.device()
    }

    /// Everything that the DHCP server said, while there is a lease.
    pub fn lease(&self) -> Option<&dhcp::Lease> {
        self.stack.lease.lease()
    }

    /// The present configuration of the interface.
    pub fn config(&self) -> Option<&NetworkConfig> {
        self.stack.config.as_ref()
    }

    /// Receives, answers, and keeps lease and connections alive: one bounded round, for callers that
    /// have a loop of their own.
    pub fn poll(&mut self) {
        let now = self.stack.service();
        self.fetch.transfer.linger(&mut self.stack, now);
    }

    /// Whether the transfer that is open is this one, and no octet of it was taken.
    #[cfg(feature = "ahead")]
    fn is_ahead(&mut self, uri: &Uri, part: Option<Part>) -> bool {
        let until = core::mem::replace(&mut self.ahead_until, Instant::ZERO);
        self.stack.platform.now() < until && self.fetch.is(uri, part)
    }

    #[cfg(not(feature = "ahead"))]
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
        self.stack.platform.now()
    }

    fn set_deadline(&mut self, deadline: Instant) {
        self.stack.deadline = deadline;
    }

    #[inline(never)]
    fn dhcp(&mut self) -> Result<NetworkConfig, NetError> {
        self.stack.start_lease();
        let limit = self.stack.platform.now() + self.stack.options.dhcp.timeout;
        let result = self.stack.run(limit, NetError::DhcpTimeout, |stack, _| {
            match stack.lease.state {
                State::Failed(error) => Err(stack.fail(error.into())),
                State::Bound if stack.lease.is_complete() => Ok(Step::Done(())),
                State::Off | State::Acquiring | State::Bound => Ok(Step::WAIT),
            }
        });
        // What was learned on the way is told before anybody is spoken to.
        #[cfg(feature = "learn-neighbor")]
        self.stack.service();
        match (result, &self.stack.config) {
            (Ok(()), Some(config)) => Ok(config.clone()),
            (Ok(()), None) => Err(NetError::NotConfigured),
            (Err(failed), _) => {
                self.stack.end_lease();
                Err(self.stack.take_error(failed))
            }
        }
    }

    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), NetError> {
        let address = config.address;
        let usable = !(address.is_unspecified()
            || address.is_multicast()
            || address.is_broadcast()
            || address.is_loopback());
        if !usable || config.prefix_len == 0 || config.prefix_len > 32 {
            return Err(NetError::BadAddress);
        }
        self.stack.end_lease();
        self.stack.configure(config);
        Ok(())
    }

    fn route(&mut self, route: Route) -> Result<(), NetError> {
        self.stack.add_route(route)
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
            && let Err(failed) = self.fetch.open(&mut self.stack, uri, part)
        {
            self.fetch.transfer.close(&mut self.stack);
            return Err(self.stack.take_error(failed));
        }
        // After redirects it is where it really is.
        let uri = self.fetch.uri.as_ref().unwrap_or(uri);
        Ok(ImageHandle {
            name: short_name(name.unwrap_or_else(|| last_segment(uri.path()))),
            uri: uri.clone(),
            size: self.fetch.size,
            protocol: Protocol::from(uri.scheme()),
            id: self.id,
        })
    }

    #[cfg(feature = "ahead")]
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
        let deadline = self.stack.deadline;
        let now = self.stack.platform.now();
        self.stack.deadline = deadline.min(now + PATIENCE);
        let opened = self.fetch.open(&mut self.stack, uri, part);
        self.stack.deadline = deadline;
        if opened.is_ok() {
            self.ahead_until = now + KEEP;
            self.fetch.asked = Some(uri.clone());
        }
    }

    #[inline(never)]
    fn imgload<'s>(
        &mut self,
        handle: ImageHandle,
        staging: Option<&'s mut [u8]>,
    ) -> Result<LoadedImage<'s>, NetError> {
        self.check(&handle)?;
        let Self { stack, fetch, .. } = self;
        let size = match fetch.measure(stack) {
            Ok(size) => size,
            Err(failed) => return Err(stack.take_error(failed)),
        };
        let Some(buffer) = staging else {
            return Ok(LoadedImage {
                handle,
                size,
                staged: None,
            });
        };
        #[cfg(not(feature = "staging"))]
        {
            let _ = buffer;
            fetch.transfer.close(stack);
            Err(NetError::StagingTooSmall { size, buffer: 0 })
        }
        #[cfg(feature = "staging")]
        {
            let staged = staged::load(stack, fetch, size, buffer)?;
            Ok(LoadedImage {
                handle,
                size,
                staged: Some(staged),
            })
        }
    }

    fn imgexec<S: ImageSink>(
        &mut self,
        image: LoadedImage<'_>,
        sink: &mut S,
    ) -> Result<Delivery, ExecError<NetError, S::Error>> {
        #[cfg(feature = "staging")]
        if let Some(data) = image.staged {
            return staged::deliver(&mut self.stack, data, sink);
        }
        self.check(&image.handle).map_err(ExecError::Transfer)?;
        self.fetch.drain(&mut self.stack, image.size, sink)
    }

    fn echo(&mut self, message: &str) {
        info!("{message}");
    }

    fn sleep(&mut self, span: Duration) -> Result<(), NetError> {
        let now = self.stack.platform.now();
        self.fetch.transfer.linger(&mut self.stack, now);
        wait_for(&mut self.stack, span).map_err(|failed| self.stack.take_error(failed))
    }

    fn exit(&mut self) {
        self.fetch.transfer.close(&mut self.stack);
        self.stack.end_lease();
        #[cfg(feature = "http")]
        self.stack.tcp().abort();
        #[cfg(feature = "parallel")]
        self.stack.abort_lanes();
        self.stack.flush();
        self.stack.deconfigure();
    }
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
