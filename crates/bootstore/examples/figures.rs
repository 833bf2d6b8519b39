//! Messages, octets and time of each operation, by the number of boards: the figures of the book's page.
//!
//! All nodes run in this process on a perfect network, so the times are those of computing alone.
//!
//! ```sh
//! cargo run --release -p bootstore --example figures
//! ```

use bootstore::node::{ConnectionId, Event, Node, TRANSMIT_MAX, Timing};
use bootstore::persist::{STATE_MAX, encode_state};
use bootstore::schemes::Scheme;
use bootstore::schemes::v0::{ApiOutput, Config, Fsm};
use bootstore::trust_quorum::shamir::{self, Polynomial};
use bootstore::trust_quorum::{RackSecret, Share, threshold};
use bootstore::wire::{Identify, LENGTH_LEN};
use bootstore::{Baseboard, NetworkConfig, RackUuid};
use netboot_core::Instant;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::HashMap;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::{Duration, Instant as Clock};

type End = (usize, ConnectionId);

struct Rack {
    nodes: Vec<Box<Node>>,
    /// The other end of each connection.
    other: HashMap<End, End>,
    secrets: usize,
}

/// What an operation cost.
#[derive(Default)]
struct Cost {
    messages: usize,
    octets: usize,
    time: Duration,
}

fn board(number: usize) -> Baseboard {
    Baseboard::pc(&format!("sled-{number:02}"), "mcu").expect("the name is short")
}

fn address(number: usize) -> SocketAddrV6 {
    let last = u16::try_from(number).expect("there are few") + 1;
    SocketAddrV6::new(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last), 12346, 0, 0)
}

impl Rack {
    fn new(count: usize) -> Self {
        let nodes = (0..count)
            .map(|number| {
                let fsm = Fsm::new(board(number), Config::default(), [number as u8; 8]);
                let identity = Identify {
                    id: board(number),
                    addr: address(number),
                };
                Box::new(Node::new(
                    identity,
                    Scheme::V0,
                    Timing::default(),
                    fsm,
                    None,
                ))
            })
            .collect();
        let mut rack = Self {
            nodes,
            other: HashMap::new(),
            secrets: 0,
        };
        for low in 0..count {
            for high in low + 1..count {
                let here = rack.nodes[high].on_dialed(Instant::ZERO, address(low), None);
                let there = rack.nodes[low].on_accepted(Instant::ZERO, address(high), None);
                let here = (high, here.expect("there is room"));
                let there = (low, there.expect("there is room"));
                rack.other.insert(here, there);
                rack.other.insert(there, here);
                rack.run();
            }
        }
        rack
    }

    /// Delivers until nothing moves.
    fn run(&mut self) -> Cost {
        let mut cost = Cost::default();
        let mut buffer = vec![0; TRANSMIT_MAX];
        let begun = Clock::now();
        loop {
            let mut moved = false;
            for index in 0..self.nodes.len() {
                if self.nodes[index].fsm_unstored() {
                    self.nodes[index].fsm_stored();
                }
                if self.nodes[index].network_unstored() {
                    self.nodes[index].network_stored();
                }
                while let Some(sent) = self.nodes[index].poll_transmit(Instant::ZERO, &mut buffer) {
                    moved = true;
                    cost.messages += 1;
                    cost.octets += sent.len;
                    let (to, connection) = self.other[&(index, sent.connection)];
                    let octets = buffer[..sent.len].to_vec();
                    self.deliver(to, connection, &octets);
                }
            }
            if !moved {
                cost.time = begun.elapsed();
                return cost;
            }
        }
    }

    fn deliver(&mut self, to: usize, connection: ConnectionId, octets: &[u8]) {
        let node = &mut self.nodes[to];
        let event = match octets.try_into() {
            Ok(hello) => node
                .handle_hello(Instant::ZERO, connection, hello)
                .map(|()| None),
            Err(_) => node.handle_frame(Instant::ZERO, connection, &octets[LENGTH_LEN..]),
        };
        match event.expect("everybody keeps the rules") {
            Some(Event::Trust(ApiOutput::RackSecret { .. })) => self.secrets += 1,
            Some(Event::Refused(error)) => println!("refused: {error}"),
            _ => {}
        }
    }
}

fn show(what: &str, count: usize, cost: &Cost) {
    println!(
        "| {what} | {count} | {} | {} | {:.2} |",
        cost.messages,
        cost.octets,
        cost.time.as_secs_f64() * 1000.0
    );
}

fn main() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    println!("| operation | boards | messages | octets | ms |\n|---|---|---|---|---|");
    for count in [3, 5, 8, 16, 32] {
        let mut rack = Rack::new(count + 1);
        let members: Vec<_> = (0..count).map(board).collect();
        let begun = Clock::now();
        rack.nodes[0]
            .init_rack(Instant::ZERO, &mut rng, RackUuid([1; 16]), &members)
            .expect("the members are right");
        let mut cost = rack.run();
        cost.time = begun.elapsed();
        show("init-rack", count, &cost);
        rack.nodes[1]
            .load_rack_secret(Instant::ZERO)
            .expect("it is a member");
        show("unlock", count, &rack.run());
        assert_eq!(rack.secrets, 1);
        rack.nodes[count]
            .init_learner(Instant::ZERO)
            .expect("it is new");
        show("learn", count, &rack.run());
        let config = NetworkConfig::new(1, &[0x5a; 400]).expect("it is short");
        rack.nodes[0]
            .set_network_config(config)
            .expect("it is the first");
        show("config set, 400 octets", count, &rack.run());
        let mut buffer = vec![0; STATE_MAX];
        let len = encode_state(rack.nodes[0].fsm().state(), &mut buffer).expect("it fits");
        println!("| stored state of a member | {count} | | {len} | |");
    }
    println!("\n| combine, shares | µs |\n|---|---|");
    for count in [3, 5, 16, 32] {
        let k = threshold(count);
        let secret = RackSecret::random(&mut rng);
        let polynomial = Polynomial::random(&secret, k, &mut rng).expect("the threshold is right");
        let shares: Vec<Share> = (1..=k as u8)
            .map(|x| polynomial.share(x).expect("x is not 0"))
            .collect();
        let begun = Clock::now();
        for _ in 0..1000 {
            let combined = shamir::combine(std::hint::black_box(shares.iter()), k);
            assert!(combined.is_ok_and(|combined| combined == secret));
        }
        println!("| {k} | {:.1} |", begun.elapsed().as_secs_f64() * 1000.0);
    }
}
