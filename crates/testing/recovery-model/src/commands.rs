//! The device as OCP commands see it: what the I3C core does with a command that came over a bus.
//!
//! The core keeps one thing that registers do not show: a protocol error, until DEVICE_STATUS is read. It tells the device
//! by itself when the last word of an image is in the FIFO, and takes a block of the FIFO whole or not at all (i3c-core
//! `recovery_flow.md`).

use crate::fifo::FIFO_WORDS;
use crate::model::RecoveryModel;
use netboot_core::Instant;
use ocp_recovery::command::{Command, MAX_DATA, Scope};
use ocp_recovery::fields::{
    DeviceStatus0, RecIntfCfg, RecoveryCtrl, device_status, protocol_error, w1c_access,
};
use ocp_recovery::map::recovery;

/// The bus's side of the I3C core.
#[derive(Clone, Debug, Default)]
pub struct CommandTarget {
    protocol_error: u8,
    /// Words of the image that are still to come.
    words_left: u32,
    /// Number of vendor octets at the end of DEVICE_STATUS.
    pub vendor_octets: u8,
}

impl CommandTarget {
    /// Makes the core remember a protocol error until DEVICE_STATUS is read.
    pub fn fail(&mut self, protocol_error: u8) {
        self.protocol_error = protocol_error;
    }

    /// Returns whether the device serves `command` now.
    fn serves(model: &RecoveryModel, command: Command) -> bool {
        let status = DeviceStatus0(model.registers.device_status_0).status();
        // The core shows RECOVERY_STATUS in any state.
        command.scope() == Scope::Always
            || command == Command::RecoveryStatus
            || status == device_status::RECOVERY_MODE
    }

    /// The words of an image come over the bus here, and over AXI in the model.
    fn open(&mut self, model: &mut RecoveryModel, now: Instant) {
        model.tick(now);
        let config = model.map.rec_intf_cfg();
        if model.read(now, config) & RecIntfCfg::BYPASS == 0 {
            self.words_left = 0;
            model.write(now, config, RecIntfCfg::BYPASS);
        }
    }

    /// Does a write. What the device does not take it tells as a protocol error.
    pub fn write(&mut self, model: &mut RecoveryModel, now: Instant, code: u8, data: &[u8]) {
        self.open(model, now);
        let Some(command) =
            Command::from_code(code).filter(|command| Self::serves(model, *command))
        else {
            return self.fail(protocol_error::UNSUPPORTED);
        };
        let base = model.map.recovery;
        match (command, data) {
            (Command::IndirectFifoCtrl, [cms, reset, a, b, c, d]) => {
                self.words_left = u32::from_le_bytes([*a, *b, *c, *d]);
                model.write(now, model.map.rec_intf_cfg(), RecIntfCfg::BYPASS);
                let control = u32::from(*cms) | u32::from(*reset) << 8;
                model.write(now, base + recovery::INDIRECT_FIFO_CTRL_0, control);
                model.write(now, base + recovery::INDIRECT_FIFO_CTRL_1, self.words_left);
            }
            (Command::IndirectFifoData, [_, ..]) => self.fill(model, now, data),
            (Command::RecoveryCtrl, [_, 3..=255, _]) => self.fail(protocol_error::PARAMETER),
            (Command::RecoveryCtrl, [cms, selection, activate]) => {
                let lower = u32::from(*cms) | u32::from(*selection) << 8;
                model.write(now, base + recovery::RECOVERY_CTRL, lower);
                if *activate == RecoveryCtrl::ACTIVATE {
                    model.write(now, model.map.w1c_access(), w1c_access::ACTIVATE);
                }
            }
            (Command::DeviceReset, [_, _, _]) => {}
            (command, _) if command.is_writable() => self.fail(protocol_error::LENGTH),
            _ => self.fail(protocol_error::UNSUPPORTED),
        }
    }

    fn fill(&mut self, model: &mut RecoveryModel, now: Instant, data: &[u8]) {
        let words = u32::try_from(data.len().div_ceil(4)).unwrap_or(u32::MAX);
        let draining = model.fifo.payload_available && !model.fifo.is_empty();
        if draining || model.fifo.len().saturating_add(words) > FIFO_WORDS {
            return self.fail(protocol_error::LENGTH);
        }
        for word in data.chunks(4) {
            let mut octets = [0; 4];
            for (to, from) in octets.iter_mut().zip(word) {
                *to = *from;
            }
            self.words_left = self.words_left.saturating_sub(1);
            model.write(now, model.map.tx_data_port(), u32::from_le_bytes(octets));
        }
        if self.words_left == 0 {
            let done = RecIntfCfg::BYPASS | RecIntfCfg::PAYLOAD_DONE;
            model.write(now, model.map.rec_intf_cfg(), done);
        }
    }

    /// Does a read: the data, and its length in octets. `None`: the device does not serve the command now, and acknowledges
    /// no read of it.
    pub fn read(
        &mut self,
        model: &mut RecoveryModel,
        now: Instant,
        code: u8,
        out: &mut [u8; MAX_DATA],
    ) -> Option<usize> {
        self.open(model, now);
        let known = Command::from_code(code).filter(|command| Self::serves(model, *command));
        let command = known.filter(|command| *command != Command::IndirectFifoData);
        let Some(command) = command else {
            self.fail(protocol_error::UNSUPPORTED);
            return None;
        };
        let (shortest, _) = command.lengths();
        let mut len = usize::from(shortest);
        out.fill(0);
        for register in (0..recovery::INDIRECT_FIFO_DATA).step_by(4) {
            let part = Command::of_register(register).filter(|part| part.command == command);
            let Some(part) = part else {
                continue;
            };
            let value = model.read(now, model.map.recovery + register).to_le_bytes();
            let places = out.iter_mut().skip(usize::from(part.first));
            for (to, from) in places.take(usize::from(part.len)).zip(value) {
                *to = from;
            }
        }
        if let (Command::DeviceStatus, [_, error, _, _, _, _, vendor, ..]) = (command, &mut *out) {
            if self.protocol_error != 0 {
                *error = core::mem::take(&mut self.protocol_error);
            }
            *vendor = self.vendor_octets;
            len = len
                .saturating_add(usize::from(self.vendor_octets))
                .min(MAX_DATA);
        }
        // The length of the vendor's octets is behind the fixed ones; the others have none.
        match command {
            Command::DeviceId => out[1] = 0,
            Command::HwStatus => out[3] = 0,
            _ => {}
        }
        Some(len)
    }
}
