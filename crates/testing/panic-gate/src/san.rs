//! `netboot-ipxe`: the search for a partition, on any disk.

use crate::{Input, call, fail, take};
use netboot_ipxe::san::{GptReader, Selector};

/// Calls all of it.
pub fn run(input: &mut Input) {
    let selector = match input.word() {
        0 => Selector::label(input.text()),
        1 => Selector::unique(input.text()),
        _ => Selector::partition_type(input.text()),
    };
    let Some(selector) = fail(selector) else {
        return;
    };
    let mut reader = GptReader::new(input.long(), selector);
    while input.flag() {
        let reader = call(&mut reader);
        take(fail(reader.poll()));
        take(reader.push(input.octets()));
        take((reader.damage(), reader.block_len()));
    }
}
