//! Tests of the host, in virtual time and message by message.

use crate::address::{ALL_MLD_ROUTERS, ALL_ROUTERS, Mac};
use crate::advertisement::Advertisement;
use crate::host::{Config, Event, Host, Kind, Probing, Progress, TRANSMIT_MAX};
use crate::wire::{Envelope, Header};
use core::net::{IpAddr, Ipv6Addr};
use netboot_core::net::NetworkConfig;
use netboot_core::{Duration, Instant};
use proptest::prelude::*;
use rand_core::{Error, RngCore};
use zerocopy::FromBytes;

const MAC: Mac = [2, 0, 0, 0, 0, 9];
pub(crate) const OTHER: Mac = [2, 0, 0, 0, 0, 7];
pub(crate) const OWN: &str = "fe80::ff:fe00:9";

/// A number again and again.
pub(crate) struct Same(pub u32);

impl RngCore for Same {
    fn next_u32(&mut self) -> u32 {
        self.0
    }

    fn next_u64(&mut self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.0)
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        octets.fill(self.0 as u8);
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(octets);
        Ok(())
    }
}

pub(crate) fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

pub(crate) fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

pub(crate) fn config(count: u8) -> Config {
    Config {
        mac: MAC,
        probing: Probing {
            count,
            interval: Duration::from_millis(100),
        },
        delay: Duration::ZERO,
    }
}

/// What a packet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Report(Vec<Ipv6Addr>),
    Probe(Ipv6Addr),
    Question(Ipv6Addr),
}

fn read(packet: &[u8]) -> Sent {
    let (header, rest) = Header::ref_from_prefix(packet).unwrap();
    let source = Ipv6Addr::from(header.source);
    match (header.next, rest[0]) {
        (0, _) => {
            assert_eq!(Ipv6Addr::from(header.destination), ALL_MLD_ROUTERS);
            let (records, _) = rest[16..].as_chunks::<20>();
            Sent::Report(
                records
                    .iter()
                    .map(|record| Ipv6Addr::from(*record[4..].first_chunk::<16>().unwrap()))
                    .collect(),
            )
        }
        (58, 135) => {
            assert!(source.is_unspecified());
            Sent::Probe(Ipv6Addr::from(*rest[8..].first_chunk::<16>().unwrap()))
        }
        (58, 133) => {
            assert_eq!(Ipv6Addr::from(header.destination), ALL_ROUTERS);
            Sent::Question(source)
        }
        other => panic!("{other:?}"),
    }
}

/// Runs a host until `until`, waking it `late` after each time that it asks for. Gives what it sent and when, and what it reported.
pub(crate) fn run(
    host: &mut Host,
    from: Instant,
    until: Instant,
    late: Duration,
    rng: &mut Same,
) -> (Vec<(u64, Sent)>, Vec<Event>) {
    let (mut now, mut sent, mut events) = (from, vec![], vec![]);
    loop {
        host.handle_timeout(now);
        let mut buffer = [0xaa; TRANSMIT_MAX];
        while let Some(len) = host.poll_transmit(now, rng, &mut buffer) {
            sent.push((now.as_millis(), read(&buffer[..len])));
        }
        while let Some(event) = host.poll() {
            events.push(event);
        }
        let next = host.poll_timeout();
        assert!(next > now, "it asks for a moment that has passed");
        if next > until {
            return (sent, events);
        }
        now = next + late;
    }
}

fn prefix_option(prefix: &str, flags: u8, valid: u32, preferred: u32) -> Vec<u8> {
    let mut option = vec![3, 4, 64, flags];
    option.extend(valid.to_be_bytes());
    option.extend(preferred.to_be_bytes());
    option.extend([0; 4]);
    option.extend(ip(prefix).octets());
    option
}

pub(crate) fn tell(
    host: &mut Host,
    now: Instant,
    router: &str,
    flags: u8,
    lifetime: u16,
    options: &[Vec<u8>],
) {
    let mut message = vec![134, 0, 0, 0, 64, flags];
    message.extend(lifetime.to_be_bytes());
    message.extend([0; 8]);
    message.extend(options.concat());
    let envelope = Envelope {
        source: ip(router),
        destination: ip("ff02::1"),
        hop_limit: 255,
    };
    host.handle(now, &Advertisement::parse(&envelope, &message).unwrap());
}

pub(crate) fn started(count: u8) -> Host {
    let mut host = Host::new(config(count));
    host.start(at(0), &mut Same(0));
    host
}

