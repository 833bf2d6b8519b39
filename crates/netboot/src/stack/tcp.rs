//! smoltcp's interface and sockets, and nothing else.

use super::ingress::Ingest;
use super::phy::{Rx, instant, timestamp};
use super::shorter;
use crate::link::{Address, Egress, Link, Tx};
use netboot_core::{Device, Instant};
pub(crate) use smoltcp::iface::SocketHandle;
use smoltcp::iface::{Config, Interface, PollResult, SocketSet, SocketStorage};
use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::socket::tcp;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, Ipv4Cidr};

/// Rounds of sending in one call.
const EGRESS_BUDGET: usize = 16;

/// A seed for the sequence numbers of TCP, the time, and storage for the sockets.
pub(crate) type TcpParts<'a> = (u64, Instant, &'a mut [SocketStorage<'a>]);

/// TCP: smoltcp's interface, which has addresses and nothing else, and the sockets.
pub(super) struct Tcp<'a> {
    iface: Interface,
    pub sockets: SocketSet<'a>,
}

/// Makes smoltcp's interface, which has no address.
#[inline(always)]
fn interface<D: Device>(link: &mut Link<'_, D>, seed: u64, mtu: u16, now: Instant) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    Interface::new(config, &mut LinkDevice { link, mtu }, timestamp(now))
}

impl<'a> Tcp<'a> {
    // Inlined, so that it is made where it will lie and not on the stack first.
    #[inline(always)]
    pub fn new<D: Device>(link: &mut Link<'a, D>, (seed, now, storage): TcpParts<'a>) -> Self {
        Self {
            iface: interface(link, seed, u16::MAX, now),
            sockets: SocketSet::new(storage),
        }
    }

    /// Sets the octets of the longest IP packet. The interface then has no address.
    pub fn set_mtu<D: Device>(
        &mut self,
        link: &mut Link<'_, D>,
        seed: u64,
        mtu: u16,
        now: Instant,
    ) {
        self.iface = interface(link, seed, mtu, now);
    }

    /// Takes over the addresses of the link.
    #[inline(never)]
    pub fn refresh(&mut self, egress: &Egress<'_>) {
        self.iface.update_ip_addrs(|addresses| {
            addresses.clear();
            // Which neighbour a packet goes to is the link's affair, so prefixes are not told here. The list was just emptied and has room.
            if let Some(address) = egress.address {
                let _ = addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(address, 32)));
            }
            #[cfg(feature = "ipv6")]
            for address in egress.ipv6.own() {
                let cidr = smoltcp::wire::Ipv6Cidr::new(*address, 128);
                let _ = addresses.push(IpCidr::Ipv6(cidr));
            }
        });
    }

    /// What takes in packets.
    pub fn ingest(&mut self) -> Ingest<'_, 'a> {
        Ingest {
            iface: &mut self.iface,
            sockets: &mut self.sockets,
        }
    }

    /// Sends what the sockets hold.
    #[inline(never)]
    pub fn flush<D: Device>(&mut self, link: &mut Link<'_, D>, mtu: u16, now: Instant) {
        let mut device = LinkDevice { mtu, link };
        for _ in 0..EGRESS_BUDGET {
            let result = self
                .iface
                .poll_egress(timestamp(now), &mut device, &mut self.sockets);
            if matches!(result, PollResult::None) {
                break;
            }
        }
    }

    /// When a timer is due; `None` when there is none.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let at = self.iface.poll_at(timestamp(now), &self.sockets)?;
        Some(instant(at))
    }

    /// Sends the request for a connection; `false` when nobody can be reached at that address.
    pub fn connect(&mut self, handle: SocketHandle, to: (Address, u16), port: u16) -> bool {
        let socket: &mut tcp::Socket<'_> = self.sockets.get_mut(handle);
        let remote = (IpAddress::from(to.0), to.1);
        socket.connect(self.iface.context(), remote, port).is_ok()
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
        self.link.transmit(instant(now))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let info = self.link.info();
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = shorter(&info, self.mtu).into();
        // Bounds the TCP window to what the ring holds between two polls.
        capabilities.max_burst_size = Some(info.rx_ring);
        // The link has verified those of what comes in.
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}
