//! A whole rack in virtual time: every node is the shipped [`Node`] with its own storage, and every octet between
//! them goes through a network that loses, repeats, reorders and cuts.

use crate::check::Ghost;
use crate::common::{id, rng};
use crate::disk::{Bugs, Disk, PowerLost};
use bootstore::ledger::{Journal, LedgerError, NETWORK_MAGIC, OVERHEAD, STATE_MAGIC};
use bootstore::node::{ConnectionId, Event, Node, TRANSMIT_MAX, Timing};
use bootstore::persist::{self, NETWORK_MAX, STATE_MAX};
use bootstore::schemes::Scheme;
use bootstore::schemes::v0::{ApiOutput, Config, Fsm, State};
use bootstore::wire::{HELLO_LEN, Identify, LENGTH_LEN, Msg};
use bootstore::{Baseboard, NetworkConfig, RackUuid, RequestId};
use netboot_core::{Duration, Instant};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv6Addr, SocketAddrV6};

/// Something that a node says to its user, or that a check needs.
#[derive(Clone, Debug)]
pub enum Said {
    Output(ApiOutput),
    Expired(RequestId),
}

/// One board: its storage stays when its node crashes.
pub struct Board {
    pub id: Baseboard,
    pub addr: SocketAddrV6,
    pub state_disk: Disk,
    pub network_disk: Disk,
    /// The running node.
    pub node: Option<Box<Node>>,
    /// Crash after the next write, before anything is sent.
    pub crash_after_write: bool,
    /// What is on the disk, as a restart would find it.
    pub durable: State,
    pub durable_network: Option<NetworkConfig>,
    pub said: Vec<Said>,
}

/// One connection between two running nodes, with what is under way in both directions.
pub struct Link {
    pub ends: [(usize, ConnectionId); 2],
    /// `queues[i]` goes to `ends[i]`.
    pub queues: [VecDeque<Vec<u8>>; 2],
}

pub struct World {
    pub now: Instant,
    pub boards: Vec<Board>,
    pub links: Vec<Link>,
    /// Boards of different groups do not reach each other.
    pub group: Vec<u8>,
    pub rng: ChaCha20Rng,
    pub ghost: Ghost,
    pub bugs: Bugs,
    pub history: Vec<String>,
    buffer: Vec<u8>,
    boots: u64,
}

pub type Checked = Result<(), String>;

/// Time between two ticks.
pub const TICK: Duration = Duration::from_millis(250);

pub fn address(number: usize) -> SocketAddrV6 {
    let ip = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number as u16 + 1);
    SocketAddrV6::new(ip, 12346, 0, 0)
}

impl World {
    pub fn new(count: usize, seed: u64, bugs: Bugs) -> Self {
        let disk = Disk {
            one_slot: bugs.one_slot,
            ..Disk::default()
        };
        let boards = (0..count)
            .map(|number| Board {
                id: id(number),
                addr: address(number),
                state_disk: disk.clone(),
                network_disk: disk.clone(),
                node: None,
                crash_after_write: false,
                durable: State::Uninitialized,
                durable_network: None,
                said: Vec::new(),
            })
            .collect();
        let mut world = Self {
            now: Instant::from_millis(1000),
            boards,
            links: Vec::new(),
            group: vec![0; count],
            rng: rng(seed),
            ghost: Ghost::default(),
            bugs,
            history: Vec::new(),
            buffer: vec![0; TRANSMIT_MAX.max(STATE_MAX + OVERHEAD)],
            boots: 0,
        };
        for board in 0..count {
            world.start(board).expect("an empty disk is no obstacle");
        }
        world
    }

    pub fn log(&mut self, line: impl Into<String>) {
        let time = self.now.as_millis();
        self.history.push(format!("{time:>7} ms  {}", line.into()));
    }

    pub fn is_running(&self, board: usize) -> bool {
        self.boards[board].node.is_some()
    }

