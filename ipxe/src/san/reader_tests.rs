//! The reader on disks of the model: each field before, at and after its limit, and each place of a table.

use super::super::model::{Disk, ENTRIES, Partition, Table};
use super::*;

const BLOCKS: u64 = 100;
const TYPE: &str = "0fc63daf-8483-4772-8e79-3d69d8477de4";
const ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

fn guid(text: &str) -> [u8; 16] {
    super::super::Guid::parse(text).unwrap().0
}

fn partition(
    of_type: &str,
    number: u8,
    blocks: (u64, u64),
    label: &'static str,
) -> Partition<'static> {
    Partition {
        of_type: guid(of_type),
        unique: [number; 16],
        blocks,
        label,
    }
}

fn disk(block: u64) -> Disk {
    let partitions = [
        partition(ESP, 1, (18, 27), "EFI"),
        partition(TYPE, 2, (28, 28), "firmware"),
        partition(TYPE, 3, (29, 82), "firmware-b"),
    ];
    Disk::new(block, BLOCKS, &partitions)
}

fn label(label: &str) -> Selector {
    Selector::label(label).unwrap()
}

/// Reads a disk in pieces of so many octets. Also returns the parts that were asked for.
fn read_in(
    disk: &Disk,
    selector: Selector,
    size: usize,
) -> (Result<Part, GptError>, Vec<Part>, GptReader) {
    let mut reader = GptReader::new(disk.len, selector);
    let mut parts = Vec::new();
    let mut next = None;
    let result = loop {
        let wanted = match reader.poll() {
            Ok(GptStep::Found(part)) => break Ok(part),
            Ok(GptStep::Read(part)) => part,
            Err(error) => break Err(error),
        };
        if next != Some(wanted.offset) {
            parts.push(wanted);
        }
        let mut piece = vec![0; size.min(wanted.len as usize)];
        disk.read(wanted.offset, &mut piece);
        assert_eq!(reader.push(&piece), piece.len());
        next = Some(wanted.offset + piece.len() as u64);
    };
    assert_eq!(reader.push(b"more"), 0);
    (result, parts, reader)
}

fn read(disk: &Disk, selector: Selector) -> Result<Part, GptError> {
    let (result, ..) = read_in(disk, selector, 1 << 20);
    for size in [1, 7, 512] {
        assert_eq!(read_in(disk, selector, size).0, result);
    }
    result
}

/// Changes both tables and seals them again.
fn changed(block: u64, change: impl Fn(&mut Table)) -> Disk {
    let mut disk = disk(block);
    for table in &mut disk.tables {
        change(table);
        table.seal();
    }
    disk
}

#[test]
fn a_partition_is_found_by_label_guid_and_type() {
    for block in [512, 4096] {
        let disk = disk(block);
        let part = |first: u64, last: u64| {
            Ok(Part {
                offset: first * block,
                len: (last - first + 1) * block,
            })
        };
        assert_eq!(read(&disk, label("EFI")), part(18, 27));
        assert_eq!(read(&disk, label("firmware")), part(28, 28));
        assert_eq!(read(&disk, label("firmware-b")), part(29, 82));
        let unique = Selector::unique("03030303-0303-0303-0303-030303030303");
        assert_eq!(read(&disk, unique.unwrap()), part(29, 82));
        let esp = Selector::partition_type(ESP).unwrap();
        assert_eq!(read(&disk, esp), part(18, 27));
        // Whatever does not fit exactly is another one.
        for other in ["Firmware", "firmware-", "firmware ", "f", "EFI system"] {
            assert_eq!(read(&disk, label(other)), Err(GptError::NoPartition));
        }
        let unique = Selector::unique("03030303-0303-0303-0303-030303030304");
        assert_eq!(read(&disk, unique.unwrap()), Err(GptError::NoPartition));
        let both = Selector::partition_type(TYPE).unwrap();
        assert_eq!(read(&disk, both), Err(GptError::Ambiguous { count: 2 }));
    }
}

