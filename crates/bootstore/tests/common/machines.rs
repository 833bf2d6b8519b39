//! Machines and nodes in states that tests start from.
#![allow(dead_code, reason = "each test uses a part of it")]

use super::{id, ids, rng};
use bootstore::node::{ConnectionId, Event, Node, Timing};
use bootstore::schemes::Scheme;
use bootstore::schemes::v0::{ApiOutput, Config, Fsm, Message, Request, Response};
use bootstore::trust_quorum::Share;
use bootstore::wire::{Hello, Identify};
use bootstore::{Baseboard, RackUuid, RequestId};
use netboot_core::Instant;
use std::net::SocketAddrV6;

pub const RACK: RackUuid = RackUuid([7; 16]);

pub fn at(secs: u64) -> Instant {
    Instant::from_millis(secs * 1000)
}

pub fn fsm(number: usize) -> Fsm {
    Fsm::new(id(number), Config::default(), [number as u8; 8])
}

pub fn envelopes(fsm: &mut Fsm) -> Vec<(Baseboard, Message)> {
    fsm.persisted();
    fsm.drain_envelopes()
        .map(|envelope| (envelope.to, envelope.message))
        .collect()
}

/// A coordinator that is connected to all others, and the packages of the others.
pub fn coordinator(members: usize) -> (Fsm, Vec<(Baseboard, Message)>) {
    let mut fsm = fsm(0);
    for peer in ids(members).iter().skip(1) {
        fsm.on_connected(at(0), peer).unwrap();
    }
    fsm.init_rack(at(0), &mut rng(1), RACK, &ids(members))
        .unwrap();
    let packages = envelopes(&mut fsm);
    (fsm, packages)
}

pub fn acknowledge(fsm: &mut Fsm, packages: &[(Baseboard, Message)]) -> Vec<ApiOutput> {
    let mut outputs = Vec::new();
    for (member, message) in packages {
        let Message::Request { id, .. } = message else {
            panic!("{message:?}");
        };
        let ack = Message::Response {
            request_id: *id,
            response: Response::InitAck,
        };
        outputs.extend(fsm.handle(at(0), member, &ack).unwrap());
    }
    fsm.persisted();
    outputs
}

/// The share that each member has got.
pub fn shares(packages: &[(Baseboard, Message)]) -> Vec<(Baseboard, Share)> {
    packages
        .iter()
        .map(|(member, message)| match message {
            Message::Request {
                request: Request::Init(pkg),
                ..
            } => (member.clone(), pkg.common.share.clone()),
            other => panic!("{other:?}"),
        })
        .collect()
}

pub fn response(request_id: RequestId, share: &Share) -> Message {
    Message::Response {
        request_id,
        response: Response::Share(share.clone()),
    }
}

pub fn address(last: u16) -> SocketAddrV6 {
    format!("[fd00::{last}]:12346").parse().unwrap()
}

/// A node at fd00::3 whose channel has proved `proven`, with a connection in its handshake.
pub fn node(scheme: Scheme, proven: Option<Baseboard>) -> (Node, ConnectionId) {
    let (mut fsm, packages) = coordinator(3);
    acknowledge(&mut fsm, &packages);
    for peer in ids(3) {
        fsm.on_disconnected(&peer);
    }
    let identity = Identify {
        id: id(0),
        addr: address(3),
    };
    let mut node = Node::new(identity, scheme, Timing::default(), fsm, None);
    let connection = node.on_accepted(at(0), address(5), proven).unwrap();
    (node, connection)
}

pub fn identify(number: usize, addr: SocketAddrV6) -> Vec<u8> {
    let mut buffer = [0; 512];
    let identity = Identify {
        id: id(number),
        addr,
    };
    let len = identity.encode(&mut buffer).unwrap();
    buffer[..len].to_vec()
}

pub fn connected_node(peer: &Baseboard) -> (Node, ConnectionId) {
    let (mut node, connection) = node(Scheme::V0, None);
    let hello = Hello { scheme: Scheme::V0 };
    node.handle_hello(at(0), connection, &hello.to_bytes())
        .unwrap();
    let event = node.handle_frame(at(0), connection, &identify(5, address(5)));
    assert_eq!(event, Ok(Some(Event::PeerConnected(peer.clone()))));
    (node, connection)
}
