//! smoltcp's interface and sockets, and nothing else.
//!
//! Each socket belongs to whoever opened it: the owner keeps the [`SocketHandle`] and asks for the socket when it needs it. No
//! deadline, no lease and no policy lives here.

use crate::link::Link;
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::net::{Prefix, Route};
use netboot_core::{Device, Instant};
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, PollResult, SocketSet, SocketStorage,
};
#[cfg(feature = "dns")]
use smoltcp::socket::dns;
#[cfg(feature = "http")]
use smoltcp::socket::tcp;
use smoltcp::socket::{AnySocket, udp};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, Ipv4Cidr};

pub(crate) use smoltcp::iface::SocketHandle;

/// Rounds of sending in one call.
const EGRESS_BUDGET: usize = 16;

/// Gives smoltcp's clock for ours.
pub(crate) fn timestamp(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

/// Gives smoltcp's span for ours.
#[cfg(feature = "http")]
pub(crate) fn span(duration: netboot_core::Duration) -> smoltcp::time::Duration {
    smoltcp::time::Duration::from_micros(duration.as_micros())
}

/// A route cannot be set: the table is full, or the families of its addresses differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteRefused;

/// The IP stack on its link.
pub(crate) struct Stack<'a, D: Device> {
    pub link: Link<D>,
    iface: Interface,
    sockets: SocketSet<'a>,
}

impl<'a, D: Device> Stack<'a, D> {
    /// Makes a stack without an address. `seed` is for the stack's own random numbers.
    pub fn new(device: D, seed: u64, now: Instant, storage: &'a mut [SocketStorage<'a>]) -> Self {
        let mut link = Link::new(device);
        let mut config = Config::new(HardwareAddress::Ethernet(link.mac()));
        config.random_seed = seed;
        let iface = Interface::new(config, &mut link, timestamp(now));
        Self {
            link,
            iface,
            sockets: SocketSet::new(storage),
        }
    }

    /// Adds a socket; there is storage for each that this crate opens.
    pub fn add<T: AnySocket<'a>>(&mut self, socket: T) -> SocketHandle {
        self.sockets.add(socket)
    }

    /// The UDP socket of this handle.
    pub fn udp(&mut self, handle: SocketHandle) -> &mut udp::Socket<'a> {
        self.sockets.get_mut(handle)
    }

    /// The TCP socket of this handle.
    #[cfg(feature = "http")]
    pub fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'a> {
        self.sockets.get_mut(handle)
    }

    /// The TCP socket of this handle, to be looked at.
    #[cfg(feature = "parallel")]
    pub fn tcp_ref(&self, handle: SocketHandle) -> &tcp::Socket<'a> {
        self.sockets.get(handle)
    }

    /// Sends the request for a TCP connection (RFC 9293); `false` when nobody can be reached at that address.
    #[cfg(feature = "http")]
    pub fn connect(&mut self, handle: SocketHandle, to: (IpAddr, u16), port: u16) -> bool {
        let socket: &mut tcp::Socket<'_> = self.sockets.get_mut(handle);
        let (IpAddr::V4(address), remote_port) = to else {
            return false;
        };
        let remote = (IpAddress::Ipv4(address), remote_port);
        socket.connect(self.iface.context(), remote, port).is_ok()
    }

    /// The DNS socket of this handle, and the interface that its queries need.
    #[cfg(feature = "dns")]
    pub fn dns(&mut self, handle: SocketHandle) -> (&mut dns::Socket<'a>, &mut Interface) {
        (self.sockets.get_mut(handle), &mut self.iface)
    }

    /// Receives and answers at most one frame; `false` when none had arrived.
    pub fn receive_one(&mut self, now: Instant) -> bool {
        let result =
            self.iface
                .poll_ingress_single(timestamp(now), &mut self.link, &mut self.sockets);
        !matches!(result, PollIngressSingleResult::None)
    }

    /// Sends what the sockets hold.
    #[inline(never)]
    pub fn flush(&mut self, now: Instant) {
        for _ in 0..EGRESS_BUDGET {
            let result = self
                .iface
                .poll_egress(timestamp(now), &mut self.link, &mut self.sockets);
            if matches!(result, PollResult::None) {
                break;
            }
        }
    }

    /// Does what is due without a frame: fragments and neighbours that grew old.
    pub fn maintain(&mut self, now: Instant) {
        self.iface.poll_maintenance(timestamp(now));
    }

    /// When a timer of the stack is due; `None` when there is none.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let at = self.iface.poll_at(timestamp(now), &self.sockets)?;
        Some(Instant::from_micros(
            u64::try_from(at.total_micros()).unwrap_or(0),
        ))
    }

    /// Sets the station's address, if it is not set already: smoltcp forgets all neighbours whenever the list is touched, and may
    /// then not ask for them again for a second.
    pub fn set_address(&mut self, address: Ipv4Addr, prefix_len: u8) {
        let cidr = IpCidr::Ipv4(Ipv4Cidr::new(address, prefix_len.min(32)));
        if self.iface.ip_addrs() != [cidr] {
            self.iface.update_ip_addrs(|addresses| {
                addresses.clear();
                // The list was just emptied and has room for one.
                let _ = addresses.push(cidr);
            });
        }
        self.link.address = Some(address);
    }

    /// Takes the station's address and all routes away.
    pub fn clear(&mut self) {
        self.iface.update_ip_addrs(heapless::Vec::clear);
        self.clear_routes();
        self.link.address = None;
    }

    /// Forgets the hardware addresses of all neighbours.
    pub fn forget_neighbors(&mut self) {
        // An update, even one that changes nothing, empties smoltcp's neighbour cache.
        self.iface.update_ip_addrs(|_| ());
    }

    /// Takes all routes away.
    pub fn clear_routes(&mut self) {
        self.iface.routes_mut().update(heapless::Vec::clear);
    }

    /// Adds a route, or replaces the one to the same destination. The caller has checked that the gateway is a neighbour.
    #[inline(never)]
    pub fn add_route(&mut self, route: &Route) -> Result<(), RouteRefused> {
        let Prefix {
            address: IpAddr::V4(network),
            len: len @ 0..=32,
        } = route.destination
        else {
            return Err(RouteRefused);
        };
        // smoltcp sends nothing directly to an address outside of its own network.
        let Some(IpAddr::V4(gateway)) = route.gateway else {
            return Err(RouteRefused);
        };
        let cidr = IpCidr::Ipv4(Ipv4Cidr::new(network, len).network());
        let mut fits = true;
        self.iface.routes_mut().update(|table| {
            table.retain(|old| old.cidr != cidr);
            let entry = smoltcp::iface::Route {
                cidr,
                via_router: IpAddress::Ipv4(gateway),
                preferred_until: None,
                expires_at: None,
            };
            fits = table.push(entry).is_ok();
        });
        fits.then_some(()).ok_or(RouteRefused)
    }
}