#[test]
fn a_reader_asks_for_little() {
    let parts = |disk: &Disk| {
        let (_, parts, reader) = read_in(disk, label("EFI"), 50);
        let parts: Vec<(u64, u64)> = parts.iter().map(|part| (part.offset, part.len)).collect();
        (parts, reader.block_len(), reader.damage())
    };
    assert_eq!(
        parts(&disk(512)),
        (vec![(512, 92), (1024, 1024)], 512, None)
    );
    let large = parts(&disk(4096));
    assert_eq!(
        large,
        (vec![(512, 92), (4096, 92), (8192, 1024)], 4096, None)
    );
    // With the first table gone.
    let mut gone = disk(4096);
    gone.tables[0].header.fill(0);
    let expected = [
        (512, 92),
        (4096, 92),
        (409_088, 92),
        (99 * 4096, 92),
        (83 * 4096, 1024),
    ];
    assert_eq!(parts(&gone), (expected.to_vec(), 4096, None));
    let mut damaged = disk(512);
    damaged.tables[0].entries[127] ^= 1;
    let expected = [(512, 92), (1024, 1024), (99 * 512, 92), (83 * 512, 1024)];
    assert_eq!(
        parts(&damaged),
        (expected.to_vec(), 512, Some(GptError::TableChecksum))
    );
    // A damaged first table settles the size of the blocks, and the second one is gone.
    let mut gone = disk(512);
    gone.tables[0].header[91] ^= 1;
    gone.tables[1].header.fill(0);
    assert_eq!(parts(&gone).0, [(512, 92), (99 * 512, 92)]);
    // Block 1 is the last one, so there is no other header.
    gone.len = 1024;
    assert_eq!(parts(&gone).0, [(512, 92)]);
}

#[test]
fn the_second_table_is_for_a_damaged_first_one() {
    for block in [512, 4096] {
        let good = read(&disk(block), label("firmware"));
        assert!(good.is_ok());
        for (change, damage) in [
            (
                (|table| table.header[0] = 0) as fn(&mut Table),
                GptError::NoTable,
            ),
            (
                |table| table.header[9] = 1,
                GptError::Revision { found: 0x0001_0100 },
            ),
            (|table| table.header[91] ^= 1, GptError::HeaderChecksum),
            (|table| table.header[60] ^= 1, GptError::HeaderChecksum),
            (|table| table.entries[1023] ^= 1, GptError::TableChecksum),
        ] {
            let mut disk = disk(block);
            change(&mut disk.tables[0]);
            assert_eq!(read(&disk, label("firmware")), good, "{damage}");
            let (_, _, reader) = read_in(&disk, label("firmware"), 999);
            let expected = Some(damage).filter(|damage| *damage != GptError::NoTable);
            assert_eq!(
                (reader.damage(), u64::from(reader.block_len())),
                (expected, block)
            );
            // And the other way round the second one does not matter.
            let mut disk = self::disk(block);
            change(&mut disk.tables[1]);
            assert_eq!(read(&disk, label("firmware")), good);
            // With both damaged it is the first one's error.
            change(&mut disk.tables[0]);
            assert_eq!(read(&disk, label("firmware")), Err(damage));
            // A second table that was wiped changes nothing of that.
            disk.tables[1].header.fill(0);
            assert_eq!(read(&disk, label("firmware")), Err(damage));
            // Nor is there another place when the second table alone has a signature.
            let mut disk = self::disk(block);
            disk.tables[0].header.fill(0);
            change(&mut disk.tables[1]);
            assert_eq!(read(&disk, label("firmware")), Err(damage));
        }
    }
}

/// What a whole table says counts, even if the other table says something else.
#[test]
fn a_whole_table_decides() {
    let mut disk = disk(512);
    disk.tables[0].entries[..128].fill(0);
    disk.tables[0].seal();
    assert_eq!(read(&disk, label("EFI")), Err(GptError::NoPartition));
}

