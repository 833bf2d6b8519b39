//! ServerHello, HelloRetryRequest and EncryptedExtensions.

use crate::{End, Setup, differs, ends, everywhere, extensions, good, hello, pki};
use End::{Good, Refused};
use hostile_tls::script::{HelloRetry, KeyShare, Nonce};
use hostile_tls::{Script, ServerHello, SessionId, Step};
use netboot_tls::channel::SMALL_RECORDS;
use netboot_tls::verify::ServerName;
use netboot_tls::{TlsError, Verified};

fn greeting(fields: ServerHello) -> Script {
    good().replace(hello, [Step::ServerHello(fields)])
}

/// EncryptedExtensions with these.
fn granting(list: &[(u16, &[u8])]) -> Script {
    let list = list.iter().map(|(kind, value)| (*kind, value.to_vec()));
    good().replace(extensions, [Step::EncryptedExtensions(list.collect())])
}

#[test]
fn another_version() {
    let old = Refused(TlsError::NoTls13);
    ends("TLS 1.2", &greeting(ServerHello::tls_1_2()), old);
    ends("downgraded", &greeting(ServerHello::downgraded()), old);
    let fields = ServerHello {
        random: Nonce::Downgrade11,
        ..ServerHello::tls_1_2()
    };
    ends("downgraded to 1.1", &greeting(fields), old);
    // What servers say that know nothing newer.
    for alert in [70, 40] {
        let error = match alert {
            70 => TlsError::NoTls13,
            _ => TlsError::NothingInCommon,
        };
        let script = good().before(hello, [Step::Plain(21, vec![2, alert]), Step::Cut]);
        ends("an alert", &script, Refused(error));
    }
}

#[test]
fn what_was_not_offered() {
    let fields = ServerHello::default;
    let cases = [
        (
            "AES-256",
            ServerHello {
                suite: Some(0x1302),
                ..fields()
            },
        ),
        (
            "a suite of 1.2",
            ServerHello {
                suite: Some(0xC02B),
                ..fields()
            },
        ),
        (
            "the null suite",
            ServerHello {
                suite: Some(0),
                ..fields()
            },
        ),
        (
            "P-384",
            ServerHello {
                share: KeyShare::Group(0x18),
                ..fields()
            },
        ),
        (
            "X25519",
            ServerHello {
                share: KeyShare::Octets(0x1D, vec![9; 32]),
                ..fields()
            },
        ),
        (
            "no share",
            ServerHello {
                share: KeyShare::None,
                ..fields()
            },
        ),
        (
            "off the curve",
            ServerHello {
                share: KeyShare::OffCurve,
                ..fields()
            },
        ),
        (
            "compressed",
            ServerHello {
                share: KeyShare::Compressed,
                ..fields()
            },
        ),
        (
            "no point",
            ServerHello {
                share: KeyShare::Octets(0x17, vec![]),
                ..fields()
            },
        ),
        (
            "infinity",
            ServerHello {
                share: KeyShare::Octets(0x17, vec![0]),
                ..fields()
            },
        ),
        (
            "zeros",
            ServerHello {
                share: KeyShare::Octets(0x17, [&[4][..], &[0; 64]].concat()),
                ..fields()
            },
        ),
        (
            "compression",
            ServerHello {
                compression: 1,
                ..fields()
            },
        ),
        (
            "a session",
            ServerHello {
                session_id: SessionId::Octets(vec![1; 32]),
                ..fields()
            },
        ),
        (
            "TLS 1.4",
            ServerHello {
                selected_version: Some(0x0305),
                ..fields()
            },
        ),
        (
            "TLS 1.2 by extension",
            ServerHello {
                selected_version: Some(0x0303),
                ..fields()
            },
        ),
        (
            "a draft",
            ServerHello {
                selected_version: Some(0x7F1C),
                ..fields()
            },
        ),
        (
            "an old version field",
            ServerHello {
                version: 0x0301,
                ..fields()
            },
        ),
        (
            "a new version field",
            ServerHello {
                version: 0x0304,
                ..fields()
            },
        ),
        (
            "the version twice",
            ServerHello {
                extensions: vec![(43, vec![3, 4])],
                ..fields()
            },
        ),
    ];
    for (what, fields) in cases {
        ends(what, &greeting(fields), Refused(TlsError::IllegalParameter));
    }
    for kind in [0, 16, 41, 0x5A5A] {
        let fields = ServerHello {
            extensions: vec![(kind, vec![0, 0])],
            ..fields()
        };
        let error = TlsError::UnexpectedExtension;
        ends(
            &format!("extension {kind}"),
            &greeting(fields),
            Refused(error),
        );
    }
}

