//! Names: several addresses, records in any order, several servers, search domains.

use super::{BOTH, plan};
use e2e::{Boot, Sim};
use image_server::{DnsFault, Rule, ServerConfig};
use netboot_core::{Blame, Duration};
use std::net::Ipv4Addr;
use testbed::Plan;
use testbed::plan::SERVER;

const DEAD: [u8; 4] = [10, 0, 2, 66];

/// A record of the name in question, or of a name that is spelled out.
fn record(owner: &str, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut out = match owner {
        "" => vec![0xc0, 12],
        owner => wire(owner),
    };
    out.extend([0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
    out.extend(data);
    out
}

fn wire(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.bytes());
    }
    out.push(0);
    out
}

fn a(owner: &str, address: [u8; 4]) -> Vec<u8> {
    record(owner, 1, &address)
}

fn cname(owner: &str, to: &str) -> Vec<u8> {
    record(owner, 5, &wire(to))
}

fn named(plan: &Plan, server: &mut ServerConfig, name: &str) {
    server.lease.boot_file = Some(format!("{}://{name}/", plan.protocol.scheme()));
    server.lease.dns = vec![SERVER];
}

/// Boots from `images.example`, for which the server answers with these records.
fn answered(plan: &Plan, records: &[Vec<u8>]) -> Boot {
    let fault = DnsFault::Records(records.len() as u8, records.concat());
    Sim::new(plan)
        .server(|server| {
            named(plan, server, "images.example");
            server.dns.insert("images.example".into(), SERVER);
            server
                .faults
                .dns
                .add(Rule::new(fault).named("images.example"));
        })
        .run()
}

#[test]
fn the_second_address_is_tried_when_the_first_machine_is_down() {
    let good = SERVER.octets();
    for protocol in BOTH {
        let plan = plan(protocol);
        for addresses in [[DEAD, good], [good, DEAD]] {
            let boot = answered(&plan, &addresses.map(|address| a("", address)));
            boot.assert_booted(&plan);
            // The dead one is tried once, not once for each image.
            assert!(boot.took() < Duration::from_secs(15), "{}", boot.took());
        }
        // Addresses that no host can have are passed over.
        let boot = answered(&plan, &[a("", [224, 0, 0, 1]), a("", good)]);
        boot.assert_booted(&plan);
        // All of them are dead.
        let boot = answered(&plan, &[a("", DEAD), a("", [10, 0, 2, 67])]);
        assert!(boot.error().is_some());
        assert!(boot.took() < Duration::from_secs(30), "{}", boot.took());
    }
}

#[test]
fn records_come_in_any_order_and_case() {
    let good = SERVER.octets();
    for protocol in BOTH {
        let plan = plan(protocol);
        for records in [
            vec![a("b.example", good), cname("", "b.example")],
            vec![
                a("c.example", good),
                cname("b.example", "c.example"),
                cname("", "b.example"),
            ],
            vec![a("IMAGES.EXAMPLE", good)],
            vec![cname("", "B.Example"), a("b.example", good)],
            vec![cname("Images.example", "b.example"), a("B.EXAMPLE", good)],
            vec![a("other.example", DEAD), a("", good)],
        ] {
            answered(&plan, &records).assert_booted(&plan);
        }
    }
}

#[test]
fn an_alias_without_its_address_is_asked_for() {
    for protocol in BOTH {
        let plan = plan(protocol);
        let records = cname("", "real.example");
        let boot = Sim::new(&plan)
            .server(|server| {
                named(&plan, server, "images.example");
                server.dns.insert("images.example".into(), SERVER);
                server.dns.insert("real.example".into(), SERVER);
                let fault = DnsFault::Records(1, records);
                let rule = Rule::new(fault).named("images.example");
                server.faults.dns.add(rule);
            })
            .run();
        boot.assert_booted(&plan);
    }
}

