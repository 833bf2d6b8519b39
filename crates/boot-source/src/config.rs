//! Settings of the two ends. [`SharedConfig`] has to be the same on both.

use crate::id::IdMap;
use netboot_core::Duration;

/// How chunks are numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbering {
    /// The first chunk after InitiateBoot has number 0, and the numbers go on from one image to the next.
    #[default]
    Continuing,
    /// The first chunk of each image has number 0. Over a mailbox that may bring a message late, the only chunk of one image can
    /// then be taken for that of another one.
    FromZero,
}

/// Settings that both ends need to have in common: they say what the octets of a message mean.
#[derive(Clone, Copy, Debug)]
pub struct SharedConfig<'c> {
    /// Octets of data in each chunk but the last, CHUNK_SIZE of the protocol; 4,096 by default.
    pub chunk_size: u32,
    /// How chunks are numbered; `Continuing` by default.
    pub numbering: Numbering,
    /// Octets that stand for firmware ids above 255; none by default.
    pub ids: IdMap<'c>,
}

impl SharedConfig<'_> {
    /// Settings for chunks of `chunk_size` octets; the others have their defaults.
    pub const fn new(chunk_size: u32) -> Self {
        Self {
            chunk_size,
            numbering: Numbering::Continuing,
            ids: IdMap { named: &[] },
        }
    }
}

impl Default for SharedConfig<'_> {
    fn default() -> Self {
        Self::new(4_096)
    }
}

/// Settings of a requester.
#[derive(Clone, Copy, Debug)]
pub struct RequesterConfig<'c> {
    /// Settings that the responder has, too.
    pub shared: SharedConfig<'c>,
    /// Time after which a message without an answer is repeated, and the shortest time between two messages that say that the
    /// consumer has no room; 200 ms by default.
    pub retry: Duration,
    /// How long the source may take for an answer, 30 s by default: to a request for metadata, or with the next chunk.
    pub answer_timeout: Duration,
    /// How long the source may take to get ready; 120 s by default, because a network may be slow.
    pub ready_timeout: Duration,
    /// How long to listen for old messages after an exchange; zero by default.
    pub linger: Duration,
}

impl Default for RequesterConfig<'_> {
    fn default() -> Self {
        Self {
            shared: SharedConfig::default(),
            retry: Duration::from_millis(200),
            answer_timeout: Duration::from_secs(30),
            ready_timeout: Duration::from_secs(120),
            linger: Duration::ZERO,
        }
    }
}

/// Settings of a responder.
#[derive(Clone, Copy, Debug)]
pub struct ResponderConfig<'c> {
    /// Settings that the requester has, too.
    pub shared: SharedConfig<'c>,
    /// Time after which a chunk without an acknowledgement is repeated; 200 ms by default.
    pub retry: Duration,
    /// How long the MCU ROM may take to acknowledge a chunk, 30 s by default. Its device has to drain a chunk in this time, unless
    /// the MCU ROM says that it holds the chunk.
    pub ack_timeout: Duration,
}

impl Default for ResponderConfig<'_> {
    fn default() -> Self {
        Self {
            shared: SharedConfig::default(),
            retry: Duration::from_millis(200),
            ack_timeout: Duration::from_secs(30),
        }
    }
}
