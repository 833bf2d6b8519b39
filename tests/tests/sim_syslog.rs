//! The log of a boot, as a server receives it (RFC 5424, RFC 5426).

use e2e::Sim;
use image_server::{Rule, TftpFault};
use netsim::{Middle, Side};
use std::sync::{Arc, Mutex};
use testbed::ethernet::MAC;
use testbed::plan::firmware;
use testbed::{Plan, Protocol};

/// Lines that were sent to the server, and when, in ms.
type Lines = Arc<Mutex<Vec<(u64, String)>>>;

fn capture() -> (Lines, Middle) {
    let lines = Lines::default();
    let kept = lines.clone();
    let middle: Middle = Box::new(move |now, from, frame, out| {
        let ipv4 = frame[12..14] == [8, 0] && frame[23] == 17 && frame[36..38] == [2, 2];
        if from == Side::Client && ipv4 {
            let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
            let text = String::from_utf8(frame[42..end].to_vec()).expect("UTF-8");
            kept.lock().unwrap().push((now.as_millis(), text));
        }
        out.push((from, frame));
    });
    (lines, middle)
}

/// The value of a key in a line, the `nth` one.
fn value<'l>(line: &'l str, key: &str, nth: usize) -> Option<&'l str> {
    let mut values = line
        .split(' ')
        .filter_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    values.nth(nth)
}

/// PRI, VERSION, TIMESTAMP, HOSTNAME, APP-NAME, PROCID, MSGID and STRUCTURED-DATA (RFC 5424, section 6).
fn header(line: &str) -> [&str; 7] {
    let mut words = line.split(' ');
    std::array::from_fn(|_| words.next().expect("a header"))
}

fn plan(settings: &str) -> Plan {
    Plan {
        protocol: Protocol::Http,
        images: firmware(&[60_000, 3_000, 2_000]),
        settings: format!("probe off\nretry continue\n{settings}"),
        ..Plan::default()
    }
}

#[test]
fn each_stage_is_a_line_and_the_last_one_has_everything() {
    let plan = plan("");
    let (lines, middle) = capture();
    let server = [10, 0, 2, 2];
    Sim::new(&plan)
        .server(|config| config.lease.options.push((7, server.to_vec())))
        .middle(middle)
        .run()
        .assert_booted(&plan);
    let lines = lines.lock().unwrap();
    let ids: Vec<_> = lines.iter().map(|(_, line)| header(line)[5]).collect();
    let image = ["opened", "activated"];
    let expected = [&["configured"][..], &image, &image, &image, &["finished"]].concat();
    assert_eq!(ids, expected);
    for (_, line) in lines.iter() {
        let [pri, time, host, app, process, id, data] = header(line);
        let pri_of = if id == "finished" { "<133>1" } else { "<134>1" };
        assert_eq!(
            (pri, time, host, app, process, data),
            (pri_of, "-", "10.0.2.15", "caliptra-netboot", "-", "-")
        );
        let mac: String = MAC.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(value(line, "mac", 0), Some(&*mac));
        assert!(
            line.bytes().all(|octet| (b' '..=b'~').contains(&octet)),
            "{line}"
        );
        assert!(line.len() <= 1_200);
    }
    let (_, last) = lines.last().unwrap();
    assert_eq!(value(last, "status", 0), Some("0x00000000"));
    assert_eq!(value(last, "address", 0), Some("10.0.2.15/24"));
    for (index, image) in plan.images.iter().enumerate() {
        let digest = image.sha256().to_string();
        assert_eq!(value(last, "index", index), Some(&*index.to_string()));
        assert_eq!(value(last, "sha256", index), Some(&*digest));
        assert_eq!(
            value(last, "octets", index),
            Some(&*image.bytes.len().to_string())
        );
        assert_eq!(value(last, "outcome", index), Some("activated"));
        assert_eq!(value(last, "protocol", index), Some("http"));
    }
}

