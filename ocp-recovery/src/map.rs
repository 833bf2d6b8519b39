//! Where the registers are.
//!
//! The I3C core describes itself by a chain of extended capabilities (i3c-core `doc/source/ext_cap.md`):
//! `EXT_CAPS_SECTION_OFFSET` points at the first header, each header has an id and a length, id 0 ends the
//! chain. Two generations differ in the length of the target transaction interface, and with it in the
//! place of all that follows. Offsets are octets from the CSR base.

use crate::bus::RegisterBus;
use crate::error::RecoveryError;

pub use crate::offsets::recovery;

/// `EXT_CAPS_SECTION_OFFSET`: where the chain of capabilities starts.
pub const EXT_CAPS_SECTION_OFFSET: u32 = 0x40;

/// First octet after PIOControl (0x80..=0xB3), whose registers hang the bus when touched.
const FIRST_SAFE_OFFSET: u32 = 0xB4;
/// Octets of the CSR block; a chain that leaves it is corrupt.
const BLOCK_LEN: u32 = 0x1000;
/// Headers looked at before the chain is called endless. Real cores have six.
const MAX_HEADERS: u32 = 16;

/// Capability ids of the chain.
pub mod cap_id {
    /// Ends the chain.
    pub const TERMINATION: u8 = 0x00;
    /// Controller configuration.
    pub const CONTROLLER_CONFIG: u8 = 0x02;
    /// Standby controller mode.
    pub const STANDBY_CONTROLLER: u8 = 0x12;
    /// Secure firmware recovery interface.
    pub const SECURE_FIRMWARE_RECOVERY: u8 = 0xC0;
    /// SoC management interface.
    pub const SOC_MANAGEMENT: u8 = 0xC1;
    /// Target transaction interface.
    pub const TARGET_TRANSACTION: u8 = 0xC4;
}

/// Registers of the SoC management interface, from the block's start.
pub mod soc_management {
    /// Bypass and payload-done.
    pub const REC_INTF_CFG: u32 = 0x0C;
    /// Sideband to the write-ones-clear fields of the recovery interface.
    pub const REC_INTF_REG_W1C_ACCESS: u32 = 0x10;

    /// Shortest block that holds the above, in units of 4 octets.
    pub(crate) const MIN_DWORDS: u32 = 0x05;
}

/// Registers of the target transaction interface, from the block's start.
pub mod tti {
    /// Resets of the queues.
    pub const RESET_CONTROL: u32 = 0x0C;
    /// The FIFO's input port in cores up to v1p4.
    pub const TX_DATA_PORT_V1P4: u32 = 0x28;
    /// The FIFO's input port in cores from v1p5.
    pub const TX_DATA_PORT_V1P5: u32 = 0x7C;

    /// Length of the block up to v1p4, in units of 4 octets.
    pub(crate) const DWORDS_V1P4: u32 = 0x10;
    /// Length of the block from v1p5, in units of 4 octets.
    pub(crate) const DWORDS_V1P5: u32 = 0x40;
}

/// The generation of the I3C core, told by the length of its target transaction interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreVersion {
    /// Up to v1p4: Caliptra SS 2.0.1, 2.1, 2.1.1.
    V1p4,
    /// From v1p5: Caliptra SS 2.0.2, 2.1.2 and later.
    V1p5,
}

/// Where the three blocks are that recovery needs, in octets from the CSR base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterMap {
    /// The core's generation.
    pub core: CoreVersion,
    /// Start of the secure firmware recovery interface.
    pub recovery: u32,
    /// Start of the target transaction interface.
    pub tti: u32,
    /// Start of the SoC management interface.
    pub soc_management: u32,
}

impl RegisterMap {
    /// The map of cores up to v1p4.
    pub const V1P4: Self = Self {
        core: CoreVersion::V1p4,
        recovery: 0x100,
        tti: 0x1C0,
        soc_management: 0x200,
    };
    /// The map of cores from v1p5.
    pub const V1P5: Self = Self {
        core: CoreVersion::V1p5,
        recovery: 0x100,
        tti: 0x200,
        soc_management: 0x300,
    };