    /// Starts a node from what is on its disk.
    pub fn start(&mut self, index: usize) -> Checked {
        if self.is_running(index) {
            return Ok(());
        }
        self.boots += 1;
        let board = &mut self.boards[index];
        let opened = Journal::open(&mut board.state_disk, STATE_MAGIC, &mut self.buffer);
        let (_, octets) = opened.map_err(|error| format!("{} cannot start: {error}", board.id))?;
        let state = match octets {
            Some(octets) => persist::decode_state(&board.id, octets).map_err(|e| e.to_string())?,
            None => State::Uninitialized,
        };
        let opened = Journal::open(&mut board.network_disk, NETWORK_MAGIC, &mut self.buffer);
        let (_, octets) = opened.map_err(|error| format!("{} cannot start: {error}", board.id))?;
        let network = match octets {
            Some(octets) => Some(persist::decode_network(octets).map_err(|e| e.to_string())?),
            None => None,
        };
        self.ghost.started(&board.id, &board.durable, &state)?;
        self.ghost.network(&board.id, network.as_ref())?;
        board.durable = state.clone();
        board.durable_network.clone_from(&network);
        let nonce = self.boots.to_be_bytes();
        let fsm = Fsm::restore(self.now, board.id.clone(), Config::default(), nonce, state);
        let identity = Identify {
            id: board.id.clone(),
            addr: board.addr,
        };
        let mut node = Box::new(Node::new(
            identity,
            Scheme::V0,
            Timing::default(),
            fsm,
            network,
        ));
        let all: Vec<_> = (0..self.group.len()).map(address).collect();
        node.set_peer_addresses(self.now, &all);
        board.node = Some(node);
        self.log(format!("node {index} starts"));
        Ok(())
    }

    /// Takes the power from a node.
    pub fn crash(&mut self, index: usize) {
        if self.boards[index].node.take().is_some() {
            self.log(format!("node {index} crashes"));
        }
        self.boards[index].crash_after_write = false;
        self.cut(|link| link.ends.iter().any(|(end, _)| *end == index));
    }

    /// Ends the connections for which `which` holds.
    pub fn cut(&mut self, which: impl Fn(&Link) -> bool) {
        let (gone, kept) = std::mem::take(&mut self.links)
            .into_iter()
            .partition(|link| which(link));
        self.links = kept;
        let gone: Vec<Link> = gone;
        for (board, id) in gone.iter().flat_map(|link| link.ends) {
            if let Some(node) = &mut self.boards[board].node {
                node.on_closed(self.now, id);
            }
        }
    }

    pub fn reaches(&self, a: usize, b: usize) -> bool {
        self.is_running(a) && self.is_running(b) && self.group[a] == self.group[b]
    }

    /// Calls a node, then stores, closes, and sends, as its user has to.
    pub fn call<T>(
        &mut self,
        index: usize,
        call: impl FnOnce(&mut Node, Instant, &mut ChaCha20Rng) -> T,
    ) -> Result<Option<T>, String> {
        let now = self.now;
        let Some(node) = &mut self.boards[index].node else {
            return Ok(None);
        };
        let result = call(node, now, &mut self.rng);
        self.settle(index)?;
        Ok(Some(result))
    }

    /// Stores what has changed and sends what is due; the node may lose power meanwhile.
    fn settle(&mut self, index: usize) -> Checked {
        match self.store(index) {
            Ok(()) => {}
            Err(None) => {
                self.log(format!("node {index} loses power in a write"));
                self.crash(index);
                return Ok(());
            }
            Err(Some(error)) => return Err(error),
        }
        loop {
            let board = &mut self.boards[index];
            let Some(node) = &mut board.node else {
                return Ok(());
            };
            if let Some((id, reason)) = node.poll_close(self.now) {
                self.log(format!("node {index} closes a connection: {reason}"));
                self.cut(|link| link.ends.contains(&(index, id)));
                continue;
            }
            let Some(transmit) = node.poll_transmit(self.now, &mut self.buffer) else {
                return Ok(());
            };
            let octets = self.buffer[..transmit.len].to_vec();
            self.ghost.sent(board, &octets)?;
            let end = (index, transmit.connection);
            let Some(link) = self.links.iter_mut().find(|link| link.ends.contains(&end)) else {
                return Err(format!("node {index} sends on a connection that is closed"));
            };
            let other = usize::from(link.ends[0] == end);
            link.queues[other].push_back(octets);
        }
    }

