//! The model: registers, FIFO and device in one value, driven by accesses and by time.

use crate::config::{DeviceConfig, MAX_IMAGES};
use crate::device::Device;
use crate::fifo::Fifo;
use crate::outcome::{DeviceOutcome, ImageRecord, Progress, Stall, StallKind, Tally};
use crate::registers::Registers;
use netboot_core::Instant;
use ocp_recovery::RegisterMap;
use ocp_recovery::map::CoreVersion;

/// The most device actions that one call works off; no chain of actions is longer.
const MAX_STEPS: u32 = 32;

/// The emulated device with its registers.
#[derive(Clone, Debug)]
pub struct RecoveryModel {
    pub(crate) config: DeviceConfig,
    pub(crate) map: RegisterMap,
    pub(crate) now: Instant,
    pub(crate) registers: Registers,
    pub(crate) fifo: Fifo,
    pub(crate) device: Device,
    pub(crate) stall: Option<Stall>,
    pub(crate) records: [ImageRecord; MAX_IMAGES],
    pub(crate) tally: Tally,
    /// Set when the injected reset has happened.
    pub(crate) was_reset: bool,
}

impl RecoveryModel {
    /// Makes a device that comes out of reset at `now`.
    pub fn new(config: DeviceConfig, now: Instant) -> Self {
        let map = match config.core {
            CoreVersion::V1p4 => RegisterMap::V1P4,
            CoreVersion::V1p5 => RegisterMap::V1P5,
        };
        let mut model = Self {
            config,
            map,
            now,
            registers: Registers::new(),
            fifo: Fifo::new(),
            device: Device::new(),
            stall: None,
            records: [ImageRecord::default(); MAX_IMAGES],
            tally: Tally::default(),
            was_reset: false,
        };
        model.power_on(now);
        model
    }

    /// Resets core and device, as a platform can; the device starts up again. The call ends a stall and forgets all
    /// records; [`tally`](Self::tally) keeps count. An injected reset that has happened does not happen again.
    pub fn reset(&mut self) {
        self.tally.resets = self.tally.resets.saturating_add(1);
        self.stall = None;
        self.records = [ImageRecord::default(); MAX_IMAGES];
        self.power_on(self.now);
    }

    /// Lets the device act on the time that passed.
    pub fn tick(&mut self, now: Instant) {
        if now > self.now {
            self.now = now;
        }
        for _ in 0..MAX_STEPS {
            match self.device.due {
                Some(due) if due <= self.now => {
                    self.device.due = None;
                    self.act(due);
                }
                _ => return,
            }
        }
    }

    /// When the device will next act by itself; `None` while it waits for the agent or does nothing.
    pub fn next_event(&self) -> Option<Instant> {
        self.device.due
    }

    /// The first access since the last reset that would have hung the bus or broken the transfer.
    pub fn stall(&self) -> Option<Stall> {
        self.stall
    }

    /// The end of the boot as the device sees it.
    pub fn outcome(&self) -> DeviceOutcome {
        self.device.outcome
    }

    /// The device's records of the images, by index.
    pub fn images(&self) -> &[ImageRecord; MAX_IMAGES] {
        &self.records
    }

    /// Counts of what happened since the model was made.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The progress of the device.
    pub fn progress(&self) -> Progress {
        self.device.progress()
    }

    /// The configuration of the device.
    pub fn config(&self) -> &DeviceConfig {
        &self.config
    }

    /// Makes the device show a protocol error until DEVICE_STATUS_0 is read.
    pub fn set_protocol_error(&mut self, error: u8) {
        let status = &mut self.registers.device_status_0;
        *status = (*status & !0x0000_FF00) | (u32::from(error) << 8);
    }

    pub(crate) fn latch_stall(&mut self, kind: StallKind, offset: u32, value: Option<u32>) {
        if self.stall.is_none() {
            self.tally.stalls = self.tally.stalls.saturating_add(1);
            self.stall = Some(Stall {
                at: self.now,
                offset,
                value,
                kind,
            });
        }
    }
}
