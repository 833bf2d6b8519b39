//! The way to whoever is spoken to next (RFC 826).
//!
//! smoltcp asks for a neighbour's hardware address when the first packet for it is ready, but only once in a second, whoever is
//! waiting: the server whose name was just resolved would wait for that second, had the DNS server been asked for before.

use crate::stack::Stack;
use core::net::Ipv4Addr;
use netboot_core::{Device, Platform};

impl<D: Device, P: Platform> Stack<'_, D, P> {
    /// Somebody at `address` is about to be spoken to: asks for the hardware address on the way there, unless it is that of the
    /// one before.
    #[inline(never)]
    pub fn ask_neighbor(&mut self, address: Ipv4Addr) {
        let Some(config) = &self.config else { return };
        let differs = config.address.to_bits() ^ address.to_bits();
        let host_bits = 32u32.saturating_sub(config.prefix_len.into());
        let mut hop = address;
        if differs.checked_shr(host_bits).is_some_and(|far| far != 0) {
            let Some(router) = config.routers.get(self.router) else {
                return;
            };
            hop = *router;
        }
        // The first one is left to smoltcp.
        let before = self.asked.replace(hop);
        if before.is_some_and(|before| before.to_bits() != hop.to_bits()) {
            self.link.send_arp(config.address, hop);
        }
    }
}
