//! Whole exchanges against the models of servers, over a link that makes mistakes.

use super::*;
use crate::v6::error::status;
use crate::v6::model::{MAC, PROMPT, RELAY, Server, World, ip, secs};
use crate::v6::packet::Packet;
use proptest::prelude::*;

const START: Instant = Instant::from_millis(5_000);
/// The caller of the timer is late by so much at the most, unless a test says otherwise.
const LATENESS: Duration = Duration::from_millis(2);

fn world(servers: Vec<Server>) -> World {
    World::new(&PROMPT, servers, Mode::Stateful, 1)
}

fn file(world: &World) -> &str {
    world
        .client
        .lease()
        .map_or("", |lease| &lease.config.boot.file)
}

#[test]
fn four_messages() {
    use MessageType::{Request, Solicit};
    let mut world = world(vec![Server::new(1, "a.img")]);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    assert_eq!(world.kinds(), [Solicit, Request]);
    assert_eq!(world.client.lease().unwrap().address, Some(ip(100)));
    assert_eq!(file(&world), "a.img");
    // The first time (RFC 8415 section 18.2.1), and the way of the Request and its Reply.
    let took = world.now.since(START).as_millis();
    assert!((1_021..=1_125).contains(&took), "{took}");
}

#[test]
fn two_messages() {
    let config = Config {
        rapid_commit: true,
        ..PROMPT
    };
    let mut server = Server::new(1, "a.img");
    server.rapid = true;
    let mut world = World::new(&config, vec![server], Mode::Stateful, 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    assert_eq!(world.kinds(), [MessageType::Solicit]);
    assert_eq!(world.now.since(START).as_millis(), 21);
    // A server that does not do this is asked in four messages.
    let mut world = World::new(&config, vec![Server::new(1, "a.img")], Mode::Stateful, 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    assert_eq!(world.count(MessageType::Request), 1);
}

#[test]
fn the_first_message_waits_a_random_time() {
    let config = Config {
        start_delay: secs(1),
        ..PROMPT
    };
    let mut delays = Vec::new();
    for seed in 0..100 {
        for mode in [Mode::Stateful, Mode::Stateless] {
            let mut world = World::new(&config, vec![], mode, seed);
            while world.sent.is_empty() {
                assert!(world.step(START + secs(2)));
            }
            delays.push(world.now.since(START).as_millis());
        }
    }
    assert!(delays.iter().all(|delay| *delay <= 1_001));
    assert!(delays.iter().any(|delay| *delay < 50) && delays.iter().any(|delay| *delay > 950));
}

#[test]
fn offers_are_weighed_until_the_first_time_is_over() {
    let choose = |servers: &[(&'static str, Option<u8>, u64)]| {
        let servers = servers
            .iter()
            .zip(1..)
            .map(|((file, preference, delay), number)| Server {
                preference: *preference,
                delay: Duration::from_millis(*delay),
                ..Server::new(number, file)
            });
        let mut world = world(servers.collect());
        assert_eq!(world.acquire(30), Some(Event::Bound));
        let address = world.client.lease().unwrap().address;
        let number = (1..).find(|number| Some(ip(100 * number)) == address);
        (number.unwrap(), world.now.since(START).as_millis())
    };
    // The first of equals; the preferred one; the one with a boot file; whoever says 255, at once.
    assert_eq!(choose(&[("", None, 30), ("", None, 20)]).0, 2);
    assert_eq!(choose(&[("", None, 20), ("", Some(1), 900)]).0, 2);
    assert_eq!(choose(&[("", Some(254), 20), ("b", None, 900)]).0, 2);
    let (number, took) = choose(&[
        ("a", Some(254), 20),
        ("", Some(255), 40),
        ("b", Some(255), 60),
    ]);
    assert_eq!((number, took), (2, 82));
    // Nobody is in time: the first offer after the first time is taken at once.
    assert_eq!(choose(&[("", None, 1_500), ("b", None, 1_600)]).0, 1);
}

#[test]
fn a_window_of_the_callers_choice() {
    let mut late = Server::new(2, "b");
    late.delay = Duration::from_millis(150);
    for (window, expected, delay) in [(200, "b", 150), (100, "", 20), (0, "", 20)] {
        let mut world = world(vec![Server::new(1, ""), late.clone()]);
        world
            .client
            .set_offer_window(Some(Duration::from_millis(window)));
        assert_eq!(world.acquire(10), Some(Event::Bound));
        assert_eq!(file(&world), expected);
        // The first offer and the window, or the offer that ends it, and the way of the Request and its Reply.
        let chosen = (21 + window).min(151);
        let took = world.now.since(START).as_millis() - (chosen + 1 + delay);
        assert!(took <= 2, "{window}: {took}");
    }
}

#[test]
fn through_a_relay_everything_is_the_same() {
    let of = |relay: bool| {
        let config = Config {
            probe: true,
            ..PROMPT
        };
        let mut world = World::new(&config, vec![Server::new(1, "a.img")], Mode::Stateful, 3);
        world.relay = relay;
        world.conflicts = 1;
        assert_eq!(world.acquire(60), Some(Event::Bound));
        world.run(4_000);
        let Server { declined, .. } = &world.servers[0];
        assert_eq!(*declined, [ip(100)]);
        let lease = world.client.lease().unwrap().clone();
        (world.sent, world.events, lease)
    };
    let ((sent, events, direct), (relayed_sent, relayed_events, relayed)) = (of(false), of(true));
    assert_eq!((sent, events), (relayed_sent, relayed_events));
    assert_eq!(relayed.address, direct.address);
    assert_eq!(relayed.config.boot.file, direct.config.boot.file);
    // Only who sent the message differs.
    assert_eq!(relayed.config.boot.server, Some(RELAY.into()));
}

#[test]
fn nobody_answers() {
    let mut world = world(vec![]);
    assert_eq!(
        world.acquire(1000),
        Some(Event::Failed(Dhcp6Error::NoAnswer))
    );
    // 0, 1, 3, 7, 15, 31, 63 s, and the deadline.
    assert_eq!(world.count(MessageType::Solicit), 7);
    let took = world.now.since(START);
    assert!(took >= secs(90) && took <= secs(90) + LATENESS);
    assert_eq!(world.client.poll_timeout(), None);
    let config = Config {
        attempts: 3,
        ..PROMPT
    };
    for mode in [Mode::Stateful, Mode::Stateless] {
        let mut world = World::new(&config, vec![], mode, 1);
        assert_eq!(
            world.acquire(1000),
            Some(Event::Failed(Dhcp6Error::NoAnswer))
        );
        assert_eq!(world.sent.len(), 3);
    }
}

#[test]
fn a_server_that_offers_and_falls_silent() {
    let mut server = Server::new(1, "a.img");
    server.silent = true;
    let mut world = world(vec![server.clone()]);
    let no_reply = Dhcp6Error::NoReply {
        server: server.from,
    };
    assert_eq!(world.acquire(1000), Some(Event::Failed(no_reply)));
    // Four requests each time, and a new look for servers.
    let solicits = world.count(MessageType::Solicit);
    let requests = world.count(MessageType::Request);
    assert!(
        solicits >= 4 && requests <= 4 * solicits,
        "{solicits} {requests}"
    );
    // With another server beside it, the boot goes on.
    let mut other = Server::new(2, "");
    other.delay = secs(2);
    let mut world = World::new(&PROMPT, vec![server.clone(), other], Mode::Stateful, 1);
    world.run(15);
    world.servers.remove(0);
    assert_eq!(world.acquire(60), Some(Event::Bound));
    // Ten requests, as RFC 8415 has it.
    let config = Config {
        request_attempts: 10,
        deadline: secs(10_000),
        ..PROMPT
    };
    let mut world = World::new(&config, vec![server], Mode::Stateful, 1);
    while world.count(MessageType::Solicit) < 2 {
        assert!(world.step(START + secs(1_000)));
    }
    assert_eq!(world.count(MessageType::Request), 10);
    let times: Vec<_> = world.sent[1..].iter().map(|sent| sent.0).collect();
    let nominal = [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0];
    for (pair, nominal) in times.windows(2).zip(nominal) {
        let waited = pair[1].since(pair[0]).as_micros() as f64 / 1e6;
        // A tenth of each time, and of those before it.
        assert!(
            (nominal * 0.8..=nominal * 1.2).contains(&waited),
            "{waited}"
        );
    }
}

#[test]
fn refusals_start_over() {
    for code in [status::NO_ADDRS_AVAIL, status::NOT_ON_LINK] {
        let mut server = Server::new(1, "a.img");
        server.refusals = (2, code);
        let mut world = world(vec![server.clone()]);
        assert_eq!(world.acquire(20), Some(Event::Bound));
        assert_eq!(world.count(MessageType::Solicit), 3);
        server.refusals = (u32::MAX, code);
        let mut world = World::new(&PROMPT, vec![server], Mode::Stateful, 1);
        let failed = world.acquire(1000);
        let message = "no".into();
        let refused = Dhcp6Error::Refused {
            status: code,
            message,
        };
        assert_eq!(failed, Some(Event::Failed(refused)));
        assert!(world.sent.len() < 100, "no storm: {}", world.sent.len());
    }
}

#[test]
fn a_server_without_addresses_does_not_hide_another() {
    let mut full = Server::new(1, "a.img");
    full.no_offer = Some(status::NO_ADDRS_AVAIL);
    full.preference = Some(255);
    let mut world = world(vec![full.clone(), Server::new(2, "")]);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    assert_eq!(world.client.lease().unwrap().address, Some(ip(200)));
    let mut world = World::new(&PROMPT, vec![full], Mode::Stateful, 1);
    let failed = world.acquire(1000);
    let message = "no".into();
    let refused = Dhcp6Error::Refused {
        status: status::NO_ADDRS_AVAIL,
        message,
    };
    assert_eq!(failed, Some(Event::Failed(refused)));
}

#[test]
fn a_conflict_is_declined() {
    let config = Config::new(MAC);
    let mut world = World::new(&config, vec![Server::new(1, "a.img")], Mode::Stateful, 1);
    world.conflicts = 1;
    assert_eq!(world.acquire(60), Some(Event::Bound));
    assert_eq!(world.servers[0].declined, [ip(100)]);
    assert_eq!(world.client.lease().unwrap().address, Some(ip(101)));
    assert_eq!(world.count(MessageType::Decline), 1);
    let probes = [
        Event::ProbeAddress(ip(100)),
        Event::ProbeAddress(ip(101)),
        Event::Bound,
    ];
    assert_eq!(world.events(), probes);
}

#[test]
fn no_pool_is_emptied_by_a_host_that_has_every_address() {
    let conflicts = |after_declines| {
        let config = Config {
            after_declines,
            ..Config::new(MAC)
        };
        let mut world = World::new(&config, vec![Server::new(1, "a")], Mode::Stateful, 1);
        world.conflicts = 1000;
        world
    };
    // The address after the third one is taken as it is.
    let mut world = conflicts(AfterDeclines::Use);
    assert_eq!(world.acquire(1000), Some(Event::Bound));
    assert_eq!(world.servers[0].declined, [ip(100), ip(101), ip(102)]);
    assert!(world.client.has_declined_enough());
    let mut world = conflicts(AfterDeclines::Fail);
    let mac = [2, 0, 0, 0, 0, 9];
    let conflict = Dhcp6Error::Conflict {
        address: ip(102),
        mac,
    };
    assert_eq!(world.acquire(1000), Some(Event::Failed(conflict)));
    world.run(60);
    assert_eq!(world.servers[0].declined.len(), 3);
    assert_eq!(world.client.poll_timeout(), None);
}

/// A Decline or Release that nobody answers is sent four times (DEC_MAX_RC, REL_MAX_RC).
#[test]
fn what_nobody_answers_is_given_up() {
    let mut world = world(vec![Server::new(1, "a")]);
    world.acquire(10);
    world.servers.clear();
    world.client.release(world.now, &mut world.random);
    world.run(100);
    assert_eq!(world.count(MessageType::Release), 4);
    assert_eq!(world.client.poll_timeout(), None);
    let config = Config {
        probe: true,
        ..PROMPT
    };
    let mut world = World::new(&config, vec![Server::new(1, "a")], Mode::Stateful, 1);
    world.conflicts = 1;
    while world.count(MessageType::Decline) == 0 {
        assert!(world.step(START + secs(10)));
    }
    world.servers.clear();
    world.run(40);
    assert_eq!(world.count(MessageType::Decline), 4);
    assert_eq!(world.sent.last().unwrap().1, MessageType::Solicit);
}

#[test]
fn release_gives_the_lease_back() {
    let mut world = world(vec![Server::new(1, "a")]);
    world.acquire(10);
    world.client.release(world.now, &mut world.random);
    assert_eq!(world.client.lease(), None);
    world.run(10);
    assert_eq!(world.servers[0].released, [ip(100)]);
    assert_eq!(world.count(MessageType::Release), 1);
    assert_eq!(world.client.poll_timeout(), None);
}

#[test]
fn renewals_go_on() {
    let mut server = Server::new(1, "a.img");
    server.lifetimes = (600, 900);
    let mut world = world(vec![server]);
    world.acquire(10);
    world.run(3_590);
    let renewed = world
        .events()
        .into_iter()
        .filter(|event| *event == Event::Renewed);
    assert_eq!(renewed.count(), 11, "every 300 s");
    assert_eq!(world.count(MessageType::Renew), 11);
    assert!(world.client.lease().is_some());
}

#[test]
fn a_lease_that_nobody_renews_is_lost() {
    let mut server = Server::new(1, "a.img");
    server.lifetimes = (600, 900);
    let mut world = world(vec![server]);
    world.acquire(10);
    let obtained = world.client.lease().unwrap().obtained;
    world.servers.clear();
    world.run(895);
    assert!(world.client.lease().is_some());
    let first = |kind| world.sent.iter().find(|sent| sent.1 == kind).unwrap().0;
    let since = |kind| first(kind).since(obtained);
    assert!(since(MessageType::Renew) >= secs(300));
    assert!(since(MessageType::Renew) <= secs(300) + LATENESS);
    assert!(since(MessageType::Rebind) >= secs(480));
    assert!(since(MessageType::Rebind) <= secs(480) + LATENESS);
    world.run(10);
    let lost = world
        .events
        .iter()
        .find(|(_, event)| *event == Event::Lost(LostReason::Expired));
    let late = lost.unwrap().0.since(obtained + secs(900));
    assert!(late <= LATENESS && lost.unwrap().0 >= obtained + secs(900));
    assert_eq!(world.client.lease(), None);
    // A server that comes back finds the client looking for it.
    world.servers.push(Server::new(2, "b.img"));
    assert_eq!(world.acquire(60), Some(Event::Bound));
}

/// REN_TIMEOUT, REN_MAX_RT: 10 s, then twice as long each time, up to 600 s.
#[test]
fn renewals_are_repeated_as_the_rfc_says() {
    let mut server = Server::new(1, "a.img");
    server.times = (1_000, 8_000);
    server.lifetimes = (9_000, 10_000);
    let mut world = world(vec![server]);
    world.acquire(10);
    world.servers.clear();
    world.run(9_990);
    for kind in [MessageType::Renew, MessageType::Rebind] {
        let times: Vec<_> = world
            .sent
            .iter()
            .filter(|sent| sent.1 == kind)
            .map(|sent| sent.0)
            .collect();
        let nominal = [10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0];
        for (pair, nominal) in times.windows(2).zip(nominal) {
            let waited = pair[1].since(pair[0]).as_micros() as f64 / 1e6;
            assert!(
                (nominal * 0.75..=nominal * 1.25).contains(&waited),
                "{kind:?} {waited}"
            );
        }
        assert!(times.len() > 7, "{kind:?}");
    }
}

#[test]
fn another_server_may_rebind() {
    let mut server = Server::new(1, "a.img");
    server.lifetimes = (600, 900);
    server.bound = true;
    let mut world = world(vec![server.clone()]);
    world.acquire(10);
    server.id = vec![7, 7];
    world.servers = vec![server];
    world.run(600);
    assert_eq!(world.client.lease().unwrap().server_id, [7, 7]);
    assert!(world.events().contains(&Event::Renewed));
}

#[test]
fn a_server_that_forgot_or_withdraws_the_lease() {
    let lived = |change: fn(&mut Server)| {
        let mut server = Server::new(1, "a.img");
        server.lifetimes = (600, 900);
        let mut world = world(vec![server]);
        world.acquire(10);
        change(&mut world.servers[0]);
        world.run(400);
        world
    };
    let lost = Event::Lost(LostReason::Refused);
    // It makes its record again: the address was in use all the time.
    let world = lived(|server| server.bound = false);
    assert_eq!(world.events(), [Event::Bound, Event::Renewed]);
    // It has no address any more.
    let world = lived(|server| (server.bound, server.forgetful) = (false, true));
    assert!(world.events().contains(&lost));
    let world = lived(|server| server.withdraws = true);
    assert_eq!(world.events()[..2], [Event::Bound, lost]);
    // It leaves the address out: the client asks until T2, and others then.
    let mut world = lived(|server| server.leaves_out = true);
    assert!(world.client.lease().is_some());
    assert_eq!(world.kinds().last(), Some(&MessageType::Renew));
    assert!(world.count(MessageType::Renew) < 6, "no storm");
    world.run(100);
    assert_eq!(world.kinds().last(), Some(&MessageType::Rebind));
}

#[test]
fn a_lease_for_ever_has_no_timer() {
    let mut server = Server::new(1, "a.img");
    server.lifetimes = (u32::MAX, u32::MAX);
    let mut world = world(vec![server]);
    world.acquire(10);
    assert_eq!(world.client.lease().unwrap().valid_lifetime, Duration::MAX);
    assert_eq!(world.client.poll_timeout(), None);
}

/// Lifetimes of a second make no storm.
#[test]
fn the_shortest_leases() {
    for lifetimes in [(1, 1), (0, 1), (1, 2), (0, u32::MAX)] {
        let mut server = Server::new(1, "a.img");
        server.lifetimes = lifetimes;
        server.preference = Some(255);
        let mut world = world(vec![server]);
        world.run(100);
        assert!(
            world.sent.len() <= 310,
            "{lifetimes:?}: {}",
            world.sent.len()
        );
    }
}

#[test]
fn stateless_information() {
    let mut server = Server::new(1, "a.img");
    server.more = vec![
        (32, 700u32.to_be_bytes().to_vec()),
        (23, ip(1).octets().to_vec()),
    ];
    let mut world = World::new(&PROMPT, vec![server], Mode::Stateless, 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    assert_eq!(file(&world), "a.img");
    assert_eq!(world.now.since(START).as_millis(), 21);
    world.run(2_150);
    assert_eq!(
        world.events(),
        [Event::Bound, Event::Renewed, Event::Renewed, Event::Renewed]
    );
    // What is known stays, however long the server is away.
    world.servers.clear();
    world.run(20_000);
    assert_eq!(file(&world), "a.img");
    assert!(world.sent.len() < 30, "{}", world.sent.len());
}

/// The caller of the timer oversleeps by up to half a second, and the boot still gets its address.
#[test]
fn a_caller_that_oversleeps() {
    for seed in 0..50 {
        let servers = vec![Server::new(1, "a.img"), Server::new(2, "")];
        let mut world = World::new(&Config::new(MAC), servers, Mode::Stateful, seed);
        world.lateness = Duration::from_millis(500);
        world.loss = 10;
        assert_eq!(world.acquire(90), Some(Event::Bound));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the link does: bound to an address that was offered, or failed in time.
    #[test]
    fn bound_or_failed_in_time(
        seed: u64,
        loss in 0u32..60,
        duplication in 0u32..60,
        shuffle in 0u64..2_000,
        lateness in 1u64..500,
        refusals in 0u32..3,
        conflicts in 0u32..3,
        probe: bool,
        rapid: bool,
        relay: bool,
        stateless: bool,
        delay in 0u64..3000,
    ) {
        let config = Config { probe, rapid_commit: rapid, ..Config::new(MAC) };
        let mut server = Server::new(1, "a.img");
        server.refusals = (refusals, status::NO_ADDRS_AVAIL);
        server.lifetimes = (200, 300);
        server.delay = Duration::from_millis(delay);
        server.rapid = rapid;
        let mode = if stateless { Mode::Stateless } else { Mode::Stateful };
        let mut world = World::new(&config, vec![server], mode, seed);
        world.loss = loss;
        world.duplication = duplication;
        world.shuffle = Duration::from_millis(shuffle);
        world.lateness = Duration::from_millis(lateness);
        world.relay = relay;
        world.conflicts = conflicts;
        match world.acquire(200) {
            Some(Event::Bound) => {
                let lease = world.client.lease().unwrap();
                let expected = (100..104).any(|last| lease.address == Some(ip(last)));
                prop_assert!(expected != stateless);
                prop_assert_eq!(lease.config.boot.file.as_str(), "a.img");
            }
            Some(Event::Failed(_)) => {
                prop_assert!(loss > 10 || delay + shuffle > 900, "a link that is good enough");
                prop_assert!(world.client.poll_timeout().is_none());
            }
            other => prop_assert!(false, "{:?}", other),
        }
        prop_assert!(world.now.since(START) <= secs(90 + 10) + Duration::from_millis(lateness * 2));
        prop_assert!(world.sent.len() < 100, "{} messages", world.sent.len());
        // The transaction ids of two exchanges differ.
        let xid = |wire: &[u8]| Packet::parse(wire).unwrap().xid;
        for pair in world.sent.windows(2).filter(|pair| pair[0].1 != pair[1].1) {
            prop_assert!(xid(&pair[0].2) != xid(&pair[1].2));
        }
        // And then it lives on for an hour without a storm.
        let before = world.sent.len();
        world.run(3600);
        prop_assert!(world.sent.len() - before < 1500, "{}", world.sent.len() - before);
    }
}
