//! All memory of the library but the frames of the device.

use crate::link::WAITING;
#[cfg(feature = "http")]
use netboot_core::uri::LONG_TARGETS;
#[cfg(feature = "http")]
use smoltcp::iface::SocketStorage;

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
#[cfg(all(feature = "http", not(feature = "parallel")))]
const CONNECTIONS: usize = 1;
/// Octets for the options of the DHCP servers' messages, if the integrator does not say otherwise.
const DHCP_OPTIONS: usize = if cfg!(feature = "dhcp-options") {
    1024
} else {
    0
};

/// The buffers of a [`Network`](crate::Network): all zero at the start, so that a static of them takes no
/// flash.
///
/// `TCP` is the HTTP receive buffer in octets: throughput is at most `TCP` octets for each round trip. What comes over UDP is read
/// in the device. Without the feature `http` there is no such buffer. With the feature
/// `dhcp-options`, `OPTIONS` octets keep the options of the DHCP servers in their raw form.
pub struct Buffers<const TCP: usize, const OPTIONS: usize = DHCP_OPTIONS> {
    pub(crate) waiting: [u8; WAITING],
    pub(crate) dhcp_options: [u8; OPTIONS],
    #[cfg(feature = "ipv6")]
    pub(crate) dhcp6_options: [u8; OPTIONS],
    #[cfg(feature = "http")]
    pub(crate) tcp_rx: [u8; TCP],
    #[cfg(feature = "http")]
    pub(crate) tcp_tx: [u8; TCP_TX],
}

impl<const TCP: usize, const OPTIONS: usize> Buffers<TCP, OPTIONS> {
    /// Zeroed buffers.
    pub const fn new() -> Self {
        Self {
            waiting: [0; WAITING],
            dhcp_options: [0; OPTIONS],
            #[cfg(feature = "ipv6")]
            dhcp6_options: [0; OPTIONS],
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

/// The sockets of TCP, and the clients. They are not zero at the start, so make them in place at run time.
pub struct Slots<'a> {
    #[cfg(feature = "dns")]
    pub(crate) resolver: netboot_dns::Resolver,
    #[cfg(all(feature = "dns", feature = "ipv6"))]
    pub(crate) resolver6: netboot_dns::Resolver,
    pub(crate) dhcp: Option<netboot_dhcp::Client>,
    #[cfg(feature = "ipv6")]
    pub(crate) dhcp6: Option<netboot_dhcp::v6::Client>,
    #[cfg(feature = "http")]
    pub(crate) sockets: [SocketStorage<'a>; CONNECTIONS],
    #[cfg(not(feature = "http"))]
    pub(crate) sockets: core::marker::PhantomData<&'a ()>,
}

impl Slots<'_> {
    /// Empty slots.
    pub const fn new() -> Self {
        Self {
            #[cfg(feature = "dns")]
            resolver: netboot_dns::Resolver::new(),
            #[cfg(all(feature = "dns", feature = "ipv6"))]
            resolver6: netboot_dns::Resolver::new(),
            dhcp: None,
            #[cfg(feature = "ipv6")]
            dhcp6: None,
            #[cfg(feature = "http")]
            sockets: [const { SocketStorage::EMPTY }; CONNECTIONS],
            #[cfg(not(feature = "http"))]
            sockets: core::marker::PhantomData,
        }
    }
}

impl Default for Slots<'_> {
    fn default() -> Self {
        Self::new()
    }
}
