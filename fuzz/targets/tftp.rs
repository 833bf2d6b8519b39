//! Operations on a TFTP client: datagrams, time-outs, a slow consumer.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_tftp::fuzz::run(data));
