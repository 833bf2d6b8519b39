//! The eight defects of the first implementation. Each has a check that ours passes and a naive version fails.

mod common;

use bootstore::node::{NodeError, TRANSMIT_MAX};
use bootstore::schemes::Scheme;
use bootstore::schemes::v0::{ApiOutput, Config, Fsm, Message, MsgError, Request, Response, State};
use bootstore::trust_quorum::{Dealer, TrustQuorumError, shamir};
use bootstore::wire::framing::Deframer;
use bootstore::wire::{Hello, Identify, WireError};
use bootstore::{Baseboard, RackUuid, RequestId};
use common::machines::{
    RACK, acknowledge, address, at, connected_node, coordinator, envelopes, fsm, identify, node,
    response, shares,
};
use common::{id, ids, rng};
use std::collections::BTreeMap;

// 1 and 2: requests and their deadlines.

trait Deadlines {
    /// Starts a request that lasts so many seconds.
    fn start(&mut self, now: u64, lasts: u64);
    /// Number of requests that expire now.
    fn expire(&mut self, now: u64) -> usize;
}

/// The naive version: deadlines in a map, the last of which is looked at.
#[derive(Default)]
struct LastOfMap(BTreeMap<u64, u32>);

impl Deadlines for LastOfMap {
    fn start(&mut self, now: u64, lasts: u64) {
        self.0.insert(now + lasts, 0);
    }

    fn expire(&mut self, now: u64) -> usize {
        let mut expired = 0;
        while let Some(entry) = self.0.last_entry() {
            if *entry.key() > now {
                break;
            }
            entry.remove();
            expired += 1;
        }
        expired
    }
}

/// The first repair: all that are due, but two of the same instant are still one.
#[derive(Default)]
struct FirstOfMap(BTreeMap<u64, u32>);

impl Deadlines for FirstOfMap {
    fn start(&mut self, now: u64, lasts: u64) {
        self.0.insert(now + lasts, 0);
    }

    fn expire(&mut self, now: u64) -> usize {
        let later = self.0.split_off(&(now + 1));
        std::mem::replace(&mut self.0, later).len()
    }
}

/// Ours: the machine itself. A long request is the initialisation of a rack, a short one is a load.
struct Ours(Fsm);

impl Deadlines for Ours {
    fn start(&mut self, now: u64, lasts: u64) {
        match lasts {
            600 => {
                let members = ids(3);
                self.0
                    .init_rack(at(now), &mut rng(1), RACK, &members)
                    .unwrap();
            }
            5 => {
                self.0.load_rack_secret(at(now)).unwrap();
            }
            other => panic!("nothing lasts {other} s"),
        }
    }

    fn expire(&mut self, now: u64) -> usize {
        self.0
            .tick(at(now))
            .err()
            .map_or(0, |expired| expired.len())
    }
}

/// A short request beside a long one expires in time.
fn short_beside_long(deadlines: &mut dyn Deadlines) -> bool {
    deadlines.start(0, 600);
    deadlines.start(1, 5);
    deadlines.expire(5) == 0 && deadlines.expire(6) == 1 && deadlines.expire(600) == 1
}

/// Two requests of the same instant both expire.
fn two_at_once(deadlines: &mut dyn Deadlines) -> bool {
    deadlines.start(0, 600);
    deadlines.start(1, 5);
    deadlines.start(1, 5);
    deadlines.expire(6) == 2
}

#[test]
fn defect_1_a_short_request_does_not_wait_behind_a_long_one() {
    assert!(short_beside_long(&mut Ours(fsm(0))));
    assert!(!short_beside_long(&mut LastOfMap::default()));
    let mut ours = Ours(fsm(0));
    ours.start(0, 600);
    ours.start(1, 5);
    assert_eq!(ours.0.poll_timeout(), Some(at(6)));
}

#[test]
fn defect_2_two_requests_of_one_tick_both_expire() {
    assert!(two_at_once(&mut Ours(fsm(0))));
    assert!(!two_at_once(&mut FirstOfMap::default()));
    assert!(!two_at_once(&mut LastOfMap::default()));
}

// 3: lengths of frames.

/// Reads frames with a buffer of 128 octets. `Err` is a refusal, and `Ok(None)` means that more octets are wanted.
type Reader = fn(&[u8]) -> Result<Option<usize>, &'static str>;

