//! That the servers over TLS are what they are taken for, before any ROM talks to them: rustls is the client.

use super::plan;
use hostile_tls::{Script, http_response};
use rustls::pki_types::ServerName;
use rustls::{
    ClientConfig, ClientConnection, NamedGroup, ProtocolVersion, RootCertStore, StreamOwned,
};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use test_pki::{Identity, KeyKind, Pki};
use testbed::https::Https;
use testbed::netns::{Lan, SERVER};
use testbed::real::{asked_for, put_files};
use testbed::servers::Program;
use testbed::tls_servers::{self, HTTPS, Tls};

/// What a client got.
#[derive(Debug)]
struct Got {
    head: String,
    body: Vec<u8>,
    version: Option<ProtocolVersion>,
    suite: Option<rustls::CipherSuite>,
    /// Certificates that the server showed.
    chain: usize,
}

/// Asks for a file, as a ROM would: a share on P-256, the server by its address. An error is rustls's.
fn fetch(lan: &Lan, pki: &Pki, client: Option<&Identity>, path: &str) -> Result<Got, String> {
    let mut roots = RootCertStore::empty();
    roots.add(pki.root().unwrap()).unwrap();
    let mut provider = rustls::crypto::ring::default_provider();
    provider
        .kx_groups
        .retain(|group| group.name() == NamedGroup::secp256r1);
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(one) => builder
            .with_client_auth_cert(one.chain.clone(), one.key.clone_key())
            .unwrap(),
    };
    let host = &lan.server.namespace;
    let stream = host.enter(|| TcpStream::connect((SERVER, HTTPS)));
    let stream = stream.unwrap().unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let name = ServerName::from(std::net::IpAddr::from(SERVER));
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(tls, stream);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {SERVER}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .map_err(|error| error.to_string())?;
    let mut octets = Vec::new();
    match stream.read_to_end(&mut octets) {
        // Not every server says close_notify; the length tells whether all is there.
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error.to_string()),
        _ => {}
    }
    let end = octets
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or("no head")?;
    Ok(Got {
        head: String::from_utf8_lossy(&octets[..end]).into_owned(),
        body: octets.split_off(end + 4),
        version: stream.conn.protocol_version(),
        suite: stream.conn.negotiated_cipher_suite().map(|one| one.suite()),
        chain: stream.conn.peer_certificates().map_or(0, <[_]>::len),
    })
}

fn ends() -> Https {
    Https::new(Pki::with_intermediate(7))
}

/// The file came whole over TLS 1.3, after a chain with an intermediate.
#[track_caller]
fn is_whole(got: &Got, octets: &[u8]) {
    assert!(got.body == octets, "{} of {}", got.body.len(), octets.len());
    assert!(got.head.contains(" 200 "), "{}", got.head);
    let length = format!("content-length: {}", octets.len());
    assert!(
        got.head.to_ascii_lowercase().contains(&length),
        "{}",
        got.head
    );
    assert_eq!(got.version, Some(ProtocolVersion::TLSv1_3));
    assert!(got.suite.is_some());
    assert_eq!(got.chain, 2);
}

#[test]
fn nginx_serves_over_tls() {
    if !asked_for(&[Program::Nginx]) {
        return;
    }
    let plan = plan();
    for keys in [KeyKind::P256, KeyKind::Rsa2048] {
        let lan = Lan::new().unwrap();
        put_files(&lan, &plan, "images/").unwrap();
        let tls = Https::new(ends().pki.with_keys(keys));
        let web = tls_servers::nginx(&lan.server, &Tls::open(tls.identity()), "").unwrap();
        let image = &plan.images[0];
        let got = fetch(&lan, &tls.pki, None, &format!("/images/{}", image.name)).unwrap();
        is_whole(&got, &image.bytes);
        let request = web.wait_requests(1).unwrap().pop().unwrap();
        assert_eq!((&*request.tls, &*request.status), ("TLSv1.3", "200"));
        assert_eq!(
            (&*request.client_verify, &*request.host),
            ("NONE", "10.0.2.2")
        );
        assert!(!request.cipher.is_empty());
        let other = fetch(&lan, &Pki::with_intermediate(99), None, "/");
        assert!(other.is_err(), "another root is not trusted");
    }
}

