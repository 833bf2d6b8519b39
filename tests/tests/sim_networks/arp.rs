//! Who else uses the address, and servers that move.

use super::{BOTH, plan};
use e2e::wire::{DHCP_OPTIONS, EVERYBODY, arp, arp_request, is_for_station, is_udp_to};
use e2e::{Boot, Sim};
use netboot_core::{Blame, Duration, Instant};
use netsim::{Middle, Side};
use std::net::Ipv4Addr;
use testbed::ethernet::MAC;
use testbed::plan::{CLIENT, SERVER};
use testbed::{Plan, Protocol};

const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 0x77];
const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const NOBODY: ([u8; 6], Ipv4Addr) = ([0; 6], Ipv4Addr::UNSPECIFIED);

/// A station that probes its address.
fn probing() -> Plan {
    let mut plan = plan(Protocol::Tftp);
    plan.settings = "probe 500\nretry continue\n".into();
    plan
}

/// When the station probes for an address, `answer` says what comes back.
fn when_probed(answer: impl Fn(Ipv4Addr) -> Option<Vec<u8>> + Send + 'static) -> Middle {
    Box::new(move |_, from, frame, out| {
        if from == Side::Client
            && let Some((Ipv4Addr::UNSPECIFIED, target)) = arp_request(&frame)
        {
            out.extend(answer(target).map(|frame| (Side::Server, frame)));
        }
        out.push((from, frame));
    })
}

fn addresses(boot: &Boot) -> Option<String> {
    boot.console
        .lines()
        .filter_map(|line| line.split_once("address=")?.1.split(['/', ' ']).next())
        .map(ToString::to_string)
        .next_back()
}

/// Device tracking of a switch asks each station alone whether it is still there.
#[test]
fn a_switch_that_asks_the_station_alone_is_no_conflict() {
    let plan = probing();
    for sender in [Ipv4Addr::UNSPECIFIED, CLIENT] {
        let middle = when_probed(move |target| Some(arp(MAC, 1, (OTHER, sender), (MAC, target))));
        let boot = Sim::new(&plan).middle(middle).run();
        boot.assert_booted(&plan);
        assert_eq!(addresses(&boot).as_deref(), Some("10.0.2.15"), "{sender}");
        assert!(boot.took() < Duration::from_secs(5), "{}", boot.took());
    }
}

/// The router answers for every address (proxy ARP), and probes what its DHCP server is about to lease.
#[test]
fn the_router_that_answers_for_everybody_is_no_conflict() {
    let plan = probing();
    let answers = when_probed(|target| Some(arp(MAC, 2, (SERVER_MAC, target), (MAC, CLIENT))));
    let probes = when_probed(|target| {
        let nobody = (SERVER_MAC, Ipv4Addr::UNSPECIFIED);
        Some(arp(EVERYBODY, 1, nobody, ([0; 6], target)))
    });
    for middle in [answers, probes] {
        let boot = Sim::new(&plan).middle(middle).run();
        boot.assert_booted(&plan);
        assert_eq!(addresses(&boot).as_deref(), Some("10.0.2.15"));
    }
}

/// A host that has the address answers our probe, or announces it.
#[test]
fn a_host_that_has_the_address_is_a_conflict() {
    let plan = probing();
    for broadcast in [false, true] {
        let middle = when_probed(move |target| {
            let to = if broadcast { EVERYBODY } else { MAC };
            (target == CLIENT).then(|| arp(to, 2, (OTHER, target), (MAC, Ipv4Addr::UNSPECIFIED)))
        });
        let boot = Sim::new(&plan).middle(middle).run();
        boot.assert_booted(&plan);
        assert_eq!(addresses(&boot).as_deref(), Some("10.0.2.16"));
    }
}

/// The usual policy. The boot ends well with the next address, and the log has the hardware address of the host that has the first one.
#[test]
fn a_conflict_that_the_boot_gets_around_is_in_the_log() {
    let plan = Plan {
        settings: String::new(),
        ..probing()
    };
    let middle = when_probed(|target| {
        (target == CLIENT).then(|| arp(MAC, 2, (OTHER, target), (MAC, Ipv4Addr::UNSPECIFIED)))
    });
    let (boot, log) = e2e::logged::logged(|| Sim::new(&plan).middle(middle).run());
    boot.assert_booted(&plan);
    assert_eq!(addresses(&boot).as_deref(), Some("10.0.2.16"));
    let line = "WARN dhcp: 10.0.2.15 is in use by 02:00:00:00:00:77";
    assert!(log.iter().any(|told| told == line), "{log:#?}");
}

