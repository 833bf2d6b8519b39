//! What a caller can ask and tell the agent in each state.

use super::tests::{
    DEVICE_STATUS_0, FIFO_STATUS_0, RECOVERY_CTRL, RECOVERY_STATUS, T0, agent, begun, table,
};
use super::*;
use crate::reason::Reason;
use netboot_core::ImageSink;

#[test]
fn the_last_index_is_that_of_the_configuration() {
    for last_index in [0, 1, 2, 15] {
        let config = AgentConfig {
            last_index,
            ..AgentConfig::default()
        };
        let agent = RecoveryAgent::new(table(), config, T0).unwrap();
        assert_eq!(agent.last_index(), last_index);
    }
}

#[test]
fn a_signal_of_the_platform_counts_after_an_activation_and_for_that_one_only() {
    for index in [0, 2] {
        let mut agent = agent(table());
        agent.platform_complete();
        assert!(agent.poll(T0).is_ok());
        agent.platform_complete();
        agent.deliver(index);
        let verifying = Ok(AgentEvent::Verifying { index });
        assert_eq!(
            agent.poll(T0),
            verifying,
            "what was said before does not count"
        );
        agent.platform_complete();
        assert_eq!(agent.poll(T0), Ok(AgentEvent::Complete));
        assert_eq!(agent.state(), AgentState::Complete);
    }
    // A device that asks for the next image is believed more than its platform.
    let mut agent = agent(table());
    agent.deliver(0);
    agent.platform_complete();
    agent.deliver(1);
    let verifying = Ok(AgentEvent::Verifying { index: 1 });
    assert_eq!(agent.poll(T0), verifying, "it was said of image 0");
    // A failure too.
    agent.platform_complete();
    agent.set(&[(DEVICE_STATUS_0, 0x0006_000E), (RECOVERY_STATUS, 0x1D)]);
    assert!(agent.poll(T0).is_err());
}

#[test]
fn a_timer_runs_only_while_the_device_is_waited_for() {
    let config = AgentConfig::default();
    let drained = Some(T0 + config.drain_timeout);
    let mut agent = agent(table());
    assert_eq!(agent.poll_timeout(), Some(T0 + config.request_timeout));
    agent.poll(T0).unwrap();
    assert_eq!(
        (agent.state(), agent.poll_timeout()),
        (AgentState::Requested { index: 0 }, None)
    );
    agent.begin(T0, 600).unwrap();
    // Until the first window the FIFO has to be seen empty.
    assert_eq!(agent.poll_timeout(), drained);
    assert_eq!(agent.window(T0), Ok(256));
    assert_eq!(agent.poll_timeout(), None, "the producer is waited for");
    agent.write(T0, &[1; 255]).unwrap();
    assert_eq!(agent.poll_timeout(), None);
    agent.write(T0, &[1]).unwrap();
    assert_eq!(agent.poll_timeout(), drained, "the device is waited for");
    agent.set(&[(FIFO_STATUS_0, 0)]);
    assert_eq!(agent.window(T0), Ok(0));
    agent.set(&[(FIFO_STATUS_0, 1)]);
    for len in [256, 88] {
        assert_eq!(agent.window(T0), Ok(len));
        agent.write(T0, &[1; 256][..len]).unwrap();
    }
    assert_eq!(agent.window(T0), Ok(0), "all is written");
    agent.end(T0).unwrap();
    assert_eq!(agent.poll_timeout(), Some(T0 + config.pending_timeout));
    agent.set(&[(DEVICE_STATUS_0, 0x0012_0004)]);
    assert_eq!(agent.poll_ready(T0), Ok(true));
    assert_eq!(
        (agent.state(), agent.poll_timeout()),
        (AgentState::Ready { index: 0 }, None)
    );
    agent.activate(T0).unwrap();
    assert_eq!(agent.poll_timeout(), Some(T0 + config.verify_timeout));
    agent.set(&[(DEVICE_STATUS_0, 0x0012_0001)]);
    assert_eq!(agent.poll(T0), Ok(AgentEvent::Complete));
    assert_eq!(agent.poll_timeout(), None);
    agent.set(&[(DEVICE_STATUS_0, 0x0001_000E), (RECOVERY_STATUS, 0x0D)]);
    assert!(agent.poll(T0).is_err());
    assert_eq!(
        (agent.state(), agent.poll_timeout()),
        (AgentState::Failed, None)
    );
}

/// The wait for the verdict on the last image is longer by the settle time, which may begin at its last moment.
#[test]
fn the_last_image_has_the_settle_time_too() {
    let config = AgentConfig::default();
    for (index, deadline) in [
        (1, config.verify_timeout),
        (2, config.verify_timeout + config.settle),
        (3, config.verify_timeout + config.settle),
    ] {
        let mut agent = agent(table());
        agent.deliver(index);
        assert_eq!(agent.poll_timeout(), Some(T0 + deadline));
        // The first sight of the image booting begins the settle time, but for an image that is not the last.
        agent.set(&[(RECOVERY_STATUS, 0x02 | u32::from(index) << 4)]);
        assert_eq!(agent.poll(T0), Ok(AgentEvent::Verifying { index }));
        let settles = Some(T0 + config.settle).filter(|_| index >= 2);
        assert_eq!(agent.poll_timeout(), settles.or(Some(T0 + deadline)));
    }
    // Without a settle time the first sight is enough.
    let config = AgentConfig {
        settle: Duration::ZERO,
        ..config
    };
    let mut agent = RecoveryAgent::new(table(), config, T0).unwrap();
    agent.deliver(2);
    agent.set(&[(RECOVERY_STATUS, 0x22), (RECOVERY_CTRL, 0x000F_0000)]);
    assert_eq!(agent.poll(T0), Ok(AgentEvent::Complete));
}

