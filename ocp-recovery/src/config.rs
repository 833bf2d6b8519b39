//! How long the agent waits, and where the boot ends.

use netboot_core::Duration;

/// Deadlines of the agent. The device has none of its own, and neither OCP nor i3c-core name any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// Index of the last image. Released Caliptra ROMs show no end of the boot but this one
    /// *being booted* for good, so the agent has to know it. 2: MCU firmware.
    pub last_index: u8,
    /// How long the last image must have been booting without any change to be called a success.
    /// Must exceed the time in which the device verifies it; not needed where the platform calls
    /// [`platform_complete`](crate::RecoveryAgent::platform_complete).
    pub settle: Duration,
    /// How long the device may take to announce its capabilities, and then to ask for an image.
    pub request_timeout: Duration,
    /// How long the device may take to drain one burst of the FIFO.
    pub drain_timeout: Duration,
    /// How long the device may take from the last word to *recovery pending*.
    pub pending_timeout: Duration,
    /// How long the device may take from the activation to the next request or the end.
    pub verify_timeout: Duration,
    /// How long to wait for the reason code after the first sign of an error: devices write recovery
    /// status, device status and reason one after the other, in either order.
    pub reason_grace: Duration,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            last_index: 2,
            settle: Duration::from_secs(3),
            request_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(5),
            pending_timeout: Duration::from_secs(10),
            verify_timeout: Duration::from_secs(30),
            reason_grace: Duration::from_millis(500),
        }
    }
}