/// A host that has its link-local address, half a second after its start.
pub(crate) fn on_link() -> Host {
    let mut host = started(1);
    run(&mut host, at(0), at(500), Duration::ZERO, &mut Same(0));
    assert_eq!(host.address(Kind::LinkLocal), Some(ip(OWN)));
    host
}

#[test]
fn a_host_reports_its_group_probes_its_address_and_asks_for_routers() {
    let mut host = started(2);
    assert_eq!(host.tentative().collect::<Vec<_>>(), [ip(OWN)]);
    let (sent, events) = run(&mut host, at(0), at(2_000), Duration::ZERO, &mut Same(0));
    let group = ip("ff02::1:ff00:9");
    let expected = [
        (0, Sent::Report(vec![group])),
        (0, Sent::Probe(ip(OWN))),
        (0, Sent::Question(ip("::"))),
        (100, Sent::Probe(ip(OWN))),
        (900, Sent::Question(ip(OWN))),
        (1_000, Sent::Report(vec![group])),
    ];
    assert_eq!(sent, expected);
    assert_eq!(events, [Event::Changed, Event::Changed]);
    assert_eq!(host.address(Kind::LinkLocal), Some(ip(OWN)));
    assert_eq!(host.tentative().count(), 0);
}

#[test]
fn without_probes_the_address_serves_at_once() {
    let mut host = started(0);
    assert_eq!(host.address(Kind::LinkLocal), Some(ip(OWN)));
    let (sent, _) = run(&mut host, at(0), at(10), Duration::ZERO, &mut Same(0));
    assert_eq!(sent[1], (0, Sent::Question(ip(OWN))));
}

#[test]
fn routers_are_asked_for_with_growing_pauses() {
    // The pauses are nine tenths with the lowest random number: 0.9, 1.8, 3.6, 7.2 and 14.4 s.
    let mut host = started(0);
    assert_eq!(host.progress(), Progress::Searching);
    let mut times = |until| {
        let (sent, _) = run(
            &mut host,
            at(until - 20_000),
            at(until),
            Duration::ZERO,
            &mut Same(0),
        );
        let questions = sent
            .into_iter()
            .filter(|(_, sent)| matches!(sent, Sent::Question(_)));
        (
            questions.map(|(at, _)| at).collect::<Vec<_>>(),
            host.progress(),
        )
    };
    assert_eq!(
        times(20_000),
        (vec![0, 900, 2_700, 6_300, 13_500], Progress::Alone)
    );
    assert_eq!(times(40_000).0, [27_900]);
    // With the highest one they are eleven tenths.
    let mut host = started(0);
    let (sent, _) = run(
        &mut host,
        at(0),
        at(3_000),
        Duration::ZERO,
        &mut Same(u32::MAX),
    );
    assert!(sent.iter().any(|(at, _)| *at == 1_099), "{sent:?}");
}

#[test]
fn the_first_question_waits_for_a_random_time() {
    let mut host = Host::new(Config {
        delay: Duration::from_secs(1),
        ..config(0)
    });
    host.start(at(0), &mut Same(1 << 31));
    let (sent, _) = run(&mut host, at(0), at(600), Duration::ZERO, &mut Same(0));
    assert_eq!(sent.last(), Some(&(500, Sent::Question(ip(OWN)))));
}

#[test]
fn an_address_of_the_first_prefix_that_allows_it() {
    let mut host = on_link();
    tell(
        &mut host,
        at(500),
        "fe80::1",
        0,
        1800,
        &[
            prefix_option("2001:db8:1::", 0x80, 600, 300),
            prefix_option("fe80::", 0xc0, 600, 300),
            prefix_option("2001:db8:2::", 0xc0, 300, 600),
            prefix_option("2001:db8:3::", 0xc0, 600, 0),
            prefix_option("ff00::", 0xc0, 600, 300),
            prefix_option("2001:db8:5::", 0xc0, 600, 300),
            prefix_option("2001:db8:6::", 0xc0, 600, 300),
        ],
    );
    assert_eq!(host.progress(), Progress::Probing);
    assert_eq!(host.address(Kind::Autonomous), None);
    let (sent, events) = run(&mut host, at(500), at(3_000), Duration::ZERO, &mut Same(0));
    let own = ip("2001:db8:5::ff:fe00:9");
    assert_eq!(host.address(Kind::Autonomous), Some(own));
    assert_eq!(host.progress(), Progress::Settled);
    assert!(sent.contains(&(500, Sent::Probe(own))));
    assert!(
        !sent
            .iter()
            .any(|(_, sent)| matches!(sent, Sent::Question(_))),
        "a router was heard"
    );
    assert!(events.contains(&Event::Changed));
    // It ends with its prefix.
    run(
        &mut host,
        at(3_000),
        at(600_499),
        Duration::ZERO,
        &mut Same(0),
    );
    assert_eq!(host.address(Kind::Autonomous), Some(own));
    run(
        &mut host,
        at(600_499),
        at(600_500),
        Duration::ZERO,
        &mut Same(0),
    );
    assert_eq!(host.address(Kind::Autonomous), None);
}

