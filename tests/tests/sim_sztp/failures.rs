//! Bootstrap servers that fail in every way: a boot ends by the next one, or with a named error.

use crate::common::{boot_with, flash_digest, place, plan, questions, reports};
use image_server::{HttpFault, Post, Rule};
use netboot_core::{Blame, Duration};
use netboot_sztp::ASK_PATH;
use testbed::sztp::{People, onboarding, unsigned};

fn answer(status: u16, media_type: &str, content: &[u8]) -> Post {
    Post {
        status,
        media_type: media_type.into(),
        accept: None,
        content: Some(content.to_vec()),
        then: None,
    }
}

/// Each wrong answer ends in an error of its own, and nothing is delivered.
#[test]
fn each_wrong_answer_has_its_number() {
    const JSON: &str = "application/yang-data+json";
    let plan = plan(true);
    let good = unsigned(&onboarding(&[&place("http", "flash.bin")], None));
    let xml = test_pki::sztp::unsigned(test_pki::sztp::CONVEYED_XML, b"<onboarding-information/>")
        .unwrap();
    let xml = test_pki::sztp::answer(&xml, None);
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(20_000));
    for (post, code, blame) in [
        (answer(401, JSON, b"{}"), 0x000F_0003, Blame::Server),
        (answer(404, JSON, b"{}"), 0x000F_0003, Blame::Server),
        (
            answer(406, "text/plain", b"Accept"),
            0x000F_0003,
            Blame::Server,
        ),
        (
            answer(500, "text/plain", b"oops"),
            0x000F_0003,
            Blame::Server,
        ),
        (answer(200, "text/html", &good), 0x000F_0004, Blame::Server),
        (
            answer(200, "application/yang-data+xml", b"<output/>"),
            0x000F_0004,
            Blame::Server,
        ),
        (answer(200, JSON, b"<output/>"), 0x000F_0005, Blame::Peer),
        (
            answer(200, JSON, &good[..good.len() - 1]),
            0x000F_0005,
            Blame::Peer,
        ),
        (
            answer(200, JSON, xml.as_bytes()),
            0x000F_0011,
            Blame::Server,
        ),
        (
            answer(200, JSON, long.as_bytes()),
            0x0005_0017,
            Blame::Server,
        ),
    ] {
        let boot = boot_with(&plan, &[], |server| {
            server.http.posts.insert(ASK_PATH.into(), post.clone());
        });
        let error = boot.outcome.report.error.as_ref().unwrap();
        let found = (
            netboot_core::Coded::code(error),
            netboot_core::Coded::blame(error),
        );
        assert_eq!(
            found.0, code,
            "{:08x} {}\n{}",
            found.0, post.media_type, boot.console
        );
        assert_eq!(found.1, blame, "{}", boot.console);
        assert!(!boot.console.contains("@fetching "));
        boot.check(&plan).unwrap();
    }
}

#[test]
fn an_answer_that_comes_in_the_second_round_is_taken() {
    let plan = plan(true);
    let good = unsigned(&onboarding(
        &[&place("http", "flash.bin")],
        Some(&flash_digest(&plan)),
    ));
    for fault in [
        HttpFault::NeverAnswer,
        HttpFault::ResetAfter(100),
        HttpFault::StallAfter(300),
        HttpFault::CloseAfter(200),
        HttpFault::Delay(Duration::from_secs(2)),
    ] {
        let boot = boot_with(&plan, std::slice::from_ref(&good), |server| {
            server
                .faults
                .http
                .add(Rule::new(fault.clone()).after(1 - 1).times(1));
        });
        boot.assert_booted(&plan);
    }
}

#[test]
fn a_server_that_refuses_the_first_report_is_given_up() {
    let plan = plan(true);
    let good = unsigned(&onboarding(
        &[&place("http", "flash.bin")],
        Some(&flash_digest(&plan)),
    ));
    for status in [200, 401, 500] {
        let boot = boot_with(&plan, std::slice::from_ref(&good), |server| {
            let reports = answer(status, "text/plain", b"no");
            server
                .http
                .posts
                .insert(netboot_sztp::REPORT_PATH.into(), reports);
        });
        boot.assert_failed(&plan, 0x000F_0050, Blame::Server);
        assert!(
            reports(&boot)
                .iter()
                .all(|report| report == "bootstrap-initiated")
        );
    }
}

#[test]
fn a_failed_image_is_told_and_the_server_is_asked_again() {
    let plan = plan(true);
    let absent = unsigned(&onboarding(&[&place("http", "absent.bin")], None));
    let good = unsigned(&onboarding(
        &[&place("http", "flash.bin")],
        Some(&flash_digest(&plan)),
    ));
    let boot = boot_with(&plan, &[absent, good], |_| ());
    boot.assert_booted(&plan);
    assert_eq!(
        reports(&boot),
        [
            "bootstrap-initiated",
            "boot-image-error",
            "bootstrap-initiated",
            "boot-image-installed-rebooting"
        ]
    );
    assert_eq!(questions(&boot).len(), 2);
}

#[test]
fn a_configuration_that_nobody_can_keep_is_told() {
    let plan = plan(true);
    let demands = r#"{"ietf-sztp-conveyed-info:onboarding-information":{"configuration-handling":"merge","configuration":"AAAA"}}"#;
    let boot = boot_with(&plan, &[unsigned(demands)], |_| ());
    boot.assert_failed(&plan, 0x000F_0062, Blame::Device);
    assert_eq!(reports(&boot)[..2], ["bootstrap-initiated", "config-error"]);
    // Signed, by a server that nobody trusts: the same, and nobody hears of it.
    let plan = self::plan(false);
    let boot = boot_with(&plan, &[People::new().signed(demands)], |_| ());
    boot.assert_failed(&plan, 0x000F_0062, Blame::Device);
    assert!(reports(&boot).is_empty());
}

#[test]
fn redirects_in_a_circle_end() {
    let plan = plan(false);
    let circle = format!(
        r#"{{"ietf-sztp-conveyed-info:redirect-information":{{"bootstrap-server":[{{"address":"{}"}}]}}}}"#,
        testbed::plan::SERVER
    );
    let boot = boot_with(&plan, &[unsigned(&circle)], |_| ());
    boot.assert_failed(&plan, 0x000F_0043, Blame::Peer);
    assert_eq!(questions(&boot).len(), 22);
}
