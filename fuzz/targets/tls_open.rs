//! An open TLS channel, whose server's records are dropped, repeated, changed and forged: the channel shows only octets that the
//! server sent, in order.
//!
//! rustls is the server. Its side of one connection is recorded when the fuzzer starts and played again for each input;
//! the client's random numbers are the same each time. The server's are not: an input says what happens to records, not
//! which octets these have.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netboot_tls::channel::{LARGE_RECORDS, SEND};
use netboot_tls::verify::{
    DEFAULT_ALGORITHMS, MAX_DEPTH, ServerName, TimePolicy, Trust, TrustPolicy,
};
use netboot_tls::{Channel, Config, Verified};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rustls::{ServerConfig, ServerConnection};
use std::io::Write as _;
use std::sync::{Arc, OnceLock};
use test_pki::Pki;

const NAME: &str = "boot.example";

fuzz_target!(|data: &[u8]| {
    static RECORDING: OnceLock<Recording> = OnceLock::new();
    let recording = RECORDING.get_or_init(Recording::new);
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], [0; SEND]);
    let mut channel = Channel::<Verified>::new(&mut receive, &mut send);
    let mut down = &recording.handshake[..];
    open(&mut channel, &recording.root, |_| std::mem::take(&mut down).to_vec());
    netboot_tls::fuzz::opened(&mut channel, &recording.records, &recording.plain, data);
});

/// What the server sent on one connection.
struct Recording {
    root: Vec<u8>,
    handshake: Vec<u8>,
    records: Vec<u8>,
    plain: Vec<u8>,
}

impl Recording {
    fn new() -> Self {
        let pki = Pki::new(31);
        let root = pki.root().expect("a root").to_vec();
        let mut server = ServerConnection::new(config(&pki)).expect("a server");
        let (mut receive, mut send) = (vec![0; LARGE_RECORDS], [0; SEND]);
        let mut channel = Channel::<Verified>::new(&mut receive, &mut send);
        let mut handshake = Vec::new();
        open(&mut channel, &root, |up| {
            let mut input = up;
            while !input.is_empty() {
                server.read_tls(&mut input).expect("memory");
                server.process_new_packets().expect("an honest client");
            }
            let octets = drain(&mut server);
            handshake.extend(&octets);
            octets
        });
        let (mut records, mut plain) = (Vec::new(), Vec::new());
        for (octet, length) in [(1, 300), (2, 0), (3, 5_000), (4, 17), (5, 1_000)] {
            let piece = vec![octet; length];
            server.writer().write_all(&piece).expect("memory");
            if octet == 3 {
                server.refresh_traffic_keys().expect("TLS 1.3");
            }
            records.extend(drain(&mut server));
            plain.extend(piece);
        }
        server.send_close_notify();
        records.extend(drain(&mut server));
        Self {
            root,
            handshake,
            records,
            plain,
        }
    }
}

/// Does a handshake with the same random numbers as ever; `server` answers what the client says.
fn open(
    channel: &mut Channel<'_, Verified>,
    root: &[u8],
    mut server: impl FnMut(&[u8]) -> Vec<u8>,
) {
    let roots = [root];
    let trust = Trust {
        policy: TrustPolicy::Pinned {
            roots: &roots,
            keys: &[],
        },
        time: TimePolicy::None,
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    let mut config = Config::<Verified>::new(ServerName::Dns(NAME), trust);
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut shake = channel.start(&mut config, &mut rng).expect("a hello");
    let mut down = Vec::new();
    while !shake.is_open() || !shake.pending().is_empty() {
        let up = shake.pending().to_vec();
        shake.sent(up.len());
        down.extend(server(&up));
        if !shake.is_open() {
            let taken = shake.advance(&down).expect("an honest server");
            down.drain(..taken);
        }
    }
}

/// Takes what the server has to send.
fn drain(server: &mut ServerConnection) -> Vec<u8> {
    let mut octets = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut octets).expect("memory");
    }
    octets
}

fn config(pki: &Pki) -> Arc<ServerConfig> {
    let own = pki.server(&[NAME]).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(own.chain.clone(), own.key.clone_key())
        .expect("its own certificate");
    // The handshake ends with the client's Finished: nothing of it comes among the records.
    config.send_tls13_tickets = 0;
    Arc::new(config)
}
