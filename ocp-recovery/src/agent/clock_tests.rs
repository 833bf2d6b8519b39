//! Early and late looks: each wait ends at its deadline, not sooner, and also when the caller comes late.

use super::tests::{
    DEVICE_STATUS_0, FIFO_STATUS_0, RECOVERY_CTRL, RECOVERY_STATUS, T0, Table, agent, begun, table,
};
use super::*;
use crate::reason::Reason;
use netboot_core::ImageSink;

type Agent = RecoveryAgent<Table>;

const MICROSECOND: Duration = Duration::from_micros(1);
/// How late a caller may come.
const LATE: [Duration; 4] = [
    Duration::ZERO,
    MICROSECOND,
    Duration::from_millis(100),
    Duration::from_secs(3600),
];

fn poll(agent: &mut Agent, now: Instant) -> Result<(), RecoveryError> {
    agent.poll(now).map(|_| ())
}

fn window(agent: &mut Agent, now: Instant) -> Result<(), RecoveryError> {
    agent.window(now).map(|window| assert_eq!(window, 0))
}

fn ready(agent: &mut Agent, now: Instant) -> Result<(), RecoveryError> {
    agent.poll_ready(now).map(|ready| assert!(!ready))
}

fn capabilities() -> Agent {
    let mut silent = table();
    silent.words.insert(0x10C, 0);
    agent(silent)
}

fn request() -> Agent {
    let mut agent = agent(table());
    agent.set(&[(DEVICE_STATUS_0, 0)]);
    assert_eq!(agent.poll(T0), Ok(AgentEvent::Waiting));
    agent
}

fn drain() -> Agent {
    let mut agent = agent(table());
    begun(&mut agent, 256);
    agent.set(&[(FIFO_STATUS_0, 2)]);
    agent
}

fn pending() -> Agent {
    let mut agent = agent(table());
    begun(&mut agent, 1000);
    agent.end(T0).unwrap();
    agent
}

fn verification() -> Agent {
    let mut agent = agent(table());
    agent.deliver(0);
    agent.set(&[(RECOVERY_STATUS, 0x02)]);
    agent
}

/// A wait, how the agent gets there, the look that notices its end, and its length.
type Case = (
    WaitFor,
    fn() -> Agent,
    fn(&mut Agent, Instant) -> Result<(), RecoveryError>,
    Duration,
);

#[test]
fn each_wait_ends_at_its_deadline_and_for_late_looks_too() {
    let config = AgentConfig::default();
    let cases: [Case; 5] = [
        (
            WaitFor::Capabilities,
            capabilities,
            poll,
            config.request_timeout,
        ),
        (WaitFor::ImageRequest, request, poll, config.request_timeout),
        (WaitFor::Drain, drain, window, config.drain_timeout),
        (WaitFor::Pending, pending, ready, config.pending_timeout),
        (
            WaitFor::Verification,
            verification,
            poll,
            config.verify_timeout,
        ),
    ];
    for (wait, make, look, length) in cases {
        let deadline = T0 + length;
        assert_eq!(make().poll_timeout(), Some(deadline), "{wait:?}");
        for late in LATE {
            let mut agent = make();
            for early in [T0, T0 + length / 2, deadline - MICROSECOND] {
                assert_eq!(look(&mut agent, early), Ok(()), "{wait:?}");
                assert_eq!(agent.poll_timeout(), Some(deadline), "{wait:?}");
            }
            let ended = look(&mut agent, deadline + late);
            assert!(
                matches!(ended, Err(RecoveryError::Timeout { wait: found, .. }) if found == wait),
                "{wait:?}, {late} late: {ended:?}"
            );
        }
    }
}

/// A device that did what was waited for is believed, however late the look.
#[test]
fn a_late_look_at_a_device_that_moved_on_is_no_time_out() {
    for late in LATE {
        let mut agent = request();
        agent.set(&[(DEVICE_STATUS_0, 0x0012_0003)]);
        let now = T0 + AgentConfig::default().request_timeout + late;
        assert_eq!(agent.poll(now), Ok(AgentEvent::ImageRequested { index: 0 }));

        let mut agent = drain();
        agent.set(&[(FIFO_STATUS_0, 1)]);
        assert_eq!(agent.window(now), Ok(256));

        let mut agent = pending();
        agent.set(&[(DEVICE_STATUS_0, 0x0012_0004)]);
        assert_eq!(agent.poll_ready(now), Ok(true));

        let mut agent = verification();
        agent.set(&[(DEVICE_STATUS_0, 0x0012_0003), (RECOVERY_STATUS, 0x11)]);
        assert_eq!(agent.poll(now), Ok(AgentEvent::ImageRequested { index: 1 }));
    }
}

#[test]
fn the_last_image_settles_at_its_time_and_for_late_looks_too() {
    let settled = T0 + AgentConfig::default().settle;
    for late in LATE {
        let mut agent = agent(table());
        agent.deliver(2);
        agent.set(&[(RECOVERY_STATUS, 0x22), (RECOVERY_CTRL, 0x000F_0000)]);
        for early in [T0, settled - MICROSECOND] {
            assert_eq!(agent.poll(early), Ok(AgentEvent::Verifying { index: 2 }));
            assert_eq!(agent.poll_timeout(), Some(settled));
        }
        assert_eq!(agent.poll(settled + late), Ok(AgentEvent::Complete));
    }
}

#[test]
fn a_reason_is_waited_for_until_its_time_and_no_longer() {
    let grace = AgentConfig::default().reason_grace;
    for late in LATE {
        for (register, device_status, reason) in [
            (0x0012_0004, 0x4, None),
            // A reason that is there by then is told, even when the time is over.
            (0x0085_000E, 0xE, Some(Reason(0x85))),
        ] {
            let mut agent = agent(table());
            agent.deliver(0);
            agent.set(&[(RECOVERY_STATUS, 0x0D)]);
            for early in [T0, T0 + grace - MICROSECOND] {
                assert_eq!(agent.poll(early), Ok(AgentEvent::Waiting));
                assert_eq!(agent.poll_timeout(), Some(T0 + grace));
            }
            agent.set(&[(DEVICE_STATUS_0, register)]);
            let refused = RecoveryError::DeviceRefused {
                index: 0,
                device_status,
                recovery_status: 0x0D,
                reason,
            };
            assert_eq!(agent.poll(T0 + grace + late), Err(refused));
            assert_eq!(agent.poll_timeout(), None);
        }
    }
}
