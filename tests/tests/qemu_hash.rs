//! SHA-256 on riscv32imc: both forms are right, and the one that is compiled for speed takes no more instructions than it may.

use netboot_verity::BLOCK;
use sha2::{Digest as _, Sha256};
use testbed::hash_count::{self, Count, Form};
use testbed::qemu;

/// Instructions for each octet that the feature `fast-sha256` may take at most.
const FAST: f64 = 65.0;

/// Holds the digests of the program against those of this machine.
fn right(counts: &[Count]) {
    let data = hash_count::data();
    let blocks: Vec<u8> = data.chunks(BLOCK).flat_map(Sha256::digest).collect();
    for count in counts {
        println!("{} {:.2}", count.what, count.per_octet());
        let message = match &*count.what {
            "blocks" => &blocks[..],
            stream if stream.ends_with("-unaligned") => &data[1..],
            _ => &data[..],
        };
        let digits = Sha256::digest(message)
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect::<String>();
        assert_eq!(count.digest, digits, "{}", count.what);
    }
    let blocks = counts.iter().filter(|count| count.what == "blocks").count();
    assert_eq!((blocks, counts.len()), (1, 9));
}

#[test]
fn each_form_is_right_and_the_fast_one_is_fast() {
    if !qemu::asked_for("each_form_is_right_and_the_fast_one_is_fast") {
        return;
    }
    let small = hash_count::measure(Form::Small).unwrap();
    let fast = hash_count::measure(Form::Fast).unwrap();
    right(&small);
    right(&fast);
    for (small, fast) in small.iter().zip(&fast) {
        let what = &fast.what;
        assert!(fast.per_octet() <= FAST, "{what}: {}", fast.per_octet());
        assert!(fast.per_octet() < small.per_octet(), "{what}: no gain");
    }
}
