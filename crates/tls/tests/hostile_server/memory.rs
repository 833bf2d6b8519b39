//! Both ends in memory.

use crate::{BODY, Got, Setup, Trusting, config};
use hostile_tls::{End, Script, Server};
use netboot_tls::{Channel, Config, Identity, Signer, TlsError};
use p256::ecdsa::SigningKey;
use p256::pkcs8::DecodePrivateKey as _;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// Exchanges after which two ends have no end.
const MOST: usize = 1_000_000;

/// Runs `script`, handing the client so many octets at a time.
pub fn run<L: Trusting>(setup: &Setup, script: &Script, chunk: usize) -> Got {
    let (mut receive, mut send) = (vec![0; setup.receive], vec![0; setup.send]);
    let mut channel = Channel::<L>::new(&mut receive, &mut send);
    with_config(setup, |config| {
        let mut server = Server::new(&setup.identity, script, 1);
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut got = Got {
            opened: false,
            data: Vec::new(),
            result: Ok(()),
            report: Default::default(),
        };
        nothing_leaks(&mut channel);
        got.result = exchange(
            setup.request,
            &mut channel,
            config,
            &mut rng,
            &mut server,
            chunk,
            &mut got,
        );
        if let Err(error) = got.result {
            is_told(&channel, error);
            is_over(&mut channel, error);
            alert_arrives(&mut channel, &mut server, error);
        }
        got.report = server.report().clone();
        got
    })
}

/// Calls `run` with a configuration that may have an identity.
pub fn with_config<L: Trusting, R>(
    setup: &Setup,
    run: impl FnOnce(&mut Config<'_, '_, L>) -> R,
) -> R {
    let Some(own) = &setup.client else {
        return run(&mut config::<L>(setup));
    };
    let chain: Vec<&[u8]> = own.chain.iter().map(|der| &**der).collect();
    let mut key = SigningKey::from_pkcs8_der(own.key.secret_der()).unwrap();
    let mut config = Config::<L> {
        server: setup.server,
        trust: L::given(),
        suites: netboot_tls::suite::DEFAULT_SUITES,
        identity: Some(Identity {
            chain: &chain,
            signer: Signer::P256(&mut key),
        }),
    };
    run(&mut config)
}

/// The server's stream, and how far the client has taken it.
struct Down<'s> {
    server: &'s mut Server,
    octets: Vec<u8>,
    at: usize,
    chunk: usize,
}

impl Down<'_> {
    /// Hands over what the client says, and takes what the server says to that.
    fn answer(&mut self, up: &[u8]) {
        if !up.is_empty() || self.at == self.octets.len() {
            self.octets.drain(..std::mem::take(&mut self.at));
            self.octets.extend(self.server.feed(up));
        }
    }

    fn input(&self) -> &[u8] {
        &self.octets[self.at..self.octets.len().min(self.at + self.chunk)]
    }

    fn taken(&mut self, octets: usize) {
        assert!(octets <= self.input().len());
        self.at += octets;
    }

    /// Neither end has anything to do: whether the connection is over, and how.
    fn end(&self) -> Option<Option<End>> {
        if self.server.wants_more() {
            return None;
        }
        assert_eq!(self.at, self.octets.len(), "octets are not taken");
        Some(self.server.end())
    }
}

