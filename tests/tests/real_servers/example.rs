//! The example that integrators meet first, `crates/netboot/examples/fetch_tap.rs`, fetches from real servers.

use crate::{DHCP, RANGE, TFTP};
use std::fs;
use std::path::Path;
use testbed::netns::{Lan, SERVER, TAP};
use testbed::real::asked_for;
use testbed::rom;
use testbed::servers::{Nginx, Program, dnsmasq};

#[test]
fn the_example_fetches_over_a_tap_device_by_tftp_and_http() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let built = rom::cargo()
        .args(["build", "-p", "netboot", "--features", "phy"])
        .args(["--example", "fetch_tap"])
        .current_dir(rom::workspace())
        .status()
        .unwrap();
    assert!(built.success());
    let program = rom::target_directory().join("debug/examples/fetch_tap");

    let lan = Lan::new().unwrap();
    let image: Vec<u8> = (0..3_000_000_u32)
        .map(|octet| (octet % 251) as u8)
        .collect();
    lan.server.put("fw.bin", &image).unwrap();
    let lines = format!("port=0\n{RANGE}\nenable-tftp");
    let _addresses = dnsmasq(&lan.server, &lines, &[DHCP, TFTP]).unwrap();
    let _web = Nginx::start(&lan.server, "").unwrap();
    let fetch = |uri: &str, file: &Path| {
        let mut command = lan.server.namespace.command(&program);
        let run = command.arg(TAP).arg(uri).arg(file).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        (run.status.success(), said)
    };
    for scheme in ["tftp", "http"] {
        let file = lan.server.workspace(scheme).unwrap().join("fw.bin");
        let uri = format!("{scheme}://{SERVER}/fw.bin");
        let (success, said) = fetch(&uri, &file);
        assert!(success, "{uri}: {said}");
        assert!(fs::read(&file).unwrap() == image, "{uri}");
    }
    // A file that is not there: no page of the server's is saved in its place.
    let file = lan.server.workspace("missing").unwrap().join("fw.bin");
    let (success, said) = fetch(&format!("http://{SERVER}/missing.bin"), &file);
    assert!(!success && !file.exists());
    assert!(said.contains("404"), "{said}");
}
