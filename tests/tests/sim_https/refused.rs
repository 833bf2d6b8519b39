//! Servers that cannot be talked to, or that do not talk.

use crate::{
    boot, certificate, https, network, nothing_was_activated, pki, plan, plan_with, refused, says,
    seconds,
};
use e2e::Sim;
use image_server::TlsFault;
use image_server::tls::TlsVersion;
use netboot_core::{Blame, Coded, Duration};
use netboot_tls::TlsError;
use netboot_tls::verify::VerifyError;
use test_pki::KeyKind;
use testbed::Plan;

#[test]
fn an_old_version() {
    let plan = plan();
    let ended = boot(&plan, |server| {
        https(server).versions = vec![TlsVersion::V12]
    });
    refused("TLS 1.2", &plan, &ended, TlsError::NoTls13);
    let ended = boot(&plan, |server| {
        https(server).versions = vec![TlsVersion::V12, TlsVersion::V13];
    });
    ended.assert_booted(&plan);
}

#[test]
fn an_rsa_certificate() {
    let show = |keys| {
        plan_with(|https| {
            let identity = pki().with_keys(keys).server(&["10.0.2.2"]);
            https.shown = Some(identity.expect("an identity"));
        })
    };
    for keys in [KeyKind::Rsa2048, KeyKind::Ed25519] {
        let plan = show(keys);
        let ended = boot(&plan, |_| {});
        // Such a server finds that it has no key for the schemes that are offered.
        refused(
            &format!("{keys:?}"),
            &plan,
            &ended,
            TlsError::NothingInCommon,
        );
        says(&ended, "an RSA-only server?");
    }
}

#[test]
fn without_tls_an_https_uri_is_refused() {
    let plan = Plan {
        https: None,
        ..plan()
    };
    let ended = boot(&plan, |_| {});
    ended.assert_failed(&plan, 0x0005_0009, Blame::Configuration);
    nothing_was_activated(&ended);
    assert!(ended.took() < Duration::from_secs(5));
}

#[test]
fn faults_of_the_handshake() {
    let reset = (0x0005_000C, Blame::Server);
    let tls = |error: TlsError| (error.code(), error.blame());
    let cases = [
        ("silent", TlsFault::Silent, tls(TlsError::Deadline)),
        ("closes", TlsFault::Close, reset),
        ("resets", TlsFault::Reset, reset),
        (
            "speaks HTTP",
            TlsFault::Garbage(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            tls(TlsError::BadRecord),
        ),
        (
            "gives up",
            TlsFault::Garbage(vec![21, 3, 3, 0, 2, 2, 80]),
            tls(TlsError::Alert(netboot_tls::Alert(80))),
        ),
        (
            "says goodbye",
            TlsFault::Garbage(vec![21, 3, 3, 0, 2, 1, 0]),
            tls(TlsError::Alert(netboot_tls::Alert(0))),
        ),
        (
            "ends in a record",
            TlsFault::Garbage(vec![22, 3, 3, 0, 90, 2, 0]),
            tls(TlsError::Deadline),
        ),
    ];
    for (what, fault, (code, blame)) in cases {
        println!("{what}");
        let plan = plan();
        let ended = boot(&plan, |server| server.faults.tls.always(fault.clone()));
        ended.assert_failed(&plan, code, blame);
        nothing_was_activated(&ended);
        assert!(ended.tls.iter().all(|one| one.handshake_at.is_none()));
        assert!(
            ended.took() < Duration::from_secs(120),
            "{what}: {}",
            ended.took()
        );
        assert!(ended.waits < 50_000, "{what}: {} waits", ended.waits);

        // Once is no harm, where the policy allows another attempt.
        let mut plan = plan;
        plan.settings = "probe off\n".into();
        let ended = boot(&plan, |server| server.faults.tls.once(fault));
        ended.assert_booted(&plan);
    }
}

#[test]
fn a_slow_handshake_is_waited_for() {
    let plan = plan();
    let ended = boot(&plan, |server| {
        let slow = TlsFault::Delay(Duration::from_secs(4));
        server.faults.tls.always(slow);
    });
    ended.assert_booted(&plan);
    assert!(ended.took() >= Duration::from_secs(4));
}

#[test]
fn a_server_that_is_not_there() {
    let plan = plan();
    let (code, blame) = network(10);
    let ended = boot(&plan, |server| {
        server.lease.boot_file = Some("https://10.0.2.66/".into());
    });
    ended.assert_failed(&plan, code, blame);
    let ended = boot(&plan, |server| https(server).backlog = 0);
    ended.assert_failed(&plan, 0x0005_000B, Blame::Server);
}

/// Wherever it dies, in the handshake or in a body, it is noticed and named.
#[test]
fn a_server_that_dies() {
    let mut plan = plan();
    plan.link.delay = Duration::from_millis(20);
    plan.device = "rate 10000\n".into();
    for millis in (0..400).step_by(20).chain([1_000, 3_000, 7_000]) {
        let at = seconds(0) + Duration::from_millis(millis);
        let ended = Sim::new(&plan)
            .server(|server| server.faults.dies_at = Some(at))
            .run();
        ended.check(&plan).unwrap();
        let error = ended.error().expect("an error");
        let named = [
            0x0004_0002,
            0x0004_0003,
            0x0005_0002,
            0x0005_000A,
            0x0005_000D,
            TlsError::Deadline.code(),
        ];
        assert!(
            named.contains(&error.code()),
            "{millis}: {error}\n{}",
            ended.console
        );
        let most = Duration::from_secs(110);
        assert!(
            ended.took() < most,
            "{millis}: {}\n{}",
            ended.took(),
            ended.console
        );
    }
}

/// An error that no further attempt mends ends the boot with the first.
#[test]
fn a_refusal_is_final_for_an_attempt() {
    let plan = plan_with(|https| {
        let own = pki().flawed(&["10.0.2.2"], test_pki::Flaw::OtherCa);
        https.shown = Some(own.expect("an identity"));
    });
    let ended = boot(&plan, |_| {});
    refused(
        "one",
        &plan,
        &ended,
        certificate(VerifyError::UnknownIssuer),
    );
    assert_eq!(ended.tls.len(), 1, "{}", ended.console);
}
