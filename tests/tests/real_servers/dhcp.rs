//! Addresses, pointers and names.

use crate::{DHCP, DNS, RANGE, TFTP, boots, fails, sent, small};
use netboot::NetError;
use netboot_app::AppError;
use netboot_dhcp::DhcpError;
use std::net::Ipv4Addr;
use std::time::Duration;
use testbed::netns::{Host, Lan, OTHER, Port, SERVER};
use testbed::plan::{Pointer, firmware};
use testbed::real::{asked_for, put_files};
use testbed::servers::{Nginx, Program, Server, dnsmasq};
use testbed::{Plan, ethernet};

/// What dnsmasq says it sent in its last answer, without the transaction number.
fn acknowledged(server: &Server) -> Vec<String> {
    let log = server.log();
    let from = log.rfind("DHCPACK").expect("an acknowledgement");
    log[from..].lines().map(str::to_owned).collect()
}

fn says(lines: &[String], words: &str) -> bool {
    lines.iter().any(|line| line.contains(words))
}

#[test]
fn boot_file_in_options_66_and_67() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = small();
    let path = put_files(&lan, &plan, "images/").unwrap();
    // No server address: the name in option 66 is all there is beside dnsmasq's own address.
    let lines = format!("port=0\n{RANGE}\nenable-tftp\ndhcp-boot={path},{SERVER},{OTHER}");
    let server = dnsmasq(&lan.server, &lines, &[DHCP, TFTP]).unwrap();
    let booted = boots(&lan, &plan);
    let boot = &booted.outcome.config.as_ref().unwrap().boot;
    assert_eq!(boot.file, "images/");
    assert_eq!(boot.server_name, "10.0.2.2");
    assert_eq!(boot.next_server, Some(OTHER.into()));
    let said = acknowledged(&server);
    assert!(says(&said, "option: 66 tftp-server  10.0.2.2"));
    assert!(says(&said, "option: 67 bootfile-name  images/"));
    assert_eq!(sent(&server, "/images/"), 3);
}

#[test]
fn boot_file_in_the_fields_of_bootp() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let other = lan.join(OTHER).unwrap();
    let plan = small();
    for image in &plan.images {
        let path = format!("images/{}", image.name);
        other.put(&path, &image.bytes).unwrap();
    }
    // The images are on another machine than the server of the address.
    let lines = format!("port=0\n{RANGE}\ndhcp-no-override\ndhcp-boot=images/,,{OTHER}");
    let server = dnsmasq(&lan.server, &lines, &[DHCP]).unwrap();
    let files = dnsmasq(&other, "port=0\nenable-tftp", &[TFTP]).unwrap();
    let booted = boots(&lan, &plan);
    let boot = &booted.outcome.config.as_ref().unwrap().boot;
    assert_eq!(boot.file, "images/");
    assert_eq!(boot.server_name, "");
    assert_eq!(boot.next_server, Some(OTHER.into()));
    let said = acknowledged(&server);
    assert!(says(&said, "bootfile name: images/"));
    assert!(says(&said, "next server: 10.0.2.3"));
    assert!(!says(&said, "option: 67"));
    assert_eq!(sent(&files, "/images/"), 3);
}

/// The service that the tests boot, for a 32-bit RISC-V (25), on [`OTHER`].
pub const CALIPTRA: &str = "pxe-service=25,\"Caliptra\",boot.toc,10.0.2.3";

/// A DHCP server that gives addresses and nothing else, and beside it a ProxyDHCP server with the images of a plan.
pub struct Proxied {
    pub lan: Lan,
    pub plan: Plan,
    pub server: Server,
    pub proxy: Server,
    _other: Host,
}

