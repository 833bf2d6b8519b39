//! The IP stack on its link: addresses, routes, and TCP where the build has it.
//!
//! The [link](crate::link) has Ethernet, ARP, the routes, and UDP in both ways. smoltcp does TCP. It sees no datagrams. Each socket belongs
//! to whoever opened it: the owner keeps the handle and asks for the socket when it needs it. No deadline, no lease and no policy lives here.

#[cfg(feature = "http")]
mod ingress;
#[cfg(feature = "http")]
mod phy;
#[cfg(feature = "http")]
mod tcp;

#[cfg(feature = "http")]
use crate::link::address_of;
use crate::link::{Link, RouteRefused, TakeMessage, WAITING};
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::net::Route;
use netboot_core::{Device, DeviceInfo, Instant};
#[cfg(feature = "http")]
pub(crate) use phy::span;
#[cfg(feature = "http")]
use tcp::Tcp;
#[cfg(feature = "http")]
pub(crate) use tcp::{SocketHandle, TcpParts};

/// The IP stack on its link.
pub(crate) struct Stack<'a, D: Device> {
    pub link: Link<'a, D>,
    /// Octets of the longest IP packet that the path takes, as far as that is known.
    mtu: u16,
    #[cfg(feature = "http")]
    tcp: Tcp<'a>,
}

/// Octets of the longest IP packet that the device and the path take.
fn shorter(info: &DeviceInfo, path: u16) -> u16 {
    u16::try_from(info.mtu).unwrap_or(u16::MAX).min(path)
}

impl<'a, D: Device> Stack<'a, D> {
    /// Makes a stack without an address in this VLAN.
    // Inlined, so that it is made where it will lie and not on the stack first.
    #[inline(always)]
    pub fn new(
        device: D,
        vlan: Option<u16>,
        waiting: &'a mut [u8; WAITING],
        #[cfg(feature = "http")] tcp: TcpParts<'a>,
    ) -> Self {
        #[cfg_attr(not(feature = "http"), expect(unused_mut, reason = "TCP looks at it"))]
        let mut link = Link::new(device, vlan, waiting);
        Self {
            #[cfg(feature = "http")]
            tcp: Tcp::new(&mut link, tcp),
            link,
            mtu: u16::MAX,
        }
    }

    /// Sets the octets of the longest IP packet that the path takes. The device's own limit holds as well.
    #[inline(never)]
    pub fn set_mtu(&mut self, mtu: u16, seed: u64, now: Instant) {
        if self.mtu == mtu {
            return;
        }
        self.mtu = mtu;
        // UDP takes no notice of it: what is sent is short.
        #[cfg(feature = "http")]
        {
            self.tcp.set_mtu(&mut self.link, seed, mtu, now);
            self.refresh();
        }
        #[cfg(not(feature = "http"))]
        let _ = (seed, now);
    }

    /// Octets of the longest IP packet that the device and the path take.
    pub fn mtu(&self) -> u16 {
        shorter(&self.link.info(), self.mtu)
    }

    /// Receives and answers at most one frame; `false` when none had arrived. A message for a service goes to `take`, with address
    /// and port of its sender.
    pub fn receive_one(&mut self, now: Instant, take: TakeMessage<'_>) -> bool {
        self.link.receive(
            now,
            take,
            #[cfg(feature = "http")]
            &mut self.tcp.ingest(),
        )
    }

    /// Sends what the sockets hold.
    #[inline(always)]
    pub fn flush(&mut self, now: Instant) {
        #[cfg(feature = "http")]
        self.tcp.flush(&mut self.link, self.mtu, now);
        #[cfg(not(feature = "http"))]
        let _ = now;
    }

    /// When a timer of the stack is due; `None` when there is none.
    #[inline(always)]
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        #[cfg(feature = "http")]
        {
            self.tcp.poll_timeout(now)
        }
        #[cfg(not(feature = "http"))]
        {
            let _ = now;
            None
        }
    }

    /// Sets the station's address of IPv4.
    pub fn set_address(&mut self, address: Ipv4Addr) {
        self.link.egress.address = Some(address);
        self.refresh();
    }

    /// Takes the station's address of IPv4 and all routes of IPv4 away.
    pub fn clear(&mut self) {
        self.link.egress.address = None;
        self.refresh();
        self.clear_routes();
    }

    /// Tells TCP which addresses the link has.
    #[inline(always)]
    pub fn refresh(&mut self) {
        #[cfg(feature = "http")]
        self.tcp.refresh(&self.link.egress);
    }

    /// Takes all routes of IPv4 away.
    pub fn clear_routes(&mut self) {
        self.link.egress.routes.clear(false);
    }

    /// Adds a route, or replaces the one to the same destination.
    pub fn add_route(&mut self, route: &Route) -> Result<(), RouteRefused> {
        self.link.egress.routes.add(route)
    }

    /// The neighbour that packets to `address` go to; `None` when there is no route, or the build does not speak the address's family.
    pub fn hop(&self, address: IpAddr) -> Option<IpAddr> {
        self.link.egress.routes.hop(address)
    }
}

#[cfg(feature = "http")]
impl<'a, D: Device> Stack<'a, D> {
    /// Adds a socket; there is storage for each that this crate opens.
    pub fn add(&mut self, socket: smoltcp::socket::tcp::Socket<'a>) -> SocketHandle {
        self.tcp.sockets.add(socket)
    }

    /// The TCP socket of this handle.
    pub fn tcp(&mut self, handle: SocketHandle) -> &mut smoltcp::socket::tcp::Socket<'a> {
        self.tcp.sockets.get_mut(handle)
    }

    /// The TCP socket of this handle, to be looked at.
    #[cfg(feature = "parallel")]
    pub fn tcp_ref(&self, handle: SocketHandle) -> &smoltcp::socket::tcp::Socket<'a> {
        self.tcp.sockets.get(handle)
    }

    /// Sends the request for a TCP connection (RFC 9293); `false` when nobody can be reached at that address.
    pub fn connect(&mut self, handle: SocketHandle, to: (IpAddr, u16), port: u16) -> bool {
        let (address, remote_port) = to;
        address_of(address)
            .is_some_and(|address| self.tcp.connect(handle, (address, remote_port), port))
    }
}
