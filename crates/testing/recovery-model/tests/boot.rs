//! Good boots: the agent against the model, for all cores, personalities, sizes and chunkings.

mod common;

use common::{CORES, PERSONALITIES, World, expecting, image};
use netboot_core::{AbortReason, Duration, ImageSink};
use ocp_recovery::command::Command;
use ocp_recovery::{AgentConfig, AgentEvent, AgentState, ProtocolError, RecoveryError};
use proptest::prelude::*;
use recovery_model::{
    ActivationClear, CoreVersion, DeviceConfig, DeviceOutcome, ExpectedImage, Personality,
};

#[test]
fn every_device_boots() {
    let images = [image(0, 4002), image(1, 30_696), image(2, 234_496)];
    for core in CORES {
        for personality in PERSONALITIES {
            for consume_rate in [0, 25_000_000] {
                let world = World::new(DeviceConfig {
                    consume_rate,
                    ..expecting(core, personality, &images)
                });
                let mut agent = world.agent(AgentConfig::default());
                assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
                assert_eq!(agent.state(), AgentState::Complete);
                world.assert_no_violation();
                let model = world.model.borrow();
                assert_eq!(model.outcome(), DeviceOutcome::Booted);
                for (record, image) in model.images().iter().zip(&images) {
                    assert_eq!(record.sha256, Some(ExpectedImage::of(image).sha256));
                    assert_eq!(record.octets as usize, image.len().next_multiple_of(4));
                    assert!(record.activated && record.verified);
                }
            }
        }
    }
}

#[test]
fn every_awkward_size_gets_through() {
    for core in CORES {
        for size in [
            1, 2, 3, 4, 5, 252, 253, 255, 256, 257, 259, 260, 511, 512, 513,
        ] {
            let images = [image(size as u32, size)];
            for consume_rate in [0, 1_000_000] {
                let world = World::new(DeviceConfig {
                    consume_rate,
                    ..expecting(core, Personality::Rom2_1_2, &images)
                });
                let mut agent = world.agent(AgentConfig {
                    last_index: 0,
                    ..AgentConfig::default()
                });
                assert_eq!(world.boot(&mut agent, &images), Ok(vec![0]), "{size}");
                world.assert_no_violation();
                assert!(world.model.borrow().images()[0].verified, "{size}");
            }
        }
    }
}

#[test]
fn what_clearing_leaves_in_the_activation_field_does_not_matter() {
    let images = [image(0, 300), image(1, 300), image(2, 300)];
    for activation_clear in [
        ActivationClear::Emulator,
        ActivationClear::Rtl,
        ActivationClear::Zero,
    ] {
        let world = World::new(DeviceConfig {
            activation_clear,
            ..expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images)
        });
        let mut agent = world.agent(AgentConfig::default());
        assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
        world.assert_no_violation();
    }
}

#[test]
fn last_image_of_a_rom_needs_the_settle_time_or_a_signal() {
    let images = [image(0, 64), image(1, 64), image(2, 64)];
    let config = AgentConfig {
        settle: Duration::from_secs(2),
        ..AgentConfig::default()
    };
    for signal in [false, true] {
        let world = World::expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images);
        let mut agent = world.agent(config);
        // Says nothing before anything was activated.
        agent.platform_complete();
        for (index, image) in images.iter().enumerate() {
            assert_eq!(
                world.next_event(&mut agent),
                Ok(AgentEvent::ImageRequested { index: index as u8 })
            );
            world.deliver(&mut agent, image, || 99).unwrap();
            agent.activate(world.now()).unwrap();
        }
        let activated = world.now();
        assert_eq!(
            agent.poll(activated),
            Ok(AgentEvent::Verifying { index: 2 })
        );
        if signal {
            agent.platform_complete();
        }
        assert_eq!(world.next_event(&mut agent), Ok(AgentEvent::Complete));
        let took = world.now().since(activated);
        if signal {
            assert!(took < Duration::from_millis(10), "{took}");
        } else {
            assert!(took >= config.settle && took < config.settle + Duration::from_millis(20));
        }
        // And it stays so.
        assert_eq!(agent.poll(world.now()), Ok(AgentEvent::Complete));
    }
}

#[test]
fn a_protocol_error_inside_a_burst_is_kept() {
    let images = [image(0, 1000)];
    let world = World::expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images);
    let mut agent = world.agent(AgentConfig::default());
    world.next_event(&mut agent).unwrap();
    agent.begin(world.now(), 1000).unwrap();
    assert_eq!(agent.window(world.now()), Ok(256));
    agent.write(world.now(), &images[0][..101]).unwrap();
    let command = Command::IndirectFifoData.code();
    let seen = Some(ProtocolError { command, code: 4 });
    // The look of the next window clears this in the device.
    world.model.borrow_mut().set_protocol_error(4);
    assert_eq!(agent.status().protocol_error, None);
    assert_eq!(agent.window(world.now()), Ok(155));
    assert_eq!(agent.status().protocol_error, seen);
    // Kept although the device has forgotten it.
    agent.write(world.now(), &images[0][101..256]).unwrap();
    assert_eq!(agent.window(world.now()), Ok(256));
    assert_eq!(agent.status().protocol_error, seen);
}

