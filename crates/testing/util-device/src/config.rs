//! Which device it is.

use core::fmt::{self, Write};
use sha2::{Digest, Sha256};

/// Bits of the MCU ROM's capabilities.
pub mod mcu_rom_capability {
    /// The MCU's ROM boots from the network.
    pub const NETWORK_BOOT: u32 = 1 << 2;
}

/// A short text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text {
    octets: [u8; 32],
    len: usize,
}

impl Text {
    /// The first 32 octets of `text`.
    pub const fn new(text: &str) -> Self {
        let mut octets = [0; 32];
        let from = text.as_bytes();
        let mut len = 0;
        while len < from.len() && len < 32 {
            octets[len] = from[len];
            len += 1;
        }
        Self { octets, len }
    }

    /// The version of an image that does not tell one: `0.0.0`, and the first 20 digits of its SHA-256 in the commit's place.
    pub fn of_digest(sha256: &[u8; 32]) -> Self {
        let mut text = Self::new("0.0.0 ");
        for octet in sha256.iter().take(10) {
            // Ten octets are 20 letters, and there is room for 26.
            let _ = write!(text, "{octet:02x}");
        }
        text
    }

    /// The version of an image that tells one, with the first 12 digits of its commit unless that is all zeros: a vendor defined
    /// message has room for 32 octets.
    pub fn of_version(major: u8, minor: u8, patch: u16, commit: &[u8; 20]) -> Self {
        let mut text = Self::new("");
        // At most 13 letters, a blank, and 12 more.
        let _ = write!(text, "{major}.{minor}.{patch}");
        if *commit != [0; 20] {
            let _ = text.write_str(" ");
            for octet in commit.iter().take(6) {
                let _ = write!(text, "{octet:02x}");
            }
        }
        text
    }

    /// The version of an image that does not tell one, by its octets: [`of_digest`](Self::of_digest) of their SHA-256.
    pub fn version_of(image: &[u8]) -> Self {
        Self::of_digest(&Sha256::digest(image).into())
    }

    /// The text's octets.
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

impl Write for Text {
    /// Appends `part` if all of it fits.
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.len.saturating_add(part.len());
        let to = self.octets.get_mut(self.len..end).ok_or(fmt::Error)?;
        to.copy_from_slice(part.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(self.as_bytes()).unwrap_or("?"))
    }
}

/// The device.
#[derive(Clone, Copy, Debug)]
pub struct DeviceConfig {
    /// Versions of Caliptra's core firmware, the MCU's runtime and the SoC's set; `None` is declined.
    pub versions: [Option<Text>; 3],
    /// Capabilities: Caliptra's runtime, FMC, ROM, MCU ROM, MCU runtime, external commands, authorized subcommands.
    pub caliptra_rt: u64,
    /// Caliptra's FMC.
    pub caliptra_fmc: u32,
    /// Caliptra's ROM.
    pub caliptra_rom: u32,
    /// The MCU's ROM.
    pub mcu_rom: u32,
    /// The MCU's runtime.
    pub mcu_rt: u32,
    /// PCI identity; `None` is declined, as newer devices do.
    pub pci: Option<[u16; 4]>,
    /// Which device it is.
    pub unique_id: [u8; 32],
    /// Where its random numbers begin.
    pub seed: u64,
    /// Octets of log in one answer at most.
    pub log_part: usize,
}

impl Default for DeviceConfig {
    /// A device that was booted from the network and has all commands, those of the older contract too.
    fn default() -> Self {
        Self {
            versions: [
                Some(Text::new("2.1.0")),
                Some(Text::new("2.1.3 0123456789abcdef")),
                None,
            ],
            caliptra_rt: 1,
            caliptra_fmc: 1,
            caliptra_rom: 1,
            mcu_rom: mcu_rom_capability::NETWORK_BOOT,
            mcu_rt: 0b0111_0010,
            pci: Some([0x1AB4, 0x0002, 0x1AB4, 0x0001]),
            unique_id: [0x5A; 32],
            seed: 1,
            log_part: 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(of: Text) -> String {
        String::from_utf8(of.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn versions_are_texts_of_at_most_32_octets() {
        let commit = [0xAB; 20];
        assert_eq!(text(Text::of_version(2, 1, 7, &[0; 20])), "2.1.7");
        assert_eq!(
            text(Text::of_version(2, 1, 7, &commit)),
            "2.1.7 abababababab"
        );
        let longest = text(Text::of_version(255, 255, 65_535, &commit));
        assert_eq!(longest, "255.255.65535 abababababab");
        assert_eq!(
            text(Text::of_digest(&[1; 32])),
            "0.0.0 01010101010101010101"
        );
        let mut full = Text::new("0123456789012345678901234567890123456789");
        assert_eq!(text(full).len(), 32);
        assert!(full.write_str("x").is_err());
    }
}
