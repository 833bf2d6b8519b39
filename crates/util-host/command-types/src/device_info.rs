//! What the device is and what it can do.

use crate::command::{CommandResponse, CommonResponse, answer, fixed, message};
use crate::error::CommandError;
use crate::wire::{Field, Reader, copy_out};

/// Most octets that [`GetDeviceInfoResponse`] holds.
pub const MAX_DEVICE_INFO: usize = 128;
/// Octets of the capabilities that [`GetDeviceCapabilitiesResponse`] knows.
pub const CAPABILITIES_SIZE: usize = 36;
/// Most octets of capabilities that a newer device sends; what is behind the first 36 is reserved or the vendor's.
pub const MAX_CAPABILITIES_SIZE: usize = 64;

message! {
    /// Asks for the version of a firmware image. Index 0 is Caliptra's core firmware, 1 the MCU's runtime firmware, 2 the
    /// SoC's firmware set where the integrator gives it one version; further ones belong to the integrator.
    GetFirmwareVersionRequest {
        /// Which image.
        index: u32,
    }
}
fixed!(
    GetFirmwareVersionRequest,
    GetFirmwareVersion,
    GetFirmwareVersionResponse
);

impl GetFirmwareVersionRequest {
    /// Caliptra's core firmware.
    pub const CALIPTRA: u32 = 0;
    /// The MCU's runtime firmware.
    pub const MCU_RUNTIME: u32 = 1;
    /// The SoC's firmware set.
    pub const SOC: u32 = 2;
}

/// A firmware version, read from `major.minor.patch[.build][ commit]`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, zerocopy::FromBytes, zerocopy::Immutable)]
pub struct GetFirmwareVersionResponse {
    /// What each answer begins with.
    pub common: CommonResponse,
    /// Major, minor, patch and build number; what the text does not have is 0.
    pub version: [u32; 4],
    /// The commit behind the version, ASCII, filled up with zeros.
    pub commit_id: [u8; 20],
}

impl GetFirmwareVersionResponse {
    /// The commit behind the version; empty when the device tells none.
    pub fn commit(&self) -> &str {
        let end = self.commit_id.iter().position(|octet| *octet == 0);
        let text = self.commit_id.get(..end.unwrap_or(20)).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }
}

impl CommandResponse for GetFirmwareVersionResponse {
    fn from_bytes(data: &[u8]) -> Result<Self, CommandError> {
        let mut reader = Reader::new(data);
        let common = CommonResponse::take(&mut reader)?;
        let text = reader.sized()?;
        reader.finish()?;
        if !text.is_ascii() {
            return Err(CommandError::DeserializationError);
        }
        let text = core::str::from_utf8(text).map_err(|_| CommandError::DeserializationError)?;
        let text = text.trim_end_matches('\0');
        let (numbers, commit) = match text.split_once(' ') {
            Some((numbers, commit)) => (numbers, commit.trim()),
            None => (text, ""),
        };
        let mut version = [0; 4];
        let mut to = version.iter_mut();
        for number in numbers.split('.') {
            let to = to.next().ok_or(CommandError::InvalidResponse(
                "the version has more than four numbers",
            ))?;
            *to = number.parse().map_err(|_| {
                CommandError::InvalidResponse("the version is not major.minor.patch")
            })?;
        }
        let mut commit_id = [0; 20];
        let Some(to) = commit_id.get_mut(..commit.len()) else {
            return Err(CommandError::InvalidResponse(
                "the commit has more than 20 letters",
            ));
        };
        to.copy_from_slice(commit.as_bytes());
        Ok(Self {
            common,
            version,
            commit_id,
        })
    }
}

message! {
    /// Asks what the device can do.
    GetDeviceCapabilitiesRequest {}
}
fixed!(
    GetDeviceCapabilitiesRequest,
    GetDeviceCapabilities,
    GetDeviceCapabilitiesResponse
);

/// What the device can do. On the wire these numbers are big endian.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, zerocopy::FromBytes, zerocopy::Immutable)]
pub struct GetDeviceCapabilitiesResponse {
    /// What each answer begins with.
    pub common: CommonResponse,
    /// Caliptra's runtime firmware.
    pub caliptra_rt: u64,
    /// Caliptra's first mutable code.
    pub caliptra_fmc: u32,
    /// Caliptra's ROM.
    pub caliptra_rom: u32,
    /// The MCU's ROM, see [`mcu_rom`].
    pub mcu_rom: u32,
    /// The MCU's runtime firmware, see [`mcu_rt`].
    pub mcu_rt: u32,
    /// Common commands: bit *n* is command *n* + 1 of the OCP command registry.
    pub external_commands: u32,
    /// Subcommands that need an authorization.
    pub authorized_subcommands: u32,
    /// Reserved.
    pub reserved: u32,
}

