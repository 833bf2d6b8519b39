//! What the image may be that an owner names, and how its digest is held.

use crate::common::{boot, boot_with, digest, flash_digest, octets, place, plan, reports};
use image_server::{HttpFault, Rule, ServerConfig};
use netboot_app::Outcome;
use netboot_core::Blame;
use testbed::plan::Pointer;
use testbed::sztp::{People, onboarding, unsigned};

const DIGEST_MISMATCH: u32 = 0x0007_0003;
const NO_SOURCE: u32 = 0x0007_0001;

#[test]
fn a_file_with_a_table_comes_by_http_tftp_and_https() {
    for scheme in ["http", "tftp", "https"] {
        for trusted in [true, false] {
            let plan = plan(trusted);
            let demands = onboarding(&[&place(scheme, "flash.bin")], Some(&flash_digest(&plan)));
            let answer = match trusted {
                true => unsigned(&demands),
                false => People::new().signed(&demands),
            };
            // With its digest known, the file may come from a server that has proved nothing.
            boot(&plan, &[answer]).assert_booted(&plan);
        }
    }
}

#[test]
fn without_a_digest_an_https_server_has_to_prove_itself() {
    let plan = plan(false);
    let demands = onboarding(&[&place("https", "flash.bin")], None);
    let boot = boot(&plan, &[People::new().signed(&demands)]);
    assert_eq!(boot.outcome.report.status() >> 16, 9, "{}", boot.console);
    // The device itself verifies what comes without a digest.
    let plan = self::plan(true);
    let boot = self::boot(&plan, &[unsigned(&demands)]);
    boot.assert_booted(&plan);
}

#[test]
fn no_image_of_a_file_with_another_digest_is_delivered() {
    let plan = plan(true);
    let wrong = "0".repeat(64);
    let demands = onboarding(&[&place("http", "flash.bin")], Some(&wrong));
    let boot = boot(&plan, &[unsigned(&demands)]);
    boot.assert_failed(&plan, DIGEST_MISMATCH, Blame::Server);
    assert!(boot.outcome.images.iter().all(|image| !image.activated));
    assert!(boot.outcome.report.images.is_empty(), "{}", boot.console);
    assert_eq!(
        reports(&boot)[..2],
        ["bootstrap-initiated", "boot-image-error"]
    );
}

#[test]
fn the_next_place_serves_when_the_first_has_another_file() {
    let mut plan = plan(true);
    let right = flash_digest(&plan);
    let mut other = octets(&plan, "flash.bin");
    let last = other.len() - 1;
    other[last] ^= 1;
    plan.files.push(("mirror.bin".into(), other));
    let places = [
        place("http", "absent.bin"),
        place("http", "mirror.bin"),
        place("tftp", "flash.bin"),
    ];
    let demands = onboarding(&places.each_ref().map(String::as_str), Some(&right));
    let boot = boot(&plan, &[unsigned(&demands)]);
    boot.assert_booted(&plan);
    assert!(boot.console.contains("code=0x00070003"), "{}", boot.console);
    assert_eq!(reports(&boot).len(), 2);
}

/// A file that changes between the two passes: the device never activates an image of the second one.
#[test]
fn a_file_that_changes_after_it_was_measured_is_noticed() {
    let plan = plan(true);
    let demands = onboarding(&[&place("http", "flash.bin")], Some(&flash_digest(&plan)));
    let boot = boot_with(&plan, &[unsigned(&demands)], |server| {
        // The first request looks into the table, the second measures; the third is for the first image.
        server.http.etag = image_server::EtagKind::None;
        server.http.last_modified = None;
        server
            .faults
            .http
            .add(Rule::new(HttpFault::Corrupt(5_000)).after(2 - 1).times(1));
        server
            .faults
            .http
            .add(Rule::new(HttpFault::Corrupt(5_000)).after(3 - 1).times(1));
    });
    boot.check(&plan).unwrap();
    for (image, record) in plan.images.iter().zip(&boot.outcome.images) {
        assert!(!record.activated || record.sha256 == Some(image.padded_sha256()));
    }
}

