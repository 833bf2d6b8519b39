//! What only the inside of a channel shows: keys that have protected as many records as they may, keys that are gone, and
//! records of any kind under the right keys.

use super::{
    Channel, Config, IDLE, IDLE_OCTETS, LARGE_RECORDS, Level, ProofOnly, Provisional, SEND,
    SMALL_RECORDS, Verified,
};
use crate::hash::{MAX_HASH, Secret};
use crate::honest::{NAME, hear, say, server};
use crate::record::{ALERT, APPLICATION_DATA, HANDSHAKE, HEADER, MAX_SEALED};
use crate::schedule::{KeyPair, application_keys};
use crate::suite::{Suite, TAG};
use crate::verify::{DEFAULT_ALGORITHMS, MAX_DEPTH, ServerName, TimePolicy, Trust, TrustPolicy};
use crate::{Alert, TlsError};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rustls::ServerConnection;
use std::io::Write as _;
use test_pki::Pki;

fn trust<'a>(roots: &'a [&'a [u8]]) -> Trust<'a> {
    Trust {
        policy: TrustPolicy::Pinned { roots, keys: &[] },
        time: TimePolicy::None,
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    }
}

/// Opens a channel to a server.
fn open<L: Level>(
    channel: &mut Channel<'_, L>,
    config: &mut Config<'_, '_, L>,
    server: &mut ServerConnection,
) -> Result<(), TlsError> {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let mut shake = channel.start(config, &mut rng)?;
    let mut down = Vec::new();
    let mut rounds = 0..100;
    while !shake.is_open() || !shake.pending().is_empty() {
        assert!(rounds.next().is_some(), "no end of the handshake");
        let up = shake.pending().to_vec();
        shake.sent(up.len());
        hear(server, &up);
        say(server, &mut down);
        let taken = shake.advance(&down)?;
        down.drain(..taken);
    }
    assert_eq!(take(channel, down), Ok(vec![]));
    Ok(())
}

/// Calls `run` with a channel that is not connected, what it trusts, and a server of that authority.
fn with_channel(
    run: impl FnOnce(&mut Channel<'_, Verified>, &mut Config<'_, '_, Verified>, &mut ServerConnection),
) {
    let pki = Pki::new(31);
    let root = pki.root().unwrap();
    let roots = [&*root];
    let mut config = Config::new(ServerName::Dns(NAME), trust(&roots));
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], [0; SEND]);
    let mut channel = Channel::new(&mut receive, &mut send);
    run(&mut channel, &mut config, &mut server(&pki));
}

