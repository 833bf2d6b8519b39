//! The recovery agent: from the device's request to its verdict.
//!
//! Non-blocking: [`poll`](RecoveryAgent::poll) says what the device wants, the [`ImageSink`](crate::ImageSink) side
//! (`sink.rs`) takes the image. Each wait has a deadline of ours, because the device has none.
//! The order of events is what released Caliptra ROMs do, which is not quite what i3c-core's
//! `axi_recovery_flow.md` says: the two status registers are written in either order, the index shown
//! while an image boots is unreliable, and success of the last image shows only as silence.
//!
//! ```text
//! Capabilities -> Awaiting -> Requested -begin-> Receiving -end-> Draining -> Ready
//!                   ^  ^          ^                  |abort          |abort     | activate
//!                   |  +----------|------------------+---------------+----------+
//!                   |             +---------- next image ---------- Verifying <-+
//!                   |                                                   |
//!                   +- the request was taken back                       +-> Complete | Failed
//! ```

use crate::bus::RegisterBus;
use crate::config::AgentConfig;
use crate::driver::RecoveryDriver;
use crate::error::{RecoveryError, WaitFor};
use crate::fields::{
    DeviceStatus0, RecIntfCfg, RecoveryStatus, capability, device_status, recovery_status,
};
use crate::reason::Reason;
use netboot_core::{Duration, Instant};

