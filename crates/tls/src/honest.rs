//! An honest server for the tests beside the code: rustls.

use rustls::{ServerConfig, ServerConnection};
use std::io::Read as _;
use std::sync::Arc;
use test_pki::Pki;

/// The server's name.
pub const NAME: &str = "boot.example";

/// A server with a certificate of this authority, that has AES-128-GCM.
pub fn server(pki: &Pki) -> ServerConnection {
    let own = pki.server(&[NAME]).unwrap();
    let mut provider = rustls::crypto::ring::default_provider();
    provider
        .cipher_suites
        .retain(|suite| suite.suite() == rustls::CipherSuite::TLS13_AES_128_GCM_SHA256);
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(own.chain.clone(), own.key.clone_key());
    ServerConnection::new(Arc::new(config.unwrap())).unwrap()
}

/// Hands over octets of the client; returns those of the application in them.
pub fn hear(server: &mut ServerConnection, mut octets: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while !octets.is_empty() {
        server.read_tls(&mut octets).unwrap();
        let state = server.process_new_packets().unwrap();
        let mut plain = vec![0; state.plaintext_bytes_to_read()];
        server.reader().read_exact(&mut plain).unwrap();
        all.extend(plain);
    }
    all
}

/// Appends what the server has to say.
pub fn say(server: &mut ServerConnection, down: &mut Vec<u8>) {
    while server.wants_write() {
        server.write_tls(down).unwrap();
    }
}
