//! Arbitrary certificates and roots: nothing is accepted without trust.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_x509::fuzz::fuzz_verify(data));
