//! The bodies of the fuzz target: blocks in any order and of any content, and streams of anything.

use crate::{BLOCK, Head, Reader, Software, Tree, Verified, Verifier};
use alloc::vec::Vec;
use netboot_core::fuzz::Input;

/// Levels of the verifier: files up to 1 MiB.
const LEVELS: usize = 2;
/// Octets of the largest file.
const MOST: u32 = 80 * BLOCK as u32;

fn short(input: &mut Input<'_>) -> u32 {
    u32::from(input.octet()) << 8 | u32::from(input.octet())
}

/// A file of this many octets, every one of which depends on its place.
fn file(size: u32) -> Vec<u8> {
    (0..size)
        .map(|at| (at ^ at >> 8 ^ at >> 13) as u8)
        .collect()
}

/// Gives the blocks of a file to a verifier, in an order and with changes that the input says; and then all of them.
///
/// # Panics
/// When a wrong octet is accepted, or when the right blocks do not lead to the end.
pub fn blocks(input: &[u8]) {
    let mut input = Input(input);
    let data = file((short(&mut input) << 4 | short(&mut input)) % MOST);
    let tree = Tree::of(&data);
    let packed = tree.pack(&data).expect("a small file");
    let made = Verifier::<_, LEVELS>::new(Software::default(), &tree.digest(), &tree.descriptor());
    let mut verifier = made.expect("two levels are enough");
    let mut got = alloc::vec![None; data.len()];
    let blocks: Vec<&[u8]> = packed.split_at(BLOCK).1.chunks(BLOCK).collect();
    let mut give = |verifier: &mut Verifier<Software, LEVELS>, number: u32, block: &[u8]| {
        let before = verifier.next();
        let wanted = verifier.is_wanted(number);
        let verified = verifier.verify(number, block);
        let right = blocks
            .get(number as usize)
            .is_some_and(|right| *right == block);
        assert_eq!(verified.is_ok(), right && wanted, "{verified:?}");
        match verified {
            Ok(Verified::Data { offset }) => {
                for (at, octet) in (offset as usize..).zip(block) {
                    assert_eq!(got[at].replace(*octet), None, "it comes once");
                }
            }
            Ok(Verified::Node) => {}
            Err(_) => assert_eq!(verifier.next(), before),
        }
    };
    while !input.is_empty() {
        let number = match input.octet() {
            near @ 0..200 => verifier
                .next()
                .wrapping_add(u32::from(near % 40))
                .wrapping_sub(2),
            _ => short(&mut input) << 16 | short(&mut input),
        };
        let mut block = blocks
            .get(number as usize)
            .map_or(Vec::new(), |block| block.to_vec());
        match input.octet() {
            0..160 => {}
            160..200 => {
                let at = short(&mut input) as usize;
                if let Some(octet) = block.get_mut(at) {
                    *octet ^= input.octet();
                }
            }
            200..220 => block.truncate(short(&mut input) as usize),
            220..240 => block.push(input.octet()),
            _ => block = input.take(1200).to_vec(),
        }
        give(&mut verifier, number, &block);
    }
    while !verifier.is_complete() {
        let next = verifier.next();
        give(&mut verifier, next, blocks[next as usize]);
        assert!(verifier.next() > next);
    }
    let got: Option<Vec<u8>> = got.into_iter().collect();
    assert_eq!(got, Some(data));
}

/// Reads the input as a packed file, and as the rest of one whose head is right.
///
/// # Panics
/// When anything is delivered that the file does not have.
pub fn stream(input: &[u8]) {
    let data = file(5 * BLOCK as u32 + 7);
    let tree = Tree::of(&data);
    let head = Head {
        descriptor: tree.descriptor(),
    };
    for start in [&[][..], &head.octets()] {
        let mut reader = Reader::<_, LEVELS>::new(Software::default(), tree.digest());
        let mut got = 0;
        for mut rest in [start, input] {
            while !rest.is_empty() {
                let Ok(taken) = reader.push(rest) else { break };
                assert!(taken > 0);
                rest = &rest[taken..];
                let octets = reader.data().unwrap_or_default();
                assert_eq!(octets, &data[got..got + octets.len()]);
                got += octets.len();
            }
        }
        assert_eq!(reader.is_complete(), got == data.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_blocks(input in prop::collection::vec(any::<u8>(), 0..400)) {
            blocks(&input);
        }

        #[test]
        fn any_stream(input in prop::collection::vec(any::<u8>(), 0..3000)) {
            stream(&input);
        }
    }
}