#[test]
fn fields_of_the_header_have_limits() {
    let good = read(&disk(512), label("firmware"));
    for (change, expected) in [
        (
            (|table| table.set32(8, 0x0002_0000)) as fn(&mut Table),
            Err(GptError::Revision { found: 0x0002_0000 }),
        ),
        (
            |table| table.set32(12, 91),
            Err(GptError::HeaderSize { octets: 91 }),
        ),
        (|table| table.set32(12, 92), good),
        (|table| table.set32(12, 93), good),
        (|table| table.set32(12, 512), good),
        (
            |table| table.set32(12, 513),
            Err(GptError::HeaderSize { octets: 513 }),
        ),
        (
            |table| table.set32(12, u32::MAX),
            Err(GptError::HeaderSize { octets: u32::MAX }),
        ),
        (|table| table.set64(24, 2), Err(GptError::WrongBlock)),
        (|table| table.set64(40, 1), Err(GptError::UsableRange)),
        (|table| table.set64(40, 82), Err(GptError::PartitionRange)),
        (|table| table.set64(40, 83), Err(GptError::UsableRange)),
        (|table| table.set64(40, 28), good),
        (|table| table.set64(40, 29), Err(GptError::PartitionRange)),
        (|table| table.set64(48, 28), good),
        (|table| table.set64(48, 27), Err(GptError::PartitionRange)),
        (|table| table.set64(48, 99), Err(GptError::UsableRange)),
        (
            |table| table.set64(48, u64::MAX),
            Err(GptError::UsableRange),
        ),
        (
            |table| table.set32(84, 64),
            Err(GptError::EntrySize { octets: 64 }),
        ),
        (
            |table| table.set32(84, 129),
            Err(GptError::EntrySize { octets: 129 }),
        ),
        (
            |table| table.set32(84, 0),
            Err(GptError::EntrySize { octets: 0 }),
        ),
        (
            |table| table.set32(80, 0),
            Err(GptError::TableSize { octets: 0 }),
        ),
        (
            |table| table.set32(80, 2049),
            Err(GptError::TableSize { octets: 262_272 }),
        ),
        (
            |table| table.set32(80, u32::MAX),
            Err(GptError::TableSize {
                octets: 0x7f_ffff_ff80,
            }),
        ),
        (|table| table.set32(80, 2), good),
        (|table| table.set32(80, 1), Err(GptError::NoPartition)),
        // 64 entries take 16 blocks, which is what there is before block 18.
        (|table| table.set32(80, 64), good),
        (|table| table.set32(80, 65), Err(GptError::TablePlace)),
        (|table| table.set64(72, 1), Err(GptError::TablePlace)),
        (|table| table.set64(72, 0), Err(GptError::TablePlace)),
        (|table| table.set64(72, 17), Err(GptError::TablePlace)),
        (|table| table.set64(72, 82), Err(GptError::TablePlace)),
        (|table| table.set64(72, 98), Err(GptError::TablePlace)),
        (|table| table.set64(72, 99), Err(GptError::TablePlace)),
        (|table| table.set64(72, u64::MAX), Err(GptError::TablePlace)),
        (|table| table.set64(72, 1 << 55), Err(GptError::TablePlace)),
    ] {
        let disk = changed(512, change);
        assert_eq!(read(&disk, label("firmware")), expected);
        // What is accepted is so in the first table.
        let (_, _, reader) = read_in(&disk, label("firmware"), 512);
        assert!(expected.is_err() || reader.damage().is_none());
    }
    let octets = (1 << 19) - 128;
    for (count, size, expected) in [
        (1, MAX_TABLE, Err(GptError::TablePlace)),
        (
            1,
            2 * MAX_TABLE,
            Err(GptError::TableSize { octets: 1 << 19 }),
        ),
        (4095, 128, Err(GptError::TableSize { octets })),
        (2, 256, Err(GptError::NoPartition)),
    ] {
        let disk = changed(512, |table| {
            table.set32(80, count);
            table.set32(84, size);
        });
        assert_eq!(read(&disk, label("firmware")), expected);
    }
}

/// The entries end where the usable blocks begin, or where the last header is.
#[test]
fn entries_have_all_the_room_there_is() {
    let good = read(&disk(512), label("firmware"));
    let mut full = changed(512, |table| table.set32(80, 64));
    assert_eq!(read(&full, label("firmware")), good);
    full.tables[0].header.fill(0);
    assert_eq!(read(&full, label("firmware")), good);
    let behind = changed(512, |table| {
        table.set64(40, 2);
        table.set64(72, 83);
    });
    let (found, _, reader) = read_in(&behind, label("firmware"), 512);
    assert_eq!((found, reader.damage()), (good, None));
}

/// Entries may be larger than their fields.
#[test]
fn entries_of_256_octets() {
    let disk = changed(512, |table| {
        table.set32(80, ENTRIES as u32 / 2);
        table.set32(84, 256);
        let second: Vec<u8> = table.entries[128..256].to_vec();
        table.entries[256..384].copy_from_slice(&second);
        table.entries[384..].fill(9);
    });
    let part = Part {
        offset: 28 * 512,
        len: 512,
    };
    assert_eq!(read(&disk, label("firmware")), Ok(part));
    assert_eq!(read(&disk, label("firmware-b")), Err(GptError::NoPartition));
}

/// A table of the largest size is read whole, and one match is enough wherever it is.
#[test]
fn a_table_of_the_largest_size() {
    let partitions = [partition(TYPE, 1, (600, 700), "firmware")];
    let mut disk = Disk::new(512, 2000, &partitions);
    for (table, entries) in disk.tables.iter_mut().zip([2, 1400]) {
        table.set64(40, 514);
        table.set64(48, 1300);
        table.set64(72, entries);
        table.entries_block = entries;
        table.set32(80, 2048);
        table.seal();
    }
    let part = Part {
        offset: 600 * 512,
        len: 101 * 512,
    };
    assert_eq!(read(&disk, label("firmware")), Ok(part));
    // It does not fit before the usable blocks any more.
    for table in &mut disk.tables {
        table.set64(40, 513);
        table.seal();
    }
    let part = read_in(&disk, label("firmware"), 1 << 20);
    assert_eq!(
        part.0,
        Ok(Part {
            offset: 600 * 512,
            len: 101 * 512
        }),
        "the second table"
    );
    assert_eq!(part.2.damage(), Some(GptError::TablePlace));
}

