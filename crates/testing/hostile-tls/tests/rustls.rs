//! Good scripts are good to rustls, and bad ones are not: so the server speaks TLS 1.3, and what it does
//! wrong is what the script says.

mod common;

use common::{Got, NAME, client_config, pki, run, run_with};
use hostile_tls::script::{CertificateEntries, Epoch, HelloRetry, KeyShare, Nonce, Proof, Seal};
use hostile_tls::{Script, ServerHello, SessionId, Step, http_response};
use rustls::{AlertDescription, CipherSuite, Error, PeerIncompatible, PeerMisbehaved};
use test_pki::Flaw;

const BODY: &[u8] = b"forty octets of firmware, or a few more.";

fn good() -> Script {
    Script::good(&http_response(BODY))
}

/// Everything went as it should.
#[track_caller]
fn is_good(got: &Got) {
    assert_eq!(got.error, None);
    assert!(got.data.ends_with(BODY) && got.close_notify, "{got:?}");
    assert_eq!(got.report.finished, Some(true));
    assert_eq!(got.report.requests(), 1);
    assert!(got.report.complete, "{:?}", got.report);
}

fn hello(step: &Step) -> bool {
    matches!(step, Step::ServerHello(_))
}

fn extensions(step: &Step) -> bool {
    matches!(step, Step::EncryptedExtensions(_))
}

fn certificate(step: &Step) -> bool {
    matches!(step, Step::Certificate(_))
}

fn verify(step: &Step) -> bool {
    matches!(step, Step::CertificateVerify(_))
}

fn finished(step: &Step) -> bool {
    matches!(step, Step::Finished(_))
}

fn data(step: &Step) -> bool {
    matches!(step, Step::Data(_))
}

