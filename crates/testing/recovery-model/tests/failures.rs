//! Each failure of the device ends in an error that names it, before the deadline that bounds it.

mod common;

use common::{World, expecting, image};
use netboot_core::{Blame, Coded, Duration, ImageSink};
use ocp_recovery::{
    AgentConfig, AgentEvent, AgentState, Reason, RecoveryAgent, RecoveryError, WaitFor,
};
use recovery_model::{
    CoreVersion, DeviceConfig, DeviceOutcome, ErrorOrder, Faults, Personality, Refusal, ResetAt,
    Stuck,
};

fn images() -> [Vec<u8>; 3] {
    [image(0, 1500), image(1, 1200), image(2, 900)]
}

/// Different deadlines, so that a test can tell which one fired.
fn config() -> AgentConfig {
    AgentConfig {
        last_index: 2,
        settle: Duration::from_secs(1),
        request_timeout: Duration::from_secs(11),
        drain_timeout: Duration::from_secs(13),
        pending_timeout: Duration::from_secs(17),
        verify_timeout: Duration::from_secs(19),
        reason_grace: Duration::from_millis(500),
        bus_timeout: Duration::from_secs(2),
    }
}

fn world(personality: Personality, faults: Faults) -> World {
    World::new(DeviceConfig {
        faults,
        consume_rate: 10_000_000,
        ..expecting(CoreVersion::V1p5, personality, &images())
    })
}

/// The error of a boot and the time that it took. Hangs and resets are the device's fault.
fn fail(personality: Personality, faults: Faults) -> (RecoveryError, Duration) {
    let (error, took) = fail_after(personality, faults, 240);
    if faults.refuse.is_none() {
        assert_eq!(error.blame(), Blame::Device);
    }
    (error, took)
}

/// As [`fail`], with a gap of `steps` between the two statuses of run-time firmware.
fn fail_after(personality: Personality, faults: Faults, steps: u32) -> (RecoveryError, Duration) {
    let mut device = *world(personality, faults).model.borrow().config();
    device.error_gap_steps = steps;
    let world = World::new(device);
    let mut agent = world.agent(config());
    let error = world.boot(&mut agent, &images()).unwrap_err();
    world.assert_no_violation();
    (error, world.now().since(netboot_core::Instant::ZERO))
}

#[test]
fn a_device_that_hangs_is_timed_out_where_it_hangs() {
    use WaitFor::*;
    let cases = [
        (Stuck::Startup, Capabilities, 11, (0, 0, 0x00)),
        (Stuck::Asking(0), ImageRequest, 11, (0, 0, 0x00)),
        (Stuck::Asking(1), Verification, 19, (0, 4, 0x02)),
        (
            Stuck::Draining { index: 0, after: 0 },
            Drain,
            13,
            (0, 3, 0x01),
        ),
        (
            Stuck::Draining {
                index: 1,
                after: 512,
            },
            Drain,
            13,
            (1, 3, 0x11),
        ),
        // The last burst is short: the FIFO does not drain, and the image is not seen to be pending.
        (
            Stuck::Draining {
                index: 2,
                after: 768,
            },
            Pending,
            17,
            (2, 3, 0x21),
        ),
        (Stuck::Pending(0), Pending, 17, (0, 3, 0x01)),
        (Stuck::Pending(2), Pending, 17, (2, 3, 0x21)),
        (Stuck::Activating(1), Verification, 19, (1, 4, 0x11)),
        (Stuck::Verifying(0), Verification, 19, (0, 4, 0x02)),
        (Stuck::Verifying(1), Verification, 19, (1, 4, 0x02)),
        // With a status that never says *booting* silence is no success. One settle time is added.
        (Stuck::Activating(2), Verification, 20, (2, 4, 0x21)),
    ];
    for (stuck, wait, seconds, (index, device_status, recovery_status)) in cases {
        let faults = Faults {
            stuck: Some(stuck),
            ..Faults::default()
        };
        let (error, took) = fail(Personality::Rom2_1_2, faults);
        assert_eq!(
            error,
            RecoveryError::Timeout {
                wait,
                index,
                device_status,
                recovery_status
            },
            "{stuck:?}"
        );
        let deadline = Duration::from_secs(seconds);
        assert!(took >= deadline, "{stuck:?} after {took}");
        assert!(
            took < deadline + Duration::from_millis(50),
            "{stuck:?} after {took}"
        );
    }
}

