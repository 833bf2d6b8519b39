//! Any script, with any settings and any outcomes of its commands.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_ipxe::script::fuzz::run(data));
