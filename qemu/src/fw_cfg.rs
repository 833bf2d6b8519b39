//! QEMU's firmware configuration device (docs/specs/fw_cfg.rst): named files from the command line.

use crate::board::FW_CFG;

/// Data register: octets of the selected file, one after the other.
const DATA: *const u8 = FW_CFG as *const u8;
/// Selector register, 16 bits big endian.
const SELECT: *mut u16 = (FW_CFG + 8) as *mut u16;
/// The signature, "QEMU".
const SIGNATURE: u16 = 0x0000;
/// The directory of files.
const DIRECTORY: u16 = 0x0019;
/// Octets of a name.
const NAME: usize = 56;
/// Files looked at.
const MAX_FILES: u32 = 128;

fn select(key: u16) {
    // SAFETY: selecting a key restarts reading at its first octet; it has no other effect.
    unsafe { core::ptr::write_volatile(SELECT, key.to_be()) };
}

fn fill(target: &mut [u8]) {
    for octet in target {
        // SAFETY: reading beyond the end of a file gives zeros.
        *octet = unsafe { core::ptr::read_volatile(DATA) };
    }
}

fn array<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    fill(&mut octets);
    octets
}

/// Reads file `name` into `target`; gives its size, which may be larger than what fitted.
pub fn read(name: &str, target: &mut [u8]) -> Option<usize> {
    select(SIGNATURE);
    if array() != *b"QEMU" {
        return None;
    }
    select(DIRECTORY);
    let files = u32::from_be_bytes(array()).min(MAX_FILES);
    for _ in 0..files {
        let size = u32::from_be_bytes(array()) as usize;
        let key = u16::from_be_bytes(array());
        let _reserved: [u8; 2] = array();
        let entry: [u8; NAME] = array();
        let end = entry.iter().position(|octet| *octet == 0).unwrap_or(NAME);
        if entry.get(..end) == Some(name.as_bytes()) {
            select(key);
            let fits = size.min(target.len());
            fill(target.get_mut(..fits)?);
            return Some(size);
        }
    }
    None
}
