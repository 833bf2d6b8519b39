//! Each check of RFC 8415 section 16 refuses, and each status has its effect. The same message without the fault is accepted.

use super::tests::{Bench, IAID, SERVER_ID, ia};
use super::*;
use crate::v6::error::{MessageError, status};
use crate::v6::model::{DUID, PROMPT, association, ip, message, secs, status_data};

/// An option 13 in wire form.
fn status_option(code: u16) -> Vec<u8> {
    let data = status_data(code, "no");
    [&[0, 13, 0, data.len() as u8][..], &data].concat()
}

/// An association with this status and no address.
fn failed(code: u16) -> Vec<u8> {
    association(IAID, (0, 0), None, &status_option(code))
}

fn refused(code: u16) -> Dhcp6Error {
    Dhcp6Error::Refused {
        status: code,
        message: "no".into(),
    }
}

/// A client in each state that waits for a server, with the message that it takes there.
fn waiting() -> Vec<(&'static str, Bench, Vec<u8>)> {
    let reply = |bench: &Bench| bench.answer(MessageType::Reply, &[(3, &ia())]);
    let mut all = Vec::new();
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.sent(MessageType::Solicit);
    let wire = bench.answer(MessageType::Advertise, &[(3, &ia())]);
    all.push(("Solicit", bench, wire));
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.request(&ia());
    let wire = reply(&bench);
    all.push(("Request", bench, wire));
    let bench = Bench::renewing();
    let wire = reply(&bench);
    all.push(("Renew", bench, wire));
    let bench = Bench::rebinding();
    let wire = reply(&bench);
    all.push(("Rebind", bench, wire));
    let mut bench = Bench::bound();
    bench.client.release(bench.now, &mut bench.random);
    bench.sent(MessageType::Release);
    let wire = bench.answer(MessageType::Reply, &[(13, &[0, 0])]);
    all.push(("Release", bench, wire));
    let mut bench = Bench::new(&PROMPT, Mode::Stateless);
    bench.sent(MessageType::InformationRequest);
    let wire = bench.answer(MessageType::Reply, &[]);
    all.push(("Information-request", bench, wire));
    all
}

/// The same message with other options in place of the two identifiers.
fn with_ids(wire: &[u8], ids: &[(u16, &[u8])]) -> Vec<u8> {
    let head = message(MessageType::Reply, 0, ids);
    // Both identifiers, each with its header.
    let rest = 4 + (4 + DUID.len()) + (4 + SERVER_ID.len());
    [&wire[..4], &head[4..], &wire[rest..]].concat()
}

/// A change of a message.
type Fault = fn(&[u8]) -> Vec<u8>;

