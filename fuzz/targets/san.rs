//! Any partition table.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_ipxe::san::fuzz::run(data));
