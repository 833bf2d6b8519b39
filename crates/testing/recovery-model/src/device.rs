//! The state of the device behind the registers.

use crate::outcome::{DeviceOutcome, DevicePhase, Progress};
use netboot_core::{Duration, Instant};
use sha2::{Digest as _, Sha256};

/// One moment of the device's register writes: a line of the trace.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Update {
    /// DEVICE_STATUS_0: reason and status.
    pub(crate) device: Option<u32>,
    /// RECOVERY_STATUS.
    pub(crate) recovery: Option<u32>,
    pub(crate) clear_activation: bool,
    pub(crate) reset_fifo: bool,
}

impl Update {
    pub(crate) const CLEAR: Self = Self {
        device: None,
        recovery: None,
        clear_activation: true,
        reset_fifo: false,
    };

    pub(crate) const fn device(reason: u32, status: u8) -> Self {
        Self {
            device: Some((reason << 16) | status as u32),
            recovery: None,
            clear_activation: false,
            reset_fifo: false,
        }
    }

    pub(crate) const fn recovery(status: u8, index: u8) -> Self {
        Self {
            device: None,
            recovery: Some(status as u32 | ((index as u32) << 4)),
            clear_activation: false,
            reset_fifo: false,
        }
    }

    /// Joins two updates into one moment.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            device: if other.device.is_some() {
                other.device
            } else {
                self.device
            },
            recovery: if other.recovery.is_some() {
                other.recovery
            } else {
                self.recovery
            },
            clear_activation: self.clear_activation || other.clear_activation,
            reset_fifo: self.reset_fifo || other.reset_fifo,
        }
    }
}

/// Updates in the longest script.
pub(crate) const SCRIPT_LEN: usize = 3;

#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) phase: DevicePhase,
    /// The time at which the device acts by itself.
    pub(crate) due: Option<Instant>,
    pub(crate) outcome: DeviceOutcome,
    pub(crate) index: u8,
    /// The updates that are still to come, the next one first.
    pub(crate) script: [Option<Update>; SCRIPT_LEN],
    /// Time between two updates of the script.
    pub(crate) pace: Duration,
    /// The phase after the script.
    pub(crate) then: DevicePhase,
    /// Set when *payload available* was seen to be gone since the request (flow, step 3a).
    pub(crate) armed: bool,
    /// Words that were declared when the first burst came.
    pub(crate) declared: u32,
    /// Words that are still to come.
    pub(crate) left: u32,
    pub(crate) hasher: Sha256,
    /// The first word of the image.
    pub(crate) marker: Option<[u8; 4]>,
    /// The head of the image.
    #[cfg(feature = "versions")]
    pub(crate) manifest: crate::manifest::Manifest,
}

impl Device {
    pub(crate) fn new() -> Self {
        Self {
            phase: DevicePhase::Startup,
            due: None,
            outcome: DeviceOutcome::Running,
            index: 0,
            script: [None; SCRIPT_LEN],
            pace: Duration::ZERO,
            then: DevicePhase::Startup,
            armed: false,
            declared: 0,
            left: 0,
            hasher: Sha256::new(),
            marker: None,
            #[cfg(feature = "versions")]
            manifest: crate::manifest::Manifest::new(),
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            phase: self.phase,
            index: self.index,
            received: self.declared.saturating_sub(self.left).saturating_mul(4),
            declared: self.declared.saturating_mul(4),
        }
    }
}
