//! What an acquisition knows of the one before it, and what a renewal leaves of the configuration.

use super::*;
use crate::config::AfterDeclines;
use crate::v6::model::{MAC, PROMPT, Server, World, ip};
use core::net::IpAddr;

/// Lets the client start once more, without any server on the link. Gives why it fails.
fn fails_alone(world: &mut World) -> Dhcp6Error {
    world.servers.clear();
    world.events.clear();
    let now = world.now;
    world.client.start(now, &mut world.random, Mode::Stateful);
    match world.acquire(1000) {
        Some(Event::Failed(why)) => why,
        other => panic!("{other:?}"),
    }
}

/// Why an acquisition failed says nothing of the next one.
#[test]
fn a_new_start_has_its_own_reason() {
    let mut server = Server::new(1, "a");
    server.silent = true;
    let from = server.from;
    let mut world = World::new(&PROMPT, vec![server], Mode::Stateful, 1);
    let failed = world.acquire(1000);
    assert_eq!(
        failed,
        Some(Event::Failed(Dhcp6Error::NoReply { server: from }))
    );
    assert_eq!(fails_alone(&mut world), Dhcp6Error::NoAnswer);
}

/// A server whose every address is in use falls silent, and silence is not what an operator has to look for.
#[test]
fn a_conflict_is_told_still_after_a_new_start() {
    let config = Config {
        after_declines: AfterDeclines::Fail,
        ..Config::new(MAC)
    };
    let mut world = World::new(&config, vec![Server::new(1, "a")], Mode::Stateful, 1);
    world.conflicts = 1000;
    let conflict = Dhcp6Error::Conflict {
        address: ip(102),
        mac: [2, 0, 0, 0, 0, 9],
    };
    assert_eq!(world.acquire(1000), Some(Event::Failed(conflict)));
    world.run(60);
    assert_eq!(fails_alone(&mut world), conflict);
}

/// A caller adds what routers have told. A renewal replaces what the server tells, and leaves the rest.
#[test]
fn what_a_caller_adds_to_the_configuration_outlives_a_renewal() {
    let mut server = Server::new(1, "a");
    server.lifetimes = (600, 900);
    let mut world = World::new(&PROMPT, vec![server], Mode::Stateful, 1);
    assert_eq!(world.client.config_mut(), None);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    let router = IpAddr::V6(ip(1));
    let config = world.client.config_mut().unwrap();
    assert_eq!(config.boot.file, "a");
    config.routers.push(router).unwrap();
    world.run(310);
    assert!(world.events().contains(&Event::Renewed));
    assert_eq!(world.client.lease().unwrap().config.routers, [router]);
    let now = world.now;
    world.client.release(now, &mut world.random);
    assert_eq!(world.client.config_mut(), None);
}
