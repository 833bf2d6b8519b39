//! The messages and their octets.
//!
//! All numbers are little endian. The first octet is the type. Octets that are reserved are sent as zero and ignored on receipt,
//! so that a later version may give them a meaning; octets behind a message are ignored, because a mailbox may carry
//! whole words only. Reserved *flags* are refused: a flag asks for something, and this version could not do it.

use crate::error::BootSourceError;
use crate::status::Status;
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The version of the protocol that InitiateBoot says.
pub const PROTOCOL_VERSION: u32 = 1;
/// Octets of an image chunk before its data.
pub const CHUNK_HEADER: usize = 12;
/// Octets of the longest message other than an image chunk and InitiateBoot with parameters.
pub const MIN_MESSAGE: usize = 52;

/// Octets that a buffer or a mailbox needs for every message of a conversation with chunks of `chunk_size` octets: a chunk with its
/// header, and at least [`MIN_MESSAGE`].
pub const fn message_len(chunk_size: usize) -> usize {
    let chunk = CHUNK_HEADER.saturating_add(chunk_size);
    if chunk > MIN_MESSAGE {
        chunk
    } else {
        MIN_MESSAGE
    }
}

/// The types of the messages.
pub mod kind {
    /// InitiateBoot.
    pub const INITIATE: u8 = 0x01;
    /// Metadata request.
    pub const METADATA: u8 = 0x02;
    /// Download request.
    pub const DOWNLOAD: u8 = 0x03;
    /// Chunk acknowledgement.
    pub const ACK: u8 = 0x04;
    /// Finalize.
    pub const FINALIZE: u8 = 0x05;
    /// Set in the answer to a request; an image chunk is the answer to a download request.
    pub const ANSWER: u8 = 0x80;
}

/// What InitiateBoot asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BootFlags(pub u32);

impl BootFlags {
    /// What is streamed is also written to staging memory.
    pub const FLASH_WRITE_BACK: u32 = 1 << 0;
    /// Staging memory is committed after the platform has booted, and not already after all images were authorized.
    pub const COMMIT_AFTER_BOOT: u32 = 1 << 1;

    /// Returns whether a flag is set that has no meaning.
    pub const fn has_reserved(self) -> bool {
        self.0 & !(Self::FLASH_WRITE_BACK | Self::COMMIT_AFTER_BOOT) != 0
    }
}

/// What the source did at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleanup(pub u32);

impl Cleanup {
    /// The table of contents was forgotten.
    pub const CLEAR_TOC: u32 = 1 << 0;
    /// The connection was reset.
    pub const RESET_CONNECTION: u32 = 1 << 1;
}

/// Flags of an acknowledgement.
pub mod ack {
    /// The next chunk may come.
    pub const READY: u32 = 1 << 0;
    /// The transfer is given up.
    pub const ERROR: u32 = 1 << 1;
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'m> {
    /// 0x01: the source is to get ready.
    Initiate {
        /// Version of the protocol.
        version: u32,
        /// What is asked for.
        flags: BootFlags,
        /// Parameters that the source alone understands. They reach to the end of the message, with what the mailbox adds.
        specific: &'m [u8],
    },
    /// 0x81: 0 the source is ready, 1 it is at work, anything else is an error.
    Initiated {
        /// The status.
        status: Status,
    },
    /// 0x02: what is known of an image is asked for.
    MetadataRequest {
        /// The image's octet.
        id: u8,
    },
    /// 0x82: what is known of an image.
    Metadata {
        /// The status. With an error the rest means nothing.
        status: Status,
        /// Octets of the image.
        size: u32,
        /// SHA-256 of the image, or zeros.
        checksum: [u8; 32],
        /// Version of the image.
        version: u32,
        /// Flags of the image.
        flags: u32,
    },
    /// 0x03: an image is asked for.
    Download {
        /// The image's octet.
        id: u8,
    },
    /// 0x83: a part of the image.
    Chunk {
        /// The status. With an error the rest means nothing.
        status: Status,
        /// Number of the chunk; it comes round.
        sequence: u16,
        /// Octets of the image before it.
        offset: u32,
        /// The octets.
        data: &'m [u8],
    },
    /// 0x04: a chunk came.
    Ack {
        /// The image's octet.
        id: u8,
        /// Number of the chunk.
        sequence: u16,
        /// See [`ack`].
        flags: u32,
    },
    /// 0x05: the MCU ROM needs the source no longer.
    Finalize {
        /// How the boot ended.
        status: Status,
        /// More about an error.
        error: u16,
    },
    /// 0x85: the source has ended its work.
    Finalized {
        /// The status.
        status: Status,
        /// What the source did.
        cleanup: Cleanup,
    },
}

