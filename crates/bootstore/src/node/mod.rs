//! One node of the rack above its trust quorum: connections, and the replicated network configuration.
//!
//! The [`Node`] is sans-IO. The caller opens and accepts connections, reads hellos and frames from them, and
//! writes what [`Node::poll_transmit`] gives. The node decides whom to dial, whom to refuse, when to ping and
//! when to give up. It holds back what must not leave before a change is stored.
//!
//! | when | what |
//! |---|---|
//! | every 1 s without sending | a ping |
//! | 10 s without anything received | the connection is closed |
//! | 10 s without a whole handshake | the connection is closed |
//! | 1, 2, 4, 8, 16 s after a connection ended or failed | the peer is dialled again |
//!
//! Of two nodes, the one with the higher address dials. A node refuses an accepted peer whose address is not
//! higher than its own, so that there is one connection for each pair.
//!
//! - [`connection`]: one connection's handshake and timers.
//! - [`dialer`]: whom to dial, and when.
//! - [`event`]: what the node tells its caller.

pub mod connection;
pub mod dialer;
pub mod event;
mod transmit;

pub use connection::{ConnectionId, Direction};
pub use event::{CloseReason, Event, NodeError};
pub use transmit::{TRANSMIT_MAX, Transmit};

use crate::network_config::{NetworkConfig, StaleNetworkConfig};
use crate::schemes::Scheme;
use crate::schemes::v0::error::TooManyPeers;
use crate::schemes::v0::fsm::ExpiredRequests;
use crate::schemes::v0::{ApiError, ApiOutput, Fsm};
use crate::wire::{HELLO_LEN, Hello, Identify, Msg};
use crate::{Baseboard, RackUuid};
use connection::{Connection, Phase};
use core::net::SocketAddrV6;
use dialer::Dialer;
use netboot_core::{Duration, Instant};
use rand_core::{CryptoRng, RngCore};

/// Greatest number of connections, those in a handshake among them.
pub const CONNECTIONS_MAX: usize = 80;
/// Greatest number of accepted connections that are in their handshake. A further one replaces the oldest.
pub const HANDSHAKES_MAX: usize = 16;

/// How patient a node is with its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Time without sending after which a ping is sent.
    pub ping: Duration,
    /// Time without receiving after which a connection is closed.
    pub inactivity: Duration,
    /// Time in which a handshake has to be done.
    pub handshake: Duration,
    /// Time until a peer is dialled again. It doubles with each failure, up to 16 times this.
    pub reconnect: Duration,
}

impl Default for Timing {
    /// 1 s, 10 s, 10 s, 1 s.
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(1),
            inactivity: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            reconnect: Duration::from_secs(1),
        }
    }
}

/// One node of the rack.
///
/// After each call that takes `&mut self`, the caller
///
/// 1. stores the state if [`fsm_unstored`](Self::fsm_unstored), and the configuration if
///    [`network_unstored`](Self::network_unstored), and tells so;
/// 2. closes what [`poll_close`](Self::poll_close) names;
/// 3. sends what [`poll_transmit`](Self::poll_transmit) gives;
/// 4. dials whom [`poll_dial`](Self::poll_dial) names;
/// 5. calls [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) has passed.
#[derive(Clone, Debug)]
pub struct Node {
    identity: Identify,
    scheme: Scheme,
    timing: Timing,
    fsm: Fsm,
    network: Option<NetworkConfig>,
    network_unstored: bool,
    connections: [Option<Connection>; CONNECTIONS_MAX],
    dialer: Dialer,
    serial: u32,
}

impl Node {
    /// A node that is connected to nobody.
    pub fn new(
        identity: Identify,
        scheme: Scheme,
        timing: Timing,
        fsm: Fsm,
        network: Option<NetworkConfig>,
    ) -> Self {
        Self {
            identity,
            scheme,
            timing,
            fsm,
            network,
            network_unstored: false,
            connections: [const { None }; CONNECTIONS_MAX],
            dialer: Dialer::new(timing.reconnect),
            serial: 0,
        }
    }

    /// Who the node is.
    pub const fn identity(&self) -> &Identify {
        &self.identity
    }

    /// The scheme that the node speaks.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The trust quorum's state machine.
    pub const fn fsm(&self) -> &Fsm {
        &self.fsm
    }

    /// Whether the state of the trust quorum has to be stored.
    pub const fn fsm_unstored(&self) -> bool {
        self.fsm.needs_persist()
    }

