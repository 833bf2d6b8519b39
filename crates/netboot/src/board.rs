//! The board that a station is built on, as one type.

use netboot_core::{Device, Platform};

/// Names the device and the platform of a board together, so that everything above the IP stack has one type parameter.
///
/// Every pair of a device and a platform is a board; nothing needs to implement this trait.
pub trait Board {
    /// The Ethernet device.
    type Device: Device;
    /// Clock, entropy and idle hook.
    type Platform: Platform;
}

impl<D: Device, P: Platform> Board for (D, P) {
    type Device = D;
    type Platform = P;
}
