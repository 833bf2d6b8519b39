//! What is owed to the server: an answer to a KeyUpdate, our close_notify. Both wait for room in the send buffer.

use crate::{REQUEST, SERVER, Setup, Trusting as _, good};
use hostile_tls::{Report, Script, Server, Step};
use netboot_tls::channel::LARGE_RECORDS;
use netboot_tls::{Channel, Config, Verified};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// KeyUpdate.
const KEY_UPDATE: u8 = 24;

/// Both ends, the client's channel open.
struct Pair<'b> {
    client: Channel<'b, Verified>,
    server: Server,
    down: Vec<u8>,
}

impl<'b> Pair<'b> {
    fn open(script: &Script, receive: &'b mut [u8], send: &'b mut [u8]) -> Self {
        let setup = Setup::new();
        let mut server = Server::new(&setup.identity, script, 1);
        let mut client = Channel::new(receive, send);
        let mut config = Config::new(SERVER, Verified::given());
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let mut shake = client.start(&mut config, &mut rng).unwrap();
        let mut down = Vec::new();
        while !shake.is_open() {
            let up = shake.pending().to_vec();
            shake.sent(up.len());
            down.extend(server.feed(&up));
            let taken = shake.advance(&down).unwrap();
            down.drain(..taken);
        }
        Self {
            client,
            server,
            down,
        }
    }

    /// Sends what the client has to say, so many octets at a time.
    fn up(&mut self, piece: usize) {
        while !self.client.pending().is_empty() {
            let up = self.client.pending().to_vec();
            let up = &up[..up.len().min(piece)];
            self.client.sent(up.len());
            self.down.extend(self.server.feed(up));
        }
    }

    /// Takes what the server has said, without sending anything.
    fn take(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while !self.down.is_empty() {
            let taken = self.client.receive(&self.down).unwrap();
            self.down.drain(..taken);
            let plain = self.client.plaintext();
            all.extend(plain);
            let octets = plain.len();
            self.client.consume(octets);
            assert!(taken > 0 || octets > 0 || self.client.is_finished());
            if self.client.is_finished() {
                break;
            }
        }
        all
    }

    fn updates(&self) -> usize {
        let report: &Report = self.server.report();
        assert_eq!(report.error, None);
        report
            .handshake
            .iter()
            .filter(|kind| **kind == KEY_UPDATE)
            .count()
    }
}

/// A server that asks for new keys so often, and then answers a request under its own.
fn updating(times: u32) -> Script {
    let update = Step::Repeat(times, Box::new(Step::KeyUpdate(1)));
    Script::handshake().then([
        Step::AwaitRequest,
        update,
        Step::Data(b"answer".to_vec()),
        Step::AwaitRequest,
        Step::Data(b"again".to_vec()),
    ])
}

/// RFC 8446, section 4.6.3: one answer, before the next octets of the application.
#[test]
fn one_answer_to_several_updates() {
    for times in [1, 3, 20] {
        let (mut receive, mut send) = (vec![0; LARGE_RECORDS], vec![0; 1_280]);
        let mut pair = Pair::open(&updating(times), &mut receive, &mut send);
        assert_eq!(pair.client.write(REQUEST), Ok(REQUEST.len()));
        pair.up(1 << 20);
        assert_eq!(pair.take(), b"answer", "{times}");
        assert_eq!(pair.client.write(REQUEST), Ok(REQUEST.len()));
        pair.up(1 << 20);
        assert_eq!(pair.updates(), 1, "{times}");
        assert_eq!(pair.take(), b"again");
        assert_eq!(pair.server.report().requests(), 2);
        // Nothing is owed any more.
        assert_eq!(pair.client.write(b"more"), Ok(4));
        pair.up(1 << 20);
        assert_eq!(pair.updates(), 1, "{times}");
    }
}

#[test]
fn an_answer_that_has_no_room_is_remembered() {
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], vec![0; 600]);
    let mut pair = Pair::open(&updating(1), &mut receive, &mut send);
    assert_eq!(pair.client.write(REQUEST), Ok(REQUEST.len()));
    pair.up(1 << 20);
    // The send buffer is full when the server asks.
    while pair.client.write(&[b'x'; 100]).unwrap() > 0 {}
    assert_eq!(pair.take(), b"answer");
    assert_eq!(pair.client.write(b"y"), Ok(0));
    assert_eq!(pair.updates(), 0);
    pair.up(1 << 20);
    assert_eq!(pair.client.write(b"\r\n\r\n"), Ok(4));
    pair.up(7);
    assert_eq!(pair.updates(), 1);
    assert_eq!(pair.take(), b"again");
}

#[test]
fn a_close_notify_that_has_no_room_is_not_lost() {
    for piece in [1, 30, 1 << 20] {
        let (mut receive, mut send) = (vec![0; LARGE_RECORDS], vec![0; 600]);
        let mut pair = Pair::open(&good(), &mut receive, &mut send);
        while pair.client.write(&[b'x'; 100]).unwrap() > 0 {}
        pair.client.close();
        assert!(!pair.client.is_open());
        pair.up(piece);
        assert_eq!(pair.server.report().alerts, [(1, 0, true)], "{piece}");
        // Said once.
        pair.client.close();
        assert_eq!(pair.client.pending(), b"");
    }
}

#[test]
fn a_fatal_alert_that_has_no_room_is_not_lost() {
    let script = Script::handshake().then([Step::AwaitRequest, Step::Sealed(99, vec![1])]);
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], vec![0; 600]);
    let mut pair = Pair::open(&script, &mut receive, &mut send);
    assert_eq!(pair.client.write(REQUEST), Ok(REQUEST.len()));
    pair.up(1 << 20);
    while pair.client.write(&[b'x'; 100]).unwrap() > 0 {}
    let down = std::mem::take(&mut pair.down);
    assert!(pair.client.receive(&down).is_err());
    pair.up(50);
    assert_eq!(pair.server.report().alerts, [(2, 10, true)]);
}

/// Nothing is read behind our own close_notify: the keys are gone.
#[test]
fn a_closed_channel_takes_nothing() {
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], vec![0; 1_280]);
    let mut pair = Pair::open(&good(), &mut receive, &mut send);
    assert_eq!(pair.client.write(REQUEST), Ok(REQUEST.len()));
    pair.up(1 << 20);
    pair.client.close();
    assert_eq!(pair.client.receive(&pair.down), Ok(0));
    assert_eq!(pair.client.plaintext(), b"");
    assert!(pair.client.write(b"more").is_err());
    assert!(pair.client.server_key().is_some());
}
