//! Three boards become a rack, and one of them recovers the secret: the state machine and its caller, in memory.
//!
//! ```sh
//! cargo run -p bootstore --example rack
//! ```

use bootstore::schemes::v0::{ApiOutput, Config, Fsm, State};
use bootstore::{Baseboard, RackUuid};
use netboot_core::Instant;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// Stores the state if it has to be, then sends what may be sent, until nothing moves.
fn settle(nodes: &mut [Fsm], disks: &mut [State], now: Instant) -> Vec<ApiOutput> {
    let mut outputs = Vec::new();
    loop {
        let mut sent = Vec::new();
        for (node, disk) in nodes.iter_mut().zip(disks.iter_mut()) {
            if node.needs_persist() {
                *disk = node.state().clone();
                node.persisted();
            }
            let from = node.id().clone();
            sent.extend(
                node.drain_envelopes()
                    .map(|envelope| (from.clone(), envelope)),
            );
        }
        if sent.is_empty() {
            return outputs;
        }
        for (from, envelope) in sent {
            let to = nodes.iter_mut().find(|node| *node.id() == envelope.to);
            match to
                .expect("it is connected")
                .handle(now, &from, &envelope.message)
            {
                Ok(output) => outputs.extend(output),
                Err(error) => println!("{} refuses a message: {error}", envelope.to),
            }
        }
    }
}

fn main() {
    // A board draws these from its entropy source.
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let now = Instant::ZERO;
    let ids = ["a", "b", "c"].map(|name| Baseboard::pc(name, "mcu").expect("the name is short"));
    let mut nodes: Vec<_> = ids
        .iter()
        .zip(0u8..)
        .map(|(id, number)| Fsm::new(id.clone(), Config::default(), [number; 8]))
        .collect();
    let mut disks = vec![State::Uninitialized; nodes.len()];
    for (node, own) in nodes.iter_mut().zip(&ids) {
        for peer in ids.iter().filter(|id| *id != own) {
            // Room for 64 peers is there.
            let _ = node.on_connected(now, peer);
        }
    }

    let started = nodes[0].init_rack(now, &mut rng, RackUuid([1; 16]), &ids);
    println!("{started:?}");
    for output in settle(&mut nodes, &mut disks, now) {
        println!("{output:?}");
    }

    // Board c loses power, and the other two are enough.
    for node in &mut nodes[..2] {
        node.on_disconnected(&ids[2]);
    }
    let loading = nodes[1].load_rack_secret(now);
    println!("{loading:?}");
    for output in settle(&mut nodes, &mut disks, now) {
        if let ApiOutput::RackSecret { secret, .. } = &output {
            let check = secret.check_value(&RackUuid([1; 16]));
            println!("the secret is back, its check value is {check:02x?}");
        }
    }
}
