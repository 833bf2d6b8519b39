//! DHCP servers that are silent, confused or hostile.

use super::{Case, End, boot, ends, plan};
use e2e::Sim;
use image_server::dhcp::message::option;
use image_server::{DhcpDamage, DhcpFault, LeaseConfig, Protocol, ProxyConfig, RivalConfig, Rule};
use netboot_core::{Blame, Duration, Instant};
use std::net::Ipv4Addr;
use testbed::Plan;
use testbed::ethernet::MAC;
use testbed::plan::{CLIENT, SERVER, firmware};

const NO_OFFER: End = End::Failed(0x0004_0002, Blame::Network);
/// Something came, and nobody could use it.
const IGNORED: End = End::Failed(0x0004_0006, Blame::Server);

fn short_patience() -> Plan {
    let mut plan = plan(testbed::Protocol::Tftp);
    plan.settings.push_str("dhcp_ms 30000\n");
    plan
}

#[test]
fn a_server_that_is_always_wrong() {
    let plan = short_patience();
    let damaged = DhcpFault::Malformed;
    let cases: Vec<Case<DhcpFault>> = vec![
        ("silent", DhcpFault::Silent, NO_OFFER),
        ("wrong xid", DhcpFault::WrongXid, NO_OFFER),
        ("wrong chaddr", DhcpFault::WrongChaddr, NO_OFFER),
        ("no server id", DhcpFault::NoServerId, IGNORED),
        ("message type", DhcpFault::MessageType(77), IGNORED),
        ("cookie", damaged(DhcpDamage::Cookie), IGNORED),
        ("short", damaged(DhcpDamage::Short), IGNORED),
        ("opcode", damaged(DhcpDamage::Opcode), NO_OFFER),
        ("noise", damaged(DhcpDamage::Noise), IGNORED),
        (
            "address 0",
            DhcpFault::Address(Ipv4Addr::UNSPECIFIED),
            IGNORED,
        ),
        (
            "multicast",
            DhcpFault::Address(Ipv4Addr::new(224, 0, 0, 1)),
            IGNORED,
        ),
        (
            "broadcast",
            DhcpFault::Address(Ipv4Addr::BROADCAST),
            IGNORED,
        ),
        ("loopback", DhcpFault::Address(Ipv4Addr::LOCALHOST), IGNORED),
        (
            "refuses",
            DhcpFault::Nak,
            End::Failed(0x0004_0004, Blame::Server),
        ),
        (
            "no pointer",
            DhcpFault::NoBootInfo,
            End::Failed(0x0007_0001, Blame::Configuration),
        ),
        // What follows is odd and still can be read.
        ("overload", DhcpFault::Overload, End::Booted),
        ("split options", DhcpFault::SplitOptions, End::Booted),
        ("padded", DhcpFault::Padded, End::Booted),
        ("twice", DhcpFault::Duplicate, End::Booted),
        ("no lease time", DhcpFault::NoLeaseTime, End::Booted),
        (
            "slow",
            DhcpFault::Delay(Duration::from_millis(800)),
            End::Booted,
        ),
        ("no END", damaged(DhcpDamage::NoEnd), End::Booted),
    ];
    for (what, fault, end) in cases {
        let boot = ends(what, &plan, &end, 40, |server| {
            server.faults.dhcp.always(fault);
        });
        if matches!(end, End::Failed(0x0004_0002 | 0x0004_0006, _)) {
            let sent = boot.link.from_client.sent;
            assert!((3..=8).contains(&sent), "{what}: {sent} DISCOVERs in 30 s");
            assert!(boot.waits < 100, "{what}: {} waits", boot.waits);
        }
    }
}

/// What the octets of options then say is up to chance, but a boot ends.
#[test]
fn options_of_impossible_lengths() {
    for damage in [DhcpDamage::OptionLengths, DhcpDamage::Overrun] {
        let plan = short_patience();
        let boot = boot(&plan, |server| {
            server.faults.dhcp.always(DhcpFault::Malformed(damage));
        });
        boot.check(&plan).unwrap();
        assert!(boot.took() < Duration::from_secs(40), "{}", boot.console);
    }
}

#[test]
fn a_server_that_is_wrong_for_a_while() {
    let plan = short_patience();
    for fault in [
        DhcpFault::Silent,
        DhcpFault::Nak,
        DhcpFault::WrongXid,
        DhcpFault::NoServerId,
        DhcpFault::Malformed(DhcpDamage::Noise),
    ] {
        ends("discover", &plan, &End::Booted, 20, |server| {
            let rule = Rule::new(fault.clone()).named("discover").times(2);
            server.faults.dhcp.add(rule);
        });
        ends("request", &plan, &End::Booted, 20, |server| {
            let rule = Rule::new(fault.clone()).named("request").times(2);
            server.faults.dhcp.add(rule);
        });
    }
}