#[test]
fn a_partition_lies_within_the_usable_blocks() {
    for (blocks, expected) in [
        (
            (18, 82),
            Ok(Part {
                offset: 18 * 512,
                len: 65 * 512,
            }),
        ),
        (
            (82, 82),
            Ok(Part {
                offset: 82 * 512,
                len: 512,
            }),
        ),
        ((17, 82), Err(GptError::PartitionRange)),
        ((18, 83), Err(GptError::PartitionRange)),
        ((30, 29), Err(GptError::PartitionRange)),
        ((0, u64::MAX), Err(GptError::PartitionRange)),
        ((u64::MAX, 30), Err(GptError::PartitionRange)),
        ((18, u64::MAX), Err(GptError::PartitionRange)),
    ] {
        let disk = Disk::new(512, BLOCKS, &[partition(TYPE, 1, blocks, "a")]);
        assert_eq!(read(&disk, label("a")), expected, "{blocks:?}");
    }
}

#[test]
fn labels_are_compared_as_a_whole() {
    let long = "0123456789abcdefghijklmnopqrstuvwxyz";
    let disk = Disk::new(
        512,
        BLOCKS,
        &[
            partition(TYPE, 1, (18, 18), long),
            partition(TYPE, 2, (19, 19), "twice"),
            partition(TYPE, 3, (20, 20), "twice"),
            partition(TYPE, 4, (21, 21), "Schlüssel 🦀"),
            // An entry without a type is none, whatever else is in it.
            partition(
                "00000000-0000-0000-0000-000000000000",
                5,
                (22, 22),
                "deleted",
            ),
            partition(TYPE, 6, (23, 23), ""),
        ],
    );
    let block = |number: u64| {
        Ok(Part {
            offset: number * 512,
            len: 512,
        })
    };
    assert_eq!(read(&disk, label(long)), block(18));
    assert_eq!(read(&disk, label(&long[..35])), Err(GptError::NoPartition));
    assert_eq!(
        read(&disk, label("twice")),
        Err(GptError::Ambiguous { count: 2 })
    );
    assert_eq!(read(&disk, label("Schlüssel 🦀")), block(21));
    assert_eq!(read(&disk, label("deleted")), Err(GptError::NoPartition));
    let deleted = Selector::unique("05050505-0505-0505-0505-050505050505").unwrap();
    assert_eq!(read(&disk, deleted), Err(GptError::NoPartition));
    // What lies behind the NUL of a label is no part of it.
    let disk = changed(512, |table| {
        table.entries[64..80].copy_from_slice(b"\0\0r\0u\0b\0b\0i\0s\0h\0")
    });
    assert_eq!(
        read(&disk, label("EFI")),
        block(18).map(|part| Part { len: 5120, ..part })
    );
}

#[test]
fn disks_without_a_table() {
    for len in [
        0,
        91,
        511,
        512,
        1023,
        1024,
        1536,
        8191,
        8192,
        100_000,
        u64::MAX,
    ] {
        let mut disk = disk(512);
        disk.len = len;
        for table in &mut disk.tables {
            table.header.fill(0);
        }
        assert_eq!(read(&disk, label("EFI")), Err(GptError::NoTable), "{len}");
        // Nor with something in the place of one.
        disk.tables[0].header.fill(0x55);
        assert_eq!(read(&disk, label("EFI")), Err(GptError::NoTable), "{len}");
    }
}

/// The last block of a disk is never a usable one, so a disk that lost its end is noticed.
#[test]
fn a_disk_that_was_cut() {
    let mut disk = disk(512);
    disk.len -= 512 * 16;
    assert_eq!(
        read(&disk, label("EFI")),
        Ok(Part {
            offset: 18 * 512,
            len: 5120
        })
    );
    disk.len -= 1;
    assert_eq!(read(&disk, label("EFI")), Err(GptError::UsableRange));
    // One that has more is not.
    let mut disk = self::disk(512);
    disk.len += 5000;
    assert_eq!(
        read(&disk, label("EFI")),
        Ok(Part {
            offset: 18 * 512,
            len: 5120
        })
    );
}

#[test]
fn more_octets_than_wanted_are_left() {
    let disk = disk(512);
    let mut reader = GptReader::new(disk.len, label("EFI"));
    let mut octets = [0; 700];
    disk.read(512, &mut octets);
    assert_eq!(reader.push(&octets[..40]), 40);
    assert_eq!(
        reader.poll(),
        Ok(GptStep::Read(Part {
            offset: 552,
            len: 52
        }))
    );
    assert_eq!(reader.push(&[]), 0);
    assert_eq!(reader.push(&octets[40..]), 52);
    assert_eq!(
        reader.poll(),
        Ok(GptStep::Read(Part {
            offset: 1024,
            len: 1024
        }))
    );
}
