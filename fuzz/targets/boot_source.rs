//! Both ends of the boot source messages, each against another end that sends whatever the input says.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_boot_source::fuzz::run(data));