/// Bits of [`GetDeviceCapabilitiesResponse::mcu_rom`], as the public documents propose them.
pub mod mcu_rom {
    /// Streaming boot over I3C.
    pub const STREAMING_BOOT_I3C: u32 = 1 << 0;
    /// Boot from flash.
    pub const FLASH_BOOT: u32 = 1 << 1;
    /// Boot from the network.
    pub const NETWORK_BOOT: u32 = 1 << 2;
}

/// Bits of [`GetDeviceCapabilitiesResponse::mcu_rt`].
pub mod mcu_rt {
    /// Loading of images from flash.
    pub const FLASH_BOOT: u32 = 1 << 0;
    /// Loading of streamed images.
    pub const STREAMING_BOOT: u32 = 1 << 1;
    /// Firmware update.
    pub const FIRMWARE_UPDATE: u32 = 1 << 2;
    /// SPDM responder.
    pub const SPDM_RESPONDER: u32 = 1 << 3;
    /// Responder to MCTP vendor defined messages.
    pub const MCTP_VDM_RESPONDER: u32 = 1 << 4;
    /// Debug log.
    pub const USERSPACE_DEBUG_LOG: u32 = 1 << 5;
    /// Mailbox service.
    pub const MCI_MAILBOX_SERVICE: u32 = 1 << 6;
    /// DOE transport.
    pub const DOE: u32 = 1 << 7;
}

impl GetDeviceCapabilitiesResponse {
    /// Whether the MCU's ROM boots from the network.
    pub const fn network_boot(&self) -> bool {
        self.mcu_rom & mcu_rom::NETWORK_BOOT != 0
    }

    /// The capabilities as they are on the wire.
    pub fn to_wire(&self) -> [u8; CAPABILITIES_SIZE] {
        let mut out = [0; CAPABILITIES_SIZE];
        let words = [
            self.caliptra_fmc,
            self.caliptra_rom,
            self.mcu_rom,
            self.mcu_rt,
            self.external_commands,
            self.authorized_subcommands,
            self.reserved,
        ];
        let octets = self.caliptra_rt.to_be_bytes().into_iter();
        let octets = octets.chain(words.into_iter().flat_map(u32::to_be_bytes));
        for (to, from) in out.iter_mut().zip(octets) {
            *to = from;
        }
        out
    }
}

impl CommandResponse for GetDeviceCapabilitiesResponse {
    fn from_bytes(data: &[u8]) -> Result<Self, CommandError> {
        let mut reader = Reader::new(data);
        let common = CommonResponse::take(&mut reader)?;
        let mut this = Self {
            common,
            caliptra_rt: u64::from_be_bytes(reader.array()?),
            ..Self::default()
        };
        for field in [
            &mut this.caliptra_fmc,
            &mut this.caliptra_rom,
            &mut this.mcu_rom,
            &mut this.mcu_rt,
            &mut this.external_commands,
            &mut this.authorized_subcommands,
            &mut this.reserved,
        ] {
            *field = reader.u32_be()?;
        }
        let limit = MAX_CAPABILITIES_SIZE + 4;
        if data.len() > limit {
            let found = data.len();
            return Err(CommandError::ResponseTooLong { limit, found });
        }
        Ok(this)
    }
}

message! {
    /// Asks for the device's PCI identity.
    GetDeviceIdRequest {}
}
fixed!(GetDeviceIdRequest, GetDeviceId, GetDeviceIdResponse);

message! {
    /// The device's PCI identity.
    GetDeviceIdResponse {
        /// Vendor.
        vendor_id: u16,
        /// Device.
        device_id: u16,
        /// Vendor of the subsystem.
        subsystem_vendor_id: u16,
        /// Subsystem.
        subsystem_id: u16,
    }
}

impl CommandResponse for GetDeviceIdResponse {
    fn from_bytes(data: &[u8]) -> Result<Self, CommandError> {
        let mut reader = Reader::new(data);
        CommonResponse::take(&mut reader)?;
        Self::take(reader.rest())
    }
}

