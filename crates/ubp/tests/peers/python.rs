//! The peer in Python: its client with the server of this crate, and its server with the client.

use crate::board::fetch;
use crate::server::{Running, Served};
use crate::{LOCAL, local, pattern};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

fn book(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// The peer with these arguments. Python 3 is on every machine that builds Rust's own tests; where it is missing the test fails and says so.
fn peer(arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg(book("tests/peers/ubp_peer.py")).args(arguments);
    command
}

#[test]
fn the_peer_is_short_and_needs_nothing() {
    let text = std::fs::read_to_string(book("tests/peers/ubp_peer.py")).unwrap();
    assert!(text.lines().count() <= 250);
    let modules: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("import "))
        .collect();
    let known = [
        "hashlib", "hmac", "os", "random", "socket", "struct", "sys", "time",
    ];
    assert_eq!(modules, known.map(|name| format!("import {name}")));
}

/// The vectors of the page: the peer knows each, and each is one of the vectors that the codec is tested with.
#[test]
fn the_vectors_of_the_page() {
    let page = std::fs::read_to_string(book("docs/src/ubp.md")).unwrap();
    let vectors = page.split("```text\n").nth(1).unwrap();
    let vectors = vectors.split("```").next().unwrap();
    let mut child = peer(&["vectors"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(vectors.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let known = String::from_utf8(output.stdout).unwrap();
    assert_eq!(known.lines().count(), 11);
    let tests = include_str!("../../src/wire/tests.rs");
    for line in vectors.lines() {
        let (_, octets) = line.split_once(' ').unwrap();
        assert!(tests.contains(&format!("\"{}\"", octets.trim())), "{line}");
    }
}

#[test]
fn the_peers_client_fetches_from_this_server() {
    for (address, len, loss) in [
        (LOCAL[0], 0, 0),
        (LOCAL[0], 1, 0),
        (LOCAL[1], 1_025, 0),
        (LOCAL[0], 1_100_000, 0),
        (LOCAL[0], 200_000, 5),
    ] {
        let file = Arc::new(Served::new(pattern(len)));
        let running = Running::start(local(address), file.clone(), None, loss);
        let port = running.address.port().to_string();
        let digest = file.object.digest.to_string();
        let loss = loss.to_string();
        for name in ["/fw.bin", ""] {
            let output = peer(&["fetch", address, &port, name, &digest, &loss]).output();
            let output = output.expect("python3 runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{said}");
            assert!(output.stdout == file.data, "{len} octets: {said}");
        }
        let refused = peer(&["fetch", address, &port, "/other"]).output();
        let refused = refused.expect("python3 runs");
        assert_eq!(refused.stderr, b"error 1\n");
        let reports = running.stop();
        // A report may be lost, too.
        assert!(loss != "0" || reports.len() == 2, "{reports:?}");
        for report in reports {
            assert_eq!((report.octets, report.state), (len as u64, 7));
        }
    }
}

/// Ends the server with the test, however that ends.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn this_client_fetches_from_the_peers_server() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fw.bin");
    for (address, len, loss) in [
        (LOCAL[0], 0, 0),
        (LOCAL[0], 1, 0),
        (LOCAL[1], 33_000, 0),
        (LOCAL[0], 1_100_000, 0),
        (LOCAL[0], 300_000, 5),
    ] {
        let file = Served::new(pattern(len));
        std::fs::write(&path, &file.data).unwrap();
        let loss_text = loss.to_string();
        let arguments = ["serve", address, path.to_str().unwrap(), &loss_text];
        let child = peer(&arguments).stdout(Stdio::piped()).spawn();
        let mut child = Ends(child.expect("python3 runs"));
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let port = lines.next().expect("a port").unwrap();
        let mut server = local(address);
        server.set_port(port.parse().unwrap());
        let digest = Some(file.object.digest);
        for (path, digest) in [("/fw.bin", digest), ("", digest), ("/fw.bin", None)] {
            let fetched = fetch(server, path, digest, loss).expect("a transfer");
            assert!(fetched.data == file.data, "{len} octets");
            let report = lines.next().expect("a report").unwrap();
            assert!(report.starts_with(&format!("report {len} 0 ")), "{report}");
        }
    }
}
