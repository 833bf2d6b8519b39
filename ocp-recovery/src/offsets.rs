//! Where the registers of the recovery interface are in their block (i3c-core RDL).

/// Registers of the secure firmware recovery interface, from the block's start.
pub mod recovery {
    /// Capability header.
    pub const EXTCAP_HEADER: u32 = 0x00;
    /// First half of the magic string, "OCP ".
    pub const PROT_CAP_0: u32 = 0x04;
    /// Second half of the magic string, "RECV".
    pub const PROT_CAP_1: u32 = 0x08;
    /// Protocol version and capabilities.
    pub const PROT_CAP_2: u32 = 0x0C;
    /// Number of CMS, response time, heartbeat period.
    pub const PROT_CAP_3: u32 = 0x10;
    /// Device id, descriptor type and length.
    pub const DEVICE_ID_0: u32 = 0x14;
    /// Device id, first of five words of descriptor data.
    pub const DEVICE_ID_1: u32 = 0x18;
    /// Device id, reserved word.
    pub const DEVICE_ID_RESERVED: u32 = 0x2C;
    /// Device status, protocol error (cleared by each read), recovery reason.
    pub const DEVICE_STATUS_0: u32 = 0x30;
    /// Heartbeat and vendor status.
    pub const DEVICE_STATUS_1: u32 = 0x34;
    /// Device reset; its control octet is write-ones-clear.
    pub const DEVICE_RESET: u32 = 0x38;
    /// Recovery control; the activation octet is write-ones-clear.
    pub const RECOVERY_CTRL: u32 = 0x3C;
    /// Recovery status and image index.
    pub const RECOVERY_STATUS: u32 = 0x40;
    /// Hardware status.
    pub const HW_STATUS: u32 = 0x44;
    /// Indirect FIFO: CMS and reset.
    pub const INDIRECT_FIFO_CTRL_0: u32 = 0x48;
    /// Indirect FIFO: image size in units of 4 octets.
    pub const INDIRECT_FIFO_CTRL_1: u32 = 0x4C;
    /// Indirect FIFO: empty, full, region type.
    pub const INDIRECT_FIFO_STATUS_0: u32 = 0x50;
    /// Indirect FIFO: write index.
    pub const INDIRECT_FIFO_STATUS_1: u32 = 0x54;
    /// Indirect FIFO: read index.
    pub const INDIRECT_FIFO_STATUS_2: u32 = 0x58;
    /// Indirect FIFO: size in units of 4 octets.
    pub const INDIRECT_FIFO_STATUS_3: u32 = 0x5C;
    /// Indirect FIFO: largest transfer in units of 4 octets.
    pub const INDIRECT_FIFO_STATUS_4: u32 = 0x60;
    /// Indirect FIFO: reserved.
    pub const INDIRECT_FIFO_RESERVED: u32 = 0x64;
    /// The device's end of the FIFO: a read takes a word away from it. Never for an agent.
    pub const INDIRECT_FIFO_DATA: u32 = 0x68;

    /// Shortest block that holds all of the above, in units of 4 octets.
    pub(crate) const MIN_DWORDS: u32 = 0x1B;
}
