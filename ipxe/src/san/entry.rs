//! The entries of a table, one after the other (UEFI specification 2.10, section 5.3.3, table 5.6).

use super::checksum::Checksum;
use super::header::{Blocks, ENTRY, Header, number64};
use super::selector::{Kind, Selector};
use super::{GptError, Guid};
use crate::Part;

/// Where fields are.
mod at {
    pub const UNIQUE: usize = 16;
    pub const FIRST: usize = 32;
    pub const LAST: usize = 40;
    pub const LABEL: usize = 56;
}

/// Looks at the entries of a table while they stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan {
    header: Header,
    checksum: Checksum,
    /// Octets of the entries that were taken.
    taken: u32,
    /// The fields of the entry that is being read.
    entry: [u8; ENTRY],
    /// Number of partitions that fit, and the first and the last block of the first one.
    matches: u32,
    found: (u64, u64),
}

impl Scan {
    pub const fn new(header: Header) -> Self {
        Self {
            header,
            checksum: Checksum::new(),
            taken: 0,
            entry: [0; ENTRY],
            matches: 0,
            found: (0, 0),
        }
    }

    /// The entries that are still to come. A length of 0 means that all of them came.
    pub fn wanted(&self) -> Part {
        let taken = u64::from(self.taken);
        let Part { offset, len } = self.header.entries;
        Part {
            offset: offset.saturating_add(taken),
            len: len.saturating_sub(taken),
        }
    }

    /// Takes the octets that follow those so far, which are no more than are wanted.
    pub fn push(&mut self, octets: &[u8], selector: &Selector) {
        self.checksum.update(octets);
        for octet in octets {
            let place = self.taken & (self.header.entry_size - 1);
            if let Some(to) = self.entry.get_mut(place as usize) {
                *to = *octet;
            }
            self.taken += 1;
            if place + 1 == self.header.entry_size {
                self.look(selector);
            }
        }
    }

    /// Looks at a whole entry.
    fn look(&mut self, selector: &Selector) {
        let entry = &self.entry;
        let is_used = !entry.starts_with(&Guid::ZERO.0);
        let fits = is_used
            && match &selector.0 {
                Kind::Type(guid) => entry.starts_with(&guid.0),
                Kind::Unique(guid) => entry
                    .get(at::UNIQUE..)
                    .is_some_and(|rest| rest.starts_with(&guid.0)),
                Kind::Label(label) => has_label(entry.get(at::LABEL..).unwrap_or_default(), label),
            };
        if fits {
            if self.matches == 0 {
                self.found = (number64(entry, at::FIRST), number64(entry, at::LAST));
            }
            self.matches = self.matches.saturating_add(1);
        }
    }

    /// Whether the entries are those that the header's checksum stands for.
    pub const fn is_whole(&self) -> bool {
        self.checksum.value() == self.header.entries_checksum
    }

    /// The partition that fits.
    ///
    /// # Errors
    /// [`GptError::NoPartition`], [`GptError::Ambiguous`] and [`GptError::PartitionRange`].
    pub fn partition(&self, blocks: Blocks) -> Result<Part, GptError> {
        let (first, last) = self.found;
        let Header {
            first_usable,
            last_usable,
            ..
        } = self.header;
        match self.matches {
            0 => Err(GptError::NoPartition),
            1 if first < first_usable || first > last || last > last_usable => {
                Err(GptError::PartitionRange)
            }
            // The last usable block is one of the disk's, so nothing overflows.
            1 => Ok(Part {
                offset: blocks.offset(first),
                len: blocks.offset(last - first + 1),
            }),
            count => Err(GptError::Ambiguous { count }),
        }
    }
}

/// Whether an entry's label is this one. What comes behind its NUL does not count.
fn has_label(octets: &[u8], label: &[u16]) -> bool {
    let units = octets.chunks_exact(2).map(|unit| {
        unit.first_chunk()
            .map_or(0, |unit| u16::from_le_bytes(*unit))
    });
    for (unit, wanted) in units.zip(label) {
        if unit != *wanted {
            return false;
        }
        if unit == 0 {
            break;
        }
    }
    true
}
