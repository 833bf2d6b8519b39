//! `netboot serve` over sockets: the client of boards, the peer in Python, and single messages.
#![cfg(target_os = "linux")]

// The board of the protocol's own tests.
#[path = "../../../ubp/tests/peers/board.rs"]
mod board;
#[path = "../common/mod.rs"]
mod common;
mod operator;
mod refusals;
mod running;

use board::{Fetched, fetch};
use common::{Folder, octets};
use netboot_verity::{Digest, Tree};
use running::Running;
use rustix::process::Signal;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_board_fetches_by_path_and_by_digest() {
    let folder = Folder::new();
    for size in [0, 1, 1025, 300_000] {
        folder.put(&format!("fw-{size}"), &octets(size));
        let packed = folder.packed(&octets(size));
        folder.put(&format!("release 1/fw-{size}.nbv"), &packed);
    }
    folder.put("release/caliptra-fw.bin", &octets(100_000));
    folder.put("webroot/none", b"");
    let (code, text) = folder.netboot(&["publish", "release", "--to", "."]);
    assert_eq!(code, 0, "{text}");
    for address in ["127.0.0.1", "::1"] {
        let mut running = Running::start(&folder, address, &[]);
        for size in [0, 1, 1025, 300_000] {
            let digest = Tree::of(&octets(size)).digest();
            for path in [format!("/fw-{size}"), format!("release%201/fw-{size}.nbv")] {
                for known in [None, Some(digest)] {
                    let fetched = fetch(running.address, &path, known, 0).expect("a transfer");
                    assert!(fetched.data == octets(size), "{path}");
                    assert_eq!(fetched.stats.wrong, 0);
                    let report = running.report();
                    let part = format!("fw-{size}");
                    assert!(report.starts_with(&plain(address)), "{report}");
                    assert!(report.contains(&part), "{report}");
                    assert!(report.contains(&format!(": {size} octets in ")), "{report}");
                    assert!(report.ends_with(" ms, done"), "{report}");
                }
            }
        }
        let digest = Tree::of(&octets(100_000)).digest();
        let fetched = fetch(running.address, "", Some(digest), 0).expect("a transfer");
        assert!(fetched.data == octets(100_000));
        let report = running.report();
        assert!(
            report.contains(&format!(" {digest}: 100000 octets")),
            "{report}"
        );
        let by_path = format!("/objects/verity/{digest}");
        let fetched = fetch(running.address, &by_path, Some(digest), 0).expect("a transfer");
        assert!(fetched.data == octets(100_000));
        assert_eq!(running.stop(Signal::TERM), (Some(0), String::new()));
    }
}

/// How an address begins in a report.
fn plain(address: &str) -> String {
    match address.contains(':') {
        true => format!("[{address}]:"),
        false => format!("{address}:"),
    }
}

#[test]
fn one_socket_is_for_both_families() {
    let folder = Folder::new();
    folder.put("fw.bin", &octets(50_000));
    let mut running = Running::start(&folder, "::", &[]);
    for address in ["127.0.0.1", "::1"] {
        let fetched = fetch(running.by(address), "/fw.bin", None, 0).expect("a transfer");
        assert!(fetched.data == octets(50_000));
        assert!(running.report().starts_with(&plain(address)));
    }
}

#[test]
fn a_large_file_whose_tree_takes_time() {
    let folder = Folder::new();
    let data = octets(9_000_000);
    folder.put("fw.bin", &data);
    let running = Running::start(&folder, "127.0.0.1", &[]);
    let Fetched { data: came, .. } =
        fetch(running.address, "/fw.bin", None, 0).expect("a transfer");
    assert!(came == data);
    assert!(running.metric("later_total") >= 1);
    assert_eq!(running.metric("files"), 1);
}

#[test]
fn the_peer_in_python_fetches() {
    let folder = Folder::new();
    folder.put("fw.bin.nbv", &folder.packed(&octets(200_000)));
    folder.put("release/caliptra-fw.bin", &octets(70_000));
    let (code, text) = folder.netboot(&["publish", "release", "--to", "."]);
    assert_eq!(code, 0, "{text}");
    let mut running = Running::start(&folder, "127.0.0.1", &[]);
    for (name, size, loss) in [
        ("/fw.bin.nbv", 200_000, "0"),
        ("", 70_000, "0"),
        ("/release/caliptra-fw.bin", 70_000, "5"),
    ] {
        let digest = Tree::of(&octets(size)).digest();
        let output = peer(&running, name, digest, loss).output();
        let output = output.expect("python3 runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        assert!(output.stdout == octets(size), "{name}: {said}");
        if loss == "0" {
            assert!(running.report().contains(&format!(": {size} octets in ")));
        }
    }
}

/// The peer's client.
fn peer(running: &Running, name: &str, digest: Digest, loss: &str) -> Command {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/ubp_peer.py");
    let mut command = Command::new("python3");
    let address = running.address.ip().to_string();
    let port = running.address.port().to_string();
    command.arg(peer).args(["fetch", &address, &port, name]);
    command.args([&digest.to_string(), loss]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn two_boards_and_a_peer_at_once() {
    let folder = Folder::new();
    folder.put("a.bin", &octets(2_000_000));
    folder.put("b.nbv", &folder.packed(&octets(1_500_000)));
    let running = Running::start(&folder, "127.0.0.1", &["--quiet"]);
    let address = running.address;
    let digest = Tree::of(&octets(1_500_000)).digest();
    let mut python = peer(&running, "/b.nbv", digest, "0");
    let python = std::thread::spawn(move || python.output().expect("python3 runs"));
    let first = std::thread::spawn(move || fetch(address, "/a.bin", None, 0));
    let second = fetch(address, "/b.nbv", Some(digest), 2).expect("a transfer");
    assert!(second.data == octets(1_500_000));
    assert!(first.join().unwrap().expect("a transfer").data == octets(2_000_000));
    let output = python.join().unwrap();
    assert!(output.stdout == octets(1_500_000));
    running.wait_for("reports_total", 3);
    running.wait_for("transfers_total{error=\"0x00000000\"}", 3);
    let blocks = running.metric("blocks_total");
    assert!(blocks > 5_000, "{blocks} blocks");
    assert!(running.metric("octets_total") > 5_000_000);
    assert_eq!(running.metric("bursts"), 0);
}
