//! Early and late calls of the timer. No real caller is on the dot.

use super::tests::{NO_PROBE, secs};
use super::*;
use crate::model::{MAC, Server, World, ip};
use crate::packet::Packet;

const MICROSECOND: Duration = Duration::from_micros(1);

fn server() -> Server {
    Server {
        lease_secs: 600,
        ..Server::new(1, Some(50), "")
    }
}

fn world(config: &Config<'_>, servers: Vec<Server>) -> World {
    World::new(config, servers, 7)
}

/// Runs `world` until its client is in a state that `wanted` knows, with nothing due.
fn until(mut world: World, wanted: fn(&State) -> bool) -> World {
    let end = world.now + secs(700);
    world.settle();
    while !wanted(&world.client.state) {
        assert!(world.step(end), "{:?}", world.client.state);
    }
    world
}

/// A client in each state in which a timer runs, with the name of the state.
fn running() -> Vec<(&'static str, World)> {
    let silent = Server {
        silent: true,
        ..server()
    };
    let refusing = Server {
        naks: 9,
        ..server()
    };
    let proxy = Server {
        on_4011: true,
        ..Server::new(3, None, "late.img")
    };
    let probing = Config::new(MAC);
    let mut declined = until(world(&probing, vec![server()]), |state| {
        matches!(state, State::Probing { .. })
    });
    declined.client.probe_result(declined.now, Some([2; 6]));
    declined.settle();
    let lonely = |wanted| {
        let mut world = until(world(&NO_PROBE, vec![server()]), |state| {
            matches!(state, State::Bound { .. })
        });
        world.servers.clear();
        until(world, wanted)
    };
    vec![
        ("discovering", until(world(&NO_PROBE, vec![]), |_| true)),
        (
            "with an offer",
            until(world(&NO_PROBE, vec![server()]), |state| {
                matches!(
                    state,
                    State::Discovering {
                        decide_at: Some(_),
                        ..
                    }
                )
            }),
        ),
        (
            "requesting",
            until(world(&NO_PROBE, vec![silent]), |state| {
                matches!(state, State::Requesting { .. })
            }),
        ),
        (
            "refused",
            until(world(&NO_PROBE, vec![refusing]), |state| {
                matches!(state, State::Waiting { .. })
            }),
        ),
        ("declined", declined),
        (
            "probing",
            until(world(&probing, vec![server()]), |state| {
                matches!(state, State::Probing { .. })
            }),
        ),
        (
            "asking a proxy",
            until(world(&NO_PROBE, vec![server(), proxy]), |state| {
                matches!(state, State::AskingProxy { .. })
            }),
        ),
        (
            "bound",
            lonely(|state| matches!(state, State::Bound { .. })),
        ),
        (
            "renewing",
            lonely(|state| matches!(state, State::Renewing(_))),
        ),
        (
            "rebinding",
            lonely(|state| matches!(state, State::Rebinding(_))),
        ),
    ]
}

/// What a call of the timer led to: the client after it, what it tells, and the messages that it sends.
struct After {
    client: Client,
    told: Option<Event>,
    sent: Vec<(MessageType, Ipv4Addr, u16)>,
}

fn call(world: &World, now: Instant) -> After {
    let mut client = world.client.clone();
    let mut random = world.random.clone();
    client.handle_timeout(now, &mut random);
    let mut buf = [0; TRANSMIT_MAX];
    let mut sent = Vec::new();
    while let Some(out) = client.poll_transmit(now, &mut random, &mut buf) {
        let packet = Packet::parse(&buf[..out.len]).unwrap();
        sent.push((packet.message, out.destination, out.destination_port));
        assert!(sent.len() <= 2, "messages without end");
    }
    After {
        told: client.poll(now),
        client,
        sent,
    }
}

#[test]
fn an_early_call_does_nothing() {
    for (name, world) in running() {
        let timer = world.client.poll_timeout().expect(name);
        for early in [MICROSECOND, secs(1), Duration::MAX] {
            let after = call(&world, timer - early);
            assert_eq!((after.told, after.sent), (None, vec![]), "{name}");
            let [before, after] =
                [&world.client, &after.client].map(|client| format!("{client:?}"));
            assert_eq!(before, after, "{name}");
        }
    }
}

#[test]
fn a_late_call_does_what_a_punctual_one_does() {
    for (name, world) in running() {
        let timer = world.client.poll_timeout().expect(name);
        let punctual = call(&world, timer);
        assert!(
            punctual.told.is_some() || !punctual.sent.is_empty(),
            "{name}: something is due"
        );
        for late in [1, 2, 999, 1_000_000].map(Duration::from_micros) {
            let now = timer + late;
            let after = call(&world, now);
            assert_eq!(after.told, punctual.told, "{name}, {late} late");
            assert_eq!(after.sent, punctual.sent, "{name}, {late} late");
            let states = [&after.client, &punctual.client];
            let [late, on_time] = states.map(|client| core::mem::discriminant(&client.state));
            assert_eq!(late, on_time, "{name}");
            assert_eq!(after.client.lease(), punctual.client.lease(), "{name}");
            assert!(after.client.poll_timeout() > Some(now), "{name}");
        }
    }
}

/// The caller slept through several moments at once: the last of them counts.
#[test]
fn a_very_late_call_does_what_is_due_by_then() {
    for (name, world) in running() {
        let Some(lease) = world.client.lease() else {
            // An acquisition ends at its deadline. An address that was confirmed in time is used all the same.
            let after = call(&world, world.client.deadline);
            match name {
                "probing" => assert_eq!(after.told, Some(Event::Bound)),
                _ => assert!(matches!(after.told, Some(Event::Failed(_))), "{name}"),
            }
            continue;
        };
        let obtained = lease.obtained;
        // From T2 on any server is asked, by broadcast.
        let rebind_at = world.client.poll_timeout().max(Some(obtained + lease.t2));
        let after = call(&world, rebind_at.expect(name));
        let request = match name {
            // The question to a proxy comes to its end first.
            "asking a proxy" => (MessageType::Request, ip(3), 4011),
            _ => (MessageType::Request, Ipv4Addr::BROADCAST, 67),
        };
        assert_eq!(after.sent, [request], "{name}");
        assert!(after.client.lease().is_some(), "{name}");
        // At its end the lease is lost, and not a moment sooner.
        let expires = lease.expires_at();
        assert!(call(&world, expires - MICROSECOND).client.lease().is_some());
        for late in [Duration::ZERO, MICROSECOND, secs(3600)] {
            let after = call(&world, expires + late);
            assert_eq!(after.told, Some(Event::Lost(LostReason::Expired)), "{name}");
            assert_eq!(after.client.lease(), None, "{name}");
            let discover = (MessageType::Discover, Ipv4Addr::BROADCAST, 67);
            assert_eq!(after.sent, [discover], "{name}");
        }
    }
}
