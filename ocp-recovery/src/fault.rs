//! What can go wrong between the agent and its device, where a bus carries the commands.

use crate::command::Command;
use core::fmt;
#[cfg(feature = "commands")]
use netboot_core::Console;

/// A command did not get through, or the device did not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusFault {
    /// The device did not acknowledge its address, or an octet.
    NoAcknowledge {
        /// The command.
        command: Command,
        /// Set when the device did not acknowledge its address, so that it cannot have seen anything of the command.
        address: bool,
    },
    /// Another controller won the bus.
    ArbitrationLost {
        /// The command.
        command: Command,
    },
    /// The bus or its controller failed in another way.
    Transfer {
        /// The command.
        command: Command,
    },
    /// The packet error code of an answer is wrong, or the device says that it was wrong in a write (protocol error 4).
    PacketErrorCode {
        /// The command.
        command: Command,
    },
    /// The answer has a length that the command does not have.
    Length {
        /// The command.
        command: Command,
        /// The length in octets that the answer says.
        found: u16,
    },
    /// The device refused the write with a protocol error other than 4.
    Refused {
        /// The command.
        command: Command,
        /// DEVICE_STATUS octet 1, one of [`protocol_error`](crate::fields::protocol_error).
        protocol_error: u8,
    },
    /// The device acknowledges a write and shows no protocol error, but does not show what was written.
    NotTaken {
        /// The command.
        command: Command,
    },
    /// Nobody can tell which octets of the image the device holds. Only a reset of the device leads on.
    InDoubt {
        /// The number of words that the block has.
        sent: u16,
        /// The number of words by which the write index of the device's FIFO moved.
        taken: u16,
    },
    /// PROT_CAP does not start with "OCP RECV": another device answers at this address.
    OtherDevice,
}

impl BusFault {
    /// Returns whether another try is pointless, so that the agent fails at once and not at its deadline.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::InDoubt { .. } | Self::OtherDevice
        )
    }

    /// The number of the fault among the errors of the recovery module.
    #[cfg(feature = "commands")]
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::NoAcknowledge { .. } => 29,
            Self::ArbitrationLost { .. } => 30,
            Self::Transfer { .. } => 31,
            Self::PacketErrorCode { .. } => 32,
            Self::Length { .. } => 33,
            Self::Refused { .. } => 34,
            Self::NotTaken { .. } => 35,
            Self::InDoubt { .. } => 36,
            Self::OtherDevice => 37,
        }
    }

    /// Writes the facts of this case, in the order of the sentence.
    #[cfg(feature = "commands")]
    pub(crate) fn facts(self, out: &mut dyn Console) {
        match self {
            Self::InDoubt { sent, taken } => {
                out.number("sent", u64::from(sent));
                out.number("taken", u64::from(taken));
            }
            fault => out.number("command", u64::from(fault.command().code())),
        }
        match self {
            Self::Length { found, .. } => out.number("octets", u64::from(found)),
            Self::Refused { protocol_error, .. } => {
                out.number("protocol_error", u64::from(protocol_error));
            }
            _ => {}
        }
    }

    /// The command that the fault belongs to.
    pub const fn command(self) -> Command {
        match self {
            Self::NoAcknowledge { command, .. }
            | Self::ArbitrationLost { command }
            | Self::Transfer { command }
            | Self::PacketErrorCode { command }
            | Self::Length { command, .. }
            | Self::Refused { command, .. }
            | Self::NotTaken { command } => command,
            Self::InDoubt { .. } => Command::IndirectFifoData,
            Self::OtherDevice => Command::ProtCap,
        }
    }
}

impl fmt::Display for BusFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let command = u32::from(self.command().code());
        match *self {
            Self::NoAcknowledge { address: true, .. } => {
                write!(
                    f,
                    "no device acknowledges the address (recovery command {command})"
                )
            }
            Self::NoAcknowledge { .. } => {
                write!(
                    f,
                    "the device did not acknowledge recovery command {command}"
                )
            }
            Self::ArbitrationLost { .. } => {
                write!(
                    f,
                    "another controller won the bus during recovery command {command}"
                )
            }
            Self::Transfer { .. } => {
                write!(f, "the bus failed during recovery command {command}")
            }
            Self::PacketErrorCode { .. } => write!(
                f,
                "the packet error code of recovery command {command} was wrong each time"
            ),
            Self::Length { found, .. } => write!(
                f,
                "the answer to recovery command {command} has {} octets, which it never has",
                u32::from(found)
            ),
            Self::Refused { protocol_error, .. } => write!(
                f,
                "the device refused recovery command {command} with protocol error {}",
                u32::from(protocol_error)
            ),
            Self::NotTaken { .. } => {
                write!(f, "the device does not take recovery command {command}")
            }
            Self::InDoubt { sent, taken } => write!(
                f,
                "{} words of the image were sent and {} may have been taken: the device has to be reset",
                u32::from(sent),
                u32::from(taken)
            ),
            Self::OtherDevice => f.write_str("PROT_CAP does not start with \"OCP RECV\""),
        }
    }
}

impl core::error::Error for BusFault {}