#[test]
fn a_refusal_is_told_with_its_reason_in_whatever_order_it_comes() {
    let orders = [
        ErrorOrder::Personality,
        ErrorOrder::RecoveryFirst,
        ErrorOrder::DeviceFirst,
        ErrorOrder::Together,
    ];
    for order in orders {
        for steps in [0, 1, 230, 250, 50_000, 400_000] {
            for index in 0..3 {
                for reason in [0x01, 0x04, 0x06, 0x0C, 0x80, 0x82, 0x85, 0x88, 0x94] {
                    let faults = Faults {
                        refuse: Some(Refusal { index, reason }),
                        order,
                        ..Faults::default()
                    };
                    let (error, took) = fail_after(Personality::Rom2_1_2, faults, steps);
                    assert_eq!(
                        error,
                        RecoveryError::DeviceRefused {
                            index,
                            device_status: 0xE,
                            recovery_status: 0x0D | index << 4,
                            reason: Some(Reason(reason)),
                        },
                        "{order:?}"
                    );
                    // A wrong file is the server's fault, broken hardware is the device's.
                    let own = matches!(reason, 0x01 | 0x94);
                    let blame = if own { Blame::Device } else { Blame::Server };
                    assert_eq!(error.blame(), blame, "{reason:#x}");
                    assert!(took < Duration::from_micros(u64::from(steps) + 100_000));
                }
            }
        }
    }
}

#[test]
fn a_device_that_shows_half_an_error_gets_the_grace_time_and_no_more() {
    for (order, device_status, recovery_status, reason) in [
        (ErrorOrder::RecoveryOnly, 0x4, 0x1D, None),
        (ErrorOrder::DeviceOnly, 0xE, 0x02, Some(Reason(0x06))),
    ] {
        let faults = Faults {
            refuse: Some(Refusal {
                index: 1,
                reason: 0x06,
            }),
            order,
            ..Faults::default()
        };
        let (error, took) = fail(Personality::Rom2_1_2, faults);
        assert_eq!(
            error,
            RecoveryError::DeviceRefused {
                index: 1,
                device_status,
                recovery_status,
                reason
            }
        );
        assert!(took >= config().reason_grace && took < Duration::from_millis(600));
    }
}

#[test]
fn documented_and_older_devices_give_no_reason() {
    for (personality, index, recovery_status, blame) in [
        (Personality::Documented, 0, 0x0C, Blame::Device),
        (Personality::Documented, 1, 0x1C, Blame::Device),
        // Without a reason, but with an authentication error.
        (Personality::Rom2_1_0, 0, 0x0D, Blame::Server),
    ] {
        let faults = Faults {
            refuse: Some(Refusal {
                index,
                reason: 0x06,
            }),
            ..Faults::default()
        };
        let (error, took) = fail(personality, faults);
        assert_eq!(
            error,
            RecoveryError::DeviceRefused {
                index,
                device_status: 0xF,
                recovery_status,
                reason: None
            }
        );
        assert_eq!(error.blame(), blame);
        // Nothing more can be learnt, so the grace time is not spent.
        assert!(took < Duration::from_millis(100));
    }
}

#[test]
fn run_time_firmware_of_the_older_rom_gives_a_reason() {
    for (index, reason) in [(1, 0x06), (2, 0x0C)] {
        let faults = Faults {
            refuse: Some(Refusal { index, reason }),
            ..Faults::default()
        };
        assert_eq!(
            fail(Personality::Rom2_1_0, faults).0,
            RecoveryError::DeviceRefused {
                index,
                device_status: 0xE,
                recovery_status: 0x0D | index << 4,
                reason: Some(Reason(reason)),
            }
        );
    }
}

#[test]
fn a_device_that_is_reset_in_the_middle_is_noticed_and_can_start_over() {
    for after in [0, 256, 1024] {
        let world = world(
            Personality::Rom2_1_2,
            Faults {
                reset: Some(ResetAt { index: 1, after }),
                ..Faults::default()
            },
        );
        let mut agent = world.agent(config());
        assert_eq!(
            world.boot(&mut agent, &images()),
            Err(RecoveryError::DeviceLeft {
                index: 1,
                device_status: 0,
                recovery_status: 0
            })
        );
        world.assert_no_violation();
        // The agent does not guess: it has to be told that this was a reset.
        agent.abort(world.now(), netboot_core::AbortReason::TransferFailed);
        if after > 0 {
            assert!(matches!(
                agent.poll(world.now()),
                Err(RecoveryError::ResetRequired { index: 1, .. })
            ));
        }
        agent.device_was_reset(world.now()).unwrap();
        // The device asks for everything again, with the bypass off until the agent turns it on.
        assert_eq!(world.boot(&mut agent, &images()), Ok(vec![0, 1, 2]));
        world.assert_no_violation();
        assert_eq!(world.model.borrow().outcome(), DeviceOutcome::Booted);
    }
}

