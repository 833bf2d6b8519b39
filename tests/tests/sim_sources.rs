//! Where a boot gets its address and its images from: static addresses, the order of the sources, and a board that requires
//! HTTPS on a network whose DHCP server belongs to somebody else.

use e2e::{Boot, Sim};
use image_server::{LeaseConfig, Protocol as Served, ServerConfig};
use netboot_core::{Blame, ConfigOrigin};
use test_pki::Pki;
use testbed::plan::{CLIENT, FILE_NAMES, Pointer, SERVER, firmware};
use testbed::{Https, Plan, Protocol};

const NOT_HTTPS: u32 = 0x0007_0007;
const DOWNGRADE: u32 = 0x0003_001A;

fn plan(protocol: Protocol) -> Plan {
    Plan {
        protocol,
        images: firmware(&[20_000, 3_000, 2_001]),
        settings: "probe off\nretry continue\n".into(),
        https: (protocol == Protocol::Https).then(|| Https::new(Pki::with_intermediate(21))),
        expect: true,
        ..Plan::default()
    }
}

fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    Sim::new(plan).server(change).run()
}

/// Setting lines with a default place for each image.
fn defaults(scheme: &str) -> String {
    let place = |(index, name)| format!("default {index} {scheme}://{SERVER}/{name}\n");
    FILE_NAMES.iter().enumerate().map(place).collect()
}

fn count(boot: &Boot, protocol: Served) -> usize {
    let served = boot.served.iter();
    served.filter(|served| served.protocol == protocol).count()
}

#[test]
fn a_static_address_boots_without_dhcp() {
    for protocol in [Protocol::Tftp, Protocol::Http, Protocol::Https] {
        for pointer in [Pointer::Directory, Pointer::Toc, Pointer::FlashImage] {
            let mut plan = plan(protocol);
            plan.static_address = true;
            plan.pointer = pointer;
            let boot = boot(&plan, |_| ());
            boot.assert_booted(&plan);
            assert_eq!(count(&boot, Served::Dhcp), 0, "{}", boot.console);
            let config = boot.outcome.config.as_ref().unwrap();
            assert_eq!(
                (config.address, config.origin),
                (CLIENT.into(), ConfigOrigin::Static)
            );
        }
    }
}

#[test]
fn a_static_address_that_cannot_be_used_ends_the_boot_at_once() {
    let mut plan = plan(Protocol::Http);
    plan.settings += "address 224.0.0.1/24\n";
    let boot = boot(&plan, |_| ());
    boot.assert_failed(&plan, 0x0005_0003, Blame::Configuration);
    let mut plan = self::plan(Protocol::Http);
    plan.settings += "address 10.0.2.15/24\nroute 10.9.0.0/16 10.8.0.1\n";
    let boot = self::boot(&plan, |_| ());
    boot.assert_failed(&plan, 0x0005_0004, Blame::Configuration);
}

#[test]
fn the_order_of_the_sources_is_the_policys() {
    // The network's pointer leads nowhere; with the defaults in front nobody looks there.
    for (order, looked) in [("default dhcp", false), ("dhcp default", true)] {
        let mut plan = plan(Protocol::Http);
        plan.settings += &defaults("http");
        plan.settings += &format!("order {order}\n");
        let boot = boot(&plan, |server| {
            server.lease.boot_file = Some(format!("http://{SERVER}/nowhere/"));
        });
        boot.assert_booted(&plan);
        let asked = boot
            .served
            .iter()
            .any(|served| served.name.starts_with("nowhere"));
        assert_eq!(asked, looked, "{order}");
    }
    // A source that is not listed is never used.
    let mut plan = plan(Protocol::Http);
    plan.settings += "order default\n";
    let boot = boot(&plan, |_| ());
    boot.assert_failed(&plan, 0x0007_0001, Blame::Configuration);
    assert_eq!(count(&boot, Served::Http), 0);
}

