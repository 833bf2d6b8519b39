//! QEMU's machine `virt`: entry, console, end.

use crate::commands;
use core::fmt::Write;

/// The UART.
pub struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for octet in text.bytes() {
            // SAFETY: the transmit register of the UART, which takes any octet.
            unsafe { core::ptr::write_volatile(0x1000_0000 as *mut u8, octet) };
        }
        Ok(())
    }
}

fn end(code: u32) -> ! {
    loop {
        // SAFETY: the exit register of the machine.
        unsafe { core::ptr::write_volatile(0x10_0000 as *mut u32, code) };
    }
}

#[riscv_rt::entry]
fn main() -> ! {
    match commands::run() {
        Ok(()) => end(0x5555),
        Err(error) => {
            let _ = writeln!(Uart, "failed: {error:?}");
            end(0x1_3333)
        }
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let _ = writeln!(Uart, "{info}");
    end(0x1_3333)
}
