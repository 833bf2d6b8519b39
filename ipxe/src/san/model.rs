//! A disk with a table, of which each octet can be changed. It does not allocate, and what no table has is zero.

use super::checksum::Checksum;
use super::header::HEADER;

/// Partitions of the table.
pub const ENTRIES: usize = 8;

/// Octets of an entry.
pub const ENTRY: usize = 128;

/// One of the two tables.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Number of the header's block.
    pub block: u64,
    /// Number of the first block of the entries.
    pub entries_block: u64,
    /// The header with 36 octets behind its fields.
    pub header: [u8; 128],
    /// The entries.
    pub entries: [u8; ENTRIES * ENTRY],
}

/// The disk.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    /// Octets of the disk.
    pub len: u64,
    /// Octets of a block.
    pub block: u64,
    /// The table at the start, and that at the end.
    pub tables: [Table; 2],
}

/// A partition to make.
#[derive(Clone, Copy, Debug)]
pub struct Partition<'a> {
    /// Its type, in the order of the disk.
    pub of_type: [u8; 16],
    /// Its unique GUID, in the order of the disk.
    pub unique: [u8; 16],
    /// The first and the last block.
    pub blocks: (u64, u64),
    /// Its name.
    pub label: &'a str,
}

fn put(to: &mut [u8], at: usize, octets: &[u8]) {
    to[at..at + octets.len()].copy_from_slice(octets);
}

impl Table {
    /// Writes both checksums.
    pub fn seal(&mut self) {
        let size = u32::from_le_bytes(self.header[12..16].try_into().expect("four octets"));
        let count = u32::from_le_bytes(self.header[80..84].try_into().expect("four octets"));
        let entry = u32::from_le_bytes(self.header[84..88].try_into().expect("four octets"));
        let octets = (count as usize).saturating_mul(entry as usize);
        let mut checksum = Checksum::new();
        checksum.update(&self.entries[..octets.min(self.entries.len())]);
        // What the disk has behind the entries is zero.
        for _ in self.entries.len()..octets.min(1 << 19) {
            checksum.update(&[0]);
        }
        put(&mut self.header, 88, &checksum.value().to_le_bytes());
        put(&mut self.header, 16, &[0; 4]);
        let mut checksum = Checksum::new();
        checksum.update(&self.header[..(size as usize).min(128)]);
        for _ in 128..size.min(8192) {
            checksum.update(&[0]);
        }
        put(&mut self.header, 16, &checksum.value().to_le_bytes());
    }

    /// Writes a field of 32 bits of the header.
    pub fn set32(&mut self, at: usize, value: u32) {
        put(&mut self.header, at, &value.to_le_bytes());
    }

    /// Writes a field of 64 bits of the header.
    pub fn set64(&mut self, at: usize, value: u64) {
        put(&mut self.header, at, &value.to_le_bytes());
    }
}

impl Disk {
    /// A disk with these partitions, of which there are at most [`ENTRIES`], and at least 64 blocks.
    pub fn new(block: u64, blocks: u64, partitions: &[Partition<'_>]) -> Self {
        let mut entries = [0; ENTRIES * ENTRY];
        for (entry, partition) in entries.chunks_exact_mut(ENTRY).zip(partitions) {
            put(entry, 0, &partition.of_type);
            put(entry, 16, &partition.unique);
            put(entry, 32, &partition.blocks.0.to_le_bytes());
            put(entry, 40, &partition.blocks.1.to_le_bytes());
            for (place, unit) in partition.label.encode_utf16().enumerate() {
                put(entry, 56 + 2 * place, &unit.to_le_bytes());
            }
        }
        let last = blocks - 1;
        let table = |own, other, entries_block| {
            let mut table = Table {
                block: own,
                entries_block,
                header: [0; 128],
                entries,
            };
            put(&mut table.header, 0, b"EFI PART\0\0\x01\0");
            table.set32(12, HEADER as u32);
            table.set64(24, own);
            table.set64(32, other);
            // Sixteen blocks are enough for entries, whatever their number is here.
            table.set64(40, 18);
            table.set64(48, last - 17);
            put(&mut table.header, 56, &[7; 16]);
            table.set64(72, entries_block);
            table.set32(80, ENTRIES as u32);
            table.set32(84, ENTRY as u32);
            table.seal();
            table
        };
        Self {
            len: block * blocks,
            block,
            tables: [table(1, last, 2), table(last, 1, last - 16)],
        }
    }

    /// Reads octets of the disk.
    pub fn read(&self, offset: u64, to: &mut [u8]) {
        to.fill(0);
        for table in &self.tables {
            for (block, octets) in [
                (table.entries_block, &table.entries[..]),
                (table.block, &table.header[..]),
            ] {
                let start = block * self.block;
                for (place, to) in (offset..).zip(to.iter_mut()) {
                    let inside = place.checked_sub(start);
                    let octet = inside.and_then(|place| octets.get(place as usize));
                    if let Some(octet) = octet {
                        *to = *octet;
                    }
                }
            }
        }
    }
}
