//! ISC dhcpd, and what dnsmasq does not do: leases of single addresses, routes by option 121, and a server that comes late.

use crate::{TFTP, boots, sent, small};
use std::net::Ipv4Addr;
use std::time::Duration;
use testbed::isc::dhcpd;
use testbed::netns::{Lan, SERVER};
use testbed::real::{asked_for, put_files};
use testbed::servers::{Program, Server, dnsmasq};
use testbed::{Plan, ethernet};

const NEEDS: [Program; 2] = [Program::Dhcpd, Program::Dnsmasq];

/// A network with the images of `plan` on a TFTP server, and the place of them for dhcpd.
fn files(plan: &Plan) -> (Lan, Server, String) {
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, plan, "images/").unwrap();
    let server = dnsmasq(&lan.server, "port=0\nenable-tftp", &[TFTP]).unwrap();
    let place = format!("filename \"{path}\";\nnext-server {SERVER};");
    (lan, server, place)
}

/// Clouds lease a single address. The gateway, which is the TFTP server here, is in no network of the station's: option 3 names it, or option 121 puts it
/// on the link and the default route behind it.
#[test]
fn a_lease_of_a_single_address_from_isc_dhcpd() {
    if !asked_for(&NEEDS) {
        return;
    }
    for routes in [
        "option routers 10.0.2.2;",
        "option rfc3442 32, 10, 0, 2, 2, 0, 0, 0, 0, 0, 10, 0, 2, 2;",
        "option rfc3442 0, 10, 0, 2, 2;",
    ] {
        let plan = small();
        let (lan, tftp, place) = files(&plan);
        let lines = format!(
            "range 10.0.2.100 10.0.2.150;\noption subnet-mask 255.255.255.255;\n{routes}\n{place}"
        );
        let server = dhcpd(&lan.server, &lines).unwrap();
        let booted = boots(&lan, &plan);
        let config = booted.outcome.config.as_ref().unwrap();
        assert_eq!(config.prefix_len, 32, "{routes}");
        assert_eq!(server.lines(&["DHCPACK on 10.0.2."]).len(), 1);
        assert_eq!(sent(&tftp, "/images/"), 3);
    }
}

/// Another host has the address, and does not answer pings before the lease.
#[test]
fn an_address_in_use_is_declined_to_isc_dhcpd() {
    if !asked_for(&NEEDS) {
        return;
    }
    let plan = small();
    let (lan, tftp, place) = files(&plan);
    let taken = Ipv4Addr::new(10, 0, 2, 50);
    let _squatter = lan.join(taken).unwrap();
    let lines = format!(
        "ping-check false;\nrange {taken} 10.0.2.51;\noption subnet-mask 255.255.255.0;\n{place}"
    );
    let server = dhcpd(&lan.server, &lines).unwrap();
    let booted = boots(&lan, &plan);
    let address = booted.outcome.config.as_ref().unwrap().address;
    assert_ne!(address, taken);
    let mac = ethernet::MAC.map(|octet| format!("{octet:02x}")).join(":");
    let declined = server.lines(&["DHCPDECLINE of 10.0.2.50", &mac]);
    assert_eq!(declined.len(), 1, "{}", server.log());
    assert_eq!(sent(&tftp, "/images/"), 3);
    assert!(!booted.console.contains("@attempt-failed"));
}

/// The whole room comes back after a power failure, and the DHCP server is the last one. The station goes on asking.
#[test]
fn isc_dhcpd_that_comes_late_is_waited_for() {
    const LATE: Duration = Duration::from_secs(5);
    if !asked_for(&NEEDS) {
        return;
    }
    let plan = small();
    let (lan, tftp, place) = files(&plan);
    let lines = format!("range 10.0.2.100 10.0.2.150;\noption subnet-mask 255.255.255.0;\n{place}");
    // A server ends with the thread that starts it, so the boot has one of its own.
    let (booted, _server) = std::thread::scope(|scope| {
        let boot = scope.spawn(|| boots(&lan, &plan));
        std::thread::sleep(LATE);
        let server = dhcpd(&lan.server, &lines).unwrap();
        (boot.join().expect("a boot"), server)
    });
    assert!(booted.took > LATE, "{:?}", booted.took);
    // The questions are repeated after 1, 2, 4 and 8 s.
    assert!(booted.took < LATE * 3, "{:?}", booted.took);
    assert!(!booted.console.contains("@attempt-failed"));
    assert_eq!(sent(&tftp, "/images/"), 3);
}
