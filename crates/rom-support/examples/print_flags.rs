//! Prints the command that builds a ROM with a core library of its own.
//!
//! `cargo run -p netboot-rom-support --example print_flags`

use netboot_rom_support::flags::{BOOTSTRAP, COMMON, IMAGE, REBUILT, REBUILT_CARGO};

fn main() {
    let flags: Vec<_> = COMMON.into_iter().chain(IMAGE).chain(REBUILT).collect();
    println!(
        "{BOOTSTRAP}=1 RUSTFLAGS=\"{}\" cargo build --release --target riscv32imc-unknown-none-elf {}",
        flags.join(" "),
        REBUILT_CARGO.join(" ")
    );
}
