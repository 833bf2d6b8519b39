//! The log, on the UART. Without this, nothing sets a level, and the linker drops every log call as dead.

use crate::clock;
use crate::uart::Uart;
use core::fmt::Write;
use log::{LevelFilter, Log, Metadata, Record};

struct ToUart;

impl Log for ToUart {
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
    let _ = unsafe { log::set_logger_racy(&ToUart) };
    // SAFETY: as above.
    unsafe { log::set_max_level_racy(LevelFilter::Info) };
}