message! {
    /// Asks for information about the device. Index 0 is the unique chip identifier.
    GetDeviceInfoRequest {
        /// Which information.
        index: u32,
    }
}
fixed!(GetDeviceInfoRequest, GetDeviceInfo, GetDeviceInfoResponse);

/// Information about the device.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, zerocopy::FromBytes, zerocopy::Immutable)]
pub struct GetDeviceInfoResponse {
    /// What each answer begins with.
    pub common: CommonResponse,
    /// Octets of `data` that are valid.
    pub data_size: u32,
    /// The information.
    pub data: [u8; MAX_DEVICE_INFO],
}

impl GetDeviceInfoResponse {
    /// The information.
    pub fn info(&self) -> &[u8] {
        let size = usize::try_from(self.data_size).unwrap_or(usize::MAX);
        self.data.get(..size).unwrap_or(&self.data)
    }
}

impl CommandResponse for GetDeviceInfoResponse {
    fn from_bytes(response: &[u8]) -> Result<Self, CommandError> {
        let mut reader = Reader::new(response);
        let common = CommonResponse::take(&mut reader)?;
        let info = reader.sized()?;
        reader.finish()?;
        let mut data = [0; MAX_DEVICE_INFO];
        let size = copy_out(info, &mut data)?;
        Ok(Self {
            common,
            data_size: u32::try_from(size).unwrap_or(u32::MAX),
            data,
        })
    }
}

message! {
    /// Asks how much of the device's key storage is used.
    KeyStatusRequest {}
}
fixed!(KeyStatusRequest, KeyStatus, KeyStatusResponse);

message! {
    /// Use of the device's key storage.
    KeyStatusResponse {
        /// What each answer begins with.
        common: CommonResponse,
        /// Entries in use.
        used_usage_storage: u32,
        /// Entries that there are.
        total_usage_storage: u32,
    }
}
answer!(KeyStatusResponse);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Command;

    fn version(text: &[u8]) -> Result<GetFirmwareVersionResponse, CommandError> {
        let mut payload = vec![0; 4];
        payload.extend((text.len() as u32).to_le_bytes());
        payload.extend(text);
        GetFirmwareVersionResponse::from_bytes(&payload)
    }

    #[test]
    fn versions_are_read_or_refused_never_guessed() {
        let read = version(b"2.1.13 0123abcd").unwrap();
        assert_eq!((read.version, read.commit()), ([2, 1, 13, 0], "0123abcd"));
        assert_eq!(version(b"2.1\0\0").unwrap().version, [2, 1, 0, 0]);
        for bad in [
            &b""[..],
            b"two",
            b"1.2.3.4.5",
            b"1..2",
            b"1.2.4294967296",
            b"1.0.0 0123456789abcdef01234",
            b"\xff",
        ] {
            assert!(version(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn capabilities_are_big_endian() {
        let caps = GetDeviceCapabilitiesResponse {
            caliptra_rt: 1,
            mcu_rom: mcu_rom::NETWORK_BOOT,
            external_commands: 0xF,
            ..Default::default()
        };
        let wire = caps.to_wire();
        assert_eq!(wire[..8], [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(wire[16..20], [0, 0, 0, 4]);
        let mut payload = vec![0; 4];
        payload.extend(wire);
        let read = GetDeviceCapabilitiesResponse::from_bytes(&payload);
        assert_eq!(read, Ok(caps));
        assert!(caps.network_boot());
        // A newer device sends 64 octets.
        payload.resize(68, 0x55);
        assert_eq!(
            GetDeviceCapabilitiesResponse::from_bytes(&payload),
            Ok(caps)
        );
        payload.push(0);
        assert!(GetDeviceCapabilitiesResponse::from_bytes(&payload).is_err());
        assert!(GetDeviceCapabilitiesResponse::from_bytes(&payload[..39]).is_err());
    }

    #[test]
    fn the_identity_follows_the_status() {
        let request = GetDeviceIdRequest {};
        let wire = [0, 0, 0, 0, 0xB4, 0x1A, 2, 0, 3, 0, 4, 0];
        let id = request.decode(&wire).unwrap();
        assert_eq!(
            (
                id.vendor_id,
                id.device_id,
                id.subsystem_vendor_id,
                id.subsystem_id
            ),
            (0x1AB4, 2, 3, 4)
        );
        assert_eq!(
            request.decode(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            Err(CommandError::Fips { status: 1 })
        );
    }
}
