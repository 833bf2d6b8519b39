//! The TFTP server, seen from the wire.

mod common;

use common::{Client, SERVER, pattern, with_file};
use image_server::{Content, Protocol, Rollover, Rule, ServerConfig, TftpFault};
use netboot_core::{Duration, Instant};
use netsim::LinkConfig;

const ALL_OPTIONS: &str = "blksize\x001468\0windowsize\x008\0tsize\x000\0";

fn with_fault(size: u64, fault: TftpFault) -> Client {
    let mut config = with_file(size);
    config.faults.tftp.once(fault);
    Client::perfect(config)
}

#[test]
fn plain_transfer_of_every_awkward_size() {
    for size in [0, 1, 511, 512, 513, 1_024, 100_000] {
        let mut client = Client::perfect(with_file(size));
        let tftp = client.tftp("/fw.bin", "");
        assert!(
            tftp.complete && tftp.data == pattern(size).to_vec(),
            "{size}"
        );
        assert_eq!((&tftp.oack, tftp.unexpected), (&None, 0), "{size} {tftp:?}");
        assert_eq!(u64::from(tftp.packets), size / 512 + 1);
        let served = client.last_served();
        assert_eq!(
            (served.protocol, served.name.as_str()),
            (Protocol::Tftp, "fw.bin")
        );
        assert!(served.complete && served.octets == size);
    }
}

#[test]
fn options_and_windows() {
    let mut client = Client::perfect(with_file(100_000));
    let tftp = client.tftp("fw.bin", ALL_OPTIONS);
    assert_eq!(
        tftp.oack.as_deref(),
        Some("blksize\x001468\0windowsize\x008\0tsize\x00100000\0")
    );
    assert!(tftp.complete && tftp.data == pattern(100_000).to_vec());
    assert_eq!(tftp.packets, 1 + 100_000 / 1_468 + 1);
}

#[test]
fn window_of_64_fills_the_delay() {
    let link = LinkConfig::with_delay(Duration::from_millis(10));
    let mut client = Client::new(with_file(1_000_000), link);
    let tftp = client.tftp("fw.bin", "blksize\x001468\0windowsize\x0064\0");
    assert!(tftp.complete);
    // 682 blocks are 11 windows of 20 ms.
    let took = client.last_served().at;
    assert!(took < Instant::from_millis(400), "{took}");
}

#[test]
fn lossy_links_only_take_longer() {
    for seed in 0..6 {
        let mut config = with_file(200_000);
        config.seed = seed;
        let link = LinkConfig {
            delay: Duration::from_millis(2),
            jitter: Duration::from_millis(2),
            loss: 0.03,
            duplicate: 0.03,
            reorder: 0.03,
            corrupt: 0.01,
            ..LinkConfig::default()
        };
        let mut client = Client::new(config, link);
        for options in ["blksize\x001468\0", ALL_OPTIONS] {
            let tftp = client.tftp("fw.bin", options);
            assert!(tftp.complete, "{seed} {tftp:?}");
            assert!(tftp.data == pattern(200_000).to_vec());
            assert!(tftp.unexpected > 0);
        }
    }
}

#[test]
fn refusals() {
    let mut client = Client::perfect(with_file(10));
    assert_eq!(client.tftp("other.bin", "").error, Some(1));
    assert_eq!(client.last_served().status, 1);
    let socket = client.udp(4_000);
    for (request, code) in [
        (&b"\0\x02fw.bin\0octet\0"[..], 2),
        (b"\0\x01fw.bin\0netascii\0", 4),
    ] {
        client.send(socket, (SERVER, 69), request);
        let (_, packet) = client.receive(socket, Duration::from_secs(1)).unwrap();
        assert_eq!(packet[..4], [0, 5, 0, code]);
    }
    client.send(socket, (SERVER, 69), b"\0\x05\0\0what\0");
    assert_eq!(client.receive(socket, Duration::from_secs(9)), None);
}

#[test]
fn stranger_is_told_and_does_no_harm() {
    let mut client = Client::perfect(with_file(2_000));
    let (own, stranger) = (client.udp(4_000), client.udp(4_001));
    client.send(own, (SERVER, 69), b"\0\x01fw.bin\0octet\0");
    let (tid, packet) = client.receive(own, Duration::from_secs(1)).unwrap();
    assert_eq!(packet[..4], [0, 3, 0, 1]);
    client.ack(stranger, tid, 1);
    let (_, packet) = client
        .receive(stranger, Duration::from_millis(500))
        .unwrap();
    assert_eq!(packet[..4], [0, 5, 0, 5]);
    client.ack(own, tid, 1);
    let (from, packet) = client.receive(own, Duration::from_millis(500)).unwrap();
    assert_eq!((from, &packet[..4]), (tid, &[0, 3, 0, 2][..]));
    // The client's own error ends it.
    client.send(own, (SERVER, tid), b"\0\x05\0\x03full\0");
    client.pass(Duration::from_secs(1));
    let served = client.last_served();
    assert_eq!(
        (served.status, served.octets, served.complete),
        (3, 512, false)
    );
}

