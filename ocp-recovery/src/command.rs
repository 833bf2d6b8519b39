//! The OCP recovery commands: codes, lengths, access, and which registers stand for them.
//!
//! The commands are numbers 34 to 47 of OCP Secure Firmware Recovery v1.1. Over SMBus or I3C, a command is a block transfer of the
//! octets in [`crate::layout`]. Over AXI, the I3C core shows the same octets as registers. The agent knows registers only: over SMBus or
//! I3C its [`RegisterBus`](crate::RegisterBus) finds the command of each register with [`Command::of_register`].

use crate::offsets::recovery;

/// The most octets of data that the answer to a command has: 255, by the lengths of OCP Secure Firmware Recovery 1.1.
pub const MAX_DATA: usize = 255;

/// An OCP recovery command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Protocol capabilities.
    ProtCap,
    /// Device identification.
    DeviceId,
    /// Device status.
    DeviceStatus,
    /// Device reset.
    DeviceReset,
    /// Recovery control: image selection and activation.
    RecoveryCtrl,
    /// Recovery status.
    RecoveryStatus,
    /// Hardware status.
    HwStatus,
    /// Memory window: control.
    IndirectCtrl,
    /// Memory window: status.
    IndirectStatus,
    /// Memory window: data.
    IndirectData,
    /// Vendor specific.
    Vendor,
    /// FIFO: control.
    IndirectFifoCtrl,
    /// FIFO: status.
    IndirectFifoStatus,
    /// FIFO: data.
    IndirectFifoData,
}

/// When a command is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// At any time.
    Always,
    /// Only while the recovery interface is active: DEV_STATUS 3 in the I3C core.
    Recovery,
}

/// Octets of a command that one register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterOctets {
    /// The command.
    pub command: Command,
    /// Which of its octets is in the register's lowest bits.
    pub first: u8,
    /// How many of its octets the register holds, 1..=4.
    pub len: u8,
}

impl Command {
    /// All commands in the order of their codes.
    pub const ALL: [Self; 14] = [
        Self::ProtCap,
        Self::DeviceId,
        Self::DeviceStatus,
        Self::DeviceReset,
        Self::RecoveryCtrl,
        Self::RecoveryStatus,
        Self::HwStatus,
        Self::IndirectCtrl,
        Self::IndirectStatus,
        Self::IndirectData,
        Self::Vendor,
        Self::IndirectFifoCtrl,
        Self::IndirectFifoStatus,
        Self::IndirectFifoData,
    ];

