//! The registers with their access types, as the AXI side sees them (i3c-core RDL).

use crate::fifo::{FIFO_WORDS, Fifo};
use ocp_recovery::fields::{MAGIC, RecoveryCtrl};
use ocp_recovery::map::{CoreVersion, cap_id, recovery};

/// Number of words in the longer SoC management block.
const SOC_WORDS: usize = 0x1A;

/// The registers that hold a value. The others are constants or come from the FIFO.
#[derive(Clone, Debug)]
pub(crate) struct Registers {
    pub(crate) prot_cap_2: u32,
    pub(crate) prot_cap_3: u32,
    pub(crate) device_id: [u32; 6],
    pub(crate) device_status_0: u32,
    pub(crate) device_status_1: u32,
    pub(crate) device_reset: u32,
    pub(crate) recovery_ctrl: u32,
    pub(crate) recovery_status: u32,
    pub(crate) hw_status: u32,
    pub(crate) fifo_cms: u32,
    pub(crate) image_size: u32,
    pub(crate) rec_intf_cfg: u32,
    /// SoC management registers, which hold what is written and have no effect in the model.
    pub(crate) soc: [u32; SOC_WORDS],
}

impl Registers {
    /// Makes registers with their reset values.
    pub(crate) const fn new() -> Self {
        let mut soc = [0; SOC_WORDS];
        // T_FREE, T_AVAL, T_IDLE; T_HDR_TIMEOUT.
        soc[0x14] = 0xC;
        soc[0x15] = 0x12C;
        soc[0x16] = 0xEA60;
        soc[0x18] = 0xEA60;
        Self {
            prot_cap_2: 0,
            prot_cap_3: 0,
            device_id: [0; 6],
            device_status_0: 0,
            device_status_1: 0,
            device_reset: 0,
            recovery_ctrl: 0,
            recovery_status: 0,
            hw_status: 0,
            fifo_cms: 0,
            image_size: 0,
            rec_intf_cfg: 0,
            soc,
        }
    }

    pub(crate) const fn activated(&self) -> bool {
        RecoveryCtrl(self.recovery_ctrl).activation_pending()
    }

    pub(crate) fn read_recovery(&mut self, register: u32, fifo: &Fifo) -> u32 {
        match register {
            recovery::DEVICE_STATUS_0 => {
                let value = self.device_status_0;
                // PROT_ERROR is cleared by each read.
                self.device_status_0 &= !0x0000_FF00;
                value
            }
            recovery::RECOVERY_STATUS => self.recovery_status,
            recovery::INDIRECT_FIFO_STATUS_0 => {
                u32::from(fifo.is_empty()) | (u32::from(fifo.is_full()) << 1)
            }
            recovery::RECOVERY_CTRL => self.recovery_ctrl,
            recovery::EXTCAP_HEADER => header(cap_id::SECURE_FIRMWARE_RECOVERY, 0x20),
            recovery::PROT_CAP_0 => MAGIC[0],
            recovery::PROT_CAP_1 => MAGIC[1],
            recovery::PROT_CAP_2 => self.prot_cap_2,
            recovery::PROT_CAP_3 => self.prot_cap_3,
            recovery::DEVICE_ID_0..recovery::DEVICE_ID_RESERVED => self
                .device_id
                .get(((register - recovery::DEVICE_ID_0) / 4) as usize)
                .copied()
                .unwrap_or(0),
            recovery::DEVICE_STATUS_1 => self.device_status_1,
            recovery::DEVICE_RESET => self.device_reset,
            recovery::HW_STATUS => self.hw_status,
            recovery::INDIRECT_FIFO_CTRL_0 => self.fifo_cms,
            recovery::INDIRECT_FIFO_CTRL_1 => self.image_size,
            recovery::INDIRECT_FIFO_STATUS_1 => fifo.write_index,
            recovery::INDIRECT_FIFO_STATUS_2 => fifo.read_index,
            recovery::INDIRECT_FIFO_STATUS_3 | recovery::INDIRECT_FIFO_STATUS_4 => FIFO_WORDS,
            _ => 0,
        }
    }

    /// Does a plain write. The model does the side effects.
    pub(crate) fn write_recovery(&mut self, register: u32, value: u32) {
        match register {
            recovery::PROT_CAP_2 => self.prot_cap_2 = value,
            recovery::PROT_CAP_3 => self.prot_cap_3 = value & 0x00FF_FFFF,
            recovery::DEVICE_ID_0..recovery::DEVICE_ID_RESERVED => {
                let word = ((register - recovery::DEVICE_ID_0) / 4) as usize;
                if let Some(slot) = self.device_id.get_mut(word) {
                    *slot = value;
                }
            }
            recovery::DEVICE_STATUS_0 => self.device_status_0 = value,
            recovery::DEVICE_STATUS_1 => self.device_status_1 = value,
            recovery::DEVICE_RESET => {
                let kept = self.device_reset & 0xFF & !value;
                self.device_reset = kept | (value & 0x00FF_FF00);
            }
            recovery::RECOVERY_CTRL => {
                let kept = self.recovery_ctrl & 0x00FF_0000 & !value;
                self.recovery_ctrl = kept | (value & 0x0000_FFFF);
            }
            recovery::RECOVERY_STATUS => self.recovery_status = value & 0xFFFF,
            recovery::HW_STATUS => self.hw_status = value,
            recovery::INDIRECT_FIFO_CTRL_0 => self.fifo_cms = value & 0xFF,
            recovery::INDIRECT_FIFO_CTRL_1 => self.image_size = value,
            _ => {}
        }
    }

    pub(crate) fn write_soc(&mut self, register: u32, value: u32, core: CoreVersion) {
        let mask = match register {
            0x04 | 0x08 | 0x14..=0x20 | 0x50..=0x58 => u32::MAX,
            0x2C..=0x4C => 0x000F_FFFF,
            0x5C if core == CoreVersion::V1p5 => 1,
            0x60 if core == CoreVersion::V1p5 => 0x000F_FFFF,
            _ => return,
        };
        if let Some(slot) = self.soc.get_mut((register / 4) as usize) {
            *slot = value & mask;
        }
    }
}

/// The header of a capability with this number and length in words.
pub(crate) const fn header(id: u8, dwords: u32) -> u32 {
    id as u32 | (dwords << 8)
}