#[test]
fn silent_client_is_given_up_and_floods_are_bounded() {
    let mut config = with_file(2_000);
    config.tftp.max_transfers = 8;
    let mut client = Client::perfect(config);
    let socket = client.udp(4_000);
    for _ in 0..50 {
        client.send(socket, (SERVER, 69), b"\0\x01fw.bin\0octet\0");
        client.pass(Duration::from_micros(1));
    }
    client.pass(Duration::from_secs(30));
    let served = client.served();
    assert_eq!(served.len(), 50);
    assert!(
        served
            .iter()
            .all(|served| !served.complete && served.octets == 0)
    );
    assert_eq!(
        served
            .iter()
            .filter(|served| served.at.as_millis() >= 6_000)
            .count(),
        8
    );
}

#[test]
fn old_server_without_options() {
    let mut config = with_file(3_000);
    config.tftp.options = false;
    let tftp = Client::perfect(config).tftp("fw.bin", ALL_OPTIONS);
    assert_eq!(tftp.oack, None);
    assert!(tftp.complete && tftp.packets == 6);
}

#[test]
fn roll_over_on_the_wire() {
    for (rollover, third) in [(Rollover::Zero, [0, 0]), (Rollover::One, [0, 1])] {
        let mut config = with_file(8 * 65_536);
        config.tftp.rollover = rollover;
        let mut client = Client::perfect(config);
        let socket = client.udp(4_000);
        client.send(
            socket,
            (SERVER, 69),
            b"\0\x01fw.bin\0octet\0blksize\x008\0windowsize\x0064\0",
        );
        let (tid, _) = client.receive(socket, Duration::from_secs(1)).unwrap();
        client.ack(socket, tid, 0);
        let mut block = 0;
        loop {
            let (_, packet) = client.receive(socket, Duration::from_secs(1)).unwrap();
            block += 1;
            if block == 65_536 {
                assert_eq!(packet[2..4], third);
                break;
            }
            if block % 64 == 0 || block == 65_535 {
                client.ack(socket, tid, block);
            }
        }
    }
}

#[test]
fn fault_no_answer_befalls_the_first_request_only() {
    let mut client = with_fault(100, TftpFault::NoAnswer);
    let tftp = client.tftp("fw.bin", "");
    assert!(tftp.complete);
    assert!(client.now() >= Instant::from_millis(2_500));
    assert_eq!(client.served().len(), 2);
    assert_eq!(client.world().server.faults_mut().tftp.hits(), 1);
}

#[test]
fn fault_foreign_tid() {
    let tftp = with_fault(5_000, TftpFault::ForeignTid).tftp("fw.bin", ALL_OPTIONS);
    assert!(tftp.complete && tftp.data == pattern(5_000).to_vec());
    assert!(tftp.foreign >= 4, "{tftp:?}");
}

#[test]
fn fault_truncate_and_tsize() {
    let tftp = with_fault(5_000, TftpFault::Truncate(3_000)).tftp("fw.bin", "tsize\x000\0");
    assert_eq!(tftp.oack.as_deref(), Some("tsize\x005000\0"));
    assert!(tftp.complete && tftp.data == pattern(5_000).to_vec()[..3_000]);
    let tftp = with_fault(5_000, TftpFault::Tsize(4_000)).tftp("fw.bin", "tsize\x000\0");
    assert_eq!(tftp.oack.as_deref(), Some("tsize\x004000\0"));
    assert_eq!(tftp.data.len(), 5_000);
}

#[test]
fn faults_of_the_oack() {
    let larger = with_fault(5_000, TftpFault::LargerBlksize).tftp("fw.bin", "blksize\x001000\0");
    assert_eq!(larger.oack.as_deref(), Some("blksize\x002000\0"));
    let unknown = vec![("multicast".to_string(), "1".to_string())];
    let unknown = with_fault(500, TftpFault::Oack(unknown)).tftp("fw.bin", "");
    assert_eq!(unknown.oack.as_deref(), Some("multicast\x001\0"));
    let ignored = with_fault(5_000, TftpFault::IgnoreOptions).tftp("fw.bin", ALL_OPTIONS);
    assert_eq!((ignored.oack, ignored.packets), (None, 10));

    let mut client = with_fault(500, TftpFault::MalformedOack);
    let socket = client.udp(4_000);
    client.send(socket, (SERVER, 69), b"\0\x01fw.bin\0octet\0tsize\x000\0");
    let (_, packet) = client.receive(socket, Duration::from_secs(1)).unwrap();
    assert_eq!(packet, b"\0\x06blksize\0tsize");

    let mut client = with_fault(5_000, TftpFault::RefuseOptions);
    assert_eq!(client.tftp("fw.bin", ALL_OPTIONS).error, Some(8));
    assert!(client.tftp("fw.bin", "").complete);
}

