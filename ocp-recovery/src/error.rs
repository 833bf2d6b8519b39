//! What can go wrong on the device's side, with stable numbers.

#[cfg(feature = "commands")]
use crate::fault::BusFault;
use crate::fields::RecoveryStatus;
use crate::fields::recovery_status::AUTHENTICATION_ERROR;
use crate::reason::Reason;
use core::fmt;
use netboot_core::{Blame, Coded, Console, Module};

/// The thing that the agent was waiting for when a deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// The device's firmware had to write PROT_CAP.
    Capabilities,
    /// The device had to ask for an image, by DEV_STATUS 3 and DEV_REC_STATUS 1 without a pending activation.
    ImageRequest,
    /// The device had to drain the FIFO.
    Drain,
    /// The device had to show DEV_STATUS 4 after the last word.
    Pending,
    /// The device had to ask for the next image or end the boot, after an activation.
    Verification,
}

impl WaitFor {
    /// Names what was missing, for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            WaitFor::Capabilities => "its capabilities",
            WaitFor::ImageRequest => "a request for an image",
            WaitFor::Drain => "an empty FIFO",
            WaitFor::Pending => "recovery pending after the last word",
            WaitFor::Verification => "the outcome of the activation",
        }
    }
}

/// An error of the recovery driver or agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryError {
    /// The chain of extended capabilities points to a place where no header can be.
    ExtCapsPointer {
        /// The place, in octets from the CSR base.
        offset: u32,
    },
    /// A capability is too short for its registers, or its length leaves the block.
    ExtCapLength {
        /// The capability's id.
        id: u8,
        /// The place of the capability's header, in octets from the CSR base.
        offset: u32,
        /// The capability's length in units of 4 octets.
        dwords: u32,
    },
    /// The chain has the same capability twice.
    ExtCapRepeated {
        /// The capability's id.
        id: u8,
        /// The place of the second header, in octets from the CSR base.
        offset: u32,
    },
    /// The chain lacks a capability that the driver needs.
    ExtCapMissing {
        /// The capability's id.
        id: u8,
    },
    /// The chain of extended capabilities does not end.
    ExtCapsEndless,
    /// PROT_CAP does not start with "OCP RECV".
    BadMagic {
        /// The first two words of PROT_CAP.
        found: [u32; 2],
    },
    /// REC_INTF_CFG does not keep the bypass bit.
    BypassRefused {
        /// REC_INTF_CFG as read back.
        config: u32,
    },
    /// The device speaks another major version of the protocol.
    VersionUnsupported {
        /// The device's major version.
        major: u8,
        /// The device's minor version.
        minor: u8,
    },
    /// The device lacks device status or push C-image.
    CapabilityMissing {
        /// The device's capability bits.
        capabilities: u16,
    },
    /// The device announces a FIFO without room, or one that takes no transfers.
    FifoGeometry {
        /// FIFO_SIZE in units of 4 octets.
        fifo_size: u32,
        /// MAX_TRANSFER_SIZE in units of 4 octets.
        max_transfer: u32,
    },
    /// PAYLOAD_DONE does not clear. A write to the FIFO would stall the bus.
    PayloadDoneStuck {
        /// REC_INTF_CFG as read back.
        config: u32,
    },
    /// The caller began an image for which the device has not asked.
    NotRequested,
    /// The device took its request back before the image was begun.
    RequestWithdrawn {
        /// The image for which the device had asked.
        index: u8,
    },
    /// The caller began an image while another one is open.
    AlreadyOpen {
        /// The open image.
        index: u8,
    },
    /// No image is open.
    NotOpen,
    /// The image's size is 0, or has more words than IMAGE_SIZE can hold.
    SizeUnsupported {
        /// The image's size in octets.
        size: u64,
    },
    /// The caller wrote more than the window.
    WindowExceeded {
        /// The window in octets.
        window: usize,
        /// The number of octets given.
        given: usize,
    },
    /// The caller wrote more octets than the image was declared to have.
    SizeExceeded {
        /// The number of octets that were missing.
        remaining: u64,
        /// The number of octets given.
        given: usize,
    },
    /// The caller ended the image before all of its octets were written.
    ShortImage {
        /// The number of octets that are missing.
        missing: u64,
    },
    /// The caller activated an image before the device said that it holds it.
    NotReady,
    /// The device refused an image, or failed for another reason. Only a reset of the device leads on.
    DeviceRefused {
        /// The image in work.
        index: u8,
        /// DEV_STATUS as the device shows it.
        device_status: u8,
        /// RECOVERY_STATUS as the device shows it, with the index in the upper four bits.
        recovery_status: u8,
        /// The reason, if the device told it within the grace period.
        reason: Option<Reason>,
    },
    /// The device left recovery mode in the middle of an image, as after a reset.
    DeviceLeft {
        /// The image in work.
        index: u8,
        /// DEV_STATUS as the device shows it.
        device_status: u8,
        /// RECOVERY_STATUS as the device shows it, with the index in the upper four bits.
        recovery_status: u8,
    },
    /// A deadline passed.
    Timeout {
        /// The thing that the agent was waiting for.
        wait: WaitFor,
        /// The image in work.
        index: u8,
        /// DEV_STATUS as the device shows it.
        device_status: u8,
        /// RECOVERY_STATUS as the device shows it, with the index in the upper four bits.
        recovery_status: u8,
    },
    /// The device used octets of an image that was then given up. A released ROM would take whatever follows as the
    /// continuation, so the agent gives it nothing more until the device is reset.
    ResetRequired {
        /// The image that was given up.
        index: u8,
        /// The number of its octets that were written.
        octets: u64,
    },
    /// The bus that carries the commands fails: at once when another try is pointless, otherwise after
    /// [`bus_timeout`](crate::AgentConfig::bus_timeout).
    #[cfg(feature = "commands")]
    Bus(BusFault),
}