    /// Finds the blocks by walking the chain of extended capabilities.
    ///
    /// # Errors
    /// When the chain leaves the CSR block, does not end, repeats a block, or lacks one that is needed.
    pub fn discover<B: RegisterBus>(bus: &mut B) -> Result<Self, RecoveryError> {
        let mut recovery = None;
        let mut tti = None;
        let mut soc_management = None;
        let mut offset = bus.read32(EXT_CAPS_SECTION_OFFSET);

        for _ in 0..MAX_HEADERS {
            if !(FIRST_SAFE_OFFSET..BLOCK_LEN).contains(&offset) || offset & 3 != 0 {
                return Err(RecoveryError::ExtCapsPointer { offset });
            }
            let header = bus.read32(offset);
            let id = (header & 0xFF) as u8;
            let dwords = (header >> 8) & 0xFFFF;
            if id == cap_id::TERMINATION {
                return Ok(Self {
                    core: match tti {
                        Some((_, tti::DWORDS_V1P4)) => CoreVersion::V1p4,
                        Some((_, _)) => CoreVersion::V1p5,
                        None => return Err(missing(cap_id::TARGET_TRANSACTION)),
                    },
                    recovery: recovery.ok_or(missing(cap_id::SECURE_FIRMWARE_RECOVERY))?,
                    tti: tti.map_or(0, |(offset, _)| offset),
                    soc_management: soc_management.ok_or(missing(cap_id::SOC_MANAGEMENT))?,
                });
            }
            let end = offset + 4 * dwords;
            let long_enough = match id {
                cap_id::SECURE_FIRMWARE_RECOVERY => dwords >= recovery::MIN_DWORDS,
                cap_id::SOC_MANAGEMENT => dwords >= soc_management::MIN_DWORDS,
                // The port's place follows from the length, so only known lengths will do.
                cap_id::TARGET_TRANSACTION => {
                    dwords == tti::DWORDS_V1P4 || dwords == tti::DWORDS_V1P5
                }
                _ => dwords != 0,
            };
            if !long_enough || end > BLOCK_LEN {
                return Err(RecoveryError::ExtCapLength { id, offset, dwords });
            }
            let repeated = match id {
                cap_id::SECURE_FIRMWARE_RECOVERY => recovery.replace(offset).is_some(),
                cap_id::SOC_MANAGEMENT => soc_management.replace(offset).is_some(),
                cap_id::TARGET_TRANSACTION => tti.replace((offset, dwords)).is_some(),
                _ => false,
            };
            if repeated {
                return Err(RecoveryError::ExtCapRepeated { id, offset });
            }
            offset = end;
        }
        Err(RecoveryError::ExtCapsEndless)
    }

    /// Offset of the FIFO's input port, `TTI_TX_DATA_PORT`.
    pub const fn tx_data_port(&self) -> u32 {
        self.tti
            + match self.core {
                CoreVersion::V1p4 => tti::TX_DATA_PORT_V1P4,
                CoreVersion::V1p5 => tti::TX_DATA_PORT_V1P5,
            }
    }

    /// Offset of `TTI_RESET_CONTROL`.
    pub const fn tti_reset_control(&self) -> u32 {
        self.tti + tti::RESET_CONTROL
    }

    /// Offset of `REC_INTF_CFG`.
    pub const fn rec_intf_cfg(&self) -> u32 {
        self.soc_management + soc_management::REC_INTF_CFG
    }

    /// Offset of `REC_INTF_REG_W1C_ACCESS`.
    pub const fn w1c_access(&self) -> u32 {
        self.soc_management + soc_management::REC_INTF_REG_W1C_ACCESS
    }
}

