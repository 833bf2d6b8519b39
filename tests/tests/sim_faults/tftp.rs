//! TFTP servers that are silent, wrong or broken.

use super::{Case, End, SIZES, boot, ends, expecting, frames_of_a_good_boot, plan, seconds};
use e2e::Sim;
use image_server::{Content, Protocol, Rule, TftpFault};
use netboot_core::{Blame, Duration};
use testbed::plan::FILE_NAMES;

const TFTP: testbed::Protocol = testbed::Protocol::Tftp;

/// The error number for the server's own code.
const fn server_says(code: u32) -> End {
    let blame = match code {
        // As by HTTP: the path, or the rules for access.
        1 | 2 => Blame::Configuration,
        _ => Blame::Server,
    };
    End::Failed(0x0002_0020 + code, blame)
}

const fn bad_options(number: u32) -> End {
    End::Failed(0x0002_0000 + number, Blame::Peer)
}

fn options(list: &[(&str, &str)]) -> TftpFault {
    let own = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    TftpFault::Oack(list.iter().map(own).collect())
}

#[test]
fn a_server_that_is_always_wrong() {
    let plan = plan(TFTP);
    let error = |code: u16| TftpFault::Error(code, "no".into());
    let cases: Vec<Case<TftpFault>> = vec![
        (
            "no answer",
            TftpFault::NoAnswer,
            End::Failed(0x0002_0004, Blame::Network),
        ),
        (
            "shorter than tsize",
            TftpFault::Truncate(50_000),
            End::Failed(0x0002_0007, Blame::Server),
        ),
        (
            "tsize too small",
            TftpFault::Tsize(50_000),
            End::Failed(0x0002_0007, Blame::Server),
        ),
        (
            "tsize too large",
            TftpFault::Tsize(500_000),
            End::Failed(0x0002_0007, Blame::Server),
        ),
        ("malformed OACK", TftpFault::MalformedOack, bad_options(16)),
        (
            "unasked option",
            options(&[("tsize", "100000"), ("frobs", "1")]),
            bad_options(17),
        ),
        (
            "option twice",
            options(&[("tsize", "1"), ("tsize", "2")]),
            bad_options(18),
        ),
        ("larger blksize", TftpFault::LargerBlksize, bad_options(19)),
        (
            "tiny blksize",
            options(&[("blksize", "7")]),
            bad_options(19),
        ),
        (
            "blksize no number",
            options(&[("blksize", "many")]),
            bad_options(19),
        ),
        (
            "windowsize 0",
            options(&[("windowsize", "0")]),
            bad_options(20),
        ),
        (
            "larger windowsize",
            options(&[("windowsize", "17")]),
            bad_options(20),
        ),
        (
            "timeout unasked",
            options(&[("timeout", "3")]),
            bad_options(17),
        ),
        (
            "tsize no number",
            options(&[("tsize", "-1")]),
            bad_options(22),
        ),
        ("error 0", error(0), server_says(0)),
        ("error 1", error(1), server_says(1)),
        ("error 2", error(2), server_says(2)),
        ("error 3", error(3), server_says(3)),
        ("error 4", error(4), server_says(4)),
        ("error 5", error(5), server_says(5)),
        ("error 6", error(6), server_says(6)),
        ("error 7", error(7), server_says(7)),
        ("error 8", error(8), server_says(8)),
        (
            "error 99",
            error(99),
            End::Failed(0x0002_002F, Blame::Server),
        ),
        (
            "error later",
            TftpFault::ErrorAfter(40_000, 2, "no".into()),
            server_says(2),
        ),
        // The time of all resumptions together.
        (
            "dies in every transfer",
            TftpFault::DieAfter(40_000),
            End::Failed(0x0002_0005, Blame::Network),
        ),
        (
            "dies at once",
            TftpFault::DieAfter(0),
            End::Failed(0x0002_0005, Blame::Network),
        ),
        // What follows is odd and still can be lived with.
        ("foreign TID", TftpFault::ForeignTid, End::Booted),
        ("refuses options", TftpFault::RefuseOptions, End::Booted),
        ("ignores options", TftpFault::IgnoreOptions, End::Booted),
        ("duplicates", TftpFault::DuplicateData, End::Booted),
        (
            "slow",
            TftpFault::Slow(Duration::from_millis(900)),
            End::Booted,
        ),
        ("loses a block", TftpFault::LoseBlock(3), End::Booted),
        ("bursts", TftpFault::Burst(200, 1_500), End::Booted),
        ("unknown opcode", TftpFault::UnknownOpcode, End::Booted),
    ];
    for (what, fault, end) in cases {
        let boot = ends(what, &plan, &end, 240, |server| {
            server.faults.tftp.always(fault);
        });
        assert!(boot.waits < 50_000, "{what}: {} waits", boot.waits);
    }
}

#[test]
fn a_silent_server_is_noticed_in_time() {
    let plan = plan(TFTP);
    let end = End::Failed(0x0002_0004, Blame::Network);
    let boot = ends("no answer", &plan, &end, 12, |server| {
        server.faults.tftp.always(TftpFault::NoAnswer);
    });
    let requests = boot.served(Protocol::Tftp, FILE_NAMES[0]).len();
    assert!((4..=6).contains(&requests), "{requests} requests in 10 s");
}

