//! The daemon and the command, as an operator uses them, on loopback.

mod common;

use bootstore::board::{Client, DATAGRAM_LEN, Outcome};
use bootstore::early::EarlyNetConfig;
use bootstored::control::{Answer, Blob, Request};
use bootstored::early_json::EarlyJson;
use common::pki::Authority;
use common::{Board, DAEMON, PATIENCE, Rack, free_ports, wait_for};
use netboot_core::Instant;
use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddrV6, TcpStream, UdpSocket};
use std::process::Command;

const NETWORK: &str = r#"{"vlan": 100, "v6": {"prefix": "fd00:1::"}, "servers": ["https://images.example/fw/"],
    "v4": {"prefix_len": 24, "hosts": {"02:00:00:00:00:01": "10.0.2.11"}}, "sztp": true}"#;

fn set_network(board: &Board) {
    let file = board.dir.join("network.json");
    std::fs::write(&file, NETWORK).unwrap();
    board.run_ok(&["config", "set", file.to_str().unwrap()]);
}

fn generation(board: &Board) -> u64 {
    board.status().network_generation
}

#[test]
fn from_five_empty_boards_to_an_unlocked_rack() {
    let mut rack = Rack::loopback(5);
    rack.start_all();
    rack.wait_connected();
    assert!(
        rack.boards[0]
            .run_ok(&["status"])
            .contains("state        uninitialized")
    );
    let early = rack.boards[1].run(&["unlock"]);
    assert!(!early.status.success());
    assert!(String::from_utf8_lossy(&early.stderr).contains("belongs to no rack"));
    // Four members, and one board that joins later.
    let printed = rack.boards[2].run_ok(&["init-rack", "--members", &rack.names(4)]);
    assert!(printed.contains("3 shares unlock it"), "{printed}");
    let printed = rack.boards[4].run_ok(&["learn"]);
    assert!(printed.contains("state        learned"), "{printed}");
    let check = rack.unlock_all();
    assert!(rack.boards[0].run_ok(&["unlock"]).contains(&check));
    let twice = rack.boards[0].run(&["init-rack", "--members", &rack.names(4)]);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("a member of a rack already"));
    // A configuration set anywhere is everywhere.
    set_network(&rack.boards[4]);
    for board in &rack.boards {
        wait_for("the configuration", || generation(board) == 1);
        let Answer::Config { config, .. } = board.ask(&Request::ConfigGet) else {
            panic!("no configuration");
        };
        let json: EarlyJson = serde_json::from_str(NETWORK).unwrap();
        assert_eq!(config, Blob::Early(json));
    }
    let file = rack.boards[4].dir.join("network.json");
    let file = file.to_str().unwrap();
    let stale = rack.boards[0].run(&["config", "set", file, "--generation", "1"]);
    let said = String::from_utf8_lossy(&stale.stderr);
    assert!(
        said.contains("generation 1 is not above the current generation 1"),
        "{said}"
    );
    assert!(said.contains("0x00140051"), "{said}");
    rack.boards[0].run_ok(&["--json", "config", "set", file, "--generation", "7"]);
    for board in &rack.boards {
        wait_for("the configuration", || generation(board) == 7);
    }
    // Everything is still there after all boards went dark.
    for board in &mut rack.boards {
        board.kill();
    }
    for board in &mut rack.boards[..3] {
        board.start();
    }
    rack.wait_connected();
    assert_eq!(rack.unlock_all(), check);
    assert_eq!(generation(&rack.boards[0]), 7);
    // Two boards are too few.
    rack.boards[0].kill();
    let error = rack.boards[1].unlock().unwrap_err();
    assert!(error.contains("only 2 of the 3 shares"), "{error}");
}

#[test]
fn secrets_are_sealed_by_one_board_and_opened_by_another() {
    let mut rack = Rack::loopback(2);
    rack.start_all();
    rack.wait_connected();
    rack.boards[0].run_ok(&["init-rack", "--members", &rack.names(2)]);
    let dir = rack.dir.path().to_owned();
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    std::fs::write(path("plain"), "pass phrase").unwrap();
    let run = |board: usize, what: &str, label: &str, input: &str, output: &str| {
        let (input, output) = (path(input), path(output));
        rack.boards[board].run(&[
            "unlock", what, label, "--input", &input, "--output", &output,
        ])
    };
    assert!(
        run(0, "seal", "image-server", "plain", "sealed")
            .status
            .success()
    );
    assert!(
        run(1, "open", "image-server", "sealed", "opened")
            .status
            .success()
    );
    assert_eq!(
        std::fs::read_to_string(path("opened")).unwrap(),
        "pass phrase"
    );
    let wrong = run(1, "open", "other", "sealed", "wrong");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("under another label"));
    for (board, output) in [(0, "key0"), (1, "key1")] {
        assert!(run(board, "key", "disk", "plain", output).status.success());
    }
    let keys = ["key0", "key1"].map(|name| std::fs::read(path(name)).unwrap());
    assert_eq!((keys[0].len(), &keys[0]), (32, &keys[1]));
}

