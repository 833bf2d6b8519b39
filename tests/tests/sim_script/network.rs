//! Commands of the interface.

use super::{asked, boot, plan};
use e2e::Sim;
use image_server::Protocol as Served;
use netboot_core::Blame;
use testbed::plan::{Family, SERVER, SERVER6};
use testbed::{Plan, Protocol};

const NO_SUCH_INTERFACE: u32 = 0x0007_001a;
const NOT_SUPPORTED: u32 = 0x0007_001b;

const ALL: &str = "imgfetch http://10.0.2.2/caliptra-fw.bin\nimgfetch http://10.0.2.2/soc-manifest.bin\n\
    imgfetch http://10.0.2.2/mcu-runtime.bin\nboot";

#[test]
fn an_interface_that_a_script_has_set_needs_no_dhcp() {
    let script: String = format!(
        "#!ipxe\nset net0/ip 10.0.2.15\nset net0/netmask 255.255.255.0\nset net0/gateway 10.0.2.2\n\
         set dns 10.0.2.2\nifopen net0\nroute\n{ALL}\n"
    );
    let plan = Plan {
        script: None,
        built_in: Some(Box::leak(script.into_boxed_str())),
        ..plan(Protocol::Http, "")
    };
    let boot = Sim::new(&plan)
        .server(|server| server.lease.enabled = false)
        .run();
    boot.assert_booted(&plan);
    assert_eq!(boot.outcome.screen, "net0: 10.0.2.15/24 gw 10.0.2.2\n");
    assert!(
        boot.served
            .iter()
            .all(|served| served.protocol != Served::Dhcp)
    );
}

#[test]
fn dhcp_in_a_script_asks_again() {
    let (plan, boot) = boot(&format!("dhcp\nifstat\n{ALL}"), |_| ());
    boot.assert_booted(&plan);
    let leases = boot
        .served
        .iter()
        .filter(|served| served.protocol == Served::Dhcp);
    assert!(leases.count() >= 2);
    let screen = &boot.outcome.screen;
    assert!(
        screen.starts_with("net0: ") && screen.contains("mtu=1500 [Link:up] 10.0.2.15/24"),
        "{screen}"
    );
}

#[test]
fn a_dhcp_that_fails_is_caught_in_the_time_that_the_script_gives() {
    let script =
        format!("#!ipxe\ntime dhcp --timeout 2000 ||\nset net0/ip 10.0.2.15\nifopen\n{ALL}\n");
    let plan = Plan {
        script: None,
        built_in: Some(Box::leak(script.into_boxed_str())),
        ..plan(Protocol::Http, "")
    };
    let boot = Sim::new(&plan)
        .server(|server| server.lease.enabled = false)
        .run();
    boot.assert_booted(&plan);
    assert_eq!(boot.outcome.screen, "time: 2.0s\n");
}

#[test]
fn names_are_resolved() {
    let (_, boot) = boot(
        &format!(
            "nslookup a {SERVER} && echo ${{a}}\nnslookup b boot.example && echo ${{b}}\nnslookup c nobody.example || echo none"
        ),
        |server| {
            server.dns.insert("boot.example".into(), SERVER);
            server.lease.dns = vec![SERVER];
        },
    );
    assert_eq!(boot.outcome.screen, "10.0.2.2\n10.0.2.2\nnone\n");
}

#[test]
fn a_host_that_is_there_answers() {
    let lines = "ping -c 2 10.0.2.2 && ping -q -c1 10.0.2.2 && ping --size 1400 --count 1 boot.example\n\
        ping --timeout 500 --count 2 10.0.2.77 || echo nobody\nping -q -c 1 --timeout 100 10.0.2.77 || echo quiet\nping nowhere.example || nstat";
    let started = netboot_core::Instant::ZERO;
    let (_, boot) = boot(lines, |server| {
        server.dns.insert("boot.example".into(), SERVER);
        server.lease.dns = vec![SERVER];
    });
    let screen: Vec<&str> = boot.outcome.screen.lines().collect();
    let [shown @ .., neighbour] = &screen[..] else {
        panic!("{screen:?}");
    };
    assert_eq!(
        shown,
        [
            "64 bytes from 10.0.2.2: seq=1",
            "64 bytes from 10.0.2.2: seq=2",
            "1400 bytes from 10.0.2.2: seq=1",
            "seq=1: 0x0005001e",
            "seq=2: 0x0005001e",
            "nobody",
            "quiet",
        ]
    );
    assert!(
        neighbour.starts_with("net0 IPv4 10.0.2.2 is Ethernet "),
        "{neighbour}"
    );
    // One second from the first request to the second, and 2 * 500 ms and 100 ms for those that nobody answers.
    let took = boot.outcome.report.ended.since(started).as_millis();
    assert!((2_100..2_300).contains(&took), "{took}");
}

#[test]
fn a_host_with_an_address_of_ipv6_answers() {
    let plan = Plan {
        family: Family::Ipv6,
        ..plan(
            Protocol::Http,
            &format!("ping -c 2 {SERVER6} && ping -c 1 --timeout 200 fd00::77 || nstat\n"),
        )
    };
    let boot = Sim::new(&plan).run();
    let screen: Vec<&str> = boot.outcome.screen.lines().collect();
    let [first, second, nobody, neighbours @ ..] = &screen[..] else {
        panic!("{screen:?}");
    };
    assert_eq!(*first, format!("64 bytes from {SERVER6}: seq=1"));
    assert_eq!(*second, format!("64 bytes from {SERVER6}: seq=2"));
    assert!(nobody.starts_with("seq=1: 0x0005"), "{nobody}");
    let server = format!("net0 IPv6 {SERVER6} is Ethernet ");
    assert!(
        neighbours.iter().any(|line| line.starts_with(&server)),
        "{screen:?}"
    );
}

#[test]
fn a_request_that_is_longer_than_the_path_takes_is_not_sent() {
    let (plan, boot) = boot("ping --size 1473 10.0.2.2", |_| ());
    boot.assert_failed(&plan, NOT_SUPPORTED, Blame::Configuration);
    let (_, boot) = super::boot("ping -c 1 --size 1472 10.0.2.2", |_| ());
    assert_eq!(boot.outcome.screen, "1472 bytes from 10.0.2.2: seq=1\n");
}

#[test]
fn what_is_not_there_is_named() {
    for (lines, code) in [
        ("ifstat net1", NO_SUCH_INTERFACE),
        ("dhcp net0 eth0", NO_SUCH_INTERFACE),
        ("ifconf -c ipv6", NOT_SUPPORTED),
    ] {
        let (plan, boot) = boot(lines, |_| ());
        boot.assert_failed(&plan, code, Blame::Configuration);
        assert_eq!(asked(&boot), ["boot.ipxe"]);
    }
}

#[test]
fn an_interface_that_was_closed_is_opened_by_dhcp() {
    let (plan, boot) = boot(
        &format!("ifclose\nisset ${{ip}} && exit 1 ||\ndhcp\n{ALL}"),
        |_| (),
    );
    boot.assert_booted(&plan);
}
