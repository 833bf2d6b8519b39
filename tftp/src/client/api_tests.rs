//! What a caller can ask the client in each phase.

#[cfg(feature = "stats")]
use super::tests::port;
use super::tests::{Bench, FAST, PLAIN, ack, at, data};
use super::*;

/// A transfer whose only block was consumed, with its ACK still to be sent.
fn complete() -> Bench {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0");
    let wire = data(1, b"end");
    assert!(matches!(
        bench.recv(2, &wire),
        Ok(Event::Data { last: true, .. })
    ));
    bench.0.data_consumed(at(2));
    bench
}

#[test]
fn a_finished_client_lingers_for_its_last_ack_and_its_time() {
    let mut bench = complete();
    assert!(bench.0.is_complete() && bench.0.lingering() && bench.0.is_transmit_due());
    assert_eq!(bench.sent(2), [ack(1)]);
    assert!(bench.0.lingering() && !bench.0.is_transmit_due());
    let end = bench.0.poll_timeout().unwrap();
    assert_eq!(end, at(2) + Timing::default().max_rto);
    // A last block that comes again begins that time anew.
    assert_eq!(bench.recv(2_000, &data(1, b"end")), Ok(Event::None));
    assert_eq!(
        bench.0.poll_timeout(),
        Some(at(2_000) + Timing::default().max_rto)
    );
    assert_eq!(bench.sent(2_000), [ack(1)]);
    bench.0.handle_timeout(at(7_000)).unwrap();
    assert!(bench.0.is_complete() && !bench.0.lingering());
    assert_eq!(bench.0.poll_timeout(), None);
}

/// Everything is there: an ERROR is about our ACK, and the server has gone.
#[test]
fn an_error_after_the_end_ends_the_lingering_and_nothing_else() {
    for sent in [false, true] {
        let mut bench = complete();
        if sent {
            assert_eq!(bench.sent(2), [ack(1)]);
        }
        assert_eq!(bench.recv(3, b"\x00\x05\x00\x00late\0"), Ok(Event::None));
        assert_eq!(bench.0.poll_timeout(), None);
        assert!(bench.0.is_complete());
        // An ACK that is due is sent even so.
        assert_eq!(bench.0.lingering(), !sent);
        assert_eq!(bench.sent(3).len(), usize::from(!sent));
        assert!(!bench.0.lingering());
        assert_eq!(bench.0.handle_timeout(at(60_000)), Ok(()));
    }
}

#[test]
fn a_client_that_has_not_finished_does_not_linger() {
    let mut bench = Bench::new(&PLAIN);
    assert!(bench.0.is_transmit_due() && !bench.0.lingering());
    bench.sent(0);
    assert!(!bench.0.is_transmit_due() && !bench.0.lingering());
    assert!(bench.0.poll_timeout().is_some());
    bench.0.abort(ErrorCode::UNDEFINED, "over");
    assert!(!bench.0.is_transmit_due(), "nobody has answered");
    assert!(!bench.0.lingering() && !bench.0.is_complete());
    // A server that has answered is told.
    let mut bench = Bench::new(&FAST);
    bench.open(b"");
    bench.0.abort(ErrorCode::UNDEFINED, "over");
    assert!(bench.0.is_transmit_due() && !bench.0.lingering());
    assert_eq!(bench.sent(2), [(4000, b"\x00\x05\x00\x00over\0".to_vec())]);
    assert!(!bench.0.is_transmit_due());
}

#[test]
#[cfg(feature = "stats")]
fn a_stranger_is_to_be_answered_once_in_its_time() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"");
    let wire = data(1, b"x");
    // At most one ERROR 5 in 100 ms, and none for an ERROR.
    for (millis, due) in [
        (200, true),
        (299, false),
        (300, true),
        (399, false),
        (400, true),
    ] {
        assert_eq!(
            bench.0.handle(at(millis), port(4001), &wire),
            Ok(Event::None)
        );
        assert_eq!(bench.0.is_transmit_due(), due, "{millis}");
        assert_eq!(bench.sent(millis).len(), usize::from(due));
    }
    let error = b"\x00\x05\x00\x05no\0";
    assert_eq!(bench.0.handle(at(900), port(4001), error), Ok(Event::None));
    assert!(!bench.0.is_transmit_due());
    assert_eq!(bench.0.stats().stray_tid, 6);
}

/// The windowsize for the next request is never more than the caller allows.
#[test]
#[cfg(feature = "adaptive")]
fn the_next_windowsize_has_a_bound() {
    let mut bench = Bench::new(&FAST);
    bench.open(b"blksize\x008\0windowsize\x001\0");
    for block in 1..20 {
        assert_eq!(bench.take(2, block, &[0; 8]), [ack(block)]);
    }
    assert_eq!(bench.0.next_windowsize(8, 64), 16);
    assert_eq!(bench.0.next_windowsize(8, 12), 12);
    assert_eq!(bench.0.next_windowsize(8, 1), 1);
}
