//! A register bus around a shared model and a shared clock, for tests on a host.

use crate::model::RecoveryModel;
use core::cell::{Cell, RefCell};
use netboot_core::Instant;
use ocp_recovery::RegisterBus;

/// Lets a driver reach the model while the test keeps a hand on both model and clock.
#[derive(Clone, Copy, Debug)]
pub struct ModelBus<'a> {
    model: &'a RefCell<RecoveryModel>,
    clock: &'a Cell<Instant>,
}

impl<'a> ModelBus<'a> {
    /// A bus to `model`; each access happens at the time that `clock` shows.
    pub const fn new(model: &'a RefCell<RecoveryModel>, clock: &'a Cell<Instant>) -> Self {
        Self { model, clock }
    }
}

impl RegisterBus for ModelBus<'_> {
    /// Reads all ones, as a dead bus, if the caller holds the model borrowed.
    fn read32(&mut self, offset: u32) -> u32 {
        match self.model.try_borrow_mut() {
            Ok(mut model) => model.read(self.clock.get(), offset),
            Err(_) => u32::MAX,
        }
    }

    fn write32(&mut self, offset: u32, value: u32) {
        if let Ok(mut model) = self.model.try_borrow_mut() {
            model.write(self.clock.get(), offset, value);
        }
    }
}
