//! Names of the recovery reason codes.
//!
//! The codes are octets 2 and 3 of `DEVICE_STATUS` (OCP Secure Firmware Recovery v1.1). Caliptra (`caliptra-sw
//! drivers/src/dma.rs`, ROM 2.1.2 and later) and the MCU ROM (`docs/src/dot_i3c.md`) add vendor codes.

use core::fmt;
use netboot_core::Blame;

/// A recovery reason code as the device shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reason(pub u16);

impl Reason {
    /// The device gives no reason.
    pub const NONE: Self = Self(0x00);
    /// Somebody forced the recovery.
    pub const FORCED_RECOVERY: Self = Self(0x11);
    /// The device has no flash and streams its firmware at each boot, which is the normal case.
    pub const STREAMING_BOOT: Self = Self(0x12);

    /// Returns whether the code tells of a failure. The other codes say only how recovery was entered.
    pub const fn is_failure(self) -> bool {
        !matches!(
            self,
            Self::NONE | Self::FORCED_RECOVERY | Self::STREAMING_BOOT
        )
    }

    /// Says who has to act on a failure with this code. Codes about signatures, digests, layout, keys and anti-rollback
    /// mean that the server has the wrong file, or one for another owner; all others are the device's own.
    pub const fn blame(self) -> Blame {
        match self.0 {
            0x04..=0x10 | 0x80..=0x88 => Blame::Server,
            _ => Blame::Device,
        }
    }

    /// Names the code, for a log line.
    pub const fn name(self) -> &'static str {
        let code = self.0 as usize;
        let vendor = code.wrapping_sub(FIRST_VENDOR);
        if code < NAMES.len() {
            NAMES[code]
        } else if vendor < VENDOR_NAMES.len() {
            VENDOR_NAMES[vendor]
        } else if self.0 == 0x94 {
            "device ownership transfer recovery"
        } else if code >= FIRST_VENDOR && code <= 0xFF {
            "vendor specific"
        } else {
            "reserved code"
        }
    }
}

/// The names of the codes from 0x00.
const NAMES: [&str; 0x13] = [
    "no reason given",
    "generic hardware error",
    "generic software error",
    "self-test failure",
    "corrupt or missing critical data",
    "key manifest missing or corrupt",
    "key manifest authentication failure",
    "key manifest too old (anti-rollback)",
    "boot loader missing or corrupt",
    "boot loader authentication failure",
    "boot loader too old (anti-rollback)",
    "main firmware missing or corrupt",
    "main firmware authentication failure",
    "main firmware too old (anti-rollback)",
    "recovery firmware missing or corrupt",
    "recovery firmware authentication failure",
    "recovery firmware too old (anti-rollback)",
    "forced recovery",
    "streaming boot",
];

/// The first code that a vendor may choose.
const FIRST_VENDOR: usize = 0x80;
/// The names of Caliptra's codes from 0x80.
const VENDOR_NAMES: [&str; 9] = [
    "vendor public key invalid",
    "vendor public key revoked",
    "vendor signature invalid",
    "owner public key invalid",
    "owner signature invalid",
    "firmware digest mismatch",
    "image layout invalid",
    "post-quantum key configuration invalid",
    "firmware version (SVN) above the supported maximum",
];

impl fmt::Display for Reason {
    /// Writes name and number, such as `firmware digest mismatch (0x85)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:02x})", self.name(), u32::from(self.0))
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

    /// What OCP Secure Firmware Recovery 1.1 and `caliptra-sw drivers/src/dma.rs` say of each code, in their words, and
    /// whether a wrong file on the server can be the cause.
    #[test]
    fn each_name_says_what_the_code_means() {
        let table: [(u16, &[&str], bool); 29] = [
            (0x00, &["no reason"], false),
            (0x01, &["hardware"], false),
            (0x02, &["software"], false),
            (0x03, &["self-test"], false),
            (0x04, &["corrupt or missing", "critical data"], true),
            (0x05, &["key manifest", "missing or corrupt"], true),
            (0x06, &["key manifest", "authentication"], true),
            (0x07, &["key manifest", "too old", "anti-rollback"], true),
            (0x08, &["boot loader", "missing or corrupt"], true),
            (0x09, &["boot loader", "authentication"], true),
            (0x0A, &["boot loader", "too old", "anti-rollback"], true),
            (0x0B, &["main firmware", "missing or corrupt"], true),
            (0x0C, &["main firmware", "authentication"], true),
            (0x0D, &["main firmware", "too old", "anti-rollback"], true),
            (0x0E, &["recovery firmware", "missing or corrupt"], true),
            (0x0F, &["recovery firmware", "authentication"], true),
            (
                0x10,
                &["recovery firmware", "too old", "anti-rollback"],
                true,
            ),
            (0x11, &["forced"], false),
            (0x12, &["streaming boot"], false),
            (0x80, &["vendor", "key", "invalid"], true),
            (0x81, &["vendor", "key", "revoked"], true),
            (0x82, &["vendor", "signature"], true),
            (0x83, &["owner", "key", "invalid"], true),
            (0x84, &["owner", "signature"], true),
            (0x85, &["firmware digest mismatch"], true),
            (0x86, &["image layout"], true),
            (0x87, &["post-quantum", "configuration"], true),
            (0x88, &["version", "SVN", "above", "maximum"], true),
            (0x94, &["device ownership transfer"], false),
        ];
        for (code, words, wrong_file) in table {
            let name = Reason(code).name();
            for word in words {
                assert!(name.contains(word), "{code:#04x}: {name}");
            }
            let blame = Reason(code).blame();
            assert_eq!(blame == Blame::Server, wrong_file, "{code:#04x}");
            assert!(blame == Blame::Server || blame == Blame::Device);
        }
        // Too old is the opposite of above the maximum.
        let old = (0..=0xFF).filter(|code| Reason(*code).name().contains("too old"));
        assert_eq!(old.collect::<Vec<u16>>(), [0x07, 0x0A, 0x0D, 0x10]);
    }

    #[test]
    fn how_recovery_was_entered_is_no_failure() {
        let innocent: Vec<u16> = (0..=0xFF)
            .filter(|code| !Reason(*code).is_failure())
            .collect();
        assert_eq!(innocent, [0x00, 0x11, 0x12]);
    }
}