fn our_reader(stream: &[u8]) -> Result<Option<usize>, &'static str> {
    let mut buffer = [0; 128];
    let mut deframer = Deframer::new(&mut buffer);
    let mut rest = stream;
    for _ in 0..10_000 {
        let taken = deframer.push(rest);
        rest = &rest[taken..];
        match deframer.next_frame(512) {
            Ok(Some(frame)) => return Ok(Some(frame.len())),
            Ok(None) if rest.is_empty() => return Ok(None),
            Ok(None) => {}
            Err(WireError::FrameLength { .. }) => return Err("refused"),
            Err(_) => return Err("another error"),
        }
    }
    Err("spins")
}

/// The naive version: the length is believed, and reading goes on into a buffer that is full.
fn naive_reader(stream: &[u8]) -> Result<Option<usize>, &'static str> {
    let mut buffer = [0; 128];
    let mut filled = 0;
    let mut rest = stream;
    for _ in 0..10_000 {
        let room = &mut buffer[filled..];
        let count = room.len().min(rest.len());
        room[..count].copy_from_slice(&rest[..count]);
        filled += count;
        rest = &rest[count..];
        let Some(field) = buffer[..filled].first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*field) as usize;
        if filled >= 4 + length {
            return Ok(Some(length));
        }
        if rest.is_empty() {
            return Ok(None);
        }
    }
    Err("spins")
}

fn survives_a_long_frame(read: Reader) -> bool {
    let mut stream = 1000u32.to_be_bytes().to_vec();
    stream.extend([0; 1000]);
    read(&stream) == Err("refused")
        && read(&u32::MAX.to_be_bytes()) == Err("refused")
        && read(&[0; 4]) == Err("refused")
        && read(&[0, 0, 0, 2, 7, 7]) == Ok(Some(2))
}

#[test]
fn defect_3_a_frame_that_cannot_fit_is_refused_at_once() {
    assert!(survives_a_long_frame(our_reader));
    assert!(!survives_a_long_frame(naive_reader));
    // An identity that is longer than a small buffer is read or refused, and never cuts a slice out of range.
    for length in [64, 65, 200, 5000] {
        let name = "x".repeat(length);
        let mut octets = common::unhex("a2626964a364747970656270636a6964656e746966696572");
        octets.extend([0x79, (length >> 8) as u8, length as u8]);
        octets.extend(name.as_bytes());
        octets.extend(common::unhex(
            "656d6f64656c6130646164647282900000000000000000000000000000000119303a",
        ));
        assert_eq!(Identify::decode(&octets).is_ok(), length <= 64, "{length}");
    }
}

// 4: the end of a stream.

/// Reads until a frame is there or the stream ends, and counts the reads.
fn reads_until_done(eof_is_handled: bool) -> Option<u32> {
    let mut reads = 0;
    let mut stream: &[u8] = &[0, 0];
    let mut buffer = [0; 16];
    let mut deframer = Deframer::new(&mut buffer);
    while reads < 10_000 {
        reads += 1;
        let mut octets = [0; 8];
        let count = std::io::Read::read(&mut stream, &mut octets).unwrap();
        deframer.push(&octets[..count]);
        if deframer.next_frame(12) != Ok(None) || (count == 0 && eof_is_handled) {
            return Some(reads);
        }
    }
    None
}

#[test]
fn defect_4_the_end_of_a_stream_ends_the_reading() {
    // The daemon reads with `read_exact`, for which the end is an error; its tests count the time that it uses
    // (crates/bootstored/tests/loopback.rs). Here is the rule, and what comes of it when it is broken.
    assert_eq!(reads_until_done(true), Some(2));
    assert_eq!(reads_until_done(false), None);
    // The node forgets a connection that has ended at once, not after the time of inactivity.
    let (mut node, connection) = connected_node(&id(5));
    assert_eq!(node.peers().count(), 1);
    node.on_closed(at(1), connection);
    assert_eq!(node.peers().count(), 0);
    assert_eq!(node.fsm().connected_peers().count(), 0);
}

// 5: a rack of one.