macro_rules! layout {
    ($name:ident { $($field:ident: $type:ty,)* }) => {
        #[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Default)]
        #[repr(C)]
        struct $name { $($field: $type,)* }
    };
}

layout!(InitiateLayout {
    kind: u8,
    reserved: [u8; 3],
    version: U32,
    flags: U32,
});
layout!(ShortLayout {
    kind: u8,
    octet: u8,
    half: U16,
});
layout!(MetadataLayout {
    head: ShortLayout,
    size: U32,
    checksum: [u8; 32],
    version: U32,
    flags: U32,
    reserved: U32,
});
layout!(LongLayout {
    head: ShortLayout,
    first: U32,
    second: U32,
});
layout!(FinalizeLayout {
    head: ShortLayout,
    reserved: U32,
});

impl<'m> Message<'m> {
    /// The type of the message.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Initiate { .. } => kind::INITIATE,
            Self::Initiated { .. } => kind::INITIATE | kind::ANSWER,
            Self::MetadataRequest { .. } => kind::METADATA,
            Self::Metadata { .. } => kind::METADATA | kind::ANSWER,
            Self::Download { .. } => kind::DOWNLOAD,
            Self::Chunk { .. } => kind::DOWNLOAD | kind::ANSWER,
            Self::Ack { .. } => kind::ACK,
            Self::Finalize { .. } => kind::FINALIZE,
            Self::Finalized { .. } => kind::FINALIZE | kind::ANSWER,
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// Fails with `UnknownMessage` or `ShortMessage`.
    pub fn parse(octets: &'m [u8]) -> Result<Self, BootSourceError> {
        let kind = octets.first().copied().unwrap_or(0);
        Self::read(kind, octets)?.ok_or(BootSourceError::ShortMessage {
            kind,
            given: octets.len(),
        })
    }

    fn read(kind: u8, octets: &'m [u8]) -> Result<Option<Self>, BootSourceError> {
        let short = ShortLayout::ref_from_prefix(octets).ok();
        let status = short.map(|(short, _)| Status(short.octet));
        let id = short.map(|(short, _)| short.octet);
        let long = LongLayout::ref_from_prefix(octets).ok();
        const ANSWER: u8 = kind::ANSWER;
        const INITIATED: u8 = kind::INITIATE | ANSWER;
        const METADATA: u8 = kind::METADATA | ANSWER;
        const CHUNK: u8 = kind::DOWNLOAD | ANSWER;
        const FINALIZED: u8 = kind::FINALIZE | ANSWER;
        Ok(match kind {
            kind::INITIATE => {
                let read = InitiateLayout::ref_from_prefix(octets).ok();
                read.map(|(initiate, specific)| Self::Initiate {
                    version: initiate.version.get(),
                    flags: BootFlags(initiate.flags.get()),
                    specific,
                })
            }
            INITIATED => status.map(|status| Self::Initiated { status }),
            kind::METADATA => id.map(|id| Self::MetadataRequest { id }),
            METADATA => {
                let whole = MetadataLayout::ref_from_prefix(octets).ok();
                match (whole, status) {
                    (Some((metadata, _)), _) => Some(Self::Metadata {
                        status: Status(metadata.head.octet),
                        size: metadata.size.get(),
                        checksum: metadata.checksum,
                        version: metadata.version.get(),
                        flags: metadata.flags.get(),
                    }),
                    // An error needs no metadata.
                    (None, Some(status)) if !status.is_success() => Some(Self::Metadata {
                        status,
                        size: 0,
                        checksum: [0; 32],
                        version: 0,
                        flags: 0,
                    }),
                    _ => None,
                }
            }
            kind::DOWNLOAD => long.map(|(download, _)| Self::Download {
                id: download.head.octet,
            }),
            CHUNK => {
                let read = long.and_then(|(chunk, rest)| {
                    let size = usize::try_from(chunk.second.get()).ok()?;
                    Some((chunk, rest.get(..size)?))
                });
                match (read, status) {
                    (Some((chunk, data)), _) => Some(Self::Chunk {
                        status: Status(chunk.head.octet),
                        sequence: chunk.head.half.get(),
                        offset: chunk.first.get(),
                        data,
                    }),
                    (None, Some(status)) if !status.is_success() => Some(Self::Chunk {
                        status,
                        sequence: 0,
                        offset: 0,
                        data: &[],
                    }),
                    _ => None,
                }
            }
            kind::ACK => long.map(|(ack, _)| Self::Ack {
                id: ack.head.octet,
                sequence: ack.head.half.get(),
                flags: ack.second.get(),
            }),
            kind::FINALIZE => {
                let read = FinalizeLayout::ref_from_prefix(octets).ok();
                read.map(|(finalize, _)| Self::Finalize {
                    status: Status(finalize.head.octet),
                    error: finalize.head.half.get(),
                })
            }
            FINALIZED => match (long, status) {
                (Some((finalized, _)), Some(status)) => Some(Self::Finalized {
                    status,
                    cleanup: Cleanup(finalized.first.get()),
                }),
                _ => None,
            },
            kind => return Err(BootSourceError::UnknownMessage { kind }),
        })
    }

