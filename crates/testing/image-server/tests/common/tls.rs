//! TLS for the client: rustls, fed by hand over a socket of the simulated world.

use super::{Client, End, Http};
use netboot_core::Duration;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp;
use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use test_pki::{Identity, Pki};

/// What a client trusts and offers.
pub fn config(pki: &Pki, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    builder(pki, versions).with_no_client_auth()
}

/// The same with a certificate of its own.
pub fn config_with(pki: &Pki, identity: &Identity) -> ClientConfig {
    builder(pki, &[&rustls::version::TLS13])
        .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
        .unwrap()
}

fn builder(
    pki: &Pki,
    versions: &[&'static SupportedProtocolVersion],
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(pki.root().unwrap()).unwrap();
    let mut provider = rustls::crypto::ring::default_provider();
    // As a ROM has it; scripts know no other group.
    let p256 = rustls::NamedGroup::secp256r1;
    provider.kx_groups.sort_by_key(|group| group.name() != p256);
    let provider = Arc::new(provider);
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
}

/// A connection of the client.
pub struct Tls {
    pub socket: SocketHandle,
    pub tls: ClientConnection,
    /// The lengths of the records that came, with their heads.
    pub records: Vec<usize>,
    stream: Vec<u8>,
}

/// What came of a request.
pub struct Answer {
    pub http: Http,
    /// The server has said close_notify.
    pub close_notify: bool,
    /// What rustls has against the server.
    pub error: Option<rustls::Error>,
}

impl Answer {
    /// Takes all plaintext that is there.
    fn read(&mut self, tls: &mut ClientConnection) {
        let mut piece = vec![0; 65_536];
        loop {
            match tls.reader().read(&mut piece) {
                Ok(0) => {
                    self.close_notify = true;
                    return;
                }
                Ok(length) => self.http.octets.extend_from_slice(&piece[..length]),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    return;
                }
            }
        }
    }
}

impl Tls {
    pub fn connect(client: &mut Client, config: ClientConfig, name: &str) -> Self {
        let name = ServerName::try_from(name).unwrap().to_owned();
        Self {
            socket: client.connect(443, 65_535),
            tls: ClientConnection::new(Arc::new(config), name).unwrap(),
            records: Vec::new(),
            stream: Vec::new(),
        }
    }

    /// Sends a request, and reads until its answer is whole or nothing more will come.
    pub fn ask(&mut self, client: &mut Client, request: &str) -> Answer {
        self.tls.writer().write_all(request.as_bytes()).unwrap();
        let mut answer = Answer {
            http: Http {
                octets: Vec::new(),
                end: End::Quiet,
            },
            close_notify: false,
            error: None,
        };
        let patience = Duration::from_secs(20);
        let mut last = client.now();
        let end = client.wait(Duration::from_secs(100_000), |client| {
            let now = client.now();
            let socket = client.sockets.get_mut::<tcp::Socket>(self.socket);
            while socket.can_recv() && answer.error.is_none() {
                last = now;
                let octets = socket
                    .recv(|octets| (octets.len(), octets.to_vec()))
                    .unwrap();
                self.stream.extend_from_slice(&octets);
                self.count_records();
                let mut rest = &octets[..];
                while !rest.is_empty() && self.tls.read_tls(&mut rest).unwrap() > 0 {
                    if let Err(error) = self.tls.process_new_packets() {
                        answer.read(&mut self.tls);
                        answer.error = Some(error);
                        break;
                    }
                    answer.read(&mut self.tls);
                }
            }
            while self.tls.wants_write() && socket.may_send() {
                let mut out = Vec::new();
                self.tls.write_tls(&mut out).unwrap();
                assert_eq!(socket.send_slice(&out), Ok(out.len()));
            }
            if Http::is_whole(&answer.http.octets) {
                return Some(End::Whole);
            }
            if answer.error.is_some() && !self.tls.wants_write() {
                return Some(End::Closed);
            }
            match socket.state() {
                tcp::State::Closed => return Some(End::Reset),
                _ if !socket.may_recv() && socket.state() != tcp::State::SynSent => {
                    return Some(End::Closed);
                }
                _ => {}
            }
            (now.since(last) > patience).then_some(End::Quiet)
        });
        answer.http.end = end.unwrap_or(End::Quiet);
        // What follows, such as the end.
        client.pass(Duration::from_millis(300));
        answer
    }

    /// Ends the connection as clients do.
    pub fn close(mut self, client: &mut Client) {
        self.tls.send_close_notify();
        let mut out = Vec::new();
        self.tls.write_tls(&mut out).unwrap();
        let socket = client.sockets.get_mut::<tcp::Socket>(self.socket);
        socket.send_slice(&out).unwrap();
        socket.close();
        client.pass(Duration::from_millis(300));
    }

    fn count_records(&mut self) {
        while let [_, _, _, high, low, ..] = self.stream[..] {
            let length = 5 + usize::from(u16::from_be_bytes([high, low]));
            if self.stream.len() < length {
                break;
            }
            self.stream.drain(..length);
            self.records.push(length);
        }
    }
}
