//! The edges: octets of a query, deadlines, what is known still, and how far a chain of aliases goes.

use super::*;

const AT: fn(u64) -> Instant = Instant::from_millis;

/// Resolves [`NAME`] once, to addresses that count for 60 s.
fn resolved() -> Bench {
    let mut bench = Bench::new(NAME, &[ONE]);
    let sent = bench.asks(ONE, NAME);
    bench.answer(sent, good(NAME)).unwrap();
    assert_eq!(bench.found().len(), 2);
    bench
}

fn look_for(bench: &mut Bench, name: &str, kind: RecordType) {
    let timing = Timing::default();
    let Bench {
        resolver, rng, now, ..
    } = bench;
    resolver.start(*now, rng, name, &[], kind, &[ONE], timing);
}

/// Lets every query go unanswered until there is an outcome. Only `server` is asked, if there is one.
fn to_the_end(bench: &mut Bench, server: Option<IpAddr>) {
    for _ in 0..100 {
        if bench.resolver.poll().is_some() {
            return;
        }
        let asked = bench.query().map(|(asked, ..)| asked);
        assert!(server.is_none() || asked.is_none() || asked == server);
        bench.wait();
    }
    panic!("queries without end");
}

/// RFC 1035 section 4.1: head, question, type and class.
#[test]
fn the_octets_of_a_query() {
    for (kind, number) in [(RecordType::A, 1), (RecordType::Aaaa, 28)] {
        let mut bench = Bench::new("x", &[ONE]);
        look_for(&mut bench, "Fw.lan", kind);
        let sent = bench.asks(ONE, "fw.lan");
        let wire = &bench.buffer[..sent.len];
        assert_eq!(wire[2..12], [1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            &wire[12..],
            [b"\x02fw\x03lan\0\0", &[number][..], b"\0\x01"].concat()
        );
        // A buffer that is too short by one octet.
        let mut bench = Bench::new("fw.lan", &[ONE]);
        let mut short = vec![0; sent.len - 1];
        assert_eq!(bench.resolver.poll_transmit(bench.now, &mut short), None);
    }
}

#[test]
fn addresses_of_ipv6() {
    let mut bench = Bench::new("x", &[ONE]);
    look_for(&mut bench, NAME, RecordType::Aaaa);
    let sent = bench.asks(ONE, NAME);
    let long = Vec::from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]).unwrap();
    let mut message = answer(NAME, &[(NAME, 1, 60, a(2)), (NAME, 28, 60, long)]);
    // The type in the question, behind the name of 16 octets.
    message[29] = 28;
    bench.answer(sent, message).unwrap();
    assert_eq!(bench.found(), ["2001:db8::5"]);
}

/// What is known counts for the same name and type only, until the moment that the answer says.
#[test]
fn what_is_known_still() {
    let cases = [
        (59_999, NAME, RecordType::A, true),
        (59_999, "IMAGES.Example.", RecordType::A, true),
        (60_000, NAME, RecordType::A, false),
        (60_001, NAME, RecordType::A, false),
        (1, NAME, RecordType::Aaaa, false),
        (1, "other.example", RecordType::A, false),
    ];
    for (millis, name, kind, known) in cases {
        let mut bench = resolved();
        bench.now = AT(millis);
        look_for(&mut bench, name, kind);
        let expected = known.then_some(Outcome::Found);
        assert_eq!(bench.resolver.poll(), expected, "{millis} {name} {kind:?}");
        assert_eq!(bench.query().is_none(), known);
    }
    // A search that failed leaves nothing to be found.
    let mut bench = resolved();
    bench.now = AT(60_000);
    look_for(&mut bench, NAME, RecordType::A);
    let sent = bench.asks(ONE, NAME);
    bench.answer(sent, failing(NAME, 3)).unwrap();
    bench.now = AT(60_000);
    look_for(&mut bench, NAME, RecordType::A);
    assert_eq!(bench.resolver.poll(), None);
}

