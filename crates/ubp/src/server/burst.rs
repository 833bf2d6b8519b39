//! The blocks that one GET asks for.

use super::Store;
use crate::endpoint::Endpoint;
use crate::wire::{Answer, Get};
use netboot_core::{Duration, Instant};
use netboot_verity::BLOCK;

/// Blocks that are to be sent. It is not the server's: the caller keeps it until it is done, and may drop it at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burst {
    to: Endpoint,
    id: u32,
    /// Number of the block of bit 0.
    first: u32,
    /// What is left.
    map: u64,
    gap: Duration,
    /// When the next block is due.
    at: Instant,
}

impl Burst {
    pub(super) fn new(now: Instant, to: Endpoint, get: &Get) -> Self {
        Self {
            to,
            id: get.id,
            first: get.first,
            map: get.map,
            gap: Duration::from_micros(get.gap.into()),
            at: now,
        }
    }

    /// Who gets the blocks.
    pub fn to(&self) -> Endpoint {
        self.to
    }

    /// When the next block is due; `None` when all were sent.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.map != 0).then_some(self.at)
    }

    /// Writes the next block that is due to `buf`, which needs [`DATA_MAX`](crate::wire::DATA_MAX) octets, and returns the message's length. A block that the store
    /// does not have is left out.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        store: &dyn Store,
        buf: &mut [u8],
    ) -> Option<usize> {
        while self.map != 0 && now >= self.at {
            let at = self.map.trailing_zeros();
            self.map &= self.map.wrapping_sub(1);
            let mut block = [0; BLOCK];
            let Some(number) = self.first.checked_add(at) else {
                continue;
            };
            let len = store.block(self.id, number, &mut block);
            let Some(block) = len.and_then(|len| block.get(..len)) else {
                continue;
            };
            self.at = now + self.gap;
            let id = (self.id >> 16) as u16;
            return Answer::Data { id, number, block }.emit(buf);
        }
        None
    }
}
