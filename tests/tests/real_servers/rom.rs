//! The ROM under QEMU against real servers: its own driver, its own clock, its own RAM.

use crate::dhcp::{CALIPTRA, Proxied};
use crate::{DHCP, DNS, RANGE, TFTP, https, plan, sent};
use std::path::PathBuf;
use std::sync::OnceLock;
use testbed::Plan;
use testbed::netns::{Lan, SERVER};
use testbed::qemu::{self, QemuOptions};
use testbed::real::{self, RomBooted, asked_for, put_files};
use testbed::rom::{self, RomOptions};
use testbed::servers::{Nginx, Program, dnsmasq};
use testbed::tls_servers::{self, Tls};

/// Whether the test is to run; QEMU must be there then.
pub fn asked_for_rom(programs: &[Program]) -> bool {
    let asked = asked_for(programs);
    if asked {
        qemu::assert_present();
    }
    asked
}

/// The ROM, built once.
fn image() -> PathBuf {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    IMAGE.get_or_init(|| rom::image().unwrap()).clone()
}

/// Boots the ROM; the device must have got each image octet by octet, and run.
fn boots(lan: &Lan, plan: &Plan) -> RomBooted {
    boots_from(image(), lan, plan)
}

/// Boots the ROM in this flash image; the device must have got each image octet by octet, and run.
pub fn boots_from(rom: PathBuf, lan: &Lan, plan: &Plan) -> RomBooted {
    let booted = real::boot_rom(lan, plan, &QemuOptions::new(rom), &mut |_| {}).unwrap();
    let parsed = &booted.parsed;
    assert_eq!(parsed.cause(), None);
    assert!(parsed.booted());
    assert_eq!(booted.exit_code, Some(0));
    assert_eq!(parsed.images.len(), plan.images.len());
    assert_eq!(parsed.device_images.len(), plan.images.len());
    let (told, got) = (&parsed.images, &parsed.device_images);
    for (index, image) in plan.images.iter().enumerate() {
        let sha256 = Some(image.sha256().to_string());
        assert_eq!(told[index].sha256, sha256, "image {index}");
        assert_eq!(told[index].octets, image.bytes.len() as u64);
        let padded = Some(image.padded_sha256().to_string());
        assert_eq!(got[index].sha256, padded, "image {index}");
        assert!(got[index].activated && got[index].verified, "image {index}");
        assert_eq!(got[index].dropped, 0, "image {index}");
    }
    booted
}

#[test]
fn the_rom_boots_from_dnsmasq_by_tftp() {
    if !asked_for_rom(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = plan();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let lines = format!("port=0\n{RANGE}\nenable-tftp\ndhcp-boot={path}");
    let server = dnsmasq(&lan.server, &lines, &[DHCP, TFTP]).unwrap();
    boots(&lan, &plan);
    assert_eq!(sent(&server, "/images/"), 3);
}

#[test]
fn the_rom_boots_from_nginx_by_name() {
    if !asked_for_rom(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = Plan {
        expect: true,
        ..plan()
    };
    let path = put_files(&lan, &plan, "images/").unwrap();
    let lines = format!(
        "{RANGE}\nlog-queries\nlocal=/netboot.test/\nhost-record=fw.netboot.test,{SERVER}\n\
         dhcp-boot=http://fw.netboot.test/{path}"
    );
    let server = dnsmasq(&lan.server, &lines, &[DHCP, DNS]).unwrap();
    let web = Nginx::start(&lan.server, "").unwrap();
    boots(&lan, &plan);
    assert!(!server.lines(&["query[A] fw.netboot.test from"]).is_empty());
    let requests = web.wait_requests(3).unwrap();
    for (request, image) in requests.iter().zip(&plan.images) {
        assert_eq!(request.status, "200");
        assert_eq!(request.host, "fw.netboot.test");
        assert_eq!(request.body_octets, image.bytes.len().to_string());
    }
}

#[test]
fn the_rom_boots_from_nginx_by_https() {
    if !asked_for_rom(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let small = https::small_records(https::ends());
    for (https, lines) in [(https::ends(), ""), (small, "ssl_buffer_size 4k;")] {
        let built = rom::build_once(&RomOptions {
            https: Some(https.rom()),
            ..RomOptions::default()
        });
        let tls = Tls::open(https.identity());
        let plan = https::over(plan(), https);
        let lan = Lan::new().unwrap();
        let path = put_files(&lan, &plan, "images/").unwrap();
        let web = tls_servers::nginx(&lan.server, &tls, lines).unwrap();
        let lines = format!("port=0\n{RANGE}\ndhcp-boot=https://{SERVER}/{path}");
        let _server = dnsmasq(&lan.server, &lines, &[DHCP]).unwrap();
        boots_from(built.unwrap().image, &lan, &plan);
        https::over_one_connection(&web.wait_requests(3).unwrap(), &plan);
    }
}

#[test]
fn the_rom_boots_where_proxy_dhcp_says() {
    if !asked_for_rom(&[Program::Dnsmasq]) {
        return;
    }
    let Proxied {
        lan, plan, proxy, ..
    } = &Proxied::new(plan(), CALIPTRA);
    boots(lan, plan);
    assert_eq!(sent(proxy, "/boot.toc"), 1);
    assert_eq!(sent(proxy, ".bin"), 3);
}
