//! Whole boots over IPv6, and over whichever family serves.

use e2e::Sim;
use netboot_core::Duration;
use netsim::{LinkConfig, Middle, Side};
use std::sync::{Arc, Mutex};
use test_pki::Pki;
use testbed::https::Https;
use testbed::plan::{Family, Pointer, SERVER6, firmware};
use testbed::{Plan, Protocol};

fn plan(family: Family, protocol: Protocol) -> Plan {
    Plan {
        protocol,
        family,
        images: firmware(&[60_000, 3_000, 2_001]),
        settings: "probe 100\nretry continue\n".into(),
        https: (protocol == Protocol::Https).then(|| Https::new(Pki::new(7))),
        ..Plan::default()
    }
}

#[test]
fn three_images_by_each_protocol_and_pointer() {
    for protocol in [Protocol::Tftp, Protocol::Http, Protocol::Https] {
        for pointer in [Pointer::Directory, Pointer::Toc, Pointer::FlashImage] {
            let plan = Plan {
                pointer,
                ..plan(Family::Ipv6, protocol)
            };
            let boot = Sim::new(&plan).run();
            boot.assert_booted(&plan);
            let config = boot.outcome.config.as_ref().expect("an address");
            assert!(config.address.is_ipv6());
            let uri = boot.outcome.report.images[0].uri.as_ref().unwrap();
            assert!(uri.as_str().contains(&format!("[{SERVER6}]")), "{uri}");
        }
    }
}

#[test]
fn a_lossy_link() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        for seed in 1..6 {
            let plan = Plan {
                link: LinkConfig {
                    loss: 0.05,
                    delay: Duration::from_millis(2),
                    duplicate: 0.02,
                    ..LinkConfig::PERFECT
                },
                seed,
                settings: "probe 100\nretry 5\n".into(),
                ..plan(Family::Ipv6, protocol)
            };
            Sim::new(&plan).run().assert_booted(&plan);
        }
    }
}

/// Drops what the server sends over one family.
fn deaf_to(ipv6: bool) -> (Arc<Mutex<usize>>, Middle) {
    let dropped = Arc::new(Mutex::new(0));
    let count = dropped.clone();
    let middle: Middle = Box::new(move |_, from, frame, out| {
        let is_ipv6 = frame[12..14] == [0x86, 0xdd];
        let is_ipv4 = frame[12..14] == [8, 0] || frame[12..14] == [8, 6];
        if from == Side::Server && (if ipv6 { is_ipv6 } else { is_ipv4 }) {
            *count.lock().unwrap() += 1;
        } else {
            out.push((from, frame));
        }
    });
    (dropped, middle)
}

#[test]
fn a_family_that_does_not_answer_costs_little() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let plan = plan(Family::Both, protocol);
        let whole = Sim::new(&plan).run();
        whole.assert_booted(&plan);
        let uri = whole.outcome.report.images[0].uri.as_ref().unwrap();
        assert!(
            uri.as_str().contains(&SERVER6.to_string()),
            "IPv6 comes first: {uri}"
        );
        for ipv6 in [false, true] {
            let (_, middle) = deaf_to(ipv6);
            let boot = Sim::new(&plan).middle(middle).run();
            boot.assert_booted(&plan);
            let longer = boot
                .took()
                .as_millis()
                .saturating_sub(whole.took().as_millis());
            assert!(longer < 1_500, "IPv6 dead: {ipv6}, {longer} ms longer");
        }
    }
}

/// The network names places of both families. The first family dies when the first file is asked for; the boot goes on over the other one.
#[test]
fn when_one_family_dies_the_other_one_boots() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let mut plan = plan(Family::Both, protocol);
        plan.settings = "probe off\nretry 3\n".into();
        let mut dead = false;
        let middle: Middle = Box::new(move |_, from, frame, out| {
            let is_ipv6 = frame[12..14] == [0x86, 0xdd];
            let asks = is_ipv6 && (frame[20] == 6 || frame[20] == 17 && frame[56..58] == [0, 69]);
            dead |= asks && from == Side::Client;
            if !(dead && is_ipv6) {
                out.push((from, frame));
            }
        });
        let boot = Sim::new(&plan).middle(middle).run();
        boot.assert_booted(&plan);
        let uri = boot.outcome.report.images[0].uri.as_ref().unwrap();
        assert!(uri.as_str().contains("10.0.2.2"), "{uri}");
    }
}
