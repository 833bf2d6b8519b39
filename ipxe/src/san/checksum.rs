//! The CRC-32 of the table (UEFI specification 2.10, section 5.3.2): polynomial 0x04c11db7, reflected, as in Ethernet.

/// The checksum of the octets so far. One bit at a time: a table of constants would cost 1 KiB of flash for 16 KiB of input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checksum(u32);

impl Checksum {
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    pub fn update(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 ^= u32::from(*octet);
            for _ in 0..8 {
                let bit = self.0 & 1;
                self.0 = (self.0 >> 1) ^ (0xedb8_8320 & bit.wrapping_neg());
            }
        }
    }

    pub const fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crc::{CRC_32_ISO_HDLC, Crc};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_that_of_the_library(octets: Vec<u8>, cut: prop::sample::Index) {
            let (first, second) = octets.split_at(cut.index(octets.len() + 1));
            let mut checksum = Checksum::new();
            checksum.update(first);
            checksum.update(second);
            let expected = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&octets);
            prop_assert_eq!(checksum.value(), expected);
        }
    }
}
