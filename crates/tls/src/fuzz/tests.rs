//! The fuzz bodies on arbitrary input, and an honest server for the second of them: rustls.

use super::{handshake, opened};
use crate::channel::{LARGE_RECORDS, SEND};
use crate::verify::{DEFAULT_ALGORITHMS, MAX_DEPTH, ServerName, TimePolicy, Trust, TrustPolicy};
use crate::{Channel, Config, Verified};
use proptest::collection::vec;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rustls::{ServerConfig, ServerConnection};
use std::io::Write as _;
use std::sync::{Arc, OnceLock};
use test_pki::Pki;

const NAME: &str = "boot.example";

fn pki() -> Pki {
    Pki::new(31)
}

fn config() -> Arc<ServerConfig> {
    static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();
    CONFIG
        .get_or_init(|| {
            let own = pki().server(&[NAME]).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(&[&rustls::version::TLS13])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(own.chain.clone(), own.key.clone_key());
            Arc::new(config.unwrap())
        })
        .clone()
}

/// Calls `run` with an open channel, and the records that the server sends with the pieces of plaintext.
fn with_open(
    pieces: &[Vec<u8>],
    update: bool,
    close: bool,
    run: impl FnOnce(&mut Channel<'_, Verified>, &[u8], &[u8]),
) {
    let root = pki().root().unwrap();
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
    let mut config_of_client = Config::<Verified>::new(ServerName::Dns(NAME), trust);
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], [0; SEND]);
    let mut channel = Channel::<Verified>::new(&mut receive, &mut send);
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut shake = channel.start(&mut config_of_client, &mut rng).unwrap();
    let mut server = ServerConnection::new(config()).unwrap();
    let mut down = Vec::new();
    while !shake.is_open() || !shake.pending().is_empty() {
        let up = shake.pending().to_vec();
        shake.sent(up.len());
        let mut input = &up[..];
        while !input.is_empty() {
            server.read_tls(&mut input).unwrap();
            server.process_new_packets().unwrap();
        }
        while server.wants_write() {
            server.write_tls(&mut down).unwrap();
        }
        if !shake.is_open() {
            let taken = shake.advance(&down).unwrap();
            down.drain(..taken);
        }
    }
    while server.wants_write() {
        server.write_tls(&mut down).unwrap();
    }
    for (index, piece) in pieces.iter().enumerate() {
        server.writer().write_all(piece).unwrap();
        if update && index == 1 {
            server.refresh_traffic_keys().unwrap();
        }
        while server.wants_write() {
            server.write_tls(&mut down).unwrap();
        }
    }
    if close {
        server.send_close_notify();
        while server.wants_write() {
            server.write_tls(&mut down).unwrap();
        }
    }
    run(&mut channel, &down, &pieces.concat());
}

/// What changes nothing: the honest stream arrives whole.
#[test]
fn an_honest_stream_is_shown_whole() {
    let pieces = [vec![1; 300], vec![2; 5_000], vec![3; 17]];
    for close in [false, true] {
        with_open(&pieces, true, close, |channel, honest, plain| {
            let mut rest = honest;
            let mut shown: Vec<u8> = Vec::new();
            while !rest.is_empty() {
                rest = &rest[channel.receive(rest).unwrap()..];
                shown.extend(channel.plaintext());
                channel.consume(channel.plaintext().len());
            }
            assert!(shown == plain);
            assert_eq!(channel.is_finished(), close);
        });
        with_open(&pieces, true, close, |channel, honest, plain| {
            // Pass on more records than there are.
            opened(channel, honest, plain, &[&[7, 7][..], &[0; 60]].concat());
            assert_eq!(channel.is_finished(), close);
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_records_for_a_hello(data in vec(any::<u8>(), 0..600)) {
        handshake(&data);
    }

    /// Mostly honest: forged records are of types that may come.
    #[test]
    fn likely_records_for_a_hello(
        seed in any::<[u8; 2]>(),
        records in vec((prop_oneof![Just(2_u8), Just(1), any::<u8>()], vec(any::<u8>(), 0..200)), 1..5),
    ) {
        let mut data = seed.to_vec();
        for (kind, body) in records {
            let length = body.len() as u8;
            // A record of handshake messages in the clear, and a message's header in it.
            data.extend([10, 2, length.saturating_add(4), kind, 0, 0, length]);
            data.extend(body);
        }
        handshake(&data);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn honest_records_that_are_changed(
        pieces in vec(vec(any::<u8>(), 0..400), 1..8),
        update in any::<bool>(),
        close in any::<bool>(),
        data in vec(any::<u8>(), 2..120),
    ) {
        with_open(&pieces, update, close, |channel, honest, plain| {
            opened(channel, honest, plain, &data);
        });
    }

    /// One change in an otherwise honest stream.
    #[test]
    fn one_change(
        seed in any::<[u8; 2]>(),
        before in 0_usize..8,
        change in (5_u8..12, any::<u8>(), any::<u8>()),
    ) {
        let pieces: Vec<_> = (0..6).map(|octet| vec![octet; 100]).collect();
        let mut data = seed.to_vec();
        data.extend([0; 3].repeat(before));
        data.extend([change.0, change.1, change.2]);
        data.extend([0; 60]);
        with_open(&pieces, false, true, |channel, honest, plain| {
            opened(channel, honest, plain, &data);
        });
    }
}
