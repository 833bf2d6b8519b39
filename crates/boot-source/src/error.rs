//! What can go wrong between an MCU ROM and its boot source, with stable numbers.

use crate::status::Status;
use core::fmt;
use netboot_core::{Blame, Coded, Console, Module};

/// The thing that one side was waiting for when a deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// The source had to answer InitiateBoot.
    Start,
    /// The source had to become ready.
    Ready,
    /// The source had to answer the metadata request.
    Metadata,
    /// The source had to send the next chunk.
    Chunk,
    /// The MCU ROM had to acknowledge a chunk.
    Acknowledgement,
    /// The source had to answer Finalize.
    Finalized,
}

impl WaitFor {
    /// Names what was missing, for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "an answer to InitiateBoot",
            Self::Ready => "a source that is ready",
            Self::Metadata => "the metadata of an image",
            Self::Chunk => "the next chunk",
            Self::Acknowledgement => "the acknowledgement of a chunk",
            Self::Finalized => "an answer to Finalize",
        }
    }
}

/// An error of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootSourceError {
    /// A message has a type that does not exist.
    UnknownMessage {
        /// The type.
        kind: u8,
    },
    /// A message is shorter than its type demands.
    ShortMessage {
        /// The type.
        kind: u8,
        /// Number of octets of the message.
        given: usize,
    },
    /// The id has no place in the octet that messages have for it.
    IdNotOnWire {
        /// The id.
        id: u32,
    },
    /// The caller began something before the last thing had ended.
    Busy,
    /// The caller did something out of order: octets without an open image, more than the window, or less than the image.
    Misuse,
    /// A buffer, or the mailbox, is smaller than the messages.
    TooSmall {
        /// Number of octets that are needed.
        needed: usize,
        /// Number of octets that are there.
        given: usize,
    },
    /// The image's size is 0, or has no place in the four octets that messages have for it.
    SizeUnsupported {
        /// The size in octets.
        size: u64,
    },
    /// The source answered with an error.
    Source(Status),
    /// A chunk in order has another size than it has to have.
    ChunkSize {
        /// The size in octets.
        found: u32,
        /// The size in octets that it has to have.
        expected: u32,
    },
    /// The octets of the image are not those that the source's checksum names.
    ChecksumMismatch,
    /// The source names a checksum, and nobody hashes what is delivered.
    Unhashed,
    /// The MCU ROM gave the image up.
    GivenUp,
    /// The consumer of the image failed; its own error lies with the delivery.
    Sink,
    /// A deadline passed.
    Timeout(WaitFor),
}

impl fmt::Display for BootSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownMessage { kind } => {
                write!(
                    f,
                    "a message has an unknown type (0x{:02x})",
                    u32::from(kind)
                )
            }
            Self::ShortMessage { kind, given } => write!(
                f,
                "a message has only {given} octets (type 0x{:02x})",
                u32::from(kind)
            ),
            Self::IdNotOnWire { id } => write!(
                f,
                "a firmware id has no place in a message and is not mapped (0x{id:08x})"
            ),
            Self::Busy => f.write_str("the exchange before has not ended"),
            Self::Misuse => f.write_str("the calls of the boot source are out of order"),
            Self::TooSmall { needed, given } => {
                write!(f, "a buffer of {given} octets, where {needed} are needed")
            }
            Self::SizeUnsupported { size } => {
                write!(f, "an image of {size} octets cannot be transferred")
            }
            Self::Source(status) => write!(f, "the boot source says: {status}"),
            Self::ChunkSize { found, expected } => {
                write!(f, "a chunk of {found} octets, where {expected} are due")
            }
            Self::ChecksumMismatch => {
                f.write_str("the image is not the one that the boot source's checksum names")
            }
            Self::Unhashed => {
                f.write_str("the boot source names a checksum, and the delivery does not hash")
            }
            Self::GivenUp => f.write_str("the MCU ROM gave the image up"),
            Self::Sink => f.write_str("the consumer of the image failed"),
            Self::Timeout(wait) => write!(f, "{} did not come in time", wait.as_str()),
        }
    }
}

impl core::error::Error for BootSourceError {}

impl Coded for BootSourceError {
    fn code(&self) -> u32 {
        Module::BootSource.code(match *self {
            Self::UnknownMessage { .. } => 1,
            Self::ShortMessage { .. } => 2,
            Self::IdNotOnWire { .. } => 3,
            Self::Busy => 4,
            Self::Misuse => 5,
            Self::TooSmall { .. } => 6,
            Self::SizeUnsupported { .. } => 7,
            Self::ChunkSize { .. } => 9,
            Self::ChecksumMismatch => 10,
            Self::Unhashed => 11,
            Self::GivenUp => 12,
            Self::Sink => 13,
            Self::Timeout(wait) => match wait {
                WaitFor::Start => 14,
                WaitFor::Ready => 15,
                WaitFor::Metadata => 16,
                WaitFor::Chunk => 17,
                WaitFor::Acknowledgement => 18,
                WaitFor::Finalized => 19,
            },
            // The codes of the protocol keep their values.
            Self::Source(status) => 0x100 | status.0 as u16,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::IdNotOnWire { .. }
            | Self::Busy
            | Self::Misuse
            | Self::TooSmall { .. }
            | Self::Unhashed => Blame::Caller,
            Self::SizeUnsupported { .. } => Blame::Configuration,
            Self::Source(_) | Self::ChecksumMismatch => Blame::Server,
            Self::UnknownMessage { .. }
            | Self::ShortMessage { .. }
            | Self::ChunkSize { .. }
            | Self::GivenUp
            | Self::Timeout(_) => Blame::Peer,
            Self::Sink => Blame::Device,
        }
    }

    fn facts(&self, out: &mut dyn Console) {
        match *self {
            Self::ShortMessage { given, .. } => out.number("octets", given as u64),
            Self::TooSmall { needed, given } => {
                out.number("given", given as u64);
                out.number("needed", needed as u64);
            }
            Self::SizeUnsupported { size } => out.number("octets", size),
            Self::ChunkSize { found, expected } => {
                out.number("found", u64::from(found));
                out.number("expected", u64::from(expected));
            }
            _ => {}
        }
    }
}
