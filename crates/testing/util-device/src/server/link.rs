//! A lossy link between host and device.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the link does to datagrams, in parts of a thousand. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Where its random numbers begin.
    pub seed: u64,
    /// Requests that are lost.
    pub lose_request: u32,
    /// Answers that are lost.
    pub lose_answer: u32,
    /// Answers that come twice.
    pub double: u32,
    /// Answers with an altered octet.
    pub damage: u32,
    /// Answers that are late.
    pub late: u32,
    /// By how many milliseconds a late answer is late at most.
    pub late_ms: u32,
}

/// What the link counted.
#[derive(Debug, Default)]
pub struct LinkCounters {
    /// Datagrams that came from the host, lost ones included.
    pub from_host: AtomicU64,
    /// Octets of payload in them, without code and checksum.
    pub payload_octets: AtomicU64,
    /// Datagrams that went to the host, doubled ones included.
    pub to_host: AtomicU64,
}

impl LinkCounters {
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::SeqCst);
    }
}

/// Seeded chance.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `limit` (xorshift64*).
    pub fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        (number % u64::from(limit.max(1))) as u32
    }

    pub fn happens(&mut self, of_thousand: u32) -> bool {
        of_thousand != 0 && self.below(1000) < of_thousand
    }
}
