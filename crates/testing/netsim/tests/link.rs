//! Statistics, order and determinism of the link.

use netsim::{Duration, Instant, Link, LinkConfig, Side};
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Sends `count` numbered frames, 100 µs apart, and returns what arrives, with its time.
fn run(link: &mut Link, count: u32) -> Vec<(Instant, Vec<u8>)> {
    for number in 0..count {
        let now = Instant::from_micros(u64::from(number) * 100);
        let mut frame = [0; 100];
        frame[..4].copy_from_slice(&number.to_be_bytes());
        link.send(now, Side::Client, &frame);
    }
    drain(link, Side::Server)
}

fn drain(link: &mut Link, at: Side) -> Vec<(Instant, Vec<u8>)> {
    let mut arrived: Vec<(Instant, Vec<u8>)> = Vec::new();
    while let Some(now) = link.next_arrival_at(at) {
        // Frames that arrive together are all there once the first is.
        if now > arrived.last().map_or(Instant::ZERO, |(last, _)| *last) {
            let before = now - Duration::from_micros(1);
            assert!(link.receive(before, at).is_none(), "too early");
        }
        arrived.push((now, link.receive(now, at).expect("announced")));
    }
    arrived
}

fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(frame[..4].try_into().unwrap())
}

#[test]
fn perfect_link_delivers_everything_at_once_and_in_order() {
    let mut link = Link::new(1, LinkConfig::default());
    let arrived = run(&mut link, 1_000);
    assert_eq!(arrived.len(), 1_000);
    for (index, (at, frame)) in arrived.iter().enumerate() {
        assert_eq!(number(frame) as usize, index);
        assert_eq!(at.as_micros(), index as u64 * 100);
    }
    assert_eq!(link.next_arrival(), None);
    let stats = link.stats().from_client;
    assert_eq!((stats.sent, stats.delivered), (1_000, 1_000));
    assert_eq!(stats.delivered_octets, 100_000);
    assert_eq!(link.stats().from_server, Default::default());
}

/// A receiver that sleeps finds what its ring held: the first that arrived, in their order.
#[test]
fn a_late_receiver_finds_what_its_ring_held() {
    let config = LinkConfig {
        ring_limit: Some(3),
        ..LinkConfig::with_delay(Duration::from_millis(1))
    };
    for late in [0, 1, 1_000_000] {
        let mut link = Link::new(1, config);
        for frame in 0..5 {
            link.send(Instant::ZERO, Side::Client, &[frame; 60]);
        }
        let arrival = Instant::from_millis(1);
        assert_eq!(link.next_arrival_at(Side::Server), Some(arrival));
        let early = arrival - Duration::from_micros(1);
        assert_eq!(link.receive(early, Side::Server), None, "too early");
        let now = arrival + Duration::from_micros(late);
        for frame in 0..3 {
            assert_eq!(link.receive(now, Side::Server), Some(vec![frame; 60]));
        }
        assert_eq!(link.receive(now, Side::Server), None);
        assert_eq!(link.stats().from_client.ring_drops, 2);
        assert_eq!(link.next_arrival(), None);
    }
}

#[test]
fn faults_happen_as_often_as_configured() {
    let config = LinkConfig {
        delay: Duration::from_millis(5),
        loss: 0.1,
        duplicate: 0.05,
        reorder: 0.02,
        corrupt: 0.01,
        ..LinkConfig::default()
    };
    let mut link = Link::new(7, config);
    let arrived = run(&mut link, 20_000);
    let stats = link.stats().from_client;
    let near = |value: u64, expected: u64| value.abs_diff(expected) < expected / 4;
    assert!(near(stats.lost, 2_000), "{stats:?}");
    assert!(near(stats.duplicated, 900), "{stats:?}");
    assert!(near(stats.reordered, 360), "{stats:?}");
    assert!(near(stats.corrupted, 180), "{stats:?}");
    assert_eq!(stats.sent - stats.lost + stats.duplicated, stats.delivered);
    assert_eq!(stats.delivered, arrived.len() as u64);

    let damaged = arrived.iter().filter(|(_, f)| f[4..] != [0; 96]).count() as u64;
    assert!(damaged > 0 && damaged <= stats.corrupted + stats.duplicated);
    let overtaken = arrived
        .windows(2)
        .filter(|pair| number(&pair[0].1) > number(&pair[1].1))
        .count();
    assert!(overtaken > 100, "{overtaken}");
}

