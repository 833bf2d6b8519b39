//! A network boot ROM for a made-up board, outside of the library's workspace.
//!
//! | file | what a port to another board replaces |
//! |---|---|
//! | `board` | addresses, and what happens at the end |
//! | `platform` | console, clock, watchdog, random numbers |
//! | `mac`, `frames` (in the library beside this) | the Ethernet driver |
//! | `boot` | sizes and policy |
//! | `fault` | what a panic and a trap leave behind |
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

#[cfg(target_arch = "riscv32")]
mod board;
#[cfg(target_arch = "riscv32")]
mod boot;
#[cfg(target_arch = "riscv32")]
mod fault;
#[cfg(target_arch = "riscv32")]
mod platform;

// Nobody names it, so it would not be linked: copies, and the start and end of functions.
#[cfg(target_arch = "riscv32")]
use netboot_rom_support as _;

/// Entered by riscv-rt with `.data` and `.bss` set up.
#[cfg(target_arch = "riscv32")]
#[riscv_rt::entry]
fn main() -> ! {
    board::finish(boot::run())
}

#[cfg(not(target_arch = "riscv32"))]
fn main() {
    eprintln!("build this for riscv32imc-unknown-none-elf");
}