    /// Tells that the state of the trust quorum is stored.
    pub fn fsm_stored(&mut self) {
        self.fsm.persisted();
    }

    /// The replicated network configuration.
    pub const fn network_config(&self) -> Option<&NetworkConfig> {
        self.network.as_ref()
    }

    /// Whether the network configuration has to be stored.
    pub const fn network_unstored(&self) -> bool {
        self.network_unstored
    }

    /// Tells that the network configuration is stored.
    pub fn network_stored(&mut self) {
        self.network_unstored = false;
    }

    /// Starts the initialisation of a rack; see [`Fsm::init_rack`].
    ///
    /// # Errors
    /// Those of [`Fsm::init_rack`].
    pub fn init_rack(
        &mut self,
        now: Instant,
        rng: &mut (impl RngCore + CryptoRng),
        rack_uuid: RackUuid,
        members: &[Baseboard],
    ) -> Result<Option<ApiOutput>, ApiError> {
        self.fsm.init_rack(now, rng, rack_uuid, members)
    }

    /// Makes this node a learner; see [`Fsm::init_learner`].
    ///
    /// # Errors
    /// Those of [`Fsm::init_learner`].
    pub fn init_learner(&mut self, now: Instant) -> Result<Option<ApiOutput>, ApiError> {
        self.fsm.init_learner(now)
    }

    /// Starts to recover the rack secret; see [`Fsm::load_rack_secret`].
    ///
    /// # Errors
    /// Those of [`Fsm::load_rack_secret`].
    pub fn load_rack_secret(&mut self, now: Instant) -> Result<ApiOutput, ApiError> {
        self.fsm.load_rack_secret(now)
    }

    /// Sets a new network configuration, to be stored and then sent to all connected peers.
    ///
    /// # Errors
    /// [`StaleNetworkConfig`] when its generation is not above the current one.
    pub fn set_network_config(&mut self, config: NetworkConfig) -> Result<(), StaleNetworkConfig> {
        let current = self.network.as_ref().map_or(0, |config| config.generation);
        if config.generation <= current {
            return Err(StaleNetworkConfig {
                current,
                tried: config.generation,
            });
        }
        self.network = Some(config);
        self.network_unstored = true;
        self.announce_network(None);
        Ok(())
    }

    /// Replaces the list of addresses at which peers listen. Only those below the own address are dialled.
    ///
    /// Returns the number of addresses that found no place, beyond [`dialer::TARGETS_MAX`].
    pub fn set_peer_addresses(&mut self, now: Instant, addresses: &[SocketAddrV6]) -> usize {
        self.dialer.set(now, &self.identity.addr, addresses)
    }

    /// The next peer to dial now. The caller reports with [`on_dialed`](Self::on_dialed) or
    /// [`on_dial_failed`](Self::on_dial_failed).
    pub fn poll_dial(&mut self, now: Instant) -> Option<SocketAddrV6> {
        self.dialer.next_due(now)
    }

    /// Notes a connection that this node opened. `proven` is the identity that the channel has proved.
    ///
    /// # Errors
    /// [`NodeError::TooManyConnections`]
    pub fn on_dialed(
        &mut self,
        now: Instant,
        remote: SocketAddrV6,
        proven: Option<Baseboard>,
    ) -> Result<ConnectionId, NodeError> {
        let id = self.open(now, Direction::Dialed, remote, proven);
        if id.is_err() {
            self.dialer.failed(now, &remote);
        }
        id
    }

    /// Notes that a peer could not be reached.
    pub fn on_dial_failed(&mut self, now: Instant, remote: SocketAddrV6) {
        self.dialer.failed(now, &remote);
    }

    /// Notes a connection that a peer opened. `proven` is the identity that the channel has proved.
    ///
    /// When [`HANDSHAKES_MAX`] accepted connections are in their handshake, the oldest of them is closed, so
    /// that silent connections cannot lock real peers out.
    ///
    /// # Errors
    /// [`NodeError::TooManyConnections`]
    pub fn on_accepted(
        &mut self,
        now: Instant,
        remote: SocketAddrV6,
        proven: Option<Baseboard>,
    ) -> Result<ConnectionId, NodeError> {
        let waiting = |c: &&mut Connection| {
            c.direction == Direction::Accepted && !c.is_up() && c.closing.is_none()
        };
        let in_handshake = self.connections.iter_mut().flatten().filter(waiting);
        if in_handshake.count() >= HANDSHAKES_MAX {
            let connections = self.connections.iter_mut().flatten();
            if let Some(oldest) = connections.filter(waiting).min_by_key(|c| c.serial) {
                oldest.closing = Some(CloseReason::Crowded);
            }
        }
        self.open(now, Direction::Accepted, remote, proven)
    }

