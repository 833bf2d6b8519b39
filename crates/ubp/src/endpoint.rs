//! An address and a port.

use core::net::IpAddr;

/// UDP port of a server whose URI names no other. No port is registered for the protocol.
pub const PORT: u16 = 6910;

/// An address and a UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub addr: IpAddr,
    /// UDP port.
    pub port: u16,
}

impl Endpoint {
    /// The server at `addr`, on [`PORT`].
    pub const fn server(addr: IpAddr) -> Self {
        Self { addr, port: PORT }
    }
}