#[test]
fn good_connections_in_both_suites() {
    for (number, suite) in [
        (0x1301, CipherSuite::TLS13_AES_128_GCM_SHA256),
        (0x1303, CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    ] {
        is_good(&run(good().suite(number)));
        let identity = pki().server(&[NAME]).unwrap();
        let got = run_with(good(), client_config(None, Some(suite)), &identity);
        is_good(&got);
        assert_eq!(got.report.hellos[0].suites, [number]);
        assert_eq!(got.report.hellos[0].server_name.as_deref(), Some(NAME));
    }
}

#[test]
fn good_connections_in_other_shapes() {
    let ccs = Step::Plain(20, vec![1]);
    is_good(&run(good().after(hello, [ccs.clone(), ccs])));
    for size in [1, 7, 100] {
        is_good(&run(good().before(hello, [Step::Fragment(size)])));
        is_good(&run(good().before(extensions, [Step::Padding(size)])));
    }
    is_good(&run(good().before(extensions, [Step::Coalesce])));
    is_good(&run(good().before(finished, [Step::Fragment(0)])));
    let tickets = Step::Repeat(4, Box::new(Step::NewSessionTicket(7_200)));
    is_good(&run(good().before(data, [tickets])));
    let update = Step::Repeat(3, Box::new(Step::KeyUpdate(0)));
    is_good(&run(good().before(data, [update])));
    let empty = Step::Repeat(5, Box::new(Step::Sealed(23, vec![])));
    is_good(&run(good().before(data, [empty])));
    // The client answers an update with one of its own.
    let got = run(good().before(data, [Step::KeyUpdate(1)]));
    is_good(&got);
}

#[test]
fn a_good_retry() {
    // The client's first group is P-256; it has to be asked for another one, or for a cookie.
    let retry = Step::HelloRetryRequest(HelloRetry {
        cookie: Some(b"crumb".to_vec()),
        ..HelloRetry::default()
    });
    let got = run(good().before(hello, [retry, Step::AwaitHello]));
    is_good(&got);
    assert_eq!(got.report.hellos.len(), 2);
    let cookie = got.report.hellos[1]
        .extensions
        .iter()
        .find(|one| one.0 == 44);
    assert_eq!(cookie.unwrap().1, b"\0\x05crumb");
    // Of the group that it has sent a share of: section 4.1.4 forbids it.
    let retry = Step::HelloRetryRequest(HelloRetry {
        group: Some(0x17),
        ..HelloRetry::default()
    });
    let got = run(good().before(hello, [retry, Step::AwaitHello]));
    assert!(matches!(got.refused(), Error::PeerMisbehaved(_)));
}

#[test]
fn a_client_with_a_certificate() {
    let schemes = (13, vec![0, 2, 4, 3]);
    let request = |context: &[u8]| Step::CertificateRequest {
        context: context.to_vec(),
        extensions: vec![schemes.clone()],
    };
    let board = pki().client("board 7").unwrap();
    let server = pki().server(&[NAME]).unwrap();
    let script = good().before(certificate, [request(b"")]);
    let got = run_with(script.clone(), client_config(Some(&board), None), &server);
    is_good(&got);
    assert_eq!(got.report.handshake, [11, 15, 20]);
    let body = got.report.certificate.unwrap();
    let leaf = board.chain[0].as_ref();
    assert!(body.windows(leaf.len()).any(|part| part == leaf));
    let got = run(script);
    is_good(&got);
    assert_eq!(got.report.certificate.as_deref(), Some(&[0; 4][..]));
    let got = run(good().before(certificate, [request(b"x")]));
    got.refused();
}

#[test]
fn a_server_that_proves_nothing() {
    for script in [
        good().without(|step| certificate(step) || verify(step)),
        good().without(verify),
        good().without(certificate),
        good().swap(certificate, verify),
        good().swap(verify, finished),
        good().without(|step| {
            finished(step) || matches!(step, Step::AwaitFinished | Step::AwaitRequest)
        }),
    ] {
        let got = run(script);
        assert!(
            matches!(
                got.refused(),
                Error::InappropriateHandshakeMessage { .. } | Error::InappropriateMessage { .. }
            ),
            "{got:?}"
        );
    }
    for (proof, decrypt_error) in [
        (Proof::OtherKey, true),
        (Proof::OtherTranscript, true),
        (Proof::ClientContext, true),
        (Proof::Corrupt, true),
        (Proof::Octets(vec![]), true),
        (Proof::Octets(vec![0x30; 70]), true),
        (Proof::Scheme(0x0804), false),
        (Proof::Scheme(0x0401), false),
        (Proof::Scheme(0x0203), false),
    ] {
        let got = run(good().replace(verify, [Step::CertificateVerify(proof.clone())]));
        got.refused();
        let alert = got.report.alerts[0];
        if decrypt_error {
            assert_eq!(
                alert,
                (2, AlertDescription::DecryptError.into(), true),
                "{proof:?}"
            );
        }
    }
    for seal in [Seal::Corrupt, Seal::Short, Seal::ClientKey] {
        let got = run(good().replace(finished, [Step::Finished(seal)]));
        assert_eq!(got.refused(), &Error::DecryptError, "{seal:?}");
    }
}

#[test]
fn flawed_chains() {
    for flaw in Flaw::ALL {
        let identity = pki().flawed(&[NAME], flaw).unwrap();
        let got = run_with(good(), client_config(None, None), &identity);
        assert!(
            matches!(got.refused(), Error::InvalidCertificate(_)),
            "{flaw:?}: {got:?}"
        );
    }
    let none = CertificateEntries {
        chain: Some(vec![]),
        ..CertificateEntries::default()
    };
    run(good().replace(certificate, [Step::Certificate(none)])).refused();
    let context = CertificateEntries {
        context: vec![1],
        ..CertificateEntries::default()
    };
    run(good().replace(certificate, [Step::Certificate(context)])).refused();
}

#[test]
fn server_hellos_that_are_wrong() {
    let fields = ServerHello::default;
    type Expected = fn(&Error) -> bool;
    let cases: Vec<(ServerHello, Expected)> = vec![
        (ServerHello::tls_1_2(), |error| {
            matches!(error, Error::PeerIncompatible(_) | Error::PeerMisbehaved(_))
        }),
        (ServerHello::downgraded(), |error| {
            matches!(error, Error::PeerIncompatible(_) | Error::PeerMisbehaved(_))
        }),
        (
            ServerHello {
                suite: Some(0x1302),
                ..fields()
            },
            |error| *error == Error::DecryptError,
        ),
        (
            ServerHello {
                suite: Some(0x1304),
                ..fields()
            },
            |error| *error == Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite),
        ),
        (
            ServerHello {
                share: KeyShare::Group(0x18),
                ..fields()
            },
            |error| *error == Error::PeerMisbehaved(PeerMisbehaved::WrongGroupForKeyShare),
        ),
        (
            ServerHello {
                share: KeyShare::None,
                ..fields()
            },
            |error| *error == Error::PeerMisbehaved(PeerMisbehaved::MissingKeyShare),
        ),
        (
            ServerHello {
                share: KeyShare::OffCurve,
                ..fields()
            },
            |error| matches!(error, Error::PeerMisbehaved(_)),
        ),
        (
            ServerHello {
                share: KeyShare::Compressed,
                ..fields()
            },
            |error| matches!(error, Error::PeerMisbehaved(_)),
        ),
        (
            ServerHello {
                compression: 1,
                ..fields()
            },
            |error| matches!(error, Error::PeerMisbehaved(_) | Error::InvalidMessage(_)),
        ),
        (
            ServerHello {
                selected_version: Some(0x0305),
                ..fields()
            },
            |error| {
                matches!(
                    error,
                    Error::PeerIncompatible(
                        PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                    ) | Error::PeerIncompatible(_)
                        | Error::PeerMisbehaved(_)
                )
            },
        ),
        (
            ServerHello {
                extensions: vec![(0, vec![])],
                ..fields()
            },
            |error| matches!(error, Error::PeerMisbehaved(_) | Error::InvalidMessage(_)),
        ),
        (
            ServerHello {
                trailing: vec![0; 3],
                ..fields()
            },
            |error| matches!(error, Error::InvalidMessage(_)),
        ),
        (
            ServerHello {
                random: Nonce::HelloRetry,
                ..fields()
            },
            |error| matches!(error, Error::PeerMisbehaved(_) | Error::InvalidMessage(_)),
        ),
    ];
    for (fields, expected) in cases {
        let shown = format!("{fields:?}");
        let got = run(good().replace(hello, [Step::ServerHello(fields)]));
        assert!(got.error.is_some(), "{shown}");
        assert!(expected(got.refused()), "{shown}: {:?}", got.error);
    }
}

