//! Sources that fail in mid-image: the agent against devices that do as released ROMs do.
//!
//! The tables cover breaks at the edges of the first burst and of the image, polls of 1 to 50,000 us, and register accesses
//! of 1 to 1,000 steps; a step is 1 us in the model.

mod common;

use common::{CORES, PERSONALITIES, World, expecting, image};
use netboot_core::{AbortReason, Duration, ImageSink};
use ocp_recovery::{AgentConfig, AgentEvent, AgentState, RecoveryAgent, RecoveryError, WaitFor};
use recovery_model::{
    CoreVersion, DeviceConfig, DeviceOutcome, Faults, ModelBus, Personality, Stuck,
};

type Agent<'a> = RecoveryAgent<ModelBus<'a>>;

/// Size in octets of the image that breaks; it has a tail of 3.
const SIZE: usize = 9_003;
/// Octets after which the source fails.
const BREAKS: [usize; 9] = [0, 1, 255, 256, 257, 8_000, SIZE / 2, SIZE - 1, SIZE];
/// The first burst: from here on the device has used octets.
const BURST: usize = 256;
/// Time between two polls in us.
const POLLS: [u64; 4] = [1, 100, 2_000, 50_000];
/// Time of a register access in steps.
const ACCESSES: [u64; 3] = [1, 30, 1_000];

fn images(broken: usize) -> [Vec<u8>; 3] {
    let size = |index| if index == broken { SIZE } else { 300 + index };
    [0, 1, 2].map(|index| image(index as u32, size(index)))
}

/// Calls `test` with a world for each line of the table, and with the images, the index that breaks, and where.
fn each(mut test: impl FnMut(&World, &[Vec<u8>; 3], usize, usize)) {
    let mut line = 0usize;
    for broken in 0..3 {
        let images = images(broken);
        for after in BREAKS {
            for poll in POLLS {
                for access in ACCESSES {
                    // Cores, personalities and speeds take turns.
                    let core = CORES[line % 2];
                    let personality = PERSONALITIES[line / 2 % 3];
                    line += 1;
                    let mut world = World::new(DeviceConfig {
                        consume_rate: [0, 10_000_000, 100_000][line % 3],
                        ..expecting(core, personality, &images)
                    });
                    world.poll = Some(Duration::from_micros(poll));
                    world.access = Duration::from_micros(access);
                    test(&world, &images, broken, after);
                    world.assert_no_violation();
                }
            }
        }
    }
}

/// Boots up to the request for image `broken`, and writes the first `after` octets of `given` as an image of its size.
fn break_off(
    world: &World,
    agent: &mut Agent<'_>,
    images: &[Vec<u8>],
    given: &[u8],
    broken: usize,
    after: usize,
) {
    loop {
        let Ok(AgentEvent::ImageRequested { index }) = world.next_event(agent) else {
            panic!("the device does not ask for image {broken}");
        };
        let index = usize::from(index);
        if index == broken {
            break;
        }
        world.deliver(agent, &images[index], || 100).unwrap();
        agent.activate(world.now()).unwrap();
    }
    agent.begin(world.now(), given.len() as u64).unwrap();
    world.write(agent, &given[..after], || 100).unwrap();
}

/// Delivers the rest of the image that is open, and boots on.
fn finish(world: &World, agent: &mut Agent<'_>, images: &[Vec<u8>], rest: &[u8]) {
    world.write(agent, rest, || 100).unwrap();
    agent.end(world.now()).unwrap();
    while !agent.poll_ready(world.now()).unwrap() {
        world.idle();
    }
    agent.activate(world.now()).unwrap();
    boot_on(world, agent, images);
}

fn boot_on(world: &World, agent: &mut Agent<'_>, images: &[Vec<u8>]) {
    world.boot(agent, images).unwrap();
    world.idle();
    let model = world.model.borrow();
    assert_eq!(model.outcome(), DeviceOutcome::Booted);
    assert!(model.images()[..3].iter().all(|image| image.verified));
}

#[test]
fn a_source_that_fails_is_followed_by_one_that_goes_on_or_starts_anew() {
    each(|world, images, broken, after| {
        let mut agent = world.agent(AgentConfig::default());
        // The first source has another file, as far as nobody can tell the difference yet.
        let other = image(9, 5_001);
        let given = if after < BURST {
            &other
        } else {
            &images[broken]
        };
        break_off(world, &mut agent, images, given, broken, after);
        // Half an hour passes until the next source is found; now and then the application looks at the device.
        for _ in 0..30 {
            world.pass(Duration::from_secs(60));
            assert_eq!(agent.poll(world.now()), Ok(AgentEvent::Waiting));
        }
        let unused = agent.withdraw(world.now());
        assert_eq!(unused, after < BURST, "broken at {after}");
        let from = if unused {
            assert_eq!(
                agent.state(),
                AgentState::Requested {
                    index: broken as u8
                }
            );
            agent.begin(world.now(), SIZE as u64).unwrap();
            0
        } else {
            after
        };
        finish(world, &mut agent, images, &images[broken][from..]);
        assert_eq!(world.model.borrow().tally().resets, 0);
    });
}

