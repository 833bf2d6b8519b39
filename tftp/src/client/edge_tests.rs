//! Block numbers and times at the edges.

use super::tests::{Bench, FAST, PLAIN, ack, at, data, port};
use super::*;
use crate::options::Negotiated;

/// Presents a block that is not the next one, and returns what is sent then.
fn stray_block(bench: &mut Bench, millis: u64, block: u16) -> Vec<(u16, Vec<u8>)> {
    let wire = data(block, &[0; 8]);
    assert_eq!(bench.recv(millis, &wire), Ok(Event::None));
    bench.sent(millis)
}

/// A block counts as a later one while the server may have sent it: up to the end of the window after the last ACK.
#[test]
fn the_farthest_block_of_a_window() {
    for (block, heeded) in [
        (2, false),
        (3, true),
        (4, true),
        (5, false),
        (0x8000, false),
    ] {
        let mut bench = Bench::new(&FAST);
        bench.open(b"blksize\x008\0windowsize\x004\0");
        assert_eq!(bench.take(2, 1, &[0; 8]), []);
        if block == 2 {
            assert_eq!(bench.take(9, 2, &[0; 8]), [], "it is the next one");
            continue;
        }
        let answer = if heeded { vec![ack(1)] } else { vec![] };
        assert_eq!(stray_block(&mut bench, 9, block), answer, "{block}");
    }
}

/// Half of all numbers lie ahead, and half behind.
#[test]
#[cfg(feature = "stats")]
fn what_is_ahead_and_what_is_behind() {
    for (distance, ahead) in [
        (1u16, true),
        (0x7fff, true),
        (0x8000, false),
        (0xffff, false),
    ] {
        let mut bench = Bench::new(&FAST);
        bench.open(b"blksize\x008\0windowsize\x004\0");
        stray_block(&mut bench, 1, distance.wrapping_add(1));
        let stats = bench.0.stats();
        assert_eq!(stats.duplicates, u32::from(!ahead), "{distance:#x}");
    }
}

/// A gap is told at once, and again when a block no farther than the farthest one shows that the server went back. A block that
/// comes within half a round trip of that ACK was sent before it.
#[test]
fn when_a_gap_is_told_again() {
    for (millis, block, told) in [
        (19, 4, false),
        (20, 5, false),
        (20, 4, true),
        (20, 3, true),
        (19, 3, false),
    ] {
        let mut bench = Bench::new(&FAST);
        bench.open(b"blksize\x008\0windowsize\x008\0");
        // A round trip of 20 ms, from ACK 0 at 1 ms.
        let wire = data(1, &[0; 8]);
        assert!(matches!(bench.recv(21, &wire), Ok(Event::Data { .. })));
        // It is settled by now: half a round trip after ACK 0.
        bench.0.data_consumed(at(21));
        assert_eq!(bench.0.stats().rtt, Some(Duration::from_millis(20)));
        assert_eq!(stray_block(&mut bench, 21, 4), [ack(1)]);
        let answer = if told { vec![ack(1)] } else { vec![] };
        assert_eq!(
            stray_block(&mut bench, millis + 11, block),
            answer,
            "{millis} {block}"
        );
    }
}

/// A duplicate is answered from one time-out after the ACK on, and not a millisecond sooner.
#[test]
fn when_a_duplicate_is_answered() {
    let complete = |millis: u64| {
        let mut bench = Bench::new(&FAST);
        bench.open(b"blksize\x008\0");
        assert_eq!(bench.take(2, 1, &[0; 8]), [ack(1)]);
        assert_eq!(bench.take(3, 2, b"end"), [ack(2)]);
        stray_block(&mut bench, millis, 2).len()
    };
    let receiving = |millis: u64| {
        let mut bench = Bench::new(&FAST);
        bench.open(b"blksize\x008\0");
        assert_eq!(bench.take(2, 1, &[0; 8]), [ack(1)]);
        stray_block(&mut bench, millis, 1).len()
    };
    // The round trip is 1 ms, and the least time-out 5 ms.
    assert_eq!((receiving(6), receiving(7), receiving(8)), (0, 1, 1));
    assert_eq!((complete(7), complete(8), complete(9)), (0, 1, 1));
    // Another block than the last one says nothing.
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0");
    bench.take(2, 1, &[0; 8]);
    bench.take(3, 2, b"end");
    assert_eq!(stray_block(&mut bench, 500, 1), []);
}