#[test]
fn records_that_are_wrong() {
    let mid = |steps: Vec<Step>| {
        let shown = format!("{steps:?}");
        let whole = http_response(BODY);
        let (first, second) = whole.split_at(60);
        let mut all = vec![Step::Data(first.to_vec())];
        all.extend(steps);
        all.push(Step::Data(second.to_vec()));
        let got = run(good().replace(data, all));
        assert!(
            got.data.len() >= 60 && !got.data.ends_with(BODY),
            "{shown} {:?}",
            got.error
        );
        got
    };
    // Plaintext after the handshake, which needs no key: no end, no message, no data.
    for step in [
        Step::Plain(21, vec![1, 0]),
        Step::Plain(21, vec![2, 40]),
        Step::Plain(22, vec![4, 0, 0, 0]),
        Step::Plain(22, vec![0, 0, 0, 0]),
        Step::Plain(23, BODY.to_vec()),
        Step::BadTag(BODY.to_vec()),
        Step::Replay,
        Step::SkipSequence,
        Step::Raw(vec![23, 3, 3, 0, 0]),
        Step::Raw(vec![0x47; 50]),
        Step::SealedInner(vec![]),
        Step::SealedInner(vec![0; 20]),
        Step::Sealed(99, vec![1]),
        Step::Sealed(20, vec![1]),
        Step::Sealed(21, vec![2]),
        Step::Sealed(23, vec![0; 17_000]),
        Step::Raw([&[23, 3, 3, 0x41, 0x01][..], &[0; 16_641]].concat()),
        Step::Handshake(20, vec![0; 32]),
        Step::Handshake(1, vec![0; 4]),
        Step::Handshake(24, vec![7]),
    ] {
        let got = mid(vec![step.clone()]);
        assert!(got.error.is_some(), "{step:?}: {got:?}");
        assert!(!got.close_notify);
    }
    // An alert of the server itself.
    let got = mid(vec![Step::Alert(2, 80)]);
    assert_eq!(
        got.error,
        Some(Error::AlertReceived(AlertDescription::InternalError))
    );
    let got = mid(vec![Step::Alert(2, 222)]);
    assert!(matches!(
        got.error,
        Some(Error::AlertReceived(AlertDescription::Unknown(222)))
    ));
    // The end without a word, and the end with one: only TLS tells them apart.
    let got = mid(vec![Step::Cut]);
    assert!(got.error.is_none() && !got.close_notify);
    let got = mid(vec![Step::Alert(1, 0)]);
    assert!(got.error.is_none() && got.close_notify);
}

