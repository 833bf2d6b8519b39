//! The tail of a lease's life: renewing, rebinding, refusal and expiry (RFC 2131 section 4.4.5).

use super::tests::{NO_PROBE, secs};
use super::*;
use crate::model::{REPLY, Server, World, ip};
use crate::options::code;
use crate::packet::Header;

const LEASE: u64 = 600;
/// T1 and T2 of the lease, by default 1/2 and 7/8.
const T1: u64 = 300;
const T2: u64 = 525;

/// A client that is bound to 192.168.7.50 by the server at .1 for ten minutes.
fn bound() -> World {
    let server = Server {
        lease_secs: LEASE as u32,
        ..Server::new(1, Some(50), "a.img")
    };
    let mut world = World::new(&NO_PROBE, vec![server], 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    world.events.clear();
    world.sent.clear();
    world
}

/// Runs `world` until `seconds` of its first lease have passed.
fn run_to(world: &mut World, obtained: Instant, seconds: u64) {
    let end = obtained + secs(seconds);
    while world.step(end) {}
}

fn told(world: &World) -> Vec<Event> {
    world.events.iter().map(|(_, event)| *event).collect()
}

/// Half of the time that is left is waited each time, but 10 s at least.
#[test]
fn a_lease_is_asked_for_several_times_in_each_phase() {
    let mut world = bound();
    let obtained = world.client.lease().unwrap().obtained;
    world.servers.clear();
    run_to(&mut world, obtained, LEASE - 1);
    let asked: Vec<_> = world
        .sent
        .iter()
        .map(|(at, message, to, _)| {
            assert_eq!(*message, MessageType::Request);
            (at.since(obtained).as_millis(), *to)
        })
        .collect();
    let renewing = [300_000, 412_500, 468_750, 496_875, 510_937, 520_937];
    let rebinding = [525_000, 562_500, 581_250, 591_250];
    let server = renewing.map(|at| (at, ip(1)));
    let anyone = rebinding.map(|at| (at, Ipv4Addr::BROADCAST));
    let expected = [&server[..], &anyone[..]].concat();
    assert_eq!(asked.len(), expected.len(), "{asked:?}");
    for ((at, to), (expected, destination)) in asked.into_iter().zip(expected) {
        assert_eq!(to, destination);
        // The clock of each call was late by up to a millisecond, and what follows counts from there.
        assert!((expected..expected + 10).contains(&at), "{at}, {expected}");
    }
    assert!(world.client.lease().is_some() && told(&world).is_empty());
    run_to(&mut world, obtained, LEASE + 1);
    assert_eq!(told(&world), [Event::Lost(LostReason::Expired)]);
}

#[test]
fn an_answer_to_any_attempt_renews_the_lease() {
    for from in [T1 + 1, T1 + 113, T2 - 3, T2 + 1, T2 + 57] {
        let mut world = bound();
        let obtained = world.client.lease().unwrap().obtained;
        let servers = core::mem::take(&mut world.servers);
        run_to(&mut world, obtained, from);
        assert!(told(&world).is_empty());
        world.servers = servers;
        run_to(&mut world, obtained, LEASE - 1);
        assert_eq!(told(&world), [Event::Renewed], "{from}");
        // The new lease counts from the first question of this renewal, which the server may have answered.
        let lease = world.client.lease().unwrap();
        assert_eq!(lease.obtained.since(obtained).as_secs(), T1, "{from}");
    }
}

#[test]
fn a_refusal_ends_the_lease_in_both_phases() {
    for (from, to) in [
        (1, T1 + 2),
        (T1 + 1, T2 - 1),
        (T2 - 1, T2 + 2),
        (T2 + 1, LEASE - 1),
    ] {
        let mut world = bound();
        let obtained = world.client.lease().unwrap().obtained;
        let mut servers = core::mem::take(&mut world.servers);
        run_to(&mut world, obtained, from);
        servers[0].refuses_renewal = true;
        world.servers = servers;
        run_to(&mut world, obtained, to);
        assert_eq!(told(&world)[0], Event::Lost(LostReason::Refused), "{from}");
        // At once, and not at the end of the lease.
        let (at, _) = world.events[0];
        assert!(at < obtained + secs(to));
        let discovers = world.count(MessageType::Discover);
        assert!(discovers > 0, "another address is looked for");
    }
}

/// While the client renews, only its own server can refuse. While it rebinds, any server can.
#[test]
fn a_refusal_by_another_server_counts_only_while_rebinding() {
    for (seconds, counts) in [(T1 + 1, false), (T2 + 1, true)] {
        let mut world = bound();
        let obtained = world.client.lease().unwrap().obtained;
        world.servers.clear();
        run_to(&mut world, obtained, seconds);
        let nak = nak(&world.client, ip(9));
        let World {
            client,
            random,
            now,
            ..
        } = &mut world;
        let verdict = client.handle(*now, random, ip(9), &nak);
        assert_eq!(verdict.is_ok(), counts, "{verdict:?}");
        if !counts {
            assert_eq!(verdict, Err(DhcpError::WrongServer));
        }
        let lost = counts.then_some(Event::Lost(LostReason::Refused));
        assert_eq!(client.poll(*now), lost);
        assert_eq!(client.lease().is_none(), counts);
    }
}

/// Acknowledgements of another address, or from a transaction that is over, renew nothing.
#[test]
fn an_acknowledgement_of_something_else_renews_nothing() {
    for seconds in [T1 + 1, T2 + 1] {
        let mut world = bound();
        let obtained = world.client.lease().unwrap().obtained;
        world.servers.clear();
        let before = ack(&world.client, ip(50));
        run_to(&mut world, obtained, seconds);
        let lease = world.client.lease().cloned();
        let other = ack(&world.client, ip(51));
        let World {
            client,
            random,
            now,
            ..
        } = &mut world;
        let wrong = client.handle(*now, random, ip(1), &other);
        assert_eq!(wrong, Err(DhcpError::WrongAddress { address: ip(51) }));
        let late = client.handle(*now, random, ip(1), &before);
        assert_eq!(late, Err(DhcpError::NotOurs));
        assert_eq!(client.lease().cloned(), lease);
        assert_eq!(client.poll(*now), None);
    }
}

/// A reply to the client's present transaction.
fn reply(client: &Client, message: MessageType, address: Ipv4Addr, server: Ipv4Addr) -> Vec<u8> {
    let header = Header {
        xid: client.xid,
        yiaddr: address,
        ..REPLY
    };
    let id = server.octets();
    crate::model::message(&header, message, &[(code::SERVER_ID, &id)])
}

fn nak(client: &Client, server: Ipv4Addr) -> Vec<u8> {
    reply(client, MessageType::Nak, Ipv4Addr::UNSPECIFIED, server)
}

fn ack(client: &Client, address: Ipv4Addr) -> Vec<u8> {
    reply(client, MessageType::Ack, address, ip(1))
}
