//! What the platform around the device can do for a boot.

/// Gives the boot application a way to the platform around the device.
///
/// The registers of the recovery interface cannot make a device begin anew, and released Caliptra firmware does not show there that
/// the last image runs. A platform often can do the one and knows the other.
pub trait DeviceControl<B> {
    /// Resets the device and its I3C core, so that the device asks for its first image again. `bus` reaches the registers, for a
    /// platform that asks for the reset there (OCP DEVICE_RESET). Returns `false` when that is not possible; the boot then ends.
    fn reset(&mut self, bus: &mut B) -> bool;

    /// Returns whether the platform knows that the device runs its last image, for example by MCI RESET_REASON or FW_EXEC_CTRL in a
    /// Caliptra subsystem. The boot application asks only while the device verifies its last image
    /// ([`AgentConfig::last_index`](ocp_recovery::AgentConfig::last_index)). With `true` the boot ends well at once; otherwise it
    /// ends well when the registers have not changed for [`AgentConfig::settle`](ocp_recovery::AgentConfig::settle).
    fn is_complete(&mut self, bus: &mut B) -> bool {
        let _ = bus;
        false
    }
}
