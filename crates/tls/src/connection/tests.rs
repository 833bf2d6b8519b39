//! A connection over a transport in memory, whose clock moves only while it waits.

use super::{End, Received, TlsConnection, Transport, pause, send, step};
use crate::channel::{Channel, Config, ProofOnly, Provisional, SEND, SMALL_RECORDS};
use crate::honest::{NAME, hear, say, server};
use crate::verify::{DEFAULT_ALGORITHMS, ServerName};
use crate::{Instant, TlsError};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rustls::ServerConnection;
use std::io::Write as _;
use test_pki::Pki;

/// How far the clock moves in each wait, in microseconds.
const TICK: u64 = 1_000;
/// A deadline after two waits.
const SOON: Instant = Instant::from_micros(2 * TICK);
/// A deadline that is not reached.
const LATE: Instant = Instant::from_micros(100 * TICK);

/// An honest server behind a wire.
struct Wire {
    server: ServerConnection,
    /// What the server has said and the client not taken.
    down: Vec<u8>,
    /// Octets of the application that the server has heard.
    heard: Vec<u8>,
    /// Octets that the wire takes at once.
    room: usize,
    /// The server says no more.
    ended: bool,
    now: u64,
    /// The ends of the waits.
    waits: Vec<Instant>,
    /// Number of calls of `send`, so that no test goes on for ever.
    calls: usize,
}

impl Wire {
    fn new() -> Self {
        Self {
            server: server(&Pki::new(31)),
            down: Vec::new(),
            heard: Vec::new(),
            room: usize::MAX,
            ended: false,
            now: 0,
            waits: Vec::new(),
            calls: 0,
        }
    }

    /// The server says octets of the application.
    fn says(&mut self, data: &[u8]) {
        self.server.writer().write_all(data).unwrap();
        say(&mut self.server, &mut self.down);
    }

    fn closes(&mut self) {
        self.server.send_close_notify();
        say(&mut self.server, &mut self.down);
    }
}

impl Transport for Wire {
    fn send(&mut self, octets: &[u8]) -> Result<usize, TlsError> {
        self.calls += 1;
        assert!(self.calls < 10_000, "no end of it");
        let len = octets.len().min(self.room);
        let heard = hear(&mut self.server, &octets[..len]);
        self.heard.extend(heard);
        say(&mut self.server, &mut self.down);
        Ok(len)
    }

    fn receive(
        &mut self,
        take: &mut dyn FnMut(&[u8]) -> Result<usize, TlsError>,
    ) -> Result<Received, TlsError> {
        if self.down.is_empty() && self.ended {
            return Ok(Received::End);
        }
        let taken = take(&self.down)?;
        self.down.drain(..taken);
        Ok(Received::Octets(taken))
    }

    fn wait(&mut self, until: Instant) -> Result<(), TlsError> {
        self.now += TICK;
        self.waits.push(until);
        Ok(())
    }

    fn now(&mut self) -> Instant {
        Instant::from_micros(self.now)
    }
}

