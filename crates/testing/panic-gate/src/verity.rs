//! `netboot-verity`: a verifier and a reader with any blocks. The hash is not this crate's, so it is one that computes nothing.

use crate::{Input, call, fail, take};
use core::hint::black_box;
use netboot_core::Digest;
use netboot_verity::{Descriptor, HEAD, Hasher, Head, Layout, Place, Reader, Verifier};

/// Any digest, of whatever comes.
pub(crate) struct Any;

impl Hasher for Any {
    fn update(&mut self, octets: &[u8]) {
        take(octets.len());
    }

    fn finish(&mut self) -> Digest {
        Digest(black_box([0; 32]))
    }
}

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    let digest = Any.finish();
    let descriptor = Descriptor {
        size: input.long(),
        root: digest,
    };
    layout(input);
    if let Ok(octets) = <&[u8; HEAD]>::try_from(input.octets()) {
        fail(Head::read(octets));
    }
    take(Head { descriptor }.octets());
    if let Some(mut verifier) = fail(Verifier::<_, 3>::new(Any, &digest, &descriptor)) {
        while input.flag() {
            let verifier = call(&mut verifier);
            take((verifier.next(), verifier.is_complete()));
            take((verifier.is_seeking(), verifier.digest_of(&descriptor)));
            if input.flag() {
                verifier.seek(input.long());
            }
            take(verifier.is_wanted(input.word()));
            fail(verifier.verify(input.word(), input.octets()));
        }
    }
    let mut reader = Reader::<_, 2>::new(Any, digest);
    while input.flag() {
        let reader = call(&mut reader);
        fail(reader.push(input.octets()));
        take((reader.data(), reader.whole(), reader.wanted()));
        take((reader.digest(), reader.packed()));
        take((reader.offset(), reader.size(), reader.is_complete()));
        if input.flag() {
            reader.retry();
        }
        if input.flag() {
            reader.restart(input.flag().then_some(digest));
        }
    }
}

fn layout(input: &mut Input) {
    if let Some(layout) = fail(Layout::new(input.long())) {
        take(layout.place(input.word()));
        let place = Place {
            level: input.word() as usize,
            index: input.word(),
        };
        take((
            layout.number(place),
            layout.len(place),
            layout.offset(place.index),
            Layout::packed_offset(input.word()),
        ));
        take((layout.packed(), layout.size(), layout.is_empty()));
        take((layout.levels(), layout.data_blocks(), layout.blocks()));
    }
}