impl RecoveryError {
    /// Whether another try may do better as far as this error says. A device that refused an image has ended its boot; a
    /// file of an impossible size never reached it; a bus may work again.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::RequestWithdrawn { .. } | Self::SizeUnsupported { .. } => true,
            #[cfg(feature = "commands")]
            Self::Bus(fault) => !fault.is_final(),
            _ => false,
        }
    }
}

impl fmt::Display for RecoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use RecoveryError::*;
        // Octets and half words are widened, so that not each width brings a formatter of its own.
        let wide = <u32 as From<u8>>::from;
        match *self {
            ExtCapsPointer { offset } => write!(
                f,
                "no capability header can be at 0x{offset:x}: is this the I3C core's base address?"
            ),
            ExtCapLength { id, offset, dwords } => write!(
                f,
                "capability 0x{:02x} at 0x{offset:x} has an impossible length of {dwords} words",
                wide(id)
            ),
            ExtCapRepeated { id, offset } => {
                write!(
                    f,
                    "capability 0x{:02x} is there again at 0x{offset:x}",
                    wide(id)
                )
            }
            ExtCapMissing { id } => write!(f, "the I3C core has no capability 0x{:02x}", wide(id)),
            ExtCapsEndless => f.write_str("the I3C core's chain of capabilities does not end"),
            BadMagic {
                found: [first, second],
            } => write!(
                f,
                "PROT_CAP reads 0x{first:08x} 0x{second:08x}, not \"OCP RECV\""
            ),
            BypassRefused { config } => write!(
                f,
                "the I3C core does not take AXI bypass (REC_INTF_CFG 0x{config:x})"
            ),
            VersionUnsupported { major, minor } => {
                write!(f, "the device speaks OCP recovery {major}.{minor}, not 1.x")
            }
            CapabilityMissing { capabilities } => write!(
                f,
                "the device lacks device status or push C-image (capabilities 0x{:04x})",
                u32::from(capabilities)
            ),
            FifoGeometry {
                fifo_size,
                max_transfer,
            } => write!(
                f,
                "a FIFO of {fifo_size} words with transfers of {max_transfer} words is unusable"
            ),
            PayloadDoneStuck { config } => {
                write!(f, "PAYLOAD_DONE does not clear (REC_INTF_CFG 0x{config:x})")
            }
            NotRequested => f.write_str("the device has not asked for an image"),
            RequestWithdrawn { index } => {
                write!(f, "the device took its request for image {index} back")
            }
            AlreadyOpen { index } => write!(f, "image {index} is still open"),
            NotOpen => f.write_str("no image is open"),
            SizeUnsupported { size } => {
                write!(f, "an image of {size} octets cannot be declared")
            }
            WindowExceeded { window, given } => {
                write!(f, "{given} octets written into a window of {window}")
            }
            SizeExceeded { remaining, given } => write!(
                f,
                "{given} octets written where the image has only {remaining} left"
            ),
            ShortImage { missing } => write!(f, "the image ended {missing} octets too early"),
            NotReady => f.write_str("the device does not hold a complete image to activate"),
            DeviceRefused {
                index,
                device_status,
                recovery_status,
                reason,
            } => {
                write!(f, "the device refused image {index}")?;
                match reason {
                    Some(reason) => write!(f, " ({reason})")?,
                    None => f.write_str(" (no reason given)")?,
                }
                write_status(f, device_status, recovery_status)
            }
            DeviceLeft {
                index,
                device_status,
                recovery_status,
            } => {
                write!(f, "the device left recovery during image {index}")?;
                write_status(f, device_status, recovery_status)
            }
            Timeout {
                wait,
                index,
                device_status,
                recovery_status,
            } => {
                write!(
                    f,
                    "the device did not show {} in time (image {index})",
                    wait.as_str()
                )?;
                write_status(f, device_status, recovery_status)?;
                match wait {
                    // Nothing is shown yet that a watchdog could have left as it was.
                    WaitFor::Capabilities => Ok(()),
                    _ => f.write_str("; its own watchdog may have fired"),
                }
            }
            ResetRequired { index, octets } => write!(
                f,
                "the device took {octets} octets of image {index}, which was given up, and has to be reset"
            ),
            #[cfg(feature = "commands")]
            Bus(fault) => fault.fmt(f),
        }
    }
}

