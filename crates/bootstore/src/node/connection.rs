//! One connection: its handshake and its timers.

use super::Timing;
use super::event::CloseReason;
use crate::Baseboard;
use core::net::SocketAddrV6;
use netboot_core::Instant;

/// Identifies a connection. An id is not used again within 2^32 connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    pub(super) slot: u8,
    pub(super) serial: u32,
}

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// This node dialled.
    Dialed,
    /// The peer dialled.
    Accepted,
}

/// How far the peer's side of the handshake is. The own side is sent at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits for the peer's hello.
    Hello,
    /// Waits for the peer's identity.
    Identify,
    /// The peer is connected.
    Up(Baseboard),
}

/// What waits to be sent, beside messages of the trust quorum.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ToSend {
    pub(super) hello: bool,
    pub(super) identify: bool,
    pub(super) network: bool,
    pub(super) ping: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) serial: u32,
    pub(super) direction: Direction,
    pub(super) remote: SocketAddrV6,
    /// Identity that the channel has proved; `None` in scheme V0.
    pub(super) proven: Option<Baseboard>,
    pub(super) phase: Phase,
    pub(super) send: ToSend,
    /// When the connection was opened.
    opened: Instant,
    /// When something came last.
    pub(super) heard: Instant,
    /// When something was sent last.
    pub(super) spoke: Instant,
    /// Set when the caller has to close the connection.
    pub(super) closing: Option<CloseReason>,
}

impl Connection {
    pub(super) fn new(
        now: Instant,
        serial: u32,
        direction: Direction,
        remote: SocketAddrV6,
        proven: Option<Baseboard>,
    ) -> Self {
        Self {
            serial,
            direction,
            remote,
            proven,
            phase: Phase::Hello,
            send: ToSend {
                hello: true,
                identify: true,
                ..ToSend::default()
            },
            opened: now,
            heard: now,
            spoke: now,
            closing: None,
        }
    }

    pub(super) const fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Up(_))
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, timing: &Timing) {
        if self.closing.is_some() {
            return;
        }
        if self.is_up() {
            if self.heard + timing.inactivity <= now {
                self.closing = Some(CloseReason::Inactive);
            } else if self.spoke + timing.ping <= now {
                self.send.ping = true;
            }
        } else if self.opened + timing.handshake <= now {
            self.closing = Some(CloseReason::Handshake);
        }
    }

    pub(super) fn poll_timeout(&self, timing: &Timing) -> Instant {
        if self.closing.is_some() {
            Instant::ZERO
        } else if self.is_up() {
            (self.heard + timing.inactivity).min(self.spoke + timing.ping)
        } else {
            self.opened + timing.handshake
        }
    }
}
