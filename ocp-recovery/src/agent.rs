//! The recovery agent: from the device's request to its verdict.
//!
//! The agent never blocks: [`poll`](RecoveryAgent::poll) says what the device wants, and the
//! [`ImageSink`](crate::ImageSink) side (`sink.rs`) takes the image. Each wait has a deadline of the agent's, because the
//! device has none. The agent follows what released Caliptra ROMs do, which differs from i3c-core's
//! `axi_recovery_flow.md`: a ROM writes the two status registers in either order, shows an unreliable index while an image
//! boots, shows the success of the last image only as silence, and never begins an image anew.
//!
//! ```text
//! Capabilities -> Awaiting -> Requested -begin-> Receiving -end-> Draining -> Ready
//!                   ^  ^        ^   ^                |               |         |  | activate
//!                   |  |        |   +-withdraw-------+ (nothing used)|         |  |
//!                   |  +--------|-----abort----------+ (nothing used)|         |  |
//!                   |           |                    +--abort (used)-+---------+-------> Stuck
//!                   |           +------------- next image --------- Verifying <---+
//!                   |                                                   |
//!                   +- the device took its request back                 +-> Complete
//! any state, when the device fails -> Failed
//! any state, device_was_reset -> Capabilities
//! ```

mod state;

pub use state::{AgentEvent, AgentState, ProtocolError, StatusSnapshot};

use crate::bus::RegisterBus;
use crate::config::AgentConfig;
use crate::driver::RecoveryDriver;
use crate::error::{RecoveryError, WaitFor};
#[cfg(feature = "commands")]
use crate::fault::BusFault;
use crate::fields::{DeviceStatus0, RecoveryStatus, capability, device_status, recovery_status};
#[cfg(feature = "commands")]
use crate::map::RegisterMap;
use crate::transfer::Transfer;
use netboot_core::{Duration, Instant};

/// The recovery agent: it asks the device what it wants, gives it, and waits for its verdict.
///
/// The agent knows whether the device has used any octet of the open image. Once it has, only two ways lead on: the next
/// octet of the same image, however late, or a reset of the device that the platform reports by
/// [`device_was_reset`](Self::device_was_reset). An agent that is made for a device in mid-image cannot know what the
/// device holds; make it when the device is fresh.
#[derive(Debug)]
pub struct RecoveryAgent<B> {
    pub(crate) driver: RecoveryDriver<B>,
    pub(crate) config: AgentConfig,
    pub(crate) state: AgentState,
    /// The end of the wait that `state` stands for.
    pub(crate) deadline: Instant,
    pub(crate) status: StatusSnapshot,
    pub(crate) transfer: Transfer,
    /// When the bus began to fail, and how, if its last access failed.
    #[cfg(feature = "commands")]
    pub(crate) bus_failing: Option<(Instant, BusFault)>,
    /// When the first sign of a failure was seen, while the agent waits for the reason.
    failing_since: Option<Instant>,
    /// The failure of the device, which is final until a reset.
    fatal: Option<RecoveryError>,
    settling: Option<Settling>,
    platform_complete: bool,
}

/// The last image boots, and its registers do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settling {
    since: Instant,
    /// DEVICE_STATUS_0 without the protocol error, RECOVERY_STATUS and RECOVERY_CTRL.
    registers: [u32; 3],
}

impl<B: RegisterBus> RecoveryAgent<B> {
    /// Finds the registers and turns the AXI bypass on, which lasts until the I3C core is reset.
    ///
    /// # Errors
    /// Fails when the registers are not those of an I3C core with a recovery interface and AXI bypass, and with
    /// [`PayloadDoneStuck`](RecoveryError::PayloadDoneStuck) when PAYLOAD_DONE cannot be cleared.
    pub fn new(bus: B, config: AgentConfig, now: Instant) -> Result<Self, RecoveryError> {
        Self::drive(RecoveryDriver::new(bus)?, config, now)
    }

    /// Takes registers whose places are known, and begins as [`new`](Self::new) does.
    ///
    /// # Errors
    /// Fails as [`device_was_reset`](Self::device_was_reset).
    #[cfg(feature = "commands")]
    pub(crate) fn with_map(
        bus: B,
        map: RegisterMap,
        config: AgentConfig,
        now: Instant,
    ) -> Result<Self, RecoveryError> {
        Self::drive(RecoveryDriver::with_map(bus, map), config, now)
    }