/// Writes the two status octets at the end of a sentence.
fn write_status(f: &mut fmt::Formatter<'_>, device: u8, recovery: u8) -> fmt::Result {
    let (device, recovery) = (u32::from(device), u32::from(recovery));
    write!(
        f,
        " (device status 0x{device:x}, recovery status 0x{recovery:02x})"
    )
}

impl core::error::Error for RecoveryError {}

impl Coded for RecoveryError {
    fn facts(&self, out: &mut dyn Console) {
        let (image, why, device_status, recovery_status) = match *self {
            RecoveryError::SizeUnsupported { size } => return out.number("octets", size),
            #[cfg(feature = "commands")]
            RecoveryError::Bus(fault) => return fault.facts(out),
            RecoveryError::DeviceRefused {
                index,
                device_status,
                recovery_status,
                reason,
            } => (Some(index), reason, device_status, recovery_status),
            RecoveryError::DeviceLeft {
                index,
                device_status,
                recovery_status,
            } => (Some(index), None, device_status, recovery_status),
            RecoveryError::Timeout {
                device_status,
                recovery_status,
                ..
            } => (None, None, device_status, recovery_status),
            _ => return,
        };
        if let Some(image) = image {
            out.number("image", u64::from(image));
        }
        if let Some(reason) = why {
            out.key("reason");
            out.hex(u32::from(reason.0));
        }
        out.key("device_status");
        out.hex(u32::from(device_status));
        out.key("recovery_status");
        out.hex(u32::from(recovery_status));
    }

    fn code(&self) -> u32 {
        use RecoveryError::*;
        Module::Recovery.code(match self {
            ExtCapsPointer { .. } => 1,
            ExtCapLength { .. } => 2,
            ExtCapRepeated { .. } => 3,
            ExtCapMissing { .. } => 4,
            ExtCapsEndless => 5,
            BadMagic { .. } => 6,
            BypassRefused { .. } => 7,
            VersionUnsupported { .. } => 8,
            CapabilityMissing { .. } => 9,
            FifoGeometry { .. } => 10,
            PayloadDoneStuck { .. } => 11,
            NotRequested => 12,
            RequestWithdrawn { .. } => 13,
            AlreadyOpen { .. } => 14,
            NotOpen => 15,
            SizeUnsupported { .. } => 16,
            WindowExceeded { .. } => 17,
            SizeExceeded { .. } => 18,
            ShortImage { .. } => 19,
            NotReady => 20,
            DeviceRefused { .. } => 21,
            DeviceLeft { .. } => 22,
            Timeout { wait, .. } => match wait {
                WaitFor::Capabilities => 23,
                WaitFor::ImageRequest => 24,
                WaitFor::Drain => 25,
                WaitFor::Pending => 26,
                WaitFor::Verification => 27,
            },
            ResetRequired { .. } => 28,
            #[cfg(feature = "commands")]
            Bus(fault) => fault.number(),
        })
    }

    fn blame(&self) -> Blame {
        use RecoveryError::*;
        match self {
            NotRequested
            | AlreadyOpen { .. }
            | NotOpen
            | WindowExceeded { .. }
            | SizeExceeded { .. }
            | ShortImage { .. }
            | NotReady => Blame::Caller,
            SizeUnsupported { .. } => Blame::Configuration,
            DeviceRefused {
                reason: Some(reason),
                ..
            } => reason.blame(),
            // Older ROMs give no reason for image 0, but say that the image is not authentic.
            DeviceRefused {
                recovery_status, ..
            } if RecoveryStatus(u32::from(*recovery_status)).status() == AUTHENTICATION_ERROR => {
                Blame::Server
            }
            _ => Blame::Device,
        }
    }
}

#[cfg(all(test, feature = "commands"))]
use crate::command::Command;

