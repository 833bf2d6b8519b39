//! The client against OpenSSL's and GnuTLS's servers, for what rustls does not do: a HelloRetryRequest with a cookie, and a limit
//! on what the client sends.

#[path = "common/trust.rs"]
mod trust;

mod common;

use common::Socket;
use netboot_core::Instant;
use netboot_tls::channel::{LARGE_RECORDS, SEND, SMALL_RECORDS};
use netboot_tls::verify::ServerName;
use netboot_tls::{Channel, Config, Identity, Signer, TlsConnection, TlsError, Verified};
use p256::ecdsa::SigningKey;
use p256::pkcs8::DecodePrivateKey as _;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time;
use tempfile::TempDir;
use test_pki::{Pki, pem_of};
use trust::trust;

const NAME: &str = "boot.example";
const LIMIT: Instant = Instant::from_micros(10_000_000);

/// A server's process, which ends with this value.
struct Peer {
    process: Child,
    port: u16,
    _files: TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn pki() -> Pki {
    Pki {
        intermediates: 3,
        ..Pki::new(41)
    }
}

/// Starts `program` with what `arguments` makes of the directory with its files, and of its port; `None` without it.
fn start(
    program: &str,
    arguments: impl FnOnce(&dyn Fn(&str) -> PathBuf, u16) -> Vec<String>,
) -> Option<Peer> {
    if let Err(error) = Command::new(program).arg("--version").output() {
        println!("NOT RUN: this test needs {program}: {error}");
        assert!(std::env::var_os("CI").is_none(), "in CI it has to run");
        return None;
    }
    let files = TempDir::new().unwrap();
    let own = pki().server(&[NAME]).unwrap();
    let rest: String = own.chain[1..].iter().map(|one| pem_of(one)).collect();
    for (name, text) in [
        ("leaf.pem", pem_of(&own.chain[0])),
        ("rest.pem", rest),
        ("chain.pem", own.chain_pem()),
        ("key.pem", own.key_pem()),
        ("root.pem", pki().root_pem().unwrap()),
    ] {
        std::fs::write(files.path().join(name), text).unwrap();
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let path = files.path().to_owned();
    let process = Command::new(program)
        .args(arguments(&|name| Path::join(&path, name), port))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Some(Peer {
        process,
        port,
        _files: files,
    })
}

/// Connects to the server on this port of loopback, as soon as it listens.
fn connect(port: u16) -> Socket {
    let began = time::Instant::now();
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return Socket::new(stream),
            Err(error) => assert!(began.elapsed().as_secs() < 10, "{error}"),
        }
        std::thread::sleep(time::Duration::from_millis(20));
    }
}

/// Connects with a certificate of ours, calls `connected` and asks for something; what comes, up to 4 octets at least.
fn ask(
    port: u16,
    records: usize,
    request: &[u8],
    connected: &mut dyn FnMut(),
) -> Result<Vec<u8>, TlsError> {
    let root = pki().root().unwrap();
    let roots = [&*root];
    let own = pki().client("board 7").unwrap();
    let chain: Vec<&[u8]> = own.chain.iter().map(|one| &**one).collect();
    let octets: usize = chain.iter().map(|one| one.len()).sum();
    assert!(octets > 1_600, "{octets}");
    let mut key = SigningKey::from_pkcs8_der(own.key.secret_der()).unwrap();
    let mut config = Config::new(ServerName::Dns(NAME), trust(&roots));
    config.identity = Some(Identity {
        chain: &chain,
        signer: Signer::P256(&mut key),
    });
    let (mut receive, mut send) = (vec![0; records], vec![0; SEND + 2_048]);
    let mut channel = Channel::<Verified>::new(&mut receive, &mut send);
    let mut socket = connect(port);
    let mut connection = TlsConnection::new(&mut channel, &mut socket);
    connection.connect(&mut config, &mut ChaCha20Rng::seed_from_u64(6), LIMIT)?;
    connected();
    connection.write(request, LIMIT)?;
    let mut all = Vec::new();
    while all.len() < 4 {
        let mut octets = [0; 1_000];
        let len = connection.read(&mut octets, LIMIT)?;
        if len == 0 {
            break;
        }
        all.extend(&octets[..len]);
    }
    connection.close(LIMIT)?;
    Ok(all)
}

/// `s_server -stateless` answers each first hello with a HelloRetryRequest that has a cookie.
#[test]
fn openssl_with_a_cookie() {
    for suite in ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"] {
        let peer = start("openssl", |file, port| {
            let accept = format!("127.0.0.1:{port}");
            let words = [
                "s_server",
                "-stateless",
                "-tls1_3",
                "-quiet",
                "-accept",
                &accept,
            ];
            let mut all: Vec<_> = words.into_iter().map(String::from).collect();
            for (option, name) in [
                ("-cert", "leaf.pem"),
                ("-key", "key.pem"),
                ("-cert_chain", "rest.pem"),
            ] {
                all.extend([option.into(), file(name).display().to_string()]);
            }
            all.extend(["-ciphersuites".into(), suite.into()]);
            all
        });
        let Some(mut peer) = peer else { return };
        // It sends what it reads; what it reads before the handshake makes it forget the cookie.
        let stdin = peer.process.stdin.as_mut().unwrap();
        let got = ask(peer.port, LARGE_RECORDS, b"hello\n", &mut || {
            stdin.write_all(b"what it reads\n").unwrap();
        });
        assert_eq!(got.as_deref(), Ok(&b"what it reads\n"[..]), "{suite}");
    }
}

/// A chain of 1.6 KiB and more to a server that takes 512 octets in a record.
#[test]
fn gnutls_with_a_record_size_of_512() {
    for records in [LARGE_RECORDS, SMALL_RECORDS] {
        let peer = start("gnutls-serv", |file, port| {
            vec![
                "--echo".into(),
                "--priority=NORMAL:-VERS-ALL:+VERS-TLS1.3".into(),
                "--recordsize=512".into(),
                format!("--port={port}"),
                format!("--x509certfile={}", file("chain.pem").display()),
                format!("--x509keyfile={}", file("key.pem").display()),
                format!("--x509cafile={}", file("root.pem").display()),
                "--require-client-cert".into(),
                "--verify-client-cert".into(),
            ]
        });
        let Some(peer) = peer else { return };
        let got = ask(peer.port, records, b"echo\n", &mut || {});
        assert_eq!(got.as_deref(), Ok(&b"echo\n"[..]), "{records}");
    }
}
