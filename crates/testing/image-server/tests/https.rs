//! The HTTPS server, seen by rustls through TCP.

mod common;

use common::tls::{Answer, Tls, config, config_with};
use common::{Client, End, get, pattern, with_file};
use image_server::tls::hostile::{Proof, Script, Step, http_response};
use image_server::tls::{CipherSuite, ProtocolVersion, TlsVersion};
use image_server::{HttpFault, HttpsConfig, Protocol, Redirect, Rule, ServerConfig, TlsFault};
use netboot_core::{Duration, Instant};
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, CertificateError, Error};
use test_pki::{Flaw, KeyKind, Pki};

const SIZE: u64 = 100_000;
const NAMES: [&str; 2] = ["images.example", "10.0.0.1"];

fn pki() -> Pki {
    Pki::with_intermediate(5)
}

fn server() -> ServerConfig {
    let mut config = with_file(SIZE);
    config.https = Some(HttpsConfig::new(pki().server(&NAMES).unwrap()));
    config
}

fn https(config: &mut ServerConfig) -> &mut HttpsConfig {
    config.https.as_mut().unwrap()
}

fn connect(client: &mut Client) -> Tls {
    Tls::connect(client, config(&pki(), &[&TLS13]), NAMES[0])
}

/// One request over a connection of its own.
fn once(client: &mut Client) -> Answer {
    let mut tls = connect(client);
    tls.ask(client, &get("fw.bin", ""))
}

fn with_fault(fault: HttpFault) -> (Client, Answer) {
    let mut config = server();
    config.faults.http.once(fault);
    let mut client = Client::perfect(config);
    let answer = once(&mut client);
    (client, answer)
}

#[test]
fn the_file_by_name_and_by_address() {
    for name in NAMES {
        let mut client = Client::perfect(server());
        let mut tls = Tls::connect(&mut client, config(&pki(), &[&TLS13]), name);
        let answer = tls.ask(&mut client, &get("fw.bin", ""));
        assert_eq!((answer.http.status(), answer.http.end), (200, End::Whole));
        assert!(answer.http.body() == pattern(SIZE).to_vec());
        tls.close(&mut client);
        let served = client.last_served();
        assert_eq!(
            (served.protocol, served.octets, served.complete),
            (Protocol::Https, SIZE, true)
        );
        let world = client.world();
        let record = &world.server.tls_connections()[0];
        assert_eq!(record.version, Some(ProtocolVersion::TLSv1_3));
        assert_eq!(
            record.server_name.as_deref(),
            (name == NAMES[0]).then_some(name)
        );
        assert_eq!((record.requests, record.error.as_deref()), (1, None));
        assert!(record.handshake_at.is_some() && record.close_notify);
        assert!(record.client_chain.is_empty());
    }
}

#[test]
fn one_handshake_carries_many_requests() {
    let mut client = Client::perfect(server());
    let mut tls = connect(&mut client);
    for offset in [0, 5, 99_999] {
        let range = format!("Range: bytes={offset}-\r\n");
        let answer = tls.ask(&mut client, &get("fw.bin", &range));
        assert_eq!(answer.http.status(), 206);
        assert!(answer.http.body() == &pattern(SIZE).to_vec()[offset..]);
    }
    once(&mut client);
    let requests = |client: &Client| -> Vec<_> {
        let world = client.world();
        let all = world.server.tls_connections().iter();
        all.map(|one| one.requests).collect()
    };
    assert_eq!(requests(&client), [3, 1]);
    client.world().server.config_mut().http.max_requests = Some(1);
    let answer = once(&mut client);
    assert_eq!(answer.http.field("connection"), Some("close"));
}

#[test]
fn records_are_as_long_as_configured() {
    for (limit, longest) in [(Some(4_096), 4_096), (Some(512), 512), (None, 16_384)] {
        let mut config = server();
        https(&mut config).max_fragment = limit;
        let mut client = Client::perfect(config);
        let mut tls = connect(&mut client);
        tls.ask(&mut client, &get("fw.bin", ""));
        // Head, content type and tag (RFC 8446, section 5.2).
        assert_eq!(tls.records.iter().max(), Some(&(5 + longest + 1 + 16)));
    }
}

#[test]
fn versions_and_suites() {
    let suites = [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ];
    for suite in suites {
        let mut config = server();
        https(&mut config).suites = vec![suite];
        let mut client = Client::perfect(config);
        assert_eq!(once(&mut client).http.end, End::Whole);
        assert_eq!(
            client.world().server.tls_connections()[0].suite,
            Some(suite)
        );
    }
    let mut old = server();
    https(&mut old).versions = vec![TlsVersion::V12];
    let mut client = Client::perfect(old);
    let refused = once(&mut client);
    assert_eq!(
        refused.error,
        Some(Error::AlertReceived(AlertDescription::ProtocolVersion))
    );
    assert!(client.world().server.tls_connections()[0].error.is_some());
    let mut tls = Tls::connect(&mut client, config(&pki(), &[&TLS12]), NAMES[0]);
    let answer = tls.ask(&mut client, &get("fw.bin", ""));
    assert!(answer.http.body() == pattern(SIZE).to_vec());
}

