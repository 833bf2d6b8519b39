//! The ROM under QEMU boots from packed files, whose blocks are verified before they go into the device.

use image_server::{HttpFault, Rule, TftpFault};
use netboot_verity::Tree;
use testbed::qemu::{self, QemuOptions, QemuOutcome};
use testbed::rom::{self, RomOptions};
use testbed::{Plan, Protocol};

const WRONG_BLOCK: u32 = 0x0005_001f;
const WRONG_HEAD: u32 = 0x000d_0003;

/// A boot whose server has a packed file for each image, and whose board knows the verity digests.
fn plan(protocol: Protocol) -> Plan {
    let mut plan = Plan {
        protocol,
        settings: "probe off\nsettle_ms 300\n".into(),
        ..Plan::default()
    };
    for (index, image) in plan.images.iter().enumerate() {
        let tree = Tree::of(&image.bytes);
        let packed = tree.pack(&image.bytes).unwrap();
        plan.files.push((image.name.clone(), packed));
        plan.settings += &format!("verity {index} {}\n", tree.digest());
    }
    plan
}

fn run(plan: &Plan) -> QemuOutcome {
    let options = RomOptions {
        verity: true,
        ..RomOptions::default()
    };
    let image = rom::build_once(&options).unwrap().image;
    let outcome = qemu::boot(plan, &QemuOptions::new(image), &mut |_| {}).unwrap();
    assert_eq!(outcome.parsed.unreadable, Vec::<String>::new());
    outcome
}

/// Boots; the device must have got each image octet by octet, and run.
fn boots(plan: &Plan) -> QemuOutcome {
    let outcome = run(plan);
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
    outcome
}

#[test]
fn a_rom_boots_from_packed_files() {
    if !qemu::asked_for("a_rom_boots_from_packed_files") {
        return;
    }
    for protocol in [Protocol::Tftp, Protocol::Http] {
        boots(&plan(protocol));
    }
}

/// Nothing wrong goes into the device, so the same device takes the right block a moment later.
#[test]
fn a_rom_asks_again_for_a_wrong_block() {
    if !qemu::asked_for("a_rom_asks_again_for_a_wrong_block") {
        return;
    }
    let mut http = plan(Protocol::Http);
    let name = http.images[0].name.clone();
    let rule = Rule::new(HttpFault::Corrupt(70_000)).named(&name).times(1);
    http.faults.http.add(rule);
    let outcome = boots(&http);
    let mut pieces = outcome.served.iter().filter(|served| served.name == name);
    let again = pieces.nth(1).expect("a second request");
    assert_eq!((again.status, again.offset), (206, 70_000 / 1024 * 1024));
    let mut tftp = plan(Protocol::Tftp);
    let rule = Rule::new(TftpFault::Corrupt(70_000)).named(&name).times(1);
    tftp.faults.tftp.add(rule);
    boots(&tftp);
}

#[test]
fn a_rom_refuses_another_file_and_one_that_stays_wrong() {
    if !qemu::asked_for("a_rom_refuses_another_file_and_one_that_stays_wrong") {
        return;
    }
    let mut other = plan(Protocol::Http);
    other.settings += "retry continue\n";
    other.files[0].1 = other.files[1].1.clone();
    let outcome = run(&other);
    assert_eq!(outcome.parsed.status(), Some(WRONG_HEAD));
    let mut damaged = plan(Protocol::Http);
    damaged.settings += "retry continue\n";
    let rule = Rule::new(HttpFault::Corrupt(70_000)).named(&damaged.images[0].name);
    damaged.faults.http.add(rule);
    let outcome = run(&damaged);
    assert_eq!(outcome.parsed.status(), Some(WRONG_BLOCK));
    assert!(!outcome.parsed.device_images[0].activated);
}
