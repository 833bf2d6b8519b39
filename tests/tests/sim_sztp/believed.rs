//! Whom a board believes, and what it tells them.

use crate::common::{boot, boot_with, flash_digest, open_plan, place, plan, questions, reports};
use e2e::Boot;
use netboot_core::Blame;
use serde_json::json;
use test_pki::Pki;
use test_pki::sztp::{base64, certificates_only};
use testbed::plan::SERVER;
use testbed::sztp::{People, onboarding, option, serve, unsigned};
use testbed::{Https, Plan};

const UNTRUSTED: u32 = 0x000F_0040;
const NO_SERVER: u32 = 0x000F_0002;

fn demands(plan: &Plan) -> String {
    onboarding(&[&place("http", "flash.bin")], Some(&flash_digest(plan)))
}

/// Whether the console has a line with all these words.
fn has_line(boot: &Boot, words: &[&str]) -> bool {
    let mut lines = boot.console.lines();
    lines.any(|line| words.iter().all(|word| line.contains(word)))
}

#[test]
fn a_trusted_server_says_what_is_to_be_run_and_hears_what_becomes_of_it() {
    let plan = plan(true);
    let boot = boot(&plan, &[unsigned(&demands(&plan))]);
    boot.assert_booted(&plan);
    let questions = questions(&boot);
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0]["hw-model"], "model-x");
    assert_eq!(questions[0]["os-name"], "caliptra-mcu-rom");
    assert!(questions[0].get("signed-data-preferred").is_none());
    assert_eq!(
        reports(&boot),
        ["bootstrap-initiated", "boot-image-installed-rebooting"]
    );
    assert!(has_line(
        &boot,
        &["@bootstrap-servers ", " servers=1 ", " standard=true"]
    ));
    assert!(has_line(&boot, &["@bootstrap ", " proof=root"]));
    assert!(has_line(&boot, &["@onboarding ", " trusted_server=true"]));
    assert!(has_line(
        &boot,
        &["@fetching ", "/flash.bin", " source=sztp"]
    ));
    assert!(has_line(&boot, &["@provisioned ", " end=rebooting"]));
}

#[test]
fn signed_data_is_believed_whoever_brings_it_and_the_bringer_hears_nothing() {
    let plan = plan(false);
    let boot = boot(&plan, &[People::new().signed(&demands(&plan))]);
    boot.assert_booted(&plan);
    let questions = questions(&boot);
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0]["signed-data-preferred"], json!([null]));
    assert_eq!(questions[0].as_object().unwrap().len(), 2);
    assert!(reports(&boot).is_empty());
    assert!(has_line(&boot, &["@bootstrap ", " proof=none"]));
    assert!(has_line(&boot, &["@onboarding ", " trusted_server=false"]));
}

#[test]
fn unsigned_data_of_an_untrusted_server_boots_nothing() {
    let plan = plan(false);
    let boot = boot(&plan, &[unsigned(&demands(&plan))]);
    boot.assert_failed(&plan, UNTRUSTED, Blame::Peer);
    // Two rounds, by the policy.
    assert_eq!(questions(&boot).len(), 2);
    assert!(reports(&boot).is_empty() && !has_line(&boot, &["@fetching "]));
}

#[test]
fn a_server_whose_certificate_is_not_the_right_one_is_asked_without_trust() {
    let mut plan = plan(true);
    // The board trusts another authority than the server's.
    let other = Pki::with_intermediate(77).root().unwrap().to_vec();
    plan.https.as_mut().unwrap().other_root = Some(other);
    let boot = boot(&plan, &[People::new().signed(&demands(&plan))]);
    boot.assert_booted(&plan);
    assert!(has_line(&boot, &["@bootstrap ", " proof=root"]));
    assert!(has_line(&boot, &["@bootstrap ", " proof=none"]));
    let questions = questions(&boot);
    assert_eq!((questions.len(), reports(&boot).len()), (1, 0));
    assert!(questions[0].get("hw-model").is_none());
}

#[test]
fn a_redirect_of_the_owners_makes_its_server_trusted() {
    let plan = plan(false);
    let people = People::new();
    let root = Pki::with_intermediate(crate::common::SEED).root().unwrap();
    let anchor = base64(&certificates_only(&[&root]).unwrap());
    let redirect = format!(
        r#"{{"ietf-sztp-conveyed-info:redirect-information":{{"bootstrap-server":[{{"address":"{SERVER}","trust-anchor":"{anchor}"}}]}}}}"#
    );
    let boot = boot(
        &plan,
        &[people.signed(&redirect), unsigned(&demands(&plan))],
    );
    boot.assert_booted(&plan);
    let questions = questions(&boot);
    assert!(questions[0].get("hw-model").is_none() && questions[1]["hw-model"] == "model-x");
    assert_eq!(
        reports(&boot),
        ["bootstrap-initiated", "boot-image-installed-rebooting"]
    );
    assert!(has_line(&boot, &["@redirected ", " servers=1"]));
    assert!(has_line(&boot, &["@bootstrap ", " proof=anchor"]));
    // Unsigned, the same redirect makes nobody trusted.
    let boot = self::boot(&plan, &[unsigned(&redirect), unsigned(&demands(&plan))]);
    boot.assert_failed(&plan, UNTRUSTED, Blame::Peer);
    assert!(!has_line(&boot, &["proof=anchor"]) && reports(&boot).is_empty());
}

