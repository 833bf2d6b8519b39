//! rustls as a client of the hostile server, over TCP on loopback.

use hostile_tls::{Listener, Report, Script};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Error, RootCertStore};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use test_pki::{Identity, Pki};

pub const NAME: &str = "images.example";

pub fn pki() -> Pki {
    Pki::with_intermediate(11)
}

/// What a client got.
#[derive(Debug)]
pub struct Got {
    /// Plaintext.
    pub data: Vec<u8>,
    /// What rustls has against the server.
    pub error: Option<Error>,
    /// The server has said close_notify.
    pub close_notify: bool,
    /// What the server saw.
    pub report: Report,
}

impl Got {
    /// The client refused the handshake, and said nothing to the server but its hello and an alert.
    #[track_caller]
    pub fn refused(&self) -> &Error {
        assert_eq!(self.data, b"", "{:?}", self.report.steps);
        assert_eq!(
            self.report.data, b"",
            "a request for a server that proved nothing"
        );
        self.error.as_ref().expect("an error")
    }
}

pub fn client_config(
    client: Option<&Identity>,
    suite: Option<rustls::CipherSuite>,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(pki().root().unwrap()).unwrap();
    let mut provider = rustls::crypto::ring::default_provider();
    if let Some(suite) = suite {
        provider.cipher_suites.retain(|one| one.suite() == suite);
    }
    // P-256 first, so that a share of it is in the hello.
    let p256 = rustls::NamedGroup::secp256r1;
    provider.kx_groups.sort_by_key(|group| group.name() != p256);
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    match client {
        None => builder.with_no_client_auth(),
        Some(one) => builder
            .with_client_auth_cert(one.chain.clone(), one.key.clone_key())
            .unwrap(),
    }
}

/// Connects, asks for a file, and reads until the end.
pub fn run(script: Script) -> Got {
    run_with(
        script,
        client_config(None, None),
        &pki().server(&[NAME]).unwrap(),
    )
}

pub fn run_with(script: Script, config: ClientConfig, identity: &Identity) -> Got {
    let listener = Listener::on_loopback(identity.clone(), vec![script], 1).unwrap();
    let mut stream = TcpStream::connect(listener.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    tls.writer()
        .write_all(b"GET /fw.bin HTTP/1.1\r\nHost: images.example\r\n\r\n")
        .unwrap();
    let mut data = Vec::new();
    let mut error = None;
    let mut close_notify = false;
    let mut octets = [0; 4_096];
    'connection: loop {
        while tls.wants_write() {
            if tls.write_tls(&mut stream).is_err() {
                break 'connection;
            }
        }
        if error.is_some() || close_notify {
            break;
        }
        let length = match stream.read(&mut octets) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        };
        let mut rest = &octets[..length];
        while !rest.is_empty() && error.is_none() {
            tls.read_tls(&mut rest).unwrap();
            error = tls.process_new_packets().err();
            let mut piece = vec![0; 100_000];
            loop {
                match tls.reader().read(&mut piece) {
                    Ok(0) => {
                        close_notify = true;
                        break;
                    }
                    Ok(length) => data.extend_from_slice(&piece[..length]),
                    Err(_) => break,
                }
            }
            if close_notify {
                break;
            }
        }
    }
    drop(stream);
    let report = listener.wait_reports(1).pop().expect("a report");
    Got {
        data,
        error,
        close_notify,
        report,
    }
}