#[test]
fn a_setting_names_the_server_and_nobody_is_told_without_one() {
    for (settings, some) in [("syslog 10.0.2.2\n", true), ("", false)] {
        let plan = plan(settings);
        let (lines, middle) = capture();
        Sim::new(&plan).middle(middle).run().assert_booted(&plan);
        assert_eq!(!lines.lock().unwrap().is_empty(), some, "{settings}");
    }
}

/// A server that nobody can reach costs the boot nothing, and neither does one that is not there.
#[test]
fn a_log_never_holds_a_boot_up() {
    let took = |settings: &str| {
        let plan = plan(settings);
        let boot = Sim::new(&plan).run();
        boot.assert_booted(&plan);
        boot.took().as_millis()
    };
    let without = took("");
    for server in ["10.0.2.99", "192.0.2.1"] {
        let with = took(&format!("syslog {server}\n"));
        assert!(
            with <= without + 20,
            "{server}: {with} ms, {without} ms without"
        );
    }
}

#[test]
fn a_boot_that_fails_says_why_and_a_flood_of_failures_is_counted() {
    let mut plan = plan("syslog 10.0.2.2\nretry 40\n");
    plan.settings.push_str("total_ms 30000\n");
    let (lines, middle) = capture();
    let boot = Sim::new(&plan)
        .server(|config| config.files.clear())
        .middle(middle)
        .run();
    let lines = lines.lock().unwrap();
    let (_, last) = lines.last().unwrap();
    assert_eq!(header(last)[0], "<131>1");
    assert_eq!(header(last)[5], "finished");
    let status = boot.outcome.report.status();
    assert_eq!(value(last, "status", 0), Some(&*format!("0x{status:08x}")));
    assert!(value(last, "blame", 0).is_some());
    let mut others = lines.iter().rev().skip(1).map(|(_, line)| header(line));
    assert!(others.any(|header| (header[0], header[5]) == ("<132>1", "attempt-failed")));
    // Never more than eight in a second; two windows may meet.
    for (at, _) in lines.iter() {
        let second = lines
            .iter()
            .filter(|(other, _)| (*at..*at + 990).contains(other));
        assert!(second.count() <= 17, "and the last line");
    }
}

/// A server chooses the words of its errors. Whoever looks for pairs in a line must not find one there.
#[test]
fn words_of_a_server_are_no_pairs_of_a_line() {
    let mut plan = plan("syslog 10.0.2.2\nretry 3\n");
    plan.protocol = Protocol::Tftp;
    let (lines, middle) = capture();
    let words = "no. outcome=activated status=0x00000000 address=6.6.6.6/0";
    let boot = Sim::new(&plan)
        .server(|config| {
            let error = TftpFault::Error(2, words.into());
            config.faults.tftp.add(Rule::new(error));
        })
        .middle(middle)
        .run();
    let status = boot.outcome.report.status();
    let lines = lines.lock().unwrap();
    let mut told = 0;
    for (_, line) in lines.iter() {
        let (pairs, message) = line.split_once(" message=").unwrap_or((line, ""));
        let id = header(line)[5];
        if matches!(id, "attempt-failed" | "finished") {
            // The words are there, and end the line.
            assert!(message.contains("outcome:activated"), "{line}");
            assert!(message.ends_with("address:6.6.6.6/0)"), "{line}");
            told += 1;
        }
        assert!(!message.contains('='), "{line}");
        assert!(!pairs.contains("6.6.6.6"), "{line}");
        assert_ne!(value(line, "outcome", 0), Some("activated"), "{line}");
        if id == "finished" {
            assert_eq!(value(line, "status", 0), Some(&*format!("0x{status:08x}")));
            assert_eq!(value(line, "outcome", 0), Some("not-activated"));
            assert_eq!(value(line, "address", 0), Some("10.0.2.15/24"));
            assert_eq!(value(line, "address", 1), None);
        }
    }
    assert!(told >= 2, "{told}");
    // The console's last value goes to the end of its line, as its reader expects.
    for line in boot
        .console
        .lines()
        .filter(|line| line.contains(" message="))
    {
        let (pairs, message) = line.split_once(" message=").unwrap();
        assert!(!pairs.contains("6.6.6.6") && message.contains("outcome=activated"));
    }
}
