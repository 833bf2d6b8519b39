//! The machine-readable lines, on the UART.

use crate::uart::Uart;
use core::fmt::{self, Write};

/// A machine-readable line; begins with `@`.
pub struct Line;

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        Uart.write_str(text)
    }
}