#[test]
fn faults_with_errors() {
    let tftp = with_fault(5_000, TftpFault::Error(3, "Disk full".into())).tftp("fw.bin", "");
    assert_eq!((tftp.error, tftp.data.len()), (Some(3), 0));
    let fault = TftpFault::ErrorAfter(2_000, 0, "Read error".into());
    let mut client = with_fault(5_000, fault);
    let tftp = client.tftp("fw.bin", "");
    assert_eq!((tftp.error, tftp.data.len()), (Some(0), 2_048));
    assert_eq!(client.last_served().octets, 2_048);
}

#[test]
fn fault_die_after_is_silence() {
    let mut client = with_fault(50_000, TftpFault::DieAfter(10_000));
    let socket = client.udp(4_000);
    client.pass(Duration::from_millis(1));
    let tftp = client.tftp("fw.bin", ALL_OPTIONS);
    assert!(tftp.silent && tftp.error.is_none());
    assert_eq!(tftp.data.len(), 1_468 * 7);
    assert!(client.tftp("fw.bin", ALL_OPTIONS).complete);
    let _ = socket;
}

#[test]
fn faults_of_the_data() {
    let double = with_fault(5_000, TftpFault::DuplicateData).tftp("fw.bin", "");
    assert!(double.complete && double.data == pattern(5_000).to_vec());
    assert!(double.unexpected >= 9, "{double:?}");

    let corrupt = with_fault(5_000, TftpFault::Corrupt(777)).tftp("fw.bin", "");
    let mut expected = pattern(5_000).to_vec();
    expected[777] ^= 0xFF;
    assert!(corrupt.data == expected);

    let other = Content::from("another file");
    let mut client = with_fault(5_000, TftpFault::Replace(other.clone()));
    assert_eq!(client.tftp("fw.bin", "").data, other.to_vec());
    assert_eq!(client.tftp("fw.bin", "").data.len(), 5_000);

    let lost = with_fault(5_000, TftpFault::LoseBlock(3)).tftp("fw.bin", "windowsize\x004\0");
    assert!(lost.complete && lost.data == pattern(5_000).to_vec());
    assert!(lost.unexpected > 0);

    let strange = with_fault(500, TftpFault::UnknownOpcode).tftp("fw.bin", "");
    assert!(strange.complete && strange.unexpected == 1);
}

#[test]
fn fault_slow_takes_its_time() {
    let mut client = with_fault(512 * 9, TftpFault::Slow(Duration::from_millis(700)));
    let tftp = client.tftp("fw.bin", "");
    assert!(tftp.complete && tftp.unexpected == 0);
    assert!(client.last_served().at >= Instant::from_millis(7_000));
}

#[test]
fn fault_burst_comes_first_and_overflows_a_small_ring() {
    let mut config = with_file(500);
    config.faults.tftp.once(TftpFault::Burst(100, 1_000));
    let link = LinkConfig {
        delay: Duration::from_millis(1),
        ring_limit: Some(16),
        ..LinkConfig::default()
    };
    let mut client = Client::new(config, link);
    let tftp = client.tftp("fw.bin", "");
    assert!(tftp.complete);
    let stats = client.world().link.stats().from_server;
    assert!(stats.ring_drops >= 84, "{stats:?}");
}

#[test]
fn faults_of_one_file_spare_the_others() {
    let mut config = with_file(100);
    config.files.insert("other.bin".into(), pattern(50));
    let rule = Rule::new(TftpFault::Error(0, "no".into())).named("fw.bin");
    config.faults.tftp.add(rule);
    let mut client = Client::perfect(config);
    assert_eq!(client.tftp("fw.bin", "").error, Some(0));
    assert!(client.tftp("other.bin", "").complete);
    assert_eq!(client.tftp("/fw.bin", "").error, Some(0));
}

#[test]
fn dead_server_is_silent_and_may_be_disabled() {
    let mut config = with_file(5_000_000);
    config.faults.dies_at = Some(Instant::from_millis(50));
    let link = LinkConfig::with_delay(Duration::from_millis(1));
    let mut client = Client::new(config, link);
    let tftp = client.tftp("fw.bin", ALL_OPTIONS);
    assert!(tftp.silent && !tftp.data.is_empty());
    let disabled = ServerConfig {
        tftp: image_server::TftpConfig {
            enabled: false,
            ..Default::default()
        },
        ..with_file(5)
    };
    assert!(Client::perfect(disabled).tftp("fw.bin", "").silent);
}

#[test]
fn same_seed_same_run() {
    let run = |seed| {
        let mut config = with_file(100_000);
        config.seed = seed;
        let link = LinkConfig {
            loss: 0.1,
            delay: Duration::from_micros(500),
            ..LinkConfig::default()
        };
        let mut client = Client::new(config, link);
        client.tftp("fw.bin", ALL_OPTIONS);
        let stats = client.world().link.stats();
        (client.now(), stats, client.served())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}