fn exchange<L: Trusting>(
    request: &[u8],
    channel: &mut Channel<'_, L>,
    config: &mut Config<'_, '_, L>,
    rng: &mut ChaCha20Rng,
    server: &mut Server,
    chunk: usize,
    got: &mut Got,
) -> Result<(), TlsError> {
    let mut down = Down {
        server,
        octets: Vec::new(),
        at: 0,
        chunk,
    };
    let mut shake = channel.start(config, rng).unwrap();
    for _ in 0..MOST {
        let up = shake.pending().to_vec();
        shake.sent(up.len());
        down.answer(&up);
        let taken = match shake.advance(down.input()) {
            Ok(taken) => taken,
            Err(error) => {
                // For good.
                for input in [&[][..], &[22, 3, 3, 0, 1, 0], BODY] {
                    assert_eq!(shake.advance(input), Err(error));
                }
                assert!(!shake.is_open());
                return Err(error);
            }
        };
        down.taken(taken);
        if shake.is_open() {
            got.opened = true;
            // Its handshake is over.
            assert_eq!(shake.advance(b"more"), Ok(0));
            break;
        }
        if taken == 0
            && shake.pending().is_empty()
            && let Some(end) = down.end()
        {
            return match end {
                Some(End::Cut) => shake.end_of_stream(),
                Some(End::Reset) => Err(TlsError::Transport),
                // Both wait.
                None => Err(TlsError::Deadline),
            };
        }
    }
    assert_eq!(channel.write(request), Ok(request.len()));
    for _ in 0..MOST {
        let up = channel.pending().to_vec();
        channel.sent(up.len());
        down.answer(&up);
        got.data.extend(channel.plaintext());
        channel.consume(channel.plaintext().len());
        let taken = channel.receive(down.input())?;
        down.taken(taken);
        if channel.is_finished() && channel.plaintext().is_empty() {
            return channel.end_of_stream();
        }
        let idle = taken == 0 && channel.pending().is_empty() && channel.plaintext().is_empty();
        if idle && let Some(end) = down.end() {
            return match end {
                Some(End::Cut) => channel.end_of_stream(),
                Some(End::Reset) => Err(TlsError::Transport),
                None => Err(TlsError::Deadline),
            };
        }
    }
    panic!("no end after {MOST} exchanges")
}

/// Before the server has proved itself nothing is read from it and nothing written to it.
pub fn nothing_leaks<L: Trusting>(channel: &mut Channel<'_, L>) {
    let pending = channel.pending().len();
    assert_eq!(channel.write(b"secret"), Err(TlsError::NotOpen));
    let asked = channel.write_with(&mut |_| panic!("room for a secret"));
    assert_eq!(asked, Err(TlsError::NotOpen));
    assert_eq!(channel.receive(b""), Err(TlsError::NotOpen));
    assert_eq!(channel.plaintext(), b"");
    assert!(channel.server_key().is_none());
    assert_eq!(channel.pending().len(), pending);
}

/// After an error the channel gives nothing, takes nothing, and says why.
pub fn is_over<L: Trusting>(channel: &mut Channel<'_, L>, error: TlsError) {
    if matches!(error, TlsError::Transport | TlsError::Deadline) {
        // The channel does not know of it.
        return;
    }
    let pending = channel.pending().to_vec();
    assert_eq!(channel.plaintext(), b"", "{error:?}");
    assert!(!channel.is_open() && !channel.is_finished(), "{error:?}");
    assert_eq!(channel.write(b"more"), Err(TlsError::NotOpen));
    let asked = channel.write_with(&mut |_| panic!("room after {error:?}"));
    assert_eq!(asked, Err(TlsError::NotOpen));
    for input in [&[][..], &[22, 3, 3, 0, 1, 0], BODY] {
        assert_eq!(channel.receive(input), Err(error));
    }
    assert_eq!(channel.end_of_stream(), Err(error));
    channel.close();
    assert!(!channel.is_open());
    // No word beyond the alert.
    assert_eq!(channel.pending(), pending, "{error:?}");
}

/// An alert waits for the server, or nothing.
fn is_told<L: Trusting>(channel: &Channel<'_, L>, error: TlsError) {
    let pending = channel.pending().len();
    assert_eq!(
        pending == 0,
        error.alert().is_none() || error == TlsError::Deadline
    );
    if error == TlsError::SendBuffer {
        // What still had room goes first.
        return;
    }
    // Head, level and description, and what seals them; before it a KeyUpdate that was asked for.
    assert!(pending <= 5 + 2 + 17 + 5 + 5 + 17, "{error:?}: {pending}");
}

/// The server is told what the error says it is told.
fn alert_arrives<L: Trusting>(channel: &mut Channel<'_, L>, server: &mut Server, error: TlsError) {
    let some = !channel.pending().is_empty();
    // It may have to wait for room.
    while !channel.pending().is_empty() {
        let pending = channel.pending().to_vec();
        channel.sent(pending.len());
        server.feed(&pending);
    }
    let Some(alert) = error.alert().filter(|_| some) else {
        return;
    };
    let report = server.report();
    // A server that has other keys cannot read it.
    if report.error.is_none() {
        let told: Vec<_> = report
            .alerts
            .iter()
            .map(|alert| (alert.0, alert.1))
            .collect();
        assert_eq!(told, [(2, alert.0)], "{error:?} {report:?}");
    }
}