#[test]
fn a_file_without_a_table_is_the_first_image() {
    let mut plan = plan(true);
    plan.pointer = Pointer::Directory;
    let name = plan.images[0].name.clone();
    let sha256 = plan.images[0].sha256().to_string();
    let demands = onboarding(&[&place("http", &name)], Some(&sha256));
    let boot = boot(&plan, &[unsigned(&demands)]);
    // The device wants two more, and nobody has named them.
    boot.assert_failed(&plan, NO_SOURCE, Blame::Configuration);
    let report = &boot.outcome.report;
    assert_eq!(report.images[0].outcome, Outcome::Activated);
    assert_eq!(
        (report.images[1].index, report.images[1].outcome),
        (1, Outcome::NotActivated)
    );
    assert_eq!(
        reports(&boot)[..2],
        ["bootstrap-initiated", "boot-image-error"]
    );
}

#[test]
fn a_table_may_name_files_beside_it() {
    let plan = plan(true);
    let table = octets(&plan, "boot.toc");
    let demands = onboarding(&[&place("http", "boot.toc")], Some(&digest(&table)));
    boot(&plan, &[unsigned(&demands)]).assert_booted(&plan);
}

#[test]
fn a_script_says_where_the_images_are_and_only_the_right_one_runs() {
    let mut plan = plan(true);
    plan.built_in = Some("#!ipxe\nautoboot\n");
    let mut script = String::from("#!ipxe\n");
    for (index, image) in plan.images.iter().enumerate() {
        script += &format!(
            "imgfetch --name image{index} http://{}/{}\n",
            testbed::plan::SERVER,
            image.name
        );
    }
    script += "imgexec image0\nimgexec image1\nimgexec image2\n";
    plan.files
        .push(("boot.ipxe".into(), script.clone().into_bytes()));
    let demands = |sha256: &str| onboarding(&[&place("http", "boot.ipxe")], Some(sha256));
    let boot = boot(&plan, &[unsigned(&demands(&digest(script.as_bytes())))]);
    boot.assert_booted(&plan);
    assert!(boot.console.contains("@script "), "{}", boot.console);
    let boot = self::boot(&plan, &[unsigned(&demands(&"1".repeat(64)))]);
    boot.assert_failed(&plan, DIGEST_MISMATCH, Blame::Server);
    assert!(!boot.console.contains("@script "), "{}", boot.console);
}

#[test]
fn a_transfer_that_breaks_is_taken_up_again_in_both_passes() {
    let plan = plan(true);
    let demands = onboarding(&[&place("http", "flash.bin")], Some(&flash_digest(&plan)));
    for request in 1..5 {
        let boot = boot_with(&plan, &[unsigned(&demands)], |server| {
            server.faults.http.add(
                Rule::new(HttpFault::CloseAfter(1_500))
                    .after(request - 1)
                    .times(1),
            );
        });
        boot.assert_booted(&plan);
    }
}

/// The owner tells the SHA-256 of the file, which is packed: a wrong block is asked for again, and activation waits for the whole.
#[test]
fn a_packed_file_is_verified_block_by_block() {
    let mut plan = plan(true);
    plan.pointer = Pointer::Directory;
    let tree = netboot_verity::Tree::of(&plan.images[0].bytes);
    let packed = tree.pack(&plan.images[0].bytes).unwrap();
    let sha256 = digest(&packed);
    plan.files.push(("image.nbv".into(), packed));
    let demands = |sha256: &str| onboarding(&[&place("http", "image.nbv")], Some(sha256));
    let damage = |server: &mut ServerConfig| {
        let fault = Rule::new(HttpFault::Corrupt(5_000)).named("image.nbv");
        server.faults.http.add(fault.after(1).times(1));
    };
    let boot = boot_with(&plan, &[unsigned(&demands(&sha256))], damage);
    // The device wants two more, and nobody has named them.
    boot.assert_failed(&plan, NO_SOURCE, Blame::Configuration);
    let image = &boot.outcome.report.images[0];
    assert_eq!((image.outcome, image.resumes), (Outcome::Activated, 1));
    assert_eq!(image.sha256, Some(plan.images[0].sha256()));
    let boot = self::boot(&plan, &[unsigned(&demands(&"1".repeat(64)))]);
    boot.assert_failed(&plan, DIGEST_MISMATCH, Blame::Server);
}