#[test]
fn every_kind_of_key() {
    for keys in [
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::Rsa2048,
        KeyKind::Ed25519,
    ] {
        let mut config = server();
        https(&mut config).identity = pki().with_keys(keys).server(&NAMES).unwrap();
        let mut client = Client::perfect(config);
        assert_eq!(once(&mut client).http.end, End::Whole, "{keys:?}");
    }
}

#[test]
fn mutual_tls() {
    let mut server_config = server();
    https(&mut server_config).client_ca = Some(pki().root().unwrap());
    let board = pki().client("board 7").unwrap();
    let mut client = Client::perfect(server_config);
    let mut tls = Tls::connect(&mut client, config_with(&pki(), &board), NAMES[0]);
    assert_eq!(tls.ask(&mut client, &get("fw.bin", "")).http.status(), 200);
    let shown = client.world().server.tls_connections()[0]
        .client_chain
        .clone();
    assert_eq!(shown, board.chain);

    let nobody = once(&mut client);
    assert_eq!(
        nobody.error,
        Some(Error::AlertReceived(AlertDescription::CertificateRequired))
    );
    // A root of the same name with another key.
    let stranger = Pki::new(6).client("board 7").unwrap();
    let mut tls = Tls::connect(&mut client, config_with(&pki(), &stranger), NAMES[0]);
    let refused = tls.ask(&mut client, &get("fw.bin", ""));
    assert_eq!(
        refused.error,
        Some(Error::AlertReceived(AlertDescription::DecryptError))
    );
    let world = client.world();
    let records = &world.server.tls_connections()[1..];
    assert!(
        records
            .iter()
            .all(|one| one.requests == 0 && one.error.is_some())
    );
}

#[test]
fn a_flawed_chain_for_one_connection() {
    let mut config = server();
    let flawed = pki().flawed(&NAMES, Flaw::Expired).unwrap();
    let fault = TlsFault::Identity(Box::new(flawed));
    config.faults.tls.add(Rule::new(fault).times(1));
    let mut client = Client::perfect(config);
    let refused = once(&mut client);
    assert!(matches!(
        refused.error,
        Some(Error::InvalidCertificate(
            CertificateError::ExpiredContext { .. }
        ))
    ));
    // The client's alert is in the record.
    let error = client.world().server.tls_connections()[0].error.clone();
    assert!(error.is_some_and(|error| error.contains("Certificate")));
    assert_eq!(once(&mut client).http.status(), 200);
}

#[test]
fn faults_of_the_handshake() {
    let faulty = |fault| {
        let mut config = server();
        config.faults.tls.once(fault);
        let mut client = Client::perfect(config);
        let answer = once(&mut client);
        assert_eq!(once(&mut client).http.status(), 200);
        answer
    };
    assert_eq!(faulty(TlsFault::Silent).http.end, End::Quiet);
    assert_eq!(faulty(TlsFault::Close).http.end, End::Closed);
    assert_eq!(faulty(TlsFault::Reset).http.end, End::Reset);
    let garbage = faulty(TlsFault::Garbage(
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
    ));
    assert!(matches!(garbage.error, Some(Error::InvalidMessage(_))));

    let mut config = server();
    config
        .faults
        .tls
        .once(TlsFault::Delay(Duration::from_secs(7)));
    let mut client = Client::perfect(config);
    assert_eq!(once(&mut client).http.end, End::Whole);
    let record = client.world().server.tls_connections()[0].clone();
    assert!(record.handshake_at.unwrap() >= Instant::from_millis(7_000));
}

#[test]
fn faults_in_the_body() {
    let (_, closed) = with_fault(HttpFault::CloseAfter(30_000));
    assert_eq!(
        (closed.http.end, closed.http.body().len()),
        (End::Closed, 30_000)
    );
    assert!(closed.close_notify);
    let (client, cut) = with_fault(HttpFault::TlsCutAfter(30_000));
    assert_eq!((cut.http.end, cut.http.body().len()), (End::Closed, 30_000));
    assert!(!cut.close_notify && cut.error.is_none());
    assert!(!client.last_served().complete);
    let (_, reset) = with_fault(HttpFault::ResetAfter(30_000));
    assert_eq!(
        (reset.http.end, reset.http.body().len()),
        (End::Reset, 30_000)
    );
    let (_, stalled) = with_fault(HttpFault::StallAfter(30_000));
    assert_eq!(
        (stalled.http.end, stalled.http.body().len()),
        (End::Quiet, 30_000)
    );
    let (_, garbage) = with_fault(HttpFault::TlsRawAfter(30_000, vec![0x47; 40]));
    assert!(matches!(garbage.error, Some(Error::InvalidMessage(_))));
    let (_, sealed) = with_fault(HttpFault::TlsRawAfter(
        0,
        [&[23, 3, 3, 0, 30][..], &[7; 30]].concat(),
    ));
    assert_eq!(sealed.error, Some(Error::DecryptError));
    let (client, dripped) = with_fault(HttpFault::Drip(20_000));
    assert!(dripped.http.body() == pattern(SIZE).to_vec());
    let took = client.last_served().at;
    assert!((4_900..5_300).contains(&took.as_millis()), "{took}");
}

