//! Operations on a host of IPv6: advertisements of routers, messages of neighbours, conflicts, time-outs.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_ndp::fuzz::host(data));