/// RFC 4862, section 5.5.3 (e).
#[test]
fn nobody_shortens_a_life_to_less_than_two_hours() {
    let hours = |hours: u32| hours * 3600;
    let ends = |first: u32, second: u32| {
        let mut host = on_link();
        for valid in [first, second] {
            tell(
                &mut host,
                at(500),
                "fe80::1",
                0,
                0,
                &[prefix_option("fd00::", 0x40, valid, 1)],
            );
        }
        run(&mut host, at(500), at(2_000), Duration::ZERO, &mut Same(0));
        (host.poll_timeout().as_millis() - 500) / 1000
    };
    assert_eq!(ends(hours(3), hours(4)), hours(4).into(), "longer");
    assert_eq!(ends(hours(5), hours(3)), hours(3).into(), "still long");
    assert_eq!(ends(hours(5), 10), hours(2).into(), "two hours");
    assert_eq!(
        ends(hours(1), 10),
        hours(1).into(),
        "not longer than it was"
    );
}

#[test]
fn another_user_of_the_address_means_another_address() {
    let mut host = started(1);
    let mut rng = Same(0x1234_5678);
    host.conflict(at(10), &mut rng, ip("fe80::1"), OTHER);
    assert_eq!(host.tentative().next(), Some(ip(OWN)), "not ours");
    host.conflict(at(10), &mut rng, ip(OWN), OTHER);
    assert_eq!(host.poll(), Some(Event::Duplicate(ip(OWN))));
    let next = ip("fe80::1034:5678:1234:5678");
    assert_eq!(host.tentative().next(), Some(next));
    run(&mut host, at(10), at(500), Duration::ZERO, &mut rng);
    assert_eq!(host.address(Kind::LinkLocal), Some(next));
    host.conflict(at(500), &mut rng, next, OTHER);
    assert_eq!(
        host.poll(),
        None,
        "an address that is in use is defended, not given up"
    );
}

#[test]
fn a_host_whose_addresses_all_are_in_use_fails() {
    let mut host = started(1);
    for round in 0..3 {
        let taken = host.tentative().next().unwrap();
        host.conflict(at(round), &mut Same(round as u32), taken, OTHER);
        assert_eq!(host.poll(), Some(Event::Duplicate(taken)));
    }
    assert_eq!(host.poll(), Some(Event::Failed));
    assert_eq!(host.progress(), Progress::Off);
    assert_eq!(host.poll_timeout(), Instant::FAR_FUTURE);
    tell(
        &mut host,
        at(9),
        "fe80::1",
        0,
        9,
        &[prefix_option("fd00::", 0x40, 99, 9)],
    );
    assert_eq!(host.tentative().count(), 0, "it rests");
}

/// The flags of RFC 4861, section 4.2. What one router has said is not taken back by another.
#[test]
fn routers_say_where_addresses_and_other_facts_come_from() {
    let said = |host: &Host| (host.is_managed(), host.has_other());
    for (flags, expected) in [
        (0x00, (false, false)),
        (0x80, (true, false)),
        (0x40, (false, true)),
        (0xc0, (true, true)),
    ] {
        let mut host = on_link();
        assert_eq!(said(&host), (false, false));
        tell(&mut host, at(600), "fe80::1", flags, 1800, &[]);
        assert_eq!(said(&host), expected, "{flags:#x}");
        for second in [0, flags] {
            tell(&mut host, at(700), "fe80::2", second, 1800, &[]);
            assert_eq!(said(&host), expected, "{flags:#x} {second:#x}");
        }
    }
}

