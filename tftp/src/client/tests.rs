//! Packet by packet.

use super::*;
use crate::model::SERVER;
use crate::options::OptionError;
use core::net::Ipv4Addr;

pub(super) const PLAIN: Request<'static> = Request {
    filename: "caliptra.bin",
    blksize: 512,
    windowsize: 1,
    timeout: None,
    tsize: false,
};
pub(super) const FAST: Request<'static> = Request {
    blksize: 1468,
    windowsize: 8,
    timeout: Some(1),
    tsize: true,
    ..PLAIN
};

pub(super) const fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

pub(super) fn port(port: u16) -> Endpoint {
    Endpoint { addr: SERVER, port }
}

pub(super) fn data(block: u16, payload: &[u8]) -> Vec<u8> {
    let [high, low] = block.to_be_bytes();
    [&[0, 3, high, low], payload].concat()
}

/// A client and what it sends, for tests that are a list of packets.
pub(super) struct Bench(pub Client);

impl Bench {
    pub fn new(request: &Request<'_>) -> Self {
        let client =
            Client::new(port(69), request, Timing::default(), at(0)).expect("a good request");
        Self(client)
    }

    /// The packets due at `millis`, with their ports.
    pub fn sent(&mut self, millis: u64) -> Vec<(u16, Vec<u8>)> {
        let mut buf = [0; TRANSMIT_MAX];
        let mut out = Vec::new();
        while let Some((len, to)) = self.0.poll_transmit(at(millis), &mut buf) {
            assert_eq!(to.addr, SERVER);
            out.push((to.port, buf[..len].to_vec()));
            assert!(out.len() <= 3, "packets without end");
        }
        out
    }

    pub fn recv<'d>(&mut self, millis: u64, wire: &'d [u8]) -> Result<Event<'d>, TftpError> {
        self.0.handle(at(millis), port(4000), wire)
    }

    /// Takes a block in full and returns what is sent then.
    pub fn take(&mut self, millis: u64, block: u16, payload: &[u8]) -> Vec<(u16, Vec<u8>)> {
        let wire = data(block, payload);
        let event = self.recv(millis, &wire);
        assert!(
            matches!(event, Ok(Event::Data { payload: got, .. }) if got == payload),
            "block {block}: {event:?}"
        );
        self.0.data_consumed(at(millis));
        self.sent(millis)
    }

    /// Opens with this OACK and starts.
    pub fn open(&mut self, options: &[u8]) {
        self.sent(0);
        let wire = [b"\x00\x06", options].concat();
        let event = self.recv(1, &wire);
        assert!(
            matches!(event, Ok(Event::Opened { again: false, .. })),
            "{event:?}"
        );
        assert_eq!(self.sent(1), []);
        self.0.start(at(1));
        assert_eq!(self.sent(1), [ack(0)]);
    }
}

pub(super) fn ack(block: u16) -> (u16, Vec<u8>) {
    let [high, low] = block.to_be_bytes();
    (4000, vec![0, 4, high, low])
}

fn error(to: u16, code: u8, message: &str) -> (u16, Vec<u8>) {
    (to, [&[0, 5, 0, code], message.as_bytes(), &[0]].concat())
}

#[test]
fn the_request_on_the_wire() {
    let mut bench = Bench::new(&FAST);
    assert_eq!(
        bench.sent(0),
        [(
            69,
            b"\x00\x01caliptra.bin\0octet\0blksize\x001468\0windowsize\x008\0timeout\x001\0tsize\x000\0"
                .to_vec()
        )]
    );
    assert_eq!(bench.sent(0), []);
    let mut bench = Bench::new(&PLAIN);
    assert_eq!(
        bench.sent(0),
        [(69, b"\x00\x01caliptra.bin\0octet\0".to_vec())]
    );
}

#[test]
fn bad_requests_are_refused() {
    let long = "x".repeat(FILENAME_MAX + 1);
    for filename in ["", "a\0b", &long] {
        let request = Request { filename, ..PLAIN };
        let result = Client::new(port(69), &request, Timing::default(), at(0));
        assert_eq!(result.err(), Some(TftpError::Filename));
    }
    for request in [
        Request {
            blksize: 7,
            ..PLAIN
        },
        Request {
            blksize: 65465,
            ..PLAIN
        },
        Request {
            windowsize: 0,
            ..PLAIN
        },
        Request {
            timeout: Some(0),
            ..PLAIN
        },
    ] {
        let result = Client::new(port(69), &request, Timing::default(), at(0));
        assert_eq!(result.err(), Some(TftpError::Parameter));
    }
    // The longest request of all fits the buffer.
    let request = Request {
        filename: &long[1..],
        blksize: 65464,
        windowsize: 65535,
        timeout: Some(255),
        tsize: true,
    };
    assert_eq!(Bench::new(&request).sent(0).len(), 1);
}

