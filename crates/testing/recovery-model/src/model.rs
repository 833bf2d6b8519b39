//! The model: registers, FIFO and device in one value, driven by accesses and by time.

use crate::config::{DeviceConfig, MAX_IMAGES};
use crate::device::Device;
use crate::fifo::Fifo;
use crate::registers::Registers;
use netboot_core::{Digest, Instant};
use ocp_recovery::RegisterMap;
use ocp_recovery::map::CoreVersion;

/// The most device actions that one call works off; no chain of actions is longer.
const MAX_STEPS: u32 = 32;

/// The rule that an access broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StallKind {
    /// A word was written to the FIFO outside the window: the AXI write is never acknowledged.
    WriteWindow,
    /// A word was written to the FIFO while the AXI bypass is off: it would go to the I3C bus.
    NotBypassed,
    /// The access went to PIOControl (0x80..=0xB3), which is not implemented and may hang the bus.
    PioControl,
    /// INDIRECT_FIFO_DATA was read, which takes a word away from the device.
    FifoDataRead,
    /// No register is at that offset.
    Unmapped,
    /// The offset is no multiple of 4.
    Unaligned,
}

impl StallKind {
    /// Names the rule in one word, for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            StallKind::WriteWindow => "WriteWindow",
            StallKind::NotBypassed => "NotBypassed",
            StallKind::PioControl => "PioControl",
            StallKind::FifoDataRead => "FifoDataRead",
            StallKind::Unmapped => "Unmapped",
            StallKind::Unaligned => "Unaligned",
        }
    }
}

/// The first access that hangs the bus or breaks the transfer. Latched until reset; afterwards reads
/// give 0 and writes do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The time of the access.
    pub at: Instant,
    /// The place of the access, in octets from the CSR base.
    pub offset: u32,
    /// The value written; `None` for a read.
    pub value: Option<u32>,
    /// The rule that the access broke.
    pub kind: StallKind,
}

/// The end of the boot as the device sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceOutcome {
    /// The boot has not ended.
    Running,
    /// The device accepted all images.
    Booted,
    /// The device refused an image.
    Failed {
        /// Index of the image.
        index: u8,
        /// The reason that the device has, whether or not its personality shows it.
        reason: u16,
        /// CPTRA_FW_ERROR_FATAL.
        fw_error: u32,
    },
}

/// The present work of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicePhase {
    /// The device starts up and has not written PROT_CAP.
    Startup,
    /// The device writes registers that a wait of the agent depends on.
    Updating,
    /// The device waits for the first burst of an image.
    Awaiting,
    /// The device drains the FIFO and counts words. Nothing but a reset makes it begin the image anew.
    Receiving,
    /// The device holds an image and waits for its activation.
    Pending,
    /// The device verifies an image.
    Verifying,
    /// The device runs what it was given.
    Booted,
    /// The device refused an image.
    Failed,
    /// The device does nothing any more ([`crate::Stuck`]).
    Hung,
}

/// The progress of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The present work of the device.
    pub phase: DevicePhase,
    /// Index of the image in work.
    pub index: u8,
    /// Octets of the image that were drained, with padding.
    pub received: u32,
    /// Octets of the image that were declared, with padding; 0 until the first burst.
    pub declared: u32,
}

/// The device's record of one image since its last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageRecord {
    /// Octets drained, with padding.
    pub octets: u32,
    /// SHA-256 of the octets that the device verifies, once all declared words were drained: for the last image all of
    /// them with their padding, for any other one those of the expected size padded to a multiple of 4.
    pub sha256: Option<Digest>,
    /// Set when the agent activated the image.
    pub activated: bool,
    /// Set when the device accepted the image.
    pub verified: bool,
    /// Words lost because they were written into a full FIFO.
    pub dropped_words: u32,
}

/// Counts of what happened since the model was made. A reset does not clear them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Resets by [`RecoveryModel::reset`].
    pub resets: u32,
    /// Images that the device was told to activate.
    pub activations: u32,
    /// Images that the device refused.
    pub refusals: u32,
    /// Words lost because they were written into a full FIFO.
    pub dropped_words: u32,
    /// Accesses that hung the bus.
    pub stalls: u32,
}

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
