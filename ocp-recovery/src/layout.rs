//! The octets of each command, for transports that carry commands and not registers.
//!
//! OCP Secure Firmware Recovery v1.1; multi-octet fields are little endian. [`Layout`] reads and writes
//! the fixed part; three commands end with as many vendor octets as they say.

use crate::command::Command;
use core::fmt;
use netboot_core::{Blame, Coded, Module};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// "OCP RECV".
pub const MAGIC: [u8; 8] = *b"OCP RECV";

/// Why octets are not a command's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// Too few or too many octets for the command, or for the buffer.
    Length {
        /// The command.
        command: Command,
        /// Octets given.
        given: usize,
    },
    /// Fewer or more vendor octets than the command's own length field says.
    VendorLength {
        /// The command.
        command: Command,
        /// Octets announced.
        announced: u8,
        /// Octets given.
        given: usize,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { command, given } => {
                write!(f, "{given} octets do not fit command {}", command.code())
            }
            Self::VendorLength {
                command,
                announced,
                given,
            } => write!(
                f,
                "command {} announces {announced} vendor octets and has {given}",
                command.code()
            ),
        }
    }
}

impl core::error::Error for LayoutError {}

impl Coded for LayoutError {
    fn code(&self) -> u32 {
        Module::Recovery.code(match self {
            Self::Length { .. } => 64,
            Self::VendorLength { .. } => 65,
        })
    }

    fn blame(&self) -> Blame {
        Blame::Peer
    }
}

/// A command's fixed octets.
pub trait Layout: FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned + Copy {
    /// The command.
    const COMMAND: Command;

    /// The vendor octets that follow, where the command has any: the value of its length field.
    fn vendor_len(&self) -> u8 {
        0
    }

    /// Reads the command's data.
    ///
    /// # Errors
    /// When there are more or fewer octets than the command and its vendor length say.
    fn parse(octets: &[u8]) -> Result<(&Self, &[u8]), LayoutError> {
        let Ok((fixed, vendor)) = Self::ref_from_prefix(octets) else {
            return Err(LayoutError::Length {
                command: Self::COMMAND,
                given: octets.len(),
            });
        };
        fixed.check(vendor)?;
        Ok((fixed, vendor))
    }

    /// Writes the command's data and the vendor octets; gives the length in octets.
    ///
    /// # Errors
    /// When `vendor` is not as long as the vendor length says, or `out` is too short.
    fn emit(&self, vendor: &[u8], out: &mut [u8]) -> Result<usize, LayoutError> {
        self.check(vendor)?;
        let fixed = self.as_bytes();
        let too_short = LayoutError::Length {
            command: Self::COMMAND,
            given: out.len(),
        };
        let Some((head, tail)) = out.split_at_mut_checked(fixed.len()) else {
            return Err(too_short);
        };
        let Some(tail) = tail.get_mut(..vendor.len()) else {
            return Err(too_short);
        };
        copy(head, fixed);
        copy(tail, vendor);
        Ok(fixed.len().saturating_add(vendor.len()))
    }

    /// # Errors
    /// When `vendor` is not as long as announced, or the whole is longer than the command may be.
    fn check(&self, vendor: &[u8]) -> Result<(), LayoutError> {
        let announced = self.vendor_len();
        if vendor.len() != usize::from(announced) {
            return Err(LayoutError::VendorLength {
                command: Self::COMMAND,
                announced,
                given: vendor.len(),
            });
        }
        let given = size_of::<Self>().saturating_add(vendor.len());
        if given > usize::from(Self::COMMAND.lengths().1) {
            return Err(LayoutError::Length {
                command: Self::COMMAND,
                given,
            });
        }
        Ok(())
    }
}

/// Copies what fits; the callers made the lengths equal.
fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

macro_rules! layout {
    ($(#[$doc:meta])* $name:ident for $command:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* } $(vendor $len:ident)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
        #[repr(C)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl Layout for $name {
            const COMMAND: Command = Command::$command;
            $(fn vendor_len(&self) -> u8 { self.$len })?
        }
    };
}

