//! Each reader of the bootstore: messages, frames, configurations, ledgers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| bootstore::fuzz::octets(data));