/// Only *recovery pending* and *booting* together are the silence that means success.
#[test]
fn a_silence_of_another_kind_is_no_success() {
    let second = |n: u64| T0 + Duration::from_secs(n);
    let verifying = Ok(AgentEvent::Verifying { index: 2 });
    let booting = [(DEVICE_STATUS_0, 0x0012_0004), (RECOVERY_STATUS, 0x22)];
    for other in [
        [(DEVICE_STATUS_0, 0x0012_0004), (RECOVERY_STATUS, 0x21)],
        [(DEVICE_STATUS_0, 0x0012_0003), (RECOVERY_STATUS, 0x22)],
        [(DEVICE_STATUS_0, 0x0012_0002), (RECOVERY_STATUS, 0x20)],
    ] {
        let mut agent = agent(table());
        agent.deliver(2);
        agent.set(&other);
        for at in [0, 3, 20] {
            assert_eq!(agent.poll(second(at)), verifying, "{other:x?}");
        }
        // It also ends a silence of the right kind, which then begins anew.
        agent.set(&booting);
        assert_eq!(agent.poll(second(21)), verifying);
        agent.set(&other);
        assert_eq!(agent.poll(second(22)), verifying);
        agent.set(&booting);
        for at in [23, 25] {
            assert_eq!(agent.poll(second(at)), verifying, "{other:x?}");
        }
        assert_eq!(agent.poll(second(26)), Ok(AgentEvent::Complete));
    }
}

#[test]
fn the_status_is_what_was_last_seen() {
    let mut agent = agent(table());
    assert_eq!(agent.status(), StatusSnapshot::default());
    agent.set(&[(DEVICE_STATUS_0, 0x0012_0304), (RECOVERY_STATUS, 0x7F21)]);
    agent.poll(T0).unwrap();
    let status = agent.status();
    assert_eq!(
        status,
        StatusSnapshot {
            device_status: 4,
            protocol_error: Some(ProtocolError {
                command: 0,
                code: 3
            }),
            reason: Reason(0x12),
            recovery_status: 1,
            index: 2,
        }
    );
    assert_eq!(status.recovery_octet(), 0x21);
    // Between two polls nothing is read.
    agent.set(&[(DEVICE_STATUS_0, 0x0012_0003)]);
    assert_eq!(agent.status(), status);
}

#[test]
fn a_device_of_another_version_or_without_what_is_needed_is_named() {
    for (prot_cap, error) in [
        (
            0x1AB1_0102,
            RecoveryError::VersionUnsupported { major: 2, minor: 1 },
        ),
        (
            0x1AB1_0100,
            RecoveryError::VersionUnsupported { major: 0, minor: 1 },
        ),
        (
            0x1A31_0101,
            RecoveryError::CapabilityMissing {
                capabilities: 0x1A31,
            },
        ),
        (
            0x1AA1_0101,
            RecoveryError::CapabilityMissing {
                capabilities: 0x1AA1,
            },
        ),
    ] {
        let mut other = table();
        other.words.insert(0x10C, prot_cap);
        assert_eq!(agent(other).poll(T0), Err(error));
    }
}

/// What is written to a FIFO that is not empty when an image is begun is left from before.
#[test]
fn a_fifo_that_is_not_empty_is_reset_before_an_image() {
    const W1C_ACCESS: u32 = 0x310;
    for (status, reset) in [(1, false), (0, true), (2, true)] {
        let mut agent = agent(table());
        agent.poll(T0).unwrap();
        agent.set(&[(FIFO_STATUS_0, status)]);
        agent.bus_mut().writes.clear();
        agent.begin(T0, 8).unwrap();
        let writes = &agent.bus_mut().writes;
        assert_eq!(writes.contains(&(W1C_ACCESS, 0x0001_0000)), reset);
        assert_eq!(
            writes.contains(&(0x20C, 8)),
            reset,
            "the transmit queue first"
        );
    }
}

#[test]
fn calls_at_the_wrong_time_are_errors_of_the_caller() {
    let mut agent = agent(table());
    assert_eq!(agent.begin(T0, 4), Err(RecoveryError::NotRequested));
    assert_eq!(agent.window(T0), Err(RecoveryError::NotOpen));
    assert_eq!(agent.end(T0), Err(RecoveryError::NotOpen));
    assert_eq!(agent.poll_ready(T0), Err(RecoveryError::NotOpen));
    assert_eq!(agent.activate(T0), Err(RecoveryError::NotReady));
    agent.poll(T0).unwrap();
    for size in [0, 4 * u64::from(u32::MAX) + 1, u64::MAX] {
        assert_eq!(
            agent.begin(T0, size),
            Err(RecoveryError::SizeUnsupported { size })
        );
    }
    begun(&mut agent, 10);
    assert_eq!(
        agent.begin(T0, 4),
        Err(RecoveryError::AlreadyOpen { index: 0 })
    );
    assert_eq!(agent.poll_ready(T0), Err(RecoveryError::NotOpen));
    let exceeded = RecoveryError::WindowExceeded {
        window: 246,
        given: 247,
    };
    assert_eq!(agent.write(T0, &[0; 247]), Err(exceeded));
    let exceeded = RecoveryError::SizeExceeded {
        remaining: 990,
        given: 991,
    };
    assert_eq!(agent.write(T0, &[0; 991]), Err(exceeded));
    assert_eq!(
        agent.end(T0),
        Err(RecoveryError::ShortImage { missing: 990 })
    );
    assert_eq!(agent.write(T0, &[]), Ok(()));
    assert_eq!(agent.window(T0), Ok(246), "nothing was taken");
}