#[test]
fn a_forged_close_notify_is_no_end() {
    let mut config = server();
    for fault in HttpFault::forged_close_notify(30_000) {
        config.faults.http.once(fault);
    }
    let mut client = Client::perfect(config);
    let answer = once(&mut client);
    assert_eq!(answer.http.body().len(), 30_000);
    assert!(!answer.close_notify);
    assert_eq!(answer.error, Some(Error::DecryptError));
}

#[test]
fn faults_of_tls_are_nothing_over_plain_tcp() {
    let mut config = server();
    config
        .faults
        .http
        .once(HttpFault::TlsRawAfter(30_000, vec![1, 2, 3]));
    let mut client = Client::perfect(config);
    let answer = client.get("fw.bin");
    assert!(answer.end == End::Whole && answer.body() == pattern(SIZE).to_vec());
    assert!(client.world().server.tls_connections().is_empty());
}

#[test]
fn redirects_from_one_to_the_other() {
    let redirect = |location: &str| Redirect {
        status: 302,
        location: location.into(),
    };
    let mut config = server();
    let up = redirect("https://10.0.0.1/fw.bin");
    let down = redirect("http://10.0.0.1/fw.bin");
    config.http.redirects.insert("/fw.bin".into(), up);
    https(&mut config).redirects.insert("/down".into(), down);
    let mut client = Client::perfect(config);
    let moved = client.get("fw.bin");
    assert_eq!(moved.field("location"), Some("https://10.0.0.1/fw.bin"));
    assert_eq!(once(&mut client).http.status(), 200);
    let mut tls = connect(&mut client);
    let moved = tls.ask(&mut client, &get("down", ""));
    assert_eq!(moved.http.field("location"), Some("http://10.0.0.1/fw.bin"));
}

#[test]
fn scripts_run_in_simulated_time() {
    let script = Script::good(&http_response(b"by a script")).before(
        |step| matches!(step, Step::CertificateVerify(_)),
        [Step::Pause(std::time::Duration::from_secs(3))],
    );
    let bad = Script::handshake().replace(
        |step| matches!(step, Step::CertificateVerify(_)),
        [Step::CertificateVerify(Proof::Corrupt)],
    );
    let mut config = server();
    config.faults.tls.once(TlsFault::Script(Box::new(script)));
    let bad = Rule::new(TlsFault::Script(Box::new(bad))).after(1).times(1);
    config.faults.tls.add(bad);
    let mut client = Client::perfect(config);
    let answer = once(&mut client);
    assert_eq!(answer.http.body(), b"by a script");
    assert!(answer.close_notify || answer.http.end == End::Whole);
    let record = client.world().server.tls_connections()[0].clone();
    let report = record.script.unwrap();
    assert_eq!((report.finished, record.requests), (Some(true), 1));
    assert!(client.now() >= Instant::from_millis(3_000));
    let refused = once(&mut client);
    assert!(
        matches!(refused.error, Some(Error::InvalidCertificate(_))),
        "{:?}",
        refused.error
    );
    assert_eq!(once(&mut client).http.status(), 200);

    let flood = Step::Repeat(30_000, Box::new(Step::Data(vec![0x78])));
    let flood = Script::handshake().then([flood, Step::Reset]);
    let fault = TlsFault::Script(Box::new(flood));
    client.world().server.faults_mut().tls.once(fault);
    let answer = once(&mut client);
    assert_eq!(
        (answer.http.end, answer.http.octets.len()),
        (End::Reset, 30_000)
    );
    let record = client.world().server.tls_connections()[3].clone();
    assert!(record.script.unwrap().complete);
}

#[test]
fn the_seed_decides_what_the_server_sends() {
    // The client's hello differs from run to run, so the server's share is what can be compared.
    let share = |seed| {
        let mut config = server();
        config.seed = seed;
        let mut client = Client::perfect(config);
        let socket = client.connect(443, 65_535);
        let hello = include_bytes!("client-hello.bin");
        client.write(socket, hello);
        client.read(socket, Duration::from_secs(1)).octets
    };
    assert!(share(1).len() > 1_000);
    assert!(share(1) == share(1));
    assert!(share(1) != share(2));
}

#[test]
fn lossy_links_only_take_longer() {
    let mut config = server();
    config.seed = 3;
    let link = netsim::LinkConfig {
        delay: Duration::from_millis(2),
        loss: 0.02,
        duplicate: 0.02,
        reorder: 0.02,
        ..netsim::LinkConfig::default()
    };
    let mut client = Client::new(config, link);
    let answer = once(&mut client);
    assert!(answer.http.body() == pattern(SIZE).to_vec());
}