#[test]
fn each_rule_of_section_16_refuses_in_each_state() {
    let faults: [(Dhcp6Error, Fault); 12] = [
        (Dhcp6Error::Message(MessageError::Malformed), |wire| {
            wire[..3].to_vec()
        }),
        (Dhcp6Error::Message(MessageError::NotDhcp), |wire| {
            [&[14], &wire[1..]].concat()
        }),
        (Dhcp6Error::Message(MessageError::NotDhcp), |wire| {
            [&[0], &wire[1..]].concat()
        }),
        (Dhcp6Error::Message(MessageError::Reconfigure), |wire| {
            [&[10], &wire[1..]].concat()
        }),
        (
            Dhcp6Error::Message(MessageError::OtherTransaction),
            |wire| {
                let mut wire = wire.to_vec();
                wire[3] ^= 1;
                wire
            },
        ),
        (
            Dhcp6Error::Message(MessageError::OtherTransaction),
            |wire| {
                let mut wire = wire.to_vec();
                wire[1] ^= 0x80;
                wire
            },
        ),
        (Dhcp6Error::Message(MessageError::NoClientId), |wire| {
            with_ids(wire, &[(2, &SERVER_ID)])
        }),
        (Dhcp6Error::Message(MessageError::OtherClient), |wire| {
            with_ids(wire, &[(1, &DUID[..9]), (2, &SERVER_ID)])
        }),
        (Dhcp6Error::Message(MessageError::OtherClient), |wire| {
            let mut other = DUID;
            other[9] ^= 1;
            with_ids(wire, &[(1, &other), (2, &SERVER_ID)])
        }),
        (Dhcp6Error::Message(MessageError::NoServerId), |wire| {
            with_ids(wire, &[(1, &DUID)])
        }),
        (Dhcp6Error::Message(MessageError::NoServerId), |wire| {
            with_ids(wire, &[(1, &DUID), (2, &[])])
        }),
        (Dhcp6Error::Message(MessageError::NoServerId), |wire| {
            with_ids(wire, &[(1, &DUID), (2, &[0; 131])])
        }),
    ];
    for (name, bench, wire) in waiting() {
        for (at, (expected, fault)) in faults.iter().enumerate() {
            let mut client = bench.client.clone();
            let mut random = bench.random.clone();
            let from = super::tests::SERVER;
            let found = client.handle(bench.now, &mut random, from, &fault(&wire));
            assert_eq!(found, Err(*expected), "{name} {at}");
            assert_eq!(client.state, bench.client.state, "{name} {at}");
            assert_eq!(client.lease, bench.client.lease, "{name} {at}");
            assert_eq!(client.ignored(), bench.client.ignored() + 1);
        }
        // No client takes the messages of clients and relays.
        for kind in [1, 3, 4, 5, 6, 8, 9, 11, 12, 13] {
            let mut client = bench.client.clone();
            let mut random = bench.random.clone();
            let from = super::tests::SERVER;
            let fault = [&[kind], &wire[1..]].concat();
            let found = client.handle(bench.now, &mut random, from, &fault);
            assert_eq!(
                found,
                Err(Dhcp6Error::Message(MessageError::NotForClients)),
                "{name} {kind}"
            );
        }
        let mut bench = bench;
        assert!(bench.handle(&wire).is_ok(), "{name}");
    }
}

/// Where one server was asked, no other one answers. Where all were asked, each may.
#[test]
fn another_server_than_the_one_that_was_asked() {
    for (name, mut bench, wire) in waiting() {
        let other = with_ids(&wire, &[(1, &DUID), (2, &[0, 2, 8, 8])]);
        let found = bench.handle(&other);
        match name {
            "Request" | "Renew" | "Release" => {
                assert_eq!(
                    found,
                    Err(Dhcp6Error::Message(MessageError::WrongServer)),
                    "{name}"
                );
            }
            _ => assert!(found.is_ok(), "{name}: {found:?}"),
        }
    }
}

/// Each state takes the type of message that it waits for, and no other.
#[test]
fn messages_out_of_turn() {
    for (name, mut bench, wire) in waiting() {
        let other = match wire[0] {
            2 => 7,
            _ => 2,
        };
        let found = bench.handle(&[&[other], &wire[1..]].concat());
        assert_eq!(
            found,
            Err(Dhcp6Error::Message(MessageError::Unexpected)),
            "{name}"
        );
        // The same message a second time: the exchange is over, except that of the offers.
        let first = bench.handle(&wire).unwrap();
        let second = bench.handle(&wire);
        match name {
            "Solicit" => assert_eq!((first, second), (Taken::Offer, Ok(Taken::Nothing))),
            _ => assert_eq!(
                second,
                Err(Dhcp6Error::Message(MessageError::Unexpected)),
                "{name}"
            ),
        }
    }
}

/// Before its first message, a client has asked nobody.
#[test]
fn an_answer_before_the_question() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    let wire = bench.answer(MessageType::Advertise, &[(3, &ia())]);
    assert_eq!(
        bench.handle(&wire),
        Err(Dhcp6Error::Message(MessageError::OtherTransaction))
    );
    bench.sent(MessageType::Solicit);
    assert_eq!(bench.handle(&wire), Ok(Taken::Offer));
}

