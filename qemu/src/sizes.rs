//! Sizes of the library's buffers, the same in the ROM and in every boot on a host: what is tested there is
//! what the ROM has.

/// TFTP receive buffer, octets: the window waits in the device's ring, here are the blocks being delivered.
pub const UDP: usize = 5 * 1472;
/// HTTP receive buffer, octets: throughput is at most this for each round trip.
pub const TCP: usize = 16 * 1024;
