//! `netboot-ipxe`: packed files on their way into any delivery. The hash is not this crate's, so it is one that computes nothing.

use crate::app::deliver;
use crate::verity::Any;
use crate::{Input, call, take};
use core::hint::black_box;
use netboot_core::{Digest, Instant};
use netboot_ipxe::{Deliver, SinkFailed, Unpacker, Unpacking, Wanted};

/// A delivery of which nothing is known.
struct Anywhere;

/// Any outcome.
fn any<T>(value: T) -> Result<T, SinkFailed> {
    black_box(Ok(value))
}

impl Deliver for Anywhere {
    fn position(&self) -> u64 {
        black_box(0)
    }

    fn size(&self) -> Option<u64> {
        black_box(None)
    }

    fn begin(&mut self, _: Instant, size: u64) -> Result<(), SinkFailed> {
        take(size);
        any(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        black_box(false)
    }

    fn window(&mut self, _: Instant) -> Result<usize, SinkFailed> {
        any(0)
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        take(data.len());
        any(())
    }

    fn end(&mut self, _: Instant) -> Result<(), SinkFailed> {
        any(())
    }
}

/// Calls all of it.
pub fn run(input: &mut Input) {
    let mut unpacker = Unpacker::new(Any);
    while input.flag() {
        let unpacker = call(&mut unpacker);
        if input.flag() {
            unpacker.reset();
        }
        unpacker.want(Wanted {
            verity: input.flag().then_some(Digest(black_box([0; 32]))),
            size: input.flag().then_some(input.word().into()),
            plain: input.flag(),
            hashed: input.flag(),
        });
        take((unpacker.digest(), unpacker.file_digest()));
        take(unpacker.take_error());
        let mut unpacking = Unpacking {
            delivery: &mut Anywhere,
            unpacker,
        };
        while input.flag() {
            deliver(input, &mut unpacking);
            take((unpacking.proves_itself(), unpacking.flush(input.now())));
            let digest = Digest(black_box([0; 32]));
            take(unpacking.begin_verified(input.now(), input.long(), &digest));
        }
    }
}