/// Makes one error of each number.
#[cfg(test)]
pub fn samples() -> Vec<RecoveryError> {
    use RecoveryError::*;
    let timeout = |wait| Timeout {
        wait,
        index: 1,
        device_status: 3,
        recovery_status: 0x11,
    };
    vec![
        ExtCapsPointer { offset: 0x80 },
        ExtCapLength {
            id: 0xC4,
            offset: 0x1C0,
            dwords: 0,
        },
        ExtCapRepeated {
            id: 0xC4,
            offset: 0x1C0,
        },
        ExtCapMissing { id: 0xC0 },
        ExtCapsEndless,
        BadMagic { found: [1, 2] },
        BypassRefused { config: 0 },
        VersionUnsupported { major: 2, minor: 0 },
        CapabilityMissing { capabilities: 0x10 },
        FifoGeometry {
            fifo_size: 64,
            max_transfer: 0,
        },
        PayloadDoneStuck { config: 3 },
        NotRequested,
        RequestWithdrawn { index: 0 },
        AlreadyOpen { index: 0 },
        NotOpen,
        SizeUnsupported { size: 0 },
        WindowExceeded {
            window: 4,
            given: 5,
        },
        SizeExceeded {
            remaining: 4,
            given: 5,
        },
        ShortImage { missing: 7 },
        NotReady,
        DeviceRefused {
            index: 0,
            device_status: 0xE,
            recovery_status: 0x0D,
            reason: Some(Reason(0x85)),
        },
        DeviceLeft {
            index: 0,
            device_status: 0,
            recovery_status: 0,
        },
        timeout(WaitFor::Capabilities),
        timeout(WaitFor::ImageRequest),
        timeout(WaitFor::Drain),
        timeout(WaitFor::Pending),
        timeout(WaitFor::Verification),
        ResetRequired {
            index: 1,
            octets: 8_000,
        },
        Bus(BusFault::NoAcknowledge {
            command: Command::DeviceStatus,
            address: true,
        }),
        Bus(BusFault::ArbitrationLost {
            command: Command::DeviceStatus,
        }),
        Bus(BusFault::Transfer {
            command: Command::DeviceStatus,
        }),
        Bus(BusFault::PacketErrorCode {
            command: Command::DeviceStatus,
        }),
        Bus(BusFault::Length {
            command: Command::RecoveryStatus,
            found: 3,
        }),
        Bus(BusFault::Refused {
            command: Command::IndirectFifoCtrl,
            protocol_error: 2,
        }),
        Bus(BusFault::NotTaken {
            command: Command::RecoveryCtrl,
        }),
        Bus(BusFault::InDoubt { sent: 63, taken: 7 }),
        Bus(BusFault::OtherDevice),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_are_unique_and_in_the_module() {
        let codes: HashSet<u32> = samples().iter().map(Coded::code).collect();
        assert_eq!(codes.len(), samples().len());
        let numbers = 1..=samples().len() as u32;
        assert_eq!(codes, numbers.map(|n| 0x0006_0000 | n).collect());
    }

    #[test]
    fn sentences_name_the_facts() {
        let texts: HashSet<String> = samples().iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), samples().len());
        assert!(texts.contains(
            "the device refused image 0 (firmware digest mismatch (0x85)) \
             (device status 0xe, recovery status 0x0d)"
        ));
        assert!(texts.contains(
            "the device did not show an empty FIFO in time (image 1) \
             (device status 0x3, recovery status 0x11); its own watchdog may have fired"
        ));
        // A watchdog that fires leaves the registers as they were, in whatever wait.
        let watched = samples().into_iter().filter(|error| {
            let text = error.to_string();
            text.ends_with("its own watchdog may have fired")
        });
        let codes: Vec<u32> = watched.map(|error| error.code() & 0xFFFF).collect();
        assert_eq!(codes, [24, 25, 26, 27]);
        assert!(texts.contains(
            "the device took 8000 octets of image 1, which was given up, and has to be reset"
        ));
    }

    #[test]
    fn a_wrong_file_is_not_the_devices_fault() {
        let refused = |recovery_status, reason: Option<u16>| {
            RecoveryError::DeviceRefused {
                index: 0,
                device_status: 0xE,
                recovery_status,
                reason: reason.map(Reason),
            }
            .blame()
        };
        for reason in (0x04..=0x10).chain(0x80..=0x88) {
            assert_eq!(refused(0x0D, Some(reason)), Blame::Server, "{reason:#x}");
        }
        for reason in [0x01, 0x02, 0x03, 0x13, 0x7F, 0x89, 0x94, 0xFF, 0x100] {
            assert_eq!(refused(0x0D, Some(reason)), Blame::Device, "{reason:#x}");
        }
        // Without a reason the recovery status decides.
        assert_eq!(refused(0x1D, None), Blame::Server);
        for recovery_status in [0x02, 0x0C, 0x1C, 0x0E, 0x0F] {
            assert_eq!(refused(recovery_status, None), Blame::Device);
        }
    }
}