    /// `Err(None)` means that the power is lost.
    fn store(&mut self, index: usize) -> Result<(), Option<String>> {
        let lost = |error: LedgerError<PowerLost>| match error {
            LedgerError::Medium(PowerLost) => None,
            error => Some(error.to_string()),
        };
        let late = self.bugs.store_late;
        let board = &mut self.boards[index];
        let Some(node) = &mut board.node else {
            return Ok(());
        };
        let mut written = false;
        if node.fsm_unstored() && late {
            node.fsm_stored();
        } else if node.fsm_unstored() {
            let mut buffer = vec![0; STATE_MAX + OVERHEAD];
            let opened = Journal::open(&mut board.state_disk, STATE_MAGIC, &mut buffer);
            let (mut journal, _) = opened.map_err(lost)?;
            let state = node.fsm().state();
            let stored = journal.store(&mut self.buffer, |b| persist::encode_state(state, b));
            stored.map_err(lost)?;
            self.ghost
                .stored(&board.id, &board.durable, state)
                .map_err(Some)?;
            board.durable = state.clone();
            node.fsm_stored();
            written = true;
        }
        if node.network_unstored() {
            let mut buffer = vec![0; NETWORK_MAX + OVERHEAD];
            let opened = Journal::open(&mut board.network_disk, NETWORK_MAGIC, &mut buffer);
            let (mut journal, _) = opened.map_err(lost)?;
            let config = node.network_config().cloned();
            if let Some(config) = &config {
                let stored =
                    journal.store(&mut self.buffer, |b| persist::encode_network(config, b));
                stored.map_err(lost)?;
            }
            self.ghost
                .network(&board.id, config.as_ref())
                .map_err(Some)?;
            board.durable_network = config;
            node.network_stored();
            written = true;
        }
        if written && std::mem::take(&mut board.crash_after_write) {
            return Err(None);
        }
        Ok(())
    }

    /// Delivers the oldest message to one end of a link.
    pub fn deliver(&mut self, link: usize, end: usize) -> Checked {
        let (receiver, connection) = self.links[link].ends[end];
        let Some(octets) = self.links[link].queues[end].pop_front() else {
            return Ok(());
        };
        let event = self.call(receiver, |node, now, _| {
            if let Ok(hello) = <&[u8; HELLO_LEN]>::try_from(&octets[..])
                && octets[..LENGTH_LEN] == [0; LENGTH_LEN]
            {
                node.handle_hello(now, connection, hello).map(|()| None)
            } else {
                node.handle_frame(now, connection, &octets[LENGTH_LEN..])
            }
        })?;
        match event {
            Some(Ok(Some(Event::Trust(output)))) => self.said(receiver, output),
            Some(Ok(Some(Event::Refused(error)))) => {
                self.log(format!("node {receiver} refuses a message: {error}"));
                self.ghost.refused(receiver, &error)
            }
            _ => Ok(()),
        }
    }

    /// An output reaches the user, if the node has not lost power meanwhile.
    pub fn said(&mut self, index: usize, output: ApiOutput) -> Checked {
        if !self.is_running(index) {
            return Ok(());
        }
        self.log(format!("node {index} says {output:?}"));
        self.ghost.said(&self.boards[index], &output)?;
        self.boards[index].said.push(Said::Output(output));
        Ok(())
    }

    /// Delivers what is under way now, in any order of the links; what that causes comes later.
    pub fn deliver_all(&mut self) -> Checked {
        let mut pending: BTreeMap<[(usize, ConnectionId); 2], [usize; 2]> = BTreeMap::new();
        for link in &self.links {
            pending.insert(link.ends, [link.queues[0].len(), link.queues[1].len()]);
        }
        while !pending.is_empty() {
            let pick = self.rng.next_u32() as usize % pending.len();
            let (&ends, counts) = pending.iter_mut().nth(pick).expect("it is there");
            let end = usize::from(counts[0] == 0);
            if counts[end] == 0 {
                pending.remove(&ends);
                continue;
            }
            counts[end] -= 1;
            match self.links.iter().position(|link| link.ends == ends) {
                Some(link) => self.deliver(link, end)?,
                None => {
                    pending.remove(&ends);
                }
            }
        }
        Ok(())
    }

    /// Lets time pass at all nodes, and opens the connections that are due.
    pub fn tick(&mut self) -> Checked {
        self.now += TICK;
        for index in 0..self.boards.len() {
            let expired = self.call(index, |node, now, _| node.handle_timeout(now))?;
            if let Some(Err(expired)) = expired {
                for (request, error) in expired {
                    self.log(format!("node {index} says {error}"));
                    self.boards[index].said.push(Said::Expired(request));
                }
            }
            self.dial(index)?;
        }
        Ok(())
    }

