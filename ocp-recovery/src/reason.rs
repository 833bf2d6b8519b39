//! Names of the recovery reason codes.
//!
//! OCP Secure Firmware Recovery v1.1 `DEVICE_STATUS` octets 2 and 3; vendor codes from Caliptra
//! (`caliptra-sw drivers/src/dma.rs`, ROM 2.1.2 and later) and the MCU ROM (`docs/src/dot_i3c.md`).

use core::fmt;

/// A recovery reason code as the device shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reason(pub u16);

impl Reason {
    /// No reason given.
    pub const NONE: Self = Self(0x00);
    /// Recovery was forced.
    pub const FORCED_RECOVERY: Self = Self(0x11);
    /// Normal for a device without flash: it streams its firmware at each boot.
    pub const STREAMING_BOOT: Self = Self(0x12);

    /// Whether the code tells of a failure; the others say only how recovery was entered.
    pub const fn is_failure(self) -> bool {
        !matches!(
            self,
            Self::NONE | Self::FORCED_RECOVERY | Self::STREAMING_BOOT
        )
    }

    /// The name of the code, for a log line.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x00 => "no reason given",
            0x01 => "generic hardware error",
            0x02 => "generic software error",
            0x03 => "self-test failure",
            0x04 => "corrupt or missing critical data",
            0x05 => "key manifest missing or corrupt",
            0x06 => "key manifest authentication failure",
            0x07 => "key manifest anti-rollback",
            0x08 => "boot loader missing or corrupt",
            0x09 => "boot loader authentication failure",
            0x0A => "boot loader anti-rollback",
            0x0B => "main firmware missing or corrupt",
            0x0C => "main firmware authentication failure",
            0x0D => "main firmware anti-rollback",
            0x0E => "recovery firmware missing or corrupt",
            0x0F => "recovery firmware authentication failure",
            0x10 => "recovery firmware anti-rollback",
            0x11 => "forced recovery",
            0x12 => "streaming boot",
            0x80 => "vendor public key invalid",
            0x81 => "vendor public key revoked",
            0x82 => "vendor signature wrong",
            0x83 => "owner public key wrong",
            0x84 => "owner signature wrong",
            0x85 => "firmware digest mismatch",
            0x86 => "image layout invalid",
            0x87 => "post-quantum key configuration invalid",
            0x88 => "firmware version too old",
            0x94 => "device ownership transfer recovery",
            0x89..=0x93 | 0x95..=0xFF => "vendor specific",
            _ => "reserved code",
        }
    }
}

impl fmt::Display for Reason {
    /// `firmware digest mismatch (0x85)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:02x})", self.name(), self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_code_has_a_name_of_its_own() {
        let documented = (0x00..=0x12).chain(0x80..=0x88).chain([0x94]);
        let names: std::collections::HashSet<_> =
            documented.clone().map(|code| Reason(code).name()).collect();
        assert_eq!(names.len(), documented.count());
        assert_eq!(Reason(0x13).name(), Reason(0x7F).name());
        assert_eq!(Reason(0x89).name(), "vendor specific");
        assert_eq!(Reason(0x100).name(), "reserved code");
        assert_eq!(Reason(0x85).to_string(), "firmware digest mismatch (0x85)");
    }

    #[test]
    fn how_recovery_was_entered_is_no_failure() {
        let innocent: Vec<u16> = (0..=0xFF)
            .filter(|code| !Reason(*code).is_failure())
            .collect();
        assert_eq!(innocent, [0x00, 0x11, 0x12]);
    }
}
