//! How long the agent waits, and where the boot ends.

use netboot_core::Duration;

/// The deadlines of the agent. The device has none of its own, and neither OCP nor i3c-core names any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// The index of the last image; 2, the MCU firmware, by default. Released Caliptra ROMs show the end of the boot only
    /// as this image *booting* for good, so the agent has to know it.
    pub last_index: u8,
    /// How long the last image must have been booting without any change to count as a success; 3 s by default. The value
    /// must exceed the time in which the device verifies that image. It does not matter where the platform calls
    /// [`platform_complete`](crate::RecoveryAgent::platform_complete).
    pub settle: Duration,
    /// How long the device may take to announce its capabilities, and then to ask for an image; 30 s by default.
    pub request_timeout: Duration,
    /// How long the device may take to drain one burst of the FIFO; 12 s by default.
    ///
    /// The slowest burst is the first one of image 1: the ROM asks for that image before it starts FMC and RT, and RT is
    /// the first to drain it. Released firmware takes 2.8 (2.1.0) to 5.3 (2.1.2) million steps until then, which is 5.3 s
    /// on a core that makes one million steps in a second. The default is a little more than twice that.
    pub drain_timeout: Duration,
    /// How long the device may take from the last word to *recovery pending*; 12 s by default, because the last word may
    /// be in the first burst (see [`drain_timeout`](Self::drain_timeout)).
    pub pending_timeout: Duration,
    /// How long the device may take from the activation to the next request or the end; 30 s by default.
    pub verify_timeout: Duration,
    /// How long the agent waits for the reason code after the first sign of a failure; 500 ms by default. Devices write
    /// recovery status, device status and reason one after the other, in either order.
    pub reason_grace: Duration,
    /// How long the bus to the device may fail without a break, 2 s by default. It matters where commands carry the
    /// registers (feature `commands`); registers themselves cannot fail. A device that has not announced its capabilities and does
    /// not acknowledge its address has [`request_timeout`](Self::request_timeout) instead, because it may still start up.
    pub bus_timeout: Duration,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            last_index: 2,
            settle: Duration::from_secs(3),
            request_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(12),
            pending_timeout: Duration::from_secs(12),
            verify_timeout: Duration::from_secs(30),
            reason_grace: Duration::from_millis(500),
            bus_timeout: Duration::from_secs(2),
        }
    }
}
