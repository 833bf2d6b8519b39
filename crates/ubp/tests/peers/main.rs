//! Transfers over UDP sockets on the loopback: this crate with itself, and with the peer in Python that was written from the specification alone. Then what
//! Wireshark says of such a conversation.

mod board;
mod dissector;
mod python;
mod server;

use board::{Fetched, fetch};
use netboot_ubp::server::Bucket;
use netboot_ubp::{Instant, UbpError, wire};
use server::{Running, Served};
use std::net::SocketAddr;
use std::sync::Arc;

/// Octets that depend on their place.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

const LOCAL: [&str; 2] = ["127.0.0.1", "::1"];

fn local(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse().expect("an address"), 0)
}

#[test]
fn client_and_server_over_sockets() {
    for address in LOCAL {
        for len in [0, 1, 40_000, 1_300_000] {
            let file = Arc::new(Served::new(pattern(len)));
            let running = Running::start(local(address), file.clone(), None, 0);
            for (path, digest) in [
                ("/fw.bin", Some(file.object.digest)),
                ("", Some(file.object.digest)),
                ("/fw.bin", None),
            ] {
                let fetched = fetch(running.address, path, digest, 0).expect("a transfer");
                assert!(fetched.data == file.data, "{address}, {len} octets");
            }
            let reports = running.stop();
            assert_eq!(reports.len(), 3);
            assert!(reports.iter().all(|report| report.octets == len as u64));
        }
    }
}

#[test]
fn losses_over_sockets() {
    let file = Arc::new(Served::new(pattern(700_000)));
    let running = Running::start(local("127.0.0.1"), file.clone(), None, 3);
    let digest = Some(file.object.digest);
    let Fetched { data, stats, .. } =
        fetch(running.address, "/fw.bin", digest, 3).expect("a transfer");
    assert!(data == file.data);
    assert!(stats.lost > 5 && stats.wrong == 0, "{stats:?}");
    running.stop();
}

#[test]
fn refusals_over_sockets() {
    let file = Arc::new(Served::new(pattern(700)));
    let running = Running::start(local("127.0.0.1"), file, None, 0);
    let code = wire::ErrorCode::NOT_FOUND;
    let error = fetch(running.address, "/other", None, 0).map(|_| ());
    assert_eq!(error, Err(UbpError::Server { code }));
    running.stop();
}

#[test]
fn a_busy_server_over_sockets() {
    let file = Arc::new(Served::new(pattern(300_000)));
    let budget = Bucket::new(1_000_000, 70_000, Instant::ZERO);
    let running = Running::start(local("127.0.0.1"), file.clone(), Some(budget), 0);
    let digest = Some(file.object.digest);
    let fetched = fetch(running.address, "/fw.bin", digest, 0).expect("a transfer");
    assert!(fetched.data == file.data);
    assert!(fetched.micros > 150_000, "{} us", fetched.micros);
    running.stop();
}
