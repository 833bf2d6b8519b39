//! A boot in the simulated world: one process, virtual time, the same from the same seed.

use crate::held::HeldFrames;
use crate::host::{self, Outcome};
use crate::plan::Plan;
use anyhow::Result;
use image_server::{SharedWorld, World};
use netboot_core::{Device, DeviceInfo, FrameSlot, Instant, Platform, Received, TxSlot};
use rand_chacha::ChaCha8Rng;
use rand_core::{CryptoRngCore, SeedableRng};
use std::fmt::Write;

/// Address of the simulated station.
pub const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x15];
/// Frames that its receive ring holds.
const RX_RING: usize = 32;

/// The station's end of the simulated link.
pub struct SimDevice {
    world: SharedWorld,
    received: Vec<u8>,
    /// The frame that is kept.
    held: HeldFrames,
}

impl SimDevice {
    /// The station's end of `world`.
    pub fn new(world: SharedWorld) -> Self {
        Self {
            world,
            received: Vec::new(),
            held: HeldFrames::default(),
        }
    }
}

/// A frame to be sent.
pub struct SimTx<'a>(&'a SharedWorld);

impl TxSlot for SimTx<'_> {
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        self.0.borrow_mut().client_send(&frame);
        result
    }
}

impl Device for SimDevice {
    type Tx<'a> = SimTx<'a>;

    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            mac: MAC,
            mtu: 1500,
            rx_ring: RX_RING,
        }
    }

    fn link_up(&mut self) -> bool {
        true
    }

    fn set_multicast(&mut self, _: &[[u8; 6]]) {}

    fn receive(&mut self) -> Option<Received<'_, SimTx<'_>>> {
        self.received = self.world.borrow_mut().client_receive()?;
        Some(Received {
            frame: &self.received,
            rx_checksum_verified: false,
            tx: SimTx(&self.world),
        })
    }

    fn transmit(&mut self) -> Option<SimTx<'_>> {
        Some(SimTx(&self.world))
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        self.held.hold(std::mem::take(&mut self.received))
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        self.held.get(slot)
    }

    fn release(&mut self, slot: FrameSlot) {
        self.held.release(&slot);
    }
}

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
