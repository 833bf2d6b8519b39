//! Transfers that break and are taken up again: not an octet twice, and never a mixture of two files.

use super::{SIZES, boot, plan};
use e2e::{Boot, Sim};
use image_server::config::EtagKind;
use image_server::{Content, HttpFault, Protocol, Rule, ServerConfig, TftpFault};
use netboot_core::{Blame, Duration, Instant};
use testbed::Plan;
use testbed::plan::{FILE_NAMES, Pointer};

const HTTP: testbed::Protocol = testbed::Protocol::Http;
const TFTP: testbed::Protocol = testbed::Protocol::Tftp;
const NAME: &str = FILE_NAMES[0];
const SIZE: u64 = SIZES[0] as u64;

const CONTENT_CHANGED: u32 = 0x0005_0013;
const SIZE_CHANGED: u32 = 0x0005_0012;

fn http_once(server: &mut ServerConfig, fault: HttpFault) {
    server
        .faults
        .http
        .add(Rule::new(fault).named(NAME).times(1));
}

/// From the second request on, `NAME` is another file of `size` octets.
fn http_then_other(server: &mut ServerConfig, size: u64) {
    let other = Content::Pattern { size, seed: 99 };
    let rule = Rule::new(HttpFault::Replace(other)).named(NAME).after(1);
    server.faults.http.add(rule);
}

/// Status, offset and octets of each answer for `NAME`.
fn answers(boot: &Boot) -> Vec<(u16, u64, u64)> {
    boot.served(Protocol::Http, NAME)
        .iter()
        .map(|served| (served.status, served.offset, served.octets))
        .collect()
}

/// After a reset, the rest comes by a range request from the very octet.
#[test]
fn http_goes_on_where_it_broke() {
    for at in [1, 777, 16_384, 65_536, SIZE - 1] {
        let plan = plan(HTTP);
        let boot = boot(&plan, |server| {
            http_once(server, HttpFault::ResetAfter(at));
        });
        boot.assert_booted(&plan);
        assert_eq!(answers(&boot), [(200, 0, at), (206, at, SIZE - at)]);
        assert_eq!((boot.resumes(0), boot.retries(0)), (1, 0));
    }
}

#[test]
fn http_goes_on_after_a_close_and_after_silence() {
    for (fault, longest) in [
        (HttpFault::CloseAfter(40_000), 1),
        (HttpFault::StallAfter(40_000), 11),
    ] {
        let plan = plan(HTTP);
        let boot = boot(&plan, |server| http_once(server, fault));
        boot.assert_booted(&plan);
        assert_eq!(answers(&boot)[1], (206, 40_000, SIZE - 40_000));
        assert!(
            boot.took() <= Duration::from_secs(longest + 4),
            "{}",
            boot.console
        );
    }
}

/// Whether reset after reset, each with some progress, ends well: only resumptions without progress are
/// counted against the limit.
#[test]
fn http_goes_on_as_long_as_there_is_progress() {
    let plan = plan(HTTP);
    let boot = boot(&plan, |server| {
        let rule = Rule::new(HttpFault::ResetAfter(17_000)).named(NAME);
        server.faults.http.add(rule);
    });
    boot.assert_booted(&plan);
    assert_eq!(boot.resumes(0), 5);
    let mut at = 0;
    for (_, offset, octets) in answers(&boot) {
        assert_eq!(offset, at);
        at += octets;
    }
    assert_eq!(at, SIZE);
}

/// Without a strong validator, or without ranges, the file is read again from its start, and its first
/// octets have to be those that the device has.
#[test]
fn http_without_a_validator_reads_from_the_start() {
    let changes: [fn(&mut ServerConfig); 4] = [
        |server| server.http.etag = EtagKind::Weak,
        |server| server.http.etag = EtagKind::None,
        |server| server.http.ranges = false,
        |server| server.faults.http.always(HttpFault::IgnoreRange),
    ];
    for change in changes {
        let plan = plan(HTTP);
        let boot = boot(&plan, |server| {
            http_once(server, HttpFault::ResetAfter(60_001));
            change(server);
        });
        boot.assert_booted(&plan);
        assert_eq!(answers(&boot), [(200, 0, 60_001), (200, 0, SIZE)]);
        assert_eq!(boot.resumes(0), 1);
    }
}

