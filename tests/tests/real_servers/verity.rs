//! Packed files that the operator's tool has made, from dnsmasq and nginx.

use crate::http::pointing_to;
use crate::{DHCP, RANGE, TFTP, boots_with, plan};
use testbed::Plan;
use testbed::netns::{Lan, SERVER};
use testbed::plan::Image;
use testbed::real::asked_for;
use testbed::servers::{Nginx, Program, dnsmasq};

/// Packs an image by the tool; the packed file, and the verity digest that the tool prints.
pub fn pack(image: &Image) -> (Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let (plain, packed) = (folder.path().join("image"), folder.path().join("packed"));
    std::fs::write(&plain, &image.bytes).unwrap();
    let mut said = Vec::new();
    let line = ["pack", "--compact"].map(Into::into);
    let files = [plain.into(), "-o".into(), packed.clone().into_os_string()];
    assert!(netboot_cli::command::call(line.into_iter().chain(files), &mut said).unwrap());
    let digest = String::from_utf8(said).unwrap();
    (std::fs::read(packed).unwrap(), digest.trim().to_owned())
}

/// Puts packed files for all images of a plan into a directory of the server, and their digests into the settings.
fn put_packed(lan: &Lan, plan: &mut Plan, directory: &str) {
    for (index, image) in plan.images.iter().enumerate() {
        let (packed, digest) = pack(image);
        let name = format!("{directory}{}", image.name);
        lan.server.put(&name, &packed).unwrap();
        plan.settings += &format!("verity {index} {digest}\n");
    }
}

#[test]
fn packed_files_boot_from_dnsmasq() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let mut plan = plan();
    let lan = Lan::new().unwrap();
    put_packed(&lan, &mut plan, "");
    let root = lan.server.files().display().to_string();
    let lines = format!("port=0\n{RANGE}\nenable-tftp\ntftp-root={root}\ndhcp-boot=,,{SERVER}");
    let _server = dnsmasq(&lan.server, &lines, &[DHCP, TFTP]).unwrap();
    boots_with(&lan, &plan, &mut |_| {});
}

/// The first place has one wrong bit. nginx gets two requests for it, and the second place is asked for what comes from the wrong block on.
#[test]
fn nginx_sends_what_is_wrong_at_another_place() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let mut plan = plan();
    let name = plan.images[0].name.clone();
    let lan = Lan::new().unwrap();
    put_packed(&lan, &mut plan, "images/");
    let (good, _) = pack(&plan.images[0]);
    let mut bad = good.clone();
    bad[70_000] ^= 0x10;
    lan.server.put(&format!("images/{name}"), &bad).unwrap();
    lan.server.put("other/place.nbv", &good).unwrap();
    plan.settings += &format!("default 0 http://{SERVER}/other/place.nbv\n");
    let web = Nginx::start(&lan.server, "").unwrap();
    let _server = pointing_to(&lan, &format!("http://{SERVER}/images/"));
    let booted = boots_with(&lan, &plan, &mut |_| {});
    assert!(
        booted.console.contains("code=0x0005001f"),
        "{}",
        booted.console
    );
    let requests = web.wait_requests(5).unwrap();
    let from = 70_000 / 1024 * 1024;
    let asked: Vec<_> = requests
        .iter()
        .filter(|one| !one.range.is_empty())
        .map(|one| (one.uri.as_str(), one.range.as_str(), one.status.as_str()))
        .collect();
    let range = format!("bytes={from}-");
    let bad = format!("/images/{name}");
    let expected = [
        (bad.as_str(), range.as_str(), "206"),
        ("/other/place.nbv", range.as_str(), "206"),
    ];
    assert_eq!(asked, expected);
}
