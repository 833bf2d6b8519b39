//! Each deadline: before it, at it, and what it does.

use super::bench::{Bench, COOKIE, MS, NONCE};
use super::*;
use crate::wire::{Answer, ErrorCode, Meta};
use crate::world::SERVER;
use netboot_core::Duration;

#[test]
fn the_open_is_repeated_with_doubling_and_given_up() {
    let mut bench = Bench::new();
    let began = bench.now;
    let mut waits = Vec::new();
    let error = loop {
        bench.open();
        bench.silent();
        waits.push(bench.timer().unwrap().as_millis());
        if let Err(error) = bench.time_out() {
            break error;
        }
    };
    assert_eq!(error, UbpError::NoAnswer);
    assert_eq!(waits, [250, 500, 1000, 2000, 2000, 2000, 2000, 250]);
    assert_eq!(bench.now.since(began), MS(10_000));
    assert_eq!(
        bench.client.handle_timeout(bench.now),
        Err(UbpError::Closed)
    );
    assert_eq!(bench.timer(), None);
}

#[test]
fn the_answer_to_the_only_open_measures_the_round_trip() {
    let bench = Bench::receiving();
    assert_eq!(bench.client.rtt(), Some(MS(4)));
    // 1.25 times 4 ms, and 4 times the jitter of 2 ms.
    assert_eq!(bench.timer(), Some(MS(13)));
    // After a second OPEN nobody knows which one was answered.
    let mut bench = Bench::new();
    bench.open();
    bench.time_out().unwrap();
    bench.open();
    bench.give(bench.meta()).unwrap();
    assert_eq!(bench.client.rtt(), None);
}

#[test]
fn the_first_block_of_a_get_measures_the_round_trip() {
    let mut bench = Bench::receiving();
    bench.now += MS(12);
    bench.block(0, 0).unwrap();
    // 3.5 and 1.5 ms.
    assert_eq!(bench.client.rtt(), Some(MS(5)));
    bench.now += MS(100);
    bench.block(1, 0).unwrap();
    assert_eq!(bench.client.rtt(), Some(MS(5)), "one sample for each GET");
    // When the first one is lost there is no sample.
    let mut bench = Bench::receiving();
    bench.now += MS(12);
    bench.block(1, 0).unwrap();
    bench.block(0, 0).unwrap();
    assert_eq!(bench.client.rtt(), Some(MS(4)));
}

#[test]
fn a_gap_is_asked_for_at_once_and_a_tail_after_a_time_out() {
    let mut bench = Bench::receiving();
    bench.now += MS(4);
    for number in [0, 2, 3, 4] {
        bench.block(number, 0).unwrap();
        bench.silent();
    }
    bench.block(5, 0).unwrap();
    assert_eq!(
        bench.get(),
        (1, 0b1000_0001),
        "and the block that the window has room for"
    );
    let stats = bench.client.stats();
    assert_eq!((stats.lost, stats.repeated), (1, 1));
    bench.block(1, 0).unwrap();
    assert_eq!(bench.consume(), [2, 3, 4, 5]);
    assert_eq!(bench.get(), (9, 0b1_1111));
    // Blocks 6 and 7 are the tail of the first GET.
    bench.time_out().unwrap();
    // That is most of a window, so half as many are asked for.
    assert_eq!(bench.get(), (6, 0b1111));
    assert_eq!(bench.client.stats().lost, 9);
}

#[test]
fn time_outs_double_and_the_second_asks_for_the_cookie_too() {
    let mut bench = Bench::receiving();
    let began = bench.now;
    assert_eq!(bench.timer(), Some(MS(13)));
    bench.time_out().unwrap();
    // All eight blocks of the window were lost: it is half as large.
    assert_eq!((bench.get(), bench.client.window()), ((0, 0xf), 4));
    assert_eq!(bench.timer(), Some(MS(26)));
    bench.time_out().unwrap();
    bench.open();
    assert_eq!((bench.get(), bench.client.window()), ((0, 0b11), 2));
    bench.silent();
    assert_eq!(bench.timer(), Some(MS(52)));
    let error = loop {
        if let Err(error) = bench.time_out() {
            break error;
        }
        bench.open();
        assert_eq!(bench.get().0, 0);
    };
    assert_eq!(error, UbpError::Stalled { offset: 0 });
    // The last sign of life was META.
    assert_eq!(bench.now.since(began), MS(10_000));
}

#[test]
fn a_new_cookie_has_everything_asked_for_again() {
    let mut bench = Bench::receiving();
    bench.time_out().unwrap();
    bench.get();
    bench.time_out().unwrap();
    bench.open();
    bench.get();
    let Answer::Meta(meta) = bench.meta() else {
        panic!();
    };
    // The same cookie: the GET is on its way.
    assert_eq!(bench.give(bench.meta()), Ok(Event::None));
    bench.silent();
    let cookie = COOKIE + 1;
    assert_eq!(
        bench.give(Answer::Meta(Meta { cookie, ..meta })),
        Ok(Event::None)
    );
    assert!(bench.sent().is_some());
    bench.silent();
    // Something right ends the doubling.
    assert_eq!(bench.timer(), Some(MS(13)));
}

