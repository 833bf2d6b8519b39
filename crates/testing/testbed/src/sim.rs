//! A boot in the simulated world: one process, virtual time, the same from the same seed.

use crate::ethernet::{Ethernet, EthernetTx, WireEnd};
use crate::host::{self, Outcome};
use crate::plan::Plan;
use anyhow::Result;
use image_server::{SharedWorld, World};
use netboot_core::{Duration, Instant, Platform};
use rand_chacha::ChaCha8Rng;
use rand_core::{CryptoRngCore, RngCore, SeedableRng};
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

/// How late a sleeper wakes at most, unless a test wants more.
const OVERSLEEP: Duration = Duration::from_micros(50);

/// Virtual time and seeded chance.
///
/// No real clock is on the dot: who sleeps until an instant wakes after it, and what was due at that instant is late. So a
/// sleeper that no frame wakes oversleeps by at least a microsecond, and by a seeded random time.
pub struct SimPlatform {
    world: SharedWorld,
    rng: ChaCha8Rng,
    /// The inaccuracy of the sleeper. It is apart from `rng`, whose numbers the station draws.
    lateness: ChaCha8Rng,
    oversleep: Duration,
}

impl SimPlatform {
    /// The clock of `world`.
    pub fn new(world: SharedWorld, seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let mut lateness = rng.clone();
        lateness.set_stream(1);
        Self {
            world,
            rng,
            lateness,
            oversleep: OVERSLEEP,
        }
    }

    /// Lets a sleeper wake up to `oversleep` late, in place of up to 50 us. With zero it wakes on the dot.
    #[must_use]
    pub fn with_oversleep(mut self, oversleep: Duration) -> Self {
        self.oversleep = oversleep;
        self
    }

    /// A time from 1 us to [`oversleep`](Self::with_oversleep).
    fn late(&mut self) -> Duration {
        let drawn = self.lateness.next_u64();
        match self.oversleep.as_micros() {
            0 => Duration::ZERO,
            most => Duration::from_micros(1 + drawn % most),
        }
    }
}

impl Platform for SimPlatform {
    type Rng = ChaCha8Rng;

    fn now(&mut self) -> Instant {
        self.world.borrow().now
    }

    fn idle(&mut self, until: Instant) {
        let late = self.late();
        let mut world = self.world.borrow_mut();
        let looked = std::mem::replace(&mut world.looked, false);
        // When the library leaves frames in the device on purpose, only time can change that.
        let woken = (looked || !world.client_has_frames()) && world.advance(until);
        if !woken {
            let wakes = until.max(world.now) + late;
            world.run(wakes);
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
