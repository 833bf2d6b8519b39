//! The 16550 UART, polled.

use crate::board::UART;
use core::fmt;

/// Transmit holding register.
const THR: *mut u8 = UART as *mut u8;
/// Line status register.
const LSR: *const u8 = (UART + 5) as *const u8;
/// LSR: the transmit holding register is empty.
const THRE: u8 = 1 << 5;
/// Looks at LSR before an octet is given up: a dead UART must not stop a boot.
const PATIENCE: u32 = 100_000;

/// The UART as a text sink.
pub struct Uart;

impl Uart {
    fn put(octet: u8) {
        for _ in 0..PATIENCE {
            // SAFETY: LSR may be read at any time.
            if unsafe { core::ptr::read_volatile(LSR) } & THRE != 0 {
                // SAFETY: THR takes an octet when THRE is set.
                unsafe { core::ptr::write_volatile(THR, octet) };
                return;
            }
        }
    }
}

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(Uart::put);
        Ok(())
    }
}
