//! The errors of disks.

use super::Row;
use super::lists::list;
use netboot_ipxe::san::GptError;

pub fn rows() -> Vec<Row> {
    use GptError as E;
    let same = |error: GptError| error;
    let mut rows = Vec::new();
    list!(rows, GptError, "GptError", same,
        E::NoTable => E::NoTable, "NoTable",
            "Give the URI of a whole disk with a GUID partition table, uncompressed; blocks have 512 or 4,096 octets.";
        E::Revision { .. } => E::Revision { found: 0x0002_0000 }, "Revision",
            "Make the table with a tool that writes revision 1.0, which all of them do.";
        E::HeaderSize { .. } => E::HeaderSize { octets: 4_294_967_295 }, "HeaderSize",
            "The table is damaged, or somebody tampers with the disk: make it again.";
        E::HeaderChecksum => E::HeaderChecksum, "HeaderChecksum",
            "Both tables are damaged: look with `sgdisk --verify`, and copy the disk again.";
        E::WrongBlock => E::WrongBlock, "WrongBlock",
            "The disk was copied to another place of the file; copy it from its start.";
        E::UsableRange => E::UsableRange, "UsableRange",
            "The file was cut, or the server tells a wrong size: compare it with that of the disk.";
        E::EntrySize { .. } => E::EntrySize { octets: 100 }, "EntrySize",
            "The table is damaged, or somebody tampers with the disk: make it again.";
        E::TableSize { .. } => E::TableSize { octets: 8_388_608 }, "TableSize",
            "Make the table with at most 2,048 entries of 128 octets: `sgdisk --resize-table=128`.";
        E::TablePlace => E::TablePlace, "TablePlace",
            "The table is damaged, or somebody tampers with the disk: make it again.";
        E::TableChecksum => E::TableChecksum, "TableChecksum",
            "Both tables are damaged: look with `sgdisk --verify`, and copy the disk again.";
        E::NoPartition => E::NoPartition, "NoPartition",
            "Compare label or GUID with what `sgdisk --print` and `sgdisk --info=1` say; upper and lower case count in a label.";
        E::Ambiguous { .. } => E::Ambiguous { count: 2 }, "Ambiguous",
            "Give each partition a label of its own, or name the partition by its unique GUID.";
        E::PartitionRange => E::PartitionRange, "PartitionRange",
            "The table is damaged, or somebody tampers with the disk: make it again.";
        E::BadLabel => E::BadLabel, "BadLabel",
            "Write the partition's label: 1 to 36 characters, of which those beyond 16 bits count twice.";
        E::BadGuid => E::BadGuid, "BadGuid",
            "Write the GUID as `sgdisk --info` prints it, with 36 characters.";
    );
    rows
}
