//! The made-up board: where its registers are, and its way out.

use core::ptr::{read_volatile, write_volatile};

/// Console: 0x00 takes an octet, bit 0 of 0x04 says that it can.
pub const UART: usize = 0x1000_0000;
/// 64-bit counter of microseconds, the lower half first.
pub const MTIME: usize = 0x1000_1000;
/// Random numbers: 0x00 shows a word, bit 0 of 0x04 says that it is a fresh one.
pub const TRNG: usize = 0x1000_2000;
/// Watchdog: any write to 0x00 feeds it.
pub const WATCHDOG: usize = 0x1000_3000;
/// Status of the boot: survives a reset, and is read by whoever looks after the board.
const BOOT_STATUS: usize = 0x1000_4000;
/// The Ethernet MAC.
pub const MAC: usize = 0x1001_0000;
/// The I3C core of the Caliptra subsystem, with the recovery registers.
pub const RECOVERY: usize = 0x2000_4000;

/// Reads a register of this board.
///
/// `address` is one of the constants above, plus an offset that is a multiple of 4 and lies inside of its block.
pub fn read(address: usize) -> u32 {
    // SAFETY: only this ROM's own files call this, with addresses of device registers that may be read at any time.
    unsafe { read_volatile(address as *const u32) }
}

/// Writes a register of this board; `address` is as with [`read`].
pub fn write(address: usize, value: u32) {
    // SAFETY: only this ROM's own files call this, with addresses of device registers. None of them gives the device memory.
    unsafe { write_volatile(address as *mut u32, value) }
}

/// Leaves the status of the boot for others, and waits for the reset that starts the firmware, or that somebody orders.
pub fn finish(status: u32) -> ! {
    write(BOOT_STATUS, status);
    loop {
        riscv::asm::wfi();
    }
}