#[test]
fn a_daemon_ends_cleanly_and_tolerates_no_second_one() {
    let mut rack = Rack::loopback(1);
    let board = &mut rack.boards[0];
    board.start();
    // A rack of one member is complete at once.
    board.run_ok(&["init-rack", "--members", "pc:mcu:sled-0"]);
    let check = board.unlock().unwrap();
    let second = Command::new(DAEMON)
        .arg(board.dir.join("bootstore.toml"))
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another bootstored uses"), "{said}");
    // The first one is not disturbed.
    assert_eq!(board.unlock().unwrap(), check);
    assert_eq!(board.terminate().code(), Some(0));
    assert!(!board.control().exists());
    board.start();
    assert_eq!(board.unlock().unwrap(), check);
    let refused = board.run(&["reset", "sled-9"]);
    assert!(!refused.status.success());
    board.run_ok(&["reset", "sled-0"]);
    assert_eq!(board.status().state, "uninitialized");
    board.run_ok(&["init-rack", "--members", "pc:mcu:sled-0"]);
    assert_ne!(board.unlock().unwrap(), check);
}

#[test]
fn a_damaged_or_foreign_share_is_no_new_node() {
    let mut rack = Rack::loopback(1);
    let board = &mut rack.boards[0];
    board.start();
    board.run_ok(&["init-rack", "--members", "pc:mcu:sled-0"]);
    board.kill();
    let state = board.dir.join("state");
    let whole = std::fs::read(state.join("fsm.a")).unwrap();
    std::fs::write(state.join("fsm.a"), &whole[..whole.len() - 1]).unwrap();
    std::fs::write(state.join("fsm.b"), b"garbage").unwrap();
    let output = board.spawn().wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(board.log().contains("both copies"), "{}", board.log());
    // The same with a whole share of a board with another name.
    std::fs::write(state.join("fsm.a"), &whole).unwrap();
    let config = std::fs::read_to_string(board.dir.join("bootstore.toml")).unwrap();
    let other = config.replace("identifier = \"sled-0\"", "identifier = \"sled-7\"");
    std::fs::write(board.dir.join("bootstore.toml"), other).unwrap();
    assert!(!board.spawn().wait_with_output().unwrap().status.success());
    assert!(board.log().contains("another board's"), "{}", board.log());
}

#[test]
fn mutual_tls_lets_only_allowed_boards_in() {
    let (owner, stranger) = (Authority::new("owner"), Authority::new("stranger"));
    let addresses: Vec<_> = free_ports(6)
        .into_iter()
        .map(|port| SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0))
        .collect();
    let allow = ["sled-0", "sled-1", "sled-2", "sled-4"];
    let mut rack = Rack::new(&addresses, None, |identifier, dir| match identifier {
        // Same names, another authority.
        "sled-3" => Some(stranger.board("sled-3", dir, &owner, &allow)),
        // The right authority, but not on the list (4 is, with another's certificate below).
        "sled-5" => Some(owner.board("sled-5", dir, &owner, &["sled-0"])),
        "sled-4" => None,
        known => Some(owner.board(known, dir, &owner, &allow)),
    });
    rack.start_all();
    for board in &rack.boards[..3] {
        wait_for("the three members", || board.status().peers.len() == 2);
        let scheme = board.status().scheme;
        assert!(scheme.starts_with("scheme 1"), "{scheme}");
    }
    rack.boards[0].run_ok(&["init-rack", "--members", &rack.names(3)]);
    let checks: Vec<_> = (0..3).map(|n| rack.boards[n].unlock().unwrap()).collect();
    assert_eq!(checks[0], checks[2]);
    // The strangers try to learn a share, and get nowhere.
    for board in &rack.boards[3..] {
        board.run_ok(&["learn", "--wait", "0"]);
    }
    std::thread::sleep(std::time::Duration::from_secs(4));
    for board in &rack.boards[3..] {
        let status = board.status();
        assert_eq!(status.state, "learning", "{}", board.identifier);
        assert!(status.peers.is_empty(), "{status:?}");
    }
    for board in &rack.boards[..3] {
        assert_eq!(board.status().peers.len(), 2);
        assert!(board.status().learners.is_empty());
    }
    // Who dials learns why: the higher address does.
    assert!(
        rack.boards[4].log().contains("scheme 1"),
        "{}",
        rack.boards[4].log()
    );
    let members = rack.boards[0].log() + &rack.boards[1].log() + &rack.boards[2].log();
    assert!(members.contains("not on the list"), "{members}");
    assert!(
        members.contains("speaks version 0 of scheme 0"),
        "{members}"
    );
}