#[test]
fn a_plain_transfer() {
    let mut bench = Bench::new(&PLAIN);
    bench.sent(0);
    let first = data(1, &[7; 512]);
    let opened = Event::Opened {
        options: Negotiated::DEFAULT,
        again: true,
    };
    assert_eq!(bench.recv(1, &first), Ok(opened));
    assert_eq!(bench.sent(1), []);
    bench.0.start(at(1));
    assert_eq!(
        bench.sent(1),
        [],
        "a DATA 1 is acknowledged as a block, not as an OACK"
    );
    assert_eq!(bench.take(1, 1, &[7; 512]), [ack(1)]);
    assert_eq!(bench.take(2, 2, &[8; 511]), [ack(2)]);
    assert!(bench.0.is_complete() && bench.0.lingering());
    assert_eq!(bench.0.offset(), 1023);
    assert_eq!(bench.0.stats().rtt, Some(Duration::from_millis(1)));
    // The server repeats its last block, having lost our ACK; much later we are gone.
    assert_eq!(bench.recv(1000, &data(2, &[8; 511])), Ok(Event::None));
    assert_eq!(bench.sent(1000), [ack(2)]);
    let end = bench.0.poll_timeout().unwrap();
    bench.0.handle_timeout(end).unwrap();
    assert!(bench.0.is_complete() && !bench.0.lingering());
}

#[test]
fn no_ack_before_the_payload_is_consumed() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0");
    let wire = data(1, &[1; 8]);
    assert!(matches!(bench.recv(2, &wire), Ok(Event::Data { .. })));
    assert_eq!(bench.sent(2), []);
    assert_eq!(bench.0.poll_timeout(), None);
    // Ten minutes in which the server repeats itself. Nothing is sent, nothing times out.
    for minute in 1..10 {
        assert_eq!(bench.recv(minute * 60_000, &wire), Ok(Event::None));
        assert_eq!(bench.0.handle_timeout(at(minute * 60_000)), Ok(()));
        assert_eq!(bench.sent(minute * 60_000), []);
    }
    bench.0.data_consumed(at(600_000));
    assert_eq!(bench.sent(600_000), [ack(1)]);
    // That ACK is lost, too: the next follows after one time-out.
    let next = bench.0.poll_timeout().unwrap();
    assert!(next > at(600_000) && next <= at(601_000));
    bench.0.handle_timeout(next).unwrap();
    assert_eq!(bench.sent(601_000), [ack(1)]);
    assert_eq!(bench.take(601_001, 2, &[2; 3]), [ack(2)]);
}

#[test]
fn a_pause_after_the_opening_may_be_long() {
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    let oack = b"\x00\x06tsize\x0042\0";
    assert!(matches!(bench.recv(1, oack), Ok(Event::Opened { .. })));
    assert_eq!(bench.0.poll_timeout(), None);
    assert_eq!(bench.recv(1000, oack), Ok(Event::None));
    assert_eq!(bench.0.handle_timeout(at(100_000)), Ok(()));
    assert_eq!(bench.sent(100_000), []);
    bench.0.start(at(100_000));
    assert_eq!(bench.sent(100_000), [ack(0)]);
    // ACK 0 is lost and the server repeats its OACK.
    assert_eq!(bench.recv(100_001, oack), Ok(Event::None));
    assert_eq!(bench.sent(100_001), [], "that one crossed our ACK");
    assert_eq!(bench.recv(102_000, oack), Ok(Event::None));
    assert_eq!(bench.sent(102_000), [ack(0)]);
}

#[test]
fn a_window_is_acknowledged_at_its_end() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0windowsize\x004\0");
    for block in 1..4 {
        assert_eq!(bench.take(2, block, &[0; 8]), []);
    }
    assert_eq!(bench.take(2, 4, &[0; 8]), [ack(4)]);
    assert_eq!(bench.take(3, 5, &[0; 8]), []);
    assert_eq!(bench.take(3, 6, &[0; 1]), [ack(6)]);
    assert!(bench.0.is_complete());
}

