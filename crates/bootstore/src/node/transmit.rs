//! What a node sends.

use super::connection::{Connection, ConnectionId, Phase};
use super::{CONNECTIONS_MAX, Node};
use crate::wire::framing::write_frame;
use crate::wire::message::{encode_message, encode_network_config, encode_ping};
use crate::wire::{FRAME_MAX, HELLO_LEN, Hello, LENGTH_LEN, WireError};
use netboot_core::Instant;

/// Octets to send on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where to send them.
    pub connection: ConnectionId,
    /// Number of octets in the buffer.
    pub len: usize,
}

/// Octets of a buffer that takes every frame.
pub const TRANSMIT_MAX: usize = FRAME_MAX + LENGTH_LEN;

impl Node {
    /// Writes the next octets to send into `buffer`, which needs [`TRANSMIT_MAX`] octets.
    ///
    /// Each call gives one hello or one frame. Messages of the trust quorum wait until its state is stored,
    /// and the network configuration waits until it is stored itself.
    pub fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        for slot in 0..CONNECTIONS_MAX {
            let ready = !self.network_unstored;
            let network = self.network.as_ref().filter(|_| ready);
            let Some(Some(connection)) = self.connections.get_mut(slot) else {
                continue;
            };
            if connection.closing.is_some() {
                continue;
            }
            let hello = Hello {
                scheme: self.scheme,
            };
            let written = if connection.send.hello {
                connection.send.hello = false;
                write_hello(buffer, hello)
            } else if connection.send.identify {
                connection.send.identify = false;
                write_frame(buffer, |content| self.identity.encode(content))
            } else if connection.send.network && network.is_some() {
                connection.send.network = false;
                write_frame(buffer, |content| match network {
                    Some(config) => encode_network_config(config, content),
                    None => Err(WireError::Buffer),
                })
            } else if connection.send.ping && connection.is_up() {
                write_frame(buffer, encode_ping)
            } else {
                continue;
            };
            if let Some(transmit) = finish(now, slot, connection, written) {
                return Some(transmit);
            }
        }
        self.transmit_envelope(now, buffer)
    }

    fn transmit_envelope(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        while let Some(envelope) = self.fsm.drain_envelopes().next() {
            let to = |c: &Option<Connection>| {
                c.as_ref()
                    .is_some_and(|c| matches!(&c.phase, Phase::Up(peer) if *peer == envelope.to))
            };
            let Some(slot) = self.connections.iter().position(to) else {
                continue;
            };
            let written = write_frame(buffer, |content| encode_message(&envelope.message, content));
            if let Some(Some(connection)) = self.connections.get_mut(slot)
                && let Some(transmit) = finish(now, slot, connection, written)
            {
                return Some(transmit);
            }
        }
        None
    }
}

fn write_hello(buffer: &mut [u8], hello: Hello) -> Result<usize, WireError> {
    let place = buffer.first_chunk_mut::<HELLO_LEN>();
    *place.ok_or(WireError::Buffer)? = hello.to_bytes();
    Ok(HELLO_LEN)
}

/// What does not fit into the buffer is lost, which only a buffer below [`TRANSMIT_MAX`] can cause.
fn finish(
    now: Instant,
    slot: usize,
    connection: &mut Connection,
    written: Result<usize, WireError>,
) -> Option<Transmit> {
    let len = written.ok()?;
    connection.spoke = now;
    connection.send.ping = false;
    Some(Transmit {
        connection: ConnectionId {
            // Below 80.
            slot: slot as u8,
            serial: connection.serial,
        },
        len,
    })
}
