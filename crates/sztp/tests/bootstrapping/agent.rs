//! The agent: what it asks, whom it believes, what it reports.

use crate::people::{Device, NONCE, ONBOARDING, PEOPLE, REDIRECT, Sent};
use netboot_core::Uri;
use netboot_sztp::{
    ASK_PATH, Action, Agent, End, MAX_ASKED, MAX_DEPTH_OF_REDIRECTS, MEDIA_TYPE, Named, Proof,
    REPORT_PATH, Step, SztpError, Verdict,
};
use proptest::prelude::*;
use test_pki::sztp::{self, base64};

/// What a server does.
#[derive(Clone, Debug)]
enum Server {
    Silent,
    /// Answers with this status, media type and content.
    Answers(u16, &'static str, Vec<u8>),
}

impl Server {
    fn sends(sent: &Sent) -> Self {
        Server::Answers(200, MEDIA_TYPE, sent.body())
    }

    fn conveys(json: &str) -> Self {
        Self::sends(&Sent::unsigned(json))
    }
}

/// A network: what answers under a name, and which names prove themselves.
struct World<'w> {
    answer: &'w mut dyn FnMut(&Uri, &Proof<'_>) -> Server,
    /// Whether a server proves itself by a root that the device has, or by the one that a redirect told.
    proves: &'w dyn Fn(&Uri, &Proof<'_>) -> bool,
    /// Status of the answer to a report.
    takes: &'w dyn Fn(&str) -> u16,
    /// Whether a step can be carried out.
    works: &'w dyn Fn(Step) -> bool,
    /// What was done, a line each.
    log: Vec<String>,
}

impl World<'_> {
    /// Runs a round; how it ended.
    fn run(&mut self, agent: &mut Agent<'_, '_>) -> Result<End, SztpError> {
        for _ in 0..2_000 {
            match agent.poll(Some(NONCE)) {
                Action::Ask(exchange) => {
                    let (uri, proof) = (exchange.uri.clone(), exchange.proof);
                    assert_eq!(
                        (uri.path(), exchange.body.contains("nonce")),
                        (ASK_PATH, true)
                    );
                    let blind = proof == Proof::Provisional;
                    // Nobody learns what the device is who has not proved to be trusted.
                    assert_eq!(blind, exchange.body.contains("signed-data-preferred"));
                    assert_eq!(blind, !exchange.body.contains("model-x"));
                    let name = match proof {
                        Proof::Provisional => "blind",
                        Proof::Preconfigured => "root",
                        Proof::Anchor(_) => "anchor",
                    };
                    self.log.push(format!("ask {} {name}", uri.authority()));
                    if !blind && !(self.proves)(&uri, &proof) {
                        agent.failed(true);
                        continue;
                    }
                    match (self.answer)(&uri, &proof) {
                        Server::Silent => agent.failed(false),
                        Server::Answers(status, media_type, mut body) => {
                            match agent.answered(status, media_type, &mut body) {
                                Ok(Verdict::Redirected(servers)) => {
                                    self.log.push(format!("{servers} servers"))
                                }
                                Ok(Verdict::Onboarding(_)) => self.log.push("onboarding".into()),
                                Err(error) => self.log.push(format!("{error:?}")),
                            }
                            assert!(!(agent.is_trusted() && blind));
                        }
                    }
                }
                Action::Report(progress, exchange) => {
                    assert_eq!(exchange.uri.path(), REPORT_PATH);
                    // Reports go to servers that have proved themselves, by the same proof.
                    assert_ne!(exchange.proof, Proof::Provisional);
                    assert!((self.proves)(&exchange.uri, &exchange.proof));
                    assert!(exchange.body.contains(progress.as_str()));
                    self.log.push(progress.as_str().into());
                    match (self.takes)(progress.as_str()) {
                        0 => agent.failed(false),
                        status => agent.reported(status),
                    }
                }
                Action::Do(step) => {
                    self.log.push(format!("do {}", step.as_str()));
                    agent.done((self.works)(step));
                }
                Action::Finished(end) => return Ok(end),
                Action::Exhausted(error) => return Err(error),
            }
        }
        panic!("the agent does not end: {:?}", self.log);
    }
}