/// Calls `run` with an open channel and the server behind it: AES-128-GCM.
fn with_open(run: impl FnOnce(&mut Channel<'_, Verified>, &mut ServerConnection)) {
    with_channel(|channel, config, server| {
        open(channel, config, server).unwrap();
        run(channel, server);
    });
}

fn take<L: Level>(channel: &mut Channel<'_, L>, mut down: Vec<u8>) -> Result<Vec<u8>, TlsError> {
    let mut all = Vec::new();
    let mut rounds = 0..100;
    while !down.is_empty() {
        assert!(rounds.next().is_some(), "no end of the records");
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

/// Once the channel is open, nothing comes in the clear any more: neither what means nothing, nor an alert.
#[test]
fn all_is_sealed_once_open() {
    for clear in [&[20, 3, 3, 0, 1, 1][..], &[ALERT, 3, 3, 0, 2, 1, 0]] {
        with_open(|channel, _| {
            assert_eq!(channel.receive(clear), Err(TlsError::BadRecord));
            assert!(!channel.is_finished());
        });
    }
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

/// A server that has the keys of an open channel and says what it likes.
struct Forger(KeyPair);

impl Forger {
    /// Gives both ends new keys.
    fn new<L: Level>(channel: &mut Channel<'_, L>) -> Self {
        let secret = Secret::new([7; MAX_HASH]);
        let keys = || application_keys(Suite::Aes128Gcm, &secret, &[7; MAX_HASH]);
        *channel.session.handshake.keys().unwrap() = keys();
        Self(keys())
    }

    /// One sealed record.
    fn seal(&mut self, kind: u8, contents: &[u8]) -> Vec<u8> {
        let (mut data, mut tag) = ([contents, &[kind]].concat(), [0; TAG]);
        let [high, low] = ((data.len() + TAG) as u16).to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, high, low];
        // The client reads with what the server writes with.
        self.0.read.seal(&header, &mut data, &mut tag).unwrap();
        [&header[..], &data, &tag].concat()
    }
}

/// Calls `run` with an open channel and a function that has it receive a record of the content type with the contents.
fn with_forged(run: impl FnOnce(&mut Forged<'_, '_>)) {
    with_open(|channel, _| {
        let forger = Forger::new(channel);
        let mut forged = Forged { channel, forger };
        // Octets of the application: from here on it is counted what comes without one.
        forged.receive(APPLICATION_DATA, b"data").unwrap();
        assert_eq!(forged.channel.plaintext(), b"data");
        forged.channel.consume(4);
        run(&mut forged);
    });
}

struct Forged<'c, 'b> {
    channel: &'c mut Channel<'b, Verified>,
    forger: Forger,
}

impl Forged<'_, '_> {
    fn receive(&mut self, kind: u8, contents: &[u8]) -> Result<(), TlsError> {
        let record = self.forger.seal(kind, contents);
        assert_eq!(self.channel.receive(&record)?, record.len());
        Ok(())
    }
}

/// A NewSessionTicket of so many octets, header included.
fn ticket(octets: usize) -> Vec<u8> {
    let body = (octets - 4) as u32;
    let length = (octets - 4 - 13) as u16;
    let mut message = vec![4];
    message.extend(&body.to_be_bytes()[1..]);
    message.extend([0; 9]);
    message.extend(length.to_be_bytes());
    message.resize(octets, 0);
    message
}

/// So many in a row are borne, and octets of the application begin the count anew.
#[test]
fn what_carries_nothing_is_counted() {
    let ticket = ticket(18);
    for (kind, contents) in [
        (APPLICATION_DATA, &b""[..]),
        (ALERT, &[1, Alert::USER_CANCELED.0]),
        (HANDSHAKE, &ticket),
    ] {
        with_forged(|forged| {
            for _ in 0..2 {
                for _ in 0..IDLE {
                    assert_eq!(forged.receive(kind, contents), Ok(()), "{kind}");
                }
                assert_eq!(forged.receive(APPLICATION_DATA, b"data"), Ok(()));
                forged.channel.consume(4);
            }
            for _ in 0..IDLE {
                assert_eq!(forged.receive(kind, contents), Ok(()), "{kind}");
            }
            let flood = forged.receive(kind, contents);
            assert_eq!(flood, Err(TlsError::Flood), "{kind}");
        });
    }
}

/// Octets of handshake messages are bounded too, whatever the number of the messages.
#[test]
fn octets_of_messages_are_counted() {
    const EACH: usize = 1 << 14;
    with_forged(|forged| {
        for _ in 0..2 {
            for _ in 0..IDLE_OCTETS / EACH {
                assert_eq!(forged.receive(HANDSHAKE, &ticket(EACH)), Ok(()));
            }
            assert_eq!(forged.receive(APPLICATION_DATA, b"data"), Ok(()));
            forged.channel.consume(4);
        }
        for _ in 0..IDLE_OCTETS / EACH {
            assert_eq!(forged.receive(HANDSHAKE, &ticket(EACH)), Ok(()));
        }
        // One octet of the next message.
        assert_eq!(forged.receive(HANDSHAKE, &[4]), Err(TlsError::Flood));
    });
}

/// The messages of a handshake are counted; those that have opened the channel count no more.
#[test]
fn an_open_channel_begins_its_count() {
    with_channel(|channel, config, server| {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let mut shake = channel.start(config, &mut rng).unwrap();
        hear(server, shake.pending());
        shake.sent(usize::MAX);
        let mut down = Vec::new();
        say(server, &mut down);
        let mut counts = Vec::new();
        for _ in 0..100 {
            let taken = shake.advance(&down).unwrap();
            down.drain(..taken);
            let session = &shake.channel.session;
            counts.push((session.idle, session.idle_octets));
            if shake.is_open() {
                break;
            }
        }
        // One message in the first record; the last of the last record has opened the channel.
        let (last, before) = counts.split_last().unwrap();
        assert!(before.is_sorted(), "{before:?}");
        assert!(before[0].0 == 1 && before[0].1 > 40, "{before:?}");
        assert_eq!(last, &(0, 0));
    });
}

/// A message that the receive buffer cannot hold is refused as soon as its header tells so.
#[test]
fn messages_that_do_not_fit() {
    let announce = |octets: usize| {
        let mut verdict = Ok(());
        with_forged(|forged| {
            let [_, length @ ..] = ((octets - 4) as u32).to_be_bytes();
            let header = [&[4][..], &length, &[0]].concat();
            verdict = forged.receive(HANDSHAKE, &header);
        });
        verdict
    };
    assert_eq!(announce(LARGE_RECORDS), Ok(()));
    assert_eq!(announce(LARGE_RECORDS + 1), Err(TlsError::MessageTooLarge));
}

/// RFC 8446, section 4.6.3.
#[test]
fn key_updates() {
    with_forged(|forged| {
        for request in [0, 1, 1] {
            let update = [24, 0, 0, 1, request];
            assert_eq!(forged.receive(HANDSHAKE, &update), Ok(()));
            forged.forger.0.read.update();
            assert_eq!(forged.receive(APPLICATION_DATA, b"data"), Ok(()));
            forged.channel.consume(4);
        }
        // One answer to both requests, before the next octets.
        assert_eq!(forged.channel.write(b"ours"), Ok(4));
        let up = forged.channel.pending().to_vec();
        assert_eq!(up.len(), UPDATE + HEADER + 4 + 1 + TAG);
        // No keys change in the middle of a record's messages.
        let two = [24, 0, 0, 1, 0, 24, 0, 0, 1, 0];
        let unexpected = Err(TlsError::UnexpectedMessage);
        assert_eq!(forged.receive(HANDSHAKE, &two), unexpected);
    });
    for (update, error) in [
        (&[24, 0, 0, 1, 2][..], TlsError::IllegalParameter),
        (&[24, 0, 0, 0], TlsError::BadMessage),
        (&[24, 0, 0, 2, 0, 0], TlsError::BadMessage),
        (&[20, 0, 0, 0], TlsError::UnexpectedMessage),
    ] {
        with_forged(|forged| {
            assert_eq!(forged.receive(HANDSHAKE, update), Err(error), "{update:?}");
        });
    }
}

/// What an alert means depends on how far the handshake is.
#[test]
fn alerts_before_and_after_the_handshake() {
    let clear = |alert: u8| {
        let (mut receive, mut send) = (vec![0; SMALL_RECORDS], [0; SEND]);
        let mut channel = Channel::<Provisional>::new(&mut receive, &mut send);
        let mut config = Config::new(ServerName::Dns(NAME), ProofOnly(DEFAULT_ALGORITHMS));
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let mut shake = channel.start(&mut config, &mut rng).unwrap();
        shake.sent(usize::MAX);
        shake.advance(&[ALERT, 3, 3, 0, 2, 2, alert]).err()
    };
    let sealed = |alert: u8| {
        let mut verdict = None;
        with_forged(|forged| {
            verdict = forged.receive(ALERT, &[2, alert]).err();
            assert_eq!(forged.channel.is_finished(), alert == 0);
        });
        verdict
    };
    let alert = |alert| Some(TlsError::Alert(Alert(alert)));
    for (number, before, after) in [
        (0, alert(0), None),
        (40, Some(TlsError::NothingInCommon), alert(40)),
        (70, Some(TlsError::NoTls13), alert(70)),
        (80, alert(80), alert(80)),
        (90, None, None),
    ] {
        assert_eq!(clear(number), before, "{number}");
        assert_eq!(sealed(number), after, "{number}");
    }
}

/// After the server's close_notify the end of the stream is in order, and octets of ours still go out.
#[test]
fn the_end_of_what_the_server_says() {
    with_forged(|forged| {
        assert_eq!(forged.receive(ALERT, &[1, 0]), Ok(()));
        assert!(forged.channel.is_finished() && forged.channel.is_open());
        assert_eq!(forged.channel.receive(b"more"), Ok(0));
        assert_eq!(forged.channel.end_of_stream(), Ok(()));
        assert_eq!(forged.channel.write(b"ours"), Ok(4));
    });
    with_forged(|forged| {
        assert_eq!(forged.channel.end_of_stream(), Err(TlsError::Truncated));
        assert_eq!(forged.channel.end_of_stream(), Err(TlsError::Truncated));
    });
}

/// Nothing is taken after our own close_notify, nor while plaintext waits.
#[test]
fn octets_that_wait_for_the_caller() {
    with_forged(|forged| {
        assert_eq!(forged.receive(APPLICATION_DATA, b"data"), Ok(()));
        let next = forged.forger.seal(APPLICATION_DATA, b"next");
        assert_eq!(forged.channel.receive(&next), Ok(0));
        forged.channel.consume(3);
        assert_eq!(forged.channel.receive(&next), Ok(0));
        forged.channel.consume(1);
        assert_eq!(forged.channel.receive(&next), Ok(next.len()));
        forged.channel.consume(4);
        forged.channel.close();
        assert!(!forged.channel.is_open());
        let last = forged.forger.seal(APPLICATION_DATA, b"last");
        assert_eq!(forged.channel.receive(&last), Ok(0));
    });
}

#[test]
fn what_a_channel_tells_of_itself() {
    assert_eq!(LARGE_RECORDS, HEADER + MAX_SEALED);
    with_open(|channel, _| {
        assert_eq!(channel.capacity(), LARGE_RECORDS);
        assert_eq!(channel.suite(), Some(Suite::Aes128Gcm));
        let own = Pki::new(31).server(&[NAME]).unwrap();
        let key = crate::verify::leaf_key(&own.chain[0]).unwrap();
        assert_eq!(channel.server_key(), Some(&key));
    });
    let (mut receive, mut send) = ([0; 100], [0; SEND]);
    let mut channel = Channel::<Verified>::new(&mut receive, &mut send);
    assert_eq!(channel.capacity(), 100);
    assert_eq!((channel.suite(), channel.server_key()), (None, None));
    // Before it is started it is no use to anybody.
    let roots = [&b"root"[..]];
    let mut config = Config::<Verified>::new(ServerName::Dns(NAME), trust(&roots));
    let early = channel.session.receive(b"", Some(&mut config.check()));
    assert_eq!(early, Err(TlsError::NotOpen));
    assert_eq!(channel.receive(b""), Err(TlsError::NotOpen));
    assert_eq!(channel.write(b"a"), Err(TlsError::NotOpen));
}

/// A server of another authority is refused, and a channel that has failed can be started again.
#[test]
fn a_channel_is_used_again() {
    let (ours, other) = (Pki::new(31), Pki::new(32));
    let root = ours.root().unwrap();
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], [0; SEND]);
    let mut channel = Channel::<Verified>::new(&mut receive, &mut send);
    let roots = [&*root];
    let mut config = Config::new(ServerName::Dns(NAME), trust(&roots));
    for _ in 0..2 {
        let refused = open(&mut channel, &mut config, &mut server(&other));
        let Err(error @ TlsError::Certificate(_)) = refused else {
            panic!("{refused:?}");
        };
        assert!(!channel.is_open());
        assert_eq!(channel.receive(b""), Err(error));
        assert_eq!(open(&mut channel, &mut config, &mut server(&ours)), Ok(()));
        assert!(channel.is_open());
        channel.close();
    }
    // The same buffers, for a channel that asks for a proof of the key alone.
    let mut channel = channel.into_level::<Provisional>();
    assert!(channel.pending().is_empty() && channel.server_key().is_none());
    let mut config = Config::new(ServerName::Dns(NAME), ProofOnly(DEFAULT_ALGORITHMS));
    assert_eq!(open(&mut channel, &mut config, &mut server(&other)), Ok(()));
}