#[test]
fn nginx_wants_a_client_certificate() {
    if !asked_for(&[Program::Nginx]) {
        return;
    }
    let (plan, tls) = (plan(), ends());
    let lan = Lan::new().unwrap();
    put_files(&lan, &plan, "").unwrap();
    let both = Tls::mutual(tls.identity(), tls.pki);
    let web = tls_servers::nginx(&lan.server, &both, "").unwrap();
    let path = format!("/{}", plan.images[1].name);
    let board = tls.station();
    let got = fetch(&lan, &tls.pki, Some(&board), &path).unwrap();
    is_whole(&got, &plan.images[1].bytes);
    // nginx refuses by HTTP, not by TLS.
    let nobody = fetch(&lan, &tls.pki, None, &path).unwrap();
    assert!(nobody.head.contains(" 400 "), "{}", nobody.head);
    let requests = web.wait_requests(2).unwrap();
    assert_eq!(requests[0].client_verify, "SUCCESS");
    assert_eq!(requests[1].client_verify, "NONE");
}

#[test]
fn openssl_serves_over_tls() {
    if !asked_for(&[Program::OpenSsl]) {
        return;
    }
    let plan = plan();
    let image = &plan.images[0];
    let path = format!("/images/{}", image.name);
    for (keys, suite) in [
        (KeyKind::P256, "TLS_AES_128_GCM_SHA256"),
        (KeyKind::P256, "TLS_CHACHA20_POLY1305_SHA256"),
        (KeyKind::P256, "TLS_AES_256_GCM_SHA384"),
        (KeyKind::Rsa2048, "TLS_AES_128_GCM_SHA256"),
    ] {
        let lan = Lan::new().unwrap();
        put_files(&lan, &plan, "images/").unwrap();
        let tls = Https::new(ends().pki.with_keys(keys));
        let arguments = ["-ciphersuites", suite];
        let server =
            tls_servers::openssl(&lan.server, &Tls::open(tls.identity()), &arguments).unwrap();
        let got = fetch(&lan, &tls.pki, None, &path).unwrap();
        is_whole(&got, &image.bytes);
        let agreed = format!("{:?}", got.suite.unwrap());
        assert_eq!(agreed, suite.replacen("TLS_", "TLS13_", 1));
        server
            .wait_lines(&["FILE:images/", &image.name], 1)
            .unwrap();
    }
}

#[test]
fn openssl_wants_a_client_certificate() {
    if !asked_for(&[Program::OpenSsl]) {
        return;
    }
    let (plan, tls) = (plan(), ends());
    let lan = Lan::new().unwrap();
    put_files(&lan, &plan, "").unwrap();
    let both = Tls::mutual(tls.identity(), tls.pki);
    let _server = tls_servers::openssl(&lan.server, &both, &[]).unwrap();
    let path = format!("/{}", plan.images[1].name);
    let board = tls.station();
    let got = fetch(&lan, &tls.pki, Some(&board), &path).unwrap();
    is_whole(&got, &plan.images[1].bytes);
    assert!(fetch(&lan, &tls.pki, None, &path).is_err());
    let stranger = Pki::with_intermediate(99).client("board 1").unwrap();
    assert!(fetch(&lan, &tls.pki, Some(&stranger), &path).is_err());
}

#[test]
fn gnutls_serves_over_tls() {
    if !asked_for(&[Program::GnutlsServ]) {
        return;
    }
    let (plan, tls) = (plan(), ends());
    let image = &plan.images[0].bytes;
    let lan = Lan::new().unwrap();
    let open = Tls::open(tls.identity());
    let server = tls_servers::gnutls_serv(&lan.server, &open, image, &[]).unwrap();
    for path in ["/", "/images/any"] {
        is_whole(&fetch(&lan, &tls.pki, None, path).unwrap(), image);
    }
    drop(server);
    let both = Tls::mutual(tls.identity(), tls.pki);
    let _server = tls_servers::gnutls_serv(&lan.server, &both, image, &[]).unwrap();
    let board = tls.station();
    let got = fetch(&lan, &tls.pki, Some(&board), "/").unwrap();
    is_whole(&got, image);
    assert!(fetch(&lan, &tls.pki, None, "/").is_err());
}

#[test]
fn the_hostile_server_is_in_the_network() {
    if !asked_for(&[]) {
        return;
    }
    let (plan, tls) = (plan(), ends());
    let lan = Lan::new().unwrap();
    let good = Script::good(&http_response(&plan.images[1].bytes));
    let listener = tls_servers::hostile(&lan.server, tls.identity(), vec![good], 1).unwrap();
    let got = fetch(&lan, &tls.pki, None, "/").unwrap();
    is_whole(&got, &plan.images[1].bytes);
    let report = listener.wait_reports(1).pop().unwrap();
    assert_eq!((report.finished, report.complete), (Some(true), true));
}
