//! An arbitrary console: each line is read or listed as unreadable.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netboot_lines::Transcript;

fuzz_target!(|data: &[u8]| {
    let console = String::from_utf8_lossy(data);
    let boot = Transcript::read(&console);
    assert!(boot.booted() == boot.cause().is_none());
    boot.end();
});
