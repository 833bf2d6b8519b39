//! The simulated world: time, injected frames, death, hostile input, many short runs.

mod common;

use common::{Client, End, get, pattern, with_file};
use image_server::frame::noise;
use image_server::{ServerConfig, World};
use netboot_core::{Duration, Instant};
use netsim::{LinkConfig, Side};
use proptest::prelude::*;
use std::net::Ipv4Addr;

/// An ARP request for the server's address.
fn arp() -> Vec<u8> {
    let mut frame = vec![0xFF; 6];
    frame.extend_from_slice(&[2, 0, 0, 0, 0, 0x99, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend_from_slice(&[
        2, 0, 0, 0, 0, 0x99, 10, 0, 0, 50, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1,
    ]);
    frame
}

#[test]
fn time_moves_to_the_answer_and_no_further() {
    let link = LinkConfig::with_delay(Duration::from_millis(3));
    let mut world = World::new(ServerConfig::default(), link);
    world.client_send(&arp());
    assert!(world.client_receive().is_none());
    assert!(world.advance(Instant::from_millis(100)));
    assert_eq!(world.now, Instant::from_millis(6));
    assert!(world.client_has_frames());
    assert!(world.advance(Instant::from_millis(100)));
    assert_eq!(world.now, Instant::from_millis(6));
    assert_eq!(world.client_receive().unwrap()[20..22], [0, 2]);
    assert!(!world.advance(Instant::from_millis(100)));
    assert_eq!(world.now, Instant::from_millis(100));
    // A time that has passed moves nothing.
    assert!(!world.advance(Instant::from_millis(50)));
    assert_eq!(world.now, Instant::from_millis(100));
}

#[test]
fn perfect_link_answers_without_time() {
    let mut world = World::new(ServerConfig::default(), LinkConfig::default());
    world.client_send(&arp());
    assert!(world.client_receive().is_some());
    assert_eq!(world.now, Instant::ZERO);
}

#[test]
fn busy_client_finds_frames_piled_up() {
    let mut world = World::new(ServerConfig::default(), LinkConfig::default());
    for _ in 0..5 {
        world.client_send(&arp());
        let until = world.now + Duration::from_millis(10);
        world.run(until);
        assert_eq!(world.now, until);
    }
    let frames = std::iter::from_fn(|| world.client_receive()).count();
    assert_eq!(frames, 5);
}

#[test]
fn injected_frames_reach_the_client_in_order() {
    let mut world = World::new(ServerConfig::default(), LinkConfig::default());
    world.run(Instant::from_millis(1));
    for octets in 100..400 {
        world
            .server
            .inject(noise([2; 6], Ipv4Addr::LOCALHOST, octets));
    }
    assert!(world.advance(Instant::from_millis(1)));
    let lengths: Vec<_> = std::iter::from_fn(|| world.client_receive())
        .map(|f| f.len())
        .collect();
    assert_eq!(lengths, (100..400).collect::<Vec<_>>());
}

#[test]
fn unplugged_cable_and_dead_server() {
    let mut world = World::new(ServerConfig::default(), LinkConfig::default());
    world.link.set_down(true);
    world.client_send(&arp());
    assert!(!world.advance(Instant::from_millis(10)));
    world.link.set_down(false);
    world.server.faults_mut().dies_at = Some(Instant::from_millis(20));
    world.client_send(&arp());
    assert!(world.advance(Instant::from_millis(20)));
    while world.client_receive().is_some() {}
    world.run(Instant::from_millis(20));
    world.client_send(&arp());
    assert!(!world.advance(Instant::from_millis(10_000)));
}

#[test]
fn many_short_boots_take_little_time() {
    let started = std::time::Instant::now();
    for seed in 0..100 {
        let mut config = with_file(270_000);
        config.seed = seed;
        let link = LinkConfig {
            delay: Duration::from_millis(1),
            loss: 0.01,
            ..LinkConfig::default()
        };
        let mut client = Client::new(config, link);
        assert_eq!(client.get("fw.bin").end, End::Whole);
        assert!(
            client
                .tftp("fw.bin", "blksize\x001468\0windowsize\x0016\0")
                .complete
        );
    }
    let took = started.elapsed();
    println!("100 times 540 KB in {took:?}");
    assert!(took.as_secs() < 30, "{took:?}");
}

#[test]
fn http_and_tftp_at_once() {
    let mut client = Client::perfect(with_file(1_000_000));
    let socket = client.connect(80, 65_535);
    client.write(socket, get("fw.bin", "").as_bytes());
    assert!(client.tftp("fw.bin", "windowsize\x004\0").complete);
    let answer = client.read(socket, Duration::from_secs(5));
    assert!(answer.body() == pattern(1_000_000).to_vec());
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    use image_server::frame::{BROADCAST, Datagram};
    let payload = proptest::collection::vec(any::<u8>(), 0..300);
    let ports = prop_oneof![Just(53_u16), Just(67), Just(69), Just(4_011), any::<u16>()];
    (payload, ports, any::<u16>(), any::<bool>(), 0..4_u8).prop_map(
        |(payload, port, from, broadcast, how)| {
            let to = if broadcast {
                Ipv4Addr::BROADCAST
            } else {
                common::SERVER
            };
            let mut payload = payload;
            // Half of them look like requests for TFTP.
            if how < 2 && payload.len() > 8 {
                payload[..8].copy_from_slice(b"\0\x01fw.bin");
            }
            let frame = Datagram {
                from_mac: common::MAC,
                to_mac: if broadcast {
                    BROADCAST
                } else {
                    [2, 0, 0, 0, 0, 1]
                },
                from: std::net::SocketAddrV4::new(common::IP, from),
                to: std::net::SocketAddrV4::new(to, port),
                payload: &payload,
            }
            .frame();
            if how == 3 { payload } else { frame }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_frames_are_survived(frames in proptest::collection::vec((any_frame(), 0..2_000_u64), 0..40)) {
        let mut world = World::new(with_file(3_000), LinkConfig::default());
        for (frame, pause) in frames {
            world.client_send(&frame);
            let until = world.now + Duration::from_millis(pause);
            world.run(until);
            while world.client_receive().is_some() {}
        }
        let until = world.now + Duration::from_secs(300);
        world.run(until);
        while world.client_receive().is_some() {}
        // It still answers, and has nothing left to do.
        world.client_send(&arp());
        prop_assert!(world.advance(until + Duration::from_secs(1)));
    }

    #[test]
    fn any_request_text_is_survived(text in "[ -~\r\n]{0,200}", tail in "[ -~]{0,50}") {
        let mut client = Client::perfect(with_file(100));
        let request = format!("GET /fw.bin HTTP/1.1\r\nHost: h\r\nRange: bytes={tail}\r\n{text}\r\n\r\n");
        let socket = client.connect(80, 8_192);
        client.write(socket, request.as_bytes());
        client.read(socket, Duration::from_secs(3));
        prop_assert_eq!(client.get("fw.bin").end, End::Whole);
        let sent = client.world().link.stats().from_server.sent;
        prop_assert!(sent < 1_000);
        prop_assert!(client.world().link.next_arrival_at(Side::Server).is_none());
    }
}
