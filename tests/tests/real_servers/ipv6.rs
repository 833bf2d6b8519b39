//! IPv6, by other people's routers and servers: dnsmasq alone; dnsmasq and nginx, by HTTP and by HTTPS; radvd, Kea and
//! tftpd-hpa.

use super::https::{ends, fails_by_tls, over, over_one_connection};
use super::{TFTP, boots, plan, small};
use netboot_core::ConfigOrigin;
use netboot_tls::TlsError;
use netboot_tls::verify::VerifyError;
use std::net::{IpAddr, Ipv6Addr};
use testbed::https::NAME;
use testbed::netns::{Lan, Port, SERVER};
use testbed::plan::{Family, SERVER6};
use testbed::real::{Booted, asked_for, put_files};
use testbed::routers::{add_address, kea6, radvd};
use testbed::servers::{Nginx, Program, Server, dnsmasq, tftpd_hpa};
use testbed::tls_servers::{self, HTTPS, Tls};
use testbed::{Plan, Protocol};

/// The port of a DHCPv6 server.
const DHCP6: Port = Port::Udp(547);

fn ipv6(protocol: Protocol) -> Plan {
    Plan {
        family: Family::Ipv6,
        protocol,
        ..plan()
    }
}

/// A network with IPv6, and the path of the images on it.
fn network(plan: &Plan) -> (Lan, String) {
    let lan = Lan::new().unwrap();
    add_address(&lan.server).unwrap();
    let path = put_files(&lan, plan, "").unwrap();
    (lan, path)
}

fn address(booted: &Booted) -> IpAddr {
    booted.outcome.config.as_ref().expect("an address").address
}

#[test]
fn dnsmasq_advertises_leases_and_serves() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let plan = ipv6(Protocol::Tftp);
    let (lan, path) = network(&plan);
    let lines = format!(
        "enable-ra\ndhcp-range=fd00:0:0:2::1000,fd00:0:0:2::10ff,64,1h\n\
         dhcp-option=option6:bootfile-url,tftp://[{SERVER6}]/{path}\nenable-tftp"
    );
    let server = dnsmasq(&lan.server, &lines, &[DHCP6, TFTP]).unwrap();
    let booted = boots(&lan, &plan);
    let IpAddr::V6(own) = address(&booted) else {
        panic!("{}", address(&booted));
    };
    assert_eq!(
        own.to_bits() >> 8,
        SERVER6.to_bits() >> 8 | 0x10,
        "from the pool: {own}"
    );
    let config = booted.outcome.config.as_ref().unwrap();
    assert!(matches!(config.origin, ConfigOrigin::Dhcp(_)));
    assert_eq!(config.routers.len(), 1);
    server.wait_lines(&["DHCPREPLY"], 1).unwrap();
    server.wait_lines(&["RTR-ADVERT"], 1).unwrap();
}

#[test]
fn dnsmasq_informs_and_nginx_serves() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let plan = ipv6(Protocol::Http);
    let (lan, path) = network(&plan);
    // The prefix makes the address, and DHCPv6 tells the rest. The server has a name.
    let lines = format!(
        "dhcp-range=fd00:0:0:2::,ra-stateless,64,1h\naddress=/images.lab/{SERVER6}\n\
         dhcp-option=option6:dns-server,[{SERVER6}]\n\
         dhcp-option=option6:bootfile-url,http://images.lab/{path}"
    );
    let _server = dnsmasq(&lan.server, &lines, &[DHCP6, Port::Udp(53)]).unwrap();
    let nginx = Nginx::start(&lan.server, &format!("    listen [{SERVER6}]:80;")).unwrap();
    let booted = boots(&lan, &plan);
    let IpAddr::V6(own) = address(&booted) else {
        panic!("{}", address(&booted));
    };
    assert_eq!(own.to_bits() >> 64, SERVER6.to_bits() >> 64);
    assert_eq!(
        own.to_bits() >> 24 & 0xffff,
        0xfffe,
        "of the hardware address: {own}"
    );
    let requests = nginx.wait_requests(3).unwrap();
    assert!(
        requests
            .iter()
            .all(|request| request.status == "200" || request.status == "206")
    );
}

#[test]
fn radvd_advertises_kea_leases_and_tftpd_hpa_serves() {
    if !asked_for(&[Program::Radvd, Program::Kea6, Program::TftpdHpa]) {
        return;
    }
    let plan = ipv6(Protocol::Tftp);
    let (lan, path) = network(&plan);
    let _router = radvd(
        &lan.server,
        "AdvManagedFlag on; AdvLinkMTU 1400;",
        "AdvAutonomous off;",
    )
    .unwrap();
    let place = format!("tftp://[{SERVER6}]/{path}");
    let kea = kea6(&lan.server, &[("bootfile-url", &place)]).unwrap();
    let _files = tftpd_hpa(&lan.server, &["--address", "[::]:69"]).unwrap();
    let booted = boots(&lan, &plan);
    let config = booted.outcome.config.as_ref().unwrap();
    assert_eq!(
        config.address,
        "fd00:0:0:2::1000".parse::<IpAddr>().unwrap()
    );
    assert_eq!(config.mtu, Some(1_400));
    assert_eq!(config.boot.file.as_str(), place);
    kea.wait_lines(&["ALLOC_ENGINE_V6"], 1).unwrap();
}

