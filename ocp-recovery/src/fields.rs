//! What the bits of the registers mean (OCP Secure Firmware Recovery v1.1, i3c-core RDL).
//!
//! Each type wraps the 32 bits of one register as read. Nothing here writes.

use crate::reason::Reason;

/// `PROT_CAP_0` and `PROT_CAP_1`: "OCP RECV".
pub const MAGIC: [u32; 2] = [0x2050_434F, 0x5643_4552];

/// Values of `DEV_STATUS` ([`DeviceStatus0::status`]).
pub mod device_status {
    /// Nothing known yet.
    pub const PENDING: u8 = 0x0;
    /// Healthy.
    pub const HEALTHY: u8 = 0x1;
    /// A soft error.
    pub const SOFT_ERROR: u8 = 0x2;
    /// In recovery mode, ready to take an image.
    pub const RECOVERY_MODE: u8 = 0x3;
    /// Holds an image, waits to be told to activate it.
    pub const RECOVERY_PENDING: u8 = 0x4;
    /// Runs a recovery image.
    pub const RUNNING_RECOVERY: u8 = 0x5;
    /// The boot failed; the reason code says why.
    pub const BOOT_FAILURE: u8 = 0xE;
    /// A fatal error; the reason code says nothing.
    pub const FATAL: u8 = 0xF;
}

/// Values of the protocol error ([`DeviceStatus0::protocol_error`]).
pub mod protocol_error {
    /// The command is not supported, is read only, or is not served now.
    pub const UNSUPPORTED: u8 = 1;
    /// A parameter is not supported.
    pub const PARAMETER: u8 = 2;
    /// The data has not the length of the command, or does not fit the FIFO.
    pub const LENGTH: u8 = 3;
    /// The packet error code is wrong.
    pub const CRC: u8 = 4;
    /// An error without a number of its own.
    pub const GENERAL: u8 = 0xFF;
}

/// Values of `DEV_REC_STATUS` ([`RecoveryStatus::status`]).
pub mod recovery_status {
    /// Not in recovery.
    pub const IDLE: u8 = 0x0;
    /// Waits for the image of the index shown.
    pub const AWAITING: u8 = 0x1;
    /// Boots an image; the index shown is unreliable.
    pub const BOOTING: u8 = 0x2;
    /// Recovery succeeded.
    pub const SUCCESSFUL: u8 = 0x3;
    /// Recovery failed; this and all above are errors.
    pub const FAILED: u8 = 0xC;
    /// The image's signature or digest is wrong.
    pub const AUTHENTICATION_ERROR: u8 = 0xD;
    /// Recovery mode cannot be entered.
    pub const CANNOT_ENTER: u8 = 0xE;
    /// Invalid component memory space.
    pub const INVALID_CMS: u8 = 0xF;
}

/// Capability bits of PROT_CAP octets 10 and 11 ([`ProtCap2::capabilities`]).
pub mod capability {
    /// DEVICE_ID is there.
    pub const IDENTIFICATION: u16 = 1 << 0;
    /// Forced recovery.
    pub const FORCED_RECOVERY: u16 = 1 << 1;
    /// Reset of the management interface.
    pub const MANAGEMENT_RESET: u16 = 1 << 2;
    /// Reset of the device.
    pub const DEVICE_RESET: u16 = 1 << 3;
    /// DEVICE_STATUS is there.
    pub const DEVICE_STATUS: u16 = 1 << 4;
    /// Recovery memory access (INDIRECT_CTRL).
    pub const RECOVERY_MEMORY_ACCESS: u16 = 1 << 5;
    /// Recovers from an image that it has itself.
    pub const LOCAL_C_IMAGE: u16 = 1 << 6;
    /// Recovers from an image that an agent pushes.
    pub const PUSH_C_IMAGE: u16 = 1 << 7;
    /// Interface isolation.
    pub const INTERFACE_ISOLATION: u16 = 1 << 8;
    /// HW_STATUS is there.
    pub const HARDWARE_STATUS: u16 = 1 << 9;
    /// VENDOR command.
    pub const VENDOR_COMMAND: u16 = 1 << 10;
    /// Flashless boot.
    pub const FLASHLESS_BOOT: u16 = 1 << 11;
    /// INDIRECT_FIFO commands.
    pub const FIFO_CMS: u16 = 1 << 12;

