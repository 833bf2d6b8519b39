//! Early and late calls of the timer. No real caller is on the dot.

use super::tests::{Bench, FAST, PLAIN, ack, at, data};
use super::*;

const MICROSECOND: Duration = Duration::from_micros(1);

/// A client in each phase in which a timer runs, with its name.
fn running() -> Vec<(&'static str, Bench)> {
    let mut requesting = Bench::new(&FAST);
    requesting.sent(0);

    let mut opened = Bench::new(&FAST);
    opened.open(b"blksize\x008\0windowsize\x004\0");

    let mut in_window = Bench::new(&FAST);
    in_window.open(b"blksize\x008\0windowsize\x004\0");
    assert_eq!(in_window.take(2, 1, &[0; 8]), []);

    // DATA 1 opened the transfer and was not presented again: there is nothing to acknowledge.
    let mut by_data = Bench::new(&PLAIN);
    by_data.sent(0);
    let wire = data(1, &[7; 512]);
    assert!(matches!(by_data.recv(1, &wire), Ok(Event::Opened { .. })));
    by_data.0.start(at(1));

    let mut complete = Bench::new(&FAST);
    complete.open(b"blksize\x008\0windowsize\x004\0");
    assert_eq!(complete.take(2, 1, &[0; 3]), [ack(1)]);

    let mut last_request = Bench::new(&PLAIN);
    last_request.sent(0);
    let mut last_block = Bench::new(&FAST);
    last_block.open(b"blksize\x008\0");
    let mut benches = vec![
        ("requesting", requesting),
        ("opened", opened),
        ("in a window", in_window),
        ("opened by DATA 1", by_data),
        ("complete", complete),
    ];
    for (name, mut bench) in [("last request", last_request), ("last block", last_block)] {
        // All tries but the last.
        for round in 0.. {
            assert!(round < 100, "timers without an end");
            let mut next = bench.0.clone();
            let timer = next.poll_timeout().expect("a timer runs");
            if next.handle_timeout(timer).is_err() {
                break;
            }
            bench = Bench(next);
            bench.sent(timer.as_millis());
        }
        benches.push((name, bench));
    }
    benches
}

/// What a call of the timer at `now` led to: the result, the packets, and whether a timer runs.
fn call(client: &Client, now: Instant) -> (Result<(), TftpError>, Vec<Vec<u8>>, Client) {
    let mut client = client.clone();
    let result = client.handle_timeout(now);
    let mut buf = [0; TRANSMIT_MAX];
    let mut sent = Vec::new();
    while let Some((len, _)) = client.poll_transmit(now, &mut buf) {
        sent.push(buf[..len].to_vec());
        assert!(sent.len() <= 3, "packets without end");
    }
    (result, sent, client)
}

#[test]
fn an_early_call_does_nothing() {
    for (name, bench) in running() {
        let client = bench.0;
        let timer = client.poll_timeout().expect(name);
        for early in [MICROSECOND, Duration::from_millis(1), Duration::MAX] {
            let (result, sent, after) = call(&client, timer - early);
            assert_eq!((result, sent.len()), (Ok(()), 0), "{name}");
            assert_eq!(after.poll_timeout(), Some(timer), "{name}");
            assert_eq!(format!("{after:?}"), format!("{client:?}"), "{name}");
        }
    }
}

#[test]
fn a_late_call_does_what_a_punctual_one_does() {
    for (name, bench) in running() {
        let client = bench.0;
        let timer = client.poll_timeout().expect(name);
        let (result, sent, punctual) = call(&client, timer);
        let idle = matches!(name, "complete" | "opened by DATA 1");
        assert_eq!(sent.is_empty(), idle || name == "last request", "{name}");
        for late in [1, 2, 999, 1_000_000].map(Duration::from_micros) {
            let now = timer + late;
            let (same, again, client) = call(&client, now);
            assert_eq!((&same, &again), (&result, &sent), "{name}, {late} late");
            assert_eq!(client.phase, punctual.phase, "{name}");
            assert_eq!(client.stats(), punctual.stats(), "{name}");
            // The next one is counted from the call, and lies ahead of it.
            let next = client.poll_timeout();
            assert_eq!(next.is_some(), punctual.poll_timeout().is_some(), "{name}");
            assert!(next.is_none_or(|next| next > now), "{name}");
        }
    }
}

#[test]
fn a_call_after_the_end_of_patience_ends_the_transfer() {
    let patience = Timing::default().progress_timeout;
    for (name, bench) in running() {
        let client = bench.0;
        let (result, _, after) = call(&client, client.progress_at + patience);
        let expected = match name {
            "complete" => Ok(()),
            "requesting" | "last request" => Err(TftpError::NoAnswer),
            "in a window" => Err(TftpError::Stalled { offset: 8 }),
            _ => Err(TftpError::Stalled { offset: 0 }),
        };
        assert_eq!(result, expected, "{name}");
        assert_eq!(after.poll_timeout(), None, "{name}");
        // Without a timer a call does nothing, or says that the transfer is over.
        let (again, sent, _) = call(&after, client.progress_at + patience * 2);
        let closed = result.map_err(|_| TftpError::Closed);
        assert_eq!((again, sent.len()), (closed, 0), "{name}");
    }
}
