//! Measures the stack of each command of the host library on QEMU's machine `virt`; the README says how.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

#[cfg(target_arch = "riscv32")]
mod commands;
#[cfg(target_arch = "riscv32")]
mod machine;
#[cfg(target_arch = "riscv32")]
mod measure;
#[cfg(target_arch = "riscv32")]
mod registers;

#[cfg(not(target_arch = "riscv32"))]
fn main() {
    eprintln!("build this for riscv32imc-unknown-none-elf");
}
