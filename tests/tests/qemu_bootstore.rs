//! The ROM under QEMU on a network without DHCP: it boots by what a rack remembers.

use testbed::plan::Family;
use testbed::qemu::{self, QemuOptions, QemuOutcome};
use testbed::rack::Remembered;
use testbed::rom::{self, RomOptions};
use testbed::{Plan, Protocol};

/// Boots a board that remembers this, and checks every image.
fn boots(remembered: Remembered, family: Family) -> QemuOutcome {
    let plan = Plan {
        protocol: Protocol::Http,
        remembered: Some(remembered),
        family,
        expect: true,
        settings: "probe off\nsettle_ms 300\ndhcp_ms 1000\n".into(),
        ..Plan::default()
    };
    let rom = rom::build_once(&RomOptions {
        settings: true,
        bootstore: true,
        ipv6: family != Family::Ipv4,
        ..RomOptions::default()
    })
    .unwrap();
    let outcome = qemu::boot(&plan, &QemuOptions::new(rom.image), &mut |_| {}).unwrap();
    let parsed = &outcome.parsed;
    assert_eq!(parsed.unreadable, Vec::<String>::new());
    assert_eq!(parsed.cause(), None, "{:#?}", outcome.lines);
    assert!(parsed.booted() && outcome.exit_code == Some(0));
    for (index, image) in plan.images.iter().enumerate() {
        let sha256 = Some(image.padded_sha256().to_string());
        assert_eq!(parsed.device_images[index].sha256, sha256, "image {index}");
    }
    // DHCP was asked, and nobody answered.
    assert!(!parsed.failures.is_empty());
    assert!(
        outcome
            .served
            .iter()
            .all(|served| served.protocol != image_server::Protocol::Dhcp || !served.complete)
    );
    outcome
}

#[test]
fn a_board_without_dhcp_boots_by_its_ledger() {
    if qemu::asked_for("a_board_without_dhcp_boots_by_its_ledger") {
        let outcome = boots(Remembered::Ledger, Family::Ipv4);
        let told = outcome.parsed.bootstore.clone();
        assert_eq!(told, Some(("ledger".to_string(), 1)));
    }
}

#[test]
fn a_board_without_dhcp_and_without_a_ledger_boots_by_a_node() {
    if !qemu::asked_for("a_board_without_dhcp_and_without_a_ledger_boots_by_a_node") {
        return;
    }
    for family in [Family::Both, Family::Ipv6] {
        let outcome = boots(Remembered::Node, family);
        let told = outcome.parsed.bootstore.clone();
        assert_eq!(told, Some(("fe80::ff:fe00:101".to_string(), 1)));
        let memory = outcome.parsed.memory.unwrap();
        assert!(memory.stack_used <= 12 << 10, "{memory:?}");
    }
}
