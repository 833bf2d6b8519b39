//! The replicated network configuration: octets with a generation.
//!
//! The highest generation wins; of two with the same generation, the one with the greater octets. There is no
//! quorum and no signature: any node of the rack can set a new one.

use crate::error::number;
use core::fmt;
use heapless::Vec;
use netboot_core::{Blame, Coded};

/// Greatest number of octets of a configuration. With its head it fits into one datagram on Ethernet
/// ([`crate::board`]).
pub const BLOB_MAX: usize = 1280;

/// A configuration that every node of the rack keeps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetworkConfig {
    /// Grows with each update; the first one is 1.
    pub generation: u64,
    /// The configuration, usually an [`EarlyNetConfig`](crate::early::EarlyNetConfig).
    pub blob: Vec<u8, BLOB_MAX>,
}

impl NetworkConfig {
    /// A configuration; `None` when `blob` is longer than [`BLOB_MAX`] octets.
    pub fn new(generation: u64, blob: &[u8]) -> Option<Self> {
        let blob = Vec::from_slice(blob).ok()?;
        Some(Self { generation, blob })
    }

    /// Whether a node that has `current` takes this configuration from a peer: its generation is higher, or it
    /// is equal and the octets are greater.
    ///
    /// The second rule decides between two configurations that were set at the same time on different
    /// nodes, so that all nodes agree in the end. A peer that only looks at generations keeps its own.
    pub fn supersedes(&self, current: Option<&Self>) -> bool {
        match current {
            Some(current) => (self.generation, &self.blob) > (current.generation, &current.blob),
            None => self.generation > 0,
        }
    }
}

/// The generation is not above the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StaleNetworkConfig {
    /// The node's current generation; 0 when it has no configuration.
    pub current: u64,
    /// The generation that was tried.
    pub tried: u64,
}

impl fmt::Display for StaleNetworkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "generation {} is not above the current generation {}; read it and try the next one",
            self.tried, self.current
        )
    }
}

impl core::error::Error for StaleNetworkConfig {}

impl Coded for StaleNetworkConfig {
    fn code(&self) -> u32 {
        number(0x51)
    }

    fn blame(&self) -> Blame {
        Blame::Configuration
    }
}
