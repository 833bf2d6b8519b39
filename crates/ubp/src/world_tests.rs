//! Whole transfers over a bad link, and how fast they are over a good one.

use crate::client::Request;
use crate::error::UbpError;
use crate::server::{Bucket, Server};
use crate::world::{Link, OneFile, World, pattern, request};
use netboot_core::{Duration, Instant};
use netboot_verity::{Layout, Place};
use proptest::prelude::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A file without a tree, and files around the edges of blocks, nodes and levels.
#[test]
fn files_of_every_shape() {
    for len in [
        0,
        1,
        1023,
        1024,
        1025,
        2048,
        32 << 10,
        (32 << 10) + 1,
        33 << 10,
        100_000,
        1 << 20,
        (1 << 20) + 1,
        1_200_000,
    ] {
        for window in [1, 2, 3, 8, 64] {
            let mut world = World::new(pattern(len), window, Link::good(MS(1)), 1);
            assert_eq!(world.run(), Ok(()), "{len} octets, window {window}");
            let stats = world.client.stats();
            assert_eq!(
                (stats.lost, stats.repeated, stats.wrong, stats.ignored),
                (0, 0, 0, 0)
            );
            assert_eq!(world.blocks_sent as usize, world.file.blocks.len());
            let report = world.report.expect("a report");
            assert_eq!(
                (report.octets, report.error, report.state),
                (len as u64, 0, 1)
            );
        }
    }
}

/// A transfer that begins in the middle costs the nodes above its first block, and a round trip for each gap between them.
#[test]
fn a_file_is_fetched_from_any_octet_on() {
    // Three levels, of which all nodes have brothers.
    let len = 1_200_000;
    for (offset, nodes) in [
        (0, 3),
        (1023, 3),
        (1024, 3),
        (40_000, 3),
        (1 << 20, 3),
        ((1 << 20) + 70_000, 3),
        (len as u64 - 1, 3),
        (len as u64, 3),
        (u64::MAX, 3),
    ] {
        let file = OneFile::new(pattern(len));
        let asked = Request {
            offset,
            ..request(&file, 16)
        };
        let mut world = World::with(file, &asked, Link::good(MS(1)), 1);
        assert_eq!(world.run(), Ok(()), "{offset}");
        let stats = world.client.stats();
        assert_eq!(
            (stats.lost, stats.repeated, stats.wrong, stats.ignored),
            (0, 0, 0, 0)
        );
        let layout = Layout::new(len as u64).unwrap();
        let index = (offset.min(len as u64 - 1) / 1024) as u32;
        let first = layout.number(Place { level: 0, index });
        assert_eq!(
            world.blocks_sent,
            layout.blocks() - first + nodes,
            "{offset}"
        );
        let octets = len as u64 - u64::from(index) * 1024;
        assert_eq!(world.report.expect("a report").octets, octets);
    }
}

/// Blocks in a round trip, as parts of a thousand of the window.
fn share(window: u8, rtt: Duration) -> u64 {
    let mut world = World::new(pattern(2 << 20), window, Link::good(rtt / 2), 1);
    assert_eq!(world.run(), Ok(()));
    let blocks = world.file.blocks.len() as u64;
    let round_trips = world.duration().as_micros() * 1000 / rtt.as_micros();
    blocks * 1_000_000 / round_trips / u64::from(window)
}

#[test]
fn without_loss_a_window_comes_in_each_round_trip() {
    for rtt in [MS(1), MS(10)] {
        for window in [6, 14, 32, 62, 64] {
            let share = share(window, rtt);
            println!("window {window}, {rtt}: {share} of 1000");
            assert!(share >= 950, "window {window}, {rtt}: {share} of 1000");
        }
    }
}

/// Octets in a second, with so much loss in a thousand. The mean of several seeds.
fn rate(window: u8, rtt: Duration, line: u64, loss: u32) -> u64 {
    let mut total = Duration::ZERO;
    let len = 1 << 20;
    for seed in 1..=8 {
        let link = Link {
            rate: line,
            loss,
            ..Link::good(rtt / 2)
        };
        let mut world = World::new(pattern(len), window, link, seed);
        assert_eq!(world.run(), Ok(()));
        total += world.duration();
    }
    8 * len as u64 * 1_000_000 / total.as_micros()
}

const FAST_ETHERNET: u64 = 12_500_000;

#[test]
fn a_hundredth_lost_costs_less_than_a_tenth() {
    for (window, rtt, line) in [
        (32, Duration::from_micros(200), FAST_ETHERNET),
        (62, Duration::from_micros(200), FAST_ETHERNET),
        (62, MS(1), FAST_ETHERNET),
    ] {
        let clean = rate(window, rtt, line, 0);
        let lossy = rate(window, rtt, line, 10);
        println!(
            "window {window}, {rtt}: {clean}, with loss {lossy}: {} %",
            lossy * 100 / clean
        );
        assert!(
            lossy * 100 >= clean * 90,
            "window {window}, {rtt}: {lossy} of {clean}"
        );
    }
}

/// Where the window alone limits the rate, a loss cannot be hidden: what comes behind the lost block waits in the ring, and has no successor
/// until the block is there. The figures are those of the specification.
#[test]
fn a_hundredth_lost_where_the_window_is_the_limit() {
    for (window, rtt, least) in [
        (8, MS(1), 83),
        (16, MS(1), 79),
        (32, MS(1), 74),
        (62, MS(1), 69),
        (62, MS(10), 69),
    ] {
        let clean = rate(window, rtt, 0, 0);
        let lossy = rate(window, rtt, 0, 10);
        println!(
            "window {window}, {rtt}: {clean}, with loss {lossy}: {} %",
            lossy * 100 / clean
        );
        assert!(
            lossy * 100 >= clean * least,
            "window {window}, {rtt}: {lossy} of {clean}"
        );
    }
}

