//! HTTP servers that are silent, wrong or broken.

use super::{Case, End, boot, ends, expecting, frames_of_a_good_boot, plan, seconds};
use e2e::Sim;
use image_server::config::{Framing, Redirect};
use image_server::{Content, HttpFault, Protocol, Rule};
use netboot_core::{Blame, Coded, Duration};
use testbed::plan::{FILE_NAMES, SERVER};

const HTTP: testbed::Protocol = testbed::Protocol::Http;

const fn peer(number: u32) -> End {
    End::Failed(0x0003_0000 + number, Blame::Peer)
}

const fn server(number: u32) -> End {
    End::Failed(0x0003_0000 + number, Blame::Server)
}

const STATUS: u32 = 22;

fn redirect(location: &str) -> HttpFault {
    HttpFault::Redirect(302, location.into())
}

#[test]
fn a_server_that_is_always_wrong() {
    let plan = plan(HTTP);
    let stalled = || End::Failed(0x0005_000D, Blame::Network);
    let cases: Vec<Case<HttpFault>> = vec![
        (
            "never answers",
            HttpFault::NeverAnswer,
            End::Failed(0x0005_0019, Blame::Network),
        ),
        ("stalls", HttpFault::StallAfter(0), stalled()),
        (
            "resets",
            HttpFault::ResetAfter(0),
            End::Failed(0x0005_000C, Blame::Server),
        ),
        (
            "closes",
            HttpFault::CloseAfter(0),
            End::Failed(0x0003_0013, Blame::Network),
        ),
        ("garbage", HttpFault::GarbageHead, peer(4)),
        (
            "huge head",
            HttpFault::HugeHead(50_000),
            End::Failed(0x0003_0005, Blame::Caller),
        ),
        ("endless interim", HttpFault::Interim(20), peer(8)),
        ("bad chunk", HttpFault::BadChunk, peer(17)),
        (
            "two lengths",
            HttpFault::Header("Content-Length: 5".into()),
            peer(10),
        ),
        (
            "bad length",
            HttpFault::Header("Content-Length: all".into()),
            peer(9),
        ),
        (
            "coding",
            HttpFault::Header("Transfer-Encoding: gzip".into()),
            peer(11),
        ),
        (
            "compressed",
            HttpFault::Header("Content-Encoding: gzip".into()),
            peer(12),
        ),
        ("folded line", HttpFault::Header(" folded".into()), peer(6)),
        (
            "longer than said",
            HttpFault::ContentLength(-50_000),
            peer(0),
        ),
        // Asked for the rest, it says that there is none.
        (
            "shorter than said",
            HttpFault::ContentLength(50_000),
            server(23),
        ),
        ("loop", HttpFault::RedirectLoop, server(30)),
        ("to TFTP", redirect("tftp://10.0.2.2/x"), server(27)),
        ("to nowhere", redirect("http://"), server(25)),
        (
            "to a password",
            redirect("http://a:b@10.0.2.3/x"),
            server(28),
        ),
        ("no location", HttpFault::Status(302, None), server(24)),
        ("upgrade", HttpFault::Status(101, None), peer(7)),
        ("400", HttpFault::Status(400, None), server(STATUS)),
        (
            "401",
            HttpFault::Status(401, None),
            End::Failed(0x0003_0016, Blame::Configuration),
        ),
        (
            "403",
            HttpFault::Status(403, None),
            End::Failed(0x0003_0016, Blame::Configuration),
        ),
        (
            "404",
            HttpFault::Status(404, None),
            End::Failed(0x0003_0016, Blame::Configuration),
        ),
        ("416", HttpFault::Status(416, None), server(23)),
        ("500", HttpFault::Status(500, None), server(STATUS)),
        ("503", HttpFault::Status(503, None), server(STATUS)),
        (
            "503 for 2 s each",
            HttpFault::Status(503, Some(2)),
            server(STATUS),
        ),
        (
            "503 for a day",
            HttpFault::Status(503, Some(86_400)),
            server(STATUS),
        ),
        (
            "503 for ever",
            HttpFault::Status(503, Some(u32::MAX)),
            server(STATUS),
        ),
        // What follows is odd and still can be lived with.
        (
            "late",
            HttpFault::Delay(Duration::from_secs(8)),
            End::Booted,
        ),
        ("drip", HttpFault::Drip(20_000), End::Booted),
        ("interim", HttpFault::Interim(5), End::Booted),
        ("HTTP/1.0", HttpFault::Http10, End::Booted),
        ("silent close", HttpFault::SilentClose, End::Booted),
        (
            "trailing octets",
            HttpFault::Trailing(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            End::Booted,
        ),
        ("bursts", HttpFault::Burst(200, 1_500), End::Booted),
        ("chunks", HttpFault::Framing(Framing::Chunked), End::Booted),
        (
            "until the close",
            HttpFault::Framing(Framing::Close),
            End::Booted,
        ),
        ("long field", HttpFault::HugeHead(5_000), End::Booted),
        (
            "strange field",
            HttpFault::Header("X-Strange: \u{a0}\t".into()),
            End::Booted,
        ),
    ];
    for (what, fault, end) in cases {
        let end = match (what, end) {
            // The image is cut where the server said; the device finds out.
            ("longer than said", _) => End::Failed(0x0006_0015, Blame::Server),
            (_, end) => end,
        };
        let boot = ends(what, &plan, &end, 120, |server| {
            server.faults.http.always(fault);
        });
        assert!(boot.waits < 50_000, "{what}: {} waits", boot.waits);
    }
}

#[test]
fn wrong_lengths_are_noticed_before_the_first_octet_when_the_size_is_known() {
    for error in [-50_000, 50_000] {
        let plan = expecting(HTTP);
        let end = End::Failed(0x0007_0002, Blame::Server);
        let boot = ends("length", &plan, &end, 10, |server| {
            server.faults.http.always(HttpFault::ContentLength(error));
        });
        assert_eq!(boot.outcome.images[0].octets, 0);
    }
}

#[test]
fn a_dead_server_is_noticed_in_time() {
    let plan = plan(HTTP);
    // The connection is not answered.
    let end = End::Failed(0x0005_000A, Blame::Network);
    ends("nobody", &plan, &end, 12, |server| {
        server.lease.boot_file = Some("http://10.0.2.66/".into());
    });
    // It is refused.
    let end = End::Failed(0x0005_000B, Blame::Server);
    ends("refused", &plan, &end, 2, |server| server.http.backlog = 0);
    // It is taken and the request is not answered.
    let end = End::Failed(0x0005_0019, Blame::Network);
    ends("mute", &plan, &end, 85, |server| {
        server.faults.http.always(HttpFault::NeverAnswer);
    });
}

/// Stall time and connection time, once and for five resumptions, with the waits between them.
#[test]
fn a_server_that_dies_is_noticed() {
    let mut plan = plan(HTTP);
    plan.device = "rate 10000\n".into();
    for at in [1, 3, 7] {
        let boot = Sim::new(&plan)
            .server(|server| server.faults.dies_at = Some(seconds(at)))
            .run();
        boot.check(&plan).unwrap();
        let error = boot.error().expect("an error");
        assert!(
            matches!(error.code(), 0x0005_000A | 0x0005_000D),
            "{error}\n{}",
            boot.console
        );
        let most = Duration::from_secs(at + 6 * 10 + 15);
        assert!(boot.took() < most, "{}", boot.console);
    }
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let plan = plan(HTTP);
    let boot = ends("503 once", &plan, &End::Booted, 10, |server| {
        server.faults.http.once(HttpFault::Status(503, Some(2)));
    });
    assert!(boot.took() >= Duration::from_secs(2));
    assert_eq!(boot.attempts_failed(), Vec::<u32>::new());
}

#[test]
fn redirects_are_followed() {
    let plan = plan(HTTP);
    for location in [
        "/moved/fw.bin",
        "moved/fw.bin",
        "http://10.0.2.2/moved/fw.bin",
        "//10.0.2.2/moved/fw.bin",
    ] {
        ends(location, &plan, &End::Booted, 10, |server| {
            let file = server.files.remove(FILE_NAMES[0]).expect("the file");
            server.files.insert("moved/fw.bin".into(), file);
            let redirect = Redirect {
                status: 307,
                location: location.into(),
            };
            server
                .http
                .redirects
                .insert(format!("/{}", FILE_NAMES[0]), redirect);
        });
    }
}

#[test]
fn a_chain_of_redirects_is_left() {
    let plan = plan(HTTP);
    let end = server(29);
    ends("chain", &plan, &end, 10, |server| {
        for hop in 0..20 {
            let from = match hop {
                0 => format!("/{}", FILE_NAMES[0]),
                hop => format!("/{hop}"),
            };
            let redirect = Redirect {
                status: 302,
                location: format!("/{}", hop + 1),
            };
            server.http.redirects.insert(from, redirect);
        }
    });
}

#[test]
fn a_password_in_the_pointer_opens_the_server() {
    let plan = plan(HTTP);
    let with = |user: &str| {
        let pointer = format!("http://{user}@{SERVER}/");
        move |server: &mut image_server::ServerConfig| {
            server.http.basic_auth = Some(("boot".into(), "s3cret".into()));
            server.lease.boot_file = Some(pointer);
        }
    };
    let boot = ends("right", &plan, &End::Booted, 10, with("boot:s3cret"));
    assert!(!boot.console.contains("s3cret"), "{}", boot.console);
    let end = End::Failed(0x0003_0016, Blame::Configuration);
    let boot = ends("wrong", &plan, &end, 10, with("boot:secret"));
    assert!(!boot.console.contains("secret"), "{}", boot.console);
}

#[test]
fn one_wrong_octet_is_never_activated() {
    let always = expecting(HTTP);
    let end = End::Failed(0x0007_0003, Blame::Server);
    let boot = ends("always wrong", &always, &end, 20, |server| {
        server.faults.http.always(HttpFault::Corrupt(70_000));
    });
    assert!(boot.outcome.images.iter().all(|image| !image.activated));

    // A platform that can reset the device begins anew.
    let mut once = expecting(HTTP);
    once.settings = "probe off\n".into();
    once.can_reset = true;
    let boot = ends("wrong once", &once, &End::Booted, 20, |server| {
        let rule = Rule::new(HttpFault::Corrupt(70_000))
            .named(FILE_NAMES[0])
            .times(1);
        server.faults.http.add(rule);
    });
    assert_eq!(boot.attempts_failed(), [0x0007_0003]);
    assert_eq!(boot.outcome.tally.resets, 1);
}

/// A size that no server tells is found out by reading the file once.
#[test]
fn a_body_of_unknown_size_is_read_twice() {
    for framing in [Framing::Chunked, Framing::Close] {
        let plan = plan(HTTP);
        let boot = ends("unknown size", &plan, &End::Booted, 20, |server| {
            server.http.framing = framing;
        });
        for name in FILE_NAMES {
            let served = boot.served(Protocol::Http, name);
            assert_eq!(served.len(), 2, "{name}");
            assert!(served.iter().all(|served| served.status == 200));
        }
    }
}

/// A connection serves all three images, and not one segment more than needed is sent.
#[test]
fn a_connection_is_used_again() {
    let plan = plan(HTTP);
    let kept = frames_of_a_good_boot(&plan);
    let boot = boot(&plan, |server| server.http.keep_alive = false);
    boot.assert_booted(&plan);
    let opened = boot.link.from_client.sent;
    assert!(
        kept < opened,
        "{kept} frames with one connection, {opened} with three"
    );
}

#[test]
fn an_empty_file_is_no_image() {
    let plan = plan(HTTP);
    let boot = boot(&plan, |server| {
        server
            .files
            .insert(FILE_NAMES[0].into(), Content::Bytes([].as_slice().into()));
    });
    boot.assert_failed(&plan, 0x0006_0010, Blame::Configuration);
}

/// The server closes the idle connection while the device verifies, just as the next request goes out.
#[test]
fn a_connection_closed_while_idle_is_opened_again() {
    let mut plan = plan(HTTP);
    for verify_ms in [900, 990, 999, 1_000, 1_001, 1_010, 1_500] {
        plan.device = format!("verify_ms {verify_ms}\n");
        plan.link.delay = Duration::from_millis(5);
        let boot = boot(&plan, |server| {
            server.http.idle_timeout = Duration::from_secs(1);
        });
        boot.assert_booted(&plan);
    }
}
