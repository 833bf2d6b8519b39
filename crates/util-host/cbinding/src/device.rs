//! Commands about the device: identity, versions, capabilities, certificates, evidence, log.

use crate::error::CaliptraError;
use crate::handles::{CaliptraSession, fill, in_session, input, output, value, wanted};
use caliptra_util_host_commands::api;
use caliptra_util_host_commands::types::{DeviceKey, SignatureAlgorithm};
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};

/// PCI identity of a device.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CaliptraDeviceId {
    /// Vendor.
    pub vendor_id: u16,
    /// Device.
    pub device_id: u16,
    /// Vendor of the subsystem.
    pub subsystem_vendor_id: u16,
    /// Subsystem.
    pub subsystem_id: u16,
}

/// Version of a firmware image.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CaliptraFirmwareVersion {
    /// Major, minor, patch and build number.
    pub version: [u32; 4],
    /// The commit behind the version; ends with a zero.
    pub commit: [u8; 21],
}

/// What a device can do.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CaliptraDeviceCapabilities {
    /// Caliptra's runtime firmware.
    pub caliptra_rt: u64,
    /// Caliptra's first mutable code.
    pub caliptra_fmc: u32,
    /// Caliptra's ROM.
    pub caliptra_rom: u32,
    /// The MCU's ROM; bit 2: it boots from the network.
    pub mcu_rom: u32,
    /// The MCU's runtime firmware.
    pub mcu_rt: u32,
    /// Common commands; bit n is command n + 1.
    pub external_commands: u32,
    /// Subcommands that need an authorization.
    pub authorized_subcommands: u32,
}

/// A device key whose signing request can be exported.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaliptraDeviceKey {
    /// Asks which keys there are.
    CALIPTRA_DEVICE_KEY_DISCOVERY = 0,
    /// LDevID.
    CALIPTRA_DEVICE_KEY_LDEVID = 1,
    /// FMC alias.
    CALIPTRA_DEVICE_KEY_FMC_ALIAS = 2,
    /// Runtime alias.
    CALIPTRA_DEVICE_KEY_RT_ALIAS = 3,
}

/// A certificate of the device.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaliptraCertificate {
    /// IDevID.
    CALIPTRA_CERTIFICATE_IDEVID = 0,
    /// LDevID.
    CALIPTRA_CERTIFICATE_LDEVID = 1,
    /// FMC alias.
    CALIPTRA_CERTIFICATE_FMC_ALIAS = 2,
    /// Runtime alias.
    CALIPTRA_CERTIFICATE_RT_ALIAS = 3,
}

fn algorithm(number: u32) -> CaliptraResult<SignatureAlgorithm> {
    match number {
        1 => Ok(SignatureAlgorithm::EccP384),
        2 => Ok(SignatureAlgorithm::MlDsa87),
        _ => Err(CaliptraApiError::InvalidParameter(
            "an algorithm is 1 (ECC P-384) or 2 (ML-DSA-87)",
        )),
    }
}

/// Asks for the device's PCI identity.
///
/// # Safety
/// `session` has to be null or a session that is not destroyed; other pointers null or valid. So for all commands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_get_device_id(
    session: *mut CaliptraSession,
    device_id: *mut CaliptraDeviceId,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(device_id)?;
            let id = api::caliptra_cmd_get_device_id(session)?;
            let value = CaliptraDeviceId {
                vendor_id: id.vendor_id,
                device_id: id.device_id,
                subsystem_vendor_id: id.subsystem_vendor_id,
                subsystem_id: id.subsystem_id,
            };
            output(device_id, value)
        })
    }
}

/// Asks for information about the device; `info_type` 0 is its unique identifier. `info_len` holds the buffer's length and then
/// the information's, or the length needed.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; `info` has to be valid for `*info_len` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_get_device_info(
    session: *mut CaliptraSession,
    info_type: u32,
    info: *mut u8,
    info_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            fill(info, info_len, |out| {
                let answer = api::caliptra_cmd_get_device_info(session, info_type)?;
                let (needed, available) = (answer.info().len(), out.len());
                let to = out
                    .get_mut(..needed)
                    .ok_or(CaliptraApiError::BufferTooSmall { needed, available })?;
                to.copy_from_slice(answer.info());
                Ok(needed)
            })
        })
    }
}

