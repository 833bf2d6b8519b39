//! The ROM stays up after a boot under QEMU, and the program of the host library asks it what it runs.

use recovery_model::padded_sha256;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::plan::Image;
use testbed::qemu::{self, QemuOptions, QemuOutcome};
use testbed::rom::{self, RomOptions};
use testbed::stay::{self, Endpoints};
use testbed::{Plan, Protocol};

/// The program `caliptra-util`, built as a user would.
fn caliptra_util() -> PathBuf {
    let mut cargo = rom::cargo();
    cargo.args(["build", "--quiet", "-p", "caliptra-util"]);
    let status = cargo.current_dir(rom::workspace()).status().unwrap();
    assert!(status.success(), "caliptra-util does not build");
    rom::target_directory().join("debug/caliptra-util")
}

fn util(program: &Path, arguments: &[&str]) -> String {
    let done = Command::new(program)
        .args(arguments)
        .env_remove("CALIPTRA_UTIL_TRANSPORT")
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

fn ask(program: &Path, transport: &str, command: &str) -> Value {
    let text = util(program, &["--json", "-t", transport, command]);
    serde_json::from_str(&text).unwrap()
}

/// Boots `plan` and has `visit` called at the board that stays up.
fn visit(plan: &Plan, visit: &mut dyn FnMut(&Endpoints)) -> QemuOutcome {
    let options = RomOptions::staying();
    let image = rom::build_once(&options).unwrap().image;
    let mut visits = 0;
    let outcome = stay::boot(plan, &QemuOptions::new(image), 0, &mut |_| {}, &mut |at| {
        visits += 1;
        visit(at);
        Ok(())
    });
    let outcome = outcome.unwrap();
    assert_eq!(outcome.parsed.unreadable, Vec::<String>::new());
    assert!(outcome.parsed.stop.is_none(), "{:?}", outcome.parsed.stop);
    assert_eq!(visits, usize::from(outcome.parsed.booted()));
    outcome
}

fn plan() -> Plan {
    Plan {
        protocol: Protocol::Tftp,
        settings: "probe off\nsettle_ms 300\n".into(),
        ..Plan::default()
    }
}

/// A Caliptra firmware bundle with a manifest of `size` octets, whose runtime firmware has version 2.1.515.
fn bundle(size: usize) -> Image {
    let mut image = Image::pseudo_random("caliptra-fw.bin", size + 20_000, 5);
    let mut octets = image.bytes.to_vec();
    let entry = size - 104;
    let fields: [(usize, &[u8]); 6] = [
        (0, b"CMAN"),
        (4, &(size as u32).to_le_bytes()),
        (entry, &2u32.to_le_bytes()),
        (entry + 4, &1u32.to_le_bytes()),
        (entry + 8, &[0xC4; 20]),
        (entry + 28, &0x0201_0203u32.to_le_bytes()),
    ];
    for (at, field) in fields {
        octets[at..][..field.len()].copy_from_slice(field);
    }
    image.bytes = octets.into();
    image
}

/// The version of an image that tells none.
fn by_digest(image: &Image) -> Value {
    let digits = &image.sha256().to_string()[..20];
    json!(format!("0.0.0 ({digits})"))
}

#[test]
fn the_board_tells_by_mailbox_and_by_mctp_what_was_booted() {
    if !qemu::asked_for("the_board_tells_by_mailbox_and_by_mctp_what_was_booted") {
        return;
    }
    let program = caliptra_util();
    let plan = plan();
    let outcome = visit(&plan, &mut |at| {
        for transport in [at.mailbox_uri(), at.mctp_uri()] {
            let info = ask(&program, &transport, "info");
            assert_eq!(info["network_boot"], true, "{transport}");
            let firmware = json!({
                "caliptra": by_digest(&plan.images[0]),
                "soc": by_digest(&plan.images[1]),
                "mcu_runtime": by_digest(&plan.images[2]),
            });
            assert_eq!(info["firmware"], firmware, "{transport}");
            assert_eq!(ask(&program, &transport, "caps")["mcu_rom"]["bits"], 4);
        }
        // More than one question over each: the board answers again, in any order.
        for _ in 0..5 {
            for transport in [at.mctp_uri(), at.mailbox_uri()] {
                assert_eq!(ask(&program, &transport, "info")["network_boot"], true);
            }
        }
        // The mailbox has what MCTP has not.
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"abc").unwrap();
        let path = file.path().to_str().unwrap();
        let digest = util(&program, &["-t", &at.mailbox_uri(), "hash", path]);
        // SHA-384 of "abc" (FIPS 180-2, appendix D).
        assert!(
            digest.contains("cb00753f45a35e8bb5a03d699ac65007"),
            "{digest}"
        );
    });
    assert_eq!(outcome.parsed.cause(), None, "{:#?}", outcome.lines);
    assert!(outcome.parsed.booted());
    assert_eq!(outcome.exit_code, Some(0), "{:#?}", outcome.lines);
    let memory = outcome.parsed.memory.unwrap();
    assert!(memory.stack_used < memory.stack_size);
}

#[test]
fn a_bundle_with_a_manifest_is_named_by_its_version() {
    if !qemu::asked_for("a_bundle_with_a_manifest_is_named_by_its_version") {
        return;
    }
    let program = caliptra_util();
    let mut plan = plan();
    plan.images[0] = bundle(16_952);
    let outcome = visit(&plan, &mut |at| {
        for transport in [at.mailbox_uri(), at.mctp_uri()] {
            let firmware = &ask(&program, &transport, "info")["firmware"];
            assert_eq!(
                firmware["caliptra"], "2.1.515 (c4c4c4c4c4c4)",
                "{transport}"
            );
            assert_eq!(firmware["mcu_runtime"], by_digest(&plan.images[2]));
        }
    });
    assert!(outcome.parsed.booted());
    let got = &outcome.parsed.device_images[0];
    assert_eq!(
        got.sha256,
        Some(padded_sha256(&plan.images[0].bytes).to_string())
    );
}

/// A board that has nothing to run does not stay.
#[test]
fn a_board_that_did_not_boot_answers_nobody() {
    if !qemu::asked_for("a_board_that_did_not_boot_answers_nobody") {
        return;
    }
    let mut plan = plan();
    plan.settings += "retry continue\n";
    plan.device += "refuse 1 6\n";
    let outcome = visit(&plan, &mut |_| {
        panic!("a visit at a board that did not boot")
    });
    assert!(!outcome.parsed.booted());
    assert!(outcome.parsed.stay.is_none());
    assert_ne!(outcome.exit_code, Some(0));
}
