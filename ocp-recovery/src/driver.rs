//! What may be done to the registers, one method each.
//!
//! The driver knows the rules of access, the [agent](crate::agent) knows the order of events. Two things
//! are missing here on purpose: there is no way to write RECOVERY_CTRL or DEVICE_RESET, whose
//! write-ones-clear fields a read-modify-write destroys, and no way to read INDIRECT_FIFO_DATA, which
//! would take a word away from the device.

use crate::bus::RegisterBus;
use crate::command::Command;
use crate::error::RecoveryError;
use crate::fault::BusFault;
use crate::fields::{
    DeviceStatus0, FifoStatus0, MAGIC, ProtCap2, RecIntfCfg, RecoveryCtrl, RecoveryStatus,
    tti_reset, w1c_access,
};
use crate::map::{RegisterMap, recovery};

/// Longest burst in words, whatever the registers say. The I3C core has 64.
const MAX_BURST_WORDS: u32 = 1024;

/// Register-level driver of the recovery interface in AXI bypass mode.
#[derive(Debug)]
pub struct RecoveryDriver<B> {
    bus: B,
    map: RegisterMap,
    /// The code of the command behind the last write; 0 when nothing was written.
    written: u8,
}

impl<B: RegisterBus> RecoveryDriver<B> {
    /// Finds the registers and checks the magic string. Writes nothing.
    ///
    /// # Errors
    /// When the capability chain is corrupt or lacks a block, or PROT_CAP is not "OCP RECV".
    pub fn new(mut bus: B) -> Result<Self, RecoveryError> {
        let map = RegisterMap::discover(&mut bus)?;
        let found = [
            bus.read32(map.recovery + recovery::PROT_CAP_0),
            bus.read32(map.recovery + recovery::PROT_CAP_1),
        ];
        if found != MAGIC {
            return Err(RecoveryError::BadMagic { found });
        }
        Ok(Self::with_map(bus, map))
    }

    /// Takes registers whose places are known, and reads nothing.
    pub const fn with_map(bus: B, map: RegisterMap) -> Self {
        Self {
            bus,
            map,
            written: 0,
        }
    }

    /// Where the registers are.
    pub fn map(&self) -> &RegisterMap {
        &self.map
    }

    /// The bus, for registers that are not the driver's.
    pub fn bus_mut(&mut self) -> &mut B {
        &mut self.bus
    }

    /// Whether the bus can fail.
    pub fn can_fail(&self) -> bool {
        self.bus.can_fail()
    }

    /// Why accesses since the last call failed, for a bus that can fail.
    pub fn take_fault(&mut self) -> Option<BusFault> {
        self.bus.take_fault()
    }

    /// Whether an access failed since the last [`take_fault`](Self::take_fault).
    pub fn has_fault(&self) -> bool {
        self.bus.has_fault()
    }

    /// The command that a protocol error belongs to which was just read: the one that the bus knows, or the one behind the
    /// last write. 0 when nothing was written yet.
    pub fn protocol_error_command(&self) -> u8 {
        match self.bus.protocol_error_command() {
            Some(command) => command.code(),
            None => self.written,
        }
    }

    /// Drops what the bus has not carried to the device yet, for an image that was given up.
    pub fn give_up(&mut self) {
        self.bus.give_up();
    }

    fn read(&mut self, register: u32) -> u32 {
        self.bus.read32(self.map.recovery + register)
    }

    /// Protocol version and capabilities; zero until the device's firmware wrote them.
    pub fn prot_cap(&mut self) -> ProtCap2 {
        ProtCap2(self.read(recovery::PROT_CAP_2))
    }

    /// Device status. **Clears the protocol error in the device**: keep the value.
    pub fn device_status(&mut self) -> DeviceStatus0 {
        DeviceStatus0(self.read(recovery::DEVICE_STATUS_0))
    }

    /// Recovery status and image index.
    pub fn recovery_status(&mut self) -> RecoveryStatus {
        RecoveryStatus(self.read(recovery::RECOVERY_STATUS))
    }

