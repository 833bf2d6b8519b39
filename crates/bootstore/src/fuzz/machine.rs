//! A node among hostile peers.
//!
//! Each step is one octet that selects an operation, and the octets that this operation takes. Peers send raw
//! octets, or messages that are right in form with requests, shares and packages of the input's choice, so that
//! deep states are reached without luck. What must hold after each step:
//!
//! - nothing is sent while a change waits to be stored;
//! - the node sends few messages for each operation: nothing multiplies;
//! - a node never leaves the state of a member, and never sends a share that it does not have;
//! - a secret that comes out is the rack's;
//! - the generation of the network configuration never goes back;
//! - time never stands still: no timer is due that handling does not move.

use super::Input;
use crate::node::{ConnectionId, Event, Node, TRANSMIT_MAX, Timing};
use crate::schemes::Scheme;
use crate::schemes::v0::state::StateName;
use crate::schemes::v0::{ApiOutput, Config, Fsm, Message, RemoteError, Request, Response, State};
use crate::trust_quorum::{Dealer, LearnedSharePkg, Share};
use crate::wire::{Hello, Identify, LENGTH_LEN, Msg};
use crate::{Baseboard, NetworkConfig, RackUuid, RequestId};
use core::net::{Ipv6Addr, SocketAddrV6};
use netboot_core::{Duration, Instant};
use rand_core::{CryptoRng, RngCore};

const RACK: RackUuid = RackUuid([7; 16]);
const MEMBERS: u8 = 3;
const PEERS: u8 = 6;

/// Runs one input.
///
/// # Panics
/// When an invariant does not hold.
pub fn machine(data: &[u8]) {
    drive(data);
}

/// How far an input has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) state: StateName,
    pub(super) secrets: u32,
    pub(super) learners: usize,
    pub(super) pending: bool,
}

pub(super) fn drive(data: &[u8]) -> Reached {
    let mut input = Input(data);
    let mut harness = Harness::new();
    while !input.is_empty() {
        harness.step(&mut input);
        harness.check();
    }
    let (learners, pending) = match harness.node.fsm().state() {
        State::InitialMember(member) => (member.distributed_shares.len(), member.init_pending),
        _ => (0, false),
    };
    Reached {
        state: harness.name,
        secrets: harness.secrets,
        learners,
        pending,
    }
}

fn id(number: u8) -> Baseboard {
    let digits = [b'0', b'0', b'0' + number % 10];
    let name = core::str::from_utf8(&digits).unwrap_or("0");
    Baseboard::pc(name, "0").expect("it is short")
}

fn members() -> [Baseboard; MEMBERS as usize] {
    core::array::from_fn(|number| id(number as u8))
}

fn address(number: u8) -> SocketAddrV6 {
    let ip = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, u16::from(number) + 1);
    SocketAddrV6::new(ip, 12346, 0, 0)
}

struct Harness {
    node: Node,
    dealer: Dealer,
    now: Instant,
    /// Connection of each peer.
    peers: [Option<ConnectionId>; PEERS as usize],
    /// Id of the last request that the node sent.
    asked: RequestId,
    name: StateName,
    generation: u64,
    allowed: u32,
    sent: u32,
    secrets: u32,
}

