//! MCTP frames on a serial line, MCTP packets, and operations of a requester.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| caliptra_util_host_transport::fuzz::serial(data));
