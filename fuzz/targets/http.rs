//! An arbitrary HTTP server, in pieces of arbitrary sizes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_http::fuzz::run(data));