#[test]
fn misuse_is_refused_and_harmless() {
    let images = [image(0, 300)];
    let world = World::expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images);
    let mut agent = world.agent(AgentConfig {
        last_index: 0,
        ..AgentConfig::default()
    });
    let now = world.now();
    assert_eq!(agent.begin(now, 300), Err(RecoveryError::NotRequested));
    assert_eq!(agent.window(now), Err(RecoveryError::NotOpen));
    assert_eq!(agent.write(now, &[1]), Err(RecoveryError::NotOpen));
    assert_eq!(agent.end(now), Err(RecoveryError::NotOpen));
    assert_eq!(agent.poll_ready(now), Err(RecoveryError::NotOpen));
    assert_eq!(agent.activate(now), Err(RecoveryError::NotReady));
    agent.abort(now, AbortReason::Cancelled);

    world.next_event(&mut agent).unwrap();
    let now = world.now();
    for size in [0, 4 * u64::from(u32::MAX) + 1, u64::MAX] {
        assert_eq!(
            agent.begin(now, size),
            Err(RecoveryError::SizeUnsupported { size })
        );
    }
    agent.begin(now, 300).unwrap();
    assert_eq!(
        agent.begin(now, 300),
        Err(RecoveryError::AlreadyOpen { index: 0 })
    );
    // Before the window was asked for there is none.
    assert_eq!(
        agent.write(now, &[1]),
        Err(RecoveryError::WindowExceeded {
            window: 0,
            given: 1
        })
    );
    assert_eq!(agent.window(now), Ok(256));
    assert_eq!(
        agent.write(now, &[0; 257]),
        Err(RecoveryError::WindowExceeded {
            window: 256,
            given: 257
        })
    );
    assert_eq!(
        agent.write(now, &[0; 301]),
        Err(RecoveryError::SizeExceeded {
            remaining: 300,
            given: 301
        })
    );
    assert_eq!(
        agent.end(now),
        Err(RecoveryError::ShortImage { missing: 300 })
    );
    assert_eq!(agent.activate(now), Err(RecoveryError::NotReady));
    // None of this disturbed the image.
    world.write(&mut agent, &images[0], || 7).unwrap();
    assert_eq!(agent.window(world.now()), Ok(0));
    agent.end(world.now()).unwrap();
    assert_eq!(agent.activate(now), Err(RecoveryError::NotReady));
    while !agent.poll_ready(world.now()).unwrap() {
        world.idle();
    }
    agent.activate(world.now()).unwrap();
    assert_eq!(world.next_event(&mut agent), Ok(AgentEvent::Complete));
    world.assert_no_violation();
    assert_eq!(world.model.borrow().outcome(), DeviceOutcome::Booted);
}

#[test]
fn words_left_in_the_fifo_do_not_reach_the_image() {
    let images = [image(0, 100)];
    let world = World::expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images);
    // An agent of an earlier boot stage died in the middle of a burst.
    {
        let mut agent = world.agent(AgentConfig::default());
        world.next_event(&mut agent).unwrap();
        agent.begin(world.now(), 100).unwrap();
        world.write(&mut agent, &images[0][..50], || 50).unwrap();
    }
    let mut agent = world.agent(AgentConfig {
        last_index: 0,
        ..AgentConfig::default()
    });
    assert_eq!(world.boot(&mut agent, &images), Ok(vec![0]));
    world.assert_no_violation();
    assert!(world.model.borrow().images()[0].verified);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// Whatever the chunks, the right octets arrive and no word is lost or stalls the bus.
    #[test]
    fn any_chunking_delivers_the_image(
        size in 1usize..3000,
        chunks in prop::collection::vec(0usize..600, 1..40),
        rate in prop_oneof![Just(0u32), 100_000u32..50_000_000],
        new_core: bool,
        personality in 0usize..3,
    ) {
        // At least one chunk is not empty, or nothing would ever be written.
        prop_assume!(chunks.iter().any(|chunk| *chunk != 0));
        let images = [image(7, size)];
        let world = World::new(DeviceConfig {
            consume_rate: rate,
            ..expecting(CORES[usize::from(new_core)], PERSONALITIES[personality], &images)
        });
        let mut agent = world.agent(AgentConfig { last_index: 0, ..AgentConfig::default() });
        world.next_event(&mut agent).unwrap();
        let mut sizes = chunks.iter().copied().cycle();
        world.deliver(&mut agent, &images[0], || sizes.next().unwrap()).unwrap();
        agent.activate(world.now()).unwrap();
        prop_assert_eq!(world.next_event(&mut agent), Ok(AgentEvent::Complete));
        world.assert_no_violation();
        prop_assert_eq!(world.model.borrow().outcome(), DeviceOutcome::Booted);
    }
}
