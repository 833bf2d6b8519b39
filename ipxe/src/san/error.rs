//! Why no partition was found.

use core::fmt;
use netboot_core::{Blame, Coded, Module};

/// Why no partition of a disk was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GptError {
    /// No block of the disk where a table can be has the signature of one.
    NoTable,
    /// The table is of a revision that is not known.
    Revision {
        /// The revision: 0x00010000 is 1.0, the only one.
        found: u32,
    },
    /// The header is shorter than its fields, or longer than a block.
    HeaderSize {
        /// Octets that it says it has.
        octets: u32,
    },
    /// The header's checksum is wrong.
    HeaderChecksum,
    /// The header says that it is in another block than the one that has it.
    WrongBlock,
    /// The usable blocks are not all blocks of the disk, as when the disk was cut.
    UsableRange,
    /// An entry's size is no power of two of 128 octets or more.
    EntrySize {
        /// The size.
        octets: u32,
    },
    /// The entries are none, or more than are read ([`MAX_TABLE`](super::MAX_TABLE)).
    TableSize {
        /// Octets of all entries.
        octets: u64,
    },
    /// The entries lie among the usable blocks, over a header, or outside of the disk.
    TablePlace,
    /// The checksum of the entries is wrong.
    TableChecksum,
    /// No partition fits.
    NoPartition,
    /// More than one partition fits.
    Ambiguous {
        /// Number of partitions that fit.
        count: u32,
    },
    /// The partition is not within the usable blocks.
    PartitionRange,
    /// A label is empty, longer than 36 UTF-16 units, or has a NUL in it.
    BadLabel,
    /// A text is no GUID, or it is that of zeros.
    BadGuid,
}

impl fmt::Display for GptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GptError::NoTable => "the disk has no GUID partition table",
            GptError::Revision { found } => {
                return write!(f, "the partition table has revision {found:#010x}");
            }
            GptError::HeaderSize { octets } => {
                return write!(
                    f,
                    "the partition table's header says it has {octets} octets"
                );
            }
            GptError::HeaderChecksum => "the partition table's header has a wrong checksum",
            GptError::WrongBlock => "the partition table's header belongs into another block",
            GptError::UsableRange => "the partition table is for a disk of another size",
            GptError::EntrySize { octets } => {
                return write!(f, "the partition table has entries of {octets} octets");
            }
            GptError::TableSize { octets } => {
                return write!(f, "the partition table's entries have {octets} octets");
            }
            GptError::TablePlace => "the partition table's entries lie where they cannot be",
            GptError::TableChecksum => "the partition table's entries have a wrong checksum",
            GptError::NoPartition => "no partition of the disk fits",
            GptError::Ambiguous { count } => {
                return write!(f, "{count} partitions of the disk fit");
            }
            GptError::PartitionRange => "the partition is not within the usable blocks",
            GptError::BadLabel => "a partition's label has 1 to 36 characters",
            GptError::BadGuid => "the text is no GUID of a partition",
        })
    }
}

impl core::error::Error for GptError {}

impl Coded for GptError {
    fn code(&self) -> u32 {
        Module::Ipxe.code(match self {
            GptError::NoTable => 0x40,
            GptError::Revision { .. } => 0x41,
            GptError::HeaderSize { .. } => 0x42,
            GptError::HeaderChecksum => 0x43,
            GptError::WrongBlock => 0x44,
            GptError::UsableRange => 0x45,
            GptError::EntrySize { .. } => 0x46,
            GptError::TableSize { .. } => 0x47,
            GptError::TablePlace => 0x48,
            GptError::TableChecksum => 0x49,
            GptError::NoPartition => 0x4a,
            GptError::Ambiguous { .. } => 0x4b,
            GptError::PartitionRange => 0x4c,
            GptError::BadLabel => 0x4d,
            GptError::BadGuid => 0x4e,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            GptError::NoPartition
            | GptError::Ambiguous { .. }
            | GptError::BadLabel
            | GptError::BadGuid => Blame::Configuration,
            _ => Blame::Server,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn each_error_has_its_number_and_its_sentence() {
        use GptError as E;
        let all = [
            E::NoTable,
            E::Revision { found: 1 },
            E::HeaderSize { octets: 1 },
            E::HeaderChecksum,
            E::WrongBlock,
            E::UsableRange,
            E::EntrySize { octets: 1 },
            E::TableSize { octets: 1 },
            E::TablePlace,
            E::TableChecksum,
            E::NoPartition,
            E::Ambiguous { count: 2 },
            E::PartitionRange,
            E::BadLabel,
            E::BadGuid,
        ];
        let mut sentences = std::collections::BTreeSet::new();
        for (error, number) in all.iter().zip(0x40..) {
            assert_eq!(error.code(), Module::Ipxe.code(number), "{error:?}");
            assert!(sentences.insert(error.to_string()), "{error:?}");
            let by_script = matches!(
                error,
                E::NoPartition | E::Ambiguous { .. } | E::BadLabel | E::BadGuid
            );
            let blame = match by_script {
                true => Blame::Configuration,
                false => Blame::Server,
            };
            assert_eq!(error.blame(), blame, "{error:?}");
        }
    }

    #[test]
    fn the_most_that_is_read_of_a_disk() {
        assert_eq!(super::super::MOST_READ, 524_288 + 16_384);
    }
}
