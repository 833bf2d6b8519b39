//! Resets of device and core that nobody tells the agent: whatever it does next, no access hangs the bus.

mod common;

use common::{CORES, PERSONALITIES, World, expecting, image};
use netboot_core::{AbortReason, ImageSink};
use ocp_recovery::{AgentConfig, AgentEvent, RecoveryAgent, RecoveryError};
use recovery_model::{DeviceOutcome, ModelBus};

/// What the agent is asked to do after the reset, before it has looked at anything.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    Write,
    Window,
    WindowAndWrite,
    PollAndWrite,
    End,
    Abort,
    Withdraw,
}

const NEXT: [Next; 7] = [
    Next::Write,
    Next::Window,
    Next::WindowAndWrite,
    Next::PollAndWrite,
    Next::End,
    Next::Abort,
    Next::Withdraw,
];

/// Writes the first `octets` of an image in whole bursts, the last of which may stay open.
fn write(world: &World, agent: &mut RecoveryAgent<ModelBus<'_>>, octets: &[u8]) {
    let mut rest = octets;
    while !rest.is_empty() {
        let window = agent.window(world.now()).unwrap();
        let (head, tail) = rest.split_at(window.min(rest.len()));
        agent.write(world.now(), head).unwrap();
        rest = tail;
        if window == 0 {
            world.idle();
        }
    }
}

fn left<T>(result: Result<T, RecoveryError>) -> bool {
    matches!(result, Err(RecoveryError::DeviceLeft { index: 0, .. }))
}

#[test]
fn a_reset_after_any_part_of_a_burst_never_hangs_the_bus() {
    let images = [image(0, 700), image(1, 300), image(2, 257)];
    for core in CORES {
        for personality in PERSONALITIES {
            for written in [1, 2, 3, 4, 100, 252, 255, 257, 300, 511, 513, 699, 700] {
                for next in NEXT {
                    // The device may be up again and ask for the same image, or be on its way.
                    for up in [false, true] {
                        let world = World::new(expecting(core, personality, &images));
                        let mut agent = world.agent(AgentConfig::default());
                        world.next_event(&mut agent).unwrap();
                        agent.begin(world.now(), 700).unwrap();
                        write(&world, &mut agent, &images[0][..written]);
                        world.model.borrow_mut().reset();
                        while up && world.model.borrow().next_event().is_some() {
                            world.idle();
                        }
                        let now = world.now();
                        let rest = &images[0][written..];
                        let burst = &rest[..rest.len().min(256 - written % 256)];
                        match next {
                            Next::Write => {
                                assert!(burst.is_empty() || left(agent.write(now, burst)))
                            }
                            Next::Window => assert!(burst.is_empty() || left(agent.window(now))),
                            Next::WindowAndWrite => {
                                let _ = agent.window(now);
                                assert!(burst.is_empty() || left(agent.write(now, burst)));
                            }
                            Next::PollAndWrite => {
                                let _ = agent.poll(now);
                                assert!(burst.is_empty() || left(agent.write(now, burst)));
                            }
                            Next::End => assert!(agent.end(now).is_err()),
                            Next::Abort => {}
                            Next::Withdraw => {
                                let _ = agent.withdraw(now);
                            }
                        }
                        world.assert_no_violation();
                        // Once it is told, the boot begins anew.
                        agent.abort(now, AbortReason::TransferFailed);
                        agent.device_was_reset(now).unwrap();
                        let booted = world.boot(&mut agent, &images);
                        assert_eq!(booted, Ok(vec![0, 1, 2]), "{written} {next:?}");
                        world.assert_no_violation();
                        assert_eq!(world.model.borrow().outcome(), DeviceOutcome::Booted);
                    }
                }
            }
        }
    }
}

#[test]
fn a_reset_between_two_calls_inside_a_burst_is_noticed_at_any_pace() {
    // A producer that has the burst in pieces, and a reset after each of them.
    let images = [image(0, 256), image(1, 64), image(2, 64)];
    for piece in [1, 3, 4, 7, 64, 100] {
        for after in 1..256usize.div_ceil(piece) {
            let world = World::expecting(CORES[1], PERSONALITIES[2], &images);
            let mut agent = world.agent(AgentConfig::default());
            let asked = world.next_event(&mut agent);
            assert_eq!(asked, Ok(AgentEvent::ImageRequested { index: 0 }));
            agent.begin(world.now(), 256).unwrap();
            assert_eq!(agent.window(world.now()), Ok(256));
            for (number, chunk) in images[0].chunks(piece).enumerate() {
                if number == after {
                    world.model.borrow_mut().reset();
                }
                let written = agent.write(world.now(), chunk);
                assert_eq!(written.is_ok(), number < after, "{piece} {number}");
                if number >= after {
                    break;
                }
            }
            world.assert_no_violation();
        }
    }
}
