//! The body of the fuzz target: disks whose tables have any octet changed, in pieces of any size.

use super::model::{Disk, Partition};
use super::{GptError, GptReader, GptStep, MOST_READ, Selector};
use crate::Part;
use netboot_core::fuzz::Input;

/// Blocks of the disk.
const BLOCKS: u64 = 100;

/// Octets of the largest piece.
const PIECE: usize = 512;

/// Reads a disk to the end, in pieces whose sizes the input says. It is read in whole when the input has no more octets.
fn read(disk: &Disk, selector: Selector, input: &mut Input<'_>) -> Result<Part, GptError> {
    let mut reader = GptReader::new(disk.len, selector);
    let mut left = MOST_READ;
    loop {
        let wanted = match reader.poll()? {
            GptStep::Found(part) => return Ok(part),
            GptStep::Read(part) => part,
        };
        assert!(wanted.len > 0, "no empty part");
        let end = wanted.offset.checked_add(wanted.len);
        assert!(end.is_some_and(|end| end <= disk.len), "{wanted:?}");
        let len = match input.is_empty() {
            true => PIECE,
            false => usize::from(input.octet()),
        };
        let mut piece = [0; PIECE];
        let piece = &mut piece[..len];
        disk.read(wanted.offset, piece);
        let taken = reader.push(piece);
        assert_eq!(taken as u64, wanted.len.min(len as u64));
        let taken = taken as u64;
        assert!(taken <= left, "a budget");
        left -= taken;
    }
}

/// Makes a disk, changes its tables as the input says, and looks for a partition.
///
/// # Panics
/// When the reader asks for what the disk does not have, or for more than [`MOST_READ`]; when a partition is not within the disk; and when the
/// sizes of the pieces matter.
pub fn run(input: &[u8]) {
    let mut input = Input(input);
    let block = if input.flag() { 4096 } else { 512 };
    let label = ["firmware", "a", "\u{e9}"][usize::from(input.octet() % 3)];
    let partition = |octet: u8, blocks, label| Partition {
        of_type: [octet; 16],
        unique: [octet | 0x80; 16],
        blocks,
        label,
    };
    let mut disk = Disk::new(
        block,
        BLOCKS,
        &[
            partition(1, (18, 30), label),
            partition(2, (31, 31), "second"),
            partition(3, (40, 82), "third"),
        ],
    );
    let selector = match input.octet() % 3 {
        0 => Selector::label(label),
        1 => Selector::unique("82828282-8282-8282-8282-828282828282"),
        _ => Selector::partition_type("03030303-0303-0303-0303-030303030303"),
    };
    let selector = selector.expect("a selector");
    for _ in 0..input.octet() % 16 {
        let which = usize::from(input.octet());
        let table = &mut disk.tables[which % 2];
        let place = usize::from(input.octet()) << 2 | usize::from(input.octet()) & 3;
        let to = match which & 2 {
            0 => table.header.get_mut(place % 128),
            _ => table.entries.get_mut(place),
        };
        if let Some(to) = to {
            *to = input.octet();
        }
    }
    let seals = input.octet();
    for (table, bit) in disk.tables.iter_mut().zip([1, 2]) {
        if seals & bit != 0 {
            table.seal();
        }
    }
    let cut = u64::from(input.octet()) * u64::from(seals & 4 != 0);
    disk.len -= cut;
    let whole = read(&disk, selector, &mut Input(&[]));
    if let Ok(part) = whole {
        assert!(part.len >= block && part.offset + part.len <= disk.len);
        assert_eq!(part.offset % block, 0);
    }
    // A piece of no octets is no progress, so no input may have only those.
    assert_eq!(read(&disk, selector, &mut input), whole);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_octets(input: Vec<u8>) {
            run(&input);
        }

        /// Changes of single fields, with right checksums.
        #[test]
        fn changed_fields(
            head in prop::array::uniform3(any::<u8>()),
            changes in prop::collection::vec((0..4u8, any::<u8>(), 0..4u8, any::<u8>()), 0..8),
            tail: Vec<u8>,
        ) {
            let mut input = head.to_vec();
            input.push(changes.len() as u8);
            for (which, place, rest, value) in changes {
                input.extend([which, place, rest, value]);
            }
            input.push(3);
            input.extend(tail);
            run(&input);
        }
    }
}
