//! Where a boot is, and what was last seen of the device.

use crate::reason::Reason;
use core::fmt;

/// What [`RecoveryAgent::poll`](crate::RecoveryAgent::poll) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// Nothing has changed; poll again.
    Waiting,
    /// The device waits for the image of this index, which [`begin`](crate::ImageSink::begin) opens. Each poll says so
    /// until the image is begun, and again after an image was taken back of which the device had used nothing.
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
    /// The agent waits for the device to announce its capabilities.
    Capabilities,
    /// The agent waits for a request.
    Awaiting,
    /// The device waits for this image.
    Requested {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The agent takes the octets of this image. The producer may pause for any time.
    Receiving {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The agent wrote all of this image, and the device drains the rest of it.
    Draining {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The device holds this image and waits for its activation.
    Ready {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The agent activated this image, and the device verifies it.
    Verifying {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The device used octets of this image, which was then given up. Only a reset of the device ends this state; see
    /// [`device_was_reset`](crate::RecoveryAgent::device_was_reset).
    Stuck {
        /// Recovery image index, 0..=15.
        index: u8,
    },
    /// The boot ended well.
    Complete,
    /// The device failed. Every call says the same error until the device is reset.
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
            | Self::Verifying { index }
            | Self::Stuck { index } => Some(index),
            Self::Capabilities | Self::Awaiting | Self::Complete | Self::Failed => None,
        }
    }
}

/// A protocol error that the device showed in DEVICE_STATUS octet 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolError {
    /// The code of the command that it belongs to, 34..=47: the last one before the error was read. Over registers it is the
    /// command behind the register that was written last, and 0 before the first write.
    pub command: u8,
    /// 1 unsupported command, 2 unsupported parameter, 3 wrong length, 4 packet error code, 0xFF general.
    pub code: u8,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, command) = (u32::from(self.code), u32::from(self.command));
        write!(f, "protocol error {code} after command {command}")
    }
}

impl core::error::Error for ProtocolError {}

/// The device's status as last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusSnapshot {
    /// DEV_STATUS; [`device_status`](crate::fields::device_status) names the values.
    pub device_status: u8,
    /// The last protocol error. Reading the register clears it in the device, so the agent keeps it here until the next
    /// image is begun.
    pub protocol_error: Option<ProtocolError>,
    /// The reason why the device is in recovery, or why it failed.
    pub reason: Reason,
    /// DEV_REC_STATUS; [`recovery_status`](crate::fields::recovery_status) names the values.
    pub recovery_status: u8,
    /// REC_IMG_INDEX. It is unreliable unless `recovery_status` is 1.
    pub index: u8,
}

impl StatusSnapshot {
    /// RECOVERY_STATUS as one octet, with the index in the upper four bits.
    pub const fn recovery_octet(&self) -> u8 {
        self.recovery_status | (self.index << 4)
    }
}
