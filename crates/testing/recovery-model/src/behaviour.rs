//! The device behind the registers: asks, drains, verifies, activates.
//!
//! The device writes scripts of register updates, one line of the trace each, in the order that its personality shows.
//! Between scripts it waits for the agent ([`RecoveryModel::react`]) or for time ([`RecoveryModel::act`]).
//!
//! Once the first burst of an image is there, the device counts words until it has as many as were declared. It does not
//! look at the FIFO's resets, nor at a second declaration, and shows its request for as long as it counts: so do all
//! released ROMs.

use crate::config::{ActivationClear, ErrorOrder, Personality, Stuck};
use crate::device::{Device, SCRIPT_LEN, Update};
use crate::fifo::Fifo;
use crate::model::RecoveryModel;
use crate::outcome::{DeviceOutcome, DevicePhase, ImageRecord};
use crate::registers::Registers;
use netboot_core::{Digest, Duration, Instant};
use ocp_recovery::fields::{device_status, recovery_status};
use sha2::{Digest as _, Sha256};

/// The reason shown while all goes well: streaming boot.
const STREAMING_BOOT: u32 = 0x12;

/// The reason why an image is refused.
#[derive(Clone, Copy)]
struct Verdict {
    reason: u16,
    fw_error: u32,
}

impl RecoveryModel {
    /// The record of the image in work.
    pub(crate) fn record(&mut self) -> Option<&mut ImageRecord> {
        self.records.get_mut(usize::from(self.device.index))
    }

    /// Registers, FIFO and device as after a reset that ended at `at`.
    pub(crate) fn power_on(&mut self, at: Instant) {
        self.registers = Registers::new();
        self.fifo = Fifo::new();
        self.settle();
        self.device = Device::new();
        if !self.stuck(Stuck::Startup) {
            self.device.due = Some(at + self.config.startup);
        }
    }

    fn stuck(&self, point: Stuck) -> bool {
        self.config.faults.stuck == Some(point)
    }

    fn hang(&mut self) {
        self.device.phase = DevicePhase::Hung;
        self.device.due = None;
    }

    /// Begins to write a script, the first update after one step.
    fn play(&mut self, at: Instant, updates: &[Update], then: DevicePhase) {
        self.play_at(at, updates, then, self.config.step);
    }

    fn play_at(&mut self, at: Instant, updates: &[Update], then: DevicePhase, pace: Duration) {
        self.device.script = [None; SCRIPT_LEN];
        for (slot, update) in self.device.script.iter_mut().zip(updates) {
            *slot = Some(*update);
        }
        self.device.phase = DevicePhase::Updating;
        self.device.then = then;
        self.device.pace = pace;
        self.device.due = Some(at + self.config.step);
    }

    /// The time that the device waited for has come.
    pub(crate) fn act(&mut self, at: Instant) {
        match self.device.phase {
            DevicePhase::Startup => {
                let capabilities = match self.config.personality {
                    Personality::Rom2_1_0 => 0x1891_0101,
                    Personality::Rom2_1_2 | Personality::Documented => 0x1AB1_0101,
                };
                self.registers.prot_cap_2 = self.config.faults.prot_cap_2.unwrap_or(capabilities);
                self.ask(at, 0);
            }
            DevicePhase::Updating => self.continue_script(at),
            DevicePhase::Receiving => self.drain(at),
            DevicePhase::Verifying => self.judge(at),
            _ => {}
        }
    }

    /// The agent did something, or the device entered a phase in which it waits for the agent.
    pub(crate) fn react(&mut self, at: Instant) {
        if self.device.phase == DevicePhase::Awaiting {
            if !self.fifo.payload_available {
                self.device.armed = true;
            } else if self.device.armed {
                self.open_image();
            }
        }
        match self.device.phase {
            DevicePhase::Receiving if self.device.due.is_none() => self.receive(at),
            DevicePhase::Pending if self.registers.activated() => self.begin_verification(at),
            _ => {}
        }
    }

    fn continue_script(&mut self, at: Instant) {
        let [next, rest @ ..] = self.device.script;
        for (slot, update) in self
            .device
            .script
            .iter_mut()
            .zip(rest.into_iter().chain([None]))
        {
            *slot = update;
        }
        if let Some(update) = next {
            self.apply(update);
        }
        if matches!(self.device.script, [Some(_), ..]) {
            self.device.due = Some(at + self.device.pace);
            return;
        }
        let then = self.device.then;
        self.device.phase = then;
        self.device.armed = false;
        self.react(at);
    }

    fn apply(&mut self, update: Update) {
        if let Some(device) = update.device {
            let protocol_error = self.registers.device_status_0 & 0x0000_FF00;
            self.registers.device_status_0 = device | protocol_error;
        }
        if let Some(recovery) = update.recovery {
            self.registers.recovery_status = recovery;
        }
        if update.clear_activation {
            let left = match self.config.activation_clear {
                ActivationClear::Emulator => 0x01,
                ActivationClear::Rtl => 0x0E,
                ActivationClear::Zero => 0x00,
            };
            let others = self.registers.recovery_ctrl & !0x00FF_0000;
            self.registers.recovery_ctrl = others | (left << 16);
        }
        if update.reset_fifo {
            self.fifo.reset();
        }
        self.settle();
    }

