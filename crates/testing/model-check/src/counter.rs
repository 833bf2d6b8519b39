//! Random numbers that count.

use rand_core::{RngCore, impls};

/// Random numbers that count in their upper octets, so that their lower octet may be dropped.
#[derive(Clone, Debug, Default)]
pub struct Counter(u32);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        self.0 += 1;
        self.0.rotate_left(8)
    }

    fn next_u64(&mut self) -> u64 {
        self.next_u32().into()
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        impls::fill_bytes_via_next(self, octets);
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(octets);
        Ok(())
    }
}
