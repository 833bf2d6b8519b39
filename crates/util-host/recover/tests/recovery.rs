//! Recoveries over I3C over TCP, with every fault of the link and of the device.

use caliptra_util_host_recover::agent::{Progress, RecoverError, RecoverOptions, recover};
use caliptra_util_host_recover::bus::{BusError, I3cTcp};
use caliptra_util_host_recover::conformance;
use caliptra_util_host_recover::server::{I3cServer, LinkFaults};
use ocp_recovery::CoreVersion;
use ocp_recovery::command::Command;
use ocp_recovery::commands::CommandBus;
use recovery_model::{
    DeviceConfig, DeviceOutcome, ExpectedImage, Faults, Personality, Refusal, Stuck,
};
use std::time::Duration;

const ADDRESS: u8 = 0x3B;

fn images() -> Vec<Vec<u8>> {
    [5_000, 257, 2_049]
        .iter()
        .enumerate()
        .map(|(n, len)| (0..*len).map(|at| (at * 7 + n) as u8).collect())
        .collect()
}

fn device(personality: Personality) -> DeviceConfig {
    let expected: Vec<_> = images()
        .iter()
        .map(|image| ExpectedImage::of(image))
        .collect();
    DeviceConfig::new(CoreVersion::V1p5, personality, &expected)
}

fn options() -> RecoverOptions {
    RecoverOptions {
        request_timeout: Duration::from_secs(2),
        verify_timeout: Duration::from_secs(2),
        settle: Duration::from_millis(100),
        poll: Duration::from_millis(1),
        bus_timeout: Duration::from_millis(500),
    }
}

fn start(config: DeviceConfig, faults: LinkFaults) -> (I3cServer, I3cTcp) {
    let server = I3cServer::start("127.0.0.1:0", ADDRESS, config, faults).unwrap();
    let bus = I3cTcp::connect(server.address(), ADDRESS, Duration::from_millis(500)).unwrap();
    (server, bus)
}

fn run(config: DeviceConfig, faults: LinkFaults) -> (Result<u32, RecoverError>, DeviceOutcome) {
    let (server, mut bus) = start(config, faults);
    let result = recover(&mut bus, &images(), &options(), &mut |_| {});
    (result, server.outcome())
}

#[test]
fn every_kind_of_device_boots() {
    for personality in [
        Personality::Documented,
        Personality::Rom2_1_0,
        Personality::Rom2_1_2,
    ] {
        let (server, mut bus) = start(device(personality), LinkFaults::default());
        let mut steps = vec![];
        recover(&mut bus, &images(), &options(), &mut |progress| {
            steps.push(progress)
        })
        .unwrap();
        assert_eq!(server.outcome(), DeviceOutcome::Booted);
        let requested: Vec<_> = steps
            .iter()
            .filter_map(|step| match step {
                Progress::Requested { index, octets } => Some((*index, *octets)),
                _ => None,
            })
            .collect();
        assert_eq!(requested, [(0, 5_000), (1, 257), (2, 2_049)]);
        assert_eq!(steps.last(), Some(&Progress::Complete));
    }
}

#[test]
fn a_bad_link_is_outlived() {
    let faults = LinkFaults {
        damage_read: 50,
        damage_write: 50,
        interrupt: 100,
        ..LinkFaults::default()
    };
    let (result, outcome) = run(device(Personality::Rom2_1_2), faults);
    assert!(result.is_ok_and(|repeats| repeats > 0), "{result:?}");
    assert_eq!(outcome, DeviceOutcome::Booted);
}

#[test]
fn a_link_that_cannot_be_outlived_is_told() {
    let cases = [
        (
            LinkFaults {
                damage_read: 1000,
                ..LinkFaults::default()
            },
            "wrong each time",
        ),
        (
            LinkFaults {
                no_acknowledge: true,
                ..LinkFaults::default()
            },
            "acknowledges",
        ),
        (
            LinkFaults {
                break_after: 40,
                ..LinkFaults::default()
            },
            "broke",
        ),
        (
            LinkFaults {
                silent_after: 40,
                ..LinkFaults::default()
            },
            "in time",
        ),
        (
            LinkFaults {
                wrong_transaction: true,
                ..LinkFaults::default()
            },
            "in time",
        ),
        (
            LinkFaults {
                short_read: true,
                ..LinkFaults::default()
            },
            "wrong each time",
        ),
    ];
    for (faults, words) in cases {
        let (result, _) = run(device(Personality::Rom2_1_2), faults);
        let Err(error @ RecoverError::Bus { .. }) = result else {
            panic!("{faults:?}: {result:?}");
        };
        assert!(error.to_string().contains(words), "{faults:?}: {error}");
    }
    let (server, _) = start(
        device(Personality::Rom2_1_2),
        LinkFaults {
            damage_write: 1000,
            ..LinkFaults::default()
        },
    );
    let mut bus = I3cTcp::connect(server.address(), ADDRESS, Duration::from_millis(500)).unwrap();
    assert!(recover(&mut bus, &images(), &options(), &mut |_| {}).is_err());
    let nobody = I3cTcp::connect(
        "127.0.0.1:1".parse().unwrap(),
        ADDRESS,
        Duration::from_millis(500),
    );
    assert!(matches!(nobody.err(), Some(BusError::Connect(_))));
}