#[test]
fn same_seed_same_run_and_directions_are_independent() {
    let config = LinkConfig {
        delay: Duration::from_millis(1),
        jitter: Duration::from_millis(2),
        loss: 0.2,
        duplicate: 0.2,
        reorder: 0.2,
        corrupt: 0.2,
        ..LinkConfig::default()
    };
    let first = run(&mut Link::new(42, config), 500);
    assert_eq!(first, run(&mut Link::new(42, config), 500));
    assert_ne!(first, run(&mut Link::new(43, config), 500));

    let mut busy = Link::new(42, config);
    for _ in 0..77 {
        busy.send(Instant::ZERO, Side::Server, b"the other way");
    }
    assert_eq!(first, run(&mut busy, 500));
}

#[test]
fn jitter_delays_but_keeps_the_order() {
    let config = LinkConfig {
        delay: Duration::from_millis(10),
        jitter: Duration::from_millis(5),
        ..LinkConfig::default()
    };
    let arrived = run(&mut Link::new(3, config), 1_000);
    let mut spread = (u64::MAX, 0);
    for (index, (at, frame)) in arrived.iter().enumerate() {
        assert_eq!(number(frame) as usize, index);
        let took = at.as_micros() - index as u64 * 100;
        assert!((10_000..=15_000).contains(&took), "{took}");
        spread = (spread.0.min(took), spread.1.max(took));
    }
    assert!(spread.1 - spread.0 > 1_000);
}

#[test]
fn bandwidth_paces_and_the_queue_drops_its_tail() {
    let config = LinkConfig {
        bandwidth_bps: Some(100_000_000),
        queue_limit: Some(10),
        ..LinkConfig::default()
    };
    let mut link = Link::new(1, config);
    for _ in 0..12 {
        link.send(Instant::ZERO, Side::Server, &[0; 1_226]);
    }
    // (1226 + 24) octets at 100 Mbit/s are 100 µs.
    let arrivals: Vec<u64> = drain(&mut link, Side::Client)
        .iter()
        .map(|(at, _)| at.as_micros())
        .collect();
    let expected: Vec<u64> = (1..=10).map(|n| n * 100).collect();
    assert_eq!(arrivals, expected);
    assert_eq!(link.stats().from_server.queue_drops, 2);

    // Once the line is idle again a frame takes its own time only.
    link.send(Instant::from_millis(9), Side::Server, &[0; 1_226]);
    assert_eq!(link.next_arrival(), Some(Instant::from_micros(9_100)));
}

#[test]
fn gigabit_rate_is_exact_over_many_frames() {
    let config = LinkConfig {
        bandwidth_bps: Some(1_000_000_000),
        ..LinkConfig::default()
    };
    let mut link = Link::new(1, config);
    for _ in 0..10_000 {
        link.send(Instant::ZERO, Side::Server, &[0; 1_514]);
    }
    let (last, _) = drain(&mut link, Side::Client).pop().unwrap();
    assert_eq!(last.as_micros(), 1_538 * 8 * 10_000 / 1_000);
}

#[test]
fn ring_drops_what_is_not_received_in_time() {
    let config = LinkConfig {
        ring_limit: Some(8),
        ..LinkConfig::default()
    };
    let mut link = Link::new(1, config);
    for number in 0..20_u8 {
        link.send(Instant::ZERO, Side::Server, &[number; 60]);
    }
    let first = drain(&mut link, Side::Client);
    assert_eq!(first.len(), 8);
    assert_eq!(first[7].1[0], 7);
    assert_eq!(link.stats().from_server.ring_drops, 12);
}

