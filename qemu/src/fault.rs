//! The end of a boot that must not go on: a panic, or a trap that nobody expects.
//!
//! What happened goes to the UART and into the exit code; a ROM on silicon would write it to a status
//! register that survives the reset that follows.

use crate::board;
use crate::console::Line;
use crate::stack;
use core::arch::asm;
use core::panic::PanicInfo;
use core::ptr::addr_of;
use netboot_core::{Console, Module};

/// Return addresses printed after a panic.
const TRACE: usize = 16;

/// Error numbers of the ROM itself.
pub const PANIC: u32 = Module::Rom.code(1);
/// A trap that is no access to an emulated register.
pub const TRAP: u32 = Module::Rom.code(2);
/// An access to the recovery registers that would hang the bus on hardware.
pub const STALL: u32 = Module::Rom.code(3);
/// No network device.
pub const NO_DEVICE: u32 = Module::Rom.code(4);
/// A setting from outside that cannot be used.
pub const SETTINGS: u32 = Module::Rom.code(5);
/// The stack reached the static data: nothing that was reported can be believed.
pub const STACK: u32 = Module::Rom.code(6);
/// A measured image does not fit where it would go.
#[cfg(feature = "bench")]
pub const STORE: u32 = Module::Rom.code(7);

/// `mcause`: illegal instruction (The RISC-V Instruction Set Manual, volume II, table 14).
const ILLEGAL_INSTRUCTION: u32 = 2;

/// Says neither where nor why: the strings for that would take a fifth of the flash. It prints what on the
/// stack looks like return addresses, which the program with its symbols makes a backtrace of.
///
/// With `core` built anew for this image (`-Cpanic=immediate-abort`) nobody calls this: what would have panicked is an
/// illegal instruction, and ends in [`trapped`].
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    let here = 0u32;
    Line.text("@panic");
    trace(addr_of!(here) as usize);
    board::exit(PANIC)
}

/// A trap that nobody expects: `cause`, `pc` and `address` of `mcause`, `mepc` and `mtval`, and the stack pointer of what
/// was interrupted. An illegal instruction inside the program is a panic: the compiler puts one where code must
/// not come, and file and line of `pc` say where.
#[cold]
pub fn trapped(cause: u32, pc: u32, address: u32, stack: usize) -> ! {
    let out: &mut dyn Console = &mut Line;
    let panicked = cause == ILLEGAL_INSTRUCTION && stack::is_code(pc as usize);
    if panicked {
        out.text("@panic");
    } else {
        out.text("@trap");
        out.number("cause", u64::from(cause));
        out.key("address");
        out.hex(address);
    }
    out.key("pc");
    out.hex(pc);
    trace(stack);
    board::exit(if panicked { PANIC } else { TRAP })
}

/// Ends the line with what looks like return addresses from `stack` up.
#[inline(never)]
fn trace(stack: usize) {
    let out: &mut dyn Console = &mut Line;
    out.key("trace");
    stack::return_addresses(stack, TRACE, |address| {
        out.hex(address as u32);
        out.text(",");
    });
    out.text("\n");
}

/// Called by riscv-rt for a trap before `emulation` takes them over. A board with real recovery registers has only
/// this way in.
#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn exception(frame: &riscv_rt::TrapFrame) -> ! {
    let (cause, address, pc): (u32, u32, u32);
    // SAFETY: reads CSRs.
    unsafe {
        asm!("csrr {}, mcause", out(reg) cause);
        asm!("csrr {}, mtval", out(reg) address);
        asm!("csrr {}, mepc", out(reg) pc);
    }
    // riscv-rt keeps the registers at the interrupted program's stack pointer, right above this frame.
    trapped(cause, pc, address, core::ptr::from_ref(frame) as usize)
}