#[test]
fn a_device_that_fails_is_told_with_its_reason() {
    let mut config = device(Personality::Rom2_1_2);
    config.faults = Faults {
        refuse: Some(Refusal {
            index: 1,
            reason: 6,
        }),
        ..Faults::default()
    };
    let (result, outcome) = run(config, LinkFaults::default());
    let Err(RecoverError::Device { status, .. }) = result else {
        panic!("{result:?}");
    };
    assert_eq!(status.reason.0, 6);
    assert!(matches!(outcome, DeviceOutcome::Failed { index: 1, .. }));
    for stuck in [
        Stuck::Startup,
        Stuck::Asking(1),
        Stuck::Pending(0),
        Stuck::Verifying(0),
    ] {
        let mut config = device(Personality::Rom2_1_2);
        config.faults.stuck = Some(stuck);
        let mut options = options();
        options.request_timeout = Duration::from_millis(300);
        options.verify_timeout = Duration::from_millis(300);
        if matches!(stuck, Stuck::Pending(_)) {
            // This wait has the agent's own deadline of ten seconds.
            continue;
        }
        let (_server, mut bus) = start(config, LinkFaults::default());
        let result = recover(&mut bus, &images(), &options, &mut |_| {});
        assert!(
            matches!(result, Err(RecoverError::Device { .. })),
            "{stuck:?}: {result:?}"
        );
    }
    let (_server, mut bus) = start(device(Personality::Rom2_1_2), LinkFaults::default());
    let result = recover(&mut bus, &images()[..1], &options(), &mut |_| {});
    assert_eq!(result, Err(RecoverError::NoImage { index: 1 }));
}

#[test]
fn the_server_conforms_and_the_suite_finds_servers_that_do_not() {
    let (server, _) = start(device(Personality::Rom2_1_2), LinkFaults::default());
    std::thread::sleep(Duration::from_millis(20));
    // The device asks for an image before the suite begins, so that all commands are served.
    let findings = conformance::run(server.address(), ADDRESS, Duration::from_millis(500));
    let problems: Vec<_> = findings
        .iter()
        .filter(|finding| finding.problem.is_some())
        .collect();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(findings.len(), 8);
    let mut found = std::collections::BTreeSet::new();
    for faults in [
        LinkFaults {
            short_read: true,
            ..LinkFaults::default()
        },
        LinkFaults {
            no_acknowledge: true,
            ..LinkFaults::default()
        },
        LinkFaults {
            silent_after: 1,
            ..LinkFaults::default()
        },
        LinkFaults {
            damage_write: 1000,
            ..LinkFaults::default()
        },
    ] {
        let (server, _) = start(device(Personality::Rom2_1_2), faults);
        let findings = conformance::run(server.address(), ADDRESS, Duration::from_millis(100));
        found.extend(
            findings
                .into_iter()
                .filter(|finding| finding.problem.is_some())
                .map(|finding| finding.check),
        );
    }
    assert_eq!(found.len(), 8, "{found:?}");
}

#[test]
fn commands_are_read_whole_or_not_at_all() {
    let (_server, mut bus) = start(device(Personality::Rom2_1_2), LinkFaults::default());
    let mut out = [0; 255];
    assert_eq!(bus.read(Command::ProtCap, &mut out), Ok(15));
    // The FIFO cannot be read back, and the device answers without an octet.
    let unanswered = BusError::PacketErrorCode { command: 47 };
    assert_eq!(
        bus.read(Command::IndirectFifoData, &mut out),
        Err(unanswered)
    );
}

/// A server that sends random octets, some of which look like heads: the client neither panics nor waits beyond its time-out.
#[test]
fn a_server_that_sends_anything_is_survived() {
    use std::io::{Read, Write};
    let mut seed = 7u64;
    let mut random = move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u8
    };
    for round in 0..40 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let len = usize::from(random()) * 4;
        let answer: Vec<u8> = (0..len)
            .map(|at| match (round % 2, at % 8) {
                // Answers to transfers 1, 2, ...: no interrupt, the address, a short length, the transaction's number.
                (0, 0) => 0,
                (0, 1) => ADDRESS,
                (0, 2) => random() % 3,
                (0, 3 | 4) => 0,
                (0, 5) => (at / 8 + 1) as u8 & 0xF,
                _ => random(),
            })
            .collect();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(&answer);
            let mut rest = [0; 4096];
            while matches!(stream.read(&mut rest), Ok(1..)) {}
        });
        let mut bus = I3cTcp::connect(address, ADDRESS, Duration::from_millis(60)).unwrap();
        let begun = std::time::Instant::now();
        assert!(bus.read(Command::ProtCap, &mut [0; 255]).is_err());
        assert!(begun.elapsed() < Duration::from_secs(2));
        drop(bus);
        serving.join().unwrap();
    }
}
