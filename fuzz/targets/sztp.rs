//! Secure zero-touch provisioning: options, answers and artifacts, and operations on the agent.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_sztp::fuzz::run(data));