    /// The command code on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::ProtCap => 34,
            Self::DeviceId => 35,
            Self::DeviceStatus => 36,
            Self::DeviceReset => 37,
            Self::RecoveryCtrl => 38,
            Self::RecoveryStatus => 39,
            Self::HwStatus => 40,
            Self::IndirectCtrl => 41,
            Self::IndirectStatus => 42,
            Self::IndirectData => 43,
            Self::Vendor => 44,
            Self::IndirectFifoCtrl => 45,
            Self::IndirectFifoStatus => 46,
            Self::IndirectFifoData => 47,
        }
    }

    /// The command of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.code() == code)
    }

    /// Shortest and longest data in octets, without the frame's length and PEC.
    pub const fn lengths(self) -> (u16, u16) {
        match self {
            Self::ProtCap => (15, 15),
            Self::DeviceId => (24, 255),
            Self::DeviceStatus => (7, 255),
            Self::DeviceReset | Self::RecoveryCtrl => (3, 3),
            Self::RecoveryStatus => (2, 2),
            Self::HwStatus => (4, 255),
            Self::IndirectCtrl | Self::IndirectStatus | Self::IndirectFifoCtrl => (6, 6),
            Self::IndirectData => (1, 252),
            Self::Vendor => (1, 255),
            Self::IndirectFifoStatus => (20, 20),
            // 4095 in the specification; the I3C core takes one FIFO of 256.
            Self::IndirectFifoData => (1, 4095),
        }
    }

    /// Whether an agent may write it.
    pub const fn is_writable(self) -> bool {
        matches!(
            self,
            Self::DeviceReset
                | Self::RecoveryCtrl
                | Self::IndirectCtrl
                | Self::IndirectData
                | Self::Vendor
                | Self::IndirectFifoCtrl
                | Self::IndirectFifoData
        )
    }

    /// When it is served.
    pub const fn scope(self) -> Scope {
        if self.code() < 39 {
            Scope::Always
        } else {
            Scope::Recovery
        }
    }

    /// The octets that the register at `register` (from the start of the recovery interface, see
    /// [`recovery`]) holds.
    pub const fn of_register(register: u32) -> Option<RegisterOctets> {
        let (command, first, len) = match register {
            recovery::PROT_CAP_0 => (Self::ProtCap, 0, 4),
            recovery::PROT_CAP_1 => (Self::ProtCap, 4, 4),
            recovery::PROT_CAP_2 => (Self::ProtCap, 8, 4),
            recovery::PROT_CAP_3 => (Self::ProtCap, 12, 3),
            recovery::DEVICE_ID_0 => (Self::DeviceId, 0, 4),
            0x18 => (Self::DeviceId, 4, 4),
            0x1C => (Self::DeviceId, 8, 4),
            0x20 => (Self::DeviceId, 12, 4),
            0x24 => (Self::DeviceId, 16, 4),
            0x28 => (Self::DeviceId, 20, 4),
            recovery::DEVICE_STATUS_0 => (Self::DeviceStatus, 0, 4),
            // The register has the vendor length one bit too wide; the octets are the specification's.
            recovery::DEVICE_STATUS_1 => (Self::DeviceStatus, 4, 3),
            recovery::DEVICE_RESET => (Self::DeviceReset, 0, 3),
            recovery::RECOVERY_CTRL => (Self::RecoveryCtrl, 0, 3),
            recovery::RECOVERY_STATUS => (Self::RecoveryStatus, 0, 2),
            recovery::HW_STATUS => (Self::HwStatus, 0, 4),
            recovery::INDIRECT_FIFO_CTRL_0 => (Self::IndirectFifoCtrl, 0, 2),
            recovery::INDIRECT_FIFO_CTRL_1 => (Self::IndirectFifoCtrl, 2, 4),
            recovery::INDIRECT_FIFO_STATUS_0 => (Self::IndirectFifoStatus, 0, 4),
            recovery::INDIRECT_FIFO_STATUS_1 => (Self::IndirectFifoStatus, 4, 4),
            recovery::INDIRECT_FIFO_STATUS_2 => (Self::IndirectFifoStatus, 8, 4),
            recovery::INDIRECT_FIFO_STATUS_3 => (Self::IndirectFifoStatus, 12, 4),
            recovery::INDIRECT_FIFO_STATUS_4 => (Self::IndirectFifoStatus, 16, 4),
            _ => return None,
        };
        Some(RegisterOctets {
            command,
            first,
            len,
        })
    }
}

/// The packet error code of an SMBus or I3C frame: CRC-8 with polynomial x^8 + x^2 + x + 1, from 0.
///
/// It runs over the target address octet and all that follows; call it again with the last value to go on.
pub const fn pec(seed: u8, octets: &[u8]) -> u8 {
    let mut crc = seed;
    let mut rest = octets;
    while let Some((octet, tail)) = rest.split_first() {
        crc ^= *octet;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x80 != 0 {
                (crc << 1) ^ 0x07
            } else {
                crc << 1
            };
            bit += 1;
        }
        rest = tail;
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_run_from_34_to_47() {
        let codes: Vec<u8> = Command::ALL.iter().map(|command| command.code()).collect();
        assert_eq!(codes, (34..=47).collect::<Vec<u8>>());
        for code in 0..=u8::MAX {
            let found = Command::from_code(code);
            assert_eq!(found.is_some(), (34..=47).contains(&code));
            assert!(found.is_none_or(|command| command.code() == code));
        }
    }

    #[test]
    fn registers_cover_each_command_without_gap() {
        for command in Command::ALL {
            let mut octets = vec![];
            for register in (0..=0x68).step_by(4) {
                if let Some(part) = Command::of_register(register).filter(|p| p.command == command)
                {
                    octets.extend(part.first..part.first + part.len);
                }
            }
            if !octets.is_empty() {
                let (shortest, _) = command.lengths();
                assert_eq!(
                    octets,
                    (0..shortest as u8).collect::<Vec<u8>>(),
                    "{command:?}"
                );
            }
        }
        assert_eq!(Command::of_register(recovery::INDIRECT_FIFO_DATA), None);
        assert_eq!(
            Command::of_register(0x40).map(|part| part.command),
            Some(Command::RecoveryStatus)
        );
    }

    #[test]
    fn scope_and_direction() {
        assert_eq!(Command::RecoveryCtrl.scope(), Scope::Always);
        assert_eq!(Command::RecoveryStatus.scope(), Scope::Recovery);
        assert!(!Command::DeviceStatus.is_writable());
        assert!(Command::IndirectFifoData.is_writable());
    }

    #[test]
    fn pec_is_the_smbus_crc() {
        // The check value of CRC-8/SMBUS.
        assert_eq!(pec(0, b"123456789"), 0xF4);
        assert_eq!(pec(pec(0, b"1234"), b"56789"), 0xF4);
    }
}
