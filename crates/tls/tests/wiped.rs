//! The memory of a channel has its secrets in it while it is open, and no longer once it is over. Linux shows a process its own memory.
#![cfg(target_os = "linux")]

#[path = "common/trust.rs"]
mod trust;

use netboot_tls::channel::{LARGE_RECORDS, SEND};
use netboot_tls::verify::ServerName;
use netboot_tls::{Channel, Config, TlsError, Verified};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rustls::{KeyLog, ServerConfig, ServerConnection};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex};
use test_pki::Pki;
use trust::trust;

const NAME: &str = "images.example";

/// The secrets of a connection, as the server knows them.
#[derive(Debug, Default)]
struct Secrets(Mutex<Vec<(String, Vec<u8>)>>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        let mut all = self.0.lock().unwrap();
        all.push((label.to_owned(), secret.to_vec()));
    }
}

/// Labels of the secrets that stand in a value's own memory.
fn found_in<T>(value: &T, secrets: &Secrets) -> Vec<String> {
    let mut octets = vec![0; size_of_val(value)];
    let memory = File::open("/proc/self/mem").expect("the own memory");
    let at = std::ptr::from_ref(value).addr() as u64;
    memory.read_exact_at(&mut octets, at).expect("its octets");
    let all = secrets.0.lock().unwrap();
    let stands = |secret: &[u8]| octets.windows(secret.len()).any(|part| part == secret);
    let mut found: Vec<_> = all
        .iter()
        .filter(|(_, secret)| stands(secret))
        .map(|(label, _)| label.clone())
        .collect();
    found.sort();
    found
}

fn server(pki: &Pki, secrets: &Arc<Secrets>) -> ServerConnection {
    let own = pki.server(&[NAME]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(own.chain.clone(), own.key.clone_key())
        .unwrap();
    config.key_log = secrets.clone();
    ServerConnection::new(Arc::new(config)).unwrap()
}

/// Calls `end` with an open channel, its server and the secrets of the connection.
fn with_open(end: impl FnOnce(&mut Channel<'_, Verified>, &mut ServerConnection)) {
    let pki = Pki::new(41);
    let secrets = Arc::new(Secrets::default());
    let mut server = server(&pki, &secrets);
    let root = pki.root().unwrap();
    let roots = [&*root];
    let mut config = Config::new(ServerName::Dns(NAME), trust(&roots));
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], [0; SEND]);
    let mut channel = Channel::<Verified>::new(&mut receive, &mut send);
    let mut shake = channel.start(&mut config, &mut rng).unwrap();
    let mut down = Vec::new();
    while !shake.is_open() {
        let up = shake.pending().to_vec();
        shake.sent(up.len());
        server.read_tls(&mut &up[..]).unwrap();
        server.process_new_packets().unwrap();
        while server.wants_write() {
            server.write_tls(&mut down).unwrap();
        }
        let taken = shake.advance(&down).unwrap();
        down.drain(..taken);
    }
    // Those of the handshake are gone by now, and this shows that the others would be found.
    let open = ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"];
    assert_eq!(found_in(&channel, &secrets), open);
    end(&mut channel, &mut server);
    assert_eq!(found_in(&channel, &secrets), [""; 0]);
}

#[test]
fn our_close_wipes_the_keys() {
    with_open(|channel, _| {
        channel.close();
        // The goodbye was sealed before.
        assert!(!channel.pending().is_empty());
    });
}

#[test]
fn an_error_wipes_the_keys() {
    with_open(|channel, _| {
        assert_eq!(
            channel.receive(&[22, 3, 3, 0, 1, 0]),
            Err(TlsError::BadRecord)
        );
    });
}

#[test]
fn the_end_of_the_connection_below_wipes_the_keys() {
    with_open(|channel, _| {
        assert_eq!(channel.end_of_stream(), Err(TlsError::Truncated));
    });
}

/// The server says goodbye first; the keys stay for what we have to say, and go with our own goodbye.
#[test]
fn the_servers_goodbye_and_ours_wipe_the_keys() {
    with_open(|channel, server| {
        server.send_close_notify();
        let mut down = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut down).unwrap();
        }
        let mut rest = &down[..];
        while !rest.is_empty() {
            let taken = channel.receive(rest).unwrap();
            rest = &rest[taken..];
        }
        assert!(channel.is_finished());
        channel.close();
    });
}
