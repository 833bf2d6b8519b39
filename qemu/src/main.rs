//! The MCU ROM image for QEMU's virt machine.
fn main() {}
