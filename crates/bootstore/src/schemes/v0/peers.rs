//! The peers that are or were connected, each in a slot that keeps its number.

use super::PEERS_MAX;
use crate::Baseboard;
use heapless::Vec;

/// Number of a peer's slot, below [`PEERS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot(u8);

/// A set of slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct SlotSet(u64);

impl SlotSet {
    pub(super) fn insert(&mut self, slot: Slot) {
        self.0 |= slot.bit();
    }

    pub(super) fn remove(&mut self, slot: Slot) {
        self.0 &= !slot.bit();
    }

    pub(super) fn contains(self, slot: Slot) -> bool {
        self.0 & slot.bit() != 0
    }
}

impl Slot {
    const fn bit(self) -> u64 {
        // The slot is below 64.
        1u64.wrapping_shl(self.0 as u32)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    id: Baseboard,
    connected: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Peers(Vec<Peer, PEERS_MAX, u8>);

impl Peers {
    pub(super) fn slot_of(&self, id: &Baseboard) -> Option<Slot> {
        let index = self.0.iter().position(|peer| peer.id == *id)?;
        u8::try_from(index).ok().map(Slot)
    }

    pub(super) fn id(&self, slot: Slot) -> Option<&Baseboard> {
        self.0.get(usize::from(slot.0)).map(|peer| &peer.id)
    }

    pub(super) fn is_connected(&self, slot: Slot) -> bool {
        self.0
            .get(usize::from(slot.0))
            .is_some_and(|peer| peer.connected)
    }

    /// The connected peers, in the order of slots.
    pub(super) fn connected(&self) -> impl Iterator<Item = (Slot, &Baseboard)> {
        (0u8..)
            .map(Slot)
            .zip(&self.0)
            .filter(|(_, peer)| peer.connected)
            .map(|(slot, peer)| (slot, &peer.id))
    }

    /// The connected peer that follows `after` in the order of ids, or the first one behind the last.
    pub(super) fn next_after(&self, after: Option<&Baseboard>) -> Option<Slot> {
        let following = self
            .connected()
            .filter(|(_, id)| after.is_none_or(|after| *id > after))
            .min_by_key(|(_, id)| *id);
        following
            .or_else(|| self.connected().min_by_key(|(_, id)| *id))
            .map(|(slot, _)| slot)
    }

    /// Marks a peer as connected. A new peer takes over the slot of one that is gone when all are taken,
    /// which the second value tells. `in_use` tells which slots must stay.
    pub(super) fn connect(
        &mut self,
        id: &Baseboard,
        in_use: impl Fn(Slot) -> bool,
    ) -> Option<(Slot, bool)> {
        if let Some(slot) = self.slot_of(id) {
            if let Some(peer) = self.0.get_mut(usize::from(slot.0)) {
                peer.connected = true;
            }
            return Some((slot, false));
        }
        let peer = Peer {
            id: id.clone(),
            connected: true,
        };
        let fresh = Slot(self.0.len() as u8);
        let Err(peer) = self.0.push(peer) else {
            return Some((fresh, false));
        };
        let (slot, old) = (0u8..)
            .map(Slot)
            .zip(&mut self.0)
            .find(|(slot, old)| !old.connected && !in_use(*slot))?;
        *old = peer;
        Some((slot, true))
    }

    pub(super) fn disconnect(&mut self, id: &Baseboard) -> Option<Slot> {
        let slot = self.slot_of(id)?;
        if let Some(peer) = self.0.get_mut(usize::from(slot.0)) {
            peer.connected = false;
        }
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn id(number: usize) -> Baseboard {
        Baseboard::pc(&format!("{number:03}"), "m").unwrap()
    }

    #[test]
    fn a_full_table_takes_over_the_slot_of_a_peer_that_is_gone() {
        let mut peers = Peers::default();
        for number in 0..PEERS_MAX {
            assert!(peers.connect(&id(number), |_| false).is_some());
        }
        assert_eq!(peers.connect(&id(99), |_| false), None);
        peers.disconnect(&id(5));
        assert_eq!(peers.connect(&id(99), |_| true), None);
        let (slot, taken_over) = peers.connect(&id(99), |_| false).unwrap();
        assert!(taken_over);
        assert_eq!(peers.slot_of(&id(5)), None);
        assert_eq!(peers.id(slot), Some(&id(99)));
    }

    #[test]
    fn learners_go_round() {
        let mut peers = Peers::default();
        for number in [7, 3, 5] {
            peers.connect(&id(number), |_| false);
        }
        let mut seen = std::vec::Vec::new();
        let mut last = None;
        for _ in 0..4 {
            let slot = peers.next_after(last.as_ref()).unwrap();
            last = peers.id(slot).cloned();
            seen.push(last.clone().unwrap());
        }
        assert_eq!(seen, [id(3), id(5), id(7), id(3)]);
    }
}