#[test]
fn a_server_that_never_confirms() {
    let plan = short_patience();
    let end = End::Failed(0x0004_0003, Blame::Network);
    ends("no ACK", &plan, &end, 31, |server| {
        let rule = Rule::new(DhcpFault::Silent).named("request");
        server.faults.dhcp.add(rule);
    });
}

fn lease_of(address: Ipv4Addr) -> LeaseConfig {
    LeaseConfig {
        address,
        ..LeaseConfig::default()
    }
}

/// The rival is faster, but does not know where to boot from.
#[test]
fn a_rival_without_a_pointer_is_not_taken() {
    let plan = short_patience();
    ends("rival", &plan, &End::Booted, 10, |server| {
        server.lease.offer_delay = Duration::from_millis(150);
        server.rival = Some(RivalConfig {
            ip: Ipv4Addr::new(10, 0, 2, 3),
            lease: lease_of(Ipv4Addr::new(10, 0, 2, 200)),
        });
    });
}

#[test]
fn a_proxy_completes_a_server_without_a_pointer() {
    let plan = short_patience();
    ends("proxy", &plan, &End::Booted, 10, |server| {
        server.proxy = Some(ProxyConfig {
            ip: Ipv4Addr::new(10, 0, 2, 4),
            boot_file: server.lease.boot_file.take(),
            ..ProxyConfig::default()
        });
    });
}

/// The images lie behind a router, and the first router that DHCP names is dead.
#[test]
fn a_dead_router_is_replaced_by_the_next() {
    const FAR: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);
    const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 4);
    for protocol in [testbed::Protocol::Tftp, testbed::Protocol::Http] {
        let mut plan = plan(protocol);
        plan.settings = "probe off\n".into();
        let mut sim = Sim::new(&plan).server(|server| {
            server.ip = FAR;
            server.prefix_len = 8;
            server.lease.options = vec![(option::SUBNET_MASK, vec![255, 255, 255, 0])];
            server.lease.routers = vec![Ipv4Addr::new(10, 0, 2, 99), ROUTER];
            server.lease.boot_file = Some(format!("{}://{FAR}/", protocol.scheme()));
        });
        // The server's card is the router's too; it says so again and again.
        for second in 1..100 {
            let mac = sim.server.mac;
            sim = sim.at(Instant::from_millis(second * 1_000), move |world| {
                world.server.inject(arp((mac, ROUTER), (MAC, CLIENT)));
                // And it knows the station, though it is on another network.
                world.client_send(&arp((MAC, CLIENT), (mac, FAR)));
            });
        }
        let boot = sim.run();
        boot.assert_booted(&plan);
        assert_eq!(boot.attempts_failed().len(), 1, "{}", boot.console);
    }
}

/// Addresses that no router and no DNS server can have. The images are on the own network, so a boot
/// needs neither.
#[test]
fn routers_and_dns_servers_that_cannot_be() {
    let plan = short_patience();
    for address in [
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::BROADCAST,
        Ipv4Addr::LOCALHOST,
        Ipv4Addr::new(224, 0, 0, 1),
        Ipv4Addr::new(10, 0, 2, 255),
        CLIENT,
        Ipv4Addr::new(192, 0, 2, 1),
    ] {
        ends("near", &plan, &End::Booted, 10, |server| {
            server.lease.routers = vec![address];
            server.lease.dns = vec![address];
        });
        // And where it does need the router, or the name.
        for pointer in ["tftp://192.0.2.77/", "tftp://images.example/"] {
            let boot = boot(&plan, |server| {
                server.lease.routers = vec![address];
                server.lease.dns = vec![address];
                server.lease.boot_file = Some(pointer.into());
            });
            boot.check(&plan).unwrap();
            assert!(boot.error().is_some(), "{address} {pointer}");
            assert!(boot.took() < Duration::from_secs(60), "{}", boot.console);
        }
    }
}

/// An ARP reply: who is where, told to whom.
fn arp(from: ([u8; 6], Ipv4Addr), to: ([u8; 6], Ipv4Addr)) -> Vec<u8> {
    let mut frame = to.0.to_vec();
    frame.extend(from.0);
    frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2]);
    for (mac, address) in [from, to] {
        frame.extend(mac);
        frame.extend(address.octets());
    }
    frame.resize(60, 0);
    frame
}