impl Proxied {
    /// Starts both; `services` are the lines that tell the ProxyDHCP server what to offer.
    pub fn new(plan: Plan, services: &str) -> Self {
        assert!(CALIPTRA.ends_with(&OTHER.to_string()));
        let lan = Lan::new().unwrap();
        let other = lan.join(OTHER).unwrap();
        let plan = Plan {
            pointer: Pointer::Toc,
            ..plan
        };
        for (name, content) in plan.server().files {
            other.put(&name, &content.to_vec()).unwrap();
        }
        let server = dnsmasq(&lan.server, &format!("port=0\n{RANGE}"), &[DHCP]).unwrap();
        let lines = format!("port=0\ndhcp-range={OTHER},proxy\nenable-tftp\n{services}");
        let proxy = dnsmasq(&other, &lines, &[DHCP, Port::Udp(4011), TFTP]).unwrap();
        Self {
            lan,
            plan,
            server,
            proxy,
            _other: other,
        }
    }
}

/// A menu with a prompt, in which the local disk comes first: nobody is there to pick.
#[test]
fn the_first_service_of_dnsmasqs_pxe_menu_is_booted() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let menu = format!(
        "pxe-prompt=\"What to boot?\",30\npxe-service=25,\"Disk\",0\n{CALIPTRA}\n\
         pxe-service=25,\"Other\",other.toc,{OTHER}"
    );
    let Proxied {
        lan, plan, proxy, ..
    } = &Proxied::new(small(), &menu);
    let booted = boots(lan, plan);
    let config = booted.outcome.config.as_ref().unwrap();
    assert!(config.boot.file.starts_with("boot.toc"));
    assert_eq!(sent(proxy, "/boot.toc"), 1);
    assert_eq!(sent(proxy, ".bin"), 3);
}

#[test]
fn proxy_dhcp_says_what_the_server_of_the_address_does_not() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let Proxied {
        lan,
        plan,
        server,
        proxy,
        ..
    } = &Proxied::new(small(), CALIPTRA);
    let booted = boots(lan, plan);
    let config = booted.outcome.config.as_ref().unwrap();
    assert!(config.boot.file.starts_with("boot.toc"));
    assert_eq!(config.boot.next_server, Some(OTHER.into()));
    assert_eq!(server.lines(&["DHCPACK", "10.0.2."]).len(), 1);
    assert!(!says(&acknowledged(server), "option: 67"));
    assert!(!proxy.lines(&["PXE(eth0)", "02:00:00:00:00:15"]).is_empty());
    assert!(proxy.lines(&["DHCPACK(eth0) 10.0.2"]).is_empty());
    assert_eq!(sent(proxy, "/boot.toc"), 1);
    assert_eq!(sent(proxy, ".bin"), 3);
    // dnsmasq names the file on port 4011 only. That the client asked there must not make it forget the
    // server's hardware address: it would have to wait before it may ask for that again.
    let asked = booted
        .capture
        .datagrams()
        .any(|(out, datagram)| out && datagram.to.port() == 4011);
    assert!(asked);
    let report = &booted.outcome.report;
    let took = report.ended.since(report.configured.unwrap());
    assert!(took < Duration::from_millis(700).into(), "{took}");
}

#[test]
fn boot_file_is_an_http_uri_with_a_name() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = small();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let lines = format!(
        "{RANGE}\nlog-queries\nlocal=/netboot.test/\nhost-record=fw.netboot.test,{SERVER}\n\
         dhcp-boot=http://fw.netboot.test/{path}"
    );
    let server = dnsmasq(&lan.server, &lines, &[DHCP, DNS]).unwrap();
    let web = Nginx::start(&lan.server, "").unwrap();
    boots(&lan, &plan);
    let queries = server.lines(&["query[A] fw.netboot.test from 10.0.2.1"]);
    assert!(!queries.is_empty());
    let requests = web.wait_requests(3).unwrap();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|one| one.host == "fw.netboot.test"));
}

#[test]
fn a_name_that_does_not_exist_is_named() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let lines = format!(
        "{RANGE}\nlog-queries\nlocal=/netboot.test/\ndhcp-boot=http://lost.netboot.test/images/"
    );
    let server = dnsmasq(&lan.server, &lines, &[DHCP, DNS]).unwrap();
    let (_, error) = fails(&lan, &small());
    assert_eq!(error, AppError::Network(NetError::NameNotFound));
    assert_eq!(
        server
            .lines(&["config lost.netboot.test is NXDOMAIN"])
            .len(),
        1
    );
}

