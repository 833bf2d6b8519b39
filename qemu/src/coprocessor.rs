//! The Ethernet device of a network coprocessor, in statics of its own: what a ROM with the feature `nwp` drives.

use crate::board;
use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;
use netboot_nwp_ethernet::{Buffers, Mmio, NwpEthernet};

/// The driver.
pub type Nic = NwpEthernet<'static, Mmio>;
/// The driver where it stays.
pub type NicRef = &'static mut Nic;

static mut FRAMES: Buffers = Buffers::new();
static mut NIC: MaybeUninit<Nic> = MaybeUninit::uninit();

/// Takes the device into use. `None` when it has no address.
///
/// # Safety
/// Once, on the only hart, when the emulation runs.
#[inline(never)]
pub unsafe fn device() -> Option<NicRef> {
    // SAFETY: the caller calls once, so these are the only references.
    let (frames, place) = unsafe { (&mut *addr_of_mut!(FRAMES), &mut *addr_of_mut!(NIC)) };
    // SAFETY: the window is the device's, and its emulation runs.
    let registers = unsafe { Mmio::new(board::ETHERNET) };
    let device = NwpEthernet::new(registers, frames).ok()?;
    Some(place.write(device))
}