#[test]
fn hellos_that_cannot_be_read() {
    let fields = ServerHello {
        trailing: vec![0; 3],
        ..ServerHello::default()
    };
    ends("trailing", &greeting(fields), Refused(TlsError::BadMessage));
    let fields = ServerHello {
        session_id: SessionId::Octets(vec![1; 200]),
        ..ServerHello::default()
    };
    ends(
        "a long session id",
        &greeting(fields),
        Refused(TlsError::IllegalParameter),
    );
    for length in [0, 1, 34, 37] {
        let script = good().replace(hello, [Step::Handshake(2, vec![3; length])]);
        ends(
            &format!("{length} octets"),
            &script,
            Refused(TlsError::BadMessage),
        );
    }
    let long = Step::HandshakeOctets(vec![2, 0xFF, 0xFF, 0xFF]);
    let script = good().replace(hello, [long]);
    ends("16 MB", &script, Refused(TlsError::MessageTooLarge));
}

#[test]
fn a_retry() {
    let fields = ServerHello {
        random: Nonce::HelloRetry,
        ..ServerHello::default()
    };
    let error = Refused(TlsError::HelloRetryRequest);
    ends("by its random", &greeting(fields), error);
    for (group, cookie) in [
        (Some(0x18), None),
        (Some(0x17), None),
        (None, Some(b"crumb".to_vec())),
        (None, None),
    ] {
        let retry = Step::HelloRetryRequest(HelloRetry {
            group,
            cookie,
            suite: None,
        });
        let script = good().before(hello, [retry, Step::AwaitHello]);
        ends("retry", &script, error);
    }
}

#[test]
fn something_else_first() {
    let unexpected = Refused(TlsError::UnexpectedMessage);
    for kind in [0, 1, 4, 8, 11, 15, 20, 24, 254] {
        let script = good().before(hello, [Step::Handshake(kind, vec![0; 2])]);
        ends(&format!("message {kind}"), &script, unexpected);
    }
    let bad = Refused(TlsError::BadRecord);
    for octets in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        vec![0; 64],
        vec![22, 3, 3, 0, 0],
        vec![22, 3, 3, 0x40, 0x01],
        vec![22, 2, 0, 0, 4],
        vec![23, 3, 3, 0, 17],
        vec![20, 3, 3, 0, 1, 1],
        vec![21, 3, 3, 0, 1, 2],
        vec![24, 3, 3, 0, 3],
        vec![0x80, 0x2E, 1, 0, 2],
    ] {
        let script = good().before(hello, [Step::Raw(octets.clone())]);
        ends(&format!("{octets:?}"), &script, bad);
    }
    ends(
        "gone",
        &good().before(hello, [Step::Cut]),
        Refused(TlsError::Truncated),
    );
    let script = good().before(hello, [Step::Reset]);
    ends("reset", &script, Refused(TlsError::Transport));
    // Alerts, known and unknown, and the forged end of a connection that has not begun.
    for (level, alert) in [(2, 80), (1, 112), (2, 222), (1, 0), (2, 0)] {
        let script = good().before(hello, [Step::Plain(21, vec![level, alert])]);
        let error = TlsError::Alert(netboot_tls::Alert(alert));
        ends(&format!("alert {alert}"), &script, Refused(error));
    }
}