#[test]
#[cfg(feature = "stats")]
fn a_gap_is_reported_once() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0windowsize\x008\0");
    assert_eq!(bench.take(10, 1, &[0; 8]), []);
    // Block 2 is lost.
    for (block, answer) in [(3, vec![ack(1)]), (4, vec![]), (5, vec![]), (8, vec![])] {
        assert_eq!(bench.recv(11, &data(block, &[0; 8])), Ok(Event::None));
        assert_eq!(bench.sent(11), answer);
    }
    // The server goes back, and block 2 is lost again: seen by block 3 after block 8.
    assert_eq!(bench.recv(30, &data(3, &[0; 8])), Ok(Event::None));
    assert_eq!(bench.sent(30), [ack(1)]);
    assert_eq!(bench.recv(30, &data(4, &[0; 8])), Ok(Event::None));
    assert_eq!(bench.sent(30), []);
    for block in 2..9 {
        assert_eq!(bench.take(50, block, &[0; 8]), []);
    }
    assert_eq!(
        bench.take(50, 9, &[0; 8]),
        [ack(9)],
        "the window began after ACK 1"
    );
    assert_eq!(bench.0.stats().gaps, 1);
    // Beyond any window.
    assert_eq!(bench.recv(60, &data(18, &[0; 8])), Ok(Event::None));
    assert_eq!(bench.sent(60), []);
}

#[test]
#[cfg(feature = "stats")]
fn reordering_is_no_reason_for_a_second_answer() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0windowsize\x008\0");
    assert_eq!(bench.take(21, 1, &[0; 8]), []);
    let early = |bench: &mut Bench, millis, block| {
        let wire = data(block, &[0; 8]);
        assert_eq!(bench.recv(millis, &wire), Ok(Event::None));
        bench.sent(millis)
    };
    // Block 2 is late. The rest of its window drips in for longer than a round trip of 20 ms.
    assert_eq!(early(&mut bench, 30, 3), [ack(1)]);
    for (millis, block) in [(45, 4), (60, 5), (75, 6)] {
        assert_eq!(early(&mut bench, millis, block), []);
    }
    assert_eq!(bench.take(76, 2, &[0; 8]), []);
    // Another gap, for which nothing was said yet, with a block farther off than the last.
    assert_eq!(early(&mut bench, 77, 8), [ack(2)]);
    // Block 3 arrives, and 8 once more: sent before the server can have had that ACK.
    assert_eq!(bench.take(78, 3, &[0; 8]), []);
    assert_eq!(early(&mut bench, 78, 8), []);
    assert_eq!(early(&mut bench, 99, 8), [ack(3)]);
    assert_eq!(bench.0.stats().gaps, 3);
}

#[test]
fn only_the_last_block_acknowledged_tells_of_a_lost_ack() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0windowsize\x002\0");
    bench.take(2, 1, &[0; 8]);
    assert_eq!(bench.take(2, 2, &[0; 8]), [ack(2)]);
    assert_eq!(bench.recv(5_000, &data(1, &[0; 8])), Ok(Event::None));
    assert_eq!(bench.sent(5_000), []);
    assert_eq!(bench.recv(5_000, &data(2, &[0; 8])), Ok(Event::None));
    assert_eq!(bench.sent(5_000), [ack(2)]);
    assert_eq!(bench.take(5_001, 3, &[0; 8]), []);
    assert_eq!(bench.recv(9_000, &data(3, &[0; 8])), Ok(Event::None));
    assert_eq!(bench.sent(9_000), [], "in the middle of a window");
}

#[test]
#[cfg(feature = "stats")]
fn a_duplicate_is_not_answered_before_its_time() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0");
    assert_eq!(bench.take(2, 1, &[0; 8]), [ack(1)]);
    for _ in 0..100 {
        assert_eq!(bench.recv(3, &data(1, &[0; 8])), Ok(Event::None));
        assert_eq!(bench.sent(3), []);
    }
    for _ in 0..100 {
        assert_eq!(bench.recv(1100, &data(1, &[0; 8])), Ok(Event::None));
    }
    assert_eq!(bench.sent(1100), [ack(1)]);
    assert_eq!(bench.0.stats().duplicates, 200);
}