/// Asks what the device can do.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_get_device_capabilities(
    session: *mut CaliptraSession,
    capabilities: *mut CaliptraDeviceCapabilities,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(capabilities)?;
            let caps = api::caliptra_cmd_get_device_capabilities(session)?;
            let value = CaliptraDeviceCapabilities {
                caliptra_rt: caps.caliptra_rt,
                caliptra_fmc: caps.caliptra_fmc,
                caliptra_rom: caps.caliptra_rom,
                mcu_rom: caps.mcu_rom,
                mcu_rt: caps.mcu_rt,
                external_commands: caps.external_commands,
                authorized_subcommands: caps.authorized_subcommands,
            };
            output(capabilities, value)
        })
    }
}

/// Asks for the version of a firmware image: `index` 0 is Caliptra's core firmware, 1 the MCU's runtime, 2 the SoC's set.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_get_firmware_version(
    session: *mut CaliptraSession,
    index: u32,
    version: *mut CaliptraFirmwareVersion,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(version)?;
            let answer = api::caliptra_cmd_get_firmware_version(session, index)?;
            let mut value = CaliptraFirmwareVersion {
                version: answer.version,
                commit: [0; 21],
            };
            for (to, from) in value.commit.iter_mut().zip(answer.commit_id) {
                *to = from;
            }
            output(version, value)
        })
    }
}

/// Asks for a certificate of the device, DER.
///
/// # Safety
/// As for `caliptra_cmd_get_device_info`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_get_certificate(
    session: *mut CaliptraSession,
    certificate: CaliptraCertificate,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    use CaliptraCertificate::*;
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            fill(out, out_len, |out| match certificate {
                CALIPTRA_CERTIFICATE_IDEVID => api::caliptra_cmd_get_idevid_cert(session, out),
                CALIPTRA_CERTIFICATE_LDEVID => api::caliptra_cmd_get_ldevid_cert(session, out),
                CALIPTRA_CERTIFICATE_FMC_ALIAS => {
                    api::caliptra_cmd_get_fmc_alias_cert(session, out)
                }
                CALIPTRA_CERTIFICATE_RT_ALIAS => api::caliptra_cmd_get_rt_alias_cert(session, out),
            })
        })
    }
}

/// Asks for the certificate chain of a slot.
///
/// # Safety
/// As for `caliptra_cmd_get_device_info`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_get_cert_chain(
    session: *mut CaliptraSession,
    slot: u32,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            fill(out, out_len, |out| {
                api::caliptra_cmd_get_cert_chain(session, slot, out)
            })
        })
    }
}

/// Stores a certificate, DER, in a slot.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`; `certificate` has to be valid for `certificate_len` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_store_certificate(
    session: *mut CaliptraSession,
    slot: u32,
    certificate: *const u8,
    certificate_len: usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            api::caliptra_cmd_store_certificate(session, slot, input(certificate, certificate_len)?)
        })
    }
}

/// Asks for the attested signing request of a device key, a COSE_Sign1. `algorithm` is 1 for ECC P-384, 2 for ML-DSA-87; `nonce`
/// has 32 octets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_info`; `nonce` has to be valid for 32 octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_export_attested_csr(
    session: *mut CaliptraSession,
    key: CaliptraDeviceKey,
    algorithm_number: u32,
    nonce: *const u8,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    use CaliptraDeviceKey::*;
    let key = match key {
        CALIPTRA_DEVICE_KEY_DISCOVERY => DeviceKey::Discovery,
        CALIPTRA_DEVICE_KEY_LDEVID => DeviceKey::LdevId,
        CALIPTRA_DEVICE_KEY_FMC_ALIAS => DeviceKey::FmcAlias,
        CALIPTRA_DEVICE_KEY_RT_ALIAS => DeviceKey::RtAlias,
    };
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (nonce, algorithm) = (
                value(nonce.cast::<[u8; 32]>())?,
                algorithm(algorithm_number)?,
            );
            fill(out, out_len, |out| {
                api::caliptra_cmd_export_attested_csr(session, key, algorithm, nonce, out)
            })
        })
    }
}

