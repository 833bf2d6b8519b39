//! The recovery agent over I2C, on a bus that answers whatever the input says.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| ocp_recovery::commands::fuzz::run(data));