/// Runs an agent whose servers are called `a`, `b` and so on.
fn run(
    sources: usize,
    has_anchors: bool,
    answer: &mut dyn FnMut(&Uri, &Proof<'_>) -> Server,
) -> (Result<End, SztpError>, Vec<String>) {
    let always = |_: &Uri, _: &Proof<'_>| true;
    let mut world = World {
        answer,
        proves: &always,
        takes: &|_| 204,
        works: &|_| true,
        log: vec![],
    };
    let result = with_agent(sources, has_anchors, |agent| world.run(agent));
    (result, world.log)
}

fn with_agent<R>(
    sources: usize,
    has_anchors: bool,
    work: impl FnOnce(&mut Agent<'_, '_>) -> R,
) -> R {
    let root: &[u8] = &PEOPLE.masa_root;
    let roots = [root];
    let mut octets = [0; 8192];
    let mut agent = Agent::new(Device::default().config(&roots, has_anchors), &mut octets);
    for source in 0..sources {
        let uri = format!("https://{}.example:8443", (b'a' + source as u8) as char);
        agent
            .add_server(&Uri::parse(&uri).unwrap(), Named::Dhcp)
            .unwrap();
    }
    work(&mut agent)
}

fn redirect(servers: &str) -> String {
    format!(
        r#"{{"ietf-sztp-conveyed-info:redirect-information":{{"bootstrap-server":[{servers}]}}}}"#
    )
}

/// Everything that the owner may demand, with an image that runs already.
const ALL: &str = r#"{"ietf-sztp-conveyed-info:onboarding-information":{"boot-image":{"os-name":"rom","os-version":"1","download-uri":["x"]},
    "pre-configuration-script":"","configuration-handling":"replace","configuration":"","post-configuration-script":""}}"#;

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

#[test]
fn a_trusted_redirect_says_how_its_servers_prove_themselves() {
    let anchor = sztp::certificates_only(&[&PEOPLE.domain]).unwrap();
    // The chain's lowest authority is the anchor, wherever it stands.
    let chain = sztp::certificates_only(&[&PEOPLE.domain, &PEOPLE.owner.chain[1]]).unwrap();
    let servers = redirect(&format!(
        r#"{{"address":"b.example","trust-anchor":"{}"}},{{"address":"fd09::1","port":9090,"trust-anchor":"{}"}},{{"address":"10.0.0.1"}}"#,
        base64(&anchor),
        base64(&chain)
    ));
    let mut anchors = vec![];
    let mut answer = |uri: &Uri, proof: &Proof<'_>| {
        if let Proof::Anchor(der) = proof {
            anchors.push(der.to_vec());
        }
        match uri.authority() {
            "a.example:8443" => Server::conveys(&servers),
            _ => Server::Answers(404, "", vec![]),
        }
    };
    let (end, log) = run(1, true, &mut answer);
    assert_eq!(end, Err(SztpError::Status(404)));
    assert_eq!(
        log,
        [
            "ask a.example:8443 root",
            "3 servers",
            "ask b.example:443 anchor",
            "Status(404)",
            "ask [fd09::1]:9090 anchor",
            "Status(404)",
            "ask 10.0.0.1:443 blind",
            "Status(404)"
        ]
    );
    assert_eq!(
        anchors,
        [PEOPLE.domain.clone(), PEOPLE.owner.chain[1].to_vec()]
    );
    // The same redirect by a server that nobody trusts: its anchors do not count.
    let (_, log) = run(1, false, &mut |uri, _| match uri.authority() {
        "a.example:8443" => Server::conveys(&servers),
        _ => Server::Answers(404, "", vec![]),
    });
    assert!(
        log.iter()
            .filter(|line| line.starts_with("ask"))
            .all(|line| line.ends_with("blind"))
    );
    // Signed by the owner, they count whoever sent it.
    let signed = Sent::signed(&servers, &PEOPLE.fields());
    let (_, log) = run(1, false, &mut |uri, _| match uri.authority() {
        "a.example:8443" => Server::sends(&signed),
        _ => Server::Answers(404, "", vec![]),
    });
    assert_eq!(log[2], "ask b.example:443 anchor");
}

