//! Operations on a DNS resolver: answers and time-outs.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_dns::fuzz::resolver(data));
