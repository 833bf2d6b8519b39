//! Sizes of the library's buffers, the same in the ROM and in every boot on a host: what is tested there is
//! what the ROM has. Those that a benchmark varies come from `build.rs`.

/// HTTP receive buffer, octets: throughput is at most this for each round trip. `NETBOOT_TCP_KIB`, 16 unless set.
pub const TCP: usize = number(env!("NETBOOT_TCP_KIB")) * 1024;
/// HTTP connections beside the first one, each with such a buffer, in builds with `parallel`.
pub const LANES: usize = 3;
/// Receive buffers of the network device. `NETBOOT_RX_RING`, 16 unless set.
pub const RX: usize = number(env!("NETBOOT_RX_RING"));

const fn number(text: &str) -> usize {
    match usize::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("build.rs writes decimal numbers"),
    }
}
