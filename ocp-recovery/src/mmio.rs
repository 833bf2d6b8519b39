//! The register bus of a real SoC: volatile 32-bit loads and stores.
//!
//! The only module of the crate with `unsafe`. No reference to device memory is ever made; each access
//! is a raw volatile one, so the compiler can neither merge, repeat nor drop it.
#![allow(unsafe_code)]

use crate::bus::RegisterBus;

/// Octets of the CSR block that may be reached: 4 KiB, more than either core generation uses.
const BLOCK_LEN: u32 = 0x1000;

/// The CSR block of an I3C core at an address.
#[derive(Debug)]
pub struct MmioBus {
    base: usize,
}

impl MmioBus {
    /// The block whose first register is at address `base` (Caliptra SS: `0x2000_4000`).
    ///
    /// # Safety
    /// For as long as the value lives, the 4 KiB from `base` must be mapped as device memory of an I3C
    /// core, `base` must be a multiple of 4, and nothing else may drive the same registers.
    pub const unsafe fn new(base: usize) -> Self {
        Self { base }
    }

    /// The address of a register. Offsets that are unaligned or leave the block, which only a bug could
    /// produce, fall back onto the block's first register: its version, harmless to read or write.
    fn address(&self, offset: u32) -> *mut u32 {
        let offset = if offset < BLOCK_LEN && offset.is_multiple_of(4) {
            offset as usize
        } else {
            0
        };
        self.base.wrapping_add(offset) as *mut u32
    }
}

impl RegisterBus for MmioBus {
    #[inline(never)]
    fn read32(&mut self, offset: u32) -> u32 {
        // SAFETY: the address is aligned and inside the block that `new` was promised.
        unsafe { self.address(offset).read_volatile() }
    }

    #[inline(never)]
    fn write32(&mut self, offset: u32, value: u32) {
        // SAFETY: the address is aligned and inside the block that `new` was promised.
        unsafe { self.address(offset).write_volatile(value) }
    }

    fn write_repeated(&mut self, offset: u32, words: &[[u8; 4]]) {
        let port = self.address(offset);
        // Payloads are mostly aligned: then a word is one load and one store.
        if let Ok(words) = <[u32] as zerocopy::FromBytes>::ref_from_bytes(words.as_flattened()) {
            for word in words {
                // SAFETY: the address is aligned and inside the block that `new` was promised.
                unsafe { port.write_volatile(u32::from_le(*word)) }
            }
        } else {
            for word in words {
                // SAFETY: the address is aligned and inside the block that `new` was promised.
                unsafe { port.write_volatile(u32::from_le_bytes(*word)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ordinary memory in place of the CSR block, and one word behind it that shows a write that leaves the block.
    fn with_memory(test: impl FnOnce(&mut MmioBus)) -> [u32; 1025] {
        let mut memory = [0u32; 1025];
        // SAFETY: more than 4 KiB of aligned memory that nothing else touches while the bus lives.
        let mut bus = unsafe { MmioBus::new(memory.as_mut_ptr() as usize) };
        test(&mut bus);
        memory
    }

    #[test]
    fn words_go_where_they_belong_whatever_their_alignment() {
        for skew in 0..4 {
            let mut octets = [0u8; 16];
            for (value, octet) in (0u8..).zip(&mut octets) {
                *octet = value;
            }
            let memory = with_memory(|bus| {
                bus.write32(0x13C, 0x1234_5678);
                assert_eq!(bus.read32(0x13C), 0x1234_5678);
                let (words, _) = octets[skew..].as_chunks::<4>();
                bus.write_repeated(0x27C, words);
            });
            let last = octets[skew..].as_chunks::<4>().0.last().unwrap();
            assert_eq!(memory[0x27C / 4], u32::from_le_bytes(*last));
            assert_eq!(memory.iter().filter(|word| **word != 0).count(), 2);
        }
    }

    #[test]
    fn offsets_cannot_leave_the_block() {
        let memory = with_memory(|bus| {
            bus.write32(0x1000, 1);
            bus.write32(0xFFFF_FFFC, 2);
            bus.write32(0x13D, 3);
        });
        assert_eq!(memory[0], 3);
        assert!(memory[1..].iter().all(|word| *word == 0));
    }

    #[test]
    fn each_offset_has_its_place_or_the_first_one() {
        for (offset, place) in [
            (0, 0),
            (4, 1),
            (0xFFC, 0x3FF),
            (0x1000, 0),
            (0x1001, 0),
            (0xFFD, 0),
            (2, 0),
            (u32::MAX, 0),
        ] {
            let memory = with_memory(|bus| {
                bus.write32(offset, 7);
                assert_eq!(bus.read32(offset), 7);
            });
            let found = memory.iter().position(|word| *word == 7);
            assert_eq!(found, Some(place), "{offset:#x}");
            assert_eq!(memory.iter().filter(|word| **word != 0).count(), 1);
        }
    }
}