#[test]
fn an_address_in_use_is_declined() {
    let mut plan = plan(testbed::Protocol::Tftp);
    plan.settings = "retry continue\n".into();
    let boot = Sim::new(&plan)
        .at(Instant::from_millis(300), |world| {
            let other = [0x02, 0, 0, 0, 0, 0x66];
            world.server.inject(arp((other, CLIENT), (MAC, CLIENT)));
            // The server is polled when there is something for it.
            world.client_send(&[0; 60]);
        })
        .run();
    boot.assert_booted(&plan);
    assert_eq!(boot.served(Protocol::Dhcp, "decline").len(), 1);
    let config = boot.outcome.config.as_ref().unwrap();
    assert_ne!(config.address, CLIENT, "{}", boot.console);
}

/// The lease runs out in the middle of a slow transfer, and the server no longer knows it: a new one is
/// taken and the transfer goes on.
#[test]
fn a_lease_lost_on_the_way_is_replaced() {
    for protocol in [testbed::Protocol::Tftp, testbed::Protocol::Http] {
        let mut plan = plan(protocol);
        plan.images = firmware(&[48_000, 300, 301]);
        plan.device = "rate 1000\n".into();
        plan.settings = "probe off\n".into();
        let boot = boot(&plan, |server| {
            server.lease.lease_time = Duration::from_secs(60);
            // The first is that of the acquisition.
            let rule = Rule::new(DhcpFault::Nak).named("request").after(1).times(1);
            server.faults.dhcp.add(rule);
        });
        boot.assert_booted(&plan);
        // The first, its renewal that was refused, and the new one.
        let requests = boot.served(Protocol::Dhcp, "request");
        let answers: Vec<_> = requests
            .iter()
            .take(3)
            .map(|served| served.status)
            .collect();
        assert_eq!(answers, [5, 6, 5], "{}", boot.console);
    }
}

/// The same, and for a while no server has an address: longer than the transfer's own patience for one
/// resumption, and longer than `dhcp` takes at first.
#[test]
fn a_lease_lost_for_a_while_is_waited_for() {
    for protocol in [testbed::Protocol::Tftp, testbed::Protocol::Http] {
        let mut plan = plan(protocol);
        plan.images = firmware(&[48_000, 300, 301]);
        plan.device = "rate 1000\n".into();
        plan.settings = "probe off\nretry forever\ndhcp_ms 15000\n".into();
        let boot = boot(&plan, |server| {
            server.lease.lease_time = Duration::from_secs(60);
            let nak = Rule::new(DhcpFault::Nak).named("request").after(1).times(1);
            server.faults.dhcp.add(nak);
            let silent = Rule::new(DhcpFault::Silent)
                .named("discover")
                .after(1)
                .times(10);
            server.faults.dhcp.add(silent);
        });
        boot.assert_booted(&plan);
        assert!(boot.served(Protocol::Dhcp, "discover").len() > 11);
    }
}

/// The server of the lease is gone when the lease is to be renewed; no one knows its hardware address.
/// The question for it must not keep the station from asking for the image server's.
#[test]
fn a_lease_server_that_is_gone_does_not_silence_the_rest() {
    for protocol in [testbed::Protocol::Tftp, testbed::Protocol::Http] {
        let mut plan = plan(protocol);
        plan.images = firmware(&[48_000, 300, 301]);
        plan.device = "rate 1000\n".into();
        plan.settings = "probe off\n".into();
        let down = Instant::from_millis(31_000);
        let boot = Sim::new(&plan)
            .server(|server| {
                let lease = LeaseConfig {
                    lease_time: Duration::from_secs(200),
                    renewal_time: Some(Duration::from_secs(30)),
                    ..server.lease.clone()
                };
                server.lease.enabled = false;
                // It answers no ARP.
                let ip = Ipv4Addr::new(10, 0, 2, 3);
                server.rival = Some(RivalConfig { ip, lease });
            })
            // The station has to ask for the hardware address of the image server again.
            .at(down, |world| world.link.set_down(true))
            .at(down + Duration::from_secs(25), |world| {
                world.link.set_down(false)
            })
            .run();
        boot.assert_booted(&plan);
        assert_eq!(
            boot.attempts_failed(),
            Vec::<u32>::new(),
            "{}",
            boot.console
        );
    }
}

#[test]
fn options_the_station_did_not_ask_for_do_no_harm() {
    let plan = short_patience();
    ends("all options", &plan, &End::Booted, 10, |server| {
        server.lease.honour_parameter_list = false;
        server.lease.options = (128..=253).map(|code| (code, vec![0xA5; 2])).collect();
        server
            .lease
            .options
            .push((option::SUBNET_MASK, vec![255, 255, 255, 0]));
        assert_eq!(server.ip, SERVER);
    });
}