#[test]
fn what_routers_tell_becomes_a_configuration() {
    let mut host = on_link();
    let mtu = vec![5, 1, 0, 0, 0, 0, 0x05, 0xdc];
    let mut servers = vec![25, 5, 0, 0, 0, 0, 0, 100];
    servers.extend([ip("fd00::53").octets(), ip("fd00::54").octets()].concat());
    let domain = vec![31, 2, 0, 0, 0, 0, 0, 100, 3, b'l', b'a', b'b', 0, 0, 0, 0];
    let route = vec![24, 2, 48, 0, 0, 0, 0, 100, 0xfd, 0, 0, 1, 0, 2, 0, 0];
    let prefix = prefix_option("fd00::77", 0x80, 200, 100);
    tell(
        &mut host,
        at(0),
        "fe80::1",
        0xc0,
        1800,
        &[mtu, servers, domain, route, prefix],
    );
    tell(&mut host, at(0), "fe80::2", 0x08, 1800, &[]);
    assert!(host.is_managed() && host.has_other());
    assert!(host.is_on_link(ip("fd00::1")) && !host.is_on_link(ip("fd00:0:0:1::1")));
    let filled = |host: &Host| {
        let mut config = NetworkConfig::new(IpAddr::V6(ip(OWN)), 64);
        let _ = config.dns.push(IpAddr::V6(ip("fd00::54")));
        host.fill(&mut config);
        config
    };
    let config = filled(&host);
    assert_eq!(
        config.routers,
        [IpAddr::V6(ip("fe80::2")), IpAddr::V6(ip("fe80::1"))],
        "the preferred one first"
    );
    assert_eq!(
        config.dns,
        ["fd00::54", "fd00::53"].map(|text| IpAddr::V6(ip(text)))
    );
    assert_eq!(config.domain, "lab");
    assert_eq!(config.mtu, Some(1500));
    let routes: Vec<String> = config
        .routes
        .iter()
        .map(|route| {
            format!(
                "{}/{} {:?}",
                route.destination.address, route.destination.len, route.gateway
            )
        })
        .collect();
    assert_eq!(routes, ["fd00:1:2::/48 Some(fe80::1)", "fd00::/64 None"]);
    // A router with no lifetime is none, and what ends is forgotten.
    tell(&mut host, at(0), "fe80::2", 0, 0, &[]);
    host.handle_timeout(at(100_000));
    let config = filled(&host);
    assert_eq!(config.routers, [IpAddr::V6(ip("fe80::1"))]);
    assert_eq!(config.dns, [IpAddr::V6(ip("fd00::54"))]);
    assert_eq!((config.domain.as_str(), config.routes.len()), ("", 1));
    host.handle_timeout(at(200_000));
    assert!(filled(&host).routes.is_empty());
}

/// A route option of an advertisement (RFC 4191, section 2.3) to fd00:1:2::/48.
fn route_option(preference: u8, lifetime: u8) -> Vec<u8> {
    vec![
        24, 2, 48, preference, 0, 0, 0, lifetime, 0xfd, 0, 0, 1, 0, 2, 0, 0,
    ]
}

#[test]
fn what_is_said_again_is_no_news() {
    let mut host = on_link();
    let domain = |label: &[u8]| [&[31, 2, 0, 0, 0, 0, 0, 100, 3], label, &[0; 4]].concat();
    let mut servers = vec![25, 3, 0, 0, 0, 0, 0, 100];
    servers.extend(ip("fd00::53").octets());
    let told = [
        vec![5, 1, 0, 0, 0, 0, 0x05, 0xdc],
        servers,
        domain(b"lab"),
        route_option(0, 100),
        prefix_option("fd00::", 0x80, 200, 100),
    ];
    let mut news = |now, flags, told: &[Vec<u8>]| {
        tell(&mut host, at(now), "fe80::1", flags, 1800, told);
        let changed = host.poll();
        assert_eq!(host.poll(), None);
        changed == Some(Event::Changed)
    };
    assert!(news(0, 0, &told));
    for again in 1..4 {
        assert!(!news(again * 1_000, 0, &told), "{again}");
        assert!(!news(again * 1_000, 0, &[]), "what is not said is not over");
    }
    let mut shorter = told.clone();
    shorter[0][6..].copy_from_slice(&1_280_u16.to_be_bytes());
    assert!(news(5_000, 0, &shorter), "the MTU");
    assert!(news(5_000, 0, &[domain(b"rig")]), "the domain");
    assert!(news(5_000, 0x40, &[]), "servers have more");
    assert!(news(5_000, 0xc0, &[]), "servers have addresses");
    assert!(news(5_000, 0, &[route_option(0x08, 100)]), "a preference");
    assert!(news(5_000, 0, &[route_option(0, 0)]), "a route is over");
    assert!(!news(5_000, 0, &[route_option(0, 0)]), "it is over already");
}