#[test]
fn a_bad_oack_ends_the_transfer_with_error_8() {
    let cases: [(&[u8], OptionError); 3] = [
        (b"\x00\x06blksize\x009000\0", OptionError::Blksize),
        (b"\x00\x06multicast\0,,1\0", OptionError::NotRequested),
        (b"\x00\x06blksize\x00600", OptionError::Malformed),
    ];
    for (oack, reason) in cases {
        let mut bench = Bench::new(&FAST);
        bench.sent(0);
        assert_eq!(bench.recv(1, oack), Err(TftpError::Options(reason)));
        assert_eq!(bench.sent(1), [error(4000, 8, "unacceptable options")]);
        assert_eq!(bench.recv(2, oack), Err(TftpError::Closed));
        assert_eq!(bench.sent(2), []);
        assert_eq!(bench.0.poll_timeout(), None);
    }
}

#[test]
fn an_oack_without_options_agrees_on_nothing() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"");
    assert_eq!(bench.take(2, 1, &[7; 512]), [ack(1)]);
    assert_eq!(bench.take(3, 2, &[7; 11]), [ack(2)]);
    assert!(bench.0.is_complete());
}

#[test]
fn refused_options_are_dropped_once() {
    for code in [0, 4, 8] {
        let refusal = [0, 5, 0, code, b'n', b'o', 0];
        let mut bench = Bench::new(&FAST);
        bench.sent(0);
        bench.0.handle_timeout(at(1000)).unwrap();
        assert_eq!(bench.sent(1000).len(), 1);
        let plain = (69, b"\x00\x01caliptra.bin\0octet\0".to_vec());
        assert_eq!(bench.recv(1001, &refusal), Ok(Event::None));
        assert_eq!(bench.sent(1001), [plain]);
        // An OACK for the repeated request is too late.
        let oack = b"\x00\x06tsize\x001\0";
        assert_eq!(bench.0.handle(at(1001), port(4002), oack), Ok(Event::None));
        assert_eq!(bench.sent(1001), [error(4002, 5, "unknown transfer id")]);
        // The refusal of the repeated request comes late and from another port.
        let late = bench.0.handle(at(1002), port(4001), &refusal);
        assert_eq!(late, Ok(Event::None));
        assert_eq!(bench.sent(1002), []);
        let verdict = bench.recv(1003, &refusal);
        assert!(
            matches!(&verdict, Err(TftpError::Server { code: c, message }) if c.0 == u16::from(code) && message.as_str() == "no"),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_missing_file_is_no_refusal_of_options() {
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    let Err(verdict) = bench.recv(1, b"\x00\x05\x00\x01File not found\0") else {
        panic!();
    };
    assert_eq!(
        verdict.to_string(),
        "the TFTP server says: file not found (File not found)"
    );
    assert_eq!(bench.sent(1), [], "an ERROR is not answered");
}

#[test]
fn strangers_do_no_harm() {
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    let elsewhere = Endpoint {
        addr: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 66)),
        port: 4000,
    };
    let oack = b"\x00\x06tsize\x0016\0";
    assert_eq!(bench.0.handle(at(0), elsewhere, oack), Ok(Event::None));
    // A block of a transfer that this port had before a reset.
    assert_eq!(
        bench.0.handle(at(0), port(3999), &data(77, b"old")),
        Ok(Event::None)
    );
    assert_eq!(bench.sent(0), [error(3999, 5, "unknown transfer id")]);
    bench.open(b"blksize\x008\0tsize\x0016\0");
    assert_eq!(
        bench.0.handle(at(1), elsewhere, &data(1, b"evil")),
        Ok(Event::None)
    );
    assert_eq!(bench.sent(1), []);
    // A second transfer, from our repeated RRQ: one ERROR in 100 ms, none for its ERROR.
    for millis in 200..300 {
        assert_eq!(
            bench.0.handle(at(millis), port(4001), oack),
            Ok(Event::None)
        );
        let answers = usize::from(millis == 200);
        let answer = vec![error(4001, 5, "unknown transfer id"); answers];
        assert_eq!(bench.sent(millis), answer);
    }
    let verdict = bench.0.handle(at(400), port(4001), b"\x00\x05\x00\x00x\0");
    assert_eq!(verdict, Ok(Event::None));
    assert_eq!(bench.sent(400), []);
    assert_eq!(bench.take(500, 1, &[1; 8]), [ack(1)]);
    assert_eq!(bench.take(500, 2, &[1; 8]), [ack(2)]);
    assert_eq!(bench.take(500, 3, &[]), [ack(3)]);
    assert!(bench.0.is_complete());
}

#[test]
fn a_block_that_is_too_long_ends_the_transfer() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0");
    assert_eq!(
        bench.recv(2, &data(1, &[0; 9])),
        Err(TftpError::Oversized { len: 9, blksize: 8 })
    );
    assert_eq!(bench.sent(2), [error(4000, 4, "block exceeds blksize")]);
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    let wire = data(1, &[0; 513]);
    let verdict = bench.recv(1, &wire);
    assert!(matches!(
        verdict,
        Err(TftpError::Oversized { len: 513, .. })
    ));
}

