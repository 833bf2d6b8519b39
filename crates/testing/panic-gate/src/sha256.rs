//! `netboot-sha256`: messages in pieces of any size.

use crate::{Input, call, take};
use netboot_sha256::Sha256;

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    let mut hash = Sha256::default();
    for _ in 0..input.octet() {
        call(&mut hash).update(input.octets());
        take(hash.digest());
    }
    hash = Sha256::new();
    take(hash.clone());
    take(hash.digest());
}
