//! The settings that a script reads.

use super::{plan, serve};
use e2e::Sim;
use testbed::Protocol;
use testbed::plan::SERVER;

/// What each line of a script shows.
fn shown(lines: &str) -> String {
    let mut plan = plan(Protocol::Http, lines);
    plan.settings += "serial A17\nproduct board-2\nmanufacturer Example\nasset 99\n\
        uuid 00112233-4455-6677-8899-aabbccddeeff\n";
    let boot = Sim::new(&plan)
        .server(|server| {
            server.lease.next_server = Some(SERVER);
            serve(server, "x", b"x");
        })
        .run();
    boot.check(&plan).unwrap();
    boot.outcome.screen
}

#[test]
fn what_the_network_told() {
    for (setting, value) in [
        ("ip", "10.0.2.15"),
        ("net0/ip", "10.0.2.15"),
        ("netX/ip", "10.0.2.15"),
        ("netmask", "255.255.255.0"),
        ("next-server", "10.0.2.2"),
        ("filename", "http://10.0.2.2/boot.ipxe"),
        ("dhcp-server", "10.0.2.2"),
        ("dhcp/54:ipv4", "10.0.2.2"),
        ("net0/54:hexraw", "0a000202"),
        ("net0.dhcp/1:ipv4", "255.255.255.0"),
        ("net0.dhcp/ip", "10.0.2.15"),
        ("netX.dhcp/next-server", "10.0.2.2"),
        ("proxydhcp/ip", ""),
        ("net1/ip", ""),
        ("ip6", ""),
        ("proxydhcp/54:ipv4", ""),
    ] {
        assert_eq!(
            shown(&format!("echo ${{{setting}}}")),
            format!("{value}\n"),
            "{setting}"
        );
    }
}

#[test]
fn what_the_board_is() {
    for (setting, value) in [
        ("serial", "A17"),
        ("manufacturer", "Example"),
        ("product", "board-2"),
        ("asset", "99"),
        ("uuid", "00112233-4455-6677-8899-aabbccddeeff"),
        ("platform", "caliptra"),
        ("ifname", "net0"),
        ("mtu:int16", "1500"),
        ("version", env!("CARGO_PKG_VERSION")),
    ] {
        assert_eq!(
            shown(&format!("echo ${{{setting}}}")),
            format!("{value}\n"),
            "{setting}"
        );
    }
    let mac = shown("echo ${mac} ${net0/mac:hexhyp}");
    let (colons, hyphens) = mac.trim().split_once(' ').unwrap();
    assert_eq!(colons.replace(':', "-"), hyphens);
    assert_eq!(colons.len(), 17);
}

#[test]
fn what_the_device_asks_for() {
    let screen = shown(
        ":wait\nisset ${caliptra/image-index} && goto go ||\nsleep 1\ngoto wait\n:go\n\
         echo ${caliptra/image-index} ${caliptra/device-status} ${caliptra/recovery-reason}\n\
         imgexec caliptra-fw.bin\necho ${caliptra/image-index}\n\
         set caliptra/image-index 7 || echo read-only",
    );
    assert_eq!(screen, "0 0x3 0x12\n1\nread-only\n");
}

#[test]
fn what_a_script_sets_comes_first_and_by_any_name_of_the_interface() {
    let screen = shown(
        "set net0/ip 10.9.9.9\necho ${ip} ${netX/ip}\nclear net0/ip\necho ${ip}\n\
         set serial B1\necho ${serial}\nshow serial\nshow net0/ip",
    );
    assert_eq!(
        screen,
        "10.9.9.9 10.9.9.9\n10.0.2.15\nB1\nserial:string = B1\nnet0/ip:ipv4 = 10.0.2.15\n"
    );
}
