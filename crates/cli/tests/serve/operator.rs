//! What the operator says and sees: budget, metrics, signals, errors.

use crate::board::fetch;
use crate::common::{Folder, octets};
use crate::running::{Asking, Running};
use netboot_ubp::wire::{Answer, Name};
use rustix::process::Signal;
use std::time::{Duration, Instant};

#[test]
fn beyond_the_budget_it_is_busy() {
    let folder = Folder::new();
    folder.put("fw.bin", &octets(400_000));
    let running = Running::start(&folder, "127.0.0.1", &["--rate", "1M"]);
    let fetched = fetch(running.address, "/fw.bin", None, 0).expect("a transfer");
    assert!(fetched.data == octets(400_000));
    // What the bucket holds and one GET are free.
    assert!(fetched.micros > 250_000, "{} us", fetched.micros);
    assert!(running.metric("busy_total") > 0);
    running.stop(Signal::TERM);

    let running = Running::start(&folder, "127.0.0.1", &["--rate", "1k"]);
    let asking = Asking::of(running.address);
    let (cookie, id) = asking.opened("/fw.bin");
    // 64 blocks are as much as the bucket holds, and a debt of 512 octets.
    asking.get(cookie, id, u64::MAX, 0);
    for _ in 0..64 {
        asking.answer(|answer| assert!(matches!(answer, Answer::Data { .. })));
    }
    asking.open(Name::Path(b"/fw.bin"));
    asking.answer(|answer| match answer {
        Answer::Busy { token: 7, retry } => assert!((300..=513).contains(&retry), "{retry} ms"),
        other => panic!("{other:?}"),
    });
    assert_eq!(running.metric("busy_total"), 1);
}

#[test]
fn each_get_has_its_gap() {
    let folder = Folder::new();
    folder.put("fw.bin", &octets(100_000));
    let running = Running::start(&folder, "127.0.0.1", &[]);
    let slow = Asking::of(running.address);
    let (cookie, id) = slow.opened("/fw.bin");
    let began = Instant::now();
    slow.get(cookie, id, 0x1f, 50_000);
    // Another client has the whole file in the meantime.
    let fetched = fetch(running.address, "/fw.bin", None, 0).expect("a transfer");
    assert!(fetched.data == octets(100_000));
    assert_eq!(running.metric("bursts"), 1);
    for at in 0..5 {
        slow.answer(|answer| match answer {
            Answer::Data { number, .. } => assert_eq!(number, at),
            other => panic!("{other:?}"),
        });
    }
    let time = began.elapsed();
    assert!(time >= Duration::from_millis(200), "{time:?}");
}

#[test]
fn reports_are_lines_and_counted() {
    let folder = Folder::new();
    folder.put("fw.bin", &octets(5000));
    let mut running = Running::start(&folder, "127.0.0.1", &[]);
    let asking = Asking::of(running.address);
    let (cookie, id) = asking.opened("/fw.bin");
    let from = asking.0.local_addr().unwrap();
    for (error, end) in [
        (0, "done"),
        (
            0x0007_0003,
            "error 0x00070003: SHA-256 not as expected, not activated; found another value",
        ),
        (
            0xffff_0001,
            "error 0xffff0001: an error that the table lacks",
        ),
    ] {
        asking.report(cookie, id, error);
        let line = format!("{from} /fw.bin: 0 octets in 0 ms, {end}");
        assert_eq!(running.report(), line);
        let name = format!("transfers_total{{error=\"{error:#010x}\"}}");
        running.wait_for(&name, 1);
    }
    std::fs::remove_file(folder.path("fw.bin")).unwrap();
    asking.get(cookie, id, 1, 0);
    assert_eq!(asking.error(cookie), 4);
    asking.report(cookie, id, 1);
    let line = running.report();
    assert!(
        line.contains(&format!(" a file that is gone ({id:08x}): ")),
        "{line}"
    );
    assert_eq!(running.metric("reports_total"), 4);
    let health = running.http("GET /healthz HTTP/1.1\r\n\r\n");
    assert!(health.ends_with("\r\n\r\nok\n"), "{health}");
    let other = running.http("GET /x HTTP/1.1\r\n\r\n");
    assert!(other.starts_with("HTTP/1.1 404 "), "{other}");
}

#[test]
fn quiet_leaves_reports_out() {
    let folder = Folder::new();
    folder.put("fw.bin", &octets(5000));
    let running = Running::start(&folder, "127.0.0.1", &["--quiet"]);
    fetch(running.address, "/fw.bin", None, 0).expect("a transfer");
    running.wait_for("reports_total", 1);
    assert_eq!(running.stop_and_read(Signal::INT), (Some(0), Vec::new()));
}

#[test]
fn a_reader_of_the_lines_that_goes_does_not_end_it() {
    let folder = Folder::new();
    folder.put("fw.bin", &octets(5000));
    let mut running = Running::start(&folder, "127.0.0.1", &[]);
    running.close_lines();
    for at in 1..4 {
        fetch(running.address, "/fw.bin", None, 0).expect("a transfer");
        running.wait_for("reports_total", at);
    }
    assert_eq!(running.stop(Signal::TERM).0, Some(0));
}

#[test]
fn signals_end_it_in_the_middle_of_a_burst() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = Folder::new();
        folder.put("fw.bin", &octets(100_000));
        let running = Running::start(&folder, "127.0.0.1", &[]);
        let asking = Asking::of(running.address);
        let (cookie, id) = asking.opened("/fw.bin");
        asking.get(cookie, id, u64::MAX, 65_535);
        running.wait_for("bursts", 1);
        let began = Instant::now();
        assert_eq!(running.stop(signal), (Some(0), String::new()));
        assert!(began.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let folder = Folder::new();
    folder.put("file", b"x");
    let running = Running::start(&folder, "127.0.0.1", &[]);
    let taken = running.address.to_string();
    for (arguments, code, text) in [
        (
            vec!["serve", "file"],
            1,
            "netboot: cannot serve file: it is no folder",
        ),
        (
            vec!["serve", "none"],
            1,
            "netboot: cannot serve none: No such file",
        ),
        (
            vec!["serve", ".", "--bind", &taken],
            1,
            "another program has the port",
        ),
        (
            vec!["serve", ".", "--bind", "192.0.2.1:6910"],
            1,
            "netboot: cannot serve at 192.0.2.1:6910: ",
        ),
        (vec!["serve", ".", "--rate", "0"], 2, "such as 500k"),
        (vec!["serve", ".", "--bind", "6910"], 2, "--bind"),
        (
            vec![
                "serve",
                ".",
                "--bind",
                "127.0.0.1:0",
                "--metrics",
                "192.0.2.1:1",
            ],
            1,
            "cannot listen at 192.0.2.1:1 for --metrics",
        ),
    ] {
        let (status, said) = folder.netboot(&arguments);
        assert_eq!(status, code, "{said}");
        assert!(said.contains(text), "{arguments:?}: {said}");
    }
}
