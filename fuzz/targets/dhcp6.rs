//! Operations on a DHCPv6 client: messages, time-outs, probes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netboot_dhcp::v6::fuzz::run(data));
