//! Whole acquisitions against the models of servers.

use super::tests::{NO_PROBE, secs};
use super::{Event, LostReason};
#[cfg(feature = "robust")]
use crate::config::AfterDeclines;
use crate::config::Config;
use crate::error::DhcpError;
use crate::model::{LATENESS, MAC, Server, World, ip};
use crate::packet::MessageType;
use netboot_core::boot::BootOrigin;
use netboot_core::{Duration, Instant};
use proptest::prelude::*;

#[test]
fn delays_double_with_jitter() {
    let mut world = World::new(&NO_PROBE, vec![], 3);
    assert_eq!(world.acquire(1000), Some(Event::Failed(DhcpError::NoOffer)));
    assert_eq!(world.count(MessageType::Discover), 8);
    let times: Vec<_> = world.sent.iter().map(|sent| sent.0).collect();
    let expected = [1, 2, 4, 8, 16, 16, 16];
    for (pair, delay) in times.windows(2).zip(expected) {
        let waited = pair[1].since(pair[0]);
        assert!(waited >= secs(delay) * 3 / 4 && waited <= secs(delay) * 5 / 4 + LATENESS);
    }
    assert!(
        times
            .windows(2)
            .any(|pair| pair[1].since(pair[0]).as_micros() % 1000 != 0)
    );
    assert_eq!(world.client.poll_timeout(), None);
}

