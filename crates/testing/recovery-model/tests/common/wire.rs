//! The agent over I2C, and the device at the other end of the wire.

use super::{World, expecting, image};
use netboot_core::{Duration, Instant};
use ocp_recovery::commands::{Framing, I2cBus};
use ocp_recovery::{AgentConfig, CommandAgent, CoreVersion};
use recovery_model::i2c::{Attempt, Fault, Frames, ModelI2c};
use recovery_model::{DeviceConfig, Personality};

pub const ADDRESS: u8 = 0x3A;

/// The sizes make whole bursts, short last bursts, and a last word that is not whole.
pub fn images() -> Vec<Vec<u8>> {
    [(1, 1_024), (2, 257), (3, 2_302)]
        .map(|(seed, size)| image(seed, size))
        .to_vec()
}

pub fn device(images: &[Vec<u8>]) -> DeviceConfig {
    expecting(CoreVersion::V1p5, Personality::Rom2_1_2, images)
}

pub type Wire<'w, F, C> = CommandAgent<I2cBus<ModelI2c<'w, F, C>>>;

pub fn agent<F: FnMut(Attempt) -> Option<Fault>>(
    world: &World,
    framing: Framing,
    faults: F,
) -> Wire<'_, F, impl FnMut(Duration) -> Instant> {
    let frames = match framing {
        Framing::Smbus => Frames::Smbus,
        Framing::I3c => Frames::I3c,
    };
    let clock = |span| {
        world.clock.set(world.now() + span);
        world.now()
    };
    let i2c = ModelI2c::new(&world.model, clock, ADDRESS, frames, faults);
    let bus = I2cBus::new(i2c, ADDRESS, framing);
    CommandAgent::over_commands(bus, AgentConfig::default(), world.now()).unwrap()
}

pub const FRAMINGS: [Framing; 2] = [Framing::Smbus, Framing::I3c];
