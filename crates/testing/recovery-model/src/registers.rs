//! The registers with their access types, as the AXI side sees them (i3c-core RDL).

use crate::fifo::{FIFO_WORDS, Fifo, Push};
use crate::model::{RecoveryModel, StallKind};
use netboot_core::Instant;
use ocp_recovery::fields::{MAGIC, RecIntfCfg, RecoveryCtrl};
use ocp_recovery::map::{
    CoreVersion, EXT_CAPS_SECTION_OFFSET, RegisterMap, cap_id, recovery, soc_management,
};

/// Number of words in the longer SoC management block.
const SOC_WORDS: usize = 0x1A;

/// The registers that hold a value. The others are constants or come from the FIFO.
#[derive(Clone, Debug)]
pub(crate) struct Registers {
    pub(crate) prot_cap_2: u32,
    pub(crate) prot_cap_3: u32,
    device_id: [u32; 6],
    pub(crate) device_status_0: u32,
    device_status_1: u32,
    device_reset: u32,
    pub(crate) recovery_ctrl: u32,
    pub(crate) recovery_status: u32,
    hw_status: u32,
    fifo_cms: u32,
    pub(crate) image_size: u32,
    rec_intf_cfg: u32,
    /// SoC management registers, which hold what is written and have no effect in the model.
    soc: [u32; SOC_WORDS],
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