/// The server's OACK comes again: it has not received ACK 0. Once a block has come, or by DATA 1, it means nothing.
#[test]
fn an_oack_that_comes_again() {
    let oack = b"\x00\x06blksize\x008\0";
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0");
    assert_eq!(bench.recv(2_000, oack), Ok(Event::None));
    assert_eq!(bench.sent(2_000), [ack(0)]);
    assert_eq!(bench.take(2_001, 1, &[0; 8]), [ack(1)]);
    assert_eq!(bench.recv(9_000, oack), Ok(Event::None));
    assert_eq!(bench.sent(9_000), []);
    let mut bench = Bench::new(&PLAIN);
    bench.sent(0);
    let wire = data(1, &[7; 512]);
    assert!(matches!(
        bench.recv(1, &wire),
        Ok(Event::Opened { again: true, .. })
    ));
    bench.0.start(at(1));
    assert_eq!(bench.recv(5_000, oack), Ok(Event::None));
    assert_eq!(bench.sent(5_000), []);
}

/// Without a repetition the request with options was sent once, and one refusal is all that comes.
#[test]
fn a_server_that_refuses_both_requests() {
    let refusal = b"\x00\x05\x00\x08no\0";
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    assert_eq!(bench.recv(1, refusal), Ok(Event::None));
    assert_eq!(bench.sent(1).len(), 1);
    assert!(matches!(
        bench.recv(2, refusal),
        Err(TftpError::Server { .. })
    ));
    assert_eq!(bench.sent(2), []);
    // A request without options is not made a second time.
    let mut bench = Bench::new(&PLAIN);
    bench.sent(0);
    assert!(matches!(
        bench.recv(1, refusal),
        Err(TftpError::Server { .. })
    ));
    // An OACK after the first refusal answers the request without options, to which there is none.
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    bench.recv(1, refusal).unwrap();
    bench.sent(1);
    let Err(error) = bench.recv(2, b"\x00\x06tsize\x001\0") else {
        panic!("an option that was not asked for");
    };
    assert_eq!(
        error,
        TftpError::Options(crate::options::OptionError::NotRequested)
    );
}

/// DATA 1 opens a transfer; any other block, and an ACK, is of another transfer.
#[test]
fn what_opens_a_transfer() {
    for wire in [data(0, b"x"), data(2, b"x"), vec![0, 4, 0, 0]] {
        let mut bench = Bench::new(&FAST);
        bench.sent(0);
        let answer = bench.0.handle(at(1), port(4000), &wire);
        assert_eq!(answer, Ok(Event::None));
        assert_eq!(
            bench.sent(1),
            [(4000, b"\x00\x05\x00\x05unknown transfer id\0".to_vec())]
        );
        assert!(bench.0.poll_timeout().is_some());
        let opened = bench.recv(2, b"\x00\x06");
        let options = Negotiated::DEFAULT;
        assert_eq!(
            opened,
            Ok(Event::Opened {
                options,
                again: false
            })
        );
    }
}

/// Lets the timer run until the transfer ends.
fn verdict(bench: &mut Bench) -> TftpError {
    for _ in 0..100 {
        let timer = bench.0.poll_timeout().expect("a timer runs");
        bench.sent(timer.as_millis());
        if let Err(error) = bench.0.handle_timeout(timer) {
            return error;
        }
    }
    panic!("timers without an end");
}

