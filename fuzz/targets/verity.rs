//! Blocks of a file in any order and of any content, and streams of anything in place of a packed file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    netboot_verity::fuzz::blocks(data);
    netboot_verity::fuzz::stream(data);
});
