//! A whole node, on two slots of flash.
#![cfg_attr(target_arch = "riscv32", no_std, no_main)]

use bootstore::ledger::{Journal, Ledger, OVERHEAD, STATE_MAGIC, Slot};
use bootstore::node::{Event, Node, TRANSMIT_MAX, Timing};
use bootstore::persist::{self, STATE_MAX};
use bootstore::schemes::Scheme;
use bootstore::schemes::v0::{ApiOutput, Config, Fsm, State};
use bootstore::seal::Sealer;
use bootstore::wire::Identify;
use bootstore::{Baseboard, NetworkConfig, RackUuid};
use bootstore_rom::{Counter, unknown};
use core::hint::black_box;
use core::net::{Ipv6Addr, SocketAddrV6};
use netboot_core::Instant;

struct Flash;

impl Ledger for Flash {
    type Error = ();

    fn read(&mut self, _: Slot, buffer: &mut [u8]) -> Result<usize, ()> {
        black_box(buffer.len()).checked_sub(1).ok_or(())
    }

    fn write(&mut self, _: Slot, octets: &[u8]) -> Result<(), ()> {
        black_box(octets);
        black_box(Ok(()))
    }
}

fn run() {
    let now = Instant::from_micros(u64::from_be_bytes(unknown()));
    let mut store = [0; STATE_MAX + OVERHEAD];
    let mut buffer = [0; TRANSMIT_MAX];
    let Some(id) = Baseboard::pc("sled", "mcu") else {
        return;
    };
    let Ok((mut journal, octets)) = Journal::open(Flash, STATE_MAGIC, &mut store) else {
        return;
    };
    let state = octets.and_then(|octets| persist::decode_state(&id, octets).ok());
    let state = state.unwrap_or(State::Uninitialized);
    let fsm = Fsm::restore(now, id.clone(), Config::default(), unknown(), state);
    let remote = SocketAddrV6::new(Ipv6Addr::from(unknown::<16>()), 12346, 0, 0);
    let identity = Identify { id, addr: remote };
    let mut node = Node::new(identity, Scheme::V0, Timing::default(), fsm, None);
    node.set_peer_addresses(now, &[remote]);
    loop {
        match u8::from_be_bytes(unknown()) {
            0 => drop(black_box(node.init_rack(
                now,
                &mut Counter(1),
                RackUuid(unknown()),
                &[],
            ))),
            1 => drop(black_box(node.init_learner(now))),
            2 => drop(black_box(node.load_rack_secret(now))),
            3 => {
                if let Some(config) = NetworkConfig::new(1, &unknown::<100>()) {
                    black_box(node.set_network_config(config).is_ok());
                }
            }
            4 => {
                let Ok(connection) = node.on_accepted(now, remote, None) else {
                    return;
                };
                black_box(node.handle_hello(now, connection, &unknown()).is_ok());
                let event = node.handle_frame(now, connection, black_box(&buffer));
                if let Ok(Some(Event::Trust(ApiOutput::RackSecret { secret, .. }))) = event {
                    let sealer = Sealer::new(&secret, RackUuid(unknown()));
                    black_box(sealer.open("label", &mut unknown::<256>()).is_ok());
                }
            }
            _ => drop(black_box(node.handle_timeout(now))),
        }
        if node.fsm_unstored() {
            let state = node.fsm().state();
            let stored = journal.store(&mut buffer, |b| persist::encode_state(state, b));
            if stored.is_err() {
                return;
            }
            node.fsm_stored();
        }
        while black_box(node.poll_close(now)).is_some() {}
        while black_box(node.poll_transmit(now, &mut buffer)).is_some() {}
        black_box(node.poll_dial(now));
        black_box(node.poll_timeout());
    }
}

bootstore_rom::program!(run);
