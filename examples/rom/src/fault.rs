//! A panic or a trap: the end of a boot that must not go on.

use crate::board;
use core::panic::PanicInfo;
use netboot_core::Module;

/// Status after a panic.
const PANIC: u32 = Module::Rom.code(1);
/// Status after a trap. In a ROM with a core library of its own a panic is an illegal instruction, and so one of these.
const TRAP: u32 = Module::Rom.code(2);

/// Says no more than that: the strings for file and line would take a fifth of the flash.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    board::finish(PANIC)
}

/// Called by riscv-rt for a trap, by this name.
#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn exception(_: &riscv_rt::TrapFrame) -> ! {
    board::finish(TRAP)
}