#[test]
fn defect_5_a_rack_of_one_member_completes() {
    let mut fsm = fsm(0);
    let output = fsm.init_rack(at(0), &mut rng(1), RACK, &ids(1)).unwrap();
    assert_eq!(
        output,
        Some(ApiOutput::RackInitComplete { rack_uuid: RACK })
    );
    // The naive version completes when an acknowledgment comes, and there is nobody to send one.
    let naive =
        |acknowledgments: usize, others: usize| acknowledgments > 0 && acknowledgments == others;
    assert!(!naive(0, 0) && naive(2, 2));
    fsm.persisted();
    let Ok(ApiOutput::RackSecret { secret, .. }) = fsm.load_rack_secret(at(0)) else {
        panic!("its own share is enough");
    };
    let dealer = Dealer::new(RACK, &ids(1), &mut rng(1)).unwrap();
    assert_eq!(secret, dealer.secret());
    // It can give a share away at once, too.
    fsm.on_connected(at(0), &id(9)).unwrap();
    let learn = Message::Request {
        id: RequestId([9; 16]),
        request: Request::Learn,
    };
    let output = fsm.handle(at(0), &id(9), &learn).unwrap();
    assert_eq!(
        output,
        Some(ApiOutput::ShareDistributedToLearner { learner: id(9) })
    );
}

// 6: storing before anything leaves.

/// What would be left of a node if it lost power right after it has sent its first message.
fn state_after_power_loss(naive: bool) -> (State, usize) {
    let mut fsm = fsm(0);
    fsm.on_connected(at(0), &id(1)).unwrap();
    let mut disk = State::Uninitialized;
    let output = fsm.init_rack(at(0), &mut rng(1), RACK, &ids(2)).unwrap();
    let output = output.expect("the initialisation starts");
    if naive {
        // It stores when the rack is complete.
        fsm.persisted();
        if matches!(output, ApiOutput::RackInitComplete { .. }) {
            disk = fsm.state().clone();
        }
    } else {
        assert!(output.must_persist() && fsm.needs_persist());
        assert!(!fsm.has_envelopes());
        assert_eq!(
            fsm.drain_envelopes().count(),
            0,
            "a message leaves too early"
        );
        disk = fsm.state().clone();
        fsm.persisted();
    }
    (disk, fsm.drain_envelopes().count())
}

#[test]
fn defect_6_the_coordinator_stores_its_share_before_it_sends_any() {
    let (disk, sent) = state_after_power_loss(false);
    assert!(matches!(disk, State::InitialMember(_)) && sent == 1);
    // The naive version has dealt shares of a rack that it knows nothing of after a restart.
    let (disk, sent) = state_after_power_loss(true);
    assert!(disk == State::Uninitialized && sent == 1);
}

#[test]
fn defect_6_every_change_holds_the_messages_back() {
    // A member that is initialised.
    let (_, packages) = coordinator(3);
    let (member, init) = &packages[0];
    let mut other = Fsm::new(member.clone(), Config::default(), [1; 8]);
    other.on_connected(at(0), &id(0)).unwrap();
    let output = other.handle(at(0), &id(0), init).unwrap().unwrap();
    assert!(output.must_persist());
    assert_eq!(other.drain_envelopes().count(), 0);
    other.persisted();
    assert_eq!(other.drain_envelopes().count(), 1);
    // A member that gives a share to a learner.
    let (mut fsm, packages) = coordinator(3);
    acknowledge(&mut fsm, &packages);
    fsm.on_connected(at(0), &id(9)).unwrap();
    let learn = Message::Request {
        id: RequestId([9; 16]),
        request: Request::Learn,
    };
    fsm.handle(at(0), &id(9), &learn).unwrap();
    let request = first_request(&mut fsm);
    let (member, share) = &shares(&packages)[0];
    let output = fsm
        .handle(at(0), member, &response(request, share))
        .unwrap();
    assert_eq!(
        output,
        Some(ApiOutput::ShareDistributedToLearner { learner: id(9) })
    );
    assert_eq!(fsm.drain_envelopes().count(), 0);
    fsm.persisted();
    let sent: Vec<_> = fsm.drain_envelopes().collect();
    assert!(matches!(
        &sent[..],
        [envelope] if envelope.to == id(9) && matches!(
            envelope.message,
            Message::Response { response: Response::LearnPkg(_), .. }
        )
    ));
}

fn first_request(fsm: &mut Fsm) -> RequestId {
    match envelopes(fsm).first() {
        Some((
            _,
            Message::Request {
                id,
                request: Request::GetShare { .. },
            },
        )) => *id,
        other => panic!("{other:?}"),
    }
}

// 7: a share that comes twice, or from somebody whose share it is not.