/// The usual policy, and a server that has one address alone and falls silent once that was declined. Each attempt, and the boot at its end, names the
/// address and the hardware address of the host that has it.
#[test]
fn a_conflict_that_the_boot_cannot_get_around_names_the_other_host() {
    let plan = Plan {
        settings: String::new(),
        ..probing()
    };
    let mut declined = false;
    let mut conflict = when_probed(|target| Some(arp(MAC, 2, (OTHER, target), NOBODY)));
    let middle: Middle = Box::new(move |now, from, frame, out| {
        let message = is_udp_to(&frame, 67)
            .then(|| frame.get(DHCP_OPTIONS + 2))
            .flatten();
        match message {
            Some(1) if declined => return,
            Some(4) => declined = true,
            _ => {}
        }
        conflict(now, from, frame, out);
    });
    let boot = Sim::new(&plan).middle(middle).run();
    boot.assert_failed(&plan, 0x0004_0005, Blame::Network);
    let told = boot.error().unwrap().to_string();
    assert!(
        told.contains("10.0.2.15") && told.contains("02:00:00:00:00:77"),
        "{told}"
    );
    let attempts = boot.attempts_failed();
    assert!(attempts.len() > 1, "{attempts:x?}");
    assert!(
        attempts.iter().all(|code| *code == 0x0004_0005),
        "{attempts:x?}"
    );
    let facts = " address=10.0.2.15 mac=02:00:00:00:00:77";
    let end = boot
        .console
        .lines()
        .find(|line| line.starts_with("@report "));
    assert!(end.is_some_and(|line| line.contains(facts)), "{end:?}");
}

/// Somebody answers each probe. The fourth address is taken as it is.
#[test]
fn a_host_that_claims_every_address_does_not_empty_the_pool() {
    let plan = probing();
    let middle = when_probed(|target| Some(arp(MAC, 2, (OTHER, target), NOBODY)));
    let boot = Sim::new(&plan).middle(middle).run();
    boot.assert_booted(&plan);
    assert_eq!(addresses(&boot).as_deref(), Some("10.0.2.18"));
    assert!(boot.took() < Duration::from_secs(40), "{}", boot.took());
}

/// Whoever probes for the station's address later gets an answer, so that it looks for another one.
#[test]
fn the_station_defends_its_address() {
    let plan = plan(Protocol::Http);
    let answered = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = answered.clone();
    let mut asked = false;
    let middle: Middle = Box::new(move |_, from, frame, out| {
        let reply = frame.get(12..14) == Some(&[8, 6]) && frame.get(21) == Some(&2);
        if from == Side::Client && reply && frame[..6] == OTHER {
            assert_eq!(frame[28..32], CLIENT.octets());
            seen.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        // Once there is an address.
        if from == Side::Server && is_for_station(&frame) && !asked {
            asked = true;
            let probe = arp(
                EVERYBODY,
                1,
                (OTHER, Ipv4Addr::UNSPECIFIED),
                ([0; 6], CLIENT),
            );
            out.push((Side::Server, probe));
        }
        out.push((from, frame));
    });
    Sim::new(&plan).middle(middle).run().assert_booted(&plan);
    assert!(answered.load(std::sync::atomic::Ordering::Relaxed));
}

/// Keepalived and others move an address to another card and tell everybody by a gratuitous ARP.
#[test]
fn a_server_that_moves_to_another_card_is_followed() {
    for protocol in BOTH {
        for operation in [1, 2] {
            let mut plan = plan(protocol);
            plan.device = "rate 20000\n".into();
            let moved = Instant::ZERO + Duration::from_secs(1);
            let mut told = false;
            let middle: Middle = Box::new(move |now, from, mut frame, out| {
                if now < moved {
                    out.push((from, frame));
                    return;
                }
                if !told {
                    told = true;
                    let own = (OTHER, SERVER);
                    out.push((
                        Side::Server,
                        arp(EVERYBODY, operation, own, ([0; 6], SERVER)),
                    ));
                }
                match from {
                    // What goes to the old card is lost.
                    Side::Client if frame[..6] == SERVER_MAC => return,
                    Side::Client if frame[..6] == OTHER => frame[..6].copy_from_slice(&SERVER_MAC),
                    Side::Client => {}
                    Side::Server => frame[6..12].copy_from_slice(&OTHER),
                }
                out.push((from, frame));
            });
            let still = Sim::new(&plan).run();
            let boot = Sim::new(&plan).middle(middle).run();
            boot.assert_booted(&plan);
            let longer = boot.outcome.report.ended.since(still.outcome.report.ended);
            assert!(longer < Duration::from_secs(3), "{protocol:?}: {longer}");
        }
    }
}