    /// Asks for an image, first or next.
    fn ask(&mut self, at: Instant, index: u8) {
        let previous = self.device.index;
        self.device.index = index;
        self.device.declared = 0;
        self.device.left = 0;
        if self.stuck(Stuck::Asking(index)) {
            self.hang();
            return;
        }
        let ready = Update::device(STREAMING_BOOT, device_status::RECOVERY_MODE);
        let awaiting = Update::recovery(recovery_status::AWAITING, index);
        let reset_fifo = Update {
            reset_fifo: true,
            ..Update::default()
        };
        let clear = Update::CLEAR;
        let then = DevicePhase::Awaiting;
        match (self.config.personality, index, previous) {
            (_, 0, _) => self.play(at, &[ready, awaiting], then),
            (Personality::Documented, _, _) => {
                self.play(at, &[clear.and(reset_fifo), ready, awaiting], then);
            }
            // The ROM hands over to the runtime firmware that it just verified, which asks for image 1
            // with the recovery status first.
            (_, _, 0) => self.play(at, &[clear, awaiting, ready], then),
            (_, _, _) => self.play(at, &[clear, ready.and(reset_fifo), awaiting], then),
        }
    }

    /// Takes the size and begins to count, because the first burst is there.
    fn open_image(&mut self) {
        self.device.phase = DevicePhase::Receiving;
        self.device.declared = self.registers.image_size;
        self.device.left = self.registers.image_size;
        self.device.hasher = Sha256::new();
        self.device.marker = None;
        #[cfg(feature = "versions")]
        {
            self.device.manifest = crate::manifest::Manifest::new();
        }
        // Words lost stay on record, so that no test can miss them.
        if let Some(record) = self.record() {
            *record = ImageRecord {
                dropped_words: record.dropped_words,
                ..ImageRecord::default()
            };
        }
    }

    /// Drains what is there, now or after the time that it takes.
    fn receive(&mut self, at: Instant) {
        if self.device.left != 0 && (self.fifo.is_empty() || !self.fifo.payload_available) {
            return;
        }
        let words = self.fifo.len().min(self.device.left);
        // 64 words make at most 256,000,000, which fits.
        match (words * 4_000_000).checked_div(self.config.consume_rate) {
            None => self.drain(at),
            Some(micros) => {
                self.device.due = Some(at + Duration::from_micros(u64::from(micros)));
            }
        }
    }

    fn drain(&mut self, at: Instant) {
        let index = self.device.index;
        let received = self.device.progress().received;
        if let Some(Stuck::Draining { index: at, after }) = self.config.faults.stuck
            && at == index
            && received >= after
        {
            self.hang();
            return;
        }
        if let Some(reset) = self.config.faults.reset
            && reset.index == index
            && received >= reset.after
            && !self.was_reset
        {
            self.was_reset = true;
            self.power_on(at);
            return;
        }

        // The agent may have emptied the FIFO while the device was about to drain it.
        let words = match self.fifo.payload_available {
            true => self.fifo.len().min(self.device.left),
            false => 0,
        };
        let octets = self.fifo.front(words);
        if received == 0 {
            self.device.marker = octets.first_chunk().copied();
        }
        #[cfg(feature = "versions")]
        self.device.manifest.update(octets);
        let verified = self.verified_octets().saturating_sub(received) as usize;
        self.device
            .hasher
            .update(octets.get(..verified).unwrap_or(octets));
        self.fifo.remove(words);
        self.device.left -= words;
        self.settle();
        let received = self.device.progress().received;
        if let Some(record) = self.record() {
            record.octets = received;
        }

        if self.device.left == 0 {
            let digest = Digest(self.device.hasher.clone().finalize().into());
            if let Some(record) = self.record() {
                record.sha256 = Some(digest);
            }
            #[cfg(feature = "versions")]
            {
                let version = self.device.manifest.version();
                if let Some(record) = self.record() {
                    record.version = version;
                }
            }
            if self.stuck(Stuck::Pending(index)) {
                self.hang();
                return;
            }
            let pending = Update::device(STREAMING_BOOT, device_status::RECOVERY_PENDING);
            self.play(at, &[pending], DevicePhase::Pending);
        }
    }

    /// How many octets of the image in work the device verifies, with padding. Octets that trail images 0 and 1 do not
    /// matter; of the last image every octet does.
    fn verified_octets(&self) -> u32 {
        let index = self.device.index;
        match self.config.images.get(usize::from(index)) {
            Some(image) if !self.config.accept_any && index < self.config.last_index() => {
                image.size.div_ceil(4).saturating_mul(4)
            }
            _ => u32::MAX,
        }
    }

