//! The board of the example: the station's end of a simulated link, and virtual time.

use image_server::SharedWorld;
use netboot_core::{Device, DeviceInfo, FrameSlot, Instant, Platform, Received, TxSlot};
use rand_core::RngCore;

/// The station's end of the simulated link.
pub struct Ethernet {
    world: SharedWorld,
    received: Vec<u8>,
    held: [Option<Vec<u8>>; 4],
}

impl Ethernet {
    /// The station's end of `world`.
    pub fn new(world: SharedWorld) -> Self {
        Self {
            world,
            received: Vec::new(),
            held: Default::default(),
        }
    }
}

impl Device for Ethernet {
    type Tx<'a> = Tx<'a>;

    const HELD_FRAMES: usize = 4;

    fn info(&self) -> DeviceInfo {
        DeviceInfo {
            mac: [0x02, 0, 0, 0, 0, 0x15],
            mtu: 1500,
            rx_ring: 32,
        }
    }

    fn link_up(&mut self) -> bool {
        true
    }

    fn set_multicast(&mut self, _groups: &[[u8; 6]]) {}

    fn receive(&mut self) -> Option<Received<'_, Tx<'_>>> {
        self.received = self.world.borrow_mut().client_receive()?;
        Some(Received {
            frame: &self.received,
            rx_checksum_verified: false,
            tx: Tx(&self.world),
        })
    }

    fn transmit(&mut self) -> Option<Tx<'_>> {
        Some(Tx(&self.world))
    }

    fn hold(&mut self) -> Option<FrameSlot> {
        let slot = self.held.iter().position(Option::is_none)?;
        self.held[slot] = Some(std::mem::take(&mut self.received));
        Some(FrameSlot(slot as u8))
    }

    fn held(&self, slot: &FrameSlot) -> &[u8] {
        self.held[usize::from(slot.0)]
            .as_deref()
            .unwrap_or_default()
    }

    fn release(&mut self, slot: FrameSlot) {
        self.held[usize::from(slot.0)] = None;
    }
}

/// A frame to be sent.
pub struct Tx<'a>(&'a SharedWorld);

impl TxSlot for Tx<'_> {
    fn send<R>(self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        self.0.borrow_mut().client_send(&frame);
        result
    }
}

/// Virtual time, and numbers that are the same in each run.
pub struct Clock(pub SharedWorld, pub u64);

impl Platform for Clock {
    type Rng = Self;

    fn now(&mut self) -> Instant {
        self.0.borrow().now
    }

    fn idle(&mut self, until: Instant) {
        let mut world = self.0.borrow_mut();
        let looked = std::mem::replace(&mut world.looked, false);
        if looked || !world.client_has_frames() {
            world.advance(until);
        } else {
            // The library leaves frames in the device on purpose: only time can change that.
            world.run(until);
        }
    }

    fn rng(&mut self) -> &mut Self {
        self
    }
}

impl RngCore for Clock {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.1 = self
            .1
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.1
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        octets.fill_with(|| self.next_u32() as u8);
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(octets);
        Ok(())
    }
}