/// Another file in the middle of the transfer: the rest of it is never put behind the start of the first.
#[test]
fn http_another_file_is_noticed() {
    for etag in [EtagKind::Strong, EtagKind::Weak, EtagKind::None] {
        for (size, code) in [
            (SIZE, CONTENT_CHANGED),
            (SIZE + 1, SIZE_CHANGED),
            (SIZE - 1, SIZE_CHANGED),
        ] {
            let plan = plan(HTTP);
            let boot = boot(&plan, |server| {
                server.http.etag = etag;
                http_once(server, HttpFault::ResetAfter(60_000));
                http_then_other(server, size);
            });
            boot.assert_failed(&plan, code, Blame::Server);
            assert!(!boot.outcome.images[0].activated);
        }
    }
}

/// The file is replaced for good. The device holds part of the old one, so nothing but a reset of the device leads to the new one,
/// which is then delivered from its first octet on.
#[test]
fn a_new_file_is_delivered_whole_after_a_reset_of_the_device() {
    for protocol in [HTTP, TFTP] {
        let mut plan = plan(protocol);
        plan.settings = "probe off\n".into();
        plan.can_reset = true;
        let new = plan.images[0].bytes.clone();
        let boot = boot(&plan, |server| {
            let old = Content::Pattern {
                size: SIZE,
                seed: 5,
            };
            server.faults.http.once(HttpFault::Replace(old.clone()));
            server.faults.http.once(HttpFault::ResetAfter(60_000));
            server.faults.tftp.once(TftpFault::Replace(old));
            server.faults.tftp.once(TftpFault::DieAfter(60_000));
            assert_eq!(server.files.get(NAME), Some(&Content::Bytes(new)));
        });
        boot.assert_booted(&plan);
        assert_eq!(boot.attempts_failed(), [CONTENT_CHANGED]);
        assert_eq!(boot.outcome.tally.resets, 1);
    }
}

/// A server whose validator does not change with the file: a modification date of whole seconds. Only the
/// digest can tell, and does.
#[test]
fn a_validator_that_lies_is_found_out_by_the_digest() {
    let mut plan = plan(HTTP);
    plan.expect = true;
    let lie = |size: u64| {
        move |server: &mut ServerConfig| {
            server.http.etag = EtagKind::None;
            server
                .http
                .headers
                .push("Date: Sat, 01 Aug 2026 13:00:00 GMT".into());
            http_once(server, HttpFault::ResetAfter(60_000));
            http_then_other(server, size);
        }
    };
    let boot = boot_and_answers(&plan, lie(SIZE), 206);
    boot.assert_failed(&plan, 0x0007_0003, Blame::Server);
    assert!(!boot.outcome.images[0].activated);
    // With another size it is noticed at once.
    let boot = boot_and_answers(&plan, lie(SIZE + 5), 206);
    boot.assert_failed(&plan, 0x0003_0010, Blame::Server);
    // And in a part of a file too.
    plan.pointer = Pointer::FlashImage;
    let boot = self::boot(&plan, |server| {
        server.http.etag = EtagKind::None;
        server
            .http
            .headers
            .push("Date: Sat, 01 Aug 2026 13:00:00 GMT".into());
        let rule = Rule::new(HttpFault::ResetAfter(60_000)).after(1).times(1);
        server.faults.http.add(rule);
        let other = Content::Pattern {
            size: 1 << 20,
            seed: 9,
        };
        server
            .faults
            .http
            .add(Rule::new(HttpFault::Replace(other)).after(2));
    });
    boot.assert_failed(&plan, 0x0003_0010, Blame::Server);
}

/// Boots, and checks that the second answer had this status.
fn boot_and_answers(plan: &Plan, change: impl FnOnce(&mut ServerConfig), status: u16) -> Boot {
    let boot = boot(plan, change);
    assert_eq!(answers(&boot)[1].0, status, "{}", boot.console);
    boot
}