/// What RFC 8446 forbids and rustls lets pass: a client may be stricter, so it is here to be seen.
#[test]
fn what_rustls_does_not_mind() {
    // Section 4.1.3: the echo must be what was sent.
    let fields = ServerHello {
        session_id: SessionId::Octets(vec![1; 32]),
        ..ServerHello::default()
    };
    is_good(&run(good().replace(hello, [Step::ServerHello(fields)])));
    // Section 5.1: handshake records are not empty.
    is_good(&run(good().before(data, [Step::Sealed(22, vec![])])));
}

#[test]
fn floods_end() {
    for step in [
        Step::Sealed(23, vec![]),
        Step::KeyUpdate(0),
        Step::Plain(20, vec![1]),
        Step::Alert(1, 90),
    ] {
        let flood = Step::Repeat(200_000, Box::new(step.clone()));
        let got = run(good().before(data, [flood]));
        // rustls has no limit on empty records and updates without a request.
        if got.error.is_none() {
            assert!(got.report.steps > 200_000, "{step:?}");
        } else {
            assert!(!got.report.complete || got.report.alerts.len() == 1);
        }
    }
}

#[test]
fn messages_at_the_wrong_place() {
    #[track_caller]
    fn key_change(script: Script) {
        let got = run(script);
        assert!(
            matches!(
                got.refused(),
                Error::PeerMisbehaved(_)
                    | Error::InvalidMessage(_)
                    | Error::DecryptError
                    | Error::InappropriateMessage { .. }
            ),
            "{got:?}"
        );
    }
    // A message across a change of keys (section 5.1).
    key_change(good().before(hello, [Step::HoldBack(10)]));
    key_change(
        good()
            .before(finished, [Step::HoldBack(10)])
            .after(finished, [Step::NewSessionTicket(1)]),
    );
    // Part of EncryptedExtensions in the record of ServerHello.
    for behind in [vec![8], vec![8, 0, 0, 2, 0, 0]] {
        let fields = ServerHello {
            behind,
            ..ServerHello::default()
        };
        key_change(good().replace(hello, [Step::ServerHello(fields)]));
    }
    // All of the server's messages in plaintext.
    key_change(good().after(hello, [Step::Keys(Epoch::Plain)]));
    // Application data before Finished.
    let early = Step::Data(BODY.to_vec());
    run(good().before(finished, [early.clone()])).refused();
    run(good().before(certificate, [early])).refused();
    // Twice.
    run(good().before(certificate, [Step::EncryptedExtensions(vec![])])).refused();
    let got = run(good().after(finished, [Step::Finished(Seal::Good)]));
    assert!(got.error.is_some() && got.data.is_empty());
    // An extension that nobody asked for.
    let got = run(good().replace(
        extensions,
        [Step::EncryptedExtensions(vec![(0x5A5A, vec![1])])],
    ));
    assert!(matches!(got.refused(), Error::PeerMisbehaved(_)));
    let twice = vec![(0, vec![]), (0, vec![])];
    run(good().replace(extensions, [Step::EncryptedExtensions(twice)])).refused();
}