/// Reads until the daemon closes the connection, and returns what came.
fn drain(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut octets = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut octets);
    octets
}

#[test]
fn a_stranger_without_a_certificate_sees_an_announcement_and_nothing_else() {
    let owner = Authority::new("owner");
    let address = SocketAddrV6::new(Ipv6Addr::LOCALHOST, free_ports(1)[0], 0, 0);
    let mut rack = Rack::new(&[address], None, |id, dir| {
        Some(owner.board(id, dir, &owner, &[id]))
    });
    rack.start_all();
    // Scheme 0, plain: the daemon announces scheme 1 and closes.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&[0; 16]).unwrap();
    let mut announced = [0; 16];
    announced[3] = 1;
    assert_eq!(drain(&mut stream), announced);
    // Scheme 1 announced, but no TLS behind it.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&announced).unwrap();
    stream.write_all(&[0; 64]).unwrap();
    let octets = drain(&mut stream);
    assert_eq!(octets[..16], announced);
    // At most an alert follows.
    assert!(octets.len() <= 16 + 7, "{octets:x?}");
    assert!(rack.boards[0].status().peers.is_empty());
}

#[test]
fn ends_and_lengths_that_naive_readers_hang_on() {
    let mut rack = Rack::loopback(1);
    rack.boards[0].start();
    let address = rack.boards[0].address;
    let before = rack.boards[0].memory();
    let cases: [&[u8]; 6] = [
        &[],                                                // the end at once
        &[0; 7],                                            // the end within the hello
        &[0; 16],                                           // the end before a frame
        &[0; 20],                                           // an empty frame
        &[[0; 16], [0xff; 16]].concat(),                    // a frame of 4 GiB
        &[&[0; 16][..], &[0, 0, 2, 1], &[0; 600]].concat(), // an identity of 513 octets
    ];
    for case in cases {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(address).unwrap();
            let _ = stream.write_all(case);
            // The daemon may have closed the connection already.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let begun = std::time::Instant::now();
            drain(&mut stream);
            assert!(begun.elapsed().as_secs() < 3, "{case:x?} is not noticed");
        }
    }
    let cpu = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<_> = stat.split_ascii_whitespace().collect();
        fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap()
    };
    let pid = rack.boards[0].status().pid;
    let used = cpu(pid);
    std::thread::sleep(std::time::Duration::from_secs(1));
    // Ticks of 10 ms: a busy loop would take 100 of them.
    assert!(cpu(pid) - used < 20, "the daemon is busy with nothing");
    assert!(rack.boards[0].memory() < before + 4096);
}

#[test]
fn a_board_asks_any_node_by_one_exchange() {
    let mut rack = Rack::loopback(2);
    rack.start_all();
    rack.wait_connected();
    set_network(&rack.boards[0]);
    wait_for("the configuration", || generation(&rack.boards[1]) == 1);
    let ask = |have| {
        let socket = UdpSocket::bind("[::1]:0").unwrap();
        let begun = std::time::Instant::now();
        let now = || Instant::from_micros(begun.elapsed().as_micros() as u64);
        let mut client = Client::new(now(), [5; 16], have);
        let mut buffer = [0; DATAGRAM_LEN];
        loop {
            if let Some(len) = client.poll_transmit(now(), &mut buffer) {
                // Noise, then the query.
                socket.send_to(b"noise", rack.boards[1].address).unwrap();
                socket
                    .send_to(&buffer[..len], rack.boards[1].address)
                    .unwrap();
            }
            if let Some(outcome) = client.poll(now()) {
                return outcome;
            }
            let wait = client.poll_timeout().since(now()).as_micros().max(1000);
            socket
                .set_read_timeout(Some(std::time::Duration::from_micros(wait)))
                .unwrap();
            if let Ok((len, _)) = socket.recv_from(&mut buffer) {
                let mut scratch = EarlyNetConfig::default();
                client.handle(now(), &buffer[..len], &mut scratch).unwrap();
            }
        }
    };
    let Outcome::Config(config) = ask(0) else {
        panic!("no configuration");
    };
    let (generation, early) = EarlyJson::decode(&config.blob).unwrap();
    assert_eq!((generation, config.generation), (1, 1));
    assert_eq!(early, serde_json::from_str(NETWORK).unwrap());
    assert_eq!(ask(1), Outcome::UpToDate);
}

#[test]
fn the_help_tells_the_truth_about_the_threat_model() {
    for program in [DAEMON, common::COMMAND] {
        let output = Command::new(program).arg("--help").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // The lines are as long as the terminal wants them.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "of a rack of 16 boards nine have to be stolen",
            "can read the shares and recover the rack secret",
            "nothing authenticates a board",
            "does not protect against an allowed board that has been taken over",
        ] {
            assert!(text.contains(words), "{program}: {words}");
        }
    }
}