#[test]
fn a_range_other_than_the_one_asked_for_is_refused() {
    for (range, number) in [
        ("bytes 0-39999/100000", 15),
        ("bytes 59999-99999/100000", 15),
        ("bytes 60000-99999/50000", 13),
        ("bytes 60000-50000/100000", 13),
        ("octets 60000-99999/100000", 13),
        ("bytes */100000", 13),
        ("", 13),
    ] {
        let plan = plan(HTTP);
        let boot = boot(&plan, |server| {
            http_once(server, HttpFault::ResetAfter(60_000));
            server
                .faults
                .http
                .always(HttpFault::ContentRange(range.into()));
        });
        boot.assert_failed(&plan, 0x0003_0000 + number, Blame::Peer);
        assert!(!boot.outcome.images[0].activated);
    }
}

/// A part of a flash image is asked for from its first octet on, and resumed inside.
#[test]
fn a_part_of_a_file_is_resumed_inside_of_it() {
    let plan = Plan {
        pointer: Pointer::FlashImage,
        ..plan(HTTP)
    };
    let boot = boot(&plan, |server| {
        // The first request is for the table.
        let rule = Rule::new(HttpFault::ResetAfter(50_000)).after(1).times(1);
        server.faults.http.add(rule);
    });
    boot.assert_booted(&plan);
    let first = 12 + 3 * 84;
    let offsets: Vec<_> = boot
        .served(Protocol::Http, "flash.bin")
        .iter()
        .map(|served| (served.status, served.offset))
        .collect();
    let [a, b, _] = SIZES.map(|size| size as u64);
    assert_eq!(
        offsets,
        [
            (200, 0),
            (206, first),
            (206, first + 50_000),
            (206, first + a),
            (206, first + a + b)
        ]
    );
}

/// TFTP cannot begin in the middle: the file is read again, skipped so far, and proved by its hash.
#[test]
fn tftp_skips_what_it_has() {
    for at in [1_468, 20_000, 99_000] {
        let plan = plan(TFTP);
        let boot = boot(&plan, |server| {
            let rule = Rule::new(TftpFault::DieAfter(at)).named(NAME).times(1);
            server.faults.tftp.add(rule);
        });
        boot.assert_booted(&plan);
        let served = boot.served(Protocol::Tftp, NAME);
        // The record of the dead transfer comes when the server forgets it.
        assert!(
            served
                .last()
                .is_some_and(|served| served.complete && served.octets == SIZE)
        );
        assert_eq!((boot.resumes(0), boot.retries(0)), (1, 0));
        assert!(boot.took() < Duration::from_secs(40), "{}", boot.console);
    }
}

#[test]
fn tftp_another_file_is_noticed() {
    for (size, code) in [
        (SIZE, CONTENT_CHANGED),
        (SIZE + 1, SIZE_CHANGED),
        (30_000, SIZE_CHANGED),
    ] {
        let plan = plan(TFTP);
        let boot = boot(&plan, |server| {
            let rule = Rule::new(TftpFault::DieAfter(60_000)).named(NAME).times(1);
            server.faults.tftp.add(rule);
            let other = Content::Pattern { size, seed: 99 };
            let rule = Rule::new(TftpFault::Replace(other)).named(NAME).after(1);
            server.faults.tftp.add(rule);
        });
        boot.assert_failed(&plan, code, Blame::Server);
        assert!(!boot.outcome.images[0].activated);
    }
}

/// The cable is out for a while, in the middle of a transfer.
#[test]
fn a_cable_that_was_out_costs_a_resumption_at_most() {
    for (protocol, out) in [
        (HTTP, 3),
        (HTTP, 15),
        (HTTP, 40),
        (TFTP, 3),
        (TFTP, 15),
        (TFTP, 40),
    ] {
        let mut plan = plan(protocol);
        plan.link.bandwidth_bps = Some(400_000);
        let from = Instant::from_millis(1_000);
        let boot = Sim::new(&plan)
            .at(from, |world| world.link.set_down(true))
            .at(from + Duration::from_secs(out), |world| {
                world.link.set_down(false)
            })
            .run();
        boot.assert_booted(&plan);
        assert_eq!(boot.attempts_failed(), Vec::<u32>::new());
        // Found out by time-outs that double: at most twice the time, and the settling of the boot.
        assert!(
            boot.took() < Duration::from_secs(out * 2 + 25),
            "{protocol:?} {out}: {}",
            boot.took()
        );
    }
}