#[test]
fn a_sink_that_takes_nothing_is_waited_for() {
    let mut bench = Bench::receiving();
    for number in 0..8 {
        bench.block(number, 0).unwrap();
    }
    // The two nodes are used, and 2 blocks of room are less than half of the window.
    assert_eq!(bench.timer(), None);
    bench.silent();
    bench.now += Duration::from_secs(3600);
    assert_eq!(bench.client.handle_timeout(bench.now), Ok(()));
    assert_eq!(bench.consume(), [2, 3, 4, 5, 6, 7]);
    assert_eq!(bench.get(), (8, 0xff));
    let wait = bench.timer().unwrap();
    assert!(wait < MS(100), "{wait}");
    assert_eq!(bench.time_out(), Ok(()), "the hour does not count");
}

#[test]
fn a_server_that_is_busy_is_asked_later() {
    let mut bench = Bench::new();
    bench.open();
    let busy = |token, retry| Answer::Busy { token, retry };
    assert_eq!(bench.give(busy(NONCE, 500)), Ok(Event::None));
    // The nonce's lower half is 1 of 2^32, so there is nothing on top.
    assert_eq!(bench.timer(), Some(MS(500)));
    bench.silent();
    bench.time_out().unwrap();
    bench.open();
    bench.give(bench.meta()).unwrap();
    bench.client.start(bench.now);
    bench.get();
    assert_eq!(bench.give(busy(COOKIE, 0)), Ok(Event::None));
    assert_eq!(bench.timer(), Some(MS(10)), "the least");
    bench.silent();
    bench.time_out().unwrap();
    assert_eq!(bench.get(), (0, 0xff), "a refusal is no loss");
    assert_eq!(bench.client.stats().lost, 0);
    bench.give(busy(COOKIE, u32::MAX)).unwrap();
    assert_eq!(bench.timer(), Some(MS(60_000)), "the most");
}

#[test]
fn a_server_that_stays_busy_is_given_up() {
    let mut bench = Bench::new();
    let busy = Answer::Busy {
        token: NONCE,
        retry: 7_000,
    };
    let began = bench.now;
    bench.open();
    while bench.give(busy) == Ok(Event::None) {
        bench.time_out().unwrap();
        bench.open();
    }
    assert_eq!(bench.now.since(began), MS(63_000));
    assert_eq!(bench.give(busy), Err(UbpError::Closed));
    let mut bench = Bench::new();
    bench.open();
    for _ in 0..8 {
        assert_eq!(bench.give(busy), Ok(Event::None));
        bench.time_out().unwrap();
    }
    bench.now += MS(4_000);
    assert_eq!(bench.give(busy), Err(UbpError::Busy));
}

#[test]
fn a_busy_server_that_serves_begins_anew() {
    let mut bench = Bench::receiving();
    let busy = Answer::Busy {
        token: COOKIE,
        retry: 50_000,
    };
    for number in 0..8 {
        assert_eq!(bench.give(busy), Ok(Event::None), "{number}");
        bench.time_out().unwrap();
        bench.sent();
        bench.block(number, 0).unwrap();
    }
}

#[test]
fn boards_that_were_refused_together_come_back_apart() {
    let mut bench = Bench::new();
    bench.client.nonce = NONCE | 0x8000_0000;
    bench.open_with(bench.client.nonce);
    let token = bench.client.nonce;
    bench.give(Answer::Busy { token, retry: 400 }).unwrap();
    // Half of the half.
    assert_eq!(bench.timer(), Some(MS(500)));
}

#[test]
fn refusals_end_it() {
    for (number, code) in [(1, ErrorCode::NOT_FOUND), (9, ErrorCode(9))] {
        assert_eq!(code.0, number);
        let mut bench = Bench::new();
        bench.open();
        let refusal = Answer::Error { token: NONCE, code };
        assert_eq!(bench.give(refusal), Err(UbpError::Server { code }));
        assert_eq!(bench.timer(), None);
        bench.silent();
    }
}

#[test]
fn a_server_whose_blocks_are_wrong_is_asked_again_without_doubling() {
    let mut bench = Bench::receiving();
    for _ in 0..3 {
        bench.block(0, 1).unwrap();
        assert_eq!(bench.timer(), Some(MS(13)));
        bench.time_out().unwrap();
        while bench.sent().is_some() {}
    }
    // Nothing has come since: now it is silent.
    let mut waits = Vec::new();
    let error = loop {
        waits.push(bench.timer().unwrap());
        if let Err(error) = bench.time_out() {
            break error;
        }
        while bench.sent().is_some() {}
    };
    assert_eq!(error, UbpError::WrongBlocks { number: 0 });
    assert_eq!(waits[..3], [MS(13), MS(26), MS(52)]);
}

#[test]
fn another_server_begins_with_the_first_time_out() {
    let mut bench = Bench::receiving();
    for _ in 0..3 {
        bench.time_out().unwrap();
        while bench.sent().is_some() {}
    }
    bench
        .client
        .try_server(bench.now, SERVER, "/fw.bin", NONCE)
        .unwrap();
    bench.open();
    assert_eq!(bench.timer(), Some(MS(250)));
    assert_eq!(bench.client.window(), 8);
}