#[test]
fn an_image_that_is_given_up_needs_a_reset_once_it_was_used() {
    each(|world, images, broken, after| {
        let mut agent = world.agent(AgentConfig::default());
        let other = image(9, SIZE);
        break_off(world, &mut agent, images, &other, broken, after);
        world.pass(Duration::from_secs(1));
        agent.abort(world.now(), AbortReason::TransferFailed);
        if after >= BURST {
            let index = broken as u8;
            let error = RecoveryError::ResetRequired {
                index,
                octets: after as u64,
            };
            // The device still shows its request, unless it drained all of the image.
            for _ in 0..3 {
                world.pass(Duration::from_secs(600));
                assert_eq!(agent.poll(world.now()), Err(error));
                assert_eq!(agent.begin(world.now(), SIZE as u64), Err(error));
            }
            assert!(!world.model.borrow().images()[broken].activated);
            world.reset_device(&mut agent);
        }
        boot_on(world, &mut agent, images);
        assert_eq!(
            world.model.borrow().tally().resets,
            u32::from(after >= BURST)
        );
    });
}

#[test]
fn a_whole_image_that_is_given_up_is_never_activated() {
    for size in [1, 4, 255, 256, 257, 1_000] {
        for wait in [false, true] {
            for broken in 0..3 {
                let mut images = images(broken);
                images[broken] = image(5, size);
                let world = World::expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images);
                let mut agent = world.agent(AgentConfig::default());
                let given = images[broken].clone();
                break_off(&world, &mut agent, &images, &given, broken, size);
                agent.end(world.now()).unwrap();
                while wait && !agent.poll_ready(world.now()).unwrap() {
                    world.idle();
                }
                assert!(!agent.withdraw(world.now()));
                agent.abort(world.now(), AbortReason::DigestMismatch);
                world.pass(Duration::from_secs(60));
                assert_eq!(
                    agent.poll(world.now()),
                    Err(RecoveryError::ResetRequired {
                        index: broken as u8,
                        octets: size as u64,
                    })
                );
                assert!(!world.model.borrow().images()[broken].activated);
                world.reset_device(&mut agent);
                boot_on(&world, &mut agent, &images);
                world.assert_no_violation();
            }
        }
    }
}

#[test]
fn a_device_that_stops_draining_is_noticed_after_a_pause_too() {
    for after in [0, 512] {
        for pause in [0, 5, 3_600] {
            let images = images(0);
            let world = World::new(DeviceConfig {
                faults: Faults {
                    stuck: Some(Stuck::Draining { index: 0, after }),
                    ..Faults::default()
                },
                consume_rate: 1_000_000,
                ..expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images)
            });
            let config = AgentConfig::default();
            let mut agent = world.agent(config);
            // The burst that stays in the FIFO is the last that was written.
            let broken_off = after as usize + 256;
            break_off(&world, &mut agent, &images, &images[0], 0, broken_off);
            let written = world.now();
            world.pass(Duration::from_secs(pause));
            let error = world.write(&mut agent, &images[0][broken_off..], || 100);
            let took = world.now().since(written);
            assert!(
                matches!(
                    error,
                    Err(RecoveryError::Timeout {
                        wait: WaitFor::Drain,
                        index: 0,
                        ..
                    })
                ),
                "{error:?}"
            );
            let limit = config.drain_timeout.max(Duration::from_secs(pause));
            assert!(took >= limit && took < limit + Duration::from_millis(10));
            // The FIFO holds a burst, so the image cannot be begun again.
            assert!(!agent.withdraw(world.now()));
        }
    }
}

#[test]
fn a_reset_in_a_pause_is_noticed_before_a_word_goes_astray() {
    for after in [1, 255, 256, 300, 600] {
        let images = images(0);
        let world = World::expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images);
        let mut agent = world.agent(AgentConfig::default());
        break_off(&world, &mut agent, &images, &images[0], 0, after);
        world.model.borrow_mut().reset();
        world.pass(Duration::from_secs(60));
        // It asks for the same image as before.
        assert!(matches!(
            agent.window(world.now()),
            Err(RecoveryError::DeviceLeft { index: 0, .. })
        ));
        agent.abort(world.now(), AbortReason::TransferFailed);
        agent.device_was_reset(world.now()).unwrap();
        boot_on(&world, &mut agent, &images);
        world.assert_no_violation();
    }
}
