//! Disks of real tools.

mod tools;

use netboot_ipxe::Part;
use netboot_ipxe::san::{GptError, GptReader, GptStep, Selector};

/// Finds a partition of a disk, in pieces of so many octets.
fn partition(disk: &[u8], selector: Selector, piece: usize) -> (Result<Part, GptError>, GptReader) {
    let mut reader = GptReader::new(disk.len() as u64, selector);
    let found = loop {
        match reader.poll() {
            Ok(GptStep::Found(part)) => break Ok(part),
            Ok(GptStep::Read(Part { offset, len })) => {
                let start = offset as usize;
                let wanted = &disk[start..start + len as usize];
                let piece = &wanted[..piece.min(wanted.len())];
                assert_eq!(reader.push(piece), piece.len());
            }
            Err(error) => break Err(error),
        }
    };
    (found, reader)
}

/// The disk of a file of vectors.
fn vector(text: &str) -> Vec<u8> {
    let mut disk = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (head, rest) = line.split_once(' ').unwrap();
        if head == "disk" {
            disk.resize(rest.parse().unwrap(), 0);
            continue;
        }
        let start = usize::from_str_radix(head, 16).unwrap();
        for (place, octet) in disk[start..start + 16].iter_mut().enumerate() {
            *octet = u8::from_str_radix(&rest[2 * place..2 * place + 2], 16).unwrap();
        }
    }
    disk
}

fn label(label: &str) -> Selector {
    Selector::label(label).unwrap()
}

const ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";

#[test]
fn disks_that_tools_once_made() {
    let small = vector(include_str!("vectors/sgdisk-512.hex"));
    let large = vector(include_str!("vectors/fdisk-4096.hex"));
    for (disk, block, partitions) in [
        (
            small,
            512,
            &[
                ("EFI", 64, 127),
                ("firmware", 128, 1023),
                ("Reserve é", 1024, 2014),
            ][..],
        ),
        (large, 4096, &[("EFI", 256, 511), ("firmware", 512, 1000)]),
    ] {
        let part = |first: u64, last: u64| Part {
            offset: first * block,
            len: (last - first + 1) * block,
        };
        for piece in [1, 1000, 1 << 20] {
            for (name, first, last) in partitions {
                let (found, reader) = partition(&disk, label(name), piece);
                assert_eq!(found, Ok(part(*first, *last)), "{name}");
                assert_eq!(
                    (u64::from(reader.block_len()), reader.damage()),
                    (block, None)
                );
            }
        }
        let (_, first, last) = partitions[0];
        let (_, second, end) = partitions[1];
        for (selector, expected) in [
            (Selector::partition_type(ESP), Ok(part(first, last))),
            (
                Selector::unique("0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9"),
                Ok(part(first, last)),
            ),
            (
                Selector::unique("6F2C35A1-8D0F-4A9E-93C1-0F5A2D7BE410"),
                Ok(part(second, end)),
            ),
            (Selector::label("other"), Err(GptError::NoPartition)),
            // The identifier of the disk is none of a partition.
            (
                Selector::unique("6b1f4a3c-9d52-4e0b-8a77-2f1c5e9d0b34"),
                Err(GptError::NoPartition),
            ),
        ] {
            assert_eq!(partition(&disk, selector.unwrap(), 4096).0, expected);
        }
        // The first table is lost with the start of the disk.
        let mut lost = disk.clone();
        lost[..6 * block as usize].fill(0);
        let (found, reader) = partition(&lost, label("firmware"), 4096);
        assert_eq!((found, reader.damage()), (Ok(part(second, end)), None));
        assert_eq!(u64::from(reader.block_len()), block);
    }
}
