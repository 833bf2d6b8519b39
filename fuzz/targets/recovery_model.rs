//! The recovery agent against the emulated device, both driven by the input.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| recovery_model::fuzz::run(data));
