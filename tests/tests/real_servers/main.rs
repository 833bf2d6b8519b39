//! Whole boots against servers that other people wrote.
//!
//! Each test has a network of its own (network namespaces), starts dnsmasq, ISC dhcpd, nginx, tftpd-hpa or atftpd in
//! it, boots, and asks both sides: the device what it got, the servers what they served. [`https`] and
//! [`https_others`] do so over TLS, with nginx, OpenSSL and GnuTLS; in [`tls`] a client other than ours asks the
//! same servers. [`operators`] does what the book tells operators to do,
//! and in [`ipxe`] iPXE judges how the ROM runs scripts. They run when `NETBOOT_REAL=1` is set, as root;
//! else each says that it was skipped.

mod bad_line;
mod dhcp;
mod example;
mod failover;
mod http;
mod https;
mod https_others;
mod ipv6;
mod ipxe;
mod isc;
mod operators;
mod rom;
mod scripts;
mod syslog;
mod sztp;
mod teardown;
mod tftp;
mod tls;
mod ubp;
mod verity;

use netboot::NetError;
use netboot_app::{AppError, Outcome};
use recovery_model::DeviceOutcome;
use testbed::Plan;
use testbed::netns::{Lan, Port};
use testbed::plan::{Image, firmware};
use testbed::real::{self, Booted};
use testbed::servers::Server;

/// What dnsmasq is told of addresses.
const RANGE: &str = "dhcp-range=10.0.2.100,10.0.2.150,255.255.255.0,1h";
/// The port of a DHCP server.
const DHCP: Port = Port::Udp(67);
/// The port of a TFTP server.
const TFTP: Port = Port::Udp(69);
/// The port of a DNS server.
const DNS: Port = Port::Udp(53);

/// Three images of real sizes; quick about ARP probes and the end, and no second chance for
/// what fails.
fn plan() -> Plan {
    Plan {
        settings: "probe 20\nsettle_ms 100\nretry continue\n".into(),
        ..Plan::default()
    }
}

/// Like [`plan`], with small images where their size does not matter.
fn small() -> Plan {
    Plan {
        images: firmware(&[5_000, 1_468, 7]),
        ..plan()
    }
}

/// Boots; the device must have got each image octet by octet, and run.
fn boots(lan: &Lan, plan: &Plan) -> Booted {
    boots_with(lan, plan, &mut |_| {})
}

/// Like [`boots`], with somebody who reads the console.
fn boots_with(lan: &Lan, plan: &Plan, line: &mut dyn FnMut(&str)) -> Booted {
    let booted = real::boot(lan, plan, line).expect("a usable plan");
    let outcome = &booted.outcome;
    assert_eq!(outcome.report.error, None);
    assert_eq!(outcome.device, DeviceOutcome::Booted);
    assert_eq!(outcome.stall, None);
    assert_eq!(outcome.report.images.len(), plan.images.len());
    for (index, image) in plan.images.iter().enumerate() {
        let got = &outcome.images[index];
        assert_eq!(got.sha256, Some(image.padded_sha256()), "image {index}");
        assert!(got.activated && got.verified, "image {index}");
        assert_eq!(got.dropped_words, 0, "image {index}");
        let told = &outcome.report.images[index];
        assert_eq!(told.octets, image.bytes.len() as u64, "image {index}");
        assert!(e2e::is_digest_right(told, image), "image {index}");
        assert_eq!(told.outcome, Outcome::Activated, "image {index}");
    }
    booted
}

/// Boots what cannot be booted; nothing may have been activated from the image in question on.
fn fails(lan: &Lan, plan: &Plan) -> (Booted, AppError<NetError>) {
    fails_with(lan, plan, &mut |_| {})
}

/// Like [`fails`], with somebody who reads the console.
fn fails_with(lan: &Lan, plan: &Plan, line: &mut dyn FnMut(&str)) -> (Booted, AppError<NetError>) {
    let booted = real::boot(lan, plan, line).expect("a usable plan");
    let outcome = &booted.outcome;
    let error = outcome.report.error.expect("a boot that fails");
    assert_ne!(outcome.device, DeviceOutcome::Booted);
    assert_eq!(outcome.stall, None);
    assert_ne!(outcome.report.status(), 0);
    if let Some(last) = outcome.report.images.last() {
        assert_eq!(last.outcome, Outcome::NotActivated);
        assert_eq!(last.error.as_ref(), Some(&error));
        assert!(!outcome.images[usize::from(last.index)].activated);
    }
    (booted, error)
}

/// How often dnsmasq sent the file at this path, or all files below it, in full.
fn sent(server: &Server, path: &str) -> usize {
    let files = server.lines(&["dnsmasq-tftp", "sent /", " to "]);
    files.iter().filter(|line| line.contains(path)).count()
}

/// One image of 16 MiB.
fn large() -> Plan {
    Plan {
        images: vec![Image::pseudo_random("caliptra-fw.bin", 16 << 20, 9)],
        settings: plan().settings + "last_index 0\n",
        ..plan()
    }
}