impl Harness {
    fn new() -> Self {
        let dealer = Dealer::new(RACK, &members(), &mut Counter(1));
        let identity = Identify {
            id: id(0),
            addr: address(0),
        };
        let fsm = Fsm::new(id(0), Config::default(), [1; 8]);
        Self {
            node: Node::new(identity, Scheme::V0, Timing::default(), fsm, None),
            dealer: dealer.expect("the members are right"),
            now: Instant::ZERO,
            peers: [None; PEERS as usize],
            asked: RequestId([0; 16]),
            name: StateName::Uninitialized,
            generation: 0,
            allowed: 0,
            sent: 0,
            secrets: 0,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        // A load or a new connection sends to every peer or repeats every request; others answer once.
        self.allowed += 16;
        let now = self.now;
        match input.octet() % 12 {
            0 => self.now += Duration::from_millis(u64::from(input.octet()) * 64),
            1 => {
                if let Some(timer) = self.node.poll_timeout() {
                    self.now = self.now.max(timer);
                }
                let _ = self.node.handle_timeout(self.now);
            }
            2 => {
                let rng = &mut Counter(1);
                let _ = self.node.init_rack(now, rng, RACK, &members());
            }
            3 => {
                let _ = self.node.init_learner(now);
            }
            4 => {
                let _ = self.node.load_rack_secret(now);
            }
            5 => {
                let generation = u64::from(input.octet());
                let config = NetworkConfig::new(generation, input.take(2));
                let _ = self.node.set_network_config(config.expect("it is short"));
            }
            6 => self.connect(input.octet() % PEERS),
            7 => {
                let peer = usize::from(input.octet() % PEERS);
                if let Some(id) = self.peers.get_mut(peer).and_then(Option::take) {
                    self.node.on_closed(now, id);
                }
            }
            8 => {
                let peer = input.octet() % PEERS;
                let len = usize::from(input.octet());
                let octets = input.take(len);
                self.frame(peer, octets);
            }
            _ => {
                let peer = input.octet() % PEERS;
                let msg = self.message(peer, input);
                let mut buffer = [0; TRANSMIT_MAX];
                let len = msg.encode(&mut buffer).expect("every message fits");
                self.frame(peer, buffer.get(..len).unwrap_or(&[]));
            }
        }
    }

    fn connect(&mut self, peer: u8) {
        let Ok(connection) = self.node.on_accepted(self.now, address(peer), None) else {
            return;
        };
        let hello = Hello { scheme: Scheme::V0 };
        let identity = Identify {
            id: id(peer),
            addr: address(peer),
        };
        let mut buffer = [0; 512];
        let len = identity.encode(&mut buffer).expect("it is short");
        let greeted = self
            .node
            .handle_hello(self.now, connection, &hello.to_bytes());
        assert!(greeted.is_ok());
        let octets = buffer.get(..len).unwrap_or(&[]);
        // Peer 0 claims to be the node itself and is refused.
        let up = self.node.handle_frame(self.now, connection, octets).is_ok();
        assert_eq!(up, peer != 0);
        if let Some(place) = self.peers.get_mut(usize::from(peer)).filter(|_| up) {
            *place = Some(connection);
        }
    }

    fn frame(&mut self, peer: u8, octets: &[u8]) {
        let Some(Some(connection)) = self.peers.get(usize::from(peer)).copied() else {
            return;
        };
        let event = self.node.handle_frame(self.now, connection, octets);
        if let Ok(Some(Event::Trust(ApiOutput::RackSecret { secret, .. }))) = event {
            assert_eq!(secret, self.dealer.secret());
            self.secrets += 1;
        }
    }

    /// A message that is right in form.
    fn message(&self, peer: u8, input: &mut Input<'_>) -> Msg {
        let kind = input.octet();
        let id = match kind >> 6 {
            0 => RequestId([kind; 16]),
            _ => self.asked,
        };
        let share_of = |member: u8| {
            let package = self.dealer.package(usize::from(member % MEMBERS));
            package.expect("there are so many").common
        };
        let request = |request| Msg::Fsm(Message::Request { id, request });
        let response = |response| {
            Msg::Fsm(Message::Response {
                request_id: id,
                response,
            })
        };
        match kind & 15 {
            0 => Msg::Ping,
            1 => {
                let config = NetworkConfig::new(u64::from(input.octet()), input.take(2));
                Msg::NetworkConfig(config.expect("it is short"))
            }
            2 => {
                let member = usize::from(input.octet() % MEMBERS);
                let mut package = self.dealer.package(member).expect("there are so many");
                if input.octet() & 3 == 3 {
                    package.common.threshold ^= input.octet();
                    package
                        .encrypted_shares
                        .truncate(usize::from(input.octet()));
                }
                request(Request::Init(package))
            }
            3 => request(Request::GetShare { rack_uuid: RACK }),
            4 => request(Request::GetShare {
                rack_uuid: RackUuid([9; 16]),
            }),
            5 | 6 => request(Request::Learn),
            7 => response(Response::InitAck),
            8 => response(Response::Error(RemoteError::NotInitialized)),
            9 => {
                let mut common = share_of(1);
                common.share = self.extra(input.octet());
                common.epoch = u32::from(input.octet() & 1);
                response(Response::LearnPkg(LearnedSharePkg { common }))
            }
            10 => response(Response::Share(self.extra(input.octet()))),
            11 => {
                let mut octets = *share_of(1).share.expose();
                if let Some(octet) = octets.get_mut(usize::from(input.octet() % 32)) {
                    *octet = octet.wrapping_add(1);
                }
                match Share::from_bytes(octets) {
                    Ok(share) => response(Response::Share(share)),
                    Err(_) => Msg::Ping,
                }
            }
            12 => response(Response::Share(share_of(input.octet()).share)),
            _ => response(Response::Share(share_of(peer).share)),
        }
    }

    /// Some extra share of member 1.
    fn extra(&self, index: u8) -> Share {
        let package = self.dealer.package(1).expect("there are so many");
        let index = usize::from(index) % package.extra_shares();
        let share = package.extra_share(&self.dealer.secret(), index);
        share.expect("the secret is right")
    }

    fn check(&mut self) {
        let mut buffer = [0; TRANSMIT_MAX];
        let held = self.node.fsm_unstored();
        assert!(!(held && self.node.fsm().has_envelopes()));
        if self.node.network_unstored() {
            self.node.network_stored();
        }
        if held {
            self.node.fsm_stored();
        }
        while let Some((id, _)) = self.node.poll_close(self.now) {
            for peer in &mut self.peers {
                if *peer == Some(id) {
                    *peer = None;
                }
            }
        }
        while let Some(transmit) = self.node.poll_transmit(self.now, &mut buffer) {
            self.sent += 1;
            let octets = buffer.get(LENGTH_LEN..transmit.len).unwrap_or(&[]);
            self.sent_octets(octets);
        }
        assert!(self.sent <= self.allowed, "messages multiply");
        let name = self.node.fsm().state().name();
        let stays = match self.name {
            StateName::Uninitialized => true,
            StateName::Learning => matches!(name, StateName::Learning | StateName::Learned),
            StateName::InitialMember | StateName::Learned => name == self.name,
        };
        assert!(stays, "the node leaves its state");
        self.name = name;
        let generation = self.node.network_config().map_or(0, |c| c.generation);
        assert!(generation >= self.generation);
        self.generation = generation;
        let _ = self.node.handle_timeout(self.now);
        while self.node.poll_close(self.now).is_some() {}
        while self.node.poll_transmit(self.now, &mut buffer).is_some() {
            self.sent += 1;
            self.allowed += 1;
        }
        let stuck = self.node.poll_timeout().is_some_and(|due| due <= self.now);
        assert!(!stuck, "a timer stands still");
    }

    fn sent_octets(&mut self, octets: &[u8]) {
        match Msg::decode(octets) {
            Ok(Msg::Fsm(Message::Request { id, .. })) => self.asked = id,
            Ok(Msg::Fsm(Message::Response {
                response: Response::Share(share),
                ..
            })) => {
                let own = self.node.fsm().state().common();
                assert!(own.is_some_and(|own| own.share == share));
            }
            _ => {}
        }
    }
}

/// A random source that is the same in each run.
struct Counter(u64);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 27
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for octet in dest {
            *octet = self.next_u64() as u8;
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Counter {}
