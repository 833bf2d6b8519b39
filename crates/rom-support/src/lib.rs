#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(test)]
extern crate std;

mod check;
pub mod flags;
#[cfg(all(target_arch = "riscv32", feature = "copies"))]
mod memcpy;
#[cfg(all(target_arch = "riscv32", feature = "copies"))]
mod memmove;
#[cfg(all(target_arch = "riscv32", feature = "save-restore"))]
mod saves;

pub use check::copies_are_right;
