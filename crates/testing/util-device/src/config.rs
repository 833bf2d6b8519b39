//! Which device it is.

use core::fmt;
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

    /// The version of an image that does not tell one: `0.0.0`, and 20 digits of its SHA-256 in the commit's place.
    pub fn version_of(image: &[u8]) -> Self {
        let mut text = Self::new("0.0.0 ");
        for octet in Sha256::digest(image).iter().take(10) {
            for digit in [octet >> 4, octet & 0xF] {
                if let Some(to) = text.octets.get_mut(text.len) {
                    *to = b"0123456789abcdef"
                        .get(usize::from(digit))
                        .copied()
                        .unwrap_or(b'?');
                    text.len += 1;
                }
            }
        }
        text
    }

    /// The text's octets.
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
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
