//! The model's clock: an early tick does nothing, and a late one does all that was due, in its order.

mod common;

use common::{CORES, PERSONALITIES, World, expecting, image};
use netboot_core::{Duration, ImageSink, Instant};
use ocp_recovery::{AgentConfig, AgentEvent, RegisterBus};
use recovery_model::{DeviceConfig, ModelBus, Personality, RecoveryModel};

const MICROSECOND: Duration = Duration::from_micros(1);

/// What an agent sees of the device.
fn seen(model: &mut RecoveryModel, now: Instant) -> [u32; 4] {
    [0x10C, 0x130, 0x140, 0x13C].map(|offset| model.read(now, offset))
}

#[test]
fn an_early_tick_does_nothing_and_a_late_one_catches_up() {
    let images = [image(0, 64)];
    for core in CORES {
        for personality in PERSONALITIES {
            let config = expecting(core, personality, &images);
            // Power-on to the request, one step at a time.
            let mut exact = RecoveryModel::new(config, Instant::ZERO);
            let mut last = Instant::ZERO;
            while let Some(due) = exact.next_event() {
                let before = seen(&mut exact, due - MICROSECOND);
                assert_eq!(exact.next_event(), Some(due), "not before its time");
                last = due;
                exact.tick(due);
                assert!(exact.next_event() != Some(due), "done at its time");
                assert_ne!(
                    (seen(&mut exact, due), exact.next_event()),
                    (before, Some(due))
                );
            }
            let asks = seen(&mut exact, last);
            assert_eq!(asks[1] & 0xFF, 3);
            for late in [1, 1_000, 3_600_000_000] {
                let mut late_one = RecoveryModel::new(config, Instant::ZERO);
                let now = last + Duration::from_micros(late);
                assert_eq!(seen(&mut late_one, now), asks, "{late}");
                assert_eq!(late_one.next_event(), None);
            }
            // One microsecond short, and the last step is missing.
            let mut early = RecoveryModel::new(config, Instant::ZERO);
            early.tick(last - MICROSECOND);
            assert_eq!(early.next_event(), Some(last));
        }
    }
}

/// The time of what the device does is that at which it was due, not that of the look which showed it.
#[test]
fn steps_are_not_put_off_by_late_looks() {
    let images = [image(0, 300), image(1, 64), image(2, 64)];
    let config = DeviceConfig {
        consume_rate: 100_000,
        ..expecting(CORES[1], Personality::Rom2_1_2, &images)
    };
    let verified = |oversleep: u64| {
        let world = World::new(config);
        let mut agent = world.agent(AgentConfig::default());
        while agent.poll(world.now()) != Ok(AgentEvent::ImageRequested { index: 0 }) {
            world.pass(MICROSECOND);
        }
        agent.begin(world.now(), 300).unwrap();
        assert_eq!(agent.window(world.now()), Ok(256));
        let begun = world.now();
        agent.write(begun, &images[0][..256]).unwrap();
        let mut bus = ModelBus::new(&world.model, &world.clock);
        // The burst of 256 octets takes 2,560 us.
        world.clock.set(begun + Duration::from_micros(2_559));
        assert_eq!(bus.read32(0x150) & 1, 0);
        world
            .clock
            .set(begun + Duration::from_micros(2_560 + oversleep));
        assert_eq!(bus.read32(0x150) & 1, 1);
        world.model.borrow().images()[0].octets
    };
    for oversleep in [0, 1, 100_000] {
        assert_eq!(verified(oversleep), 256);
    }
}

/// Whole boots by an agent that comes late to everything.
#[test]
fn a_boot_with_late_looks() {
    let images = [image(0, 700), image(1, 300), image(2, 257)];
    for core in CORES {
        for personality in PERSONALITIES {
            for oversleep in [1, 7, 99, 12_345, 700_000] {
                let mut world = World::expecting(core, personality, &images);
                world.poll = Some(Duration::from_micros(oversleep));
                let mut agent = world.agent(AgentConfig {
                    settle: Duration::from_millis(20),
                    ..AgentConfig::default()
                });
                assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
                world.assert_no_violation();
            }
        }
    }
}