/// Calls `run` with a channel that is not connected.
fn with_channel(run: impl FnOnce(&mut Channel<'_, Provisional>)) {
    let (mut receive, mut send) = ([0; SMALL_RECORDS], [0; SEND]);
    run(&mut Channel::new(&mut receive, &mut send));
}

fn connect(channel: &mut Channel<'_, Provisional>, wire: &mut Wire) -> Result<(), TlsError> {
    let mut config = Config::new(ServerName::Dns(NAME), ProofOnly(DEFAULT_ALGORITHMS));
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    TlsConnection::new(channel, wire).connect(&mut config, &mut rng, SOON)
}

/// Calls `run` with an open channel and the wire below it.
fn with_open(run: impl FnOnce(&mut Channel<'_, Provisional>, &mut Wire)) {
    with_channel(|channel| {
        let mut wire = Wire::new();
        assert!(!TlsConnection::new(channel, &mut wire).is_open());
        assert_eq!(connect(channel, &mut wire), Ok(()));
        // Our Finished has left, so that the server is open too, and nothing was waited for.
        assert!(channel.pending().is_empty() && !wire.server.is_handshaking());
        assert!(TlsConnection::new(channel, &mut wire).is_open());
        assert_eq!(wire.waits, []);
        run(channel, &mut wire);
    });
}

/// Before the channel is open the server cannot have ended the connection in order; afterwards its close_notify says so.
#[test]
fn an_end_is_finished_after_a_close_notify() {
    with_channel(|channel| {
        let mut config = Config::new(ServerName::Dns(NAME), ProofOnly(DEFAULT_ALGORITHMS));
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let shake = channel.start(&mut config, &mut rng).unwrap();
        assert!(!End::is_finished(&shake));
    });
    with_open(|channel, wire| {
        assert!(!End::is_finished(channel));
        wire.closes();
        assert_eq!(
            TlsConnection::new(channel, wire).read(&mut [0; 4], LATE),
            Ok(0)
        );
        assert!(End::is_finished(channel));
    });
}

#[test]
fn a_server_that_is_silent_is_waited_for_until_the_deadline() {
    with_channel(|channel| {
        let mut wire = Wire::new();
        wire.room = 0;
        let refused = connect(channel, &mut wire);
        assert_eq!(refused, Err(TlsError::Deadline));
        assert_eq!((wire.waits, wire.now), (vec![SOON; 2], 2 * TICK));
    });
}

#[test]
fn octets_are_read_in_the_pieces_that_are_asked_for() {
    with_open(|channel, wire| {
        wire.says(b"ten octets");
        let mut tls = TlsConnection::new(channel, wire);
        let mut all = Vec::<u8>::new();
        for len in [4, 4, 2] {
            let mut buffer = [0; 4];
            assert_eq!(tls.read(&mut buffer, LATE), Ok(len));
            all.extend(&buffer[..len]);
        }
        assert_eq!(all, b"ten octets");
        // No room, no wait.
        assert_eq!(tls.read(&mut [], LATE), Ok(0));
        assert_eq!(wire.waits, []);
        // Nothing comes.
        let read = TlsConnection::new(channel, wire).read(&mut [0; 4], SOON);
        assert_eq!(read, Err(TlsError::Deadline));
        assert_eq!(wire.waits, [SOON; 2]);
    });
}

#[test]
fn the_end_is_told_from_a_cut() {
    with_open(|channel, wire| {
        wire.says(b"last");
        wire.closes();
        wire.ended = true;
        let mut buffer = [0; 8];
        let mut tls = TlsConnection::new(channel, wire);
        assert_eq!(tls.read(&mut buffer, LATE), Ok(4));
        assert_eq!(tls.read(&mut buffer, LATE), Ok(0));
        assert_eq!(tls.read(&mut buffer, LATE), Ok(0));
        assert!(!tls.is_open());
        // Ours may still go out.
        assert_eq!(tls.write(b"ours", LATE), Ok(()));
        assert_eq!((&wire.heard[..], &wire.waits[..]), (&b"ours"[..], &[][..]));
    });
    with_open(|channel, wire| {
        wire.ended = true;
        let read = TlsConnection::new(channel, wire).read(&mut [0; 8], LATE);
        assert_eq!(read, Err(TlsError::Truncated));
    });
}

/// More octets than the send buffer has, over a wire that takes a few at once.
#[test]
fn all_is_written() {
    let data: Vec<u8> = (0..3 * SEND).map(|at| (at % 251) as u8).collect();
    for room in [usize::MAX, 1_000, 7] {
        with_open(|channel, wire| {
            wire.room = room;
            let written = TlsConnection::new(channel, wire).write(&data, LATE);
            assert_eq!(written, Ok(()), "{room}");
            assert!(wire.heard == data && channel.pending().is_empty(), "{room}");
            assert_eq!(wire.waits, [], "{room}");
        });
    }
    with_open(|channel, wire| {
        wire.room = 0;
        let written = TlsConnection::new(channel, wire).write(&data, SOON);
        assert_eq!(written, Err(TlsError::Deadline));
        assert_eq!(wire.waits, [SOON; 2]);
    });
}

#[test]
fn the_server_hears_that_we_close() {
    for room in [usize::MAX, 7] {
        with_open(|channel, wire| {
            wire.room = room;
            let mut tls = TlsConnection::new(channel, wire);
            assert_eq!(tls.close(LATE), Ok(()));
            assert!(!tls.is_open());
            assert!(channel.pending().is_empty());
            assert_eq!(wire.waits, []);
            assert!(wire.server.process_new_packets().unwrap().peer_has_closed());
        });
    }
    with_open(|channel, wire| {
        wire.room = 0;
        let closed = TlsConnection::new(channel, wire).close(SOON);
        assert_eq!(closed, Err(TlsError::Deadline));
        assert_eq!(wire.waits, [SOON; 2]);
    });
}

/// An end whose answers are given, and a transport that has them.
struct Fake {
    taken: Result<usize, TlsError>,
    sent: Vec<usize>,
    ended: bool,
}

impl End for Fake {
    fn take(&mut self, input: &[u8]) -> Result<usize, TlsError> {
        assert_eq!(input, b"input");
        self.taken
    }

    fn pending(&self) -> &[u8] {
        b"output"
    }

    fn sent(&mut self, octets: usize) {
        self.sent.push(octets);
    }

    fn end_of_stream(&mut self) -> Result<(), TlsError> {
        self.ended = true;
        Err(TlsError::Truncated)
    }

    fn is_finished(&self) -> bool {
        false
    }
}

/// A transport that takes so many octets, has or has not something to show, and counts.
struct Line {
    room: usize,
    ended: bool,
    now: u64,
    waits: usize,
}

impl Transport for Line {
    fn send(&mut self, octets: &[u8]) -> Result<usize, TlsError> {
        assert_eq!(octets, b"output");
        Ok(self.room)
    }

    fn receive(
        &mut self,
        take: &mut dyn FnMut(&[u8]) -> Result<usize, TlsError>,
    ) -> Result<Received, TlsError> {
        match self.ended {
            true => Ok(Received::End),
            false => take(b"input").map(Received::Octets),
        }
    }

    fn wait(&mut self, until: Instant) -> Result<(), TlsError> {
        assert_eq!(until, SOON);
        self.waits += 1;
        Ok(())
    }

    fn now(&mut self) -> Instant {
        Instant::from_micros(self.now)
    }
}

fn parts(taken: Result<usize, TlsError>, room: usize) -> (Fake, Line) {
    let fake = Fake {
        taken,
        sent: vec![],
        ended: false,
    };
    let line = Line {
        room,
        ended: false,
        now: 0,
        waits: 0,
    };
    (fake, line)
}

/// Only when nothing went out and nothing came in.
#[test]
fn a_step_waits_when_nothing_moves() {
    for (taken, room, waits) in [(0, 0, 1), (0, 3, 0), (2, 0, 0), (2, 3, 0)] {
        let (mut fake, mut line) = parts(Ok(taken), room);
        assert_eq!(step(&mut fake, &mut line, SOON), Ok(()));
        assert_eq!(
            (fake.sent, line.waits),
            (vec![room], waits),
            "{taken} {room}"
        );
    }
    let (mut fake, mut line) = parts(Ok(0), 0);
    assert_eq!(send(&mut fake, &mut line), Ok(0));
    line.room = 5;
    assert_eq!(send(&mut fake, &mut line), Ok(5));
    assert_eq!(fake.sent, [0, 5]);
}

/// The alert of a connection that fails goes out at once; the error is that of the connection.
#[test]
fn a_step_that_fails() {
    let (mut fake, mut line) = parts(Err(TlsError::BadSeal), 3);
    assert_eq!(step(&mut fake, &mut line, SOON), Err(TlsError::BadSeal));
    assert_eq!((fake.sent, line.waits), (vec![3, 3], 0));
    let (mut fake, mut line) = parts(Ok(0), 0);
    line.ended = true;
    assert_eq!(step(&mut fake, &mut line, SOON), Err(TlsError::Truncated));
    assert!(fake.ended && line.waits == 0);
}

#[test]
fn a_wait_ends_at_the_deadline() {
    let (_, mut line) = parts(Ok(0), 0);
    line.now = SOON.as_micros() - 1;
    assert_eq!((pause(&mut line, SOON), line.waits), (Ok(()), 1));
    for late in [0, 1] {
        line.now = SOON.as_micros() + late;
        assert_eq!(pause(&mut line, SOON), Err(TlsError::Deadline), "{late}");
        assert_eq!(line.waits, 1);
    }
}