    fn dial(&mut self, index: usize) -> Checked {
        while let Some(Some(remote)) = self.call(index, |node, now, _| node.poll_dial(now))? {
            let other = self.boards.iter().position(|board| board.addr == remote);
            let other = other.expect("all addresses are boards'");
            if !self.reaches(index, other) {
                self.call(index, |node, now, _| node.on_dial_failed(now, remote))?;
                continue;
            }
            // Both ends know of the connection before either sends.
            let (now, from) = (self.now, self.boards[index].addr);
            let mut open = |board: usize, accept: bool| {
                let node = self.boards[board].node.as_mut().expect("it runs");
                if accept {
                    node.on_accepted(now, from, None)
                } else {
                    node.on_dialed(now, remote, None)
                }
            };
            let (Ok(here), Ok(there)) = (open(index, false), open(other, true)) else {
                return Err("a node of a small rack has no room for a connection".into());
            };
            self.links.push(Link {
                ends: [(index, here), (other, there)],
                queues: Default::default(),
            });
            self.ghost.linked();
            self.settle(index)?;
            self.settle(other)?;
        }
        Ok(())
    }

    /// Draws the UUID of a new rack and starts its initialisation.
    pub fn init_rack(&mut self, index: usize, members: usize) -> Checked {
        let members: Vec<_> = (0..members).map(id).collect();
        let mut uuid = [0; 16];
        self.rng.fill_bytes(&mut uuid);
        let rack = RackUuid(uuid);
        // The same random numbers give the same secret, which the checks may know.
        let seed = self.rng.next_u64();
        let secret = bootstore::trust_quorum::Dealer::new(
            rack,
            &members,
            &mut ChaCha20Rng::seed_from_u64(seed),
        )
        .expect("the members are right")
        .secret();
        let result = self.call(index, |node, now, _| {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            node.init_rack(now, &mut rng, rack, &members)
        })?;
        if let Some(Ok(output)) = result {
            self.log(format!(
                "node {index} initialises a rack of {}",
                members.len()
            ));
            self.ghost.dealt(rack, members.len(), secret);
            if let Some(output) = output {
                self.said(index, output)?;
            }
        }
        Ok(())
    }

    pub fn init_learner(&mut self, index: usize) -> Checked {
        if let Some(Ok(Some(output))) = self.call(index, |node, now, _| node.init_learner(now))? {
            self.said(index, output)?;
        }
        Ok(())
    }

    /// Starts a load; its id, if it was accepted.
    pub fn load(&mut self, index: usize) -> Result<Option<RequestId>, String> {
        match self.call(index, |node, now, _| node.load_rack_secret(now))? {
            Some(Ok(output)) => {
                let (ApiOutput::RackSecretRequested { request_id }
                | ApiOutput::RackSecret { request_id, .. }) = &output
                else {
                    return Err("a load gave another output".into());
                };
                let id = *request_id;
                self.said(index, output)?;
                Ok(Some(id))
            }
            _ => Ok(None),
        }
    }

    pub fn set_network(&mut self, index: usize, step: u64) -> Checked {
        let current = self.boards[index]
            .node
            .as_ref()
            .and_then(|node| node.network_config().map(|config| config.generation))
            .unwrap_or(0);
        let mut blob = [0; 24];
        self.rng.fill_bytes(&mut blob);
        let config = NetworkConfig::new(current + step, &blob).expect("it is short");
        let expected = step > 0;
        let result = self.call(index, |node, _, _| node.set_network_config(config))?;
        match result {
            Some(result) if result.is_ok() != expected => {
                Err(format!("generation {current} + {step}: {result:?}"))
            }
            _ => Ok(()),
        }
    }

    /// Erases a board, as a reset of the rack does.
    pub fn reset(&mut self, index: usize) -> Checked {
        self.crash(index);
        let board = &mut self.boards[index];
        board.state_disk.erase();
        board.network_disk.erase();
        board.durable = State::Uninitialized;
        board.durable_network = None;
        self.ghost.reset(&board.id);
        self.log(format!("node {index} is reset"));
        self.start(index)
    }
}

/// The content of a frame, unless the octets are a hello or an identity.
pub fn message(octets: &[u8]) -> Option<Msg> {
    Msg::decode(octets.get(LENGTH_LEN..)?).ok()
}