/// A server that answers from another address is told by name. What others send later, or nobody, says nothing of it.
#[test]
fn who_answered_from_where() {
    let address = IpAddr::from([10, 0, 0, 66]);
    let elsewhere = Endpoint {
        addr: address,
        port: 4000,
    };
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    assert_eq!(verdict(&mut bench), TftpError::NoAnswer);
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    let answer = bench.0.handle(at(1), elsewhere, b"\x00\x06");
    assert_eq!(answer, Ok(Event::None));
    assert_eq!(verdict(&mut bench), TftpError::OtherAddress { address });
    // The server itself has answered, and falls silent then.
    let mut bench = Bench::new(&FAST);
    bench.open(b"");
    let wire = data(1, b"x");
    let answer = bench.0.handle(at(2), elsewhere, &wire);
    assert_eq!(answer, Ok(Event::None));
    assert_eq!(verdict(&mut bench), TftpError::Stalled { offset: 0 });
}

/// What is sent again after a time-out, and an ACK that answers a duplicate, counts as sent again; what is new does not.
#[test]
#[cfg(feature = "stats")]
fn retransmissions_are_counted() {
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    assert_eq!(bench.0.stats().retransmissions, 0);
    let timer = bench.0.poll_timeout().unwrap();
    bench.0.handle_timeout(timer).unwrap();
    bench.sent(timer.as_millis());
    assert_eq!(bench.0.stats().retransmissions, 1);
    // The timer of an ACK, and then the block before it once more.
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0");
    assert_eq!(bench.take(2, 1, &[0; 8]), [ack(1)]);
    assert_eq!(bench.0.stats().retransmissions, 0);
    let timer = bench.0.poll_timeout().unwrap();
    bench.0.handle_timeout(timer).unwrap();
    assert_eq!(bench.sent(timer.as_millis()), [ack(1)]);
    assert_eq!(bench.0.stats().retransmissions, 1);
    let later = timer.as_millis() + 2_000;
    assert_eq!(stray_block(&mut bench, later, 1), [ack(1)]);
    assert_eq!(bench.0.stats().retransmissions, 2);
    assert_eq!(stray_block(&mut bench, later, 1), []);
    assert_eq!(bench.0.stats().retransmissions, 2);
}

/// An ERROR from the server ends the transfer in each phase before the last block.
#[test]
fn an_error_in_mid_transfer() {
    let error = b"\x00\x05\x00\x03disk full\0";
    let mut paused = Bench::new(&FAST);
    paused.sent(0);
    assert!(paused.recv(1, b"\x00\x06blksize\x008\0").is_ok());
    let mut receiving = Bench::new(&FAST);
    receiving.open(b"blksize\x008\0");
    receiving.take(2, 1, &[0; 8]);
    let mut holding = Bench::new(&FAST);
    holding.open(b"blksize\x008\0");
    let wire = data(1, &[0; 8]);
    assert!(matches!(holding.recv(2, &wire), Ok(Event::Data { .. })));
    for mut bench in [paused, receiving, holding] {
        let expected = TftpError::server(ErrorCode::DISK_FULL, b"disk full");
        assert_eq!(bench.recv(3, error), Err(expected));
        assert_eq!((bench.sent(3), bench.0.poll_timeout()), (vec![], None));
        assert_eq!(bench.recv(4, error), Err(TftpError::Closed));
        assert!(!bench.0.is_complete());
    }
}

/// While the caller has not started, the server's repetitions are duplicates; anything else makes no sense.
#[test]
#[cfg(feature = "stats")]
fn what_comes_before_the_start() {
    let oack = b"\x00\x06blksize\x008\0";
    let mut bench = Bench::new(&FAST);
    bench.sent(0);
    assert!(bench.recv(1, oack).is_ok());
    let wire = data(1, &[0; 8]);
    for (wire, duplicates, ignored) in [
        (&oack[..], 1, 0),
        (&wire, 2, 0),
        (&[0, 4, 0, 0], 2, 1),
        (b"no packet", 2, 2),
    ] {
        assert_eq!(bench.recv(2, wire), Ok(Event::None));
        let stats = bench.0.stats();
        assert_eq!((stats.duplicates, stats.ignored), (duplicates, ignored));
        assert_eq!(bench.sent(2), []);
    }
}