/// Asks for the signing request of the IDevID key, in manufacturing.
///
/// # Safety
/// As for `caliptra_cmd_get_device_info`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_export_idevid_csr(
    session: *mut CaliptraSession,
    algorithm_number: u32,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let algorithm = algorithm(algorithm_number)?;
            fill(out, out_len, |out| {
                api::caliptra_cmd_export_idevid_csr(session, algorithm, out)
            })
        })
    }
}

/// Asks which formats of evidence the device has: bit n for format n.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_get_attestation_formats(
    session: *mut CaliptraSession,
    formats: *mut u32,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(formats)?;
            output(formats, api::caliptra_cmd_get_attestation_formats(session)?)
        })
    }
}

/// Asks for evidence: format 1 is an OCP entity attestation token, 2 a quote over PCRs. `nonce` has 32 octets.
///
/// # Safety
/// As for `caliptra_cmd_export_attested_csr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_get_attestation(
    session: *mut CaliptraSession,
    format: u32,
    algorithm_number: u32,
    pki_entity_slot: u32,
    nonce: *const u8,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let (nonce, algorithm) = (
                value(nonce.cast::<[u8; 32]>())?,
                algorithm(algorithm_number)?,
            );
            fill(out, out_len, |out| {
                api::caliptra_cmd_get_attestation(
                    session,
                    format,
                    algorithm,
                    pki_entity_slot,
                    nonce,
                    out,
                )
            })
        })
    }
}

/// Has the device give back what it gets.
///
/// # Safety
/// As for `caliptra_cmd_get_device_info`; `data` has to be valid for `data_len` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_debug_echo(
    session: *mut CaliptraSession,
    data: *const u8,
    data_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let data = input(data, data_len)?;
            fill(out, out_len, |out| {
                api::caliptra_cmd_debug_echo(session, data, out)
            })
        })
    }
}

/// Asks for the device's status.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_debug_get_status(
    session: *mut CaliptraSession,
    status: *mut u32,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(status)?;
            output(status, api::caliptra_cmd_debug_get_status(session)?)
        })
    }
}

/// Drains a part of the log, defmt frames in rzCOBS. What was read is gone from the device: give room for 4096 octets. `more`
/// tells whether there is more.
///
/// # Safety
/// As for `caliptra_cmd_get_device_info`; `more` has to be null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_debug_get_log(
    session: *mut CaliptraSession,
    out: *mut u8,
    out_len: *mut usize,
    more: *mut bool,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            wanted(more)?;
            let mut rest = false;
            fill(out, out_len, |out| {
                let (len, is_more) = api::caliptra_cmd_debug_get_log(session, out)?;
                rest = is_more;
                Ok(len)
            })?;
            output(more, rest)
        })
    }
}

/// Clears the log.
///
/// # Safety
/// As for `caliptra_cmd_get_device_id`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_debug_clear_log(
    session: *mut CaliptraSession,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            api::caliptra_cmd_debug_clear_log(session)
        })
    }
}

/// Executes a command by its number with a payload of the caller's; the answer is the payload from `fips_status` on.
///
/// # Safety
/// As for `caliptra_cmd_debug_echo`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn caliptra_cmd_raw(
    session: *mut CaliptraSession,
    command_id: u32,
    payload: *const u8,
    payload_len: usize,
    out: *mut u8,
    out_len: *mut usize,
) -> CaliptraError {
    // SAFETY: the caller's promise.
    unsafe {
        in_session(session, |session| {
            let payload = input(payload, payload_len)?;
            fill(out, out_len, |out| {
                api::caliptra_cmd_raw(session, command_id, payload, out)
            })
        })
    }
}
