//! Vendor defined messages of the host library.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| caliptra_util_host_command_types::fuzz::vdm(data));
