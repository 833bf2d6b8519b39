//! The secret without the protocol: combining shares, keys, sealing.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

use bootstore::RackUuid;
use bootstore::seal::Sealer;
use bootstore::trust_quorum::{Share, shamir};
use bootstore_rom::{Counter, unknown};
use core::hint::black_box;

fn run() {
    let shares = [unknown(), unknown(), unknown()].map(|octets| Share::from_bytes(octets).ok());
    let Ok(secret) = shamir::combine(shares.iter().flatten(), 3) else {
        return;
    };
    let sealer = Sealer::new(&secret, RackUuid(unknown()));
    let mut buffer = unknown::<256>();
    black_box(sealer.key("key").is_ok());
    black_box(sealer.open("label", &mut buffer).is_ok());
    let mut sealed = unknown::<256>();
    black_box(
        sealer
            .seal(&mut Counter(1), "label", &buffer, &mut sealed)
            .is_ok(),
    );
}

bootstore_rom::program!(run);
