//! Five boards in five network namespaces, with real TCP over IPv6 between them.
//!
//! The tests need root, iproute2 and nftables. Where these are missing they say so loudly, and fail if `NETBOOT_REAL`
//! is set.
//!
//! ```text
//! cargo test -p bootstored --test namespaces
//! BOOTSTORE_ROUNDS=200 cargo test -p bootstored --test namespaces kill -- --nocapture
//! ```

mod common;

use bootstored::control::Request;
use common::netns::{Network, address, obstacle};
use common::pki::Authority;
use common::{Rack, wait_for};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BOARDS: usize = 5;

/// The namespaces, unless they cannot be had here.
fn network() -> Option<Network> {
    match obstacle() {
        None => Some(Network::new(BOARDS)),
        Some(why) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "cannot run, and in CI it has to: {why}"
            );
            eprintln!("\n!!! NOT TESTED: {why}\n");
            None
        }
    }
}

/// Five boards with mutual TLS, of which all are members.
fn rack(network: &Network) -> Rack {
    let addresses: Vec<_> = (0..BOARDS).map(address).collect();
    let owner = Authority::new("owner");
    let names: Vec<_> = (0..BOARDS).map(|n| format!("sled-{n}")).collect();
    let allow: Vec<_> = names.iter().map(String::as_str).collect();
    let mut rack = Rack::new(&addresses, Some(&network.boards), |id, dir| {
        Some(owner.board(id, dir, &owner, &allow))
    });
    rack.start_all();
    rack.wait_connected();
    rack
}

fn set_network(rack: &Rack, board: usize, text: &str) {
    let file = rack.dir.path().join("network.bin");
    std::fs::write(&file, text).unwrap();
    rack.boards[board].run_ok(&["config", "set", "--raw", file.to_str().unwrap()]);
}

/// A small generator, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Boards lose their power at any time: nothing that was confirmed is ever lost.
#[test]
fn kill_and_restart_in_a_loop() {
    let Some(network) = network() else { return };
    let mut rack = rack(&network);
    let rounds: u64 = match std::env::var("BOOTSTORE_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("BOOTSTORE_ROUNDS is a number"),
        Err(_) => 10,
    };
    // Power fails while the rack is initialised, too: a coordinator that was complete stays so.
    rack.boards[0].run_ok(&["init-rack", "--members", &rack.names(BOARDS)]);
    let check = rack.unlock_all();
    let mut random = Random(0x5eed);
    let (begun, mut killed) = (Instant::now(), 0);
    let mut memory = 0;
    for round in 0..rounds {
        // One or two boards at once; three remain, which is enough.
        let first = random.below(BOARDS as u64) as usize;
        let second = random.below(BOARDS as u64) as usize;
        let writer = (0..BOARDS).find(|n| *n != first && *n != second).unwrap();
        // An update is under way when the power fails.
        set_network(&rack, writer, &format!("round {round}"));
        let confirmed = round + 1;
        std::thread::sleep(Duration::from_micros(random.below(3_000)));
        for victim in [first, second] {
            if rack.boards[victim].child.is_some() {
                rack.boards[victim].kill();
                killed += 1;
            }
        }
        // The rest unlocks meanwhile, once it has noticed.
        assert_eq!(
            rack.boards[writer].unlock().as_ref(),
            Ok(&check),
            "round {round}"
        );
        for victim in [first, second] {
            if rack.boards[victim].child.is_none() {
                rack.boards[victim].start();
            }
        }
        rack.wait_connected();
        for board in &rack.boards {
            wait_for("the newest configuration", || {
                board.status().network_generation == confirmed
            });
            let status = board.status();
            assert_eq!(status.state, "initial-member", "round {round}");
            memory = memory.max(board.memory());
        }
        assert_eq!(rack.unlock_all(), check, "round {round}");
    }
    println!(
        "{rounds} rounds, {killed} kills in {:.0?}: nothing lost, at most {memory} KiB resident",
        begun.elapsed()
    );
    assert!(memory < 32 * 1024, "{memory} KiB");
}

