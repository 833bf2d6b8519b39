//! `imgverify` with a signature: what OpenSSL signs is believed if the right people sign it.

use super::{plan, serve};
use e2e::{Boot, Sim};
use image_server::{HttpFault, Rule};
use netboot_core::{Blame, Instant};
use test_pki::{Identity, Pki, Usage, Validity};
use testbed::plan::FILE_NAMES;
use testbed::{Plan, Protocol};

const DIGEST: u32 = 0x0007_0003;
const WRONG_SIGNER: u32 = 0x0007_001c;
const NO_SIGNERS: u32 = 0x0007_001d;
const TRUST: &str = "imgtrust --permanent\n";

/// What a person signs, by `openssl cms`.
fn sign(signer: &Identity, octets: &[u8], more: &[&str]) -> Vec<u8> {
    test_pki::sign(&[signer], octets, &[&["-nosmimecap"], more].concat()).unwrap()
}

/// A plan whose script has each image verified by the signature beside it, and the people who may sign.
pub fn signed(extra: &str) -> (Plan, Pki) {
    let pki = Pki::with_intermediate(9);
    let lines: String = FILE_NAMES
        .map(|name| format!("imgfetch {name}\nimgverify {extra} {name} {name}.sig\n"))
        .concat();
    let mut plan = plan(Protocol::Http, &format!("{TRUST}{lines}boot"));
    plan.signers = Some(pki.root().unwrap().to_vec());
    plan.expect = false;
    (plan, pki)
}

pub fn run(plan: &Plan, signer: &Identity, more: &[&str]) -> Boot {
    Sim::new(plan)
        .server(|server| {
            for image in &plan.images {
                let signature = sign(signer, &image.bytes, more);
                serve(server, &format!("{}.sig", image.name), &signature);
            }
        })
        .run()
}

/// The person whose name is `release`.
pub fn release(pki: &Pki) -> Identity {
    signer(pki, Usage::CodeSigning)
}

fn signer(pki: &Pki, usage: Usage) -> Identity {
    pki.signer("release", usage, Validity::default()).unwrap()
}

#[test]
fn images_that_the_right_people_signed_boot_the_device() {
    for extra in ["", "--signer release"] {
        let (plan, pki) = signed(extra);
        run(&plan, &signer(&pki, Usage::CodeSigning), &[]).assert_booted(&plan);
    }
}

#[test]
fn an_image_that_was_changed_is_not_activated() {
    let (mut plan, pki) = signed("");
    plan.corrupt = Some(0);
    let boot = run(&plan, &signer(&pki, Usage::CodeSigning), &[]);
    boot.assert_failed(&plan, DIGEST, Blame::Server);
    assert!(!boot.outcome.images[0].activated);
}

#[test]
fn signatures_of_others_are_refused_before_anything_is_delivered() {
    let (plan, pki) = signed("--signer somebody");
    let boot = run(&plan, &signer(&pki, Usage::CodeSigning), &[]);
    boot.assert_failed(&plan, WRONG_SIGNER, Blame::Server);
    assert_eq!(boot.outcome.images[0].octets, 0);
    let (plan, pki) = signed("");
    let refused = |signer: &Identity, more: &[&str]| {
        let boot = run(&plan, signer, more);
        boot.check(&plan).unwrap();
        assert_eq!(boot.outcome.images[0].octets, 0);
        let error = boot.outcome.report.error.as_ref().unwrap();
        format!("{error}")
    };
    // Another authority's, and one for another use.
    let stranger = signer(&Pki::with_intermediate(10), Usage::CodeSigning);
    let texts = [
        refused(&stranger, &[]),
        refused(&signer(&pki, Usage::Server), &[]),
    ];
    for (text, part) in texts.iter().zip(["path is wrong", "use"]) {
        assert!(text.contains(part), "{text}");
    }
}

/// A signature that iPXE's documentation makes is over the image itself.
#[test]
fn signatures_without_attributes_are_verified_by_what_the_server_has() {
    let (mut plan, pki) = signed("--signer release");
    let signer = release(&pki);
    let boot = run(&plan, &signer, &["-noattr"]);
    boot.assert_booted(&plan);
    let asked = super::asked(&boot);
    let times = |name: &str| asked.iter().filter(|asked| **asked == name).count();
    // For `imgfetch`, for the digest, and for the device.
    assert!((2..=3).contains(&times(FILE_NAMES[0])), "{asked:?}");
    // Another image than the one that was signed is found before anything is delivered.
    plan.corrupt = Some(0);
    let boot = run(&plan, &signer, &["-noattr"]);
    boot.check(&plan).unwrap();
    assert_eq!(boot.outcome.images[0].octets, 0);
    let error = boot.outcome.report.error.as_ref().unwrap();
    assert!(
        format!("{error}").contains("signature of the message is wrong"),
        "{error}"
    );
    plan.corrupt = None;
    // One that was changed later is found before it is activated.
    let script = plan.script.as_mut().unwrap();
    *script = script.replace("\nboot", "\nsleep 20\nboot");
    let name = plan.images[0].name.clone();
    let mut other = plan.images[0].bytes.to_vec();
    other[100] ^= 1;
    let signature: Vec<_> = plan
        .images
        .iter()
        .map(|image| {
            (
                image.name.clone(),
                sign(&signer, &image.bytes, &["-noattr"]),
            )
        })
        .collect();
    let boot = Sim::new(&plan)
        .server(|server| {
            for (name, signature) in &signature {
                serve(server, &format!("{name}.sig"), signature);
            }
        })
        .at(Instant::from_millis(10_000), move |world| {
            serve(world.server.config_mut(), &name, &other);
        })
        .run();
    boot.assert_failed(&plan, DIGEST, Blame::Server);
    assert!(!boot.outcome.images[0].activated);
}

#[test]
fn an_image_that_is_hashed_comes_from_the_place_that_has_it() {
    let (mut plan, pki) = signed("");
    let first = FILE_NAMES[0];
    let script = plan.script.as_mut().unwrap();
    *script = script.replace(
        &format!("imgfetch {first}\n"),
        &format!("imgfetch --name {first} gone.bin\nimgfetch {first}\n"),
    );
    let signer = release(&pki);
    let bytes = plan.images[0].bytes.clone();
    let gone = Rule::new(HttpFault::Status(500, None)).named("gone.bin");
    let boot = Sim::new(&plan)
        .server(|server| {
            serve(server, "gone.bin", &bytes);
            for image in &plan.images {
                let signature = sign(&signer, &image.bytes, &["-noattr"]);
                serve(server, &format!("{}.sig", image.name), &signature);
            }
            server.faults.http.add(gone.after(1));
        })
        .run();
    boot.assert_booted(&plan);
}

#[test]
fn a_board_that_knows_no_signers_says_so() {
    let (mut plan, pki) = signed("");
    plan.signers = None;
    let boot = run(&plan, &signer(&pki, Usage::CodeSigning), &[]);
    boot.assert_failed(&plan, NO_SIGNERS, Blame::Configuration);
}
