//! The client against rustls: an independent TLS 1.3 server, in memory.

#[path = "common/trust.rs"]
mod trust;

use netboot_tls::channel::{LARGE_RECORDS, SEND, SMALL_RECORDS};
use netboot_tls::verify::{DEFAULT_ALGORITHMS, ServerName};
use netboot_tls::{
    Channel, Config, Identity, ProofOnly, Provisional, Signer, Suite, TlsError, Verified,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::sync::Arc;
use trust::trust;

/// A root and what it has signed.
struct Pki {
    root: Vec<u8>,
    server: (CertificateDer<'static>, PrivateKeyDer<'static>),
    client: (Vec<u8>, p256::ecdsa::SigningKey),
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

impl Pki {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let root = CertifiedIssuer::self_signed(params, key()).unwrap();
        let leaf_key = key();
        let mut params = CertificateParams::new(vec!["boot.example".into()]).unwrap();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&leaf_key, &root).unwrap();
        let client_key = key();
        let mut params = CertificateParams::new(vec!["device".into()]).unwrap();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let client = params.signed_by(&client_key, &root).unwrap();
        use p256::pkcs8::DecodePrivateKey as _;
        let secret = p256::SecretKey::from_pkcs8_der(&client_key.serialize_der()).unwrap();
        Self {
            root: root.der().to_vec(),
            server: (
                leaf.der().clone(),
                PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap(),
            ),
            client: (client.der().to_vec(), secret.into()),
        }
    }

    /// A server; `mutual` wants a certificate of the client.
    fn server(&self, suites: &[rustls::CipherSuite], mutual: bool) -> ServerConfig {
        let mut provider = rustls::crypto::ring::default_provider();
        provider
            .cipher_suites
            .retain(|suite| suites.is_empty() || suites.contains(&suite.suite()));
        let builder = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap();
        let builder = if mutual {
            let mut roots = RootCertStore::empty();
            roots.add(self.root.clone().into()).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let (chain, key) = (vec![self.server.0.clone()], self.server.1.clone_key());
        builder.with_single_cert(chain, key).unwrap()
    }
}

/// Lets the server renew its keys three times; each time both sides send something.
fn renew_keys<L: netboot_tls::Level>(wire: &mut Wire, client: &mut Channel<'_, L>) {
    for _ in 0..3 {
        wire.server.refresh_traffic_keys().unwrap();
        wire.server.writer().write_all(b"after").unwrap();
        assert_eq!(wire.drain(client).unwrap(), b"after");
        client.write(b"ours").unwrap();
        while wire.step(client).unwrap() {}
    }
    assert_eq!(wire.received, b"oursoursours");
}

/// Both ends and the wire between them.
struct Wire {
    server: ServerConnection,
    /// What the server has sent and the client not taken.
    down: Vec<u8>,
    /// Octets handed over at once.
    chunk: usize,
    /// What the server has received of the application.
    received: Vec<u8>,
    server_error: Option<rustls::Error>,
}

impl Wire {
    fn new(config: ServerConfig, chunk: usize) -> Self {
        Self {
            server: ServerConnection::new(Arc::new(config)).unwrap(),
            down: Vec::new(),
            chunk,
            received: Vec::new(),
            server_error: None,
        }
    }

    /// Hands over what the client has to say; whether that was anything.
    fn up(&mut self, up: &[u8]) -> bool {
        let mut input = up;
        while !input.is_empty() {
            self.server.read_tls(&mut input).unwrap();
            match self.server.process_new_packets() {
                Ok(state) => {
                    let mut plain = vec![0; state.plaintext_bytes_to_read()];
                    self.server.reader().read_exact(&mut plain).unwrap();
                    self.received.extend(plain);
                }
                Err(error) => self.server_error = Some(error),
            }
        }
        while self.server.wants_write() {
            self.server.write_tls(&mut self.down).unwrap();
        }
        !up.is_empty()
    }

    /// What the client may take now.
    fn piece(&self) -> &[u8] {
        &self.down[..self.chunk.min(self.down.len())]
    }

    /// One exchange; whether anything moved.
    fn step<L: netboot_tls::Level>(
        &mut self,
        client: &mut Channel<'_, L>,
    ) -> Result<bool, TlsError> {
        let up = client.pending().to_vec();
        client.sent(up.len());
        let moved = self.up(&up);
        let taken = client.receive(self.piece())?;
        self.down.drain(..taken);
        Ok(moved || taken > 0)
    }

    fn handshake<L: netboot_tls::Level>(
        &mut self,
        client: &mut Channel<'_, L>,
        config: &mut Config<'_, '_, L>,
    ) -> Result<(), TlsError> {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let mut shake = client.start(config, &mut rng)?;
        loop {
            let up = shake.pending().to_vec();
            shake.sent(up.len());
            let moved = self.up(&up);
            let taken = shake.advance(self.piece())?;
            self.down.drain(..taken);
            if !moved && taken == 0 {
                break;
            }
        }
        // What the server has to say to the client's flight.
        while client.is_open() && self.step(client)? {}
        Ok(())
    }

    /// Reads what is there.
    fn drain<L: netboot_tls::Level>(
        &mut self,
        client: &mut Channel<'_, L>,
    ) -> Result<Vec<u8>, TlsError> {
        let mut all = Vec::new();
        loop {
            let plain = client.plaintext();
            // In odd pieces, as a slow sink takes them.
            let len = plain.len().min(1000);
            all.extend(&plain[..len]);
            client.consume(len);
            if !self.step(client)? && client.plaintext().is_empty() {
                return Ok(all);
            }
        }
    }
}

const SERVER: ServerName<'_> = ServerName::Dns("boot.example");

#[test]
fn each_suite_carries_data_both_ways_in_pieces_of_any_size() {
    let pki = Pki::new();
    let body: Vec<u8> = (0..100_000u32).map(|i| (i * 7) as u8).collect();
    for (code, suite) in [
        (
            rustls::CipherSuite::TLS13_AES_128_GCM_SHA256,
            Suite::Aes128Gcm,
        ),
        (
            rustls::CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
            Suite::ChaCha20Poly1305,
        ),
        (
            rustls::CipherSuite::TLS13_AES_256_GCM_SHA384,
            Suite::Aes256Gcm,
        ),
    ] {
        for chunk in [1, 7, 1460, 100_000] {
            let (mut receive, mut send) = ([0; LARGE_RECORDS], [0; SEND]);
            let mut client = Channel::<Verified>::new(&mut receive, &mut send);
            let mut wire = Wire::new(pki.server(&[code], false), chunk);
            let roots = [&pki.root[..]];
            let mut config = Config::new(SERVER, trust(&roots));
            wire.handshake(&mut client, &mut config).unwrap();
            assert!(client.is_open());
            assert_eq!(client.suite(), Some(suite));
            let request = b"GET / HTTP/1.1\r\n\r\n";
            assert_eq!(client.write(request), Ok(request.len()));
            while wire.step(&mut client).unwrap() {}
            assert_eq!(wire.received, request);
            wire.server.set_buffer_limit(None);
            wire.server.writer().write_all(&body).unwrap();
            assert!(wire.drain(&mut client).unwrap() == body);
            wire.server.send_close_notify();
            assert_eq!(wire.drain(&mut client), Ok(vec![]));
            assert!(client.is_finished());
            assert_eq!(client.end_of_stream(), Ok(()));
        }
    }
}

/// Its hash is a longer one, in all that the handshake has: both ends prove themselves.
#[test]
fn both_ends_prove_themselves_with_sha_384() {
    let pki = Pki::new();
    let code = rustls::CipherSuite::TLS13_AES_256_GCM_SHA384;
    let (mut receive, mut send) = ([0; LARGE_RECORDS], [0; SEND + 1024]);
    let mut client = Channel::<Verified>::new(&mut receive, &mut send);
    let roots = [&pki.root[..]];
    let (certificate, mut key) = pki.client.clone();
    let chain = [&certificate[..]];
    let mut config = Config::new(SERVER, trust(&roots));
    config.identity = Some(Identity {
        chain: &chain,
        signer: Signer::P256(&mut key),
    });
    let mut wire = Wire::new(pki.server(&[code], true), 1460);
    wire.handshake(&mut client, &mut config).unwrap();
    renew_keys(&mut wire, &mut client);
    assert_eq!(client.suite(), Some(Suite::Aes256Gcm));
}

#[test]
fn small_records_are_asked_for() {
    let pki = Pki::new();
    let (mut receive, mut send) = ([0; SMALL_RECORDS], [0; SEND]);
    let mut client = Channel::<Verified>::new(&mut receive, &mut send);
    // rustls heeds neither extension.
    let mut config = pki.server(&[], false);
    config.max_fragment_size = Some(4096);
    let mut wire = Wire::new(config, 1460);
    let roots = [&pki.root[..]];
    let mut config = Config::new(SERVER, trust(&roots));
    wire.handshake(&mut client, &mut config).unwrap();
    wire.server.writer().write_all(&[5; 50_000]).unwrap();
    assert_eq!(wire.drain(&mut client).unwrap(), [5; 50_000]);
    // One that sends what it likes is told why it does not work.
    let mut wire = Wire::new(pki.server(&[], false), 1460);
    wire.handshake(&mut client, &mut config).unwrap();
    wire.server.writer().write_all(&[5; 50_000]).unwrap();
    assert_eq!(wire.drain(&mut client), Err(TlsError::RecordTooLarge));
    assert_eq!(client.plaintext(), b"");
}

#[test]
fn the_client_proves_itself_when_asked() {
    let pki = Pki::new();
    let (mut receive, mut send) = ([0; LARGE_RECORDS], [0; SEND + 1024]);
    let mut client = Channel::<Verified>::new(&mut receive, &mut send);
    let roots = [&pki.root[..]];
    let mut config = Config::new(SERVER, trust(&roots));
    let mut wire = Wire::new(pki.server(&[], true), 1460);
    // Without an identity: the server refuses, with a name.
    let error = wire.handshake(&mut client, &mut config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server gave up with the alert certificate_required (116)"
    );
    let (certificate, mut key) = pki.client.clone();
    let chain = [&certificate[..]];
    config.identity = Some(Identity {
        chain: &chain,
        signer: Signer::P256(&mut key),
    });
    let mut wire = Wire::new(pki.server(&[], true), 1460);
    wire.handshake(&mut client, &mut config).unwrap();
    assert_eq!(wire.server_error, None);
    assert_eq!(
        wire.server.peer_certificates().unwrap()[0].as_ref(),
        &certificate[..]
    );
    wire.server.writer().write_all(b"welcome").unwrap();
    assert_eq!(wire.drain(&mut client).unwrap(), b"welcome");
}

#[test]
fn a_connection_that_ends_without_close_notify_is_truncated() {
    let pki = Pki::new();
    let (mut receive, mut send) = ([0; LARGE_RECORDS], [0; SEND]);
    let mut client = Channel::<Verified>::new(&mut receive, &mut send);
    let roots = [&pki.root[..]];
    let mut config = Config::new(SERVER, trust(&roots));
    let mut wire = Wire::new(pki.server(&[], false), 1460);
    wire.handshake(&mut client, &mut config).unwrap();
    wire.server.writer().write_all(b"half").unwrap();
    assert_eq!(wire.drain(&mut client).unwrap(), b"half");
    assert_eq!(client.end_of_stream(), Err(TlsError::Truncated));
    assert!(!client.is_open());
    assert_eq!(client.write(b"x"), Err(TlsError::NotOpen));
}

#[test]
fn keys_are_renewed_when_the_server_wishes() {
    let pki = Pki::new();
    let (mut receive, mut send) = ([0; LARGE_RECORDS], [0; SEND]);
    let mut client = Channel::<Verified>::new(&mut receive, &mut send);
    let roots = [&pki.root[..]];
    let mut config = Config::new(SERVER, trust(&roots));
    let mut wire = Wire::new(pki.server(&[], false), 1460);
    wire.handshake(&mut client, &mut config).unwrap();
    renew_keys(&mut wire, &mut client);
    assert_eq!(wire.server_error, None);
}

#[test]
fn a_provisional_channel_knows_the_key_and_no_more() {
    let pki = Pki::new();
    let (mut receive, mut send) = ([0; LARGE_RECORDS], [0; SEND]);
    let mut client = Channel::<Provisional>::new(&mut receive, &mut send);
    let mut config = Config::new(
        ServerName::Dns("any.example"),
        ProofOnly(DEFAULT_ALGORITHMS),
    );
    let mut wire = Wire::new(pki.server(&[], false), 1460);
    assert!(client.server_key().is_none());
    wire.handshake(&mut client, &mut config).unwrap();
    assert!(client.is_open() && client.server_key().is_some());
}

#[test]
fn a_server_that_is_not_trusted_never_sees_a_request() {
    let (pki, other) = (Pki::new(), Pki::new());
    let (mut receive, mut send) = ([0; LARGE_RECORDS], [0; SEND]);
    let mut client = Channel::<Verified>::new(&mut receive, &mut send);
    let roots = [&other.root[..]];
    let mut config = Config::new(SERVER, trust(&roots));
    let mut wire = Wire::new(pki.server(&[], false), 1460);
    let error = wire.handshake(&mut client, &mut config).unwrap_err();
    assert!(matches!(error, TlsError::Certificate(_)), "{error}");
    assert_eq!(client.write(b"secret"), Err(TlsError::NotOpen));
    // And is told why.
    assert_eq!(client.receive(b""), Err(error));
    let alert = client.pending().to_vec();
    let _ = wire.server.read_tls(&mut &alert[..]).unwrap();
    let told = wire.server.process_new_packets().unwrap_err();
    assert!(matches!(told, rustls::Error::AlertReceived(_)), "{told}");
}
