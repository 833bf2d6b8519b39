//! The model: registers, FIFO and device in one value, driven by accesses and by time.

use crate::config::{DeviceConfig, MAX_IMAGES};
use crate::device::Device;
use crate::fifo::Fifo;
use crate::registers::Registers;
use netboot_core::{Digest, Instant};
use ocp_recovery::RegisterMap;
use ocp_recovery::map::CoreVersion;

/// Device actions worked off in one call; more than any chain of them.
const MAX_STEPS: u32 = 32;

/// What is wrong with an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StallKind {
    /// A FIFO word outside the window: the AXI write is never acknowledged.
    WriteWindow,
    /// A FIFO word while the AXI bypass is off: it would go to the I3C bus.
    NotBypassed,
    /// An access to PIOControl (0x80..=0xB3), which is not implemented and may hang the bus.
    PioControl,
    /// A read of INDIRECT_FIFO_DATA: it takes a word away from the device.
    FifoDataRead,
    /// No register there.
    Unmapped,
    /// Not a multiple of 4.
    Unaligned,
}

impl StallKind {
    /// One word for a log line.
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
    /// When.
    pub at: Instant,
    /// Octets from the CSR base.
    pub offset: u32,
    /// The value written; `None` for a read.
    pub value: Option<u32>,
    /// What is wrong with it.
    pub kind: StallKind,
}

/// How the boot ended for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceOutcome {
    /// It has not ended.
    Running,
    /// All images were accepted.
    Booted,
    /// An image was refused.
    Failed {
        /// Its index.
        index: u8,
        /// The reason that the device has, whether or not its personality shows it.
        reason: u16,
        /// CPTRA_FW_ERROR_FATAL.
        fw_error: u32,
    },
}

/// What the device is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicePhase {
    /// Starts up; PROT_CAP is not written.
    Startup,
    /// Writes registers that a wait of the agent depends on.
    Updating,
    /// Waits for the first burst of an image.
    Awaiting,
    /// Drains the FIFO.
    Receiving,
    /// Holds an image, waits to be told to activate it.
    Pending,
    /// Verifies an image.
    Verifying,
    /// Runs what it was given.
    Booted,
    /// Refused an image.
    Failed,
    /// Does nothing any more ([`crate::Stuck`]).
    Hung,
}

/// How far the device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: DevicePhase,
    /// The image in work.
    pub index: u8,
    /// Octets of it that were drained, padding included.
    pub received: u32,
    /// Octets of it that were declared, padding included; 0 until the first burst.
    pub declared: u32,
}

/// What the device got for one index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageRecord {
    /// Octets drained, padding included.
    pub octets: u32,
    /// SHA-256 of the octets without padding, once all declared words were drained.
    pub sha256: Option<Digest>,
    /// Whether the agent activated it.
    pub activated: bool,
    /// Whether the device accepted it.
    pub verified: bool,
    /// Words lost because they were written into a full FIFO.
    pub dropped_words: u32,
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
    /// The injected reset has happened.
    pub(crate) was_reset: bool,
}

impl RecoveryModel {
    /// A device that comes out of reset at `now`.
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
            was_reset: false,
        };
        model.reset();
        model
    }

    /// Resets core and device; the device starts up again. Ends a stall and forgets all records.
    pub fn reset(&mut self) {
        self.stall = None;
        self.records = [ImageRecord::default(); MAX_IMAGES];
        self.was_reset = false;
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

    /// The first access that would have hung the bus or broken the transfer.
    pub fn stall(&self) -> Option<Stall> {
        self.stall
    }

    /// How the boot ended for the device.
    pub fn outcome(&self) -> DeviceOutcome {
        self.device.outcome
    }

    /// What the device got, by index.
    pub fn images(&self) -> &[ImageRecord; MAX_IMAGES] {
        &self.records
    }

    /// How far the device is.
    pub fn progress(&self) -> Progress {
        self.device.progress()
    }

    /// What the device was made to be.
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
            self.stall = Some(Stall {
                at: self.now,
                offset,
                value,
                kind,
            });
        }
    }
}
