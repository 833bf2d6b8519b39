//! `netboot-sha256`, linked alone.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

panic_gate::program!(panic_gate::sha256::run);
