use super::*;
use crate::{Software, Tree};

/// Two nodes of level 1 below the root, and data blocks with different octets.
fn file() -> (Vec<u8>, Tree, Vec<u8>) {
    let data: Vec<u8> = (0..40 * BLOCK).map(|at| (at / BLOCK + at) as u8).collect();
    let tree = Tree::of(&data);
    let blocks = tree.pack(&data).unwrap().split_off(BLOCK);
    (data, tree, blocks)
}

#[test]
fn data_below_one_node_comes_in_any_order_and_once() {
    let (data, tree, packed) = file();
    let block = |number: u32| &packed[number as usize * BLOCK..][..BLOCK];
    // The hasher may be somebody else's.
    let mut hasher = Software::default();
    let mut verifier =
        Verifier::<_, 2>::new(&mut hasher, &tree.digest(), &tree.descriptor()).unwrap();
    assert_eq!(verifier.layout().size(), data.len() as u64);
    assert!(!verifier.layout().is_empty());
    assert!(!verifier.is_wanted(1));
    let early = |number| Err(VerityError::TooEarly { number });
    let repeated = |number| Err(VerityError::Repeated { number });
    assert_eq!(verifier.verify(1, block(1)), early(1));
    assert_eq!(verifier.verify(0, block(0)), Ok(Verified::Node));
    assert_eq!(verifier.verify(0, block(0)), repeated(0));
    assert_eq!(verifier.verify(1, block(1)), Ok(Verified::Node));
    // Numbers 2 to 33 are the data below the first node.
    let offset = 31 * BLOCK as u64;
    assert_eq!(
        verifier.verify(33, block(33)),
        Ok(Verified::Data { offset })
    );
    assert_eq!(verifier.verify(33, block(33)), repeated(33));
    assert_eq!(verifier.verify(34, block(34)), early(34), "the second node");
    assert_eq!(verifier.next(), 2);
    for number in (2..33).rev() {
        assert!(verifier.is_wanted(number));
        let offset = u64::from(number - 2) * BLOCK as u64;
        assert_eq!(
            verifier.verify(number, block(number)),
            Ok(Verified::Data { offset })
        );
    }
    assert_eq!(verifier.next(), 34);
    assert_eq!(verifier.verify(1, block(1)), repeated(1), "an old node");
    assert_eq!(verifier.verify(2, block(2)), repeated(2), "old data");
    for number in 34..verifier.layout().blocks() {
        verifier.verify(number, block(number)).unwrap();
    }
    assert!(verifier.is_complete());
    let number = verifier.layout().blocks();
    let beyond = verifier.verify(number, &[]);
    assert_eq!(beyond, Err(VerityError::NoSuchBlock { number }));
}

#[test]
fn an_empty_file_has_no_block() {
    let tree = Tree::of(&[]);
    let verifier =
        Verifier::<_, 2>::new(Software::default(), &tree.digest(), &tree.descriptor()).unwrap();
    assert!(verifier.layout().is_empty());
    assert!(verifier.is_complete());
}

#[cfg(feature = "seek")]
/// The verifier wants the nodes above the block, and then everything from it on; and nothing else is taken.
#[test]
fn a_file_is_verified_from_any_block_on() {
    // Three levels: nodes of level 1 and 2 have brothers.
    let data: Vec<u8> = (0..1030 * BLOCK + 7)
        .map(|at| (at / BLOCK * 3 + at) as u8)
        .collect();
    let tree = Tree::of(&data);
    let packed = tree.pack(&data).unwrap();
    let blocks: Vec<&[u8]> = packed[BLOCK..].chunks(BLOCK).collect();
    let layout = Layout::new(data.len() as u64).unwrap();
    assert_eq!(layout.levels(), 3);
    let mut verifier =
        Verifier::<_, 3>::new(Software::default(), &tree.digest(), &tree.descriptor()).unwrap();
    let end = data.len() as u64;
    for offset in [
        0,
        1,
        BLOCK as u64,
        31 * 1024,
        32 * 1024 - 1,
        32 * 1024,
        33 * 1024 + 5,
        1023 * 1024,
        1024 * 1024,
        1029 * 1024 + 3,
        end - 1,
        end,
        u64::MAX,
    ] {
        verifier.begin(&tree.digest(), &tree.descriptor()).unwrap();
        verifier.seek(offset);
        let first = (offset.min(end - 1) / 1024) as u32;
        let mut wanted = Vec::new();
        let mut data_from = None;
        while !verifier.is_complete() {
            let number = verifier.next();
            let seeks = verifier.is_seeking();
            wanted.push(number);
            // Neither the block behind nor any other may come while nodes are missing.
            if seeks {
                for other in [number + 1, layout.blocks() - 1] {
                    assert!(!verifier.is_wanted(other), "{offset}: {other}");
                }
                let wrong = blocks[layout.blocks() as usize - 2];
                assert_eq!(
                    verifier.verify(number, wrong),
                    Err(VerityError::WrongBlock { number })
                );
            }
            match verifier.verify(number, blocks[number as usize]).unwrap() {
                Verified::Data { offset } => {
                    data_from.get_or_insert(offset);
                }
                Verified::Node => {}
            }
        }
        assert_eq!(data_from, Some(u64::from(first) * 1024), "{offset}");
        let number = layout.number(Place {
            level: 0,
            index: first,
        });
        let nodes = wanted.iter().filter(|one| **one < number).count();
        assert_eq!(nodes, 3, "{offset}: {wanted:?}");
        let after = wanted.iter().filter(|one| **one >= number).count() as u32;
        assert_eq!(after, layout.blocks() - number, "{offset}");
    }
}
