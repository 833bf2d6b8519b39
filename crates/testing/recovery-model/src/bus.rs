//! A register bus around a shared model and a shared clock, for tests on a host.

use crate::model::RecoveryModel;
use core::cell::{Cell, RefCell};
use netboot_core::{Duration, Instant};
use ocp_recovery::RegisterBus;

/// A register bus that lets a driver reach the model while the test keeps a hand on both model and clock.
#[derive(Clone, Copy, Debug)]
pub struct ModelBus<'a> {
    model: &'a RefCell<RecoveryModel>,
    clock: &'a Cell<Instant>,
    access: Duration,
}

impl<'a> ModelBus<'a> {
    /// Makes a bus to `model`. Each access happens at the time that `clock` shows, and takes no time.
    pub const fn new(model: &'a RefCell<RecoveryModel>, clock: &'a Cell<Instant>) -> Self {
        Self {
            model,
            clock,
            access: Duration::ZERO,
        }
    }

    /// Makes each access take `access`: the bus moves the clock on by so much before the access happens.
    #[must_use]
    pub const fn with_access_time(mut self, access: Duration) -> Self {
        self.access = access;
        self
    }

    fn pass(&self) -> Instant {
        let now = self.clock.get() + self.access;
        self.clock.set(now);
        now
    }
}

impl RegisterBus for ModelBus<'_> {
    /// Reads all ones, as from a dead bus, if the caller holds the model borrowed.
    fn read32(&mut self, offset: u32) -> u32 {
        let now = self.pass();
        match self.model.try_borrow_mut() {
            Ok(mut model) => model.read(now, offset),
            Err(_) => u32::MAX,
        }
    }

    fn write32(&mut self, offset: u32, value: u32) {
        let now = self.pass();
        if let Ok(mut model) = self.model.try_borrow_mut() {
            model.write(now, offset, value);
        }
    }
}