    fn begin_verification(&mut self, at: Instant) {
        let index = self.device.index;
        if self.stuck(Stuck::Activating(index)) {
            self.hang();
            return;
        }
        self.tally.activations = self.tally.activations.saturating_add(1);
        if let Some(record) = self.record() {
            record.activated = true;
        }
        // ROMs show index 0 while they boot an image that is not the last.
        let shown = match self.config.personality {
            Personality::Documented => index,
            _ if index == self.config.last_index() => index,
            _ => 0,
        };
        self.apply(Update::recovery(recovery_status::BOOTING, shown));
        if self.stuck(Stuck::Verifying(index)) {
            self.hang();
            return;
        }
        self.device.phase = DevicePhase::Verifying;
        self.device.due = Some(at + self.config.verify_time);
    }

    /// Gives the verdict at the end of the verification.
    fn judge(&mut self, at: Instant) {
        let index = self.device.index;
        if let Some(verdict) = self.refusal() {
            self.tally.refusals = self.tally.refusals.saturating_add(1);
            self.device.outcome = DeviceOutcome::Failed {
                index,
                reason: verdict.reason,
                fw_error: verdict.fw_error,
            };
            self.refuse(at, verdict);
            return;
        }
        if let Some(record) = self.record() {
            record.verified = true;
        }
        if index < self.config.last_index() {
            self.ask(at, index + 1);
            return;
        }
        self.device.outcome = DeviceOutcome::Booted;
        match self.config.personality {
            Personality::Documented => self.play(
                at,
                &[
                    Update::recovery(recovery_status::SUCCESSFUL, index),
                    Update::device(STREAMING_BOOT, device_status::HEALTHY),
                ],
                DevicePhase::Booted,
            ),
            // ROMs leave everything as it is, the activation too.
            Personality::Rom2_1_0 | Personality::Rom2_1_2 => {
                self.device.phase = DevicePhase::Booted;
            }
        }
    }

    /// Returns the reason why the image is refused, if it is.
    fn refusal(&self) -> Option<Verdict> {
        let index = self.device.index;
        let tampered = match index {
            0 => Verdict {
                reason: 0x85,
                fw_error: 0x000B_0016,
            },
            _ if index == self.config.last_index() => Verdict {
                reason: 0x0C,
                fw_error: 0x000B_0016,
            },
            _ => Verdict {
                reason: 0x06,
                fw_error: 0x000E_0047,
            },
        };
        if let Some(refusal) = self.config.faults.refuse
            && refusal.index == index
        {
            return Some(Verdict {
                reason: refusal.reason,
                ..tampered
            });
        }
        if self.config.accept_any {
            return None;
        }
        let expected = self.config.images.get(usize::from(index))?;
        let record = self.records.get(usize::from(index))?;
        if index == 0 {
            // IMAGE_VERIFIER_ERR_MANIFEST_MARKER_MISMATCH.
            if expected.marker.is_some() && self.device.marker != expected.marker {
                return Some(Verdict {
                    reason: 0x04,
                    fw_error: 0x000B_0001,
                });
            }
            // IMAGE_VERIFIER_ERR_IMAGE_LEN_MORE_THAN_BUNDLE_SIZE. A longer file is not refused for its size.
            if self.device.declared < expected.size.div_ceil(4) {
                return Some(Verdict {
                    reason: 0x86,
                    fw_error: 0x000B_002F,
                });
            }
        }
        (record.sha256 != Some(expected.sha256)).then_some(tampered)
    }

    fn refuse(&mut self, at: Instant, verdict: Verdict) {
        let index = self.device.index;
        let personality = self.config.personality;
        let device = match (personality, index) {
            // The older ROM keeps the old reason; its run-time firmware knows better.
            (Personality::Documented, _) | (Personality::Rom2_1_0, 0) => {
                Update::device(STREAMING_BOOT, device_status::FATAL)
            }
            (Personality::Rom2_1_0 | Personality::Rom2_1_2, _) => {
                Update::device(u32::from(verdict.reason), device_status::BOOT_FAILURE)
            }
        };
        let recovery = match personality {
            Personality::Documented => Update::recovery(recovery_status::FAILED, index),
            _ => Update::recovery(recovery_status::AUTHENTICATION_ERROR, index),
        };
        let is_rom = personality != Personality::Documented;
        let both = recovery.and(device);
        let pace = match is_rom && index != 0 {
            true => self.config.error_gap(),
            false => self.config.step,
        };
        // The ROM verifies image 0 and clears the activation first; run-time firmware does not.
        if is_rom && index == 0 {
            self.apply(Update::CLEAR);
        }
        let updates: &[Update] = match self.config.faults.order {
            ErrorOrder::Personality | ErrorOrder::RecoveryFirst => &[recovery, device],
            ErrorOrder::DeviceFirst => &[device, recovery],
            ErrorOrder::Together => &[both],
            ErrorOrder::RecoveryOnly => &[recovery],
            ErrorOrder::DeviceOnly => &[device],
        };
        self.play_at(at, updates, DevicePhase::Failed, pace);
    }
}
