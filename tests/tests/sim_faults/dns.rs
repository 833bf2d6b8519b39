//! DNS servers that are silent, wrong or broken.

use super::{Case, End, ends, plan};
use image_server::{DnsFault, Rule, ServerConfig};
use netboot_core::{Blame, Duration};
use std::net::Ipv4Addr;
use testbed::Plan;
use testbed::plan::SERVER;

const NOT_FOUND: End = End::Failed(0x0005_0006, Blame::Configuration);
const TIMEOUT: End = End::Failed(0x0005_0007, Blame::Network);
const NAME: &str = "images.example";

fn by_name(plan: &Plan, server: &mut ServerConfig) {
    server.lease.boot_file = Some(format!("{}://{NAME}/", plan.protocol.scheme()));
    server.lease.dns = vec![SERVER];
    server.dns.insert(NAME.into(), SERVER);
}

#[test]
fn a_name_is_resolved_for_each_protocol() {
    for protocol in [testbed::Protocol::Tftp, testbed::Protocol::Http] {
        let plan = plan(protocol);
        ends("by name", &plan, &End::Booted, 10, |server| {
            by_name(&plan, server);
        });
    }
}

#[test]
fn a_server_that_is_always_wrong() {
    let plan = plan(testbed::Protocol::Http);
    let nobody = Ipv4Addr::new(10, 0, 2, 66);
    let cases: Vec<Case<DnsFault>> = vec![
        ("silent", DnsFault::Silent, TIMEOUT),
        ("wrong id", DnsFault::WrongId, TIMEOUT),
        ("SERVFAIL", DnsFault::Rcode(2), NOT_FOUND),
        ("NXDOMAIN", DnsFault::Rcode(3), NOT_FOUND),
        ("refused", DnsFault::Rcode(5), NOT_FOUND),
        ("alias", DnsFault::Alias, End::Booted),
        (
            "slow",
            DnsFault::Delay(Duration::from_millis(700)),
            End::Booted,
        ),
        (
            "an address that nobody has",
            DnsFault::Address(nobody),
            End::Failed(0x0005_000A, Blame::Network),
        ),
        (
            "an address that nobody can have",
            DnsFault::Address(Ipv4Addr::new(224, 0, 0, 5)),
            End::Failed(0x0005_0003, Blame::Configuration),
        ),
        (
            "the broadcast address of the network",
            DnsFault::Address(Ipv4Addr::new(10, 0, 2, 255)),
            End::Failed(0x0005_0003, Blame::Configuration),
        ),
    ];
    for (what, fault, end) in cases {
        let boot = ends(what, &plan, &end, 15, |server| {
            by_name(&plan, server);
            server.faults.dns.always(fault);
        });
        assert!(boot.waits < 10_000, "{what}: {} waits", boot.waits);
    }
}

/// Answers that cannot be read count as none, or as *no such name*; a boot ends in time.
#[test]
fn answers_that_cannot_be_read() {
    let plan = plan(testbed::Protocol::Http);
    for fault in [DnsFault::PointerLoop, DnsFault::Short, DnsFault::Truncated] {
        println!("{fault:?}");
        let boot = super::boot(&plan, |server| {
            by_name(&plan, server);
            server.faults.dns.always(fault);
        });
        boot.check(&plan).unwrap();
        if let Some(error) = boot.error() {
            let code = netboot_core::Coded::code(error);
            assert!(matches!(code, 0x0005_0006 | 0x0005_0007), "{error}");
        }
        assert!(boot.took() < Duration::from_secs(15), "{}", boot.console);
    }
}

#[test]
fn a_lost_query_is_repeated() {
    let plan = plan(testbed::Protocol::Tftp);
    ends("lost", &plan, &End::Booted, 10, |server| {
        by_name(&plan, server);
        server.faults.dns.add(Rule::new(DnsFault::Silent).times(2));
    });
}

#[test]
fn a_dead_server_is_followed_by_the_next() {
    let plan = plan(testbed::Protocol::Tftp);
    ends("second server", &plan, &End::Booted, 60, |server| {
        by_name(&plan, server);
        server.lease.dns = vec![Ipv4Addr::new(10, 0, 2, 77), SERVER];
    });
}

#[test]
fn a_name_without_a_server_is_said_to_be_one() {
    let plan = plan(testbed::Protocol::Tftp);
    let end = End::Failed(0x0005_0005, Blame::Configuration);
    ends("no server", &plan, &end, 10, |server| {
        by_name(&plan, server);
        server.lease.dns.clear();
    });
}
