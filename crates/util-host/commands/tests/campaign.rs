//! A fault campaign: many commands over a link that loses, doubles, damages and delays. None is answered by another's answer, none
//! is lost without an error, and the session's statistics are what the link and the device counted.
//!
//! `CALIPTRA_CAMPAIGN=100000 cargo test --release -p caliptra-util-host-commands --test campaign` is the whole campaign.

use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_commands::api::*;
use caliptra_util_host_commands::types::HashAlgorithm;
use caliptra_util_host_session::{CaliptraSession, SessionConfig};
use caliptra_util_host_transport::mctp::stream::{SerialMctp, StreamAddress};
use caliptra_util_host_transport::{Mailbox, MctpVdm, UdpMailbox};
use sha2::{Digest, Sha384};
use std::sync::atomic::Ordering;
use std::time::Duration;
use util_device::server::{Link, MctpServer, UdpServer};
use util_device::{Device, DeviceConfig, Fault};

fn commands() -> u64 {
    std::env::var("CALIPTRA_CAMPAIGN")
        .ok()
        .map_or(1_500, |text| text.parse().expect("a number"))
}

#[test]
fn over_a_lossy_link_every_answer_is_the_right_one() {
    let link = Link {
        seed: 42,
        lose_request: 10,
        lose_answer: 10,
        double: 20,
        damage: 10,
        late: 10,
        late_ms: 40,
    };
    let server =
        UdpServer::start("127.0.0.1:0", Device::new(DeviceConfig::default()), link).unwrap();
    let mut driver = UdpMailbox::new(server.address(), Duration::from_millis(20));
    let mut transport = Mailbox::new(&mut driver);
    let config = SessionConfig {
        command_timeout_ms: 20,
        max_retries: 6,
        ..SessionConfig::default()
    };
    let mut session = CaliptraSession::with_config(1, &mut transport, config).unwrap();
    session.connect().unwrap();
    let (mut right, mut failed) = (0u64, 0u64);
    let all = commands();
    // Each hash is two commands whose answers depend on the number: an answer of another's would show.
    for number in 0..all / 2 {
        let data = number.to_le_bytes();
        let mut out = [0; 64];
        let context = match caliptra_cmd_hash_init(&mut session, HashAlgorithm::Sha384, &data) {
            Ok(context) => context,
            Err(CaliptraApiError::SessionError(_)) => {
                failed += 1;
                continue;
            }
            Err(error) => panic!("{error:?}"),
        };
        right += 1;
        match caliptra_cmd_hash_finalize(&mut session, context, b"end", &mut out) {
            Ok(len) => {
                let expected = Sha384::new()
                    .chain_update(data)
                    .chain_update(b"end")
                    .finalize();
                assert_eq!(
                    out[..len],
                    expected[..],
                    "command {number} got another's answer"
                );
                right += 1;
            }
            Err(CaliptraApiError::SessionError(_)) => failed += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    let stats = session.stats;
    assert_eq!(
        (stats.commands_succeeded, stats.commands_failed),
        (right, failed)
    );
    // What is still late has to arrive before the counters are compared.
    std::thread::sleep(Duration::from_millis(100));
    let counters = server.counters();
    assert_eq!(
        stats.commands_sent,
        counters.from_host.load(Ordering::SeqCst),
        "requests sent and requests that reached the link"
    );
    assert_eq!(
        stats.bytes_sent,
        counters.payload_octets.load(Ordering::SeqCst)
    );
    assert!(
        stats.commands_sent > stats.commands_succeeded,
        "the link was not lossy"
    );
    println!(
        "{all} commands: {right} answered, {failed} failed with an error, {} requests sent, {} reached the device",
        stats.commands_sent,
        server.device().lock().unwrap().counters().received
    );
}

#[test]
fn over_a_perfect_link_the_device_counts_the_same() {
    let server = UdpServer::start(
        "127.0.0.1:0",
        Device::new(DeviceConfig::default()),
        Link::default(),
    )
    .unwrap();
    let mut driver = UdpMailbox::new(server.address(), Duration::from_secs(2));
    let mut transport = Mailbox::new(&mut driver);
    let mut session = CaliptraSession::new(1, &mut transport).unwrap();
    session.connect().unwrap();
    for _ in 0..200 {
        caliptra_cmd_get_firmware_version(&mut session, 0).unwrap();
    }
    assert!(caliptra_cmd_get_firmware_version(&mut session, 2).is_err());
    let device = server.device();
    let counted = device.lock().unwrap().counters();
    let stats = session.stats;
    assert_eq!(
        (stats.commands_sent, stats.bytes_sent),
        (counted.received, counted.payload_octets)
    );
    assert_eq!(
        (stats.commands_succeeded, stats.commands_failed),
        (counted.executed, counted.refused)
    );
}

#[test]
fn over_mctp_late_and_damaged_answers_are_never_taken() {
    let server = MctpServer::start("127.0.0.1:0", Device::new(DeviceConfig::default()), 9).unwrap();
    let mut driver = SerialMctp::new(StreamAddress::Tcp(server.address()), 8, 9);
    let mut transport = MctpVdm::new(&mut driver);
    let config = SessionConfig {
        command_timeout_ms: 40,
        max_retries: 3,
        ..SessionConfig::default()
    };
    let mut session = CaliptraSession::with_config(1, &mut transport, config).unwrap();
    session.connect().unwrap();
    let faults = [
        Fault::Late(60),
        Fault::Twice,
        Fault::None,
        Fault::Truncated(9),
        Fault::Silent,
        Fault::Busy,
        Fault::Completion(8),
        Fault::Garbage,
        Fault::TooLong(20),
        Fault::WrongChecksum,
    ];
    let mut answered = 0;
    for round in 0..40usize {
        server.with_device(|device| {
            device.fail_next(faults[round % faults.len()]);
        });
        // Versions of image 0 and 1 differ; capabilities differ from both.
        for index in 0..2 {
            if let Ok(version) = caliptra_cmd_get_firmware_version(&mut session, index) {
                assert_eq!(
                    version.version[2],
                    if index == 0 { 0 } else { 3 },
                    "another's answer"
                );
                answered += 1;
            }
        }
        if let Ok(caps) = caliptra_cmd_get_device_capabilities(&mut session) {
            assert!(caps.network_boot());
            answered += 1;
        }
    }
    assert!(answered > 90, "{answered}");
    let stats = session.stats;
    assert_eq!(stats.commands_succeeded, answered);
    assert_eq!(stats.commands_succeeded + stats.commands_failed, 120);
    assert_eq!(
        stats.commands_sent,
        server.with_device(|device| device.counters().received)
    );
}

#[test]
fn time_outs_are_kept_to() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut driver = UdpMailbox::new(silent.local_addr().unwrap(), Duration::from_secs(60));
    let mut transport = Mailbox::new(&mut driver);
    let config = SessionConfig {
        command_timeout_ms: 100,
        max_retries: 2,
        ..SessionConfig::default()
    };
    let mut session = CaliptraSession::with_config(1, &mut transport, config).unwrap();
    session.connect().unwrap();
    let begun = std::time::Instant::now();
    assert!(caliptra_cmd_get_device_capabilities(&mut session).is_err());
    let taken = begun.elapsed();
    // Three attempts of 100 ms, and waits of 20 and 40 ms between them.
    assert!(
        (Duration::from_millis(355)..Duration::from_millis(900)).contains(&taken),
        "{taken:?}"
    );
}