/// What an Advertise or a Reply must have for its address to be used.
#[test]
fn addresses_that_are_not_taken() {
    let host = Some((ip(100), 1000, 2000));
    let twice = [association(9, (0, 0), host, &[]), vec![]].concat();
    let cases = [
        Vec::new(),
        association(IAID, (0, 0), None, &[]),
        twice,
        association(IAID, (30, 20), host, &[]),
        association(IAID, (0, 0), Some((ip(100), 0, 0)), &[]),
        association(IAID, (0, 0), Some((ip(100), 2001, 2000)), &[]),
        association(IAID, (0, 0), Some((Ipv6Addr::UNSPECIFIED, 1, 2)), &[]),
    ];
    for ia_data in cases {
        let mut bench = Bench::new(&PROMPT, Mode::Stateful);
        bench.sent(MessageType::Solicit);
        let wire = bench.answer(MessageType::Advertise, &[(3, &ia_data)]);
        assert_eq!(
            bench.handle(&wire),
            Err(Dhcp6Error::Message(MessageError::NoAddress))
        );
        let mut bench = Bench::new(&PROMPT, Mode::Stateful);
        bench.request(&ia());
        let wire = bench.answer(MessageType::Reply, &[(3, &ia_data)]);
        assert_eq!(
            bench.handle(&wire),
            Err(Dhcp6Error::Message(MessageError::NoAddress))
        );
        assert!(matches!(bench.client.state, State::Requesting { .. }));
    }
}

/// In answer to a Request, some statuses send the client to all servers again, and others leave it waiting for this one.
#[test]
fn statuses_of_a_reply_to_a_request() {
    for code in [1, 2, 3, 4, 5, 77] {
        for of_message in [false, true] {
            let mut bench = Bench::new(&PROMPT, Mode::Stateful);
            bench.request(&ia());
            let (data, ia_data) = (status_data(code, "no"), failed(code));
            let options: [(u16, &[u8]); 1] = match of_message {
                true => [(13, &data)],
                false => [(3, &ia_data)],
            };
            let wire = bench.answer(MessageType::Reply, &options);
            let found = bench.handle(&wire);
            assert_eq!(bench.client.problem, refused(code));
            if matches!(code, 2..=4) {
                assert_eq!(found, Ok(Taken::Nothing), "{code}");
                // It does not ask at once.
                bench.silent();
                bench.timer();
                let waited = bench.now.as_millis();
                assert!((750..=1250).contains(&waited), "{waited}");
                bench.sent(MessageType::Solicit);
            } else {
                assert_eq!(found, Err(refused(code)), "{code}");
                bench.silent();
                bench.timer();
                bench.sent(MessageType::Request);
                let wire = bench.answer(MessageType::Reply, &[(3, &ia())]);
                assert_eq!(bench.handle(&wire), Ok(Taken::Lease));
            }
        }
    }
}

/// A failure of the message counts, whatever the association says.
#[test]
fn the_status_of_the_message_comes_first() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.sent(MessageType::Solicit);
    let data = status_data(1, "no");
    let wire = bench.answer(MessageType::Advertise, &[(3, &ia()), (13, &data)]);
    assert_eq!(bench.handle(&wire), Err(refused(1)));
    let wire = bench.answer(MessageType::Advertise, &[(3, &failed(2)), (13, &data)]);
    assert_eq!(bench.handle(&wire), Err(refused(1)));
    let fine = status_data(0, "");
    let wire = bench.answer(MessageType::Advertise, &[(3, &failed(2)), (13, &fine)]);
    assert_eq!(bench.handle(&wire), Err(refused(2)));
}

#[test]
fn statuses_of_a_reply_to_a_renew() {
    for code in [1, 5, 77] {
        let mut bench = Bench::renewing();
        let wire = bench.answer(MessageType::Reply, &[(3, &failed(code))]);
        assert_eq!(bench.handle(&wire), Err(refused(code)));
        assert!(bench.client.lease().is_some());
        bench.timer();
        bench.sent(MessageType::Renew);
    }
    for code in [2, 4] {
        let mut bench = Bench::renewing();
        let wire = bench.answer(MessageType::Reply, &[(3, &failed(code))]);
        assert_eq!(bench.handle(&wire), Ok(Taken::Nothing));
        let lost = Event::Lost(LostReason::Refused);
        assert_eq!(bench.client.poll(bench.now), Some(lost));
        assert_eq!(bench.client.lease(), None);
        bench.sent(MessageType::Solicit);
    }
}

