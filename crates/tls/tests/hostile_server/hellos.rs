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
            "AES-128-CCM",
            ServerHello {
                suite: Some(0x1304),
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
    // RFC 8446, section 9.2.
    let none = ServerHello {
        share: KeyShare::None,
        ..fields()
    };
    let missing = Refused(TlsError::MissingExtension);
    ends("no share", &greeting(none), missing);
    // A cookie belongs to a HelloRetryRequest.
    for kind in [0, 16, 41, 44, 0x5A5A] {
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

/// A HelloRetryRequest, and what the client says to it.
fn retrying(retry: HelloRetry) -> Script {
    let retry = Step::HelloRetryRequest(retry);
    good().before(hello, [retry, Step::AwaitHello])
}

#[test]
fn a_retry_that_cannot_be_followed() {
    let illegal = TlsError::IllegalParameter;
    let cookie = || Some(b"crumb".to_vec());
    for (what, group, cookie, suite, error) in [
        // It changes nothing, or asks for the share that it has (RFC 8446, sections 4.1.4 and 4.2.8).
        ("nothing", None, None, None, illegal),
        ("P-256 again", Some(0x17), None, None, illegal),
        ("P-256 and a cookie", Some(0x17), cookie(), None, illegal),
        ("a suite", None, cookie(), Some(0x1304), illegal),
        ("P-384", Some(0x18), None, None, TlsError::HelloRetryRequest),
        (
            "X25519",
            Some(0x1D),
            cookie(),
            None,
            TlsError::HelloRetryRequest,
        ),
        (
            "no cookie in it",
            None,
            Some(vec![]),
            None,
            TlsError::BadMessage,
        ),
        // No send buffer holds it.
        (
            "a large cookie",
            None,
            Some(vec![7; 9_000]),
            None,
            TlsError::SendBuffer,
        ),
    ] {
        let retry = HelloRetry {
            group,
            cookie,
            suite,
        };
        ends(what, &retrying(retry), Refused(error));
    }
    // Both tell the server of a parameter that is wrong.
    for error in [illegal, TlsError::HelloRetryRequest] {
        assert_eq!(error.alert(), Some(netboot_tls::Alert(47)));
    }
    // By its random it is one; its share is a server's.
    let fields = ServerHello {
        random: Nonce::HelloRetry,
        ..ServerHello::default()
    };
    let error = Refused(TlsError::BadMessage);
    ends("a share", &greeting(fields), error);
    let retry = || HelloRetry {
        cookie: Some(b"crumb".to_vec()),
        ..HelloRetry::default()
    };
    let again = Step::HelloRetryRequest(retry());
    let script = retrying(retry()).before(hello, [again, Step::AwaitHello]);
    ends("twice", &script, Refused(TlsError::UnexpectedMessage));
    // Another suite than the retry had.
    let other = HelloRetry {
        suite: Some(0x1301),
        ..retry()
    };
    let script = retrying(other).suite(0x1303);
    ends("another suite", &script, Refused(illegal));
    // Something behind it, before the second hello.
    let behind = Step::HandshakeOctets(vec![2, 0]);
    let script = good().before(
        hello,
        [Step::Coalesce, Step::HelloRetryRequest(retry()), behind],
    );
    ends("behind", &script, Refused(TlsError::UnexpectedMessage));
}

/// RFC 8446, section 9.2: a client has to send a cookie back, in a hello that is the same in all else.
#[test]
fn a_retry_with_a_cookie() {
    let cookie = |length| HelloRetry {
        cookie: Some((0..length).map(|at| at as u8).collect()),
        ..HelloRetry::default()
    };
    for suite in [0x1301, 0x1303] {
        for length in [1, 40, 700] {
            let script = retrying(cookie(length)).suite(suite);
            ends(&format!("{length} octets"), &script, Good);
        }
    }
    ends(
        "change_cipher_spec behind it",
        &retrying(cookie(9)).before(hello, [Step::Plain(20, vec![1])]),
        Good,
    );
    let got = crate::memory::run::<Verified>(&Setup::new(), &retrying(cookie(3)), 1_460);
    let [first, second] = &got.report.hellos[..] else {
        panic!("{got:?}");
    };
    let mut expected = first.clone();
    expected.extensions.push((44, vec![0, 3, 0, 1, 2]));
    assert_eq!(*second, expected);
    assert_eq!(second.random, first.random);
}

/// What is offered can be checked: P-384 only with an algorithm for it.
#[test]
fn signature_schemes_are_those_of_the_algorithms() {
    use netboot_tls::channel::Algorithms;
    use netboot_tls::verify::{DEFAULT_ALGORITHMS, P256_SHA256, P256_SHA384, P384_SHA384};
    use netboot_tls::{Channel, Config, ProofOnly, Provisional};
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng as _;
    fn offered(algorithms: Algorithms<'_>) -> Result<Vec<u16>, TlsError> {
        let (mut receive, mut send) = ([0; 4_400], [0; 512]);
        let mut channel = Channel::<Provisional>::new(&mut receive, &mut send);
        let mut config = Config::new(crate::SERVER, ProofOnly(algorithms));
        let shake = channel.start(&mut config, &mut ChaCha20Rng::seed_from_u64(1))?;
        let hello = hostile_tls::ClientHello::parse(&shake.pending()[9..]);
        Ok(hello.expect("a hello").signature_schemes)
    }
    assert_eq!(offered(&[P256_SHA256]), Ok(vec![0x0403]));
    assert_eq!(offered(&[P384_SHA384]), Ok(vec![0x0503]));
    assert_eq!(offered(DEFAULT_ALGORITHMS), Ok(vec![0x0403, 0x0503]));
    // For certificates alone: no server can prove itself.
    assert_eq!(offered(&[P256_SHA384]), Err(TlsError::NotOpen));
    assert_eq!(offered(&[]), Err(TlsError::NotOpen));
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
        vec![22, 2, 0, 0, 4],
        vec![23, 3, 3, 0, 17],
        vec![21, 3, 3, 0, 1, 2],
        vec![24, 3, 3, 0, 3],
        vec![0x80, 0x2E, 1, 0, 2],
    ] {
        let script = good().before(hello, [Step::Raw(octets.clone())]);
        ends(&format!("{octets:?}"), &script, bad);
    }
    for length in [0x4001_u16, 0xFFFF] {
        let head = [&[22, 3, 3][..], &length.to_be_bytes()].concat();
        let script = good().before(hello, [Step::Raw(head)]);
        ends("too long", &script, Refused(TlsError::RecordOverflow));
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
    // With a buffer for every record no shorter ones are asked for; the server may still have a limit of its own.
    ends("max_fragment_length", &granting(&[(1, &[4])]), unasked);
    ends("record_size_limit", &granting(&[(28, &[0x10, 0])]), Good);
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
