//! smoltcp's interface and sockets, and nothing else.
//!
//! smoltcp sees IP packets; the [link](crate::link) has Ethernet, ARP and the routes. Each socket belongs to whoever opened it: the owner keeps the [`SocketHandle`] and asks for the socket when it needs it. No
//! deadline, no lease and no policy lives here.

#[cfg(feature = "http")]
mod ingress;

use crate::link::{Link, RouteRefused, TakeMessage, Tx, WAITING};
#[cfg(feature = "http")]
use core::net::IpAddr;
use core::net::Ipv4Addr;
use netboot_core::net::Route;
use netboot_core::{Device, DeviceInfo, Instant};
use smoltcp::iface::{Config, Interface, PollResult, SocketSet, SocketStorage};
use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
#[cfg(feature = "http")]
use smoltcp::socket::tcp;
use smoltcp::socket::{AnySocket, udp};
#[cfg(feature = "http")]
use smoltcp::wire::IpAddress;
use smoltcp::wire::{HardwareAddress, IpCidr, Ipv4Cidr};

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

/// The IP stack on its link.
pub(crate) struct Stack<'a, D: Device> {
    pub link: Link<'a, D>,
    iface: Interface,
    /// Octets of the longest IP packet that the path takes, as far as that is known.
    mtu: u16,
    sockets: SocketSet<'a>,
}

/// Octets of the longest IP packet that the device and the path take.
fn shorter(info: &DeviceInfo, path: u16) -> u16 {
    u16::try_from(info.mtu).unwrap_or(u16::MAX).min(path)
}

/// Makes smoltcp's interface, which has no address.
#[inline(always)]
fn interface<D: Device>(link: &mut Link<'_, D>, seed: u64, mtu: u16, now: Instant) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    Interface::new(config, &mut LinkDevice { link, mtu }, timestamp(now))
}

impl<'a, D: Device> Stack<'a, D> {
    /// Makes a stack without an address. `seed` is for the stack's own random numbers, `vlan` the VLAN that the station is in.
    // Inlined, so that it is made where it will lie and not on the stack first.
    #[inline(always)]
    pub fn new(
        device: D,
        vlan: Option<u16>,
        waiting: &'a mut [u8; WAITING],
        seed: u64,
        now: Instant,
        storage: &'a mut [SocketStorage<'a>],
    ) -> Self {
        let mut link = Link::new(device, vlan, waiting);
        let iface = interface(&mut link, seed, u16::MAX, now);
        Self {
            link,
            iface,
            mtu: u16::MAX,
            sockets: SocketSet::new(storage),
        }
    }

    /// Sets the octets of the longest IP packet that the path takes. The device's own limit holds as well.
    #[inline(never)]
    pub fn set_mtu(&mut self, mtu: u16, seed: u64, now: Instant) {
        if self.mtu != mtu {
            self.mtu = mtu;
            // UDP takes no notice of it: what is sent is short.
            if cfg!(not(feature = "http")) {
                return;
            }
            self.iface = interface(&mut self.link, seed, mtu, now);
            if let Some(address) = self.link.egress.address {
                self.set_address(address);
            }
        }
    }

    /// Octets of the longest IP packet that the device and the path take.
    pub fn mtu(&self) -> u16 {
        shorter(&self.link.info(), self.mtu)
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

    /// Receives and answers at most one frame; `false` when none had arrived. A message for a service goes to `take`, with address
    /// and port of its sender.
    pub fn receive_one(&mut self, now: Instant, take: TakeMessage<'_>) -> bool {
        // Without HTTP no socket listens: TFTP, DHCP and DNS are read in place. Then nobody answers a ping either.
        #[cfg(not(feature = "http"))]
        let mut packets = Nobody;
        #[cfg(feature = "http")]
        let mut packets = ingress::Ingest {
            iface: &mut self.iface,
            sockets: &mut self.sockets,
        };
        self.link.receive(now, take, &mut packets)
    }

    /// Sends what the sockets hold.
    #[inline(never)]
    pub fn flush(&mut self, now: Instant) {
        let mut device = LinkDevice {
            mtu: self.mtu,
            link: &mut self.link,
        };
        for _ in 0..EGRESS_BUDGET {
            let result = self
                .iface
                .poll_egress(timestamp(now), &mut device, &mut self.sockets);
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

    /// Sets the station's address.
    pub fn set_address(&mut self, address: Ipv4Addr) {
        // Which neighbour a packet goes to is the link's affair, so the prefix is not told here.
        let cidr = IpCidr::Ipv4(Ipv4Cidr::new(address, 32));
        self.iface.update_ip_addrs(|addresses| {
            addresses.clear();
            // The list was just emptied and has room for one.
            let _ = addresses.push(cidr);
        });
        self.link.egress.address = Some(address);
    }

    /// Takes the station's address and all routes away.
    pub fn clear(&mut self) {
        self.iface.update_ip_addrs(heapless::Vec::clear);
        self.clear_routes();
        self.link.egress.address = None;
    }

    /// Takes all routes away.
    pub fn clear_routes(&mut self) {
        self.link.egress.routes.clear();
    }

    /// Adds a route, or replaces the one to the same destination.
    pub fn add_route(&mut self, route: &Route) -> Result<(), RouteRefused> {
        self.link.egress.routes.add(route)
    }
}

/// Drops every packet.
#[cfg(not(feature = "http"))]
struct Nobody;

#[cfg(not(feature = "http"))]
impl crate::link::TakePacket for Nobody {
    fn take<T: netboot_core::TxSlot>(&mut self, _: Instant, _: &[u8], _: Tx<'_, '_, T>) {}
}

/// An IP packet that has arrived.
struct Rx<'f>(&'f [u8]);

impl phy::RxToken for Rx<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// The way from smoltcp to the link.
struct LinkDevice<'l, 'w, D> {
    link: &'l mut Link<'w, D>,
    mtu: u16,
}

impl<'w, D: Device> phy::Device for LinkDevice<'_, 'w, D> {
    type RxToken<'a>
        = Rx<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Tx<'a, 'w, D::Tx<'a>>
    where
        Self: 'a;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Rx<'_>, Tx<'_, 'w, D::Tx<'_>>)> {
        None
    }

    fn transmit(&mut self, now: smoltcp::time::Instant) -> Option<Tx<'_, 'w, D::Tx<'_>>> {
        let now = Instant::from_micros(u64::try_from(now.total_micros()).unwrap_or(0));
        self.link.transmit(now)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let info = self.link.info();
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = shorter(&info, self.mtu).into();
        // Bounds the TCP window to what the ring holds between two polls.
        capabilities.max_burst_size = Some(info.rx_ring);
        // The link has verified those of what comes in.
        capabilities.checksum.udp = Checksum::Tx;
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}
