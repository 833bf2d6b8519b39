//! The header of a table (UEFI specification 2.10, section 5.3.2, table 5.5).

use super::GptError;
use crate::Part;

/// Octets of the header's fields. A header may be longer; its checksum covers the rest.
pub(super) const HEADER: usize = 92;

/// Octets of the largest list of partitions that is read: 2,048 partitions of 128 octets. Tools make 16,384.
pub const MAX_TABLE: u32 = 256 << 10;

/// Octets of the smallest entry, and of what an entry's fields take.
pub(super) const ENTRY: usize = 128;

const SIGNATURE: [u8; 8] = *b"EFI PART";
const REVISION: u32 = 0x0001_0000;

/// Where fields are.
mod at {
    pub const REVISION: usize = 8;
    pub const SIZE: usize = 12;
    pub const CHECKSUM: usize = 16;
    pub const MY_LBA: usize = 24;
    pub const FIRST_USABLE: usize = 40;
    pub const LAST_USABLE: usize = 48;
    pub const ENTRIES: usize = 72;
    pub const COUNT: usize = 80;
    pub const ENTRY_SIZE: usize = 84;
    pub const ENTRIES_CHECKSUM: usize = 88;
}

/// The octets of a header, whose fields are not checked yet.
pub(super) type Raw = [u8; HEADER];

/// A number of 32 bits in little endian; 0 beyond the end.
pub(super) fn number32(octets: &[u8], at: usize) -> u32 {
    let octets = octets.get(at..).and_then(<[u8]>::first_chunk);
    octets.map_or(0, |octets| u32::from_le_bytes(*octets))
}

/// A number of 64 bits in little endian; 0 beyond the end.
pub(super) fn number64(octets: &[u8], at: usize) -> u64 {
    let octets = octets.get(at..).and_then(<[u8]>::first_chunk);
    octets.map_or(0, |octets| u64::from_le_bytes(*octets))
}

/// A disk in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocks {
    /// Octets of the disk.
    pub disk_len: u64,
    /// The block's size as a power of two: 9 or 12.
    pub shift: u32,
}

impl Blocks {
    /// Number of the last block. `None` for a disk without a block.
    pub const fn last(self) -> Option<u64> {
        (self.disk_len >> self.shift).checked_sub(1)
    }

    /// The octets before a block of the disk.
    pub const fn offset(self, block: u64) -> u64 {
        block << self.shift
    }

    /// Octets of a block.
    pub const fn len(self) -> u32 {
        1 << self.shift
    }
}

/// What a checked header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub first_usable: u64,
    pub last_usable: u64,
    /// Where the entries are.
    pub entries: Part,
    /// Octets of an entry.
    pub entry_size: u32,
    pub entries_checksum: u32,
}

/// Whether the octets begin as a header does.
pub(super) fn is_header(raw: &Raw) -> bool {
    raw.starts_with(&SIGNATURE)
}

/// Octets that the header's checksum covers.
///
/// # Errors
/// [`GptError::Revision`] and [`GptError::HeaderSize`].
pub(super) fn size(raw: &Raw, blocks: Blocks) -> Result<u32, GptError> {
    let found = number32(raw, at::REVISION);
    if found != REVISION {
        return Err(GptError::Revision { found });
    }
    let octets = number32(raw, at::SIZE);
    if octets < HEADER as u32 || octets > blocks.len() {
        return Err(GptError::HeaderSize { octets });
    }
    Ok(octets)
}

/// The checksum that a header has. It is replaced by zeros, as which it is a part of its own checksum.
pub(super) fn take_checksum(raw: &mut Raw) -> u32 {
    let checksum = number32(raw, at::CHECKSUM);
    if let Some(field) = raw.get_mut(at::CHECKSUM..at::CHECKSUM + 4) {
        field.fill(0);
    }
    checksum
}

impl Header {
    /// Checks the fields of a header whose checksum is right, which was read from the block `place`.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn check(raw: &Raw, blocks: Blocks, place: u64) -> Result<Self, GptError> {
        if number64(raw, at::MY_LBA) != place {
            return Err(GptError::WrongBlock);
        }
        let last = blocks.last().unwrap_or(0);
        let first_usable = number64(raw, at::FIRST_USABLE);
        let last_usable = number64(raw, at::LAST_USABLE);
        if first_usable < 2 || first_usable > last_usable || last_usable >= last {
            return Err(GptError::UsableRange);
        }
        let entry_size = number32(raw, at::ENTRY_SIZE);
        if entry_size < ENTRY as u32 || !entry_size.is_power_of_two() {
            return Err(GptError::EntrySize { octets: entry_size });
        }
        let count = number32(raw, at::COUNT);
        let octets = u64::from(count).saturating_mul(u64::from(entry_size));
        if octets == 0 || octets > u64::from(MAX_TABLE) {
            return Err(GptError::TableSize { octets });
        }
        // The entries lie before the usable blocks and behind this header, or behind the usable blocks and before the last header.
        let start = number64(raw, at::ENTRIES);
        let taken = octets.saturating_add(u64::from(blocks.len() - 1)) >> blocks.shift;
        let end = start.saturating_add(taken);
        let before = start >= 2 && end <= first_usable;
        let behind = start > last_usable && end <= last;
        if !before && !behind {
            return Err(GptError::TablePlace);
        }
        Ok(Self {
            first_usable,
            last_usable,
            entries: Part {
                offset: blocks.offset(start),
                len: octets,
            },
            entry_size,
            entries_checksum: number32(raw, at::ENTRIES_CHECKSUM),
        })
    }
}
