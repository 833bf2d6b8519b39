//! Servers around the device, for tests and demonstrations.

mod link;
mod stream;
mod udp;

pub use link::{Link, LinkCounters};
pub use stream::MctpServer;
pub use udp::UdpServer;

use crate::device::Device;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A device that a server and a test share.
pub type SharedDevice = Arc<Mutex<Device>>;

/// The device; also after a panic of the server's thread, so that a test can look at it.
pub(crate) fn locked(device: &SharedDevice) -> MutexGuard<'_, Device> {
    device.lock().unwrap_or_else(PoisonError::into_inner)
}