#[test]
fn what_dhcp_names_beside_bootstrap_servers_does_not_count() {
    let plan = plan(true);
    let boot = boot_with(&plan, &[unsigned(&demands(&plan))], |server| {
        server.lease.boot_file = Some("http://192.0.2.1/attacker/".into());
    });
    boot.assert_booted(&plan);
    assert!(!has_line(&boot, &["@fetching ", "attacker"]));
    // A pointer that cannot be read does not matter, either.
    let boot = boot_with(&plan, &[unsigned(&demands(&plan))], |server| {
        server.lease.boot_file = Some("\u{1}\u{2}".into());
    });
    boot.assert_booted(&plan);
}

#[test]
fn a_board_that_must_be_provisioned_boots_nothing_else() {
    let plan = plan(true);
    // No bootstrap server is named.
    let boot = boot_with(&plan, &[unsigned(&demands(&plan))], |server| {
        server.lease.options.clear();
    });
    boot.assert_failed(&plan, NO_SERVER, Blame::Configuration);
    assert!(!has_line(&boot, &["@fetching "]));
    // A board that may boot otherwise does.
    let plan = open_plan(true);
    let boot = boot_with(&plan, &[], |server| server.lease.options.clear());
    boot.assert_booted(&plan);
    assert!(has_line(&boot, &["@fetching ", " source=toc"]));
}

#[test]
fn servers_that_the_board_knows_are_asked_before_those_of_dhcp() {
    let mut plan = plan(true);
    plan.sztp.as_mut().unwrap().servers = vec![
        format!("https://{SERVER}:4433"),
        format!("https://{SERVER}"),
    ];
    let boot = boot_with(&plan, &[unsigned(&demands(&plan))], |server| {
        server.lease.options.clear();
    });
    boot.assert_booted(&plan);
    let asked: Vec<&str> = boot
        .console
        .lines()
        .filter(|line| line.starts_with("@bootstrap "))
        .collect();
    assert!(asked[0].contains(":4433/") && !asked.last().unwrap().contains(":4433/"));
}

#[test]
fn other_forms_of_the_option_are_read_and_told() {
    let plan = plan(true);
    let uri = format!("https://{SERVER}");
    let short = [&[uri.len() as u8][..], uri.as_bytes()].concat();
    for value in [short, uri.clone().into_bytes()] {
        let boot = boot_with(&plan, &[unsigned(&demands(&plan))], |server| {
            server.lease.options = vec![(143, value)];
        });
        boot.assert_booted(&plan);
        assert!(has_line(&boot, &["@bootstrap-servers ", " standard=false"]));
    }
    let boot = boot_with(&plan, &[], |server| {
        server.lease.options = vec![(143, b"\x00\x04http".to_vec())]
    });
    boot.assert_failed(&plan, NO_SERVER, Blame::Configuration);
    assert!(has_line(&boot, &["@attempt-failed ", "code=0x000f0001"]));
}

#[test]
fn a_client_certificate_is_shown_to_servers_that_ask() {
    let mut plan = plan(true);
    let https = plan.https.as_mut().unwrap();
    (https.mutual, https.client) = (true, true);
    let boot = boot(&plan, &[unsigned(&demands(&plan))]);
    boot.assert_booted(&plan);
    // Blindly accepted, a server sees the certificate too: it may be the owner's, and has to know whom it answers.
    let mut plan = self::plan(false);
    let https: &mut Https = plan.https.as_mut().unwrap();
    (https.mutual, https.client) = (true, true);
    let boot = self::boot(&plan, &[People::new().signed(&demands(&plan))]);
    boot.assert_booted(&plan);
}

#[test]
fn two_named_servers_are_asked_in_their_order() {
    let plan = plan(true);
    let answers = [b"{}".to_vec(), unsigned(&demands(&plan))];
    let boot = boot_with(&plan, &answers, |server| {
        serve(&mut server.http.posts, &answers);
        let (code, value) = option(&format!("https://{SERVER}"));
        server.lease.options = vec![(code, value.repeat(2))];
    });
    boot.assert_booted(&plan);
    assert_eq!(
        reports(&boot),
        [
            "parsing-error",
            "bootstrap-initiated",
            "boot-image-installed-rebooting"
        ]
    );
}
