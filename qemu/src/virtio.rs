//! The network device of QEMU's `virt` machine: virtio-net over MMIO, in statics of its own.
//!
//! A usual ROM drives it. In a ROM with the feature `nwp` it is the wire behind the emulated registers.

use crate::board;
use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use netboot_virtio::{Buffers, VirtioNet};
use rom_parts::sizes::RX;

/// Descriptors of each virtio queue.
const QUEUE: usize = RX.next_power_of_two();
/// Transmit buffers.
const TX: usize = 2;

/// The driver.
pub type Nic = VirtioNet<QUEUE, RX, TX>;
/// The driver where it stays.
pub type NicRef = &'static mut Nic;

static mut FRAMES: Buffers<RX, TX> = Buffers::new();
static mut NIC: MaybeUninit<Nic> = MaybeUninit::uninit();

/// Finds the network device. `None` when none of the windows has one.
///
/// # Safety
/// Once, on the only hart.
#[inline(never)]
pub unsafe fn device() -> Option<NicRef> {
    for window in 0..board::VIRTIO_COUNT {
        // SAFETY: the caller calls once. A window without a network device leaves the buffers unused, so
        // they can be offered to the next one.
        let frames = unsafe { &mut *addr_of_mut!(FRAMES) };
        let base = board::VIRTIO + window * board::VIRTIO_STRIDE;
        // SAFETY: QEMU's virt machine has a virtio window at each of these addresses.
        if let Ok(device) = unsafe { VirtioNet::new(base, frames) } {
            // SAFETY: as above.
            return Some(unsafe { (*addr_of_mut!(NIC)).write(device) });
        }
    }
    None
}
