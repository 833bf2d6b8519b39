//! `imgverify` with a signature: what OpenSSL signs is believed if the right people sign it.

use super::{plan, serve};
use e2e::{Boot, Sim};
use netboot_core::Blame;
use std::fs;
use std::process::Command;
use test_pki::{Identity, Pki, Usage, Validity, pem_of};
use testbed::plan::FILE_NAMES;
use testbed::{Plan, Protocol};

const DIGEST: u32 = 0x0007_0003;
const WRONG_SIGNER: u32 = 0x0007_001c;
const NO_SIGNERS: u32 = 0x0007_001d;
const TRUST: &str = "imgtrust --permanent\n";

/// What a person signs, by `openssl cms`.
fn sign(signer: &Identity, octets: &[u8], more: &[&str]) -> Vec<u8> {
    let folder = tempfile::TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("image"), octets).unwrap();
    let (own, others) = signer.chain.split_first().unwrap();
    fs::write(at.join("own.pem"), pem_of(own)).unwrap();
    let others: String = others.iter().map(pem_of).collect();
    fs::write(at.join("others.pem"), others).unwrap();
    fs::write(at.join("key.pem"), signer.key_pem()).unwrap();
    let output = Command::new("openssl")
        .args("cms -sign -binary -in image -outform DER -out signature".split(' '))
        .args("-signer own.pem -inkey key.pem -certfile others.pem -nosmimecap".split(' '))
        .args(more)
        .current_dir(at)
        .output()
        .expect("openssl is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    fs::read(at.join("signature")).unwrap()
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
    // Another authority's, one for another use, and one whose signature is over the image itself.
    let stranger = signer(&Pki::with_intermediate(10), Usage::CodeSigning);
    let texts = [
        refused(&stranger, &[]),
        refused(&signer(&pki, Usage::Server), &[]),
        refused(&signer(&pki, Usage::CodeSigning), &["-noattr"]),
    ];
    for (text, part) in texts.iter().zip(["path is wrong", "use", "content"]) {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_board_that_knows_no_signers_says_so() {
    let (mut plan, pki) = signed("");
    plan.signers = None;
    let boot = run(&plan, &signer(&pki, Usage::CodeSigning), &[]);
    boot.assert_failed(&plan, NO_SIGNERS, Blame::Configuration);
}
