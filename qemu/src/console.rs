//! The log and the machine-readable lines, both on the UART.

use crate::clock;
use crate::uart::Uart;
use core::fmt::{self, Write};
use log::{LevelFilter, Log, Metadata, Record};

/// A machine-readable line; begins with `@`.
pub struct Line;

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        Uart.write_str(text)
    }
}

struct Console;

impl Log for Console {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let _ = writeln!(
            Uart,
            "[{:>10}] {:5} {}",
            clock::now(),
            record.level(),
            record.args()
        );
    }

    fn flush(&self) {}
}

/// Sends the log to the UART.
pub fn init() {
    // SAFETY: one hart, before anything logs; riscv32imc has no compare-and-swap for the safe way.
    let _ = unsafe { log::set_logger_racy(&Console) };
    // SAFETY: as above.
    unsafe { log::set_max_level_racy(LevelFilter::Info) };
}