/// NoBinding: the server is asked for the same address again, which stays in use until it answers.
#[test]
fn a_server_that_forgot_the_lease_is_asked_to_make_it_again() {
    let restoring = || {
        let mut bench = Bench::renewing();
        let wire = bench.answer(MessageType::Reply, &[(3, &failed(status::NO_BINDING))]);
        assert_eq!(bench.handle(&wire), Ok(Taken::Nothing));
        assert!(bench.client.lease().is_some());
        let request = bench.sent(MessageType::Request);
        let own = association(IAID, (0, 0), Some((ip(100), 0, 0)), &[]);
        let packet = crate::v6::packet::Packet::parse(&request).unwrap();
        assert_eq!(packet.options.find(3), Some(&own[..]));
        assert_eq!(packet.options.find(2), Some(&SERVER_ID[..]));
        bench
    };
    let mut bench = restoring();
    let wire = bench.answer(MessageType::Reply, &[(3, &ia())]);
    assert_eq!(bench.handle(&wire), Ok(Taken::Lease));
    assert_eq!(bench.client.poll(bench.now), Some(Event::Renewed));
    // It has no record, and makes none.
    for code in [status::NO_BINDING, status::NO_ADDRS_AVAIL] {
        let mut bench = restoring();
        let wire = bench.answer(MessageType::Reply, &[(3, &failed(code))]);
        assert_eq!(bench.handle(&wire), Ok(Taken::Nothing));
        let lost = Event::Lost(LostReason::Refused);
        assert_eq!(bench.client.poll(bench.now), Some(lost));
    }
    // It does not answer: after four requests any server is asked.
    let mut bench = restoring();
    for _ in 0..3 {
        bench.timer();
        bench.sent(MessageType::Request);
    }
    bench.timer();
    bench.sent(MessageType::Rebind);
}

/// Another server that has no record of the client, and answers its Rebind, is the one that is asked for the address.
#[test]
fn whoever_has_no_record_is_asked() {
    let mut bench = Bench::rebinding();
    let wire = bench.answer(MessageType::Reply, &[(3, &failed(status::NO_BINDING))]);
    let wire = with_ids(&wire, &[(1, &DUID), (2, &[7, 7])]);
    assert_eq!(bench.handle(&wire), Ok(Taken::Nothing));
    let request = bench.sent(MessageType::Request);
    let packet = crate::v6::packet::Packet::parse(&request).unwrap();
    assert_eq!(packet.options.find(2), Some(&[7, 7][..]));
}

#[test]
fn renewals_without_the_address_and_with_its_end() {
    let other = Some((ip(7), 10, 20));
    for data in [
        association(IAID, (0, 0), None, &[]),
        association(IAID, (0, 0), other, &[]),
        association(9, (0, 0), Some((ip(100), 10, 20)), &[]),
    ] {
        let mut bench = Bench::renewing();
        let wire = bench.answer(MessageType::Reply, &[(3, &data)]);
        assert_eq!(
            bench.handle(&wire),
            Err(Dhcp6Error::Message(MessageError::NoAddress))
        );
        assert_eq!(bench.client.lease().unwrap().address, Some(ip(100)));
    }
    let mut bench = Bench::renewing();
    let gone = association(IAID, (0, 0), Some((ip(100), 0, 0)), &[]);
    let wire = bench.answer(MessageType::Reply, &[(3, &gone)]);
    assert_eq!(bench.handle(&wire), Ok(Taken::Nothing));
    let lost = Event::Lost(LostReason::Refused);
    assert_eq!(bench.client.poll(bench.now), Some(lost));
}

