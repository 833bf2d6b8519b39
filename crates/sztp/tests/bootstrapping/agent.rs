//! The agent: what it asks, whom it believes, what it reports.

use crate::people::{ONBOARDING, PEOPLE, REDIRECT, Sent};
use crate::world::{ALL, Server, World, redirect, run, with_agent};
use netboot_core::Uri;
use netboot_sztp::{End, MEDIA_TYPE, Proof, Step, SztpError};
use proptest::prelude::*;
use test_pki::sztp::{self, base64};

#[test]
fn a_trusted_server_is_told_what_happens() {
    let (end, log) = run(1, true, &mut |_, _| Server::conveys(ONBOARDING));
    assert_eq!(end, Ok(End::Rebooting));
    assert_eq!(
        log,
        [
            "ask a.example:8443 root",
            "onboarding",
            "bootstrap-initiated",
            "do boot-image",
            "boot-image-installed-rebooting"
        ]
    );
    let verbose = |json: &str| {
        let body = String::from_utf8(Sent::unsigned(json).body()).unwrap();
        let body = body.replacen(":{", r#":{"reporting-level":"verbose","#, 1);
        Server::Answers(
            200,
            "Application/yang-data+json; charset=utf-8",
            body.into_bytes(),
        )
    };
    let (end, log) = run(1, true, &mut |_, _| verbose(ONBOARDING));
    assert_eq!(end, Ok(End::Rebooting));
    assert_eq!(
        log[2..],
        [
            "bootstrap-initiated",
            "parsing-complete",
            "boot-image-mismatch",
            "boot-image-initiated",
            "do boot-image",
            "boot-image-installed-rebooting"
        ]
    );
    let (end, log) = run(1, true, &mut |_, _| verbose(ALL));
    assert_eq!(end, Ok(End::Complete));
    assert_eq!(
        log[2..],
        [
            "bootstrap-initiated",
            "parsing-complete",
            "boot-image-complete",
            "pre-script-initiated",
            "do pre-configuration-script",
            "pre-script-complete",
            "config-initiated",
            "do configuration",
            "config-complete",
            "post-script-initiated",
            "do post-configuration-script",
            "post-script-complete",
            "bootstrap-complete"
        ]
    );
}

#[test]
fn a_server_that_is_not_trusted_is_told_nothing_even_with_good_data() {
    let sent = Sent::signed(ONBOARDING, &PEOPLE.fields());
    let (end, log) = run(1, false, &mut |_, _| Server::sends(&sent));
    assert_eq!(end, Ok(End::Rebooting));
    assert_eq!(
        log,
        ["ask a.example:8443 blind", "onboarding", "do boot-image"]
    );
    let sent = Sent::signed(ALL, &PEOPLE.fields());
    let (end, log) = run(1, false, &mut |_, _| Server::sends(&sent));
    assert_eq!(end, Ok(End::Complete));
    assert_eq!(log.len(), 5);
}

#[test]
fn a_server_that_does_not_prove_itself_is_asked_blindly() {
    let mut world = World {
        answer: &mut |_, proof| {
            assert_eq!(*proof, Proof::Provisional);
            Server::conveys(ONBOARDING)
        },
        proves: &|_, _| false,
        takes: &|_| 204,
        works: &|_| true,
        log: vec![],
    };
    let end = with_agent(2, true, |agent| world.run(agent));
    assert_eq!(end, Err(SztpError::Untrusted));
    assert_eq!(
        world.log,
        [
            "ask a.example:8443 root",
            "ask a.example:8443 blind",
            "Untrusted",
            "ask b.example:8443 root",
            "ask b.example:8443 blind",
            "Untrusted"
        ]
    );
}

#[test]
fn a_failed_step_is_reported_and_the_next_server_is_asked() {
    for (step, report) in [
        (Step::BootImage, "boot-image-error"),
        (Step::PreScript, "pre-script-error"),
        (Step::Configuration, "config-error"),
        (Step::PostScript, "post-script-error"),
    ] {
        let json = if step == Step::BootImage {
            ONBOARDING
        } else {
            ALL
        };
        let mut world = World {
            answer: &mut |uri, _| match uri.authority() {
                "a.example:8443" => Server::conveys(json),
                _ => Server::Silent,
            },
            proves: &|_, _| true,
            takes: &|_| 204,
            works: &|asked| asked != step,
            log: vec![],
        };
        let end = with_agent(2, true, |agent| world.run(agent));
        assert_eq!(end, Err(SztpError::Unreachable));
        let failed = world
            .log
            .iter()
            .position(|line| *line == format!("do {}", step.as_str()))
            .unwrap();
        assert_eq!(world.log[failed + 1..], [report, "ask b.example:8443 root"]);
    }
}

#[test]
fn the_beginning_and_the_end_have_to_be_accepted() {
    for (refused, json, ends) in [
        ("bootstrap-initiated", ONBOARDING, false),
        ("bootstrap-complete", ALL, false),
        ("boot-image-installed-rebooting", ONBOARDING, true),
    ] {
        for status in [0, 200, 404, 500] {
            let mut world = World {
                answer: &mut |_, _| Server::conveys(json),
                proves: &|_, _| true,
                takes: &|progress| if progress == refused { status } else { 204 },
                works: &|_| true,
                log: vec![],
            };
            let end = with_agent(1, true, |agent| world.run(agent));
            match ends {
                true => assert!(end.is_ok()),
                false => assert_eq!(end, Err(SztpError::ReportRefused(status))),
            }
        }
    }
}

#[test]
fn what_is_wrong_with_an_answer_is_told_to_a_trusted_server_only() {
    let bad = || Server::Answers(200, MEDIA_TYPE, b"{}".to_vec());
    let (end, log) = run(1, true, &mut |_, _| bad());
    assert_eq!(end, Err(SztpError::Answer));
    assert_eq!(log, ["ask a.example:8443 root", "Answer", "parsing-error"]);
    let (end, log) = run(1, false, &mut |_, _| bad());
    assert_eq!(end, Err(SztpError::Answer));
    assert_eq!(log, ["ask a.example:8443 blind", "Answer"]);
    for (status, media_type, error) in [
        (401, MEDIA_TYPE, SztpError::Status(401)),
        (404, "text/html", SztpError::Status(404)),
        (500, "text/plain", SztpError::Status(500)),
        (204, "", SztpError::Status(204)),
    ] {
        let (end, log) = run(1, true, &mut |_, _| {
            Server::Answers(status, media_type, vec![])
        });
        assert_eq!((end, log.len()), (Err(error), 2));
    }
    for media_type in [
        "",
        "text/html",
        "application/json",
        "application/yang-data+xml",
        "application/yang-data+json2",
    ] {
        let body = Sent::unsigned(ONBOARDING).body();
        let (end, _) = run(1, true, &mut |_, _| {
            Server::Answers(200, media_type, body.clone())
        });
        assert_eq!(end, Err(SztpError::MediaType));
    }
    let (end, _) = run(0, true, &mut |_, _| Server::Silent);
    assert_eq!(end, Err(SztpError::NoServer));
}

/// What reaches the device over a connection to a server, in all combinations: trusted or not, signed or not, by whom, for whom.
#[test]
fn nothing_untrusted_leads_to_an_image_a_report_or_a_script() {
    let people = &*PEOPLE;
    let voucher_fields = [
        ("good", people.fields()),
        ("serial", people.fields().with("serial-number", "\"OTHER\"")),
        (
            "nonce",
            people
                .fields()
                .with("nonce", "\"AAAAAAAAAAAAAAAAAAAAAA==\""),
        ),
        (
            "pinned",
            people.fields().with(
                "pinned-domain-cert",
                format!("\"{}\"", base64(&people.stranger_domain)),
            ),
        ),
    ];
    let mut accepted = 0;
    let mut tried = 0;
    for json in [ONBOARDING, ALL, REDIRECT] {
        for (what, fields) in &voucher_fields {
            for owner in [&people.owner, &people.stranger] {
                for masa in [&people.masa, &people.stranger] {
                    let good_owner = std::ptr::eq(owner, &people.owner);
                    let good_masa = std::ptr::eq(masa, &people.masa);
                    let signed = Sent::by(owner, json, masa, fields);
                    let bare = Sent {
                        ownership: None,
                        ..signed.clone()
                    };
                    let unsigned = Sent {
                        ownership: signed.ownership.clone(),
                        ..Sent::unsigned(json)
                    };
                    // A voucher for the stranger makes the stranger the owner: the manufacturer says so.
                    let owned = match *what {
                        "good" => good_owner,
                        "pinned" => !good_owner,
                        _ => false,
                    };
                    let valid = owned && good_masa;
                    for (sent, right_signature, has_signature) in [
                        (&signed, valid, true),
                        (&bare, false, true),
                        (&unsigned, false, false),
                    ] {
                        for trusted in [false, true] {
                            tried += 1;
                            let trust = right_signature || (trusted && !has_signature);
                            let (end, log) = run(1, trusted, &mut |uri, _| match uri.authority() {
                                "a.example:8443" => Server::sends(sent),
                                _ => Server::Silent,
                            });
                            let steps = log.iter().any(|line| line.starts_with("do "));
                            let reports =
                                log.iter().any(|line| line.contains("bootstrap-initiated"));
                            let onboards = json != REDIRECT && trust;
                            assert_eq!(end.is_ok(), onboards, "{what} {trusted} {log:?}");
                            assert_eq!(steps, onboards);
                            assert_eq!(reports, onboards && trusted);
                            let redirected = log.iter().any(|line| line == "1 servers");
                            // A redirect may be followed whoever sent it, unless its signature is wrong.
                            assert_eq!(redirected, json == REDIRECT && (trust || !has_signature));
                            accepted += usize::from(onboards);
                        }
                    }
                }
            }
        }
    }
    // Two kinds of onboarding: signed and right over both connections, by two owners, and unsigned over the trusted one.
    assert_eq!((tried, accepted), (288, 2 * (4 + 16)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever servers answer, a round ends, and what it may lead to is asserted by the world.
    #[test]
    fn a_round_ends_whatever_servers_answer(
        answers in prop::collection::vec((0..7_usize, any::<bool>(), 0..4_u16), 1..12),
        body in prop::collection::vec(any::<u8>(), 0..60),
        has_anchors in any::<bool>(),
    ) {
        let anchor = sztp::unsigned(sztp::DATA, b"").unwrap();
        let mut asked = 0;
        let mut answer = |_: &Uri, _: &Proof<'_>| {
            let (kind, _, _) = answers[asked % answers.len()];
            asked += 1;
            match kind {
                0 => Server::Silent,
                1 => Server::conveys(ONBOARDING),
                2 => Server::conveys(ALL),
                3 => Server::conveys(&redirect(r#"{"address":"x"},{"address":"y","port":1}"#)),
                4 => Server::conveys(&redirect(&format!(r#"{{"address":"x","trust-anchor":"{}"}}"#, base64(&anchor)))),
                5 => Server::Answers(200, MEDIA_TYPE, body.clone()),
                _ => Server::Answers(503, "text/plain", body.clone()),
            }
        };
        let first = answers[0];
        let mut world = World {
            answer: &mut answer,
            proves: &|_, _| first.1,
            takes: &|_| [0, 204, 204, 500][usize::from(first.2)],
            works: &|step| step != Step::BootImage || first.1,
            log: vec![],
        };
        let _ = with_agent(3, has_anchors, |agent| world.run(agent));
    }
}
