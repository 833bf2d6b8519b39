//! Operations on a node of the bootstore, among hostile peers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| bootstore::fuzz::machine(data));