#[test]
fn a_sink_that_stalls_stops_the_server() {
    let mut world = World::new(pattern(400_000), 16, Link::good(MS(1)), 1);
    world.consume = MS(1);
    world.stall = (50, Duration::from_secs(40));
    assert_eq!(world.run(), Ok(()));
    let stats = world.client.stats();
    assert_eq!((stats.lost, stats.repeated, stats.ignored), (0, 0, 0));
    assert_eq!(world.blocks_sent as usize, world.file.blocks.len());
    // OPEN, and a GET for each half of the window, and the report.
    let halves = world.file.blocks.len().div_ceil(8) as u32;
    assert!(
        world.requests <= halves + 2,
        "{} for {halves}",
        world.requests
    );
}

#[test]
fn a_server_that_forgets_its_key_is_asked_again() {
    let mut world = World::new(pattern(300_000), 16, Link::good(MS(1)), 1);
    while world.received.len() < 100_000 {
        world.step().unwrap();
    }
    world.server = Server::new([8; 16], None);
    let before = world.now;
    assert_eq!(world.run(), Ok(()));
    let lost = world.now.since(before);
    assert!(lost < MS(60), "{lost}");
    assert!(world.report.is_some(), "the report has the new cookie");
}

#[test]
fn a_server_beyond_its_budget_is_asked_later() {
    let mut world = World::new(pattern(1 << 20), 32, Link::good(MS(1)), 1);
    // 200 KB in a second: the file takes five seconds.
    let budget = Bucket::new(200_000, 65_536, Instant::ZERO);
    world.server = Server::new([8; 16], Some(budget));
    assert_eq!(world.run(), Ok(()));
    let took = world.duration();
    assert!(took > MS(4_700) && took < MS(8_500), "{took}");
    assert!(u64::from(world.requests) < 300, "{}", world.requests);
}

#[test]
fn a_file_with_a_wrong_block_ends_with_the_right_culprit() {
    let mut world = World::new(pattern(300_000), 16, Link::good(MS(1)), 1);
    world.file.blocks[100][5] ^= 1;
    let began = world.now;
    assert_eq!(world.run(), Err(UbpError::WrongBlocks { number: 100 }));
    assert!(
        world.now.since(began) < MS(500),
        "{}",
        world.now.since(began)
    );
    // Everything before it was used, and nothing else.
    assert_eq!(world.received.len() % 1024, 0);
    assert!(world.file.data.starts_with(&world.received));
}

#[test]
fn a_server_that_goes_away_is_given_up() {
    let mut world = World::new(pattern(300_000), 16, Link::good(MS(1)), 1);
    while world.received.len() < 100_000 {
        world.step().unwrap();
    }
    world.silent = true;
    let began = world.now;
    let offset = world.received.len() as u64;
    let error = world.run().unwrap_err();
    assert!(
        matches!(error, UbpError::Stalled { offset: at } if at >= offset),
        "{error:?}"
    );
    let took = world.now.since(began);
    assert!(took >= MS(10_000) && took < MS(10_100), "{took}");
    // Doubling: few requests in ten seconds.
    assert!(world.requests < 60, "{}", world.requests);
}

/// Throughput of one seed each. A change here is a change of behaviour, and deserves a thought.
#[test]
fn snapshot_of_a_bad_link() {
    let link = Link {
        loss: 50,
        duplication: 5,
        reordering: 10,
        forgery: 5,
        ..Link::good(MS(1))
    };
    let mut world = World::new(pattern(1 << 20), 32, link, 3);
    assert_eq!(world.run(), Ok(()));
    println!("{:?} in {}", world.client.stats(), world.duration());
    assert!(world.duration() < MS(2_000), "{}", world.duration());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What is delivered is a prefix of the file at each moment, and the file comes when the faults end. `World` asserts the prefix, the ring, and the order.
    #[test]
    fn a_bad_link_delays_and_nothing_else(
        seed: u64, len in 0usize..300_000, from in 0u64..400_000, window in 1u8..=64,
        loss in 0u32..400, duplication in 0u32..40, reordering in 0u32..60, forgery in 0u32..40,
        latency in 50u64..20_000, consume in 0u64..3_000, stall in (1usize..200, 0u64..3_000),
    ) {
        let link = Link {
            loss, duplication, reordering, forgery,
            faults_until: Instant::from_millis(4_000),
            ..Link::good(Duration::from_micros(latency))
        };
        let file = OneFile::new(pattern(len));
        let asked = Request { offset: from / 2 * u64::from(seed % 2 == 0), ..request(&file, window) };
        let first = (asked.offset as usize).min(len.saturating_sub(1)) / 1024 * 1024;
        let mut world = World::with(file, &asked, link, seed);
        world.consume = Duration::from_micros(consume);
        world.stall = (stall.0, MS(stall.1));
        // More wrong blocks than a window may end it; anything else may not.
        match world.run() {
            Ok(()) => prop_assert!(world.received == world.file.data[first..]),
            Err(UbpError::WrongBlocks { .. }) => prop_assert!(forgery > 0),
            Err(error) => prop_assert!(false, "{error:?}"),
        }
    }
}
