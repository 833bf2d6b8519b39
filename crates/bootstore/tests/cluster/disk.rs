//! A node's storage: two ledgers of two slots, with writes that can be torn.

use bootstore::ledger::{Ledger, Slot};

/// What a naive implementation does wrong; all false is ours.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bugs {
    /// The caller says that the state is stored, and stores it only when it is idle.
    pub store_late: bool,
    /// The two slots are one.
    pub one_slot: bool,
}

/// Two slots in memory.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub slots: [Vec<u8>; 2],
    /// Octets after which the next write is cut off.
    pub tear_after: Option<usize>,
    pub one_slot: bool,
}

/// A write was cut off: the node has lost power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerLost;

impl std::fmt::Display for PowerLost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("power lost")
    }
}

impl Disk {
    fn index(&self, slot: Slot) -> usize {
        match slot {
            Slot::A => 0,
            Slot::B => usize::from(!self.one_slot),
        }
    }

    pub fn erase(&mut self) {
        self.slots = Default::default();
        self.tear_after = None;
    }
}

impl Ledger for &mut Disk {
    type Error = PowerLost;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, PowerLost> {
        let octets = &self.slots[self.index(slot)];
        buffer[..octets.len()].copy_from_slice(octets);
        Ok(octets.len())
    }

    fn write(&mut self, slot: Slot, octets: &[u8]) -> Result<(), PowerLost> {
        let index = self.index(slot);
        let place = &mut self.slots[index];
        if let Some(cut) = self.tear_after.take() {
            // New octets, then what was there.
            let cut = cut % octets.len();
            place.resize(octets.len().max(place.len()), 0xa5);
            place[..cut].copy_from_slice(&octets[..cut]);
            return Err(PowerLost);
        }
        *place = octets.to_vec();
        Ok(())
    }
}