layout! {
    /// PROT_CAP.
    ProtCap for ProtCap {
        /// [`MAGIC`].
        magic: [u8; 8],
        /// Major version.
        major: u8,
        /// Minor version.
        minor: u8,
        /// Bits of [`crate::fields::capability`].
        capabilities: U16,
        /// Number of component memory spaces.
        cms_regions: u8,
        /// Longest response time, 2^x µs.
        max_response_time: u8,
        /// Heartbeat period, 2^x µs; 0 means none.
        heartbeat_period: u8,
    }
}
layout! {
    /// DEVICE_ID, followed by the vendor's string.
    DeviceId for DeviceId {
        /// 0 PCI, 1 IANA, 2 UUID, 3 PnP, 4 ACPI, 5 IANA enterprise, 0xFF NVMe-MI.
        descriptor_type: u8,
        /// Octets of the vendor's string, at most 231.
        vendor_len: u8,
        /// The descriptor.
        descriptor: [u8; 22],
    } vendor vendor_len
}
layout! {
    /// DEVICE_STATUS, followed by the vendor's status.
    DeviceStatus for DeviceStatus {
        /// One of [`crate::fields::device_status`].
        status: u8,
        /// Protocol error; cleared by reading.
        protocol_error: u8,
        /// A [`crate::Reason`].
        reason: U16,
        /// Heartbeat, 0..=4095.
        heartbeat: U16,
        /// Octets of the vendor's status, at most 248.
        vendor_len: u8,
    } vendor vendor_len
}
layout! {
    /// DEVICE_RESET.
    DeviceReset for DeviceReset {
        /// 0 none, 1 device, 2 management interface.
        control: u8,
        /// 0 none, 0xE flashless boot, 0xF recovery, at the next reset.
        forced_recovery: u8,
        /// Interface mastering, 0 or 1.
        interface_control: u8,
    }
}
layout! {
    /// RECOVERY_CTRL.
    RecoveryCtrl for RecoveryCtrl {
        /// Component memory space.
        cms: u8,
        /// 0 none, 1 memory window, 2 local C-image.
        image_selection: u8,
        /// 0xF activates.
        activate: u8,
    }
}
layout! {
    /// RECOVERY_STATUS.
    RecoveryStatus for RecoveryStatus {
        /// One of [`crate::fields::recovery_status`], image index in the upper four bits.
        status_index: u8,
        /// Vendor specific.
        vendor_status: u8,
    }
}
layout! {
    /// HW_STATUS, followed by the vendor's status.
    HwStatus for HwStatus {
        /// Bit 0 temperature critical, 1 soft error, 2 fatal error.
        flags: u8,
        /// Vendor specific.
        vendor_status: u8,
        /// Temperature as NVMe-MI has it: 0x00..=0x7E °C, 0x80 no data, 0xC5..=0xFF -59..=-1 °C.
        temperature: u8,
        /// Octets of the vendor's status, at most 251.
        vendor_len: u8,
    } vendor vendor_len
}
layout! {
    /// INDIRECT_CTRL.
    IndirectCtrl for IndirectCtrl {
        /// Component memory space.
        cms: u8,
        /// 0.
        reserved: u8,
        /// Offset into the memory space in octets, a multiple of 4.
        offset: U32,
    }
}
layout! {
    /// INDIRECT_STATUS.
    IndirectStatus for IndirectStatus {
        /// Bit 0 overflow, 1 read-only error, 2 acknowledge, 3 polling error, 4 write-only error.
        flags: u8,
        /// Bits 0..=2 region type, bit 3 polling required.
        region_type: u8,
        /// Region size in units of 4 octets.
        region_size: U32,
    }
}
layout! {
    /// INDIRECT_FIFO_CTRL.
    IndirectFifoCtrl for IndirectFifoCtrl {
        /// Component memory space.
        cms: u8,
        /// 1 resets the indices.
        reset: u8,
        /// Image size in units of 4 octets.
        image_size: U32,
    }
}
layout! {
    /// INDIRECT_FIFO_STATUS. All sizes and indices in units of 4 octets.
    IndirectFifoStatus for IndirectFifoStatus {
        /// Bit 0 empty, bit 1 full.
        flags: u8,
        /// Region type in bits 0..=2.
        region_type: u8,
        /// 0.
        reserved: U16,
        /// Write index.
        write_index: U32,
        /// Read index.
        read_index: U32,
        /// Size of the FIFO.
        fifo_size: U32,
        /// Largest transfer.
        max_transfer_size: U32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fixed_parts_are_as_long_as_their_commands() {
        fn check<T: Layout>() {
            let (shortest, _) = T::COMMAND.lengths();
            assert_eq!(size_of::<T>(), usize::from(shortest), "{:?}", T::COMMAND);
        }
        check::<ProtCap>();
        check::<DeviceId>();
        check::<DeviceStatus>();
        check::<DeviceReset>();
        check::<RecoveryCtrl>();
        check::<RecoveryStatus>();
        check::<HwStatus>();
        check::<IndirectCtrl>();
        check::<IndirectStatus>();
        check::<IndirectFifoCtrl>();
        check::<IndirectFifoStatus>();
    }

    #[test]
    fn prot_cap_of_a_caliptra_rom() {
        let octets = b"OCP RECV\x01\x01\xB1\x1A\x00\x00\x00";
        let (prot_cap, _) = ProtCap::parse(octets).unwrap();
        assert_eq!(prot_cap.magic, MAGIC);
        assert_eq!((prot_cap.major, prot_cap.minor), (1, 1));
        assert_eq!(prot_cap.capabilities.get(), 0x1AB1);
        assert_eq!(
            ProtCap::parse(&octets[..14]),
            Err(LayoutError::Length {
                command: Command::ProtCap,
                given: 14
            })
        );
        let mut out = [0; 15];
        assert_eq!(prot_cap.emit(&[], &mut out), Ok(15));
        assert_eq!(&out, octets);
    }

    #[test]
    fn vendor_octets_must_be_as_many_as_announced() {
        let status = DeviceStatus {
            status: 0xE,
            protocol_error: 0,
            reason: 0x85.into(),
            heartbeat: 0x0FFF.into(),
            vendor_len: 2,
        };
        let mut out = [0; 16];
        assert_eq!(status.emit(b"ab", &mut out), Ok(9));
        assert_eq!(&out[..9], b"\x0E\x00\x85\x00\xFF\x0F\x02ab");
        assert_eq!(
            DeviceStatus::parse(&out[..9]),
            Ok((&status, b"ab".as_slice()))
        );
        for wrong in [&out[..8], &out[..10]] {
            assert!(matches!(
                DeviceStatus::parse(wrong),
                Err(LayoutError::VendorLength { announced: 2, .. })
            ));
        }
        assert!(status.emit(b"ab", &mut out[..8]).is_err());
        // A vendor string that leaves the 255 octets of the command.
        let mut octets = [0; 24 + 232];
        octets[1] = 232;
        assert_eq!(
            DeviceId::parse(&octets),
            Err(LayoutError::Length {
                command: Command::DeviceId,
                given: 256
            })
        );
    }

    #[test]
    fn fifo_control_counts_words() {
        let (control, _) = IndirectFifoCtrl::parse(&[0, 1, 0x78, 0x56, 0x34, 0x12]).unwrap();
        assert_eq!((control.reset, control.image_size.get()), (1, 0x1234_5678));
    }

    #[test]
    fn numbers_differ_from_the_agents() {
        use std::collections::HashSet;
        let command = Command::ProtCap;
        let own = [
            LayoutError::Length { command, given: 0 },
            LayoutError::VendorLength {
                command,
                announced: 1,
                given: 0,
            },
        ];
        let agent = crate::error::samples();
        let codes: HashSet<u32> = own
            .iter()
            .map(Coded::code)
            .chain(agent.iter().map(Coded::code))
            .collect();
        assert_eq!(codes.len(), own.len() + agent.len());
    }

    proptest! {
        #[test]
        fn what_parses_is_emitted_again(octets in prop::collection::vec(any::<u8>(), 0..300)) {
            fn check<T: Layout>(octets: &[u8]) {
                if let Ok((fixed, vendor)) = T::parse(octets) {
                    let mut out = [0; 300];
                    let len = fixed.emit(vendor, &mut out).unwrap();
                    assert_eq!(&out[..len], octets);
                }
            }
            check::<DeviceId>(&octets);
            check::<DeviceStatus>(&octets);
            check::<HwStatus>(&octets);
            // Their length octets made right, so that parsing succeeds.
            let mut right = octets.clone();
            if let Some(rest) = octets.len().checked_sub(7).and_then(|n| u8::try_from(n).ok()) {
                right[6] = rest;
                prop_assert!(rest > 248 || DeviceStatus::parse(&right).is_ok());
                check::<DeviceStatus>(&right);
            }
        }
    }
}