#[test]
fn down_link_loses_what_is_sent_and_what_is_on_its_way() {
    let mut link = Link::new(1, LinkConfig::with_delay(Duration::from_millis(1)));
    link.send(Instant::ZERO, Side::Client, b"on its way");
    link.set_down(true);
    link.send(Instant::ZERO, Side::Client, b"into nowhere");
    assert!(link.is_down());
    link.set_down(false);
    link.send(Instant::ZERO, Side::Client, b"after");
    let arrived = drain(&mut link, Side::Server);
    assert_eq!(arrived, [(Instant::from_millis(1), b"after".to_vec())]);
    assert_eq!(link.stats().from_client.down_drops, 2);
}

#[test]
fn directions_are_configured_apart() {
    let mut link = Link::new(1, LinkConfig::default());
    let lossy = LinkConfig {
        loss: 1.0,
        ..LinkConfig::default()
    };
    link.set_config_from(Side::Server, lossy);
    assert_eq!(link.config_from(Side::Server), lossy);
    link.send(Instant::ZERO, Side::Client, b"passes");
    link.send(Instant::ZERO, Side::Server, b"lost");
    assert_eq!(drain(&mut link, Side::Server).len(), 1);
    assert_eq!(drain(&mut link, Side::Client).len(), 0);
    link.set_config(LinkConfig::default());
    link.send(Instant::ZERO, Side::Server, b"passes");
    assert_eq!(drain(&mut link, Side::Client).len(), 1);
}

/// A file in memory that the test can read while the link writes it; full after `room` octets.
#[derive(Clone, Default)]
struct File {
    content: Arc<Mutex<Vec<u8>>>,
    room: usize,
}

impl Write for File {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let mut content = self.content.lock().unwrap();
        if content.len() + data.len() > self.room {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        content.extend_from_slice(data);
        Ok(data.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn capture_holds_what_both_sides_sent_and_a_full_disk_changes_nothing() {
    let file = File {
        room: 24 + 2 * (16 + 60),
        ..File::default()
    };
    let config = LinkConfig {
        delay: Duration::from_millis(7),
        loss: 1.0,
        ..LinkConfig::default()
    };
    let mut link = Link::new(1, config);
    link.capture(Box::new(file.clone()));
    link.send(Instant::from_micros(1_000_001), Side::Client, &[1; 60]);
    link.set_config(LinkConfig::default());
    link.send(Instant::from_micros(2_000_002), Side::Server, &[2; 60]);
    link.send(Instant::from_micros(3_000_003), Side::Server, &[3; 60]);

    let content = file.content.lock().unwrap().clone();
    assert_eq!(content.len(), file.room);
    assert_eq!(content[24..32], [1, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(content[40..100], [1; 60]);
    assert_eq!(content[100..108], [2, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(drain(&mut link, Side::Client).len(), 2);
}

#[test]
fn corruption_spares_empty_frames_headers_and_arp() {
    let config = LinkConfig {
        corrupt: 1.0,
        ..LinkConfig::default()
    };
    let mut link = Link::new(1, config);
    link.send(Instant::ZERO, Side::Client, &[]);
    assert_eq!(drain(&mut link, Side::Server)[0].1, []);
    assert_eq!(link.stats().from_client.corrupted, 0);
    for _ in 0..1_000 {
        link.send(Instant::ZERO, Side::Client, &[0x55; 9]);
        assert_ne!(drain(&mut link, Side::Server)[0].1, [0x55; 9]);
    }
    assert_eq!(link.stats().from_client.corrupted, 1_000);

    let mut arp = [0x55; 60];
    (arp[12], arp[13]) = (0x08, 0x06);
    link.send(Instant::ZERO, Side::Client, &arp);
    assert_eq!(drain(&mut link, Side::Server)[0].1, arp);
    for _ in 0..1_000 {
        link.send(Instant::ZERO, Side::Client, &[0x55; 60]);
        let frame = drain(&mut link, Side::Server).remove(0).1;
        assert!(frame[..14] == [0x55; 14] && frame != [0x55; 60]);
    }
}