    /// What this agent cannot do without. Not `RECOVERY_MEMORY_ACCESS`, although OCP wants it with
    /// `PUSH_C_IMAGE`: the Caliptra ROMs 2.1.0 and 2.1.1 do not announce it.
    pub const REQUIRED: u16 = DEVICE_STATUS | PUSH_C_IMAGE;
}

/// `PROT_CAP_2`: protocol version and capabilities. Zero until the device's firmware wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProtCap2(pub u32);

impl ProtCap2 {
    /// Major version; 1.
    pub const fn major(self) -> u8 {
        self.0 as u8
    }

    /// Minor version.
    pub const fn minor(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// Bits of [`capability`].
    pub const fn capabilities(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

/// `DEVICE_STATUS_0`. Reading the register clears the protocol error, so a value is read once and kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceStatus0(pub u32);

impl DeviceStatus0 {
    /// One of [`device_status`].
    pub const fn status(self) -> u8 {
        self.0 as u8
    }

    /// Protocol error: 0 none, 1 unsupported command, 2 parameter, 3 length, 4 CRC, 0xFF general.
    pub const fn protocol_error(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// Why the device is in recovery, or why the boot failed.
    pub const fn reason(self) -> Reason {
        Reason((self.0 >> 16) as u16)
    }

    /// Whether the device says that the boot failed.
    pub const fn is_error(self) -> bool {
        matches!(
            self.status(),
            device_status::BOOT_FAILURE | device_status::FATAL
        )
    }
}

/// `RECOVERY_STATUS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryStatus(pub u32);

impl RecoveryStatus {
    /// One of [`recovery_status`].
    pub const fn status(self) -> u8 {
        (self.0 & 0xF) as u8
    }

    /// Image index; only reliable together with [`recovery_status::AWAITING`].
    pub const fn image_index(self) -> u8 {
        ((self.0 >> 4) & 0xF) as u8
    }

    /// Vendor specific status.
    pub const fn vendor(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// Status and index as one octet, as OCP has it.
    pub const fn octet(self) -> u8 {
        self.0 as u8
    }

    /// Whether the device says that recovery failed.
    pub const fn is_error(self) -> bool {
        self.status() >= recovery_status::FAILED
    }
}

/// `RECOVERY_CTRL`. Never written back: its activation field is write-ones-clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryCtrl(pub u32);

impl RecoveryCtrl {
    /// Value of the activation field that means *activate*.
    pub const ACTIVATE: u8 = 0x0F;

    /// Component memory space.
    pub const fn cms(self) -> u8 {
        self.0 as u8
    }

    /// The activation field.
    pub const fn activate(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// Whether an activation is pending. A consumed one leaves 0x0E in hardware and 0x01 in emulators,
    /// so only the whole value counts.
    pub const fn activation_pending(self) -> bool {
        self.activate() == Self::ACTIVATE
    }
}

/// `INDIRECT_FIFO_STATUS_0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FifoStatus0(pub u32);

impl FifoStatus0 {
    /// Nothing in the FIFO.
    pub const fn is_empty(self) -> bool {
        self.0 & 1 != 0
    }

    /// No room in the FIFO; what is written now is lost without a sign.
    pub const fn is_full(self) -> bool {
        self.0 & 2 != 0
    }
}

/// `REC_INTF_CFG`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecIntfCfg(pub u32);

impl RecIntfCfg {
    /// The recovery interface is driven over AXI instead of I3C. One way until reset.
    pub const BYPASS: u32 = 1 << 0;
    /// The last word of the image was written.
    pub const PAYLOAD_DONE: u32 = 1 << 1;

    /// Whether the AXI bypass is on.
    pub const fn bypass(self) -> bool {
        self.0 & Self::BYPASS != 0
    }

    /// Whether the payload is said to be complete.
    pub const fn payload_done(self) -> bool {
        self.0 & Self::PAYLOAD_DONE != 0
    }
}

/// Values for `REC_INTF_REG_W1C_ACCESS`, one for each field that it reaches.
pub mod w1c_access {
    /// Sets `RECOVERY_CTRL.ACTIVATE_REC_IMG` to 0xF.
    pub const ACTIVATE: u32 = 0x0000_0F00;
    /// Sets `INDIRECT_FIFO_CTRL_0.RESET` to 1.
    pub const FIFO_RESET: u32 = 0x0001_0000;
}

/// Bits of `TTI_RESET_CONTROL`.
pub mod tti_reset {
    /// Empties the transmit data queue, which feeds the FIFO.
    pub const TX_DATA: u32 = 1 << 3;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_from_the_traces() {
        let status = DeviceStatus0(0x0085_000E);
        assert_eq!((status.status(), status.reason()), (0xE, Reason(0x85)));
        assert!(status.is_error() && !DeviceStatus0(0x0012_0004).is_error());
        assert_eq!(DeviceStatus0(0x0012_0403).protocol_error(), 4);

        let status = RecoveryStatus(0x7F21);
        assert_eq!(
            (status.status(), status.image_index(), status.vendor()),
            (1, 2, 0x7F)
        );
        assert!(RecoveryStatus(0x1D).is_error() && !RecoveryStatus(0x22).is_error());

        assert!(RecoveryCtrl(0x000F_0000).activation_pending());
        assert!(!RecoveryCtrl(0x0001_0000).activation_pending());
        assert!(!RecoveryCtrl(0x000E_0000).activation_pending());

        let caps = ProtCap2(0x1AB1_0101);
        assert_eq!(
            (caps.major(), caps.minor(), caps.capabilities()),
            (1, 1, 0x1AB1)
        );
        // ROM 2.1.0 and 2.1.1 announce less and must do.
        for caps in [0x1AB1, 0x1891] {
            assert_eq!(caps & capability::REQUIRED, capability::REQUIRED);
        }
        assert!(FifoStatus0(1).is_empty() && FifoStatus0(2).is_full());
        assert!(RecIntfCfg(3).bypass() && RecIntfCfg(3).payload_done());
    }

    /// OCP Secure Firmware Recovery 1.1, PROT_CAP octets 10 and 11.
    #[test]
    fn capability_bits_are_numbered_as_ocp_has_them() {
        use capability::*;
        let bits = [
            IDENTIFICATION,
            FORCED_RECOVERY,
            MANAGEMENT_RESET,
            DEVICE_RESET,
            DEVICE_STATUS,
            RECOVERY_MEMORY_ACCESS,
            LOCAL_C_IMAGE,
            PUSH_C_IMAGE,
            INTERFACE_ISOLATION,
            HARDWARE_STATUS,
            VENDOR_COMMAND,
            FLASHLESS_BOOT,
            FIFO_CMS,
        ];
        for (bit, capability) in (0..).zip(bits) {
            assert_eq!(capability, 1 << bit);
        }
        // ROM 2.1.2, and the older one without recovery memory access and hardware status.
        let common = IDENTIFICATION | DEVICE_STATUS | PUSH_C_IMAGE | FLASHLESS_BOOT | FIFO_CMS;
        assert_eq!(common, 0x1891);
        assert_eq!(common | RECOVERY_MEMORY_ACCESS | HARDWARE_STATUS, 0x1AB1);
        assert_eq!(REQUIRED, 0x0090);
    }

    #[test]
    fn each_bit_is_read_alone() {
        for bit in 0..32 {
            let word = 1 << bit;
            assert_eq!(FifoStatus0(word).is_empty(), bit == 0);
            assert_eq!(FifoStatus0(word).is_full(), bit == 1);
            assert_eq!(RecIntfCfg(word).bypass(), bit == 0);
            assert_eq!(RecIntfCfg(word).payload_done(), bit == 1);
        }
        let caps = ProtCap2(0x1234_0703);
        let parts = (caps.major(), caps.minor(), caps.capabilities());
        assert_eq!(parts, (3, 7, 0x1234));
        let ctrl = RecoveryCtrl(0x0F12_3445);
        assert_eq!((ctrl.cms(), ctrl.activate()), (0x45, 0x12));
        assert_eq!(RecoveryStatus(0x1234_5678).octet(), 0x78);
        assert_eq!(RecoveryStatus(0x1234_5678).image_index(), 7);
        for status in 0..=0xF {
            let failed = matches!(status, 0xE | 0xF);
            assert_eq!(DeviceStatus0(0x0012_0000 | status).is_error(), failed);
            assert_eq!(RecoveryStatus(0x20 | status).is_error(), status >= 0xC);
        }
        assert_eq!(
            (w1c_access::ACTIVATE, w1c_access::FIFO_RESET),
            (0xF00, 0x1_0000)
        );
        assert_eq!(tti_reset::TX_DATA, 8);
    }
}
