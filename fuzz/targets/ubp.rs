//! The UDP boot protocol: a client with any answers, and a server with any messages.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    netboot_ubp::fuzz::client(data);
    netboot_ubp::fuzz::server(data);
});