/// An hour at the most, whatever the answer says.
#[test]
fn the_longest_time_for_which_addresses_are_kept() {
    for (ttl, kept) in [(0, 0u64), (3_599, 3_599), (3_600, 3_600), (u32::MAX, 3_600)] {
        let mut bench = Bench::new(NAME, &[ONE]);
        let sent = bench.asks(ONE, NAME);
        bench
            .answer(sent, answer(NAME, &[(NAME, 1, ttl, a(2))]))
            .unwrap();
        assert_eq!(bench.found(), ["10.0.2.2"]);
        for (millis, known) in [
            (kept * 1000, false),
            ((kept * 1000).saturating_sub(1), kept > 0),
        ] {
            bench.now = AT(millis);
            let mut again = bench.clone();
            look_for(&mut again, NAME, RecordType::A);
            assert_eq!(again.resolver.poll().is_some(), known, "{ttl} {millis}");
        }
    }
}

/// 10 s for each server, and nothing later.
#[test]
fn patience_is_for_each_server() {
    for servers in [&[ONE][..], &[ONE, TWO]] {
        let end = AT(10_000 * servers.len() as u64);
        let mut bench = Bench::new(NAME, servers);
        to_the_end(&mut bench, None);
        let failed = Some(Outcome::Failed(Failure::Timeout));
        assert_eq!((bench.now, bench.resolver.poll()), (end, failed));
        assert_eq!(bench.resolver.poll_timeout(), None);
        // A datagram that nobody can use is no answer; a refusal is.
        let mut bench = Bench::new(NAME, servers);
        let sent = bench.asks(ONE, NAME);
        bench.answer(sent, failing("other.example", 3)).unwrap_err();
        to_the_end(&mut bench, None);
        assert_eq!(bench.resolver.poll(), failed);
    }
    // One server answers that it has nothing, and the other says nothing.
    let mut bench = Bench::new(NAME, &[ONE, TWO]);
    let sent = bench.asks(ONE, NAME);
    bench.answer(sent, failing(NAME, 2)).unwrap();
    to_the_end(&mut bench, Some(TWO));
    let failed = Some(Outcome::Failed(Failure::NotFound));
    assert_eq!((bench.now, bench.resolver.poll()), (AT(20_000), failed));
}

/// 1 s for each server in the first round, 2 s in the second, 4 s in the third; counted from when the query is sent.
#[test]
fn the_wait_doubles_with_each_round() {
    let mut bench = Bench::new(NAME, &[ONE, TWO]);
    for (server, wait) in [(ONE, 1), (TWO, 1), (ONE, 2), (TWO, 2), (ONE, 4), (TWO, 4)] {
        let asked = bench.now;
        bench.asks(server, NAME);
        let due = bench.resolver.poll_timeout().unwrap();
        assert_eq!(due.since(asked), Duration::from_secs(wait));
        // A microsecond too early.
        let early = asked + Duration::from_micros(wait * 1_000_000 - 1);
        bench.resolver.handle_timeout(early, &mut bench.rng, &[]);
        assert_eq!(
            (bench.query(), bench.resolver.poll_timeout()),
            (None, Some(due))
        );
        bench.wait();
    }
}

/// A query that was never sent has no answer, and the next server is not asked before it is sent.
#[test]
fn a_query_that_is_not_sent() {
    let mut bench = Bench::new(NAME, &[ONE, TWO]);
    let State::Asking(query) = bench.resolver.state else {
        panic!("nothing is asked");
    };
    // A caller that cannot send does not spin.
    assert_eq!(bench.resolver.poll_timeout(), Some(AT(1_000)));
    let mut message = good(NAME);
    message[..2].copy_from_slice(&query.id.to_be_bytes());
    let Bench {
        resolver, rng, now, ..
    } = &mut bench;
    let taken = resolver.handle(*now, rng, (ONE, PORT), query.port, &message);
    assert_eq!(taken, Err(Ignored::WrongPeer));
    resolver.handle_timeout(AT(5_000), rng, &[]);
    bench.now = AT(5_000);
    bench.asks(ONE, NAME);
    assert_eq!(bench.resolver.poll_timeout(), Some(AT(6_000)));
}