#[test]
fn both_families_beside_each_other() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let plan = Plan {
        family: Family::Both,
        ..plan()
    };
    let (lan, path) = network(&plan);
    let lines = format!(
        "{}\ndhcp-boot=tftp://10.0.2.2/{path}\n\
         enable-ra\ndhcp-range=fd00:0:0:2::1000,fd00:0:0:2::10ff,64,1h\n\
         dhcp-option=option6:bootfile-url,tftp://[{SERVER6}]/{path}\nenable-tftp",
        super::RANGE
    );
    let _server = dnsmasq(&lan.server, &lines, &[super::DHCP, DHCP6, TFTP]).unwrap();
    let booted = boots(&lan, &plan);
    assert!(address(&booted).is_ipv6(), "IPv6 comes first");
}

/// The type of an Ethernet frame with an IPv6 packet (RFC 2464, section 3).
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];
/// How dnsmasq gives addresses: by a lease of DHCPv6.
const LEASE: &str = "enable-ra\ndhcp-range=fd00:0:0:2::1000,fd00:0:0:2::10ff,64,1h";
/// How dnsmasq gives addresses: by the prefix (SLAAC), and DHCPv6 tells the rest.
const PREFIX: &str = "dhcp-range=fd00:0:0:2::,ra-stateless,64,1h";

/// A network with IPv6 and the images of `plan`; nginx with a certificate for `names` at port 443 of both families;
/// and dnsmasq, which gives addresses as `range` says and names the IPv6 address of nginx.
fn https_network(plan: &Plan, names: &[&str], range: &str) -> (Lan, Nginx, Server) {
    let (lan, path) = network(plan);
    let pki = plan.https.as_ref().unwrap().pki;
    let tls = Tls::open(pki.server(names).unwrap());
    let lines = format!("    listen [{SERVER6}]:{HTTPS} ssl;\n    error_log /dev/stderr info;");
    let web = tls_servers::nginx(&lan.server, &tls, &lines).unwrap();
    let lines =
        format!("port=0\n{range}\ndhcp-option=option6:bootfile-url,https://[{SERVER6}]/{path}");
    let router = dnsmasq(&lan.server, &lines, &[DHCP6]).unwrap();
    (lan, web, router)
}

/// A plan for HTTPS over IPv6 alone.
fn https_plan(plan: Plan) -> Plan {
    Plan {
        family: Family::Ipv6,
        ..over(plan, ends())
    }
}

#[test]
fn nginx_serves_by_https_at_the_address_in_its_certificate() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    for (range, word) in [(LEASE, "DHCPREPLY"), (PREFIX, "DHCPINFORMATION-REQUEST")] {
        let plan = Plan {
            expect: true,
            ..https_plan(plan())
        };
        let (lan, web, router) = https_network(&plan, &[&SERVER6.to_string()], range);
        let booted = boots(&lan, &plan);
        let requests = web.wait_requests(3).unwrap();
        over_one_connection(&requests, &plan);
        let authority = format!("[{SERVER6}]");
        assert!(requests.iter().all(|one| one.host == authority));
        assert!(address(&booted).is_ipv6());
        let mut sent = booted.capture.0.iter().filter(|frame| frame.sent);
        assert!(sent.all(|frame| frame.octets[12..14] == ETHERTYPE_IPV6));
        let images = &booted.outcome.report.images;
        assert!(images.iter().all(|one| one.retries + one.resumes == 0));
        router.wait_lines(&[word], 1).unwrap();
    }
}

/// The certificate has the server's IPv4 address and its name, but the IPv6 address of its neighbour.
#[test]
fn a_certificate_with_another_ipv6_address_is_refused() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let neighbour = Ipv6Addr::from_bits(SERVER6.to_bits() + 1);
    let names = [&*neighbour.to_string(), &SERVER.to_string(), NAME];
    for range in [LEASE, PREFIX] {
        let plan = https_plan(small());
        let (lan, web, _router) = https_network(&plan, &names, range);
        fails_by_tls(&lan, &plan, TlsError::Certificate(VerifyError::WrongName));
        web.wait_lines(&["alert certificate unknown"], 1).unwrap();
        assert!(web.requests().unwrap().is_empty());
    }
}
