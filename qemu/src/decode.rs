//! RISC-V loads and stores, as far as compiled code uses them on device registers: RV32I and the C
//! extension (The RISC-V Instruction Set Manual, volume I, chapters 2.6 and "C").

/// A decoded access. Registers are numbered 0 to 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A word is loaded into register `rd`.
    Load {
        /// Destination.
        rd: u8,
    },
    /// The word in register `rs2` is stored.
    Store {
        /// Source.
        rs2: u8,
    },
}

/// An access, and how long its instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What it does.
    pub access: Access,
    /// Octets of the instruction, 2 or 4.
    pub length: u32,
}

/// Decodes a load or store of a 32-bit word. `None` for any other instruction, and for accesses of
/// another width, which the register block does not take.
///
/// `instruction` holds the 16 bits at the program counter in its lower half and the following 16 in
/// its upper half.
pub fn decode(instruction: u32) -> Option<Decoded> {
    let field = |shift: u32| ((instruction >> shift) & 0x1f) as u8;
    // Three-bit register fields of the C extension name x8 to x15.
    let compact = |shift: u32| 8 + ((instruction >> shift) & 0x7) as u8;
    let funct3_c = (instruction >> 13) & 0x7;
    let (access, length) = match instruction & 0x3 {
        0x0 => match funct3_c {
            // C.LW, C.SW
            0x2 => (Access::Load { rd: compact(2) }, 2),
            0x6 => (Access::Store { rs2: compact(2) }, 2),
            _ => return None,
        },
        0x2 => match funct3_c {
            // C.LWSP (rd = 0 is reserved), C.SWSP
            0x2 if field(7) != 0 => (Access::Load { rd: field(7) }, 2),
            0x6 => (Access::Store { rs2: field(2) }, 2),
            _ => return None,
        },
        0x3 => {
            let word = (instruction >> 12) & 0x7 == 0x2;
            match instruction & 0x7f {
                // LW, SW
                0x03 if word => (Access::Load { rd: field(7) }, 4),
                0x23 if word => (Access::Store { rs2: field(20) }, 4),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Decoded { access, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(rd: u8, length: u32) -> Option<Decoded> {
        let access = Access::Load { rd };
        Some(Decoded { access, length })
    }

    fn store(rs2: u8, length: u32) -> Option<Decoded> {
        let access = Access::Store { rs2 };
        Some(Decoded { access, length })
    }

    /// Encodings by the GNU assembler.
    #[test]
    fn words() {
        assert_eq!(decode(0x0305_2603), load(12, 4)); // lw a2, 48(a0)
        assert_eq!(decode(0x0000_2f83), load(31, 4)); // lw t6, 0(zero)
        assert_eq!(decode(0x26c5_2e23), store(12, 4)); // sw a2, 636(a0)
        assert_eq!(decode(0x01f0_2023), store(31, 4)); // sw t6, 0(zero)
    }

    #[test]
    fn compressed_words_ignore_what_follows() {
        assert_eq!(decode(0xffff_4110), load(12, 2)); // c.lw a2, 0(a0)
        assert_eq!(decode(0xffff_c110), store(12, 2)); // c.sw a2, 0(a0)
        assert_eq!(decode(0xffff_4fa2), load(31, 2)); // c.lwsp t6, 8(sp)
        assert_eq!(decode(0xffff_c47e), store(31, 2)); // c.swsp t6, 8(sp)
    }

    #[test]
    fn other_widths_and_instructions_are_refused() {
        assert_eq!(decode(0x0005_0603), None); // lb a2, 0(a0)
        assert_eq!(decode(0x0005_5603), None); // lhu a2, 0(a0)
        assert_eq!(decode(0x00c5_0023), None); // sb a2, 0(a0)
        assert_eq!(decode(0x00c5_8633), None); // add a2, a1, a2
        assert_eq!(decode(0x0000_0001), None); // c.nop
        assert_eq!(decode(0x0000_4002), None); // c.lwsp with rd = 0: reserved
        assert_eq!(decode(0), None); // defined illegal
    }
}