/// Eight aliases are asked for, one after another; the ninth is one too many.
#[test]
fn the_longest_chain_of_questions() {
    for (links, found) in [(8, true), (9, false)] {
        let mut bench = Bench::new("n0.example", &[ONE]);
        let names: std::vec::Vec<_> = (0..=links).map(|link| format!("n{link}.example")).collect();
        for pair in names.windows(2) {
            let sent = bench.asks(ONE, &pair[0]);
            let alias = answer(&pair[0], &[(pair[0].as_str(), 5, 60, cname(&pair[1]))]);
            bench.answer(sent, alias).unwrap();
        }
        if found {
            let sent = bench.asks(ONE, &names[links]);
            bench.answer(sent, good(&names[links])).unwrap();
            assert_eq!(bench.found().len(), 2);
        } else {
            let failed = Some(Outcome::Failed(Failure::NotFound));
            assert_eq!((bench.resolver.poll(), bench.query()), (failed, None));
        }
    }
}

/// Each form of a name has its own chain of aliases, and its own round of servers.
#[test]
fn a_form_of_a_name_begins_anew() {
    const SEARCH: &[&str] = &["lan"];
    let mut bench = Bench::searching("fw", SEARCH, &[ONE, TWO]);
    let mut name = String::from("fw.lan");
    for link in 0..8 {
        let sent = bench.asks(ONE, &name);
        let next = format!("n{link}.example");
        let alias = answer(&name, &[(name.as_str(), 5, 60, cname(&next))]);
        bench.answer(sent, alias).unwrap();
        name = next;
    }
    for server in [ONE, TWO] {
        let sent = bench.asks(server, &name);
        bench.answer(sent, failing(&name, 3)).unwrap();
    }
    assert_eq!(bench.resolver.poll_timeout(), Some(Instant::ZERO));
    bench
        .resolver
        .handle_timeout(bench.now, &mut bench.rng, SEARCH);
    let sent = bench.asks(ONE, "fw");
    let alias = answer("fw", &[("fw", 5, 60, cname("b.example"))]);
    bench.answer(sent, alias).unwrap();
    bench.asks(ONE, "b.example");
}

/// What is missing in an answer that was cut may be what the alias stands for: another server has it, perhaps.
#[test]
fn an_alias_in_a_cut_answer_is_not_asked_for() {
    let mut bench = Bench::new(NAME, &[ONE, TWO]);
    let sent = bench.asks(ONE, NAME);
    let mut cut = answer(NAME, &[(NAME, 5, 60, cname("b.example"))]);
    cut[2] |= 2;
    bench.answer(sent, cut).unwrap();
    let (server, ..) = bench.query().unwrap();
    assert_eq!(server, TWO);
}

/// A domain with which the name is too long is passed over.
#[test]
fn a_domain_that_does_not_fit() {
    let long: &'static str =
        "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let search: &'static [&'static str] = std::vec![long, "lan"].leak();
    let mut bench = Bench::searching("fw", search, &[ONE]);
    bench.asks(ONE, "fw.lan");
}

/// Each of as many servers as are kept is asked, and none twice once it has answered.
#[test]
fn as_many_servers_as_there_can_be() {
    let servers: std::vec::Vec<IpAddr> = (1..=MAX_DNS as u8 + 1)
        .map(|last| [10, 0, 3, last].into())
        .collect();
    let mut bench = Bench::new(NAME, &servers);
    for server in &servers[..MAX_DNS] {
        let sent = bench.asks(*server, NAME);
        bench.answer(sent, failing(NAME, 3)).unwrap();
    }
    let failed = Some(Outcome::Failed(Failure::NotFound));
    assert_eq!((bench.resolver.poll(), bench.query()), (failed, None));
}

/// The buffer that is asked for holds the longest query, and has no octet too many.
#[test]
fn the_longest_query() {
    let labels = [
        "a".repeat(63),
        "b".repeat(63),
        "c".repeat(63),
        "d".repeat(61),
    ];
    let mut bench = Bench::new("x", &[ONE]);
    look_for(&mut bench, &labels.join("."), RecordType::A);
    let sent = bench.resolver.poll_transmit(bench.now, &mut bench.buffer);
    assert_eq!(sent.unwrap().len, crate::TRANSMIT_MAX);
}
