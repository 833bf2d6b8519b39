//! Arbitrary signed messages: nobody is trusted who is not pinned.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_cms::fuzz::run(data));
