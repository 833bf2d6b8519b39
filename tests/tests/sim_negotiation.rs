//! Boots on a network that names a server and a file, and no protocol: the station asks the server which one it speaks.

use e2e::{Boot, Sim};
use image_server::{HttpFault, Protocol as Served, Rule, ServerConfig};
use netboot_core::Duration;
use netboot_core::uri::Scheme;
use netboot_ipxe::ServerInfo;
use test_pki::Pki;
use testbed::plan::{FILE_NAMES, Pointer, SERVER, firmware};
use testbed::{Https, Plan, Protocol};

const NOT_HTTPS: u32 = 0x0007_0007;
const STATUS: u32 = 0x0003_0016;
const DEADLINE: u32 = 0x0005_000e;

/// A boot by a server of which only the address is told. `protocol` says how the images are checked to have come.
fn plan(protocol: Protocol, protocols: &str) -> Plan {
    Plan {
        protocol,
        images: firmware(&[20_000, 3_000, 2_001]),
        settings: format!("probe off\nretry continue\nsettle_ms 20\nprotocols {protocols}\n"),
        expect: true,
        ..Plan::default()
    }
}

/// Boots from `file` on the server, by whatever protocol.
fn boot_file(plan: &Plan, file: &str, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    Sim::new(plan)
        .server(|server| {
            server.lease.boot_file = Some(file.into());
            server.lease.next_server = Some(server.ip);
            change(server);
        })
        .run()
}

fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    boot_file(plan, "", change)
}

fn server(boot: &Boot) -> Option<ServerInfo> {
    boot.outcome.report.server
}

/// Where the images came from, by their schemes.
fn schemes(boot: &Boot) -> Vec<Scheme> {
    let images = boot.outcome.report.images.iter();
    images
        .map(|image| image.uri.as_ref().unwrap().scheme())
        .collect()
}

fn requests(boot: &Boot, protocol: Served, name: &str) -> usize {
    boot.served(protocol, name).len()
}

#[test]
fn the_first_protocol_that_the_server_speaks_is_used() {
    // Nobody listens on the port of HTTPS.
    let plan = plan(Protocol::Http, "https http tftp");
    let boot = boot(&plan, |_| {});
    boot.assert_booted(&plan);
    assert_eq!(schemes(&boot), [Scheme::Http; 3]);
    let told = server(&boot).unwrap();
    let expected = ServerInfo {
        size: Some(20_000),
        ranges: true,
        keep_alive: true,
        ..ServerInfo::new(Scheme::Http)
    };
    assert_eq!(told, expected);
    // The answer to the question is the transfer.
    for name in FILE_NAMES {
        assert_eq!(requests(&boot, Served::Http, name), 1, "{}", boot.console);
        assert_eq!(requests(&boot, Served::Tftp, name), 0);
    }
    assert!(boot.took() < Duration::from_secs(1), "{}", boot.took());
}

#[test]
fn a_server_of_tftp_alone_tells_what_was_agreed() {
    let plan = plan(Protocol::Tftp, "http tftp");
    let boot = boot(&plan, |server| {
        server.faults.http.always(HttpFault::Status(404, None));
    });
    boot.assert_booted(&plan);
    assert_eq!(boot.attempts_failed(), [STATUS]);
    assert_eq!(schemes(&boot), [Scheme::Tftp; 3]);
    let told = server(&boot).unwrap();
    assert_eq!((told.scheme, told.size), (Scheme::Tftp, Some(20_000)));
    assert_eq!((told.blksize, told.windowsize), (Some(1468), Some(16)));
    assert_eq!(requests(&boot, Served::Tftp, FILE_NAMES[0]), 1);
}

#[test]
fn a_protocol_that_does_not_answer_costs_two_seconds() {
    let plan = plan(Protocol::Tftp, "http tftp");
    let boot = boot(&plan, |server| {
        server.faults.http.always(HttpFault::NeverAnswer);
    });
    boot.assert_booted(&plan);
    assert_eq!(boot.attempts_failed(), [DEADLINE]);
    let took = boot.took();
    assert!(
        took > Duration::from_secs(2) && took < Duration::from_secs(3),
        "{took}"
    );
}

#[test]
fn a_table_of_contents_is_the_question_itself() {
    for pointer in [Pointer::Toc, Pointer::FlashImage] {
        let mut plan = plan(Protocol::Http, "http tftp");
        plan.pointer = pointer;
        let file = match pointer {
            Pointer::Toc => "boot.toc",
            _ => "flash.bin",
        };
        let boot = boot_file(&plan, file, |_| {});
        boot.assert_booted(&plan);
        assert_eq!(schemes(&boot), [Scheme::Http; 3]);
    }
}

/// The protocol that was chosen may fail later. What the network tells, TFTP, is still there.
#[test]
fn tftp_is_there_to_fall_back_on() {
    let mut plan = plan(Protocol::Http, "http");
    plan.settings = plan.settings.replace("retry continue", "retry 2");
    let boot = boot(&plan, |server| {
        let gone = Rule::new(HttpFault::Status(404, None)).named(FILE_NAMES[1]);
        server.faults.http.add(gone);
    });
    boot.assert_booted(&plan);
    assert_eq!(schemes(&boot), [Scheme::Http, Scheme::Tftp, Scheme::Http]);
}

#[test]
fn a_uri_that_the_network_tells_is_no_question() {
    let plan = plan(Protocol::Tftp, "http tftp");
    let boot = boot_file(&plan, &format!("tftp://{SERVER}/"), |_| {});
    boot.assert_booted(&plan);
    assert_eq!(server(&boot), None);
    assert_eq!(schemes(&boot), [Scheme::Tftp; 3]);
}

#[test]
fn without_an_order_of_protocols_a_bare_name_means_tftp() {
    let mut plan = plan(Protocol::Tftp, "");
    plan.settings = plan.settings.replace("protocols \n", "");
    let boot = boot(&plan, |_| {});
    boot.assert_booted(&plan);
    assert_eq!(server(&boot), None);
}

/// A board that boots from its own places only speaks to no server that the network names.
#[test]
fn a_server_that_the_policy_leaves_out_is_not_asked() {
    let mut plan = plan(Protocol::Tftp, "http tftp");
    plan.settings += "order default\n";
    for (index, name) in FILE_NAMES.iter().enumerate() {
        plan.settings += &format!("default {index} tftp://{SERVER}/{name}\n");
    }
    let boot = boot(&plan, |_| {});
    boot.assert_booted(&plan);
    assert_eq!(server(&boot), None);
    let asked = boot
        .served
        .iter()
        .any(|served| served.protocol == Served::Http);
    assert!(!asked, "{}", boot.console);
}

/// A board that requires HTTPS asks by nothing else, and finds the server by that.
#[test]
fn a_board_that_requires_https_asks_by_nothing_else() {
    let mut plan = plan(Protocol::Https, "http https tftp");
    plan.settings += "require https\n";
    plan.https = Some(Https::new(Pki::with_intermediate(21)));
    let found = boot(&plan, |_| {});
    found.assert_booted(&plan);
    assert_eq!(schemes(&found), [Scheme::Https; 3]);
    assert_eq!(requests(&found, Served::Http, FILE_NAMES[0]), 0);
    let alone = boot(&plan, |server| server.https = None);
    assert_eq!(
        alone.attempts_failed().last(),
        Some(&NOT_HTTPS),
        "{}",
        alone.console
    );
    for protocol in [Served::Http, Served::Tftp] {
        assert_eq!(requests(&alone, protocol, FILE_NAMES[0]), 0);
    }
}
