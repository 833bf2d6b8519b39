//! All memory of the library but the frames of the device.

use crate::link::WAITING;
use crate::station::MESSAGE_MAX;
#[cfg(feature = "http")]
use netboot_core::uri::LONG_TARGETS;
use smoltcp::iface::SocketStorage;
use smoltcp::socket::udp;

/// Request and acknowledgements of TFTP; the request is the longest.
const UDP_TX: usize = 640;
/// One HTTP request head; with several connections, those of the stripes that are asked for ahead, until they are acknowledged.
#[cfg(feature = "http")]
pub(crate) const TCP_TX: usize = if LONG_TARGETS {
    2560
} else if cfg!(feature = "parallel") {
    2048
} else {
    1024
};
/// Number of TCP connections.
#[cfg(feature = "parallel")]
const CONNECTIONS: usize = crate::transfer::http::LANES;
/// Number of TCP connections.
#[cfg(not(feature = "parallel"))]
const CONNECTIONS: usize = cfg!(feature = "http") as usize;
/// TFTP, DHCP, and DNS and TCP where they are.
const SOCKETS: usize = 2 + cfg!(feature = "dns") as usize + CONNECTIONS;
/// Octets for the options of the DHCP servers' messages, if the integrator does not say otherwise.
const DHCP_OPTIONS: usize = if cfg!(feature = "dhcp-options") {
    1024
} else {
    0
};

/// The buffers of a [`Network`](crate::Network): all zero at the start, so that a static of them takes no
/// flash.
///
/// `TCP` is the HTTP receive buffer in octets: throughput is at most `TCP` octets for each round trip. TFTP and DHCP have none:
/// what comes is read in the device. Without the feature `http` there is no such buffer. With the feature
/// `dhcp-options`, `OPTIONS` octets keep the options of the DHCP servers in their raw form.
pub struct Buffers<const TCP: usize, const OPTIONS: usize = DHCP_OPTIONS> {
    pub(crate) udp_tx: [u8; UDP_TX],
    pub(crate) dhcp_tx: [u8; MESSAGE_MAX],
    pub(crate) waiting: [u8; WAITING],
    #[cfg(feature = "dns")]
    pub(crate) dns_tx: [u8; netboot_dns::TRANSMIT_MAX],
    pub(crate) dhcp_options: [u8; OPTIONS],
    #[cfg(feature = "http")]
    pub(crate) tcp_rx: [u8; TCP],
    #[cfg(feature = "http")]
    pub(crate) tcp_tx: [u8; TCP_TX],
}

impl<const TCP: usize, const OPTIONS: usize> Buffers<TCP, OPTIONS> {
    /// Zeroed buffers.
    pub const fn new() -> Self {
        Self {
            udp_tx: [0; UDP_TX],
            dhcp_tx: [0; MESSAGE_MAX],
            waiting: [0; WAITING],
            #[cfg(feature = "dns")]
            dns_tx: [0; netboot_dns::TRANSMIT_MAX],
            dhcp_options: [0; OPTIONS],
            #[cfg(feature = "http")]
            tcp_rx: [0; TCP],
            #[cfg(feature = "http")]
            tcp_tx: [0; TCP_TX],
        }
    }
}

impl<const TCP: usize, const OPTIONS: usize> Default for Buffers<TCP, OPTIONS> {
    fn default() -> Self {
        Self::new()
    }
}

/// The buffers of `N` more TCP connections, for [`Network::use_lanes`](crate::Network::use_lanes): all zero at the start.
///
/// `TCP` is the receive buffer of each: throughput over a long way is at most the sum of all receive buffers for each round trip.
/// They should be as large as that of [`Buffers`]; the smallest one says how large the parts are.
#[cfg(feature = "parallel")]
pub struct Lanes<const TCP: usize, const N: usize> {
    pub(crate) rx: [[u8; TCP]; N],
    pub(crate) tx: [[u8; TCP_TX]; N],
}

#[cfg(feature = "parallel")]
impl<const TCP: usize, const N: usize> Lanes<TCP, N> {
    /// Zeroed buffers.
    pub const fn new() -> Self {
        Self {
            rx: [[0; TCP]; N],
            tx: [[0; TCP_TX]; N],
        }
    }
}

#[cfg(feature = "parallel")]
impl<const TCP: usize, const N: usize> Default for Lanes<TCP, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// The sockets and the slots of their buffers. They are not zero at the start, so make them in place at run time.
pub struct Slots<'a> {
    pub(crate) udp_tx: [udp::PacketMetadata; 4],
    pub(crate) dhcp_tx: [udp::PacketMetadata; 1],
    #[cfg(feature = "dns")]
    pub(crate) dns_tx: [udp::PacketMetadata; 1],
    #[cfg(feature = "dns")]
    pub(crate) resolver: netboot_dns::Resolver,
    pub(crate) dhcp: Option<netboot_dhcp::Client>,
    pub(crate) sockets: [SocketStorage<'a>; SOCKETS],
}

impl Slots<'_> {
    /// Empty slots.
    pub const fn new() -> Self {
        Self {
            udp_tx: [udp::PacketMetadata::EMPTY; 4],
            dhcp_tx: [udp::PacketMetadata::EMPTY; 1],
            #[cfg(feature = "dns")]
            dns_tx: [udp::PacketMetadata::EMPTY; 1],
            #[cfg(feature = "dns")]
            resolver: netboot_dns::Resolver::new(),
            dhcp: None,
            sockets: [const { SocketStorage::EMPTY }; SOCKETS],
        }
    }
}

impl Default for Slots<'_> {
    fn default() -> Self {
        Self::new()
    }
}