/// What [`RecoveryAgent::poll`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// Nothing new; poll again.
    Waiting,
    /// The device waits for the image of this index: `begin` it. Said again until it is begun, and
    /// again after it was aborted.
    ImageRequested {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The device verifies the image that was activated; poll again.
    Verifying {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The boot ended well.
    Complete,
}

/// Where the agent is in the course of the boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentState {
    /// Waits for the device to announce its capabilities.
    Capabilities,
    /// Waits for a request.
    Awaiting,
    /// The device waits for this image.
    Requested {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// This image is being written.
    Receiving {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// This image was written; the device still drains it.
    Draining {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The device holds this image and waits to be told to activate it.
    Ready {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The device was told to activate this image.
    Verifying {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The boot ended well.
    Complete,
    /// The boot failed; the error is said again and again.
    Failed,
}

impl AgentState {
    /// The image in work, if there is one.
    pub const fn index(self) -> Option<u8> {
        match self {
            Self::Requested { index }
            | Self::Receiving { index }
            | Self::Draining { index }
            | Self::Ready { index }
            | Self::Verifying { index } => Some(index),
            Self::Capabilities | Self::Awaiting | Self::Complete | Self::Failed => None,
        }
    }
}

/// The device's status as last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusSnapshot {
    /// DEV_STATUS, see [`device_status`].
    pub device_status: u8,
    /// The last protocol error that was not 0; reading clears it in the device, so it is kept here
    /// until the next image is begun.
    pub protocol_error: u8,
    /// Why the device is in recovery, or why it failed.
    pub reason: Reason,
    /// DEV_REC_STATUS, see [`recovery_status`].
    pub recovery_status: u8,
    /// REC_IMG_INDEX; unreliable unless `recovery_status` is 1.
    pub index: u8,
}

impl StatusSnapshot {
    /// RECOVERY_STATUS as one octet, index in the upper four bits.
    pub const fn recovery_octet(&self) -> u8 {
        self.recovery_status | (self.index << 4)
    }
}

/// The image being written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Transfer {
    /// Octets that the caller has still to write.
    pub remaining: u64,
    /// Words that make a burst.
    pub burst: u32,
    /// Words left in the burst that began when the FIFO was seen empty.
    pub room: u32,
    /// Octets of an unfinished word, the first in the lowest bits.
    pub odd: u32,
    /// How many they are, 0..=3.
    pub odd_len: u32,
}

/// The recovery agent: asks the device what it wants, gives it, and waits for its verdict.
#[derive(Debug)]
pub struct RecoveryAgent<B> {
    pub(crate) driver: RecoveryDriver<B>,
    pub(crate) config: AgentConfig,
    pub(crate) state: AgentState,
    /// When the wait of `state` ends.
    pub(crate) deadline: Instant,
    pub(crate) status: StatusSnapshot,
    pub(crate) transfer: Transfer,
    /// The first sign of an error, while the reason is awaited.
    failing_since: Option<Instant>,
    /// A device's failure is final.
    fatal: Option<RecoveryError>,
    settling: Option<Settling>,
    platform_complete: bool,
}

/// The last image boots and nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settling {
    since: Instant,
    /// DEVICE_STATUS_0 without the protocol error, RECOVERY_STATUS, RECOVERY_CTRL.
    registers: [u32; 3],
}

impl<B: RegisterBus> RecoveryAgent<B> {
    /// Finds the registers and turns the AXI bypass on, which lasts until the I3C core is reset.
    ///
    /// # Errors
    /// When the registers are not those of an I3C core with a recovery interface and AXI bypass.
    pub fn new(bus: B, config: AgentConfig, now: Instant) -> Result<Self, RecoveryError> {
        let mut driver = RecoveryDriver::new(bus)?;
        let read_back = driver.clear_payload_done();
        if !read_back.bypass() {
            return Err(RecoveryError::BypassRefused {
                config: read_back.0,
            });
        }
        Ok(Self {
            driver,
            deadline: now + config.request_timeout,
            config,
            state: AgentState::Capabilities,
            status: StatusSnapshot::default(),
            transfer: Transfer::default(),
            failing_since: None,
            fatal: None,
            settling: None,
            platform_complete: false,
        })
    }

    /// Looks at the device and says what it wants. Call again at once or after an idle moment; between
    /// `begin` and `activate` it only watches for errors.
    ///
    /// # Errors
    /// When the device failed, for good, or a deadline passed; the latter is said until the device
    /// moves on after all.
    pub fn poll(&mut self, now: Instant) -> Result<AgentEvent, RecoveryError> {
        let Some((device, recovery)) = self.observe(now)? else {
            return Ok(AgentEvent::Waiting);
        };
        if self.state == AgentState::Capabilities && !self.poll_capabilities(now)? {
            return Ok(AgentEvent::Waiting);
        }
        match self.state {
            AgentState::Capabilities | AgentState::Awaiting | AgentState::Requested { .. } => {
                self.poll_request(now, device, recovery)
            }
            AgentState::Verifying { index } => self.poll_verification(now, device, recovery, index),
            AgentState::Complete => Ok(AgentEvent::Complete),
            AgentState::Receiving { .. }
            | AgentState::Draining { .. }
            | AgentState::Ready { .. }
            | AgentState::Failed => Ok(AgentEvent::Waiting),
        }
    }

    /// Where the agent is.
    pub fn state(&self) -> AgentState {
        self.state
    }

    /// The device's status as last seen; reads nothing.
    pub fn status(&self) -> StatusSnapshot {
        self.status
    }

    /// Index of the image after which the device asks for none.
    pub fn last_index(&self) -> u8 {
        self.config.last_index
    }

    /// When to poll at the latest, so that a deadline is noticed in time. The device gives no interrupt:
    /// poll more often than this to notice what it does.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if let Some(since) = self.failing_since {
            return Some(since + self.config.reason_grace);
        }
        match self.state {
            AgentState::Capabilities | AgentState::Awaiting | AgentState::Draining { .. } => {
                Some(self.deadline)
            }
            AgentState::Receiving { .. } => (self.transfer.room == 0).then_some(self.deadline),
            AgentState::Verifying { .. } => Some(match self.settling {
                Some(settling) => self.deadline.min(settling.since + self.config.settle),
                None => self.deadline,
            }),
            AgentState::Requested { .. }
            | AgentState::Ready { .. }
            | AgentState::Complete
            | AgentState::Failed => None,
        }
    }

    /// A signal of the platform that the MCU firmware is ready (MCI RESET_REASON or FW_EXEC_CTRL in a
    /// Caliptra subsystem): the activated image was accepted. Before an activation it says nothing.
    pub fn platform_complete(&mut self) {
        if matches!(self.state, AgentState::Verifying { .. }) {
            self.platform_complete = true;
        }
    }

    /// Begins anew with a device that the platform has reset.
    ///
    /// # Errors
    /// When the registers do not take the AXI bypass.
    pub fn device_was_reset(&mut self, now: Instant) -> Result<(), RecoveryError> {
        let read_back = self.driver.clear_payload_done();
        if !read_back.bypass() {
            return Err(RecoveryError::BypassRefused {
                config: read_back.0,
            });
        }
        self.state = AgentState::Capabilities;
        self.fatal = None;
        self.deadline = now + self.config.request_timeout;
        Ok(())
    }

    /// The bus, for registers that are not the agent's.
    pub fn bus_mut(&mut self) -> &mut B {
        self.driver.bus_mut()
    }

    /// Reads both statuses once and keeps them. `None`: a sign of failure, but not yet the whole story.
    ///
    /// # Errors
    /// When the device failed and told why, or had its time to tell.
    pub(crate) fn observe(
        &mut self,
        now: Instant,
    ) -> Result<Option<(DeviceStatus0, RecoveryStatus)>, RecoveryError> {
        if let Some(error) = self.fatal {
            return Err(error);
        }
        let device = self.driver.device_status();
        let recovery = self.driver.recovery_status();
        self.status = StatusSnapshot {
            device_status: device.status(),
            protocol_error: match device.protocol_error() {
                0 => self.status.protocol_error,
                error => error,
            },
            reason: device.reason(),
            recovery_status: recovery.status(),
            index: recovery.image_index(),
        };
        if !device.is_error() && !recovery.is_error() {
            self.failing_since = None;
            return Ok(Some((device, recovery)));
        }
        let since = *self.failing_since.get_or_insert(now);
        // With both statuses and, where one is due, a reason, there is nothing more to learn.
        let told = recovery.is_error()
            && (device.status() == device_status::FATAL
                || (device.is_error() && device.reason().is_failure()));
        if !told && now.since(since) < self.config.reason_grace {
            return Ok(None);
        }
        let error = RecoveryError::DeviceRefused {
            index: self.state.index().unwrap_or(recovery.image_index()),
            device_status: device.status(),
            recovery_status: recovery.octet(),
            reason: Some(device.reason()).filter(|reason| reason.is_failure()),
        };
        self.fatal = Some(error);
        self.failing_since = None;
        self.state = AgentState::Failed;
        Err(error)
    }

    /// Whether the device announced its capabilities; then the wait for a request begins.
    fn poll_capabilities(&mut self, now: Instant) -> Result<bool, RecoveryError> {
        let prot_cap = self.driver.prot_cap();
        if prot_cap.0 == 0 {
            self.check_deadline(now, WaitFor::Capabilities)?;
            return Ok(false);
        }
        if prot_cap.major() != 1 {
            return Err(RecoveryError::VersionUnsupported {
                major: prot_cap.major(),
                minor: prot_cap.minor(),
            });
        }
        let capabilities = prot_cap.capabilities();
        if capabilities & capability::REQUIRED != capability::REQUIRED {
            return Err(RecoveryError::CapabilityMissing { capabilities });
        }
        self.await_request(now);
        Ok(true)
    }

    fn poll_request(
        &mut self,
        now: Instant,
        device: DeviceStatus0,
        recovery: RecoveryStatus,
    ) -> Result<AgentEvent, RecoveryError> {
        if let Some(event) = self.requested(device, recovery) {
            return Ok(event);
        }
        if self.state != AgentState::Awaiting {
            self.await_request(now);
        }
        self.check_deadline(now, WaitFor::ImageRequest)?;
        Ok(AgentEvent::Waiting)
    }

    fn poll_verification(
        &mut self,
        now: Instant,
        device: DeviceStatus0,
        recovery: RecoveryStatus,
        index: u8,
    ) -> Result<AgentEvent, RecoveryError> {
        if let Some(event) = self.requested(device, recovery) {
            return Ok(event);
        }
        // What the documents promise: recovery successful, or the device healthy or running the image.
        let done = recovery.status() == recovery_status::SUCCESSFUL
            || matches!(
                device.status(),
                device_status::HEALTHY | device_status::RUNNING_RECOVERY
            )
            || self.platform_complete
            || (index >= self.config.last_index && self.settled(now, device, recovery));
        if done {
            self.state = AgentState::Complete;
            return Ok(AgentEvent::Complete);
        }
        self.check_deadline(now, WaitFor::Verification)?;
        Ok(AgentEvent::Verifying { index })
    }

    /// What released ROMs do: the last image boots, and then nothing changes any more.
    fn settled(&mut self, now: Instant, device: DeviceStatus0, recovery: RecoveryStatus) -> bool {
        if device.status() != device_status::RECOVERY_PENDING
            || recovery.status() != recovery_status::BOOTING
        {
            self.settling = None;
            return false;
        }
        let registers = [
            device.0 & 0xFFFF_00FF,
            recovery.0,
            self.driver.recovery_ctrl().0,
        ];
        match self.settling {
            Some(settling) if settling.registers == registers => {
                now.since(settling.since) >= self.config.settle
            }
            _ => {
                self.settling = Some(Settling {
                    since: now,
                    registers,
                });
                self.config.settle == Duration::ZERO
            }
        }
    }

    /// Enters `Requested` when the device waits for an image. All three signs must hold at once; the
    /// device writes them one after the other, in an order that differs between images.
    fn requested(&mut self, device: DeviceStatus0, recovery: RecoveryStatus) -> Option<AgentEvent> {
        if !self.is_ready(device, recovery) {
            return None;
        }
        let index = recovery.image_index();
        if self.state != (AgentState::Requested { index }) {
            self.state = AgentState::Requested { index };
            // The device goes on only after the last image's PAYLOAD_DONE is gone (flow, step 17).
            self.driver.clear_payload_done();
        }
        Some(AgentEvent::ImageRequested { index })
    }

    /// Whether the device waits for an image.
    pub(crate) fn is_ready(&mut self, device: DeviceStatus0, recovery: RecoveryStatus) -> bool {
        device.status() == device_status::RECOVERY_MODE
            && recovery.status() == recovery_status::AWAITING
            && !self.driver.recovery_ctrl().activation_pending()
    }

    /// Waits for the device to ask, from now on.
    pub(crate) fn await_request(&mut self, now: Instant) {
        self.state = AgentState::Awaiting;
        self.deadline = now + self.config.request_timeout;
    }

    /// Waits for the device's verdict on the image it was just told to activate.
    pub(crate) fn await_verdict(&mut self, now: Instant, index: u8) {
        self.state = AgentState::Verifying { index };
        self.settling = None;
        self.platform_complete = false;
        self.deadline = now + self.config.verify_timeout;
        if index >= self.config.last_index {
            // The settle time may start at the last moment of the verification.
            self.deadline += self.config.settle;
        }
    }

    /// # Errors
    /// `Timeout` when the deadline of the present wait passed.
    pub(crate) fn check_deadline(&self, now: Instant, wait: WaitFor) -> Result<(), RecoveryError> {
        if now < self.deadline {
            return Ok(());
        }
        Err(RecoveryError::Timeout {
            wait,
            index: self.state.index().unwrap_or(self.status.index),
            device_status: self.status.device_status,
            recovery_status: self.status.recovery_octet(),
        })
    }

    /// The error for a device that does not show the status that its place in the flow demands.
    pub(crate) fn device_left(&self) -> RecoveryError {
        RecoveryError::DeviceLeft {
            index: self.state.index().unwrap_or(self.status.index),
            device_status: self.status.device_status,
            recovery_status: self.status.recovery_octet(),
        }
    }

    /// Clears PAYLOAD_DONE before the first word; with it set the second word would stall the bus.
    ///
    /// # Errors
    /// When the register does not take it.
    pub(crate) fn open_window(&mut self) -> Result<(), RecoveryError> {
        let RecIntfCfg(config) = self.driver.clear_payload_done();
        if !RecIntfCfg(config).bypass() {
            return Err(RecoveryError::BypassRefused { config });
        }
        if RecIntfCfg(config).payload_done() {
            return Err(RecoveryError::PayloadDoneStuck { config });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