fn missing(id: u8) -> RecoveryError {
    RecoveryError::ExtCapMissing { id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Answers reads from a table, zero elsewhere; remembers what was read.
    #[derive(Default)]
    struct Table {
        words: HashMap<u32, u32>,
        read: Vec<u32>,
    }

    impl RegisterBus for Table {
        fn read32(&mut self, offset: u32) -> u32 {
            self.read.push(offset);
            self.words.get(&offset).copied().unwrap_or(0)
        }
        fn write32(&mut self, offset: u32, value: u32) {
            panic!("discovery wrote {value:#x} to {offset:#x}");
        }
    }

    fn discover(words: &[(u32, u32)]) -> Result<RegisterMap, RecoveryError> {
        let mut bus = Table {
            words: words.iter().copied().collect(),
            read: vec![],
        };
        RegisterMap::discover(&mut bus)
    }

    const CHAIN_V1P4: &[(u32, u32)] = &[
        (0x40, 0x100),
        (0x100, 0x0000_20C0),
        (0x180, 0x0000_1012),
        (0x1C0, 0x0000_10C4),
        (0x200, 0x0000_18C1),
        (0x260, 0x0000_0202),
        (0x268, 0x0000_0100),
    ];
    const CHAIN_V1P5: &[(u32, u32)] = &[
        (0x40, 0x100),
        (0x100, 0x0000_20C0),
        (0x180, 0x0000_2012),
        (0x200, 0x0000_40C4),
        (0x300, 0x0000_1AC1),
        (0x368, 0x0000_0202),
        (0x370, 0x0000_0100),
    ];

    #[test]
    fn both_generations_are_found() {
        let old = discover(CHAIN_V1P4).unwrap();
        assert_eq!(old, RegisterMap::V1P4);
        assert_eq!(
            [
                old.tx_data_port(),
                old.tti_reset_control(),
                old.rec_intf_cfg(),
                old.w1c_access()
            ],
            [0x1E8, 0x1CC, 0x20C, 0x210]
        );
        let new = discover(CHAIN_V1P5).unwrap();
        assert_eq!(new, RegisterMap::V1P5);
        assert_eq!(
            [
                new.tx_data_port(),
                new.tti_reset_control(),
                new.rec_intf_cfg(),
                new.w1c_access()
            ],
            [0x27C, 0x20C, 0x30C, 0x310]
        );
    }

    #[test]
    fn corrupt_chains_are_named() {
        use RecoveryError::*;
        assert_eq!(discover(&[]), Err(ExtCapsPointer { offset: 0 }));
        // PIOControl hangs the bus: a pointer into it is not followed.
        assert_eq!(
            discover(&[(0x40, 0x80)]),
            Err(ExtCapsPointer { offset: 0x80 })
        );
        assert_eq!(
            discover(&[(0x40, 0x102)]),
            Err(ExtCapsPointer { offset: 0x102 })
        );
        assert_eq!(
            discover(&[(0x40, 0x100), (0x100, 0xC0)]),
            Err(ExtCapLength {
                id: 0xC0,
                offset: 0x100,
                dwords: 0
            })
        );
        assert_eq!(
            discover(&[(0x40, 0x100), (0x100, 0x0000_30C4)]),
            Err(ExtCapLength {
                id: 0xC4,
                offset: 0x100,
                dwords: 0x30
            })
        );
        assert_eq!(
            discover(&[(0x40, 0x100), (0x100, 0x0000_20C0), (0x180, 0x0000_20C0)]),
            Err(ExtCapRepeated {
                id: 0xC0,
                offset: 0x180
            })
        );
        assert_eq!(
            discover(&[(0x40, 0x100), (0x100, 0x0000_20C0), (0x180, 0x0000_10C4)]),
            Err(ExtCapMissing { id: 0xC1 })
        );
        let ring: Vec<_> = (0..64)
            .map(|n| (0x100 + 4 * n, 0x0000_0155))
            .chain([(0x40, 0x100)])
            .collect();
        assert_eq!(discover(&ring), Err(ExtCapsEndless));
    }

    /// The registers that the crate names, as the RDL of the I3C core has them, in octets from 0x100.
    #[test]
    fn registers_are_where_the_core_has_them() {
        use recovery::*;
        let registers = [
            EXTCAP_HEADER,
            PROT_CAP_0,
            PROT_CAP_1,
            PROT_CAP_2,
            PROT_CAP_3,
            DEVICE_ID_0,
            DEVICE_ID_1,
        ];
        for (number, register) in (0..).zip(registers) {
            assert_eq!(register, 4 * number);
        }
        let registers = [
            DEVICE_ID_RESERVED,
            DEVICE_STATUS_0,
            DEVICE_STATUS_1,
            DEVICE_RESET,
            RECOVERY_CTRL,
            RECOVERY_STATUS,
            HW_STATUS,
            INDIRECT_FIFO_CTRL_0,
            INDIRECT_FIFO_CTRL_1,
            INDIRECT_FIFO_STATUS_0,
            INDIRECT_FIFO_STATUS_1,
            INDIRECT_FIFO_STATUS_2,
            INDIRECT_FIFO_STATUS_3,
            INDIRECT_FIFO_STATUS_4,
            INDIRECT_FIFO_RESERVED,
            INDIRECT_FIFO_DATA,
        ];
        for (number, register) in (0xB..).zip(registers) {
            assert_eq!(register, 4 * number);
        }
        assert_eq!(4 * MIN_DWORDS, INDIRECT_FIFO_DATA + 4);
    }

    #[test]
    fn a_block_may_touch_the_edge_and_not_cross_it() {
        // A last block that ends with the CSR block leaves no room for the header that ends the chain.
        for (dwords, expected) in [
            (0x3C0, RecoveryError::ExtCapsPointer { offset: 0x1000 }),
            (
                0x3C1,
                RecoveryError::ExtCapLength {
                    id: 0x55,
                    offset: 0x100,
                    dwords: 0x3C1,
                },
            ),
        ] {
            let chain = [(0x40, 0x100), (0x100, 0x55 | dwords << 8)];
            assert_eq!(discover(&chain), Err(expected));
        }
        // Pointers from right after PIOControl to the last word are followed.
        for (offset, good) in [(0xB0, false), (0xB4, true), (0xFFC, true), (0x1000, false)] {
            let found = discover(&[(0x40, offset)]);
            let expected = match good {
                true => missing(cap_id::TARGET_TRANSACTION),
                false => RecoveryError::ExtCapsPointer { offset },
            };
            assert_eq!(found, Err(expected), "{offset:#x}");
        }
    }

    #[test]
    fn each_block_has_a_least_length() {
        for (id, least) in [
            (cap_id::SECURE_FIRMWARE_RECOVERY, 0x1B),
            (cap_id::SOC_MANAGEMENT, 5),
        ] {
            for dwords in [least - 1, least] {
                let header = u32::from(id) | dwords << 8;
                let found = discover(&[(0x40, 0x100), (0x100, header)]);
                let expected = match dwords < least {
                    true => RecoveryError::ExtCapLength {
                        id,
                        offset: 0x100,
                        dwords,
                    },
                    // The next word reads 0, which ends the chain.
                    false => missing(cap_id::TARGET_TRANSACTION),
                };
                assert_eq!(found, Err(expected));
            }
        }
        // Sixteen headers are looked at, of which the last one may end the chain.
        for (blocks, good) in [(15, true), (16, false)] {
            let mut chain = vec![(0x40, 0x100)];
            chain.extend((0..blocks).map(|n| (0x100 + 4 * n, 0x0000_0155)));
            let expected = match good {
                true => missing(cap_id::TARGET_TRANSACTION),
                false => RecoveryError::ExtCapsEndless,
            };
            assert_eq!(discover(&chain), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_chains_end_and_stay_in_the_block(words in prop::collection::vec(any::<u32>(), 1024)) {
            let mut words: HashMap<u32, u32> = (0u32..).map(|n| 4 * n).zip(words).collect();
            // Make the headers plausible enough to be followed.
            for word in words.values_mut() {
                *word &= 0x0000_07FF;
            }
            words.insert(0x40, 0x100);
            let mut bus = Table { words, read: vec![] };
            let _ = RegisterMap::discover(&mut bus);
            prop_assert!(bus.read.len() <= 17);
            prop_assert!(bus.read.iter().all(|at| *at == 0x40 || (0xB4..0x1000).contains(at)));
        }
    }
}