#[test]
fn each_router_speaks_for_its_own_routes() {
    let mut host = on_link();
    let gateways = |host: &Host| {
        let mut config = NetworkConfig::new(IpAddr::V6(ip(OWN)), 64);
        host.fill(&mut config);
        let gateways = config.routes.iter().map(|route| route.gateway);
        gateways.collect::<Vec<_>>()
    };
    let router = |text: &str| Some(IpAddr::V6(ip(text)));
    tell(
        &mut host,
        at(0),
        "fe80::1",
        0,
        0,
        &[route_option(0x18, 100)],
    );
    tell(
        &mut host,
        at(0),
        "fe80::2",
        0,
        0,
        &[route_option(0x08, 100)],
    );
    tell(&mut host, at(0), "fe80::3", 0, 0, &[route_option(0, 100)]);
    assert_eq!(gateways(&host), [router("fe80::2")], "the preferred one");
    tell(&mut host, at(0), "fe80::2", 0, 0, &[route_option(0, 0)]);
    assert_eq!(
        gateways(&host),
        [router("fe80::3")],
        "only the second one has withdrawn"
    );
    tell(&mut host, at(0), "fe80::3", 0, 0, &[route_option(0, 0)]);
    assert_eq!(gateways(&host), [router("fe80::1")]);
}

#[test]
fn a_query_is_answered_in_time() {
    let mut host = started(0);
    host.query(at(0), &mut Same(1 << 31), Duration::from_secs(10));
    let (sent, _) = run(&mut host, at(0), at(1_500), Duration::ZERO, &mut Same(0));
    let reports = |sent: &[(u64, Sent)]| {
        let reports = sent
            .iter()
            .filter(|(_, sent)| matches!(sent, Sent::Report(_)));
        reports.map(|(at, _)| *at).collect::<Vec<_>>()
    };
    assert_eq!(
        reports(&sent),
        [0, 1_000],
        "reports of new groups say it already"
    );
    host.query(at(2_000), &mut Same(1 << 31), Duration::from_secs(10));
    let (sent, _) = run(
        &mut host,
        at(2_000),
        at(12_000),
        Duration::ZERO,
        &mut Same(0),
    );
    assert_eq!(reports(&sent), [7_000]);
}

#[test]
fn a_host_that_was_stopped_is_quiet() {
    let mut host = on_link();
    host.stop();
    assert_eq!((host.poll(), host.poll()), (Some(Event::Changed), None));
    host.query(at(600), &mut Same(0), Duration::ZERO);
    assert_eq!(host.poll_timeout(), Instant::FAR_FUTURE);
    assert_eq!(
        host.poll_transmit(at(99_999), &mut Same(0), &mut [0; TRANSMIT_MAX]),
        None
    );
}

proptest! {
    /// A real clock is always late, and every moment that passes in silence comes again.
    #[test]
    fn late_calls_only_delay(late in 0u64..400, count in 0u8..4) {
        let mut host = started(count);
        let late = Duration::from_millis(late);
        run(&mut host, at(0), at(5_500), late, &mut Same(0));
        prop_assert_eq!(host.address(Kind::LinkLocal), Some(ip(OWN)));
        prop_assert_eq!(host.progress(), Progress::Alone);
        tell(&mut host, at(6_000), "fe80::1", 0, 9, &[prefix_option("fd00::", 0x40, 99, 9)]);
        run(&mut host, at(6_000), at(9_000), late, &mut Same(0));
        prop_assert_eq!(host.progress(), Progress::Settled);
    }

    /// An early call does nothing.
    #[test]
    fn early_calls_do_nothing(early in 1u64..100) {
        let mut host = started(1);
        run(&mut host, at(0), at(0), Duration::ZERO, &mut Same(0));
        let before = host.clone();
        host.handle_timeout(at(100 - early));
        prop_assert_eq!(host.poll_transmit(at(100 - early), &mut Same(0), &mut [0; TRANSMIT_MAX]), None);
        prop_assert_eq!(host, before);
    }
}
