//! The hardware addresses of neighbours (RFC 826; RFC 1122, section 2.3.2; RFC 4861, section 7.3).

use super::Address;
use super::ethernet::Mac;
use heapless::Vec;
use netboot_core::{Duration, Instant};

/// Number of neighbours that are remembered: routers and servers of one boot. The oldest one goes when there is no room.
const ENTRIES: usize = 6;
/// Whether this build asks a neighbour again before it forgets it.
const ASKS_AGAIN: bool = cfg!(feature = "robust");
/// Time after which a neighbour is asked again whether it still has the hardware address.
const FRESH: Duration = Duration::from_secs(60);
/// Time for which a hardware address still serves after that, while the neighbour is asked.
const GRACE: Duration = Duration::from_secs(5);
/// Least time between two questions for neighbours that are in use.
const BETWEEN: Duration = Duration::from_secs(1);

/// One neighbour.
#[derive(Clone, Copy, Debug)]
struct Neighbor {
    address: Address,
    mac: Mac,
    /// When the neighbour was last heard.
    seen: Instant,
}

/// The neighbours that are known.
#[derive(Debug)]
pub(super) struct Neighbors {
    entries: Vec<Neighbor, ENTRIES>,
    /// A neighbour that is in use and has to be asked again.
    stale: Option<Address>,
    /// When the next such question may go out.
    next: Instant,
}

impl Neighbors {
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            stale: None,
            next: Instant::ZERO,
        }
    }

    /// Finds the hardware address for `address`.
    pub fn lookup(&mut self, now: Instant, address: Address) -> Option<Mac> {
        let found = *self.entries.iter().find(|known| known.address == address)?;
        let age = now.since(found.seen);
        if age >= FRESH + GRACE {
            return None;
        }
        if ASKS_AGAIN && age >= FRESH && now >= self.next {
            self.next = now + BETWEEN;
            self.stale = Some(address);
        }
        Some(found.mac)
    }

    /// The neighbour that has to be asked again, once.
    pub fn take_stale(&mut self) -> Option<Address> {
        self.stale.take().filter(|_| ASKS_AGAIN)
    }

    /// Takes in what a neighbour says of itself. Whoever is known already is heeded always, so that a server that moved to
    /// another card is found there. With `create` a new neighbour is remembered.
    #[inline(never)]
    pub fn learn(&mut self, now: Instant, address: Address, mac: Mac, create: bool) {
        let neighbor = Neighbor {
            address,
            mac,
            seen: now,
        };
        let known = self
            .entries
            .iter_mut()
            .find(|known| known.address == address);
        match known {
            Some(known) => *known = neighbor,
            None if create => {
                if self.entries.is_full() {
                    let oldest = self.entries.iter().enumerate();
                    if let Some((at, _)) = oldest.min_by_key(|(_, known)| known.seen) {
                        self.entries.swap_remove(at);
                    }
                }
                // There is room now.
                let _ = self.entries.push(neighbor);
            }
            None => {}
        }
    }

    /// Neighbour number `nth`: address and hardware address.
    #[cfg(feature = "ping")]
    pub fn get(&self, nth: usize) -> Option<(Address, Mac)> {
        let known = self.entries.get(nth)?;
        Some((known.address, known.mac))
    }

    /// Forgets everybody.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

    fn server() -> Address {
        super::super::family::of_v4(SERVER)
    }

    fn at(secs: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(secs)
    }

    #[test]
    #[cfg(feature = "robust")]
    fn a_neighbour_is_asked_again_before_it_is_forgotten() {
        let mut neighbors = Neighbors::new();
        neighbors.learn(at(0), server(), [2; 6], true);
        assert_eq!(neighbors.lookup(at(59), server()), Some([2; 6]));
        assert_eq!(neighbors.take_stale(), None);
        assert_eq!(neighbors.lookup(at(60), server()), Some([2; 6]));
        assert_eq!(neighbors.take_stale(), Some(server()));
        let soon = at(60) + Duration::from_millis(500);
        assert_eq!(neighbors.lookup(soon, server()), Some([2; 6]));
        assert_eq!(
            neighbors.take_stale(),
            None,
            "not more than once in a second"
        );
        assert_eq!(neighbors.lookup(at(64), server()), Some([2; 6]));
        assert_eq!(neighbors.lookup(at(65), server()), None);
        neighbors.learn(at(66), server(), [4; 6], false);
        assert_eq!(neighbors.lookup(at(100), server()), Some([4; 6]));
    }

    #[test]
    fn a_neighbour_that_moves_is_followed_and_strangers_are_not_remembered() {
        let mut neighbors = Neighbors::new();
        neighbors.learn(at(0), server(), [2; 6], false);
        assert_eq!(neighbors.lookup(at(0), server()), None);
        neighbors.learn(at(0), server(), [2; 6], true);
        neighbors.learn(at(1), server(), [4; 6], false);
        assert_eq!(neighbors.lookup(at(1), server()), Some([4; 6]));
    }

    #[test]
    fn the_oldest_one_makes_room() {
        let mut neighbors = Neighbors::new();
        let host = |last| super::super::family::of_v4(Ipv4Addr::new(10, 0, 2, last));
        for last in 1..=6 {
            neighbors.learn(at(last.into()), host(last), [last; 6], true);
        }
        neighbors.learn(at(7), host(1), [1; 6], false);
        neighbors.learn(at(8), host(9), [9; 6], true);
        assert_eq!(neighbors.lookup(at(8), host(2)), None);
        for last in [1, 3, 4, 5, 6, 9] {
            assert!(neighbors.lookup(at(8), host(last)).is_some(), "{last}");
        }
    }
}