    fn open(
        &mut self,
        now: Instant,
        direction: Direction,
        remote: SocketAddrV6,
        proven: Option<Baseboard>,
    ) -> Result<ConnectionId, NodeError> {
        let slot = self.connections.iter().position(Option::is_none);
        let slot = slot.ok_or(NodeError::TooManyConnections)?;
        let place = self.connections.get_mut(slot);
        let place = place.ok_or(NodeError::TooManyConnections)?;
        self.serial = self.serial.wrapping_add(1);
        let connection = Connection::new(now, self.serial, direction, remote, proven);
        *place = Some(connection);
        Ok(ConnectionId {
            // Below 80.
            slot: slot as u8,
            serial: self.serial,
        })
    }

    /// Notes that a connection has ended. Calls for a connection that is gone do nothing.
    pub fn on_closed(&mut self, now: Instant, id: ConnectionId) {
        let Some(connection) = self.take(id) else {
            return;
        };
        if connection.direction == Direction::Dialed {
            self.dialer
                .closed(now, &connection.remote, connection.is_up());
        }
        if let Phase::Up(peer) = &connection.phase {
            self.fsm.on_disconnected(peer);
        }
    }

    /// Handles the first octets of a connection.
    ///
    /// # Errors
    /// The peer speaks another scheme, or the hello comes twice. The connection is to be closed, as
    /// [`poll_close`](Self::poll_close) tells.
    pub fn handle_hello(
        &mut self,
        now: Instant,
        id: ConnectionId,
        octets: &[u8; HELLO_LEN],
    ) -> Result<(), NodeError> {
        let hello = Hello {
            scheme: self.scheme,
        };
        let Some(connection) = self.get(id) else {
            return Err(NodeError::UnknownConnection);
        };
        connection.heard = now;
        let result = match connection.phase {
            Phase::Hello => hello.check(octets).map_err(NodeError::Wire),
            Phase::Identify | Phase::Up(_) => Err(NodeError::OutOfOrder),
        };
        match result {
            Ok(()) => connection.phase = Phase::Identify,
            Err(error) => connection.closing = Some(CloseReason::Error(error)),
        }
        result
    }

    /// Handles the content of a frame.
    ///
    /// # Errors
    /// The peer breaks a rule. The connection is to be closed, as [`poll_close`](Self::poll_close) tells.
    pub fn handle_frame(
        &mut self,
        now: Instant,
        id: ConnectionId,
        content: &[u8],
    ) -> Result<Option<Event>, NodeError> {
        let Some(connection) = self.get(id) else {
            return Err(NodeError::UnknownConnection);
        };
        if connection.closing.is_some() {
            return Ok(None);
        }
        connection.heard = now;
        let result = match &connection.phase {
            Phase::Hello => Err(NodeError::OutOfOrder),
            Phase::Identify => self.handle_identify(now, id, content).map(Some),
            Phase::Up(peer) => {
                let peer = peer.clone();
                self.handle_msg(now, id, &peer, content)
            }
        };
        if let Err(error) = result
            && let Some(connection) = self.get(id)
        {
            connection.closing = Some(CloseReason::Error(error));
        }
        result
    }

