//! Arbitrary records in answer to a ClientHello: the channel never opens.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_tls::fuzz::handshake(data));