/// A Reply to a Solicit counts when the client has asked for one and the server says that it is one.
#[test]
fn rapid_commit() {
    for (asked, said, taken) in [
        (true, true, Ok(Taken::Lease)),
        (
            true,
            false,
            Err(Dhcp6Error::Message(MessageError::Unexpected)),
        ),
        (
            false,
            true,
            Err(Dhcp6Error::Message(MessageError::Unexpected)),
        ),
    ] {
        let config = Config {
            rapid_commit: asked,
            ..PROMPT
        };
        let mut bench = Bench::new(&config, Mode::Stateful);
        bench.sent(MessageType::Solicit);
        let ia = ia();
        let mut options: Vec<(u16, &[u8])> = vec![(3, &ia)];
        if said {
            options.push((14, &[]));
        }
        let wire = bench.answer(MessageType::Reply, &options);
        assert_eq!(bench.handle(&wire), taken);
    }
    // A refusal leaves the client asking.
    let config = Config {
        rapid_commit: true,
        ..PROMPT
    };
    let mut bench = Bench::new(&config, Mode::Stateful);
    bench.sent(MessageType::Solicit);
    let wire = bench.answer(MessageType::Reply, &[(3, &failed(2)), (14, &[])]);
    assert_eq!(bench.handle(&wire), Err(refused(2)));
    bench.timer();
    bench.sent(MessageType::Solicit);
}

/// SOL_MAX_RT and INF_MAX_RT count in their legal range, from an Advertise without an address too.
#[test]
fn limits_of_repetitions() {
    let cases = [
        (59, 3600),
        (60, 60),
        (86_400, 86_400),
        (86_401, 3600),
        (u32::MAX, 3600),
    ];
    for (said, expected) in cases {
        let data = said.to_be_bytes();
        let mut bench = Bench::new(&PROMPT, Mode::Stateful);
        bench.sent(MessageType::Solicit);
        let wire = bench.answer(
            MessageType::Advertise,
            &[(3, &failed(2)), (82, &data), (83, &data)],
        );
        assert_eq!(bench.handle(&wire), Err(refused(2)));
        let Client {
            sol_max_rt,
            inf_max_rt,
            ..
        } = bench.client;
        let expected = secs(expected);
        assert_eq!((sol_max_rt, inf_max_rt), (expected, expected));
        // It counts for the exchange that is running, and for later ones.
        let State::Asking { retry, .. } = bench.client.state else {
            panic!("{:?}", bench.client.state);
        };
        let mut limited = Retry::new(Instant::ZERO, Timing::solicit(expected));
        let mut random = bench.random.clone();
        limited.sent(Instant::ZERO, &mut random);
        let longest = |mut retry: Retry| {
            (0..30).for_each(|_| retry.again(Instant::ZERO));
            retry.at
        };
        assert_eq!(longest(retry), longest(limited));
    }
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.sent(MessageType::Solicit);
    // A message that fails a check does not count.
    let wire = bench.answer(MessageType::Advertise, &[(82, &60u32.to_be_bytes())]);
    let wire = with_ids(&wire, &[(1, &DUID)]);
    assert_eq!(
        bench.handle(&wire),
        Err(Dhcp6Error::Message(MessageError::NoServerId))
    );
    assert_eq!(bench.client.sol_max_rt, secs(3600));
}

/// What was heard while nobody answered is in the error.
#[test]
fn what_was_ignored_is_told() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.sent(MessageType::Solicit);
    assert_eq!(bench.client.problem, Dhcp6Error::NoAnswer);
    // Messages of others say nothing of this client's servers.
    let wire = message(MessageType::Advertise, bench.client.xid ^ 1, &[]);
    assert!(bench.handle(&wire).is_err());
    let wire = message(MessageType::Advertise, bench.client.xid, &[(1, b"other")]);
    assert!(bench.handle(&wire).is_err());
    assert_eq!(bench.client.problem, Dhcp6Error::NoAnswer);
    let wire = message(MessageType::Advertise, bench.client.xid, &[(1, &DUID)]);
    assert_eq!(
        bench.handle(&wire),
        Err(Dhcp6Error::Message(MessageError::NoServerId))
    );
    assert_eq!(bench.client.problem, Dhcp6Error::Ignored { why: 0x5a });
    assert_eq!(
        bench.handle(b"xy"),
        Err(Dhcp6Error::Message(MessageError::Malformed))
    );
    assert_eq!(bench.client.problem, Dhcp6Error::Ignored { why: 0x50 });
    assert_eq!(bench.client.ignored(), 4);
}
