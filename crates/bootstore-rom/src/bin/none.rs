//! Nothing: the floor of the other programs.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

fn run() {
    core::hint::black_box(bootstore_rom::unknown::<16>());
}

bootstore_rom::program!(run);
