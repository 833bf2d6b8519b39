//! The model fails drivers that break a rule: each test is a small wrong driver.

mod common;

use common::{World, image};
use netboot_core::{ImageSink, Instant};
use ocp_recovery::{AgentConfig, AgentEvent, RegisterBus};
use recovery_model::{CoreVersion, DeviceConfig, DeviceOutcome, ModelBus, Personality, StallKind};

/// A driver that writes registers by hand, on the newer core.
struct Naive<'a> {
    world: &'a World,
    bus: ModelBus<'a>,
}

impl<'a> Naive<'a> {
    fn new(world: &'a World) -> Self {
        let mut naive = Self {
            world,
            bus: world.bus(),
        };
        naive.bus.write32(0x30C, 1);
        naive
    }

    fn wait(&mut self, offset: u32, mask: u32, value: u32) {
        for _ in 0..10_000 {
            if self.bus.read32(offset) & mask == value {
                return;
            }
            self.world.idle();
        }
        panic!("{offset:#x} & {mask:#x} never became {value:#x}");
    }

    fn wait_request(&mut self) {
        self.wait(0x130, 0xFF, 3);
        self.wait(0x140, 0x0F, 1);
    }

    fn words(&mut self, words: u32) {
        for word in 0..words {
            self.bus.write32(0x27C, word);
        }
    }

    fn stall(&self) -> Option<StallKind> {
        self.world.model.borrow().stall().map(|stall| stall.kind)
    }
}

fn slow_world() -> World {
    let images = [image(0, 1000), image(1, 1000)];
    World::new(DeviceConfig {
        consume_rate: 1_000_000,
        ..common::expecting(CoreVersion::V1p5, Personality::Rom2_1_2, &images)
    })
}

#[test]
fn writing_on_while_the_fifo_drains_loses_words() {
    let world = slow_world();
    let mut naive = Naive::new(&world);
    naive.wait_request();
    naive.bus.write32(0x14C, 256);
    naive.words(65);
    assert_eq!(naive.stall(), None);
    assert_eq!(world.model.borrow().images()[0].dropped_words, 1);
}

#[test]
fn payload_done_before_the_last_word_stalls() {
    let world = slow_world();
    let mut naive = Naive::new(&world);
    naive.wait_request();
    naive.bus.write32(0x14C, 256);
    naive.words(1);
    naive.bus.write32(0x30C, 3);
    assert_eq!(naive.stall(), None);
    naive.words(1);
    assert_eq!(naive.stall(), Some(StallKind::WriteWindow));
}

#[test]
fn payload_done_left_from_the_last_image_stalls_the_next() {
    let world = slow_world();
    let mut naive = Naive::new(&world);
    naive.wait_request();
    // The right image, by the real agent; then the naive driver takes over without clearing.
    let mut agent = world.agent(AgentConfig::default());
    assert_eq!(
        world.next_event(&mut agent),
        Ok(AgentEvent::ImageRequested { index: 0 })
    );
    world.deliver(&mut agent, &image(0, 1000), || 64).unwrap();
    agent.activate(world.now()).unwrap();
    naive.wait(0x140, 0xFF, 0x11);
    naive.wait_request();
    assert_eq!(naive.bus.read32(0x30C), 3);
    naive.bus.write32(0x14C, 256);
    naive.words(1);
    assert_eq!(naive.stall(), None);
    naive.words(1);
    assert_eq!(naive.stall(), Some(StallKind::WriteWindow));
}

#[test]
fn activating_before_the_image_is_pending_stalls_the_rest_of_it() {
    let world = slow_world();
    let mut naive = Naive::new(&world);
    naive.wait_request();
    naive.bus.write32(0x14C, 256);
    naive.words(4);
    naive.bus.write32(0x310, 0x0F00);
    naive.words(1);
    assert_eq!(naive.stall(), Some(StallKind::WriteWindow));
}

#[test]
fn words_without_bypass_go_nowhere() {
    let world = slow_world();
    let mut naive = Naive::new(&world);
    naive.wait_request();
    world.model.borrow_mut().reset();
    naive.words(1);
    assert_eq!(naive.stall(), Some(StallKind::NotBypassed));
}

#[test]
fn a_write_back_of_recovery_ctrl_loses_the_activation() {
    let world = slow_world();
    let mut naive = Naive::new(&world);
    naive.wait_request();
    let value = naive.bus.read32(0x13C);
    naive.bus.write32(0x13C, value | 0x000F_0000);
    assert_eq!(naive.bus.read32(0x13C) >> 16, 0);
}

#[test]
fn padding_that_is_not_zero_and_sizes_of_the_last_image_are_refused() {
    let octets = image(0, 6);
    for (padding, size, accepted) in [(0, 2, true), (1, 2, false), (0, 3, false)] {
        let world = World::expecting(
            CoreVersion::V1p5,
            Personality::Rom2_1_2,
            std::slice::from_ref(&octets),
        );
        let mut naive = Naive::new(&world);
        naive.wait_request();
        naive.bus.write32(0x14C, size);
        let mut padded = octets.clone();
        padded.extend([padding, 0, 0, 0, 0, 0]);
        for word in padded.chunks_exact(4).take(size as usize) {
            naive
                .bus
                .write32(0x27C, u32::from_le_bytes(word.try_into().unwrap()));
        }
        naive.bus.write32(0x30C, 3);
        naive.wait(0x130, 0xFF, 4);
        naive.bus.write32(0x310, 0x0F00);
        for _ in 0..10 {
            world.idle();
        }
        let model = world.model.borrow();
        assert_eq!(model.outcome() == DeviceOutcome::Booted, accepted);
        assert_eq!(model.images()[0].verified, accepted);
        assert!(model.images()[0].activated);
    }
}

#[test]
fn a_short_image_never_becomes_pending() {
    let world = slow_world();
    let mut naive = Naive::new(&world);
    naive.wait_request();
    naive.bus.write32(0x14C, 256);
    naive.words(10);
    naive.bus.write32(0x30C, 3);
    for _ in 0..100 {
        world.idle();
    }
    assert_eq!(naive.bus.read32(0x130), 0x0012_0003);
    assert_eq!(world.model.borrow().progress().received, 40);
    assert_eq!(world.model.borrow().progress().declared, 1024);
}

#[test]
fn time_does_not_go_back() {
    let world = slow_world();
    let mut model = world.model.borrow_mut();
    let due = model.next_event().unwrap();
    model.tick(due);
    let status = model.read(Instant::ZERO, 0x10C);
    assert_eq!(status, 0x1AB1_0101);
    assert!(model.next_event().unwrap() > due);
}
