//! Messages of the mailbox, and the registers before its driver.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    caliptra_util_host_command_types::fuzz::mailbox(data);
    caliptra_util_host_transport::fuzz::registers(data);
});