/// Each DATA packet twice must not make each ACK twice: the Sorcerer's Apprentice.
#[test]
fn duplicates_do_not_multiply() {
    for windowsize in [1, 4, 16] {
        let mut plan = plan(TFTP);
        plan.settings += &format!("windowsize {windowsize}\n");
        let good = frames_of_a_good_boot(&plan);
        let boot = ends("duplicates", &plan, &End::Booted, 20, |server| {
            server.faults.tftp.always(TftpFault::DuplicateData);
        });
        let sent = boot.link.from_client.sent;
        assert!(
            sent <= good + good / 10 + 4,
            "{sent} frames, {good} when all is well"
        );
    }
}

/// The same when the link makes the duplicates.
#[test]
fn a_link_that_doubles_everything_costs_little() {
    let mut plan = plan(TFTP);
    plan.settings += "windowsize 1\n";
    let good = frames_of_a_good_boot(&plan);
    plan.link.duplicate = 1.0;
    let boot = boot(&plan, |_| ());
    boot.assert_booted(&plan);
    let sent = boot.link.from_client.sent;
    assert!(
        sent <= good + good / 5,
        "{sent} frames, {good} when all is well"
    );
}

#[test]
fn foreign_transfer_ids_are_answered_sparingly() {
    let plan = plan(TFTP);
    let good = frames_of_a_good_boot(&plan);
    let boot = ends("foreign TID", &plan, &End::Booted, 20, |server| {
        server.faults.tftp.always(TftpFault::ForeignTid);
    });
    // ERROR 5, at most one for each transfer and 100 ms.
    let sent = boot.link.from_client.sent;
    assert!(
        (good + 1..=good + 20).contains(&sent),
        "{sent} frames, {good} when all is well"
    );
}

#[test]
fn a_server_without_tsize_is_read_twice() {
    let plan = plan(TFTP);
    let boot = ends("no tsize", &plan, &End::Booted, 20, |server| {
        server.tftp.tsize = false;
    });
    for (name, size) in FILE_NAMES.iter().zip(SIZES) {
        let served: Vec<_> = boot.served(Protocol::Tftp, name);
        assert_eq!(served.len(), 2, "{name}");
        assert!(
            served
                .iter()
                .all(|served| served.complete && served.octets == size as u64)
        );
    }
}

#[test]
fn one_wrong_octet_is_never_activated() {
    let always = expecting(TFTP);
    let end = End::Failed(0x0007_0003, Blame::Server);
    let boot = ends("always wrong", &always, &end, 20, |server| {
        server.faults.tftp.always(TftpFault::Corrupt(70_000));
    });
    assert!(boot.outcome.images.iter().all(|image| !image.activated));

    // A platform that can reset the device begins anew.
    let mut once = expecting(TFTP);
    once.settings = "probe off\n".into();
    once.can_reset = true;
    let boot = ends("wrong once", &once, &End::Booted, 20, |server| {
        let rule = Rule::new(TftpFault::Corrupt(70_000))
            .named(FILE_NAMES[0])
            .times(1);
        server.faults.tftp.add(rule);
    });
    assert_eq!(boot.attempts_failed(), [0x0007_0003]);
    assert_eq!(boot.outcome.tally.resets, 1);
}

/// A server that dies is noticed, and the time for that is bounded: six silences of 10 s each, with the
/// waits between them.
#[test]
fn a_server_that_dies_is_noticed() {
    let mut plan = plan(TFTP);
    plan.device = "rate 10000\n".into();
    for at in [1, 3, 7] {
        let boot = Sim::new(&plan)
            .server(|server| server.faults.dies_at = Some(seconds(at)))
            .run();
        boot.check(&plan).unwrap();
        let error = boot.error().expect("an error");
        let code = netboot_core::Coded::code(error);
        assert!(
            matches!(code, 0x0002_0004 | 0x0002_0005),
            "{error}\n{}",
            boot.console
        );
        assert!(
            boot.took() < Duration::from_secs(at_most(at)),
            "{}",
            boot.console
        );
    }
}

const fn at_most(dies: u64) -> u64 {
    dies + 6 * 10 + 15
}

#[test]
fn an_empty_file_is_no_image() {
    let plan = plan(TFTP);
    let boot = boot(&plan, |server| {
        server
            .files
            .insert(FILE_NAMES[0].into(), Content::Bytes([].as_slice().into()));
    });
    boot.assert_failed(&plan, 0x0006_0010, Blame::Configuration);
}

/// The ring holds half of each window, on every boot path: the rest of the window comes after a time-out,
/// which must not grow beyond the server's patience.
#[test]
fn a_window_larger_than_the_ring_is_not_fatal() {
    for blksize in [512, 1_468] {
        let mut plan = plan(TFTP);
        plan.settings += &format!("blksize {blksize}\nwindowsize 32\n");
        plan.link.ring_limit = Some(16);
        let boot = ends("small ring", &plan, &End::Booted, 20, |_| ());
        assert_eq!(boot.resumes(0), 0);
        assert!(boot.link.from_server.ring_drops > 0);
    }
}

/// A file of many windows' worth of octets at the least block size: block numbers go round.
#[test]
fn block_numbers_go_round() {
    let mut plan = plan(TFTP);
    plan.images = testbed::plan::firmware(&[8 * 66_000, 8, 16]);
    plan.settings += "blksize 8\nwindowsize 16\n";
    ends("roll-over", &plan, &End::Booted, 20, |_| ());
}
