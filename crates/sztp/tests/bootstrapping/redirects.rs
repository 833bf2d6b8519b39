//! Redirects: who is trusted behind them, and their bounds.

use crate::people::{PEOPLE, REDIRECT, Sent};
use crate::world::{Server, World, redirect, run, with_agent};
use netboot_core::Uri;
use netboot_sztp::{MAX_ASKED, MAX_DEPTH_OF_REDIRECTS, Proof, SztpError};
use test_pki::sztp::{self, base64};

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