#[test]
fn a_server_with_the_wrong_anchor_is_not_asked_blindly() {
    let anchor = sztp::certificates_only(&[&PEOPLE.domain]).unwrap();
    let servers = redirect(&format!(
        r#"{{"address":"b.example","trust-anchor":"{}"}}"#,
        base64(&anchor)
    ));
    let mut world = World {
        answer: &mut |_, _| Server::conveys(&servers),
        proves: &|_, proof| *proof == Proof::Preconfigured,
        takes: &|_| 204,
        works: &|_| true,
        log: vec![],
    };
    let end = with_agent(1, true, |agent| world.run(agent));
    assert_eq!(end, Err(SztpError::Unreachable));
    assert_eq!(
        world.log,
        [
            "ask a.example:8443 root",
            "1 servers",
            "ask b.example:443 anchor"
        ]
    );
}

#[test]
fn anchors_that_are_none_are_refused() {
    let two_chains = sztp::certificates_only(&[&PEOPLE.domain, &PEOPLE.stranger.chain[0]]).unwrap();
    let nothing =
        sztp::certificates_only(&[]).unwrap_or_else(|_| sztp::unsigned(sztp::DATA, b"").unwrap());
    for (text, right) in [
        ("A".to_owned(), "NotBase64(TrustAnchor)"),
        (base64(b"xx"), "Message(TrustAnchor, Malformed(Message))"),
        (base64(&two_chains), "BadAnchor"),
        (base64(&nothing), "BadAnchor"),
        (base64(&vec![0; 9000]), "TooManyServers"),
    ] {
        let servers = redirect(&format!(
            r#"{{"address":"b.example","trust-anchor":"{text}"}}"#
        ));
        let (_, log) = run(1, true, &mut |_, _| Server::conveys(&servers));
        assert_eq!(log[1..], [right, "parsing-error"]);
    }
    for address in [
        "a/b",
        "a:1:2",
        "",
        "a b",
        "u@h",
        "a?q",
        "h:80",
        "x#y",
        &"h".repeat(600),
    ] {
        let servers = redirect(&format!(r#"{{"address":"{address}"}}"#));
        let (_, log) = run(1, true, &mut |_, _| Server::conveys(&servers));
        assert_eq!(log[1], "BadServer", "{address}");
    }
}

#[test]
fn redirects_are_bounded_in_depth_and_number() {
    // A server that redirects to itself for ever.
    let (end, log) = run(1, false, &mut |_, _| Server::conveys(REDIRECT));
    assert_eq!(end, Err(SztpError::TooDeep));
    let asked = log.iter().filter(|line| line.starts_with("ask")).count();
    assert_eq!(asked, usize::from(MAX_DEPTH_OF_REDIRECTS) + 1);
    // Three servers each time: more than anybody waits for.
    let three = redirect(r#"{"address":"x"},{"address":"y"},{"address":"z"}"#);
    let (end, log) = run(2, false, &mut |_, _| Server::conveys(&three));
    assert_eq!(end, Err(SztpError::TooManyAsked));
    let asked = log.iter().filter(|line| line.starts_with("ask")).count();
    assert_eq!(asked, usize::from(MAX_ASKED));
}

#[test]
fn servers_are_asked_in_their_order_and_again_in_the_next_round() {
    let mut answer = |uri: &Uri, _: &Proof<'_>| match uri.authority() {
        "a.example:8443" => Server::conveys(&redirect(r#"{"address":"a1"},{"address":"a2"}"#)),
        "a1:443" => Server::conveys(&redirect(r#"{"address":"a11"}"#)),
        _ => Server::Silent,
    };
    let order = [
        "ask a.example:8443 blind",
        "2 servers",
        "ask a1:443 blind",
        "1 servers",
        "ask a11:443 blind",
        "ask a2:443 blind",
        "ask b.example:8443 blind",
    ];
    with_agent(2, false, |agent| {
        for round in 1..4 {
            let mut world = World {
                answer: &mut answer,
                proves: &|_, _| true,
                takes: &|_| 204,
                works: &|_| true,
                log: vec![],
            };
            assert_eq!(world.run(agent), Err(SztpError::Unreachable));
            assert_eq!(world.log, order);
            assert_eq!((agent.rounds(), agent.asked()), (round, 5));
            agent.restart();
        }
    });
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
