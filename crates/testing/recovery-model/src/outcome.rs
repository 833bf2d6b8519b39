//! What the model tells of an access, of an image, and of the device.

use netboot_core::{Digest, Instant};

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
    /// The version that the image tells in its head, once that was drained; `None` for an image that is no Caliptra firmware
    /// bundle.
    #[cfg(feature = "versions")]
    pub version: Option<crate::BundleVersion>,
}

/// Counts of what happened since the model was made. A reset does not clear them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Resets by [`RecoveryModel::reset`](crate::RecoveryModel::reset).
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
