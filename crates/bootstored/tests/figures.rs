//! The time that unlocking takes, by the number of boards, on loopback with real daemons and mutual TLS.
//!
//! ```text
//! BOOTSTORE_FIGURES=1 cargo test --release -p bootstored --test figures -- --nocapture
//! ```

mod common;

use bootstored::control::{Answer, Request, Usage};
use common::pki::Authority;
use common::{Rack, free_ports};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Instant;

#[test]
fn unlock_time_by_number_of_boards() {
    let counts: &[usize] = if std::env::var_os("BOOTSTORE_FIGURES").is_some() {
        &[3, 5, 8, 16, 32]
    } else {
        &[3, 5]
    };
    println!(
        "| boards | shares needed | init-rack, ms | unlock, ms (median of 21) | resident memory, KiB |\n|---|---|---|---|---|"
    );
    for count in counts {
        let addresses: Vec<_> = free_ports(*count)
            .into_iter()
            .map(|port| SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0))
            .collect();
        let owner = Authority::new("owner");
        let names: Vec<_> = (0..*count).map(|n| format!("sled-{n}")).collect();
        let allow: Vec<_> = names.iter().map(String::as_str).collect();
        let mut rack = Rack::new(&addresses, None, |id, dir| {
            Some(owner.board(id, dir, &owner, &allow))
        });
        rack.start_all();
        rack.wait_connected();
        let begun = Instant::now();
        rack.boards[0].run_ok(&["init-rack", "--members", &rack.names(*count)]);
        let init = begun.elapsed().as_secs_f64() * 1000.0;
        let mut times: Vec<_> = (0..21)
            .map(|round| {
                let begun = Instant::now();
                let answer = rack.boards[round % count].ask(&Request::Unlock {
                    usage: Usage::Check,
                });
                assert!(matches!(answer, Answer::Unlocked { .. }), "{answer:?}");
                begun.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "| {count} | {} | {init:.0} | {:.2} | {} |",
            count / 2 + 1,
            times[10],
            rack.boards[0].memory()
        );
        assert!(times[10] < 1000.0, "{times:?}");
    }
}