#[test]
fn a_request_that_is_withdrawn_is_not_served() {
    let world = world(Personality::Rom2_1_2, Faults::default());
    let mut agent = world.agent(config());
    world.next_event(&mut agent).unwrap();
    world.model.borrow_mut().reset();
    assert_eq!(
        agent.begin(world.now(), 1500),
        Err(RecoveryError::RequestWithdrawn { index: 0 })
    );
    assert_eq!(agent.state(), AgentState::Awaiting);
    assert_eq!(
        world.next_event(&mut agent),
        Ok(AgentEvent::ImageRequested { index: 0 })
    );
}

#[test]
fn capabilities_and_version_are_checked() {
    for (prot_cap_2, expected) in [
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
        (
            0x1AB1_0002,
            RecoveryError::VersionUnsupported { major: 2, minor: 0 },
        ),
    ] {
        let faults = Faults {
            prot_cap_2: Some(prot_cap_2),
            ..Faults::default()
        };
        assert_eq!(fail(Personality::Rom2_1_2, faults).0, expected);
    }
}

#[test]
fn a_timeout_is_no_sentence_of_death() {
    // The device needs longer than the deadline, and asks after all.
    let world = World::new(DeviceConfig {
        startup: Duration::from_secs(12),
        ..expecting(CoreVersion::V1p4, Personality::Documented, &images())
    });
    let mut agent = RecoveryAgent::new(world.bus(), config(), world.now()).unwrap();
    world.clock.set(world.now() + Duration::from_millis(11_500));
    assert!(matches!(
        agent.poll(world.now()),
        Err(RecoveryError::Timeout {
            wait: WaitFor::Capabilities,
            ..
        })
    ));
    assert_eq!(world.boot_after_idle(&mut agent), Ok(vec![0, 1, 2]));
}

impl World {
    /// As `boot`, once the device has had its time.
    fn boot_after_idle(
        &self,
        agent: &mut RecoveryAgent<recovery_model::ModelBus<'_>>,
    ) -> Result<Vec<u8>, RecoveryError> {
        self.idle();
        self.boot(agent, &images())
    }
}

#[test]
fn poll_timeout_names_the_moment_at_which_an_error_is_due() {
    for stuck in [
        Stuck::Startup,
        Stuck::Asking(0),
        Stuck::Draining { index: 0, after: 0 },
        Stuck::Pending(0),
        Stuck::Verifying(0),
    ] {
        let world = world(
            Personality::Rom2_1_2,
            Faults {
                stuck: Some(stuck),
                ..Faults::default()
            },
        );
        let mut agent = world.agent(config());
        // Whatever the agent is doing, jumping to its own deadlines must end the boot.
        let mut jumps = 0;
        let images = images();
        let mut rest: &[u8] = &[];
        let error = loop {
            let now = world.now();
            let step = match agent.state() {
                AgentState::Requested { .. } => {
                    rest = &images[0];
                    agent.begin(now, 1500)
                }
                AgentState::Receiving { .. } if rest.is_empty() => agent.end(now),
                AgentState::Receiving { .. } => agent.window(now).and_then(|window| {
                    let (head, tail) = rest.split_at(window.min(rest.len()));
                    rest = tail;
                    agent.write(now, head)
                }),
                AgentState::Draining { .. } => agent.poll_ready(now).map(|_| ()),
                AgentState::Ready { .. } => agent.activate(now),
                _ => agent.poll(now).map(|_| ()),
            };
            if let Err(error) = step {
                break error;
            }
            let device = world.model.borrow().next_event();
            match device.into_iter().chain(agent.poll_timeout()).min() {
                Some(next) if next > now => world.clock.set(next),
                _ => {}
            }
            jumps += 1;
            assert!(jumps < 200, "{stuck:?}");
        };
        assert!(matches!(error, RecoveryError::Timeout { .. }), "{stuck:?}");
    }
}
