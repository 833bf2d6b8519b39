//! What the host says before power-on, where a real board has fuses, straps and a TRNG.
//!
//! QEMU puts files into RAM that is not ours, with `-device loader,file=F,addr=A,force-raw=on`. RAM is
//! zero where nothing was put, so a text ends at its first NUL and an absent one is empty.

use core::ptr::addr_of;

/// The window: 32 octets of seed, then two texts.
const STRAPS: usize = 0x8011_0000;
/// Settings of the boot application.
const BOOT: usize = STRAPS + 0x1000;
/// Settings of the emulated device.
const DEVICE: usize = STRAPS + 0x2000;
/// Longest text, octets.
const TEXT: usize = 0x1000;

/// 32 octets of the host's random numbers, all zero when it gave none.
pub fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    // A word at a time: a volatile read of all octets at once is one load for each, 272 octets of flash.
    for (at, word) in seed.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        // SAFETY: RAM of the machine, outside of everything that the linker knows; `at` is below 8.
        let value = unsafe { core::ptr::read_volatile((STRAPS as *const u32).add(at)) };
        *word = value.to_le_bytes();
    }
    seed
}

/// The settings of the boot application.
pub fn boot() -> Option<&'static str> {
    text(BOOT)
}

/// The settings of the emulated device.
pub fn device() -> Option<&'static str> {
    text(DEVICE)
}

/// `None` when it is no text.
fn text(at: usize) -> Option<&'static str> {
    // SAFETY: as above; nobody writes there while the machine runs.
    let window: &[u8; TEXT] = unsafe { &*addr_of!(*(at as *const [u8; TEXT])) };
    let end = window.iter().position(|octet| *octet == 0)?;
    core::str::from_utf8(window.get(..end)?).ok()
}