/// Nobody says a word: over a socket the deadline ends it, in memory both ends wait.
#[test]
fn silence() {
    let script = Script {
        suite: None,
        steps: vec![Step::AwaitHello, Step::AwaitHello],
    };
    let end = Refused(TlsError::Deadline);
    everywhere::<Verified>("silence", &Setup::new(), &script, &[1], end);
}

#[test]
fn extensions_that_are_granted() {
    // The name was asked for; groups may always come (RFC 8446, section 4.2.7).
    ends(
        "name and groups",
        &granting(&[(0, &[]), (10, &[0, 2, 0, 0x17])]),
        Good,
    );
    let unasked = Refused(TlsError::UnexpectedExtension);
    for kind in [16, 5, 13, 35, 42, 43, 51, 0x5A5A] {
        ends(
            &format!("extension {kind}"),
            &granting(&[(kind, &[])]),
            unasked,
        );
    }
    // With a buffer for every record no limit is asked for.
    ends("max_fragment_length", &granting(&[(1, &[4])]), unasked);
    ends("record_size_limit", &granting(&[(28, &[0x10, 0])]), unasked);
    let twice = granting(&[(0, &[]), (0, &[])]);
    ends("twice", &twice, Refused(TlsError::IllegalParameter));
    let filled = granting(&[(0, &[1, 2])]);
    ends(
        "a name with contents",
        &filled,
        Refused(TlsError::BadMessage),
    );
    let bad = Refused(TlsError::BadMessage);
    for body in [
        vec![],
        vec![0],
        vec![0, 4, 0, 0],
        vec![0, 3, 0, 0, 0],
        vec![0, 0, 0],
    ] {
        let script = good().replace(extensions, [Step::Handshake(8, body)]);
        ends("not to be read", &script, bad);
    }
    let script = good().before(extensions, [Step::EncryptedExtensions(vec![])]);
    ends(
        "two messages",
        &script,
        Refused(TlsError::UnexpectedMessage),
    );
    let script = good().without(extensions);
    ends("none", &script, Refused(TlsError::UnexpectedMessage));
}

/// With a small receive buffer records are asked to fit it: one answer to that, and the one that was asked for.
#[test]
fn limits_that_are_granted() {
    let small = |list: &[(u16, &[u8])]| {
        let setup = Setup {
            receive: SMALL_RECORDS,
            ..Setup::new()
        };
        (setup, granting(list))
    };
    for (what, list, end) in [
        ("record_size_limit", &[(28, &[0x10, 0][..])][..], Good),
        ("the least", &[(28, &[0, 64])], Good),
        ("max_fragment_length", &[(1, &[4])], Good),
        (
            "less than the least",
            &[(28, &[0, 63])],
            Refused(TlsError::IllegalParameter),
        ),
        (
            "twice",
            &[(28, &[1, 0]), (28, &[1, 0])],
            Refused(TlsError::IllegalParameter),
        ),
        (
            "another length",
            &[(1, &[3])],
            Refused(TlsError::IllegalParameter),
        ),
        (
            "both",
            &[(1, &[4]), (28, &[16, 0])],
            Refused(TlsError::IllegalParameter),
        ),
        ("no limit", &[(28, &[])], Refused(TlsError::BadMessage)),
        ("no length", &[(1, &[])], Refused(TlsError::BadMessage)),
    ] {
        let (setup, script) = small(list);
        differs(what, &setup, &script, end, end);
    }
    let setup = Setup {
        server: ServerName::Ip([192, 0, 2, 1].into()),
        ..Setup::showing(pki().server(&["192.0.2.1"]).unwrap())
    };
    let end = Refused(TlsError::UnexpectedExtension);
    differs("no name", &setup, &granting(&[(0, &[])]), end, end);
}
