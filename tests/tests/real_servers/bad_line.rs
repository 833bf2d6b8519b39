//! A bad line between the client and real servers: what they do about losses is theirs alone.

use crate::{DHCP, RANGE, TFTP, boots, plan};
use netboot_core::Duration;
use netsim::LinkConfig;
use testbed::Plan;
use testbed::netns::{Lan, SERVER};
use testbed::plan::firmware;
use testbed::real::{asked_for, put_files};
use testbed::servers::{Nginx, Program, atftpd, dnsmasq, tftpd_hpa};

/// 1 ms each way; of 100 frames two are lost, one comes twice, one late, and one damaged.
fn bad_line() -> Plan {
    Plan {
        images: firmware(&[120_000, 30_696, 4_002]),
        link: LinkConfig {
            delay: Duration::from_millis(1),
            loss: 0.02,
            duplicate: 0.01,
            reorder: 0.01,
            corrupt: 0.01,
            ..LinkConfig::PERFECT
        },
        expect: true,
        ..plan()
    }
}

/// Boots over a bad line; something must have been lost for this to mean anything.
fn boots_badly(lan: &Lan, plan: &Plan) {
    let booted = boots(lan, plan);
    let (ours, theirs) = (booted.line.from_client, booted.line.from_server);
    assert!(ours.lost + theirs.lost > 0, "{ours:?} {theirs:?}");
    let report = &booted.outcome.report;
    assert!(report.images.iter().all(|image| image.retries == 0));
}

#[test]
fn tftp_from_dnsmasq() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = bad_line();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let lines = format!("port=0\n{RANGE}\nenable-tftp\ndhcp-boot={path}");
    let _server = dnsmasq(&lan.server, &lines, &[DHCP, TFTP]).unwrap();
    boots_badly(&lan, &plan);
}

#[test]
fn tftp_in_windows_from_atftpd() {
    if !asked_for(&[Program::Dnsmasq, Program::Atftpd]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = bad_line();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let lines = format!("port=0\n{RANGE}\ndhcp-boot={path}");
    let _server = dnsmasq(&lan.server, &lines, &[DHCP]).unwrap();
    let _files = atftpd(&lan.server, &[]).unwrap();
    boots_badly(&lan, &plan);
}

#[test]
fn tftp_from_tftpd_hpa() {
    if !asked_for(&[Program::Dnsmasq, Program::TftpdHpa]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = bad_line();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let lines = format!("port=0\n{RANGE}\ndhcp-boot={path}");
    let _server = dnsmasq(&lan.server, &lines, &[DHCP]).unwrap();
    let _files = tftpd_hpa(&lan.server, &[]).unwrap();
    boots_badly(&lan, &plan);
}

#[test]
fn http_from_nginx() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = bad_line();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let lines = format!("port=0\n{RANGE}\ndhcp-boot=http://{SERVER}/{path}");
    let _server = dnsmasq(&lan.server, &lines, &[DHCP]).unwrap();
    let _web = Nginx::start(&lan.server, "").unwrap();
    boots_badly(&lan, &plan);
}
