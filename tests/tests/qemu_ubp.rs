//! The ROM under QEMU boots by the UDP boot protocol.

use image_server::{Protocol as Server, Rule, UbpFault};
use netboot_verity::Tree;
use testbed::qemu::{self, QemuOptions, QemuOutcome};
use testbed::rom::{self, RomOptions};
use testbed::{Plan, Protocol};

const WRONG_BLOCKS: u32 = 0x0010_0008;

/// A boot whose board knows the verity digests.
fn plan() -> Plan {
    let mut plan = Plan {
        protocol: Protocol::Ubp,
        settings: "probe off\nsettle_ms 300\n".into(),
        ..Plan::default()
    };
    for (index, image) in plan.images.iter().enumerate() {
        let digest = Tree::of(&image.bytes).digest();
        plan.settings += &format!("verity {index} {digest}\n");
    }
    plan
}

fn run(plan: &Plan) -> QemuOutcome {
    let options = RomOptions {
        ubp: true,
        ..RomOptions::default()
    };
    let image = rom::build_once(&options).unwrap().image;
    let outcome = qemu::boot(plan, &QemuOptions::new(image), &mut |_| {}).unwrap();
    assert_eq!(outcome.parsed.unreadable, Vec::<String>::new());
    outcome
}

/// The device got each image octet by octet, and runs.
fn assert_booted(plan: &Plan, outcome: &QemuOutcome) {
    let parsed = &outcome.parsed;
    assert_eq!(parsed.cause(), None, "{:#?}", outcome.lines);
    assert!(parsed.booted());
    for (index, image) in plan.images.iter().enumerate() {
        let got = &parsed.device_images[index];
        assert_eq!(got.sha256, Some(image.padded_sha256().to_string()));
        assert!(got.activated && got.verified, "image {index}");
        let digest = Tree::of(&image.bytes).digest();
        let line = format!("verity={digest} expected=true");
        assert!(outcome.lines.iter().any(|said| said.contains(&line)));
    }
}

#[test]
fn a_rom_boots_by_ubp_and_tells_the_server() {
    if !qemu::asked_for("a_rom_boots_by_ubp_and_tells_the_server") {
        return;
    }
    let plan = plan();
    let outcome = run(&plan);
    assert_booted(&plan, &outcome);
    for image in &plan.images {
        let told = outcome.served.iter();
        let told = told.filter(|one| one.protocol == Server::Ubp && one.name == image.name);
        let told: Vec<_> = told.map(|one| (one.octets, one.complete)).collect();
        assert_eq!(told, [(image.bytes.len() as u64, true)]);
    }
}

/// Nothing wrong goes into the device. Forged messages are found out one by one; a file that is wrong on the server is given up.
#[test]
fn a_rom_takes_nothing_forged_and_no_damaged_file() {
    if !qemu::asked_for("a_rom_takes_nothing_forged_and_no_damaged_file") {
        return;
    }
    let mut forged = plan();
    forged.faults.ubp.always(UbpFault::Forge);
    assert_booted(&forged, &run(&forged));
    let mut damaged = plan();
    damaged.settings += "retry continue\n";
    let rule = Rule::new(UbpFault::Damage(70)).named(&damaged.images[0].name);
    damaged.faults.ubp.add(rule);
    let outcome = run(&damaged);
    assert_eq!(outcome.parsed.status(), Some(WRONG_BLOCKS));
    assert!(!outcome.parsed.device_images[0].activated);
}
