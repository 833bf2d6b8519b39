//! Loads and stores of the agent.

use crate::fifo::Push;
use crate::model::RecoveryModel;
use crate::outcome::StallKind;
use crate::registers::header;
use netboot_core::Instant;
use ocp_recovery::fields::RecIntfCfg;
use ocp_recovery::map::{
    CoreVersion, EXT_CAPS_SECTION_OFFSET, RegisterMap, cap_id, recovery, soc_management,
};

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
