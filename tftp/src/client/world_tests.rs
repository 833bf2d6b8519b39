//! Whole transfers against the model of a server.

use super::tests::{FAST, PLAIN, port};
use crate::client::Request;
use crate::error::TftpError;
use crate::model::{Link, Quirk, World, pattern};
use netboot_core::Duration;
use netboot_core::fuzz::Random;
use proptest::prelude::*;

#[test]
fn block_numbers_roll_over_through_zero() {
    // 140,001 blocks: over the edge twice, once in the middle of a window.
    let file = pattern(140_000 * 8);
    for windowsize in [1, 7] {
        let request = Request {
            blksize: 8,
            windowsize,
            ..PLAIN
        };
        let mut world = World::new(file.clone(), &request, 1);
        world.server.max_blksize = 8;
        assert_eq!(world.run(), Ok(()));
        assert!(world.received == file);
        assert_eq!(
            u64::from(world.sent),
            2 + 140_001u64.div_ceil(u64::from(windowsize))
        );
    }
}

#[test]
fn a_perfect_link_sees_no_needless_packet() {
    for (len, windowsize) in [
        (0, 8),
        (1468, 8),
        (1468 * 8, 8),
        (100_000, 1),
        (100_000, 16),
    ] {
        let request = Request { windowsize, ..FAST };
        let mut world = World::new(pattern(len), &request, 1);
        world.server.max_blksize = 1468;
        assert_eq!(world.run(), Ok(()));
        assert!(world.received == world.server.file);
        let blocks = len / 1468 + 1;
        assert_eq!(
            world.sent as usize,
            2 + blocks.div_ceil(usize::from(windowsize))
        );
        let stats = world.client.stats();
        assert_eq!(stats.duplicates + stats.retransmissions + stats.gaps, 0);
        assert_eq!(stats.rtt, Some(Duration::from_millis(2)));
    }
}

#[test]
fn duplication_does_not_multiply() {
    for (quirk, windowsize) in [(Quirk::Good, 1), (Quirk::Good, 8), (Quirk::Sorcerer, 1)] {
        let request = Request { windowsize, ..FAST };
        let mut world = World::new(pattern(200_000), &request, 1);
        world.server.max_blksize = 1468;
        world.server.quirk = quirk;
        world.link.duplication = 100;
        assert_eq!(world.run(), Ok(()));
        assert!(world.received == world.server.file);
        // RRQ, ACK 0, one ACK for each window, and ERROR 5 to the transfer of the second RRQ.
        let windows = world.blocks.div_ceil(u32::from(windowsize));
        assert!(
            world.sent <= windows + 4,
            "{} for {windows} windows",
            world.sent
        );
    }
}

/// Simulated milliseconds for 20 MB over a link with a round trip of 2 ms, and the windowsize for the next transfer.
fn millis(loss: u32, windowsize: u16) -> (u64, u16) {
    let request = Request { windowsize, ..FAST };
    let mut world = World::new(pattern(20_000_000), &request, 9);
    world.server.max_blksize = 1468;
    world.link.loss = loss;
    assert_eq!(world.run(), Ok(()));
    assert!(world.received == world.server.file);
    let next = world.client.next_windowsize(windowsize, 16);
    (world.completed_at.as_micros() / 1_000, next)
}

#[test]
fn a_lost_block_costs_a_round_trip_and_not_a_time_out() {
    // 13,624 blocks: a round trip for each, or for 16 of them.
    assert_eq!(millis(0, 1).0 / 1_000, 27);
    let (clean, next) = millis(0, 16);
    assert_eq!((clean / 100, next), (17, 16));
    // 1 % is 136 blocks and 8 ACKs. Most are noticed by the next block of their window; the end of a window and an ACK
    // are noticed only by a time-out.
    let (lossy, next) = millis(1, 16);
    assert!(
        lossy * 60 <= clean * 100,
        "{clean} ms, and {lossy} with loss"
    );
    assert_eq!(next, 16);
}

#[test]
#[cfg(feature = "adaptive")]
fn a_ring_that_never_holds_a_window_makes_the_next_one_smaller() {
    let request = Request {
        windowsize: 16,
        ..FAST
    };
    let mut world = World::new(pattern(1_000_000), &request, 1);
    world.server.max_blksize = 1468;
    world.socket_len = 10;
    world.consume = Duration::from_millis(1);
    assert_eq!(world.run(), Ok(()));
    assert!(world.received == world.server.file);
    let stats = world.client.stats();
    assert_eq!(world.client.next_windowsize(16, 16), 8, "{stats:?}");
}

