//! The UDP boot protocol, from `netboot serve` in a network of its own.

use crate::http::{SLOW, boots_while, pointing_to};
use crate::rom::asked_for_rom;
use crate::{boots, plan};
use testbed::netns::{Lan, OTHER, SERVER};
use testbed::plan::{Protocol, firmware};
use testbed::qemu::QemuOptions;
use testbed::real::{self, asked_for, put_files};
use testbed::rom::{self, RomOptions};
use testbed::servers::{Nginx, Program, Server};
use testbed::{Plan, netboot};

/// A plan by this protocol, whose board knows the verity digests.
fn known(mut plan: Plan) -> Plan {
    plan.protocol = Protocol::Ubp;
    for (index, image) in plan.images.iter().enumerate() {
        let digest = netboot_verity::Tree::of(&image.bytes).digest();
        plan.settings += &format!("verity {index} {digest}\n");
    }
    plan
}

/// The server's line for each image: it came whole.
fn assert_told(server: &Server, plan: &Plan) {
    for image in &plan.images {
        let octets = format!("{}: {} octets in ", image.name, image.bytes.len());
        server.wait_lines(&[&octets, ", done"], 1).unwrap();
    }
}

#[test]
fn images_boot_from_netboot_serve_and_it_hears_how_it_ended() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let plan = known(plan());
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let server = netboot::serve(&lan.server, &[]).unwrap();
    let _dhcp = pointing_to(&lan, &format!("ubp://{SERVER}/{path}"));
    boots(&lan, &plan);
    assert_told(&server, &plan);
}

#[test]
fn the_rom_boots_from_netboot_serve() {
    if !asked_for_rom(&[Program::Dnsmasq]) {
        return;
    }
    let plan = known(plan());
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let server = netboot::serve(&lan.server, &["--rate", "20M"]).unwrap();
    let _dhcp = pointing_to(&lan, &format!("ubp://{SERVER}/{path}"));
    let options = RomOptions {
        ubp: true,
        ..RomOptions::default()
    };
    let image = rom::build_once(&options).unwrap().image;
    let booted = real::boot_rom(&lan, &plan, &QemuOptions::new(image), &mut |_| {}).unwrap();
    assert_eq!(booted.parsed.cause(), None);
    assert!(booted.parsed.booted());
    for (index, image) in plan.images.iter().enumerate() {
        let got = &booted.parsed.device_images[index];
        assert_eq!(got.sha256, Some(image.padded_sha256().to_string()));
        assert!(got.activated && got.verified, "image {index}");
    }
    assert_told(&server, &plan);
}

/// The web server with the packed file is killed in mid-image. The server of the UDP boot protocol sends what is missing, and nothing else.
#[test]
fn netboot_serve_takes_over_from_a_killed_web_server() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    const SIZE: usize = 400_000;
    let mut plan = Plan {
        images: firmware(&[SIZE, 1_000, 7]),
        ..known(Plan::default())
    };
    plan.settings = super::plan().settings;
    let mut plan = known(plan);
    plan.protocol = Protocol::Http;
    for (index, image) in plan.images.iter().enumerate() {
        let name = &image.name;
        plan.settings += &format!("default {index} ubp://{OTHER}/images/{name}\n");
    }
    let lan = Lan::new().unwrap();
    let other = lan.join(OTHER).unwrap();
    for image in &plan.images {
        let name = format!("images/{}", image.name);
        let (packed, _) = crate::verity::pack(image);
        lan.server.put(&name, &packed).unwrap();
        other.put(&name, &image.bytes).unwrap();
    }
    let mut first = Nginx::start(&lan.server, SLOW).unwrap();
    let second = netboot::serve(&other, &[]).unwrap();
    let _dhcp = pointing_to(&lan, &format!("http://{SERVER}/images/"));
    let booted = boots_while(&lan, &plan, 120_000, || first.stop());
    assert_eq!(booted.outcome.report.images[0].retries, 1);
    let name = format!("{}: ", plan.images[0].name);
    let lines = second.wait_lines(&[&name, ", done"], 1).unwrap();
    let octets = lines[0].split(": ").nth(1).unwrap();
    let octets: usize = octets.split(' ').next().unwrap().parse().unwrap();
    assert!(octets <= SIZE - 119 * 1024, "{lines:?}");
}