/// The power fails while the rack is initialised: the rack completes, or says that it has to be reset.
#[test]
fn power_fails_during_the_initialisation() {
    let Some(network) = network() else { return };
    let mut rack = rack(&network);
    let mut random = Random(0xcafe);
    for round in 0..6 {
        let coordinator = round % BOARDS;
        let names = rack.names(BOARDS);
        rack.boards[coordinator].run_ok(&["init-rack", "--members", &names, "--wait", "0"]);
        let victim = random.below(BOARDS as u64) as usize;
        std::thread::sleep(Duration::from_micros(random.below(8_000)));
        rack.boards[victim].kill();
        rack.boards[victim].start();
        rack.wait_connected();
        let deadline = Instant::now() + Duration::from_secs(15);
        let complete = loop {
            let status = rack.boards[coordinator].status();
            // A coordinator that has forgotten the packages cannot go on without the members that have none.
            let members = rack
                .boards
                .iter()
                .filter(|b| b.status().rack_uuid.is_some());
            if members.count() == BOARDS && status.init.is_none() {
                break true;
            }
            if Instant::now() >= deadline {
                break false;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        assert!(complete || victim == coordinator, "round {round} hangs");
        if complete {
            rack.unlock_all();
        } else {
            let (have, all) = rack.boards[coordinator].status().init.expect("it says so");
            assert!(have < all);
        }
        for board in &rack.boards {
            board.run_ok(&["reset", &board.identifier]);
        }
        rack.wait_connected();
    }
}

#[test]
fn a_partition_divides_and_heals() {
    let Some(network) = network() else { return };
    let rack = rack(&network);
    rack.boards[0].run_ok(&["init-rack", "--members", &rack.names(BOARDS)]);
    let check = rack.unlock_all();
    network.partition(2);
    // Two boards are too few, three are enough, and each notices within the time of inactivity.
    assert!(rack.boards[0].unlock().is_err());
    assert_eq!(rack.boards[4].unlock().as_ref(), Ok(&check));
    for (board, peers) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 2)] {
        wait_for("the partition to be noticed", || {
            rack.boards[board].status().peers.len() == peers
        });
    }
    // Both sides are configured; the higher generation wins in the end.
    set_network(&rack, 0, "small side");
    set_network(&rack, 4, "large side");
    set_network(&rack, 4, "large side again");
    wait_for("the side to agree", || {
        rack.boards[1].status().network_generation == 1
    });
    wait_for("the side to agree", || {
        rack.boards[2].status().network_generation == 2
    });
    network.heal();
    rack.wait_connected();
    for board in &rack.boards {
        wait_for("all to agree", || board.status().network_generation == 2);
    }
    assert_eq!(rack.unlock_all(), check);
}

/// Thousands of connections with garbage, some of which stay open: the rack goes on, and memory stays bounded.
#[test]
fn a_flood_of_garbage_does_no_harm() {
    let Some(network) = network() else { return };
    let mut rack = rack(&network);
    rack.boards[0].run_ok(&["init-rack", "--members", &rack.names(BOARDS)]);
    let check = rack.unlock_all();
    let before = rack.boards[0].memory();
    let target = address(0);
    // From board 4's namespace, so that it comes from the network.
    let script = format!(
        r#"
import os, random, socket, time
random.seed(1)
target = ("{}", {})
held = []
end = time.time() + 8
count = 0
while time.time() < end:
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.settimeout(0.5)
    try:
        s.connect(target)
        kind = count % 4
        if kind == 0:
            s.send(os.urandom(random.randrange(1, 4000)))
        elif kind == 1:
            s.send(bytes([0, 0, 0, 1]) + bytes(12) + os.urandom(200))
        elif kind == 2:
            s.send(bytes([0, 0, 0, 1]) + bytes(12) + b"\x16\x03\x01\xff\xff" + os.urandom(3000))
        count += 1
        held.append(s)
        if len(held) > 300:
            held.pop(random.randrange(300)).close()
    except OSError:
        s.close()
print(count)
"#,
        target.ip(),
        target.port()
    );
    let flood = Command::new("ip")
        .args([
            "netns",
            "exec",
            &network.boards[4],
            "python3",
            "-c",
            &script,
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut unlocks, mut memory) = (0, 0);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(7) {
        assert_eq!(rack.boards[0].unlock().as_ref(), Ok(&check));
        unlocks += 1;
        memory = memory.max(rack.boards[0].memory());
    }
    // A peer that restarts gets through the flood.
    rack.boards[3].kill();
    rack.boards[3].start();
    let output = flood.wait_with_output().unwrap();
    let count: u64 = String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    rack.wait_connected();
    let refused = rack.boards[0].status().refused_connections;
    println!(
        "{count} garbage connections, {refused} refusals, {unlocks} unlocks; {before} to {memory} KiB"
    );
    assert!(
        count > 500 && unlocks > 20,
        "{count} connections, {unlocks} unlocks"
    );
    assert!(memory < before + 16 * 1024, "{before} to {memory} KiB");
    assert_eq!(rack.unlock_all(), check);
    let _ = rack.boards[0].ask(&Request::Status);
}