#[test]
fn defect_7_a_share_that_comes_twice_does_no_harm() {
    let (mut fsm, packages) = coordinator(5);
    acknowledge(&mut fsm, &packages);
    let secret = Dealer::new(RACK, &ids(5), &mut rng(1)).unwrap().secret();
    fsm.load_rack_secret(at(0)).unwrap();
    let request = first_request(&mut fsm);
    let shares = shares(&packages);
    // Member 1 answers, and member 2 repeats what member 1 has said.
    let [(one, first), (two, second), ..] = &shares[..] else {
        panic!("there are four others");
    };
    assert_eq!(fsm.handle(at(0), one, &response(request, first)), Ok(None));
    let x = first.x();
    assert_eq!(
        fsm.handle(at(0), two, &response(request, first)),
        Err(MsgError::ShareOfAnother { x })
    );
    assert_eq!(
        fsm.handle(at(0), one, &response(request, first)),
        Err(MsgError::TrustQuorum(TrustQuorumError::DuplicateX { x }))
    );
    // The own share comes back from somebody.
    let own = fsm.state().common().unwrap().share.clone();
    assert!(fsm.handle(at(0), two, &response(request, &own)).is_err());
    // A share of another rack is none.
    let foreign = Dealer::new(RackUuid([8; 16]), &ids(5), &mut rng(2)).unwrap();
    let foreign = foreign.package(2).unwrap().common.share;
    assert_eq!(
        fsm.handle(at(0), two, &response(request, &foreign)),
        Err(MsgError::TrustQuorum(TrustQuorumError::UnknownShare {
            x: foreign.x()
        }))
    );
    // The honest share of member 2 still completes the load.
    let output = fsm.handle(at(0), two, &response(request, second)).unwrap();
    assert_eq!(
        output,
        Some(ApiOutput::RackSecret {
            request_id: request,
            secret: secret.clone()
        })
    );
    // A share that comes later is ignored; one that nobody asked for is not.
    let (late, third) = &shares[2];
    assert_eq!(fsm.handle(at(0), late, &response(request, third)), Ok(None));
    assert_eq!(
        fsm.handle(at(0), late, &response(RequestId([1; 16]), third)),
        Err(MsgError::UnexpectedResponse)
    );
    // The naive version counts shares without looking whose they are, and fails for good.
    let naive = [&own, first, first];
    assert_eq!(
        shamir::combine(naive.into_iter(), 3),
        Err(TrustQuorumError::DuplicateX { x })
    );
}

// 8: who may ask.

/// Whether somebody who claims to be member 1 gets the node's share.
fn stranger_gets_share(scheme: Scheme, proven: Option<Baseboard>) -> Result<bool, NodeError> {
    let (mut node, connection) = node(scheme, proven);
    node.handle_hello(at(0), connection, &Hello { scheme }.to_bytes())?;
    node.handle_frame(at(0), connection, &identify(1, address(5)))?;
    let ask = bootstore::wire::Msg::Fsm(Message::Request {
        id: RequestId([3; 16]),
        request: Request::GetShare { rack_uuid: RACK },
    });
    let mut buffer = vec![0; TRANSMIT_MAX];
    let len = ask.encode(&mut buffer).unwrap();
    node.handle_frame(at(0), connection, &buffer[..len])?;
    let mut shares = 0;
    while let Some(transmit) = node.poll_transmit(at(0), &mut buffer) {
        let msg = bootstore::wire::Msg::decode(&buffer[4.min(transmit.len)..transmit.len]);
        if let Ok(bootstore::wire::Msg::Fsm(Message::Response {
            response: Response::Share(_),
            ..
        })) = msg
        {
            shares += 1;
        }
    }
    Ok(shares > 0)
}

#[test]
fn defect_8_only_a_proven_board_gets_a_share() {
    // Scheme 0 is the naive version, and says so: anybody on the network gets a share.
    assert_eq!(stranger_gets_share(Scheme::V0, None), Ok(true));
    assert!(
        Scheme::V0
            .to_string()
            .contains("not against anybody on the bootstrap network")
    );
    // Scheme 1: a board that claims to be another than its certificate says gets nothing. Whoever has no
    // certificate does not come as far as this (crates/bootstored/tests/loopback.rs).
    assert_eq!(
        stranger_gets_share(Scheme::V1, Some(id(7))),
        Err(NodeError::FalseIdentity)
    );
    assert_eq!(stranger_gets_share(Scheme::V1, Some(id(1))), Ok(true));
}