/// A DHCP server that belongs to an attacker leads to images of his by each way that it has.
fn hostile(lease: &mut LeaseConfig, way: usize) {
    match way {
        0 => lease.boot_file = Some(format!("http://{SERVER}/")),
        1 => lease.boot_file = Some(format!("tftp://{SERVER}/")),
        2 => {
            lease.boot_file = Some("caliptra-fw.bin".into());
            lease.next_server = Some(SERVER);
        }
        3 => lease.boot_file = Some(format!("http://{SERVER}/boot.toc")),
        _ => {
            lease.boot_file = Some("boot.toc".into());
            lease.server_name = Some(format!("http://{SERVER}/"));
        }
    }
}

#[test]
fn a_hostile_dhcp_server_cannot_downgrade_a_board_that_requires_https() {
    for way in 0..5 {
        // With a place of its own the board boots from there, and asks nobody else.
        let mut owned = plan(Protocol::Https);
        owned.settings += "require https\n";
        owned.settings += &defaults("https");
        let ended = boot(&owned, |server| hostile(&mut server.lease, way));
        ended.assert_booted(&owned);
        assert_eq!(
            count(&ended, Served::Http) + count(&ended, Served::Tftp),
            0,
            "way {way}"
        );
        assert!(
            ended.attempts_failed().contains(&NOT_HTTPS),
            "{}",
            ended.console
        );
        // Without one it does not boot at all, and says why.
        let mut lost = plan(Protocol::Https);
        lost.settings += "require https\n";
        let ended = boot(&lost, |server| hostile(&mut server.lease, way));
        ended.assert_failed(&lost, NOT_HTTPS, Blame::Configuration);
        assert_eq!(
            count(&ended, Served::Http) + count(&ended, Served::Tftp),
            0,
            "way {way}"
        );
        // The same board without the requirement would have taken them.
        let open = plan(Protocol::Https);
        let ended = boot(&open, |server| hostile(&mut server.lease, way));
        ended.assert_booted(&open);
        assert!(
            count(&ended, Served::Http) + count(&ended, Served::Tftp) > 0,
            "way {way}"
        );
    }
}

#[test]
fn a_table_or_a_redirect_cannot_downgrade_either() {
    // A default place that was set by mistake is refused like any other.
    let mut mistaken = plan(Protocol::Https);
    mistaken.settings += "require https\norder default\n";
    mistaken.settings += &defaults("http");
    let ended = boot(&mistaken, |_| ());
    ended.assert_failed(&mistaken, NOT_HTTPS, Blame::Configuration);
    // A server that is verified and sends the board elsewhere in the clear.
    let mut redirected = plan(Protocol::Https);
    redirected.settings += "require https\n";
    let ended = boot(&redirected, |server| {
        let elsewhere = image_server::Redirect {
            status: 302,
            location: format!("http://{SERVER}/{}", FILE_NAMES[0]),
        };
        let https = server.https.as_mut().expect("an HTTPS server");
        https
            .redirects
            .insert(format!("/{}", FILE_NAMES[0]), elsewhere);
    });
    ended.assert_failed(&redirected, DOWNGRADE, Blame::Server);
    assert_eq!(count(&ended, Served::Http), 0);
}

/// The files of `plan` in the directory `firmware/` of the server, and DHCP's pointer `boot_file`.
fn in_directory(server: &mut ServerConfig, boot_file: &str) {
    let files = std::mem::take(&mut server.files);
    let moved = |(name, content)| (format!("firmware/{name}"), content);
    server.files = files.into_iter().map(moved).collect();
    server.lease.boot_file = Some(boot_file.into());
    server.lease.next_server = Some(SERVER);
}

#[test]
fn a_forgotten_slash_behind_a_directory_is_found_out() {
    let pointers = [
        (Protocol::Tftp, "firmware".to_string()),
        (Protocol::Tftp, "/firmware".into()),
        (Protocol::Tftp, format!("tftp://{SERVER}/firmware")),
        (Protocol::Http, format!("http://{SERVER}/firmware")),
        (Protocol::Http, format!("http://{SERVER}/firmware?x=1")),
    ];
    for (protocol, pointer) in pointers {
        for settings in ["", "retry 2\n"] {
            let mut plan = plan(protocol);
            plan.settings += settings;
            let boot = boot(&plan, |server| in_directory(server, &pointer));
            boot.assert_booted(&plan);
        }
    }
}

