//! Which client has which address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Addresses of a pool, from its first one on.
const POOL: u32 = 64;

/// The bindings of one server.
#[derive(Default)]
pub struct Leases {
    bindings: BTreeMap<[u8; 6], Ipv4Addr>,
    declined: BTreeSet<Ipv4Addr>,
}

impl Leases {
    /// The address for a client: the one it has, else a free one; `None` when the pool is used up.
    pub fn offer(&mut self, client: [u8; 6], first: Ipv4Addr) -> Option<Ipv4Addr> {
        if let Some(address) = self.bound(client) {
            return Some(address);
        }
        let mut pool = (0..POOL).map(|n| Ipv4Addr::from(u32::from(first).wrapping_add(n)));
        let address = pool.find(|address| self.is_free(*address))?;
        self.bindings.insert(client, address);
        Some(address)
    }

    /// The address that a client has or was offered.
    pub fn bound(&self, client: [u8; 6]) -> Option<Ipv4Addr> {
        self.bindings.get(&client).copied()
    }

    /// Whether a client that says it has `address` may keep it.
    pub fn claim(&mut self, client: [u8; 6], address: Ipv4Addr, first: Ipv4Addr) -> bool {
        if self.bound(client) == Some(address) {
            return true;
        }
        let in_pool = u32::from(address).wrapping_sub(u32::from(first)) < POOL;
        let granted = self.bound(client).is_none() && in_pool && self.is_free(address);
        if granted {
            self.bindings.insert(client, address);
        }
        granted
    }

    /// The client found `address` in use by somebody else.
    pub fn decline(&mut self, client: [u8; 6], address: Ipv4Addr) {
        if self.bound(client) == Some(address) {
            self.bindings.remove(&client);
            self.declined.insert(address);
        }
    }

    /// The client gives its address back.
    pub fn release(&mut self, client: [u8; 6]) {
        self.bindings.remove(&client);
    }

    fn is_free(&self, address: Ipv4Addr) -> bool {
        !self.declined.contains(&address) && self.bindings.values().all(|bound| *bound != address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_declined_and_used_up() {
        let first = Ipv4Addr::new(10, 0, 0, 100);
        let next = Ipv4Addr::new(10, 0, 0, 101);
        let mut leases = Leases::default();
        assert_eq!(leases.offer([1; 6], first), Some(first));
        assert_eq!(leases.offer([1; 6], first), Some(first));
        assert!(!leases.claim([2; 6], first, first));
        leases.decline([1; 6], first);
        assert_eq!(leases.offer([1; 6], first), Some(next));
        leases.release([1; 6]);
        assert!(leases.claim([2; 6], next, first));
        assert!(!leases.claim([3; 6], Ipv4Addr::new(192, 168, 0, 1), first));
        let given = (0..200_u8).filter(|n| leases.offer([0, 0, 0, 0, 1, *n], first).is_some());
        // One is declined, one is bound.
        assert_eq!(given.count(), 62);
    }
}
