//! A board that asks for its network configuration.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

use bootstore::board::{Client, DATAGRAM_LEN, Outcome};
use bootstore::early::EarlyNetConfig;
use bootstore_rom::unknown;
use core::hint::black_box;
use netboot_core::Instant;

fn run() {
    let now = Instant::from_micros(u64::from_be_bytes(unknown()));
    let mut client = Client::new(now, unknown(), 0);
    let mut buffer = unknown::<DATAGRAM_LEN>();
    let mut early = EarlyNetConfig::default();
    loop {
        black_box(client.poll_transmit(now, &mut buffer));
        black_box(client.handle(now, black_box(&buffer), &mut early).is_ok());
        black_box(client.poll_timeout());
        if let Some(outcome) = client.poll(now) {
            if let Outcome::Config(config) = outcome {
                black_box(early.read(&config.blob).is_ok());
            }
            return;
        }
    }
}

bootstore_rom::program!(run);