    fn read_recovery(&mut self, register: u32, fifo: &Fifo) -> u32 {
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
    fn write_recovery(&mut self, register: u32, value: u32) {
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

    fn write_soc(&mut self, register: u32, value: u32, core: CoreVersion) {
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

const fn header(id: u8, dwords: u32) -> u32 {
    id as u32 | (dwords << 8)
}

/// The block that an offset is in.
enum Place {
    /// The registers before the capabilities, with the offset from the CSR base.
    Base(u32),
    /// The secure firmware recovery interface, with the offset from its start.
    Recovery(u32),
    /// The standby controller mode, with the offset from its start.
    Standby(u32),
    /// The target transaction interface, with the offset from its start.
    Tti(u32),
    /// The SoC management interface, with the offset from its start.
    Soc(u32),
    /// Controller configuration and termination, with the offset from their start.
    Tail(u32),
}

/// Lengths in words of standby, target transaction and SoC management block, which differ between the generations.
const fn lengths(core: CoreVersion) -> (u32, u32, u32) {
    match core {
        CoreVersion::V1p4 => (0x10, 0x10, 0x18),
        CoreVersion::V1p5 => (0x20, 0x40, 0x1A),
    }
}

fn place(map: &RegisterMap, offset: u32) -> Result<Place, StallKind> {
    if offset & 3 != 0 {
        return Err(StallKind::Unaligned);
    }
    let (_, _, soc_words) = lengths(map.core);
    let soc_end = map.soc_management + 4 * soc_words;
    Ok(match offset {
        0x80..=0xB3 => return Err(StallKind::PioControl),
        _ if offset >= soc_end => match offset - soc_end {
            register @ 0..=0x08 => Place::Tail(register),
            _ => return Err(StallKind::Unmapped),
        },
        _ if offset >= map.soc_management => Place::Soc(offset - map.soc_management),
        _ if offset >= map.tti => Place::Tti(offset - map.tti),
        0x180.. => Place::Standby(offset - 0x180),
        _ if offset >= map.recovery => Place::Recovery(offset - map.recovery),
        0..=0x7F => Place::Base(offset),
        _ => return Err(StallKind::Unmapped),
    })
}

impl RecoveryModel {
    /// Does a load by the agent, at `offset` octets from the CSR base.
    pub fn read(&mut self, now: Instant, offset: u32) -> u32 {
        self.tick(now);
        if self.stall.is_some() {
            return 0;
        }
        let (standby_words, tti_words, soc_words) = lengths(self.map.core);
        match place(&self.map, offset) {
            Ok(Place::Recovery(recovery::INDIRECT_FIFO_DATA)) => {
                self.latch_stall(StallKind::FifoDataRead, offset, None);
                0
            }
            Ok(Place::Recovery(register)) => self.registers.read_recovery(register, &self.fifo),
            Ok(Place::Soc(soc_management::REC_INTF_CFG)) => self.registers.rec_intf_cfg,
            Ok(Place::Soc(0)) => header(cap_id::SOC_MANAGEMENT, soc_words),
            Ok(Place::Soc(register)) => {
                let hidden = self.map.core == CoreVersion::V1p4 && register >= 0x5C;
                match self.registers.soc.get((register / 4) as usize) {
                    Some(value) if !hidden => *value,
                    _ => 0,
                }
            }
            Ok(Place::Tti(0)) => header(cap_id::TARGET_TRANSACTION, tti_words),
            Ok(Place::Standby(0)) => header(cap_id::STANDBY_CONTROLLER, standby_words),
            Ok(Place::Tail(0)) => header(cap_id::CONTROLLER_CONFIG, 2),
            Ok(Place::Tail(0x08)) => header(cap_id::TERMINATION, 1),
            Ok(Place::Base(EXT_CAPS_SECTION_OFFSET)) => self.map.recovery,
            Ok(_) => 0,
            Err(kind) => {
                self.latch_stall(kind, offset, None);
                0
            }
        }
    }

    /// Does a store by the agent, at `offset` octets from the CSR base.
    pub fn write(&mut self, now: Instant, offset: u32, value: u32) {
        self.tick(now);
        if self.stall.is_some() {
            return;
        }
        if offset == self.map.tx_data_port() {
            self.push(offset, value);
            return;
        }
        match place(&self.map, offset) {
            Ok(Place::Recovery(register)) => {
                self.registers.write_recovery(register, value);
                if register == recovery::INDIRECT_FIFO_CTRL_0 && (value >> 8) & 0xFF == 1 {
                    self.fifo.reset();
                }
            }
            Ok(Place::Soc(soc_management::REC_INTF_CFG)) => {
                // Bypass is one way until reset.
                let bypass = (self.registers.rec_intf_cfg | value) & RecIntfCfg::BYPASS;
                self.registers.rec_intf_cfg = bypass | (value & RecIntfCfg::PAYLOAD_DONE);
            }
            Ok(Place::Soc(soc_management::REC_INTF_REG_W1C_ACCESS)) => self.sideband(value),
            Ok(Place::Soc(register)) => {
                self.registers.write_soc(register, value, self.map.core);
                return;
            }
            Ok(_) => return,
            Err(kind) => {
                self.latch_stall(kind, offset, Some(value));
                return;
            }
        }
        self.settle();
        self.react(self.now);
    }

    /// Takes a word at the FIFO's input port.
    fn push(&mut self, offset: u32, value: u32) {
        if self.registers.rec_intf_cfg & RecIntfCfg::BYPASS == 0 {
            self.latch_stall(StallKind::NotBypassed, offset, Some(value));
            return;
        }
        match self.fifo.push(value) {
            Push::Accepted => {
                self.settle();
                if self.fifo.payload_available {
                    self.react(self.now);
                }
            }
            Push::Dropped => {
                self.tally.dropped_words = self.tally.dropped_words.saturating_add(1);
                if let Some(record) = self.record() {
                    record.dropped_words = record.dropped_words.saturating_add(1);
                }
            }
            Push::Stalled => self.latch_stall(StallKind::WriteWindow, offset, Some(value)),
        }
    }

    /// Does a write to REC_INTF_REG_W1C_ACCESS: fields that are not zero are written through, then read as zero.
    fn sideband(&mut self, value: u32) {
        let reset_ctrl = value & 0xFF;
        if reset_ctrl != 0 {
            self.registers.device_reset = (self.registers.device_reset & !0xFF) | reset_ctrl;
        }
        let activate = (value >> 8) & 0xFF;
        if activate != 0 {
            self.registers.recovery_ctrl =
                (self.registers.recovery_ctrl & !0x00FF_0000) | (activate << 16);
        }
        if (value >> 16) & 0xFF == 1 {
            self.fifo.reset();
        }
    }

    /// Lets the hardware follow a change.
    pub(crate) fn settle(&mut self) {
        let done = self.registers.rec_intf_cfg & RecIntfCfg::PAYLOAD_DONE != 0;
        let activated = self.registers.activated();
        if !self.fifo.settle(done, activated) {
            self.registers.rec_intf_cfg &= !RecIntfCfg::PAYLOAD_DONE;
        }
    }
}