#[test]
fn without_a_server_dhcp_ends_by_its_deadline() {
    if !asked_for(&[]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = Plan {
        settings: small().settings + "dhcp_ms 1500\n",
        ..small()
    };
    let (booted, error) = fails(&lan, &plan);
    let named = [
        AppError::Network(NetError::DhcpTimeout),
        AppError::Network(NetError::Dhcp(DhcpError::NoOffer)),
    ];
    assert!(named.contains(&error), "{error:?}");
    assert!(
        booted.took >= Duration::from_millis(1500),
        "{:?}",
        booted.took
    );
    assert!(
        booted.took < Duration::from_millis(2500),
        "{:?}",
        booted.took
    );
    let asked = booted
        .capture
        .datagrams()
        .filter(|(out, datagram)| *out && datagram.to.port() == 67);
    assert_eq!(asked.count(), 2);
}

#[test]
fn the_lease_is_renewed_while_an_image_is_delivered() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = Plan {
        images: firmware(&[200_000, 1_000, 7]),
        // 4 s for the first image; 3 s is the least T1 that dnsmasq takes.
        device: "rate 50000\n".into(),
        ..small()
    };
    let path = put_files(&lan, &plan, "images/").unwrap();
    let lines = format!("port=0\n{RANGE}\nenable-tftp\ndhcp-boot={path}\ndhcp-option=option:T1,3");
    let server = dnsmasq(&lan.server, &lines, &[DHCP, TFTP]).unwrap();
    let booted = boots(&lan, &plan);
    let address = booted.outcome.config.as_ref().unwrap().address;
    let answers = server.lines(&["DHCPACK", &address.to_string()]);
    assert!(answers.len() >= 2, "{answers:#?}");
    let renewals: Vec<_> = booted
        .capture
        .datagrams()
        .filter(|(out, datagram)| {
            *out && datagram.to.port() == 67 && *datagram.from.ip() == address
        })
        .collect();
    assert!(!renewals.is_empty());
    assert!(
        renewals
            .iter()
            .all(|(_, datagram)| *datagram.to.ip() == SERVER)
    );
}

#[test]
fn an_address_in_use_is_declined() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let taken = Ipv4Addr::new(10, 0, 2, 50);
    let _squatter = lan.join(taken).unwrap();
    let plan = small();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let mac = ethernet::MAC.map(|octet| format!("{octet:02x}")).join(":");
    let lines = format!("port=0\n{RANGE}\nenable-tftp\ndhcp-boot={path}\ndhcp-host={mac},{taken}");
    let server = dnsmasq(&lan.server, &lines, &[DHCP, TFTP]).unwrap();
    let booted = boots(&lan, &plan);
    assert_eq!(server.lines(&["DHCPDECLINE", "10.0.2.50"]).len(), 1);
    let address = booted.outcome.config.as_ref().unwrap().address;
    assert_ne!(address, taken);
    assert_eq!(sent(&server, "/images/"), 3);
    assert_eq!(sent(&server, &format!(" to {address}")), 3);
    assert!(!booted.console.contains("@attempt-failed"));
}

#[test]
fn a_pointer_to_nobody_ends_by_the_deadline_of_the_attempt() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    // Nobody has this address.
    let lines = format!("port=0\n{RANGE}\ndhcp-boot=images/,,10.0.2.77");
    let _server = dnsmasq(&lan.server, &lines, &[DHCP]).unwrap();
    let plan = Plan {
        settings: small().settings + "attempt_ms 2000\n",
        ..small()
    };
    let (booted, error) = fails(&lan, &plan);
    assert_eq!(error, AppError::Network(NetError::Deadline));
    let report = &booted.outcome.report;
    let took = report.ended.since(report.configured.unwrap());
    assert!(took >= Duration::from_secs(2).into(), "{took}");
    assert!(took < Duration::from_secs(3).into(), "{took}");
}
