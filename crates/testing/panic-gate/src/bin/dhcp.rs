//! `netboot-dhcp`, linked alone.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

use panic_gate::{Input, dhcp, dhcp6};

/// Calls both clients.
fn run(input: &mut Input) {
    dhcp::run(input);
    dhcp6::run(input);
}

panic_gate::program!(run);
