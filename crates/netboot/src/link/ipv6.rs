//! The station's addresses of IPv6, and which of them it speaks with.

use super::ethernet::Mac;
use core::net::Ipv6Addr;
use heapless::Vec;
use netboot_ndp::neighbor;

/// Number of addresses of the station: link-local, autonomous, leased.
pub(crate) const ADDRESSES: usize = 3;

/// Octets of the longest packet with a question or an answer about a hardware address. Each frame has room for it while IPv6 is in use.
pub(super) const QUESTION: usize = neighbor::PACKET;

/// The station's addresses.
pub(crate) struct Inet6 {
    /// The addresses that the station uses.
    own: Vec<Ipv6Addr, ADDRESSES>,
    /// The addresses that it would like to use.
    tentative: Vec<Ipv6Addr, ADDRESSES>,
    /// An address that the station would like to use, and the hardware address of a station that uses it or would like to use it.
    conflict: Option<(Ipv6Addr, Mac)>,
}

impl Inet6 {
    pub const fn new() -> Self {
        Self {
            own: Vec::new(),
            tentative: Vec::new(),
            conflict: None,
        }
    }

    /// Whether IPv6 is in use.
    pub fn is_on(&self) -> bool {
        !(self.own.is_empty() && self.tentative.is_empty())
    }

    /// The addresses that the station uses.
    #[cfg(feature = "http")]
    pub fn own(&self) -> &[Ipv6Addr] {
        &self.own
    }

    /// Sets the addresses that the station uses, and those that it would like to use.
    pub fn set(
        &mut self,
        own: impl Iterator<Item = Ipv6Addr>,
        tentative: impl Iterator<Item = Ipv6Addr>,
    ) {
        fill(&mut self.own, own);
        fill(&mut self.tentative, tentative);
        self.conflict = None;
    }

    /// Whether the station uses `address`.
    pub fn has(&self, address: Ipv6Addr) -> bool {
        self.own.contains(&address)
    }

    /// The address that the station speaks to `peer` with: one that is valid as far as that of the peer (RFC 6724, section 5, rule 2). The last one
    /// of its kind is the one that was asked for.
    pub fn source_for(&self, peer: Ipv6Addr) -> Option<Ipv6Addr> {
        let local = peer.is_unicast_link_local();
        let fitting = |own: &&Ipv6Addr| own.is_unicast_link_local() == local;
        self.own
            .iter()
            .rev()
            .find(fitting)
            .or(self.own.last())
            .copied()
    }

    /// The conflict that was seen, once.
    pub fn take_conflict(&mut self) -> Option<(Ipv6Addr, Mac)> {
        self.conflict.take()
    }

    /// Takes in that another station uses `address` or would like to. Tells whether the station would like to use it, too.
    pub fn note(&mut self, address: Ipv6Addr, mac: Mac) -> bool {
        let wanted = self.tentative.contains(&address);
        if wanted {
            self.conflict.get_or_insert((address, mac));
        }
        wanted
    }
}

/// Puts as many addresses into the list as it holds.
fn fill(list: &mut Vec<Ipv6Addr, ADDRESSES>, addresses: impl Iterator<Item = Ipv6Addr>) {
    list.clear();
    for address in addresses {
        let _ = list.push(address);
    }
}
