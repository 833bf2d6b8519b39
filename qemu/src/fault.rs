//! The end of a boot that must not go on: a panic, or a trap that nobody expects.
//!
//! What happened goes to the UART and into the exit code; a ROM on silicon would write it to a status
//! register that survives the reset that follows.

use crate::board;
use crate::stack;
use crate::uart::Uart;
use core::fmt::Write;
use core::panic::PanicInfo;
use netboot_core::Module;

/// Return addresses printed after a panic.
const TRACE: usize = 16;

/// Error numbers of the ROM itself.
pub const PANIC: u32 = Module::Rom.code(1);
/// A trap that is no access to the recovery registers.
pub const TRAP: u32 = Module::Rom.code(2);
/// An access to the recovery registers that would hang the bus on hardware.
pub const STALL: u32 = Module::Rom.code(3);
/// No network device.
pub const NO_DEVICE: u32 = Module::Rom.code(4);
/// A setting from outside that cannot be used.
pub const SETTINGS: u32 = Module::Rom.code(5);
/// The stack reached the static data: nothing that was reported can be believed.
pub const STACK: u32 = Module::Rom.code(6);

/// Says neither where nor why: the strings for that would take a fifth of the flash. It prints what on the
/// stack looks like return addresses, which the program with its symbols makes a backtrace of.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    let _ = Uart.write_str("@panic trace=");
    stack::return_addresses(TRACE, |address| {
        let _ = write!(Uart, "{address:#x},");
    });
    let _ = Uart.write_str("\n");
    board::exit(PANIC)
}
