//! A server of I3C over TCP that answers anything.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| caliptra_util_host_recover::fuzz::run(data));
