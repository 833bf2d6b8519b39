//! The recovery agent on registers that answer whatever the input says.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| ocp_recovery::fuzz::run(data));