#[test]
fn the_better_offer_is_taken() {
    // The fast server knows nothing of booting; the slow one does, within the window.
    let mut slow = Server::new(2, Some(60), "slow.img");
    slow.delay = Duration::from_millis(250);
    let servers = vec![Server::new(1, Some(50), ""), slow];
    let mut world = World::new(&NO_PROBE, servers.clone(), 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    let lease = world.client.lease().unwrap();
    assert_eq!(
        (lease.address, lease.config.boot.file.as_str()),
        (ip(60), "slow.img")
    );
    // Later than the window: a boot without it is better than none.
    let mut world = World::new(&NO_PROBE, servers, 1);
    world.servers[1].delay = Duration::from_millis(400);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    assert_eq!(world.client.lease().unwrap().address, ip(50));
    assert!(world.now.since(Instant::from_millis(5_000)) < Duration::from_millis(360));
}

#[test]
fn a_proxy_completes_a_lease() {
    for proxy_delay in [5, 100, 330] {
        let mut proxy = Server::new(3, None, "proxy.img");
        proxy.delay = Duration::from_millis(proxy_delay);
        let mut world = World::new(&NO_PROBE, vec![Server::new(1, Some(50), ""), proxy], 1);
        assert_eq!(world.acquire(10), Some(Event::Bound));
        let lease = world.client.lease().unwrap();
        assert_eq!((lease.address, lease.server_id), (ip(50), ip(1)));
        assert_eq!(lease.config.boot.file, "proxy.img", "delay {proxy_delay}");
        assert!(
            lease.config.boot.origin == BootOrigin::Proxy
                && lease.config.boot.next_server == Some(ip(3).into())
        );
    }
    // A server that names a file itself wins over a proxy.
    let servers = vec![
        Server::new(3, None, "proxy.img"),
        Server::new(1, Some(50), "own.img"),
    ];
    let mut world = World::new(&NO_PROBE, servers, 1);
    world.acquire(10);
    assert_eq!(world.client.lease().unwrap().config.boot.file, "own.img");
    // A proxy alone gives no address.
    let mut world = World::new(&NO_PROBE, vec![Server::new(3, None, "proxy.img")], 1);
    assert_eq!(world.acquire(1000), Some(Event::Failed(DhcpError::NoOffer)));
}

/// A client that needs no boot information waits for none, and takes what is told all the same.
#[test]
fn without_a_window_the_first_offer_is_taken_at_once() {
    let config = Config {
        offer_window: Duration::ZERO,
        ..NO_PROBE
    };
    let mut slow = Server::new(2, Some(60), "slow.img");
    slow.delay = Duration::from_millis(21);
    let mut world = World::new(&config, vec![Server::new(1, Some(50), ""), slow], 1);
    let start = world.now;
    assert_eq!(world.acquire(10), Some(Event::Bound));
    let lease = world.client.lease().unwrap();
    assert_eq!(
        (lease.address, lease.config.boot.file.as_str()),
        (ip(50), "")
    );
    // Two exchanges of 1 ms there and 20 ms back, and nothing between them.
    assert_eq!(world.now.since(start), Duration::from_millis(42));
    let sent: Vec<_> = world.sent.iter().map(|sent| (sent.0, sent.1)).collect();
    let offered = start + Duration::from_millis(21);
    let expected = [
        (start, MessageType::Discover),
        (offered, MessageType::Request),
    ];
    assert_eq!(sent, expected);
    // A proxy that is in time still counts; one that would have to be asked is not.
    for (on_4011, file) in [(false, "proxy.img"), (true, "")] {
        let mut proxy = Server::new(3, None, "proxy.img");
        proxy.delay = Duration::from_millis(30);
        proxy.on_4011 = on_4011;
        let mut world = World::new(&config, vec![Server::new(1, Some(50), ""), proxy], 1);
        assert_eq!(world.acquire(10), Some(Event::Bound));
        assert_eq!(world.client.lease().unwrap().config.boot.file, file);
        assert!(!world.client.boot_pending());
        assert_eq!(world.now.since(start), Duration::from_millis(42));
    }
}

#[test]
fn a_proxy_is_asked_on_port_4011() {
    let mut proxy = Server::new(3, None, "late.img");
    proxy.on_4011 = true;
    let servers = vec![Server::new(1, Some(50), ""), proxy];
    let mut world = World::new(&NO_PROBE, servers.clone(), 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    let lease = world.client.lease().unwrap();
    assert_eq!(
        (lease.config.boot.file.as_str(), lease.config.boot.origin),
        ("late.img", BootOrigin::Proxy)
    );
    let (_, message, to, port) = *world.sent.last().unwrap();
    assert_eq!((message, to, port), (MessageType::Request, ip(3), 4011));
    let events: Vec<_> = world.events.iter().map(|(_, event)| *event).collect();
    assert_eq!(events, [Event::Bound, Event::BootInfo]);
    // It does not answer: the lease stands without.
    let mut world = World::new(&NO_PROBE, servers, 1);
    world.servers[1].on_4011 = false;
    world.servers[1].file = "";
    let start = world.now;
    assert_eq!(world.acquire(20), Some(Event::Bound));
    assert!(world.now.since(start) < secs(10) && !world.client.boot_pending());
    assert_eq!(world.sent.iter().filter(|sent| sent.3 == 4011).count(), 3);
    assert_eq!(world.events.last().unwrap().1, Event::BootInfo);
}

/// Nobody picks from the menu, so the first service is taken, from the server that has it, and that may be another one.
#[test]
#[cfg(feature = "robust")]
fn the_first_service_of_a_pxe_menu_is_asked_for() {
    let menu: &[u8] = b"\x08\x0e\x80\x01\x01\xc0\xa8\x07\x09\x80\x02\x01\xc0\xa8\x07\x03\
        \x09\x0d\x00\x00\x01d\x80\x02\x01a\x80\x01\x01b\xff";
    for (lister, late_menu) in [(3, false), (4, false), (3, true)] {
        let server = 3;
        let mut proxy = Server::new(server, None, "service.img");
        proxy.on_4011 = true;
        proxy.menu = Some((menu, 0x8002));
        proxy.late_menu = late_menu;
        let mut servers = vec![Server::new(1, Some(50), ""), proxy];
        if lister != server {
            servers[1].silent_offers = true;
            let mut lists = Server::new(lister, None, "");
            lists.menu = Some((menu, 0x8002));
            servers.push(lists);
        }
        let mut world = World::new(&NO_PROBE, servers, 1);
        assert_eq!(world.acquire(10), Some(Event::Bound));
        let lease = world.client.lease().unwrap();
        assert_eq!(lease.config.boot.file.as_str(), "service.img");
        assert!(!lease.config.boot.has_pxe_menu);
        let (_, message, to, port) = *world.sent.last().unwrap();
        assert_eq!((message, to, port), (MessageType::Request, ip(3), 4011));
    }
}

/// A menu in which nothing can be picked is told, and its server is not asked again. A service that does not answer is told when it is given up.
#[test]
#[cfg(feature = "robust")]
fn a_pxe_menu_that_gives_no_boot_file_is_told() {
    let disk: &[u8] = b"\x09\x07\x00\x00\x04disk\xff";
    let service: &[u8] = b"\x09\x04\x80\x02\x01a\xff";
    for (menu, late_menu, asked) in [
        (disk, false, 1),
        (disk, true, 1),
        (service, false, 3),
        (service, true, 4),
    ] {
        let mut proxy = Server::new(3, None, "");
        proxy.on_4011 = true;
        // Nobody asks for that one.
        proxy.menu = Some((menu, 0x8009));
        proxy.late_menu = late_menu;
        let servers = vec![Server::new(1, Some(50), ""), proxy];
        let mut world = World::new(&NO_PROBE, servers, 1);
        assert_eq!(world.acquire(20), Some(Event::Bound));
        assert_eq!(world.events.last().unwrap().1, Event::BootInfo);
        let boot = &world.client.lease().unwrap().config.boot;
        assert!(boot.has_pxe_menu && !boot.is_known());
        let questions = world.sent.iter().filter(|sent| sent.3 == 4011).count();
        assert_eq!(questions, asked, "{menu:?} {late_menu}");
    }
}

#[test]
fn among_equals_the_first_offer_wins() {
    let servers = vec![
        Server::new(3, None, "first"),
        Server::new(4, None, "second"),
    ];
    let servers = [vec![Server::new(1, Some(50), "")], servers].concat();
    let mut world = World::new(&NO_PROBE, servers, 1);
    world.servers[0].delay = Duration::from_millis(50);
    world.acquire(10);
    assert_eq!(world.client.lease().unwrap().config.boot.file, "first");
}

#[test]
fn a_refusal_starts_over() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.naks = 2;
    let mut world = World::new(&NO_PROBE, vec![server.clone()], 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    assert_eq!(world.count(MessageType::Discover), 3);
    server.naks = 1_000_000;
    let mut world = World::new(&NO_PROBE, vec![server.clone()], 1);
    let refused = DhcpError::Refused { server: ip(1) };
    assert_eq!(world.acquire(1000), Some(Event::Failed(refused)));
    assert!(world.sent.len() < 250, "no storm: {}", world.sent.len());
    server.naks = 0;
    server.silent = true;
    let mut world = World::new(&NO_PROBE, vec![server], 1);
    let no_ack = DhcpError::NoAck { server: ip(1) };
    assert_eq!(world.acquire(1000), Some(Event::Failed(no_ack)));
    let took = world.now.since(Instant::from_millis(5_000));
    assert!(took >= secs(90) && took <= secs(90) + LATENESS);
}

#[test]
#[cfg(feature = "robust")]
fn a_conflict_is_declined() {
    let config = Config::new(MAC);
    let mut world = World::new(&config, vec![Server::new(1, Some(50), "a.img")], 1);
    world.conflicts = 1;
    assert_eq!(world.acquire(60), Some(Event::Bound));
    assert_eq!(world.servers[0].declined, [ip(50)]);
    assert_eq!(world.client.lease().unwrap().address, ip(51));
    let at = |message| {
        let sent = world.sent.iter().filter(|sent| sent.1 == message);
        sent.map(|sent| sent.0).next_back().unwrap()
    };
    let pause = at(MessageType::Discover).since(at(MessageType::Decline));
    assert!(pause >= secs(10));
}

#[test]
#[cfg(feature = "robust")]
fn no_pool_is_emptied_by_a_host_that_has_every_address() {
    let conflicts = |after_declines| {
        let config = Config {
            after_declines,
            ..Config::new(MAC)
        };
        let mut world = World::new(&config, vec![Server::new(1, Some(50), "a.img")], 1);
        world.conflicts = 1000;
        world
    };
    // The address after the third one is taken as it is.
    let mut world = conflicts(AfterDeclines::Use);
    assert_eq!(world.acquire(1000), Some(Event::Bound));
    assert_eq!(world.servers[0].declined, [ip(50), ip(51), ip(52)]);
    assert!(world.client.has_declined_enough());
    let mut world = conflicts(AfterDeclines::Fail);
    let end = world.acquire(1000);
    assert!(matches!(
        end,
        Some(Event::Failed(DhcpError::Conflict {
            mac: [2, 0, 0, 0, 0, 9],
            ..
        }))
    ));
    world.run(1);
    assert_eq!(world.servers[0].declined.len(), 3);
}

#[test]
fn renewals_go_on_and_keep_the_boot_information() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.lease_secs = 600;
    let mut world = World::new(&NO_PROBE, vec![server], 1);
    world.acquire(10);
    world.servers[0].file = "";
    world.run(3_590);
    let renewed = world
        .events
        .iter()
        .filter(|(_, event)| *event == Event::Renewed);
    assert_eq!(renewed.count(), 11, "every 300 s");
    assert_eq!(world.client.lease().unwrap().config.boot.file, "a.img");
    let renewals = world
        .sent
        .iter()
        .filter(|sent| sent.1 == MessageType::Request);
    assert!(renewals.skip(1).all(|sent| sent.2 == ip(1)), "unicast");
}

#[test]
fn a_lease_that_nobody_renews_is_lost() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.lease_secs = 600;
    let mut world = World::new(&NO_PROBE, vec![server], 1);
    world.acquire(10);
    let obtained = world.client.lease().unwrap().obtained;
    world.servers.clear();
    world.run(599);
    assert!(world.client.lease().is_some());
    let broadcasts = world.sent.iter().filter(|sent| sent.2.is_broadcast());
    assert!(broadcasts.clone().next_back().unwrap().0 >= obtained + secs(525));
    world.run(2);
    let expired = Event::Lost(LostReason::Expired);
    let lost = world.events.iter().find(|(_, event)| *event == expired);
    let late = lost.unwrap().0.since(obtained + secs(600));
    assert!(late <= LATENESS && lost.unwrap().0 >= obtained + secs(600));
    assert_eq!(world.client.lease(), None);
    assert_eq!(world.sent.last().unwrap().1, MessageType::Discover);
    // A server that comes back finds the client looking for it.
    world.servers.push(Server::new(2, Some(70), "b.img"));
    assert_eq!(world.acquire(60), Some(Event::Bound));
}

