//! The addresses that IPv6 has for groups and for single hosts (RFC 4291).

use core::net::Ipv6Addr;
pub use netboot_core::net::is_host_v6 as is_host;

/// A hardware address of Ethernet.
pub type Mac = [u8; 6];

/// All nodes on the link (RFC 4291, section 2.7.1).
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// All routers on the link (RFC 4291, section 2.7.1).
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// All routers that want to know who listens to which group (RFC 3810, section 5.2.14).
pub const ALL_MLD_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// Bits of the prefix of a link-local address, and of every other address that is made of a hardware address.
pub const PREFIX_LEN: u8 = 64;
/// The first 64 bits of a link-local address (RFC 4291, section 2.5.6).
pub const LINK_LOCAL: u64 = 0xfe80 << 48;
/// The bit of an interface identifier that says that it is unique in the world (RFC 4291, appendix A).
const UNIVERSAL: u64 = 1 << 57;

/// Gives the interface identifier that is made of a hardware address (RFC 2464, section 4).
pub fn interface_id(mac: Mac) -> u64 {
    let [a, b, c, d, e, f] = mac;
    u64::from_be_bytes([a, b, c, 0xff, 0xfe, d, e, f]) ^ UNIVERSAL
}

/// Makes an interface identifier of random bits, for a host whose own one another host uses (RFC 7217, section 5). It does not say that it
/// is unique.
pub fn random_id(bits: u64) -> u64 {
    bits & !UNIVERSAL
}

/// Gives the address that has this prefix of 64 bits and this interface identifier.
pub fn join(prefix: u64, id: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits(u128::from(prefix) << 64 | u128::from(id))
}

/// Gives the group that hears questions for `address` (RFC 4291, section 2.7.1).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let low = address.to_bits() & 0xff_ffff;
    Ipv6Addr::from_bits(0xff02_0000_0000_0000_0000_0001_ff00_0000 | low)
}

/// Gives the hardware address of a group (RFC 2464, section 7).
pub fn group_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    /// The example of RFC 4291, appendix A: 34-56-78-9A-BC-DE.
    #[test]
    fn the_interface_identifier_of_a_hardware_address() {
        let id = interface_id([0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde]);
        assert_eq!(id, 0x3656_78ff_fe9a_bcde);
        assert_eq!(join(LINK_LOCAL, id), address("fe80::3656:78ff:fe9a:bcde"));
        assert_eq!(random_id(u64::MAX), 0xfdff_ffff_ffff_ffff);
    }

    #[test]
    fn groups() {
        let group = solicited_node(address("2001:db8::1:800:200e:8c6c"));
        assert_eq!(group, address("ff02::1:ff0e:8c6c"));
        assert_eq!(group_mac(group), [0x33, 0x33, 0xff, 0x0e, 0x8c, 0x6c]);
    }
}