    /// Writes the message into the front of `out` and returns its length in octets; `None` when it does not fit.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let head = |octet: u8, half: u16| ShortLayout {
            kind: self.kind(),
            octet,
            half: half.into(),
        };
        let long = |head, first: u32, second: u32| LongLayout {
            head,
            first: first.into(),
            second: second.into(),
        };
        match *self {
            Self::Initiate {
                version,
                flags,
                specific,
            } => {
                let initiate = InitiateLayout {
                    kind: self.kind(),
                    reserved: [0; 3],
                    version: version.into(),
                    flags: flags.0.into(),
                };
                write(out, &[initiate.as_bytes(), specific])
            }
            Self::Initiated { status } => write(out, &[head(status.0, 0).as_bytes()]),
            Self::MetadataRequest { id } => write(out, &[head(id, 0).as_bytes()]),
            Self::Metadata {
                status,
                size,
                checksum,
                version,
                flags,
            } => {
                let metadata = MetadataLayout {
                    head: head(status.0, 0),
                    size: size.into(),
                    checksum,
                    version: version.into(),
                    flags: flags.into(),
                    reserved: 0.into(),
                };
                write(out, &[metadata.as_bytes()])
            }
            Self::Download { id } => write(out, &[long(head(id, 0), 0, 0).as_bytes()]),
            Self::Chunk {
                status,
                sequence,
                offset,
                data,
            } => {
                let size = u32::try_from(data.len()).ok()?;
                let chunk = long(head(status.0, sequence), offset, size);
                write(out, &[chunk.as_bytes(), data])
            }
            Self::Ack {
                id,
                sequence,
                flags,
            } => write(out, &[long(head(id, sequence), 0, flags).as_bytes()]),
            Self::Finalize { status, error } => {
                let finalize = FinalizeLayout {
                    head: head(status.0, error),
                    reserved: 0.into(),
                };
                write(out, &[finalize.as_bytes()])
            }
            Self::Finalized { status, cleanup } => {
                write(out, &[long(head(status.0, 0), cleanup.0, 0).as_bytes()])
            }
        }
    }
}

fn write(out: &mut [u8], parts: &[&[u8]]) -> Option<usize> {
    let len = parts
        .iter()
        .fold(0usize, |len, part| len.saturating_add(part.len()));
    let out = out.get_mut(..len)?;
    let octets = parts.iter().flat_map(|part| part.iter());
    for (to, from) in out.iter_mut().zip(octets) {
        *to = *from;
    }
    Some(len)
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
