//! The MCU ROM image for QEMU's `virt` machine: a board support package around the boot application.
//!
//! Execute in place from pflash0, 16550 UART, CLINT timer, virtio-net over MMIO, fw_cfg for what a real
//! ROM has in fuses and strap pins. The Caliptra recovery registers are not there: their address window
//! is left unmapped by QEMU, and [`emulation`] answers the access faults. The driver does real loads and
//! stores and knows nothing of that.
//!
//! | file | what a port to another board replaces |
//! |---|---|
//! | `board` | addresses |
//! | `uart`, `console` | log output, machine-readable progress lines |
//! | `clock`, `entropy` | [`netboot_core::Platform`] |
//! | `stack` | stack paint and high-water mark |
//! | `fault` | what happens after a panic or an unexpected trap |
//! | `settings` | what the operator or the fuses say |
//! | `emulation/` | nothing: it goes away |
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

mod board;
mod boot;
mod clock;
mod console;
mod emulation;
mod entropy;
mod fault;
mod fw_cfg;
mod settings;
mod stack;
mod uart;

/// Entered by riscv-rt with `.data` and `.bss` set up.
#[riscv_rt::entry]
fn main() -> ! {
    stack::paint();
    console::init();
    let status = boot::run();
    board::exit(status)
}