#[test]
fn a_round_trip_beyond_the_time_out_is_learnt() {
    let mut world = World::new(pattern(60_000), &PLAIN, 1);
    world.link.latency = Duration::from_millis(900);
    world.server.timeout = Duration::from_secs(5);
    assert_eq!(world.run(), Ok(()));
    assert!(world.received == world.server.file);
    // Without back-off every ACK would be sent twice.
    let needless = world.client.stats().retransmissions;
    assert!(needless <= 5, "{needless} of {}", world.blocks);
    assert_eq!(world.client.stats().rtt, Some(Duration::from_millis(1800)));
}

#[test]
fn a_slow_consumer_gets_every_octet() {
    for (consume, pause, windowsize) in [(3_000, 0, 1), (700, 5_000, 8), (20, 9_000, 8)] {
        let request = Request { windowsize, ..FAST };
        let mut world = World::new(pattern(40_000), &request, 1);
        world.server.max_blksize = 1468;
        world.socket_len = 4;
        world.consume = Duration::from_millis(consume);
        world.pause = Duration::from_millis(pause);
        assert_eq!(world.run(), Ok(()));
        assert!(world.received == world.server.file);
        assert!(
            world.sent < 3 * world.blocks,
            "{} for {} blocks",
            world.sent,
            world.blocks
        );
    }
}

#[test]
fn noise_during_a_transfer() {
    let mut world = World::new(pattern(60_000), &FAST, 3);
    world.server.max_blksize = 1468;
    world.link.loss = 5;
    let mut random = Random(5);
    for _ in 0..500 {
        let from = port(39_990 + (random.number() % 20) as u16);
        let mut wire: Vec<_> = (0..random.number() % 40).map(|_| random.octet()).collect();
        // Neither a block, an OACK nor an ERROR: those could end or alter any TFTP transfer.
        if let Some(opcode) = wire.get_mut(1) {
            *opcode = 7;
        }
        world.inject(from, &wire);
    }
    assert_eq!(world.run(), Ok(()));
    assert!(world.received == world.server.file);
}

fn quirks() -> impl Strategy<Value = Quirk> {
    prop_oneof![
        3 => Just(Quirk::Good),
        1 => Just(Quirk::Sorcerer),
        1 => Just(Quirk::IgnoresOptions),
        1 => prop_oneof![Just(0), Just(4), Just(8)].prop_map(Quirk::RefusesOptions),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the link does: the exact octets, or an error that says so.
    #[test]
    fn exact_octets_or_a_named_error(
        seed: u64,
        len in prop_oneof![0usize..2000, 0usize..60_000],
        blksize in prop_oneof![Just(512u16), 64u16..1468],
        windowsize in 1u16..20,
        max_window in 1u16..20,
        quirk in quirks(),
        loss in 0u32..30,
        duplication in 0u32..30,
        reordering in 0u32..30,
        consume in 0u64..30,
    ) {
        let request = Request { blksize, windowsize, ..FAST };
        let mut world = World::new(pattern(len), &request, seed);
        world.server.max_window = max_window;
        world.server.quirk = quirk;
        let plain = matches!(quirk, Quirk::IgnoresOptions | Quirk::RefusesOptions(_));
        world.server.max_blksize = if plain { 512 } else { blksize };
        world.link = Link { loss, duplication, reordering, latency: Duration::from_millis(2) };
        world.consume = Duration::from_millis(consume);
        match world.run() {
            Ok(()) => prop_assert!(world.received == world.server.file),
            Err(TftpError::NoAnswer | TftpError::Stalled { .. }) => {
                prop_assert!(loss > 5, "gave up on a link that is not that bad");
                prop_assert!(world.server.file.starts_with(&world.received));
            }
            // A late refusal in excess of those expected, by duplication, is final.
            Err(TftpError::Server { .. }) => {
                prop_assert!(matches!(quirk, Quirk::RefusesOptions(_)) && duplication > 0);
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
        let stats = world.client.stats();
        let bound = 20 + 2 * world.blocks + stats.retransmissions + stats.stray_tid;
        prop_assert!(world.sent <= bound, "{} packets, {stats:?}", world.sent);
    }
}
