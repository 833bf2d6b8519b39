//! Any keys at a terminal.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_ipxe::terminal::fuzz::run(data));
