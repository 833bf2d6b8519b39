//! An address of the families that this build speaks.

use core::net::{IpAddr, Ipv4Addr};

/// An address. In a build without IPv6 it takes four octets and no tag.
#[cfg(feature = "ipv6")]
pub(crate) type Address = IpAddr;
/// An address. In a build without IPv6 it takes four octets and no tag.
#[cfg(not(feature = "ipv6"))]
pub(crate) type Address = core::net::Ipv4Addr;

/// Gives the address as the link has it; `None` for one of a family that this build does not speak.
#[inline(always)]
pub(crate) fn address_of(address: IpAddr) -> Option<Address> {
    #[cfg(feature = "ipv6")]
    {
        Some(address)
    }
    #[cfg(not(feature = "ipv6"))]
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

/// Gives an address of the link as the other parts have it.
#[inline(always)]
pub(crate) fn ip_of(address: Address) -> IpAddr {
    #[cfg(feature = "ipv6")]
    {
        address
    }
    #[cfg(not(feature = "ipv6"))]
    IpAddr::V4(address)
}

/// Gives an address of IPv4 as the link has it.
#[inline(always)]
pub(super) fn of_v4(address: Ipv4Addr) -> Address {
    #[cfg(feature = "ipv6")]
    {
        IpAddr::V4(address)
    }
    #[cfg(not(feature = "ipv6"))]
    address
}
