//! How long the client waits for whom, and what it says of a failure.

use super::tests::{BARE, Bench, NO_PROBE, PXE, bound, reply, secs, typed};
use super::*;
use crate::model::ip;

/// Runs the client's timer until it fails.
fn failure(bench: &mut Bench) -> DhcpError {
    for _ in 0..100 {
        bench.timeout();
        if let Some(Event::Failed(error)) = bench.client.poll(Instant::ZERO) {
            return error;
        }
    }
    panic!("the client does not fail");
}

/// A message that was ignored is the reason of a failure when there is no better one. Messages of others say nothing.
#[test]
fn why_there_is_no_lease() {
    let no_server =
        |bench: &Bench| reply(bench.xid(), [10, 0, 0, 9], [0; 4], b"", b"", &typed(2, &[]));
    let foreign = |bench: &Bench| {
        reply(
            bench.xid() ^ 1,
            [10, 0, 0, 9],
            [0; 4],
            b"",
            b"",
            &typed(2, BARE),
        )
    };
    let ignored = DhcpError::Ignored {
        why: DhcpError::WrongServer.code() as u16,
    };

    let mut bench = Bench::new(&NO_PROBE);
    assert_eq!(failure(&mut bench), DhcpError::NoOffer);

    let mut bench = Bench::new(&NO_PROBE);
    let wire = foreign(&bench);
    assert_eq!(bench.recv(1, &wire), Err(DhcpError::NotOurs));
    assert_eq!(failure(&mut bench), DhcpError::NoOffer);

    let mut bench = Bench::new(&NO_PROBE);
    let wire = no_server(&bench);
    assert_eq!(bench.recv(1, &wire), Err(DhcpError::WrongServer));
    let wire = foreign(&bench);
    assert_eq!(bench.recv(2, &wire), Err(DhcpError::NotOurs));
    assert_eq!(failure(&mut bench), ignored);

    // The last one that was ignored counts.
    let mut bench = Bench::new(&NO_PROBE);
    for wire in [vec![], no_server(&bench)] {
        assert!(bench.recv(1, &wire).is_err());
    }
    assert_eq!(failure(&mut bench), ignored);

    // A server that offered and does not confirm is a better reason.
    let mut bench = Bench::new(&Config {
        deadline: secs(3),
        ..NO_PROBE
    });
    let offer = reply(
        bench.xid(),
        [10, 0, 0, 9],
        [0; 4],
        b"",
        b"",
        &typed(2, BARE),
    );
    bench.recv(1, &offer).unwrap();
    bench.timeout();
    assert_eq!(bench.recv(400, &[]), Err(DhcpError::Malformed));
    assert_eq!(failure(&mut bench), DhcpError::NoAck { server: ip(1) });
}

/// The window may change between two acquisitions. Without one, the first address is taken at once and no PXE server is asked.
#[test]
fn the_window_for_offers_can_be_changed() {
    for millis in [0, 1, 300, 700] {
        let mut bench = Bench::new(&NO_PROBE);
        bench.client.set_offer_window(Duration::from_millis(millis));
        assert_eq!(bench.sent(0), Some(MessageType::Discover));
        let offer = reply(bench.xid(), [10, 0, 0, 9], [0; 4], b"", b"", &typed(2, PXE));
        bench.recv(5, &offer).unwrap();
        if millis > 0 {
            assert_eq!(bench.sent(5), None);
            assert_eq!(bench.timeout(), 5 + millis);
        }
        assert_eq!(
            bench.sent(5 + millis),
            Some(MessageType::Request),
            "{millis}"
        );
        let ack = reply(bench.xid(), [10, 0, 0, 9], [0; 4], b"", b"", &typed(5, PXE));
        bench.recv(6 + millis, &ack).unwrap();
        assert_eq!(bench.client.poll(Instant::ZERO), Some(Event::Bound));
        assert_eq!(bench.client.boot_pending(), millis > 0, "{millis}");
    }
}

/// Three questions on port 4011, after 1 s, 2 s and 4 s give or take a quarter, and then the lease is used without an answer.
#[test]
fn a_pxe_server_is_asked_three_times() {
    let mut bench = bound(PXE);
    assert_eq!(bench.client.poll(Instant::ZERO), Some(Event::Bound));
    let mut now = 302;
    for delay in [1_000, 2_000, 4_000] {
        assert!(bench.client.boot_pending());
        assert_eq!(bench.sent(now), Some(MessageType::Request), "{now}");
        assert_eq!(bench.sent(now), None);
        let due = bench.timeout();
        assert!(
            (delay * 3 / 4..=delay * 5 / 4).contains(&(due - now)),
            "{now} {due}"
        );
        now = due;
    }
    assert_eq!(bench.client.poll(Instant::ZERO), Some(Event::BootInfo));
    assert_eq!(bench.sent(now), None);
    assert!(bench.client.lease().is_some() && !bench.client.boot_pending());
}