    /// The activation field, read only.
    pub fn recovery_ctrl(&mut self) -> RecoveryCtrl {
        RecoveryCtrl(self.read(recovery::RECOVERY_CTRL))
    }

    /// Whether the FIFO is empty or full.
    pub fn fifo_status(&mut self) -> FifoStatus0 {
        FifoStatus0(self.read(recovery::INDIRECT_FIFO_STATUS_0))
    }

    /// Words that may be written after the FIFO was seen empty: MAX_TRANSFER_SIZE, no more than FIFO_SIZE.
    ///
    /// # Errors
    /// When either is zero.
    pub fn burst_words(&mut self) -> Result<u32, RecoveryError> {
        let fifo_size = self.read(recovery::INDIRECT_FIFO_STATUS_3);
        let max_transfer = self.read(recovery::INDIRECT_FIFO_STATUS_4);
        match fifo_size.min(max_transfer) {
            0 => Err(RecoveryError::FifoGeometry {
                fifo_size,
                max_transfer,
            }),
            words => Ok(words.min(MAX_BURST_WORDS)),
        }
    }

    /// Bypass and PAYLOAD_DONE.
    pub fn interface_config(&mut self) -> RecIntfCfg {
        RecIntfCfg(self.bus.read32(self.map.rec_intf_cfg()))
    }

    /// Routes the FIFO to the AXI side with PAYLOAD_DONE clear, and reads back what became of it.
    /// Bypass stays on until the core is reset (axi_recovery_flow.md).
    pub fn clear_payload_done(&mut self) -> RecIntfCfg {
        // The register holds nothing but these two bits, so a plain write loses nothing.
        self.bus
            .write32(self.map.rec_intf_cfg(), RecIntfCfg::BYPASS);
        self.interface_config()
    }

    /// Says that the last word was written. Not read back: the core clears the bit by itself when the
    /// FIFO is full, after it has served its purpose (`recovery_executor.sv`).
    pub fn set_payload_done(&mut self) {
        self.bus.write32(
            self.map.rec_intf_cfg(),
            RecIntfCfg::BYPASS | RecIntfCfg::PAYLOAD_DONE,
        );
    }

    /// Declares the image's size in words of 4 octets.
    pub fn set_image_size(&mut self, words: u32) {
        self.written = Command::IndirectFifoCtrl.code();
        self.bus
            .write32(self.map.recovery + recovery::INDIRECT_FIFO_CTRL_1, words);
    }

    /// Writes words into the FIFO. Only inside a burst that began with an empty FIFO: outside of it a
    /// word is lost without a sign, or the bus stalls for good (`recovery_handler.sv`).
    pub fn write_fifo(&mut self, words: &[[u8; 4]]) {
        self.written = Command::IndirectFifoData.code();
        self.bus.write_repeated(self.map.tx_data_port(), words);
    }

    /// Writes one word into the FIFO; as for [`write_fifo`](Self::write_fifo).
    pub fn write_fifo_word(&mut self, word: u32) {
        self.written = Command::IndirectFifoData.code();
        self.bus.write32(self.map.tx_data_port(), word);
    }

    /// Tells the device to activate the image that it holds. Through the sideband register, because the
    /// field itself cannot be set by a write.
    pub fn activate(&mut self) {
        self.written = Command::RecoveryCtrl.code();
        self.bus
            .write32(self.map.w1c_access(), w1c_access::ACTIVATE);
    }

    /// Empties the transmit queue and the FIFO, after an image was abandoned. The queue first, or what
    /// is in it would flow into the FIFO that was just emptied.
    pub fn reset_fifo(&mut self) {
        self.written = Command::IndirectFifoCtrl.code();
        self.bus
            .write32(self.map.tti_reset_control(), tti_reset::TX_DATA);
        self.bus
            .write32(self.map.w1c_access(), w1c_access::FIFO_RESET);
    }
}
