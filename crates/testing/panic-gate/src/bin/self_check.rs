//! Panics in three ways: a gate that lets this pass is blind.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

use panic_gate::{Input, take};

fn run(input: &mut Input) {
    take(input.octets()[input.word() as usize]);
    take(&input.octets()[input.word() as usize..]);
    take(input.octets().first().unwrap());
}

panic_gate::program!(run);
