//! What the device is.

use crate::error::CaliptraResult;
use caliptra_util_host_command_types::{
    GetDeviceCapabilitiesRequest, GetDeviceCapabilitiesResponse, GetDeviceIdRequest,
    GetDeviceIdResponse, GetDeviceInfoRequest, GetDeviceInfoResponse, GetFirmwareVersionRequest,
    GetFirmwareVersionResponse,
};
use caliptra_util_host_session::CaliptraSession;

/// Asks for the device's PCI identity.
///
/// # Errors
/// [`NotSupported`](crate::CaliptraApiError::NotSupported) when the device declines, as newer ones do; else as for
/// [`CaliptraSession::execute`].
pub fn caliptra_cmd_get_device_id(
    session: &mut CaliptraSession<'_>,
) -> CaliptraResult<GetDeviceIdResponse> {
    let answer = session.execute(&GetDeviceIdRequest {});
    answer.map_err(|error| crate::CaliptraApiError::from(error).or_not_supported())
}

/// Asks for information about the device; `info_type` 0 is its unique identifier.
///
/// # Errors
/// As for [`caliptra_cmd_get_device_id`].
pub fn caliptra_cmd_get_device_info(
    session: &mut CaliptraSession<'_>,
    info_type: u32,
) -> CaliptraResult<GetDeviceInfoResponse> {
    let answer = session.execute(&GetDeviceInfoRequest { index: info_type });
    answer.map_err(|error| crate::CaliptraApiError::from(error).or_not_supported())
}

/// Asks what the device can do.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_get_device_capabilities(
    session: &mut CaliptraSession<'_>,
) -> CaliptraResult<GetDeviceCapabilitiesResponse> {
    Ok(session.execute(&GetDeviceCapabilitiesRequest {})?)
}

/// Asks for the version of a firmware image: `index` 0 is Caliptra's core firmware, 1 the MCU's runtime, 2 the SoC's set.
///
/// # Errors
/// As for [`CaliptraSession::execute`].
pub fn caliptra_cmd_get_firmware_version(
    session: &mut CaliptraSession<'_>,
    index: u32,
) -> CaliptraResult<GetFirmwareVersionResponse> {
    Ok(session.execute(&GetFirmwareVersionRequest { index })?)
}