#[test]
fn images_beside_a_boot_file_that_is_absent_are_found() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let plan = plan(protocol);
        let boot = boot(&plan, |server| {
            in_directory(
                server,
                &format!("{}://{SERVER}/firmware/pxelinux.0", protocol.scheme()),
            );
        });
        boot.assert_booted(&plan);
    }
}

#[test]
fn a_server_that_cannot_read_or_sends_nothing_for_a_directory() {
    // dnsmasq: ERROR 0 "cannot read firmware"; tftpd-hpa: access violation; others have an empty file.
    for code in [Some(0), Some(2), None] {
        let plan = plan(Protocol::Tftp);
        let boot = boot(&plan, |server| {
            in_directory(server, "firmware");
            match code {
                Some(code) => {
                    let fault = image_server::TftpFault::Error(code, "cannot read".into());
                    let rule = image_server::Rule::new(fault).named("firmware");
                    server.faults.tftp.add(rule);
                }
                None => {
                    let empty = image_server::Content::Bytes([].into());
                    server.files.insert("firmware".into(), empty);
                }
            }
        });
        boot.assert_booted(&plan);
    }
}

#[test]
fn a_server_that_adds_the_slash_by_a_redirect() {
    let plan = plan(Protocol::Http);
    let boot = boot(&plan, |server| {
        in_directory(server, &format!("http://{SERVER}/firmware"));
        let listing = image_server::Content::Bytes((*b"<title>Index of firmware</title>").into());
        server.files.insert("firmware/".into(), listing);
        let to = image_server::Redirect {
            status: 301,
            location: "/firmware/".into(),
        };
        server.http.redirects.insert("/firmware".into(), to);
    });
    boot.assert_booted(&plan);
}

#[test]
fn a_pointer_that_leads_nowhere_is_shown_with_all_that_was_tried() {
    let plan = plan(Protocol::Tftp);
    let lost = boot(&plan, |server| {
        in_directory(server, "nowhere");
    });
    lost.assert_failed(&plan, 0x0002_0021, Blame::Configuration);
    for tried in [
        "boot_file=nowhere",
        "@boot-file",
        "uri=tftp://10.0.2.2/nowhere\n",
    ] {
        assert!(lost.console.contains(tried), "{tried}: {}", lost.console);
    }
    for tried in ["nowhere/caliptra-fw.bin ", "10.0.2.2/caliptra-fw.bin "] {
        assert!(lost.console.contains(tried), "{tried}: {}", lost.console);
    }
}

#[test]
fn a_mistyped_scheme_is_shown_as_dhcp_told_it() {
    for pointer in [
        "htp://10.0.2.2/fw/",
        "ftp://10.0.2.2/",
        "htttp://h/boot.toc",
    ] {
        let plan = plan(Protocol::Http);
        let ended = boot(&plan, |server| {
            server.lease.boot_file = Some(pointer.into())
        });
        ended.assert_failed(&plan, 0x0001_0004, Blame::Configuration);
        let told = format!("boot_file={pointer}\n");
        assert!(ended.console.contains(&told), "{}", ended.console);
    }
}

#[test]
fn a_missing_file_has_the_same_blame_by_each_protocol() {
    for (protocol, facts) in [
        (
            Protocol::Tftp,
            "code=0x00020021 blame=configuration message=",
        ),
        (
            Protocol::Http,
            "code=0x00030016 blame=configuration status=404 message=",
        ),
    ] {
        let plan = plan(protocol);
        let ended = boot(&plan, |server| {
            server.files.remove(FILE_NAMES[1]);
        });
        let code = u32::from_str_radix(&facts[7..15], 16).unwrap();
        ended.assert_failed(&plan, code, Blame::Configuration);
        assert!(ended.console.contains(facts), "{}", ended.console);
    }
}
