//! Scripts from nginx, and what nginx decides for them.

use crate::http::pointing_to;
use crate::{boots, small};
use netboot_app::DEFAULT_SCRIPT;
use std::fs;
use testbed::Plan;
use testbed::netns::{Lan, SERVER};
use testbed::real::{asked_for, put_files};
use testbed::servers::{Nginx, Program};

const CONFIG: &str = include_str!("../../../docs/examples/scripts/rollout.conf");
const ROLLOUT: &str = include_str!("../../../docs/examples/scripts/rollout.ipxe");
const BY_MAC: &str = include_str!("../../../docs/examples/scripts/by-mac.ipxe");
const ALL: &str =
    "#!ipxe\nimgfetch caliptra-fw.bin\nimgfetch soc-manifest.bin\nimgfetch mcu-runtime.bin\nboot\n";

/// nginx with the example's configuration, whose lines for port and root are the test's own.
fn nginx(lan: &Lan) -> Nginx {
    let (http, server) = CONFIG.split_once("server {").unwrap();
    let server = server.trim_end().strip_suffix('}').unwrap();
    let own = |line: &&str| !line.contains("listen") && !line.contains("root");
    let lines: Vec<_> = server.lines().filter(own).collect();
    Nginx::start_with(&lan.server, 80, "", http, &lines.join("\n")).unwrap()
}

fn put(lan: &Lan, name: &str, text: &str) {
    fs::write(lan.server.files().join(name), text).unwrap();
}

#[test]
fn a_tenth_of_the_serial_numbers_gets_the_new_firmware_and_always_the_same() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let lan = Lan::new().unwrap();
    put_files(&lan, &small(), "").unwrap();
    put(&lan, "rollout.ipxe", ROLLOUT);
    for release in ["new", "stable"] {
        put(&lan, &format!("{release}.ipxe"), ALL);
    }
    let web = nginx(&lan);
    let _dhcp = pointing_to(&lan, &format!("http://{SERVER}/rollout.ipxe"));
    let release = |serial: &str| {
        let plan = Plan {
            built_in: Some(DEFAULT_SCRIPT),
            settings: small().settings + &format!("serial {serial}\n"),
            ..small()
        };
        let before = web.requests().unwrap().len();
        boots(&lan, &plan);
        let requests = web.wait_requests(before + 6).unwrap();
        let asked = |name: &str| requests[before..].iter().any(|one| one.uri.contains(name));
        assert!(asked(&format!("/rollout?serial={serial}")));
        assert_ne!(asked("/new.ipxe"), asked("/stable.ipxe"));
        asked("/new.ipxe")
    };
    let news: Vec<_> = (0..40).map(|nth| release(&format!("A{nth}"))).collect();
    let count = news.iter().filter(|new| **new).count();
    assert!((1..=12).contains(&count), "{news:?}");
    let one = news.iter().position(|new| *new).unwrap();
    assert!(release(&format!("A{one}")));
}

#[test]
fn a_board_is_known_by_the_address_in_the_name_that_it_asks_for() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let lan = Lan::new().unwrap();
    put_files(&lan, &small(), "").unwrap();
    put(&lan, "by-mac.ipxe", BY_MAC);
    put(&lan, "lab.ipxe", ALL);
    put(&lan, "default.ipxe", ALL);
    let web = nginx(&lan);
    let _dhcp = pointing_to(&lan, &format!("http://{SERVER}/by-mac.ipxe"));
    let plan = Plan {
        built_in: Some(DEFAULT_SCRIPT),
        ..small()
    };
    boots(&lan, &plan);
    let requests = web.wait_requests(6).unwrap();
    let names: Vec<_> = requests.iter().map(|one| one.uri.as_str()).collect();
    let mac = names.iter().find(|name| name.starts_with("/mac-")).unwrap();
    let known = *mac == "/mac-02-00-00-00-00-15.ipxe";
    assert_eq!(names.contains(&"/lab.ipxe"), known, "{names:?}");
    assert_eq!(names.contains(&"/default.ipxe"), !known, "{names:?}");
}
