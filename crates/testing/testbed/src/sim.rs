//! A boot in the simulated world: one process, virtual time, the same from the same seed.

use crate::ethernet::{Ethernet, EthernetTx, WireEnd};
use crate::host::{self, Outcome};
use crate::plan::Plan;
use anyhow::Result;
use image_server::{SharedWorld, World};
use netboot_core::{Instant, Platform};
use rand_chacha::ChaCha8Rng;
use rand_core::{CryptoRngCore, SeedableRng};
use std::fmt::Write;

impl WireEnd for SharedWorld {
    const RX_RING: usize = 32;

    fn receive(&self) -> Option<Vec<u8>> {
        self.borrow_mut().client_receive()
    }

    fn send(&self, frame: Vec<u8>) {
        self.borrow_mut().client_send(&frame);
    }
}

/// The station's end of the simulated link.
pub type SimDevice = Ethernet<SharedWorld>;
/// A frame to be sent over the simulated link.
pub type SimTx<'a> = EthernetTx<'a, SharedWorld>;

/// Virtual time and seeded chance.
pub struct SimPlatform {
    world: SharedWorld,
    rng: ChaCha8Rng,
}

impl SimPlatform {
    /// The clock of `world`.
    pub fn new(world: SharedWorld, seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { world, rng }
    }
}

impl Platform for SimPlatform {
    type Rng = ChaCha8Rng;

    fn now(&mut self) -> Instant {
        self.world.borrow().now
    }

    fn idle(&mut self, until: Instant) {
        let mut world = self.world.borrow_mut();
        let looked = std::mem::replace(&mut world.looked, false);
        if looked || !world.client_has_frames() {
            world.advance(until);
        } else {
            // The library leaves frames in the device on purpose: only time can change that.
            world.run(until);
        }
    }

    fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }

    /// As good as the seed: a simulated secret.
    fn secret_rng(&mut self) -> Option<&mut dyn CryptoRngCore> {
        Some(&mut self.rng)
    }
}

/// The world of a plan.
pub fn world(plan: &Plan) -> SharedWorld {
    World::shared(plan.server(), plan.link)
}

/// Boots `plan` in its world; console lines go to `out`.
///
/// # Errors
/// When the plan itself cannot be used.
pub fn boot(plan: &Plan, out: &mut dyn Write) -> Result<Outcome> {
    boot_in(plan, &world(plan), out)
}

/// Boots `plan` in a world that the caller prepared.
///
/// # Errors
/// When the plan itself cannot be used.
pub fn boot_in(plan: &Plan, world: &SharedWorld, out: &mut dyn Write) -> Result<Outcome> {
    let device = SimDevice::new(world.clone());
    let platform = SimPlatform::new(world.clone(), plan.seed ^ 0x005e_ed0f_0c11_e475);
    let now = world.borrow().now;
    let model = host::model(plan, now)?;
    let clock = {
        let world = world.clone();
        move || world.borrow().now
    };
    host::boot(plan, device, platform, model, clock, out)
}
