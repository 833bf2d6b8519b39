//! What only the inside of a channel shows: keys that have protected as many records as they may, and keys that are gone.

use super::{Channel, Config, LARGE_RECORDS, SEND, Verified};
use crate::TlsError;
use crate::verify::{DEFAULT_ALGORITHMS, MAX_DEPTH, ServerName, TimePolicy, Trust, TrustPolicy};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rustls::{ServerConfig, ServerConnection};
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use test_pki::Pki;

const NAME: &str = "boot.example";

/// Calls `run` with an open channel and the server behind it: AES-128-GCM.
fn with_open(run: impl FnOnce(&mut Channel<'_, Verified>, &mut ServerConnection)) {
    let pki = Pki::new(31);
    let root = pki.root().unwrap();
    let roots = [&*root];
    let trust = Trust {
        policy: TrustPolicy::Pinned {
            roots: &roots,
            keys: &[],
        },
        time: TimePolicy::None,
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
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
    let mut server = ServerConnection::new(Arc::new(config.unwrap())).unwrap();
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], [0; SEND]);
    let mut channel = Channel::<Verified>::new(&mut receive, &mut send);
    let mut config = Config::new(ServerName::Dns(NAME), trust);
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut shake = channel.start(&mut config, &mut rng).unwrap();
    let mut down = Vec::new();
    while !shake.is_open() || !shake.pending().is_empty() {
        let up = shake.pending().to_vec();
        shake.sent(up.len());
        hear(&mut server, &up);
        say(&mut server, &mut down);
        let taken = shake.advance(&down).unwrap();
        down.drain(..taken);
    }
    take(&mut channel, down).unwrap();
    run(&mut channel, &mut server);
}

fn hear(server: &mut ServerConnection, mut octets: &[u8]) -> Vec<u8> {
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

fn say(server: &mut ServerConnection, down: &mut Vec<u8>) {
    while server.wants_write() {
        server.write_tls(down).unwrap();
    }
}

fn take(channel: &mut Channel<'_, Verified>, mut down: Vec<u8>) -> Result<Vec<u8>, TlsError> {
    let mut all = Vec::new();
    while !down.is_empty() {
        let taken = channel.receive(&down)?;
        down.drain(..taken);
        let plain = channel.plaintext().to_vec();
        channel.consume(plain.len());
        all.extend(plain);
    }
    Ok(all)
}

/// Octets of a KeyUpdate's record.
const UPDATE: usize = 5 + 5 + 1 + 16;

/// RFC 8446, section 5.5: our own keys are renewed before they are worn.
#[test]
fn keys_that_we_send_with_are_renewed() {
    with_open(|channel, server| {
        let keys = channel.session.handshake.keys().unwrap();
        assert_eq!(keys.write.wear_after(3), 11_863_283);
        let mut heard = Vec::new();
        for (index, updated) in [false, false, false, true, false, false, true]
            .iter()
            .enumerate()
        {
            assert_eq!(channel.write(b"ten octets"), Ok(10));
            let up = channel.pending().to_vec();
            channel.sent(up.len());
            let expected = 5 + 10 + 17 + if *updated { UPDATE } else { 0 };
            assert_eq!(up.len(), expected, "{index}");
            heard.extend(hear(server, &up));
        }
        assert_eq!(heard, b"ten octets".repeat(7));
    });
}

/// The server is asked for new keys once, and again when the next ones are worn.
#[test]
fn keys_that_the_server_sends_with_are_renewed_on_our_request() {
    with_open(|channel, server| {
        let keys = channel.session.handshake.keys().unwrap();
        keys.read.wear_after(4);
        let mut requests = Vec::new();
        for index in 0..12 {
            let mut down = Vec::new();
            server.writer().write_all(b"data").unwrap();
            say(server, &mut down);
            assert_eq!(take(channel, down).unwrap(), b"data");
            if !channel.pending().is_empty() {
                requests.push(index);
                assert_eq!(channel.pending().len(), UPDATE);
            }
            // The first request is late in coming.
            if requests.len() > 1 || index > 6 {
                let up = channel.pending().to_vec();
                channel.sent(up.len());
                hear(server, &up);
            }
        }
        assert!(requests.len() >= 2, "{requests:?}");
        assert_eq!(requests[0], requests[1] - 1, "{requests:?}");
    });
}

#[test]
fn keys_are_gone_after_the_end() {
    // Our close_notify, an error of the server's, and a connection that is cut.
    with_open(|channel, server| {
        channel.close();
        assert!(channel.session.handshake.keys().is_none());
        let up = channel.pending().to_vec();
        hear(server, &up);
    });
    with_open(|channel, _| {
        assert!(channel.receive(&[22, 3, 3, 0, 1, 0]).is_err());
        assert!(channel.session.handshake.keys().is_none());
    });
    with_open(|channel, _| {
        assert_eq!(channel.end_of_stream(), Err(TlsError::Truncated));
        assert!(channel.session.handshake.keys().is_none());
    });
}