/// The first server is silent, or refuses; the second one knows.
#[test]
fn every_server_is_asked() {
    let dead = Ipv4Addr::from(DEAD);
    for protocol in BOTH {
        let plan = plan(protocol);
        for servers in [
            vec![dead, SERVER],
            vec![dead, Ipv4Addr::new(10, 0, 2, 67), SERVER],
        ] {
            let boot = Sim::new(&plan)
                .server(|server| {
                    named(&plan, server, "images.example");
                    server.dns.insert("images.example".into(), SERVER);
                    server.lease.dns = servers.clone();
                })
                .run();
            boot.assert_booted(&plan);
            assert!(boot.took() < Duration::from_secs(7), "{}", boot.took());
        }
        for code in [2, 3, 5] {
            // The same server twice: its first answer is a refusal.
            let boot = Sim::new(&plan)
                .server(|server| {
                    named(&plan, server, "images.example");
                    server.dns.insert("images.example".into(), SERVER);
                    server.lease.dns = vec![SERVER, Ipv4Addr::new(10, 0, 2, 2)];
                    server.lease.options = vec![(6, [SERVER.octets(), [10, 0, 2, 3]].concat())];
                    server.proxy = Some(image_server::ProxyConfig {
                        ip: Ipv4Addr::new(10, 0, 2, 3),
                        ..Default::default()
                    });
                    server.faults.dns.once(DnsFault::Rcode(code));
                })
                .run();
            boot.assert_booted(&plan);
        }
    }
}

/// One question for three images, as the addresses are kept.
#[test]
fn a_name_is_asked_for_once_while_its_addresses_count() {
    for protocol in BOTH {
        let plan = plan(protocol);
        let boot = answered(&plan, &[a("", SERVER.octets())]);
        boot.assert_booted(&plan);
        let asked = boot.served(image_server::Protocol::Dns, "images.example");
        assert_eq!(asked.len(), 1);
    }
}

#[test]
fn short_names_are_looked_for_in_the_domains_that_dhcp_tells() {
    for protocol in BOTH {
        let plan = plan(protocol);
        let boot = |name: &str, options: Vec<(u8, Vec<u8>)>| {
            Sim::new(&plan)
                .server(|server| {
                    named(&plan, server, name);
                    server.dns.insert("fw.lab.example".into(), SERVER);
                    server.lease.options = options;
                })
                .run()
        };
        let domain = (15, b"lab.example".to_vec());
        boot("fw", vec![domain.clone()]).assert_booted(&plan);
        boot("fw", vec![(119, wire("lab.example"))]).assert_booted(&plan);
        let other = (119, wire("other.example"));
        boot("fw", vec![domain, other]).assert_booted(&plan);
        boot("fw", vec![]).assert_failed(&plan, 0x0005_0006, Blame::Configuration);
        let damaged = (119, b"\x09lab".to_vec());
        boot("fw", vec![damaged]).assert_failed(&plan, 0x0005_0006, Blame::Configuration);
    }
}

/// Names below `.local` are those of multicast DNS (RFC 6762). Where a DNS server knows them they are names as others, and the search domains are not
/// put behind them.
#[test]
fn names_below_local_are_asked_for_as_they_are() {
    for protocol in BOTH {
        for name in ["images.local", "images.local.", "fw_1.lab.local"] {
            let plan = plan(protocol);
            let boot = Sim::new(&plan)
                .server(|server| {
                    named(&plan, server, name);
                    server.dns.insert(name.trim_end_matches('.').into(), SERVER);
                    server.lease.options = vec![(15, b"lab.example".to_vec())];
                })
                .run();
            boot.assert_booted(&plan);
            let asked = boot.served.iter();
            let asked = asked.filter(|one| one.protocol == image_server::Protocol::Dns);
            assert_eq!(asked.count(), 1, "{name}");
        }
    }
}

/// An off-path attacker who does not see the query floods the station with answers.
#[test]
fn answers_that_were_not_asked_for_do_not_count() {
    use e2e::wire::{from_server, mend};
    let plan = plan(BOTH[0]);
    let middle = from_server(|_, frame| {
        let dns = frame.get(34..36) == Some(&[0, 53]);
        if !dns {
            return vec![frame];
        }
        // The same answer with another address, to other ports, with other numbers, and from another server.
        let forged = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut forged = frame.clone();
            let end = 14 + e2e::wire::ip_len(&forged);
            forged.truncate(end);
            forged[end - 4..].copy_from_slice(&DEAD);
            change(&mut forged);
            mend(&mut forged);
            forged
        };
        vec![
            forged(&|frame| frame[37] ^= 1),
            forged(&|frame| frame[42] ^= 1),
            forged(&|frame| frame[29] ^= 1),
            forged(&|frame| frame[35] ^= 1),
            frame,
        ]
    });
    let boot = Sim::new(&plan)
        .server(|server| {
            named(&plan, server, "images.example");
            server.dns.insert("images.example".into(), SERVER);
        })
        .middle(middle)
        .run();
    boot.assert_booted(&plan);
    assert!(boot.took() < Duration::from_secs(4), "{}", boot.took());
}
