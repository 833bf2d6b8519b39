//! The MCU ROM image for QEMU's `virt` machine: a board support package around the boot application.
//!
//! Execute in place from pflash0, 16550 UART, CLINT timer, virtio-net over MMIO, and a window in RAM for
//! what a real ROM has in fuses and straps. The Caliptra recovery registers are not there: their address window
//! is left unmapped by QEMU, and [`emulation`] answers the access faults. The driver does real loads and
//! stores and knows nothing of that. With the feature `nwp` the board is a network coprocessor, whose Ethernet device is emulated in the
//! same way, and everything else stays.
//!
//! | file | what a port to another board replaces |
//! |---|---|
//! | `board` | addresses |
//! | `uart`, `console` | machine-readable progress lines |
//! | `texts` | the log, in builds with `texts` |
//! | `clock`, `entropy` | [`netboot_core::Platform`] |
//! | `https` | what is trusted, in builds with `https` |
//! | `virtio`, or `coprocessor` in builds with `nwp` | the Ethernet device |
//! | `stack` | stack paint and high-water mark |
//! | `fault` | what happens after a panic or an unexpected trap |
//! | `boot` | the parts put together; buffer sizes |
//! | `rom_parts::settings` | what the operator or the fuses say |
//! | `bench` | nothing: only in builds with `bench` |
//! | `stay/` | nothing: only in builds with `stay` |
//! | `emulation/` | nothing: it goes away |
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

#[cfg(all(target_arch = "riscv32", feature = "bench"))]
mod bench;
#[cfg(target_arch = "riscv32")]
mod board;
#[cfg(target_arch = "riscv32")]
mod boot;
#[cfg(target_arch = "riscv32")]
mod clock;
#[cfg(target_arch = "riscv32")]
mod console;
#[cfg(all(target_arch = "riscv32", feature = "nwp"))]
mod coprocessor;
#[cfg(target_arch = "riscv32")]
mod emulation;
#[cfg(target_arch = "riscv32")]
mod entropy;
#[cfg(target_arch = "riscv32")]
mod fault;
#[cfg(all(target_arch = "riscv32", feature = "https"))]
mod https;
#[cfg(all(target_arch = "riscv32", feature = "sztp"))]
mod identity;
#[cfg(target_arch = "riscv32")]
mod place;
#[cfg(target_arch = "riscv32")]
mod platform;
#[cfg(all(target_arch = "riscv32", feature = "sztp"))]
mod provisioning;
#[cfg(target_arch = "riscv32")]
mod stack;
#[cfg(all(target_arch = "riscv32", feature = "stay"))]
mod stay;
#[cfg(target_arch = "riscv32")]
mod straps;
#[cfg(all(target_arch = "riscv32", feature = "texts"))]
mod texts;
#[cfg(target_arch = "riscv32")]
mod uart;
#[cfg(target_arch = "riscv32")]
mod virtio;

// Links what the compiler calls: copies, and the start and end of functions.
#[cfg(target_arch = "riscv32")]
use netboot_rom_support as _;

/// Entered by riscv-rt with `.data` and `.bss` set up.
#[cfg(target_arch = "riscv32")]
#[riscv_rt::entry]
fn main() -> ! {
    stack::paint();
    #[cfg(feature = "texts")]
    texts::init();
    let status = boot::run();
    board::exit(status)
}

#[cfg(not(target_arch = "riscv32"))]
fn main() {
    eprintln!("build this for riscv32imc-unknown-none-elf");
}