#[test]
fn the_size_must_be_tsize() {
    for (blocks, tsize) in [(&[8, 3][..], 12), (&[8, 8], 12), (&[8, 0], 12), (&[0], 1)] {
        let mut bench = Bench::new(&FAST);
        bench.open(format!("blksize\x008\0tsize\0{tsize}\0").as_bytes());
        let (last, full) = blocks.split_last().unwrap();
        for _ in full {
            bench.take(2, 1, &[0; 8]);
        }
        let received = blocks.iter().sum::<u64>();
        assert_eq!(
            bench.recv(3, &data(blocks.len() as u16, &vec![0; *last as usize])),
            Err(TftpError::SizeMismatch {
                expected: tsize,
                received
            })
        );
        assert_eq!(bench.sent(3), [error(4000, 0, "size is not tsize")]);
    }
}

#[test]
fn silence_ends_it_in_time() {
    let mut bench = Bench::new(&FAST);
    let mut sends = vec![];
    let mut rounds = 0;
    let verdict = loop {
        rounds += 1;
        assert!(rounds < 100, "timers without an end");
        if !bench.sent(0).is_empty() {
            sends.push(bench.0.poll_timeout().unwrap());
        }
        if let Err(error) = bench.0.handle_timeout(bench.0.poll_timeout().unwrap()) {
            break error;
        }
    };
    assert_eq!(verdict, TftpError::NoAnswer);
    let deadlines = [1, 3, 7, 10].map(|seconds| at(seconds * 1000));
    assert_eq!(sends, deadlines);
    assert_eq!(bench.sent(0), [], "nobody to say goodbye to");

    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0");
    bench.take(2, 1, &[0; 8]);
    let mut rounds = 0;
    let verdict = loop {
        rounds += 1;
        assert!(rounds < 100, "timers without an end");
        let _ = bench.sent(2);
        let timer = bench.0.poll_timeout().unwrap();
        assert!(timer <= at(10_002));
        if let Err(error) = bench.0.handle_timeout(timer) {
            break error;
        }
    };
    assert_eq!(verdict, TftpError::Stalled { offset: 8 });
    assert_eq!(bench.sent(3), [error(4000, 0, "timed out")]);
}

#[test]
fn retries_are_counted() {
    let timing = Timing {
        max_retries: 2,
        ..Timing::default()
    };
    let mut client = Client::new(port(69), &PLAIN, timing, at(0)).unwrap();
    let mut buf = [0; TRANSMIT_MAX];
    let mut sent = 0;
    let mut rounds = 0;
    let verdict = loop {
        rounds += 1;
        assert!(rounds < 100, "timers without an end");
        sent += u32::from(client.poll_transmit(at(0), &mut buf).is_some());
        if let Err(error) = client.handle_timeout(client.poll_timeout().unwrap()) {
            break error;
        }
    };
    assert_eq!((verdict, sent), (TftpError::NoAnswer, 3));
}

#[test]
fn abort_tells_the_server() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0");
    bench.0.abort(ErrorCode::DISK_FULL, "image too large");
    assert_eq!(bench.sent(2), [error(4000, 3, "image too large")]);
    assert_eq!(bench.0.handle_timeout(at(2)), Err(TftpError::Closed));
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    bench.0.abort(ErrorCode::UNDEFINED, "changed my mind");
    assert_eq!(bench.sent(1), [], "no transfer id to send it to");
}

#[test]
fn offsets_beyond_4_gib() {
    let mut bench = Bench::new(&Request {
        blksize: 8,
        ..PLAIN
    });
    bench.open(b"blksize\x008\0");
    bench.0.offset = u64::from(u32::MAX) - 7;
    bench.0.expected = 0xffff;
    assert_eq!(bench.take(2, 0xffff, &[0; 8]), [ack(0xffff)]);
    assert_eq!(bench.0.offset(), 1 << 32);
    assert_eq!(bench.take(2, 0, &[0; 8]), [ack(0)]);
    let wire = data(1, &[0; 8]);
    let event = bench.recv(3, &wire);
    assert!(matches!(event, Ok(Event::Data { offset, .. }) if offset == (1 << 32) + 8));
}
