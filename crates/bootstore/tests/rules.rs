//! Rules of the state machine and of connections.

mod common;

use bootstore::node::{Direction, Event, NodeError};
use bootstore::schemes::Scheme;
use bootstore::schemes::v0::{ApiError, Message, Request, Response, State};
use bootstore::trust_quorum::TrustQuorumError;
use bootstore::wire::Hello;
use bootstore::{Baseboard, RequestId};
use common::machines::{
    RACK, acknowledge, address, at, connected_node, coordinator, envelopes, fsm, identify, node,
    response, shares,
};
use common::{id, ids, rng};
use std::collections::BTreeMap;

#[test]
fn the_rules_of_connections() {
    // Of two nodes the higher one dials, so a lower one must not come in.
    for (claimed, expected) in [
        (address(2), Err(NodeError::WrongDirection)),
        (address(3), Err(NodeError::WrongDirection)),
    ] {
        let (mut node, connection) = node(Scheme::V0, None);
        let hello = Hello { scheme: Scheme::V0 };
        node.handle_hello(at(0), connection, &hello.to_bytes())
            .unwrap();
        let result = node.handle_frame(at(0), connection, &identify(1, claimed));
        assert_eq!(result, expected);
        assert!(node.poll_close(at(0)).is_some());
    }
    // A peer that comes again replaces its older connection.
    let (mut node, first) = connected_node(&id(5));
    let second = node.on_accepted(at(1), address(5), None).unwrap();
    let hello = Hello { scheme: Scheme::V0 };
    node.handle_hello(at(1), second, &hello.to_bytes()).unwrap();
    node.handle_frame(at(1), second, &identify(5, address(5)))
        .unwrap();
    assert_eq!(node.poll_close(at(1)).map(|(id, _)| id), Some(first));
    assert_eq!(node.peers().count(), 1);
    assert_eq!(
        node.peers().next().map(|peer| peer.2),
        Some(Direction::Accepted)
    );
    // Silence closes a connection after 10 s, in the handshake as well as later.
    let third = node.on_accepted(at(2), address(6), None).unwrap();
    node.handle_timeout(at(11)).unwrap();
    assert_eq!(node.poll_close(at(11)).map(|(id, _)| id), Some(second));
    node.handle_timeout(at(12)).unwrap();
    assert_eq!(node.poll_close(at(12)).map(|(id, _)| id), Some(third));
    assert_eq!(node.poll_close(at(12)), None);
}

#[test]
fn silent_connections_do_not_lock_a_peer_out() {
    let (mut node, _) = node(Scheme::V0, None);
    let mut closed = 0;
    for number in 0..1000 {
        node.on_accepted(at(0), address(100 + number), None)
            .unwrap();
        while node.poll_close(at(0)).is_some() {
            closed += 1;
        }
    }
    assert_eq!(closed, 1001 - bootstore::node::HANDSHAKES_MAX);
    let peer = node.on_accepted(at(0), address(5), None).unwrap();
    let hello = Hello { scheme: Scheme::V0 };
    node.handle_hello(at(0), peer, &hello.to_bytes()).unwrap();
    let event = node.handle_frame(at(0), peer, &identify(5, address(5)));
    assert_eq!(event, Ok(Some(Event::PeerConnected(id(5)))));
}

#[test]
fn a_rack_that_does_not_complete_fails_for_good() {
    let (mut fsm, packages) = coordinator(3);
    acknowledge(&mut fsm, &packages[..1]);
    assert_eq!(fsm.rack_init_progress(), Some((2, 3)));
    let error = ApiError::RackInitTimeout {
        acked: 2,
        members: 3,
    };
    let expired = fsm.tick(at(600)).unwrap_err();
    assert_eq!(expired[0].1, error);
    assert_eq!(fsm.load_rack_secret(at(601)), Err(error));
    assert_eq!(fsm.init_learner(at(601)), Err(error));
    let again = fsm.init_rack(at(601), &mut rng(1), RACK, &ids(3));
    assert_eq!(again, Err(error));
    assert_eq!(fsm.tick(at(700)), Ok(()));
}

#[test]
fn memberships_that_cannot_be_are_refused() {
    let twice = [id(0), id(1), id(0)];
    let cases: [(&[Baseboard], ApiError); 4] = [
        (&[], ApiError::NotAMember),
        (&[id(1)], ApiError::NotAMember),
        (
            &twice,
            ApiError::TrustQuorum(TrustQuorumError::DuplicateMember),
        ),
        (
            &ids(33),
            ApiError::TrustQuorum(TrustQuorumError::TooManyMembers { members: 33 }),
        ),
    ];
    for (members, error) in cases {
        let mut fsm = fsm(0);
        let result = fsm.init_rack(at(0), &mut rng(1), RACK, members);
        assert_eq!(result, Err(error));
        assert_eq!(fsm.state(), &State::Uninitialized);
    }
    let mut fsm = fsm(0);
    assert!(fsm.init_rack(at(0), &mut rng(1), RACK, &ids(32)).is_ok());
}

#[test]
fn a_learner_asks_one_peer_after_the_other() {
    let mut learner = fsm(9);
    for peer in [3, 1, 2] {
        learner.on_connected(at(0), &id(peer)).unwrap();
    }
    learner.init_learner(at(0)).unwrap();
    let mut asked = Vec::new();
    for second in [0, 5, 10, 15] {
        let _ = learner.tick(at(second));
        let sent = envelopes(&mut learner);
        assert_eq!(sent.len(), 1, "at {second} s");
        asked.push(sent[0].0.clone());
    }
    assert_eq!(asked, [id(1), id(2), id(3), id(1)]);
    // A peer that comes back is asked again only if it is its turn.
    learner.on_disconnected(&id(1));
    learner.on_connected(at(16), &id(2)).unwrap();
    assert!(envelopes(&mut learner).is_empty());
    learner.on_connected(at(16), &id(1)).unwrap();
    assert_eq!(envelopes(&mut learner).len(), 1);
}

#[test]
fn a_member_gives_each_learner_one_share_until_none_is_left() {
    // A rack of 32 has 6 extra shares for each member.
    let (mut fsm, packages) = coordinator(32);
    acknowledge(&mut fsm, &packages);
    let shares = shares(&packages);
    let mut given = BTreeMap::new();
    for round in 0..3 {
        for learner in 100..108 {
            fsm.on_connected(at(0), &id(learner)).unwrap();
            let learn = Message::Request {
                id: RequestId([learner as u8; 16]),
                request: Request::Learn,
            };
            fsm.handle(at(0), &id(learner), &learn).unwrap();
            let sent = envelopes(&mut fsm);
            let answer = match &sent[0].1 {
                Message::Request { id: request, .. } => {
                    for (member, share) in shares.iter().take(16) {
                        fsm.handle(at(0), member, &response(*request, share))
                            .unwrap();
                    }
                    envelopes(&mut fsm).remove(0)
                }
                _ => sent[0].clone(),
            };
            assert_eq!(answer.0, id(learner));
            match answer.1 {
                Message::Response {
                    response: Response::LearnPkg(pkg),
                    ..
                } => {
                    let x = pkg.common.share.x();
                    assert_eq!(*given.entry(learner).or_insert(x), x, "round {round}");
                    pkg.common.check().unwrap();
                }
                Message::Response {
                    response: Response::Error(_),
                    ..
                } => assert!(learner >= 106),
                other => panic!("{other:?}"),
            }
            fsm.on_disconnected(&id(learner));
        }
    }
    let mut xs: Vec<_> = given.values().copied().collect();
    xs.sort_unstable();
    assert_eq!(xs, [2, 3, 4, 5, 6, 7]);
}
