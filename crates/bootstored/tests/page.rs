//! The operator's page, done as it says: its commands, its files, on five real daemons.

mod common;

use common::{COMMAND, Rack, free_ports, wait_for};
use std::fs;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const PAGE: &str = include_str!("../../../docs/src/bootstore.md");
const BOARDS: usize = 5;

/// The code blocks of this language in the part of the page that leads from empty boards to an unlocked rack.
fn blocks(language: &str) -> Vec<&'static str> {
    let (_, part) = PAGE.split_once("## From five empty boards").unwrap();
    let (part, _) = part.split_once("\n## ").unwrap();
    let mut blocks = part.split("```");
    blocks.next();
    // What stands between two fences, and then what stands outside.
    blocks
        .step_by(2)
        .filter_map(|block| block.strip_prefix(&format!("{language}\n")))
        .collect()
}

/// Runs a piece of shell in this directory; it must succeed.
fn shell(directory: &Path, text: &str) {
    let output = Command::new("sh")
        .args(["-e", "-c", text])
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{said}");
}

/// A rack whose boards have the page's keys, certificates and files. Only addresses and directories are others: all boards are on this machine.
fn rack() -> Rack {
    let ports = free_ports(BOARDS);
    let address = |port: &u16| SocketAddrV6::new(Ipv6Addr::LOCALHOST, *port, 0, 0);
    let addresses: Vec<_> = ports.iter().map(address).collect();
    let mut rack = Rack::new(&addresses, None, |_, _| None);
    let root = rack.dir.path().to_owned();
    let sh = blocks("sh");
    let (once, each) = sh[0].split_once("# For each board").unwrap();
    shell(&root, once);
    let each = each.split_once('\n').unwrap().1;
    let [toml] = blocks("toml")[..] else {
        panic!("one file for each board");
    };
    for (number, board) in (1..).zip(&mut rack.boards) {
        board.identifier = format!("sled-{number}");
        let home = board.dir.display().to_string();
        let own = |text: &str| text.replace("sled-1", &board.identifier);
        shell(&root, &own(each));
        for file in ["idevid.key", "idevid.pem", "anchors.pem"] {
            fs::copy(root.join(file), board.dir.join(file)).unwrap();
        }
        let mut text = String::new();
        for line in toml.lines() {
            let line = match line.split_once(" = ") {
                Some(("identifier", _)) => own(line),
                Some(("listen", _)) => format!("listen = \"{}\"", board.address),
                Some(("boards", _)) => format!("boards = \"{}\"", board.address),
                Some(("peers", _)) => {
                    let peers = addresses.iter().filter(|peer| **peer != board.address);
                    let peers: Vec<_> = peers.map(|peer| format!("\"{peer}\"")).collect();
                    format!("peers = [{}]", peers.join(", "))
                }
                _ => line
                    .replace("/var/lib/bootstore", &format!("{home}/state"))
                    .replace("/run/bootstore", &home)
                    .replace("/etc/bootstore", &home),
            };
            text += &line;
            text.push('\n');
        }
        fs::write(board.dir.join("bootstore.toml"), text).unwrap();
    }
    rack
}

/// The page's commands, in their order, without the comments behind them.
fn commands() -> Vec<&'static str> {
    let lines = blocks("sh").into_iter().flat_map(str::lines);
    lines
        .filter_map(|line| line.strip_prefix("bootstore "))
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .collect()
}

/// Runs a command of the page on board number `number`.
fn run(rack: &Rack, number: usize, command: &str) -> Output {
    let board = &rack.boards[number - 1];
    let home = board.dir.display().to_string();
    let command = command.replace("/run/", &format!("{home}/"));
    let output = Command::new(COMMAND)
        .arg("--control")
        .arg(board.control())
        .args(command.split(' '))
        .current_dir(&board.dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command}: {said}\n{}",
        board.log()
    );
    output
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_pages_commands_lead_from_five_empty_boards_to_an_unlocked_rack() {
    let mut rack = rack();
    rack.start_all();
    rack.wait_connected();
    let [network] = blocks("json")[..] else {
        panic!("one network configuration");
    };
    let placeholder = network.split('"').find(|text| text.starts_with('<'));
    let network = network.replace(placeholder.unwrap(), &"5a".repeat(32));
    let file = |number: usize, name: &str| rack.boards[number - 1].dir.join(name);
    let mut checks = Vec::new();
    for command in commands() {
        let words: Vec<_> = command.split(' ').collect();
        match words[..] {
            ["status"] => {
                let text = printed(&run(&rack, 1, command));
                assert_eq!(text.matches("connected ").count(), BOARDS - 1, "{text}");
            }
            ["init-rack", ..] => {
                let text = printed(&run(&rack, 2, command));
                assert!(text.contains("3 shares unlock it"), "{text}");
            }
            ["unlock"] => {
                for number in 1..BOARDS {
                    let text = printed(&run(&rack, number, command));
                    let (_, check) = text.split_once("check value ").unwrap();
                    checks.push(check.split(',').next().unwrap().to_owned());
                }
                assert!(checks.iter().all(|check| *check == checks[0]), "{checks:?}");
            }
            ["unlock", "key", ..] => {
                run(&rack, 1, command);
                run(&rack, 3, command);
                let keys = [1, 3].map(|number| fs::read(file(number, "disk-0.key")).unwrap());
                assert_eq!((keys[0].len(), &keys[0]), (32, &keys[1]));
            }
            ["unlock", "seal", ..] => {
                fs::write(file(4, "password.txt"), "open sesame").unwrap();
                run(&rack, 4, command);
                let sealed = fs::read(file(4, "password.sealed")).unwrap();
                fs::write(file(1, "password.sealed"), sealed).unwrap();
            }
            ["unlock", "open", ..] => {
                run(&rack, 1, command);
                let opened = fs::read_to_string(file(1, "password")).unwrap();
                assert_eq!(opened, "open sesame");
            }
            ["learn"] => {
                run(&rack, 5, command);
                let text = printed(&run(&rack, 5, "unlock"));
                assert!(text.contains(&checks[0]), "{text}");
            }
            ["config", "set", name] => {
                fs::write(file(5, name), &network).unwrap();
                run(&rack, 5, command);
            }
            ["config", "get"] => {
                let known = || rack.boards[1].status().network_generation == 1;
                wait_for("the configuration", known);
                let text = printed(&run(&rack, 2, command));
                assert!(text.starts_with("generation 1\n"), "{text}");
                assert!(text.contains("tftp://10.0.2.2/fw/"), "{text}");
            }
            ["config", "record", ..] => {
                run(&rack, 5, command);
                let record = fs::read(file(5, "slot-a.bin")).unwrap();
                assert_eq!(record[..4], *b"BSN1");
            }
            _ => panic!("the page has a command that nobody tests: {command}"),
        }
    }
    assert!(checks.len() == BOARDS - 1);
}
