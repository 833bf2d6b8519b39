//! The status and error codes of the messages.

use core::fmt;

/// A status or error code as it stands in a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

impl Status {
    /// No error.
    pub const SUCCESS: Self = Self(0x00);
    /// The type of the message is unknown.
    pub const INVALID_MESSAGE_TYPE: Self = Self(0x01);
    /// The firmware id is unknown.
    pub const INVALID_FIRMWARE_ID: Self = Self(0x02);
    /// The image is not there.
    pub const NOT_FOUND: Self = Self(0x03);
    /// The image is not the one that its checksum names.
    pub const CHECKSUM_MISMATCH: Self = Self(0x04);
    /// A transfer took too long.
    pub const TRANSFER_TIMEOUT: Self = Self(0x05);
    /// The source is not ready.
    pub const SOURCE_NOT_READY: Self = Self(0x06);
    /// A parameter is invalid.
    pub const INVALID_PARAMETERS: Self = Self(0x07);
    /// Data is corrupted.
    pub const CORRUPTED_DATA: Self = Self(0x08);
    /// There is not enough space.
    pub const INSUFFICIENT_SPACE: Self = Self(0x09);
    /// The verification of a checksum failed.
    pub const CHECKSUM_VERIFICATION_FAILED: Self = Self(0x0A);
    /// A write to flash failed.
    pub const FLASH_WRITE_FAILED: Self = Self(0x0B);
    /// The staging memory is not available.
    pub const STAGING_NOT_AVAILABLE: Self = Self(0x0C);
    /// The staging memory could not be committed to flash.
    pub const COMMIT_FAILED: Self = Self(0x0D);
    /// The verification of the flash failed.
    pub const FLASH_VERIFICATION_FAILED: Self = Self(0x0E);
    /// An error without a code of its own.
    pub const UNSPECIFIED: Self = Self(0xFF);

    /// InitiateBoot response: the source is at work and will be ready later. Other messages have no such answer.
    pub const IN_PROGRESS: Self = Self(0x01);

    /// Returns whether the code is that of success.
    pub const fn is_success(self) -> bool {
        self.0 == 0
    }

    /// Names the code.
    pub fn name(self) -> &'static str {
        let named = NAMES.get(usize::from(self.0)).copied();
        named.unwrap_or(match self {
            Self::UNSPECIFIED => "unspecified error",
            _ => "unknown code",
        })
    }
}

/// Names by code.
const NAMES: [&str; 15] = [
    "success",
    "invalid message type",
    "invalid firmware id",
    "image not found",
    "checksum mismatch",
    "transfer timeout",
    "source not ready",
    "invalid parameters",
    "corrupted data",
    "insufficient space",
    "checksum verification failed",
    "flash write failed",
    "flash staging not available",
    "flash commit failed",
    "flash verification failed",
];

impl fmt::Display for Status {
    /// Writes name and number, such as `image not found (0x03)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:02x})", self.name(), u32::from(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_code_has_a_name_of_its_own() {
        let codes = (0..=0x0E).chain([0x0F, 0xFF]);
        let names: HashSet<_> = codes.clone().map(|code| Status(code).name()).collect();
        assert_eq!(names.len(), codes.count());
        assert_eq!(Status(0x80).name(), Status(0x0F).name());
        assert_eq!(Status(3).to_string(), "image not found (0x03)");
        assert!(Status(0).is_success() && !Status(1).is_success());
    }
}