    fn drive(
        driver: RecoveryDriver<B>,
        config: AgentConfig,
        now: Instant,
    ) -> Result<Self, RecoveryError> {
        let mut agent = Self {
            driver,
            config,
            state: AgentState::Capabilities,
            deadline: now,
            status: StatusSnapshot::default(),
            transfer: Transfer::default(),
            #[cfg(feature = "commands")]
            bus_failing: None,
            failing_since: None,
            fatal: None,
            settling: None,
            platform_complete: false,
        };
        agent.device_was_reset(now)?;
        Ok(agent)
    }

    /// Begins anew, after the platform has reset the device *and* its I3C core. The agent turns the AXI bypass on again,
    /// clears PAYLOAD_DONE, forgets the open image and any failure, and waits for the device's capabilities.
    ///
    /// Call it after the reset only. A device that was not reset still holds what it used of the last image, and would be
    /// given a mixture.
    ///
    /// # Errors
    /// Fails with [`BypassRefused`](RecoveryError::BypassRefused) or
    /// [`PayloadDoneStuck`](RecoveryError::PayloadDoneStuck) when REC_INTF_CFG does not take what is written. The agent
    /// then stays in its state.
    pub fn device_was_reset(&mut self, now: Instant) -> Result<(), RecoveryError> {
        self.open_window()?;
        self.state = AgentState::Capabilities;
        self.deadline = now + self.config.request_timeout;
        self.status = StatusSnapshot::default();
        self.transfer = Transfer::default();
        #[cfg(feature = "commands")]
        {
            self.bus_failing = None;
        }
        self.failing_since = None;
        self.fatal = None;
        self.settling = None;
        self.platform_complete = false;
        Ok(())
    }

