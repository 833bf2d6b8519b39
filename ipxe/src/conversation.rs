//! An exchange of datagrams that a caller of the library has with other machines.

use core::net::IpAddr;
use netboot_core::Instant;

/// One side of an exchange over UDP, sans-IO. The library sends and receives for it, and serves the network meanwhile
/// ([`IpxeInterface::converse`](crate::IpxeInterface::converse)).
///
/// Nothing that is received is authenticated, and anybody on the network may have sent it.
pub trait Conversation {
    /// The next datagram that is due at `now`, with the address and port that it goes to. Called until it gives `None`, and again after each
    /// received datagram and whenever [`poll_timeout`](Self::poll_timeout) has passed. A datagram to an address of a family that the station has
    /// no address of is lost.
    fn poll_transmit(&mut self, now: Instant) -> Option<((IpAddr, u16), &[u8])>;

    /// Takes a datagram from this address and port.
    fn handle(&mut self, now: Instant, from: (IpAddr, u16), datagram: &[u8]);

    /// When there is something to do although no datagram came; `None` when the conversation is over at `now`.
    fn poll_timeout(&self, now: Instant) -> Option<Instant>;
}