#[test]
fn another_server_may_rebind() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.lease_secs = 600;
    let mut world = World::new(&NO_PROBE, vec![server.clone()], 1);
    world.acquire(10);
    server.id = ip(2);
    world.servers = vec![server];
    world.run(599);
    assert_eq!(world.client.lease().unwrap().server_id, ip(2));
    world.servers[0].refuses_renewal = true;
    world.run(600);
    let refused = Event::Lost(LostReason::Refused);
    assert!(world.events.iter().any(|(_, event)| *event == refused));
}

#[test]
fn release_gives_the_lease_back() {
    let mut world = World::new(&NO_PROBE, vec![Server::new(1, Some(50), "a.img")], 1);
    world.acquire(10);
    world.client.release(world.now);
    assert_eq!(world.client.lease(), None);
    world.run(10);
    assert_eq!(world.servers[0].released, [ip(50)]);
    assert_eq!(world.client.poll_timeout(), None);
    assert_eq!(world.sent.last().unwrap().2, ip(1), "unicast");
}

#[test]
fn an_infinite_lease_has_no_timer() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.lease_secs = u32::MAX;
    let mut world = World::new(&NO_PROBE, vec![server], 1);
    world.acquire(10);
    assert_eq!(world.client.lease().unwrap().lease_time, Duration::MAX);
    assert_eq!(world.client.poll_timeout(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the link does: bound to an address that was offered, or failed in time.
    #[test]
    fn bound_or_failed_in_time(
        seed: u64,
        loss in 0u32..60,
        duplication in 0u32..60,
        naks in 0u32..3,
        conflicts in 0u32..3,
        probe: bool,
        proxy in 0u8..3,
        file in prop_oneof![Just(""), Just("a.img")],
        delay in 0u64..4000,
    ) {
        let config = Config { probe, ..Config::new(MAC) };
        let mut server = Server::new(1, Some(50), file);
        server.naks = naks;
        server.lease_secs = 300;
        server.delay = Duration::from_millis(delay);
        let mut servers = vec![server];
        if proxy > 0 {
            let mut server = Server::new(3, None, "proxy.img");
            server.on_4011 = proxy == 2;
            servers.push(server);
        }
        let mut world = World::new(&config, servers, seed);
        world.loss = loss;
        world.duplication = duplication;
        world.conflicts = conflicts;
        let start = world.now;
        match world.acquire(200) {
            Some(Event::Bound) => {
                let lease = world.client.lease().unwrap();
                prop_assert!((50..54).any(|last| lease.address == ip(last)));
                if !file.is_empty() {
                    prop_assert_eq!(lease.config.boot.file.as_str(), file);
                }
            }
            Some(Event::Failed(_)) => {
                prop_assert!(loss > 10 || delay > 900, "a link that is good enough");
                prop_assert!(world.client.poll_timeout().is_none());
            }
            other => prop_assert!(false, "{:?}", other),
        }
        // The deadline, the probe and the questions to a proxy.
        prop_assert!(world.now.since(start) <= secs(90 + 10 + 10) + LATENESS);
        prop_assert!(world.sent.len() < 100, "{} messages", world.sent.len());
        // And then it lives on for an hour without a storm.
        let before = world.sent.len();
        world.run(3600);
        prop_assert!(world.sent.len() - before < 1500, "{}", world.sent.len() - before);
    }
}