    /// Looks at the device and says what it wants. Call it again at once or after an idle moment. While an image is open
    /// it only watches for the device's failure, so a producer may pause between two sources for minutes.
    ///
    /// # Errors
    /// Fails for good when the device failed. Fails with [`Timeout`](RecoveryError::Timeout) when a deadline passed, until
    /// the device moves on after all. Fails with [`ResetRequired`](RecoveryError::ResetRequired) when an image was given
    /// up of which the device had used octets, until the device is reset.
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
            AgentState::Stuck { index } => Err(self.reset_required(index)),
            AgentState::Receiving { .. }
            | AgentState::Draining { .. }
            | AgentState::Ready { .. }
            | AgentState::Failed => Ok(AgentEvent::Waiting),
        }
    }

    /// Where the agent is in the course of the boot.
    pub fn state(&self) -> AgentState {
        self.state
    }

    /// The device's status as last seen. This reads no register.
    pub fn status(&self) -> StatusSnapshot {
        self.status
    }

    /// The index of the image after which the device asks for no other.
    pub fn last_index(&self) -> u8 {
        self.config.last_index
    }

    /// When to poll at the latest, so that a deadline is noticed in time. The device gives no interrupt: poll more often
    /// than this to notice what it does. `None` while the agent waits for its caller.
    pub fn poll_timeout(&self) -> Option<Instant> {
        #[cfg(feature = "commands")]
        if self.driver.can_fail()
            && let Some((since, fault)) = self.bus_failing
        {
            return Some(self.bus_deadline(since, fault));
        }
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
            | AgentState::Stuck { .. }
            | AgentState::Complete
            | AgentState::Failed => None,
        }
    }

    /// Tells the agent that the MCU firmware is ready, as the platform sees in MCI RESET_REASON or FW_EXEC_CTRL of a
    /// Caliptra subsystem: the device accepted the activated image. The call does nothing before an activation.
    pub fn platform_complete(&mut self) {
        if matches!(self.state, AgentState::Verifying { .. }) {
            self.platform_complete = true;
        }
    }

    /// The bus, for access to registers that are not the agent's.
    pub fn bus_mut(&mut self) -> &mut B {
        self.driver.bus_mut()
    }

    /// Returns whether the bus failed since the last look. What was read then is worth nothing.
    ///
    /// # Errors
    /// Fails with `Bus` when another try is pointless, or when the bus has failed for too long.
    #[cfg(feature = "commands")]
    fn bus_fails(&mut self, now: Instant) -> Result<bool, RecoveryError> {
        if !self.driver.can_fail() {
            return Ok(false);
        }
        let Some(fault) = self.driver.take_fault() else {
            self.bus_failing = None;
            return Ok(false);
        };
        let since = self.bus_failing.map_or(now, |(since, _)| since);
        self.bus_failing = Some((since, fault));
        if fault.is_final() || now >= self.bus_deadline(since, fault) {
            return Err(RecoveryError::Bus(fault));
        }
        Ok(true)
    }

    /// Returns the time at which the agent gives up a bus whose faults began at `since`: `bus_timeout` later. A device that starts up
    /// does not acknowledge its address yet. It has the whole time that it may take to announce its capabilities.
    #[cfg(feature = "commands")]
    fn bus_deadline(&self, since: Instant, fault: BusFault) -> Instant {
        match (self.state, fault) {
            (AgentState::Capabilities, BusFault::NoAcknowledge { address: true, .. }) => {
                self.deadline
            }
            _ => since + self.config.bus_timeout,
        }
    }

    /// Reads both statuses once and keeps them. Returns `None` when the device shows a sign of failure and has not yet
    /// told all of it, and when the bus fails.
    ///
    /// # Errors
    /// Fails when the device failed and told why, or had its time to tell, and when the bus fails for too long.
    pub(crate) fn observe(
        &mut self,
        now: Instant,
    ) -> Result<Option<(DeviceStatus0, RecoveryStatus)>, RecoveryError> {
        if let Some(error) = self.fatal {
            return Err(error);
        }
        let device = self.driver.device_status();
        let recovery = self.driver.recovery_status();
        #[cfg(feature = "commands")]
        if self.bus_fails(now)? {
            return Ok(None);
        }
        self.status = StatusSnapshot {
            device_status: device.status(),
            protocol_error: match device.protocol_error() {
                0 => self.status.protocol_error,
                code => Some(ProtocolError {
                    command: self.driver.protocol_error_command(),
                    code,
                }),
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

    /// Returns whether the device announced its capabilities; the wait for a request then begins.
    fn poll_capabilities(&mut self, now: Instant) -> Result<bool, RecoveryError> {
        let prot_cap = self.driver.prot_cap();
        #[cfg(feature = "commands")]
        if self.driver.can_fail()
            && let Some(fault) = self.driver.take_fault()
        {
            // What was read is not what this device says of itself.
            return match fault.is_final() || now >= self.deadline {
                true => Err(RecoveryError::Bus(fault)),
                false => Ok(false),
            };
        }
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

    /// Recognises the end of a boot as released ROMs show it: the last image boots, and then nothing changes any more.
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

    /// Returns whether the device waits for an image.
    pub(crate) fn is_ready(&mut self, device: DeviceStatus0, recovery: RecoveryStatus) -> bool {
        device.status() == device_status::RECOVERY_MODE
            && recovery.status() == recovery_status::AWAITING
            && !self.driver.recovery_ctrl().activation_pending()
            && !self.driver.has_fault()
    }

    /// Begins the wait for the device's request.
    pub(crate) fn await_request(&mut self, now: Instant) {
        self.state = AgentState::Awaiting;
        self.deadline = now + self.config.request_timeout;
    }

    /// Begins the wait for the device's verdict on the image that was just activated.
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
    /// Fails with `Timeout` when the deadline of the present wait passed.
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

    /// The error for a device that holds octets of an image that was given up.
    fn reset_required(&self, index: u8) -> RecoveryError {
        RecoveryError::ResetRequired {
            index,
            octets: self.transfer.written(),
        }
    }

    /// The error for a call that the present state does not allow: the device's own failure first, then the need of a
    /// reset, then `otherwise`.
    pub(crate) fn misplaced(&mut self, now: Instant, otherwise: RecoveryError) -> RecoveryError {
        match (self.observe(now), self.state) {
            (Err(error), _) => error,
            (Ok(_), AgentState::Stuck { index }) => self.reset_required(index),
            (Ok(_), _) => otherwise,
        }
    }

    /// Turns the bypass on and clears PAYLOAD_DONE. With PAYLOAD_DONE set, the second word of an image would stall the
    /// bus for good.
    ///
    /// # Errors
    /// Fails when the register does not take it.
    pub(crate) fn open_window(&mut self) -> Result<(), RecoveryError> {
        let read_back = self.driver.clear_payload_done();
        let config = read_back.0;
        if !read_back.bypass() {
            return Err(RecoveryError::BypassRefused { config });
        }
        if read_back.payload_done() {
            return Err(RecoveryError::PayloadDoneStuck { config });
        }
        Ok(())
    }
}

#[cfg(test)]
mod api_tests;
#[cfg(test)]
mod clock_tests;
#[cfg(test)]
mod tests;