    fn handle_identify(
        &mut self,
        now: Instant,
        id: ConnectionId,
        content: &[u8],
    ) -> Result<Event, NodeError> {
        let claim = Identify::decode(content).map_err(NodeError::Wire)?;
        let own = self.identity.addr;
        let own_id = self.identity.id.clone();
        let connection = self.get(id).ok_or(NodeError::UnknownConnection)?;
        if claim.id == own_id {
            return Err(NodeError::OwnIdentity);
        }
        if let Some(proven) = &connection.proven
            && *proven != claim.id
        {
            return Err(NodeError::FalseIdentity);
        }
        let order = dialer::compare(&claim.addr, &own);
        match connection.direction {
            Direction::Accepted if order.is_le() => return Err(NodeError::WrongDirection),
            Direction::Dialed if dialer::compare(&claim.addr, &connection.remote).is_ne() => {
                return Err(NodeError::WrongAddress);
            }
            _ => {}
        }
        // A peer that connects again has lost its older connection, whether this node knows or not.
        let older = |c: &&mut Connection| matches!(&c.phase, Phase::Up(peer) if *peer == claim.id);
        if let Some(older) = self.connections.iter_mut().flatten().find(older) {
            older.phase = Phase::Identify;
            older.closing = Some(CloseReason::Replaced);
            self.fsm.on_disconnected(&claim.id);
        }
        self.fsm
            .on_connected(now, &claim.id)
            .map_err(|TooManyPeers(_)| NodeError::TooManyConnections)?;
        let has_network = self.network.is_some();
        let connection = self.get(id).ok_or(NodeError::UnknownConnection)?;
        connection.phase = Phase::Up(claim.id.clone());
        connection.send.network = has_network;
        if connection.direction == Direction::Dialed {
            let remote = connection.remote;
            self.dialer.succeeded(&remote);
        }
        Ok(Event::PeerConnected(claim.id))
    }

    fn handle_msg(
        &mut self,
        now: Instant,
        id: ConnectionId,
        peer: &Baseboard,
        content: &[u8],
    ) -> Result<Option<Event>, NodeError> {
        match Msg::decode(content).map_err(NodeError::Wire)? {
            Msg::Ping => Ok(None),
            Msg::Fsm(message) => Ok(match self.fsm.handle(now, peer, &message) {
                Ok(output) => output.map(Event::Trust),
                Err(error) => Some(Event::Refused(error)),
            }),
            Msg::NetworkConfig(config) => {
                let generation = config.generation;
                if !config.supersedes(self.network.as_ref()) {
                    return Ok(None);
                }
                self.network = Some(config);
                self.network_unstored = true;
                self.announce_network(Some(id));
                Ok(Some(Event::NetworkConfig(generation)))
            }
        }
    }

    /// Marks the configuration to be sent to all peers but one.
    fn announce_network(&mut self, except: Option<ConnectionId>) {
        for connection in self.connections.iter_mut().flatten() {
            let known = except.is_some_and(|except| except.serial == connection.serial);
            connection.send.network = connection.is_up() && !known;
        }
    }

    /// Lets time pass: requests expire, pings become due, silent connections are closed.
    ///
    /// # Errors
    /// The requests to the trust quorum whose time is up.
    #[allow(
        clippy::result_large_err,
        reason = "there is no allocator to box the list with"
    )]
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ExpiredRequests> {
        for connection in self.connections.iter_mut().flatten() {
            connection.handle_timeout(now, &self.timing);
        }
        self.fsm.tick(now)
    }

    /// When [`handle_timeout`](Self::handle_timeout) or [`poll_dial`](Self::poll_dial) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let connections = self.connections.iter().flatten();
        let timers = connections.map(|connection| connection.poll_timeout(&self.timing));
        timers
            .chain(self.fsm.poll_timeout())
            .chain(self.dialer.poll_timeout())
            .min()
    }

    /// The next connection to close, and why. The node has forgotten it already.
    pub fn poll_close(&mut self, now: Instant) -> Option<(ConnectionId, CloseReason)> {
        for slot in 0..CONNECTIONS_MAX {
            let Some(Some(connection)) = self.connections.get(slot) else {
                continue;
            };
            if let Some(reason) = connection.closing {
                let id = ConnectionId {
                    slot: slot as u8,
                    serial: connection.serial,
                };
                self.on_closed(now, id);
                return Some((id, reason));
            }
        }
        None
    }

    /// The connected peers, with the address of each.
    pub fn peers(&self) -> impl Iterator<Item = (&Baseboard, SocketAddrV6, Direction)> {
        self.connections
            .iter()
            .flatten()
            .filter_map(|connection| match &connection.phase {
                Phase::Up(peer) => Some((peer, connection.remote, connection.direction)),
                Phase::Hello | Phase::Identify => None,
            })
    }

    fn get(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let connection = self.connections.get_mut(usize::from(id.slot))?;
        connection
            .as_mut()
            .filter(|connection| connection.serial == id.serial)
    }

    fn take(&mut self, id: ConnectionId) -> Option<Connection> {
        self.get(id)?;
        self.connections.get_mut(usize::from(id.slot))?.take()
    }
}
