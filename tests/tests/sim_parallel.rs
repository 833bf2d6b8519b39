//! One image over several HTTP connections: faster over a long way, the same octets in the same order, and one connection
//! wherever the server does not play along.

use e2e::hostile::Attack;
use e2e::{Boot, Sim};
use image_server::config::{EtagKind, Framing};
use image_server::{Content, HttpFault, Protocol, Rule, Served, ServerConfig};
use netboot_core::{Blame, Duration, Instant};
use netsim::{LinkConfig, Side};
use testbed::Plan;
use testbed::plan::{FILE_NAMES, Pointer, firmware};

const NAME: &str = FILE_NAMES[0];
const SIZES: [usize; 3] = [1_200_001, 3_000, 2_001];
const SIZE: u64 = SIZES[0] as u64;
/// Octets of a stripe: the receive buffer of 16 KiB without the room that is left.
const STRIPE: u64 = 16 * 1024 - 2560;

const WRONG_RANGE: u32 = 0x0003_000f;
const CHANGED: u32 = 0x0003_0010;
const BAD_CONTENT_RANGE: u32 = 0x0003_000d;
const CONTENT_CHANGED: u32 = 0x0005_0013;

/// A boot by HTTP over a way of `delay`, with memory for four connections.
fn plan(delay: Duration) -> Plan {
    Plan {
        protocol: testbed::Protocol::Http,
        images: firmware(&SIZES),
        link: LinkConfig::with_delay(delay),
        settings: "probe off\nretry continue\n".into(),
        parallel: true,
        ..Plan::default()
    }
}

/// A long way.
fn far() -> Plan {
    plan(Duration::from_millis(10))
}

fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    Sim::new(plan).server(change).run()
}

/// Takes a fault for the answer to request number `after` for the file, from 0.
fn once(server: &mut ServerConfig, after: u32, fault: HttpFault) {
    let rule = Rule::new(fault).named(NAME).after(after).times(1);
    server.faults.http.add(rule);
}

fn answers(boot: &Boot) -> Vec<&Served> {
    boot.served(Protocol::Http, NAME)
}

/// Whether the file was cut into stripes, each of them sent once.
fn is_divided(boot: &Boot) -> bool {
    let mut offsets: Vec<_> = answers(boot).iter().map(|served| served.offset).collect();
    offsets.sort_unstable();
    let wanted = (0..SIZE).step_by(STRIPE as usize);
    offsets.into_iter().eq(wanted)
}

/// Octets per second of the first image.
fn rate(boot: &Boot) -> f64 {
    let image = &boot.outcome.report.images[0];
    image.octets as f64 * 1e6 / image.transfer.as_micros() as f64
}

/// The goal: four connections over a long way are three times as fast as one, and nothing is fetched twice.
#[test]
fn four_connections_are_three_times_as_fast_over_a_long_way() {
    // Of some length: four round trips go by until all connections are at work.
    let four = Plan {
        images: firmware(&[2_400_001, 3_000, 2_001]),
        ..far()
    };
    let one = Plan {
        settings: four.settings.clone() + "connections 1\n",
        ..four.clone()
    };
    let mut rates = Vec::new();
    for plan in [&four, &one] {
        let boot = boot(plan, |_| ());
        boot.assert_booted(plan);
        assert_eq!(answers(&boot).len() > 1, plan.settings == four.settings);
        let octets: u64 = answers(&boot).iter().map(|served| served.octets).sum();
        assert_eq!(octets, 2_400_001);
        assert_eq!(boot.resumes(0), 0);
        rates.push(rate(&boot));
    }
    let ratio = rates[0] / rates[1];
    assert!(ratio >= 3.0, "{ratio}: {rates:?}");
}

/// Over a short way, or where one connection was asked for, or without memory for more, there is a single plain request.
#[test]
fn one_connection_where_more_are_not_worth_it_or_not_allowed() {
    let alone = Plan {
        settings: far().settings + "connections 1\n",
        ..far()
    };
    let no_memory = Plan {
        parallel: false,
        ..far()
    };
    let near = plan(Duration::from_micros(100));
    let near_by_setting = Plan {
        settings: far().settings + "connections_ms 100\n",
        ..far()
    };
    for plan in [alone, no_memory, near, near_by_setting] {
        let boot = boot(&plan, |_| ());
        boot.assert_booted(&plan);
        let answers = answers(&boot);
        assert_eq!(answers.len(), 1);
        assert_eq!((answers[0].status, answers[0].octets), (200, SIZE));
    }
}

/// Two and three connections are possible, too, and the octets are right however the file is cut.
#[test]
fn any_number_of_connections_and_any_size() {
    let edges = [
        1,
        STRIPE - 1,
        STRIPE,
        STRIPE + 1,
        2 * STRIPE,
        5 * STRIPE + 7,
    ];
    for connections in 2..=4 {
        for size in edges {
            let plan = Plan {
                images: firmware(&[size as usize, 3_000, 2_001]),
                settings: format!("{}connections {connections}\n", far().settings),
                ..far()
            };
            let boot = boot(&plan, |_| ());
            boot.assert_booted(&plan);
            let answers = answers(&boot);
            assert_eq!(answers.len() as u64, size.div_ceil(STRIPE), "{size}");
            assert!(answers.iter().all(|served| served.status == 206));
        }
    }
}

/// Parts of one file, as a flash image has them, are divided like files.
#[test]
fn parts_of_a_flash_image_are_divided() {
    let plan = Plan {
        pointer: Pointer::FlashImage,
        ..far()
    };
    let boot = boot(&plan, |_| ());
    boot.assert_booted(&plan);
    let answers = boot.served(Protocol::Http, "flash.bin");
    assert!(answers.len() as u64 > SIZE / STRIPE, "{}", answers.len());
    let sum: u64 = answers.iter().map(|served| served.octets).sum();
    let all: usize = SIZES.iter().sum();
    // The table is read, and an image may be begun to find out about it, but nothing is fetched twice.
    assert!(sum < all as u64 + 2 * STRIPE, "{sum}");
}

/// Frames that are lost, doubled and out of order.
#[test]
fn a_bad_way_delivers_the_same_octets() {
    for seed in 1..=6 {
        let link = LinkConfig {
            loss: 0.01,
            duplicate: 0.01,
            reorder: 0.02,
            ..LinkConfig::with_delay(Duration::from_millis(2))
        };
        let plan = Plan {
            link,
            seed,
            settings: "probe off\nretry 3\n".into(),
            ..far()
        };
        let boot = boot(&plan, |_| ());
        boot.assert_booted(&plan);
        let answers = answers(&boot);
        let parts = answers.iter().filter(|served| served.status == 206);
        assert!(parts.count() as u64 >= SIZE / STRIPE, "{}", boot.console);
    }
}

/// Servers that give no ground to build on: after the first answer everything is asked for in one request, and such a server
/// is not tried again for the next image.
#[test]
fn without_a_proof_there_is_one_connection() {
    let changes: [fn(&mut ServerConfig); 4] = [
        |server| server.http.etag = EtagKind::Weak,
        |server| {
            server.http.etag = EtagKind::None;
            server.http.last_modified = None;
        },
        |server| server.http.keep_alive = false,
        |server| {
            let unknown = format!("bytes 0-{}/*", STRIPE - 1);
            once(server, 0, HttpFault::ContentRange(unknown));
        },
    ];
    for change in changes {
        let plan = Plan {
            images: firmware(&[SIZES[0], 2 * STRIPE as usize, 2_001]),
            ..far()
        };
        let boot = boot(&plan, change);
        boot.assert_booted(&plan);
        let statuses: Vec<_> = answers(&boot).iter().map(|served| served.status).collect();
        assert_eq!(statuses, [206, 200]);
        assert_eq!(answers(&boot)[1].octets, SIZE);
        let second = boot.served(Protocol::Http, FILE_NAMES[1]);
        assert_eq!((second.len(), second[0].status), (1, 200));
        assert_eq!((boot.resumes(0), boot.retries(0)), (0, 0));
    }
}

/// A server without ranges sends everything at once, and nothing of it is lost.
#[test]
fn a_whole_answer_to_the_first_request_is_taken() {
    let changes: [fn(&mut ServerConfig); 2] = [
        |server| server.http.ranges = false,
        |server| {
            server.http.ranges = false;
            server.http.framing = Framing::Chunked;
        },
    ];
    for change in changes {
        let plan = far();
        let boot = boot(&plan, change);
        boot.assert_booted(&plan);
        assert!(answers(&boot).iter().all(|served| served.status == 200));
        assert_eq!(answers(&boot)[0].octets, SIZE);
    }
}

/// The range that comes is the one that was asked for, of the file that was asked for; or else nothing is delivered from it.
#[test]
fn answers_that_are_not_what_was_asked_for() {
    let part = |first: u64, last: u64, total: u64| {
        HttpFault::ContentRange(format!("bytes {first}-{last}/{total}"))
    };
    let second = (STRIPE, 2 * STRIPE - 1);
    let cases = [
        // Other octets, or another size of the file: nobody means well.
        (part(0, STRIPE - 1, SIZE), Some((WRONG_RANGE, Blame::Peer))),
        (
            part(second.0, second.1, SIZE + 1),
            Some((CHANGED, Blame::Server)),
        ),
        (part(7, 3, SIZE), Some((BAD_CONTENT_RANGE, Blame::Peer))),
        (
            HttpFault::Header("ETag: \"other\"".into()),
            // Two tags are none: the server's word, a 206 under If-Range, stands alone as it does for a resumption.
            None,
        ),
        // The whole file in place of a part: one request for the rest shows what is meant.
        (HttpFault::IgnoreRange, None),
        (HttpFault::Status(503, None), None),
    ];
    for (fault, end) in cases {
        println!("{fault:?}");
        let plan = far();
        let boot = boot(&plan, |server| once(server, 1, fault.clone()));
        match end {
            Some((code, blame)) => boot.assert_failed(&plan, code, blame),
            None => boot.assert_booted(&plan),
        };
        assert!(boot.resumes(0) <= 1);
    }
}

/// Another file in the middle, whether the server notices or not: never a mixture.
#[test]
fn another_file_in_the_middle_is_noticed() {
    for skip in [1, 2, 9, 40] {
        let plan = far();
        let boot = boot(&plan, |server| {
            let other = Content::Pattern {
                size: SIZE,
                seed: 99,
            };
            let rule = Rule::new(HttpFault::Replace(other)).named(NAME).after(skip);
            server.faults.http.add(rule);
        });
        // If-Range makes the server send the other file whole; its first octets are not those delivered.
        boot.assert_failed(&plan, CONTENT_CHANGED, Blame::Server);
        assert!(!boot.outcome.images[0].activated);
        assert_eq!(answers(&boot).last().map(|served| served.status), Some(200));
    }
}

/// What breaks in the middle of an answer: the transfer is taken up at that very octet, over one connection.
#[test]
fn a_connection_that_breaks_leaves_one() {
    for (fault, seconds) in [
        (HttpFault::ResetAfter(5_000), 6),
        (HttpFault::CloseAfter(5_000), 6),
        (HttpFault::StallAfter(5_000), 16),
    ] {
        for request in [0, 1, 2, 5, 20] {
            let plan = far();
            let boot = boot(&plan, |server| once(server, request, fault.clone()));
            boot.assert_booted(&plan);
            assert_eq!(
                (boot.resumes(0), boot.retries(0)),
                (1, 0),
                "{fault:?} {request}"
            );
            let rest = answers(&boot)
                .into_iter()
                .max_by_key(|served| served.octets)
                .unwrap();
            assert_eq!(rest.offset + rest.octets, SIZE);
            assert_eq!((rest.offset % STRIPE, rest.status), (5_000, 206));
            assert!(
                boot.took() <= Duration::from_secs(seconds),
                "{}",
                boot.took()
            );
        }
    }
}

/// A server that ends its connections now and then is connected to again, and what it did not answer is asked again; one that
/// does so all the time gets one connection.
#[test]
fn connections_that_end_between_answers() {
    let most =
        |requests| move |server: &mut ServerConfig| server.http.max_requests = Some(requests);
    let plan = far();
    let patient = boot(&plan, most(17));
    patient.assert_booted(&plan);
    assert_eq!((patient.resumes(0), patient.retries(0)), (0, 0));
    let impatient = boot(&plan, most(3));
    impatient.assert_booted(&plan);
    assert_eq!((impatient.resumes(0), impatient.retries(0)), (1, 0));
    // Without a word: the first request on the connection was answered, the second one was not.
    let silent = boot(&plan, |server| {
        server
            .faults
            .http
            .add(Rule::new(HttpFault::SilentClose).named(NAME));
    });
    silent.assert_booted(&plan);
    assert_eq!((silent.resumes(0), silent.retries(0)), (1, 0));
    for boot in [&patient, &impatient, &silent] {
        let octets: u64 = answers(boot).iter().map(|served| served.octets).sum();
        assert!(octets < SIZE + 40 * STRIPE, "{octets}");
    }
}

/// A server with room for two connections only: the others come to nothing, and are not waited for.
#[test]
fn fewer_connections_than_wanted() {
    let plan = far();
    let boot = boot(&plan, |server| {
        server.http.backlog = 1;
        server.http.max_connections = 2;
    });
    boot.assert_booted(&plan);
    assert!(is_divided(&boot), "{}", boot.console);
    assert_eq!((boot.resumes(0), boot.retries(0)), (0, 0));
}

/// A device that takes octets slowly closes the windows of all connections; nothing is lost and nobody gives up.
#[test]
fn a_slow_device_holds_all_connections_back() {
    let plan = Plan {
        images: firmware(&[200_000, 3_000, 2_001]),
        device: "rate 20000\n".into(),
        ..far()
    };
    let boot = boot(&plan, |_| ());
    boot.assert_booted(&plan);
    assert_eq!((boot.resumes(0), boot.retries(0)), (0, 0));
    assert!(boot.took() > Duration::from_secs(9), "{}", boot.took());
}

/// Somebody who rewrites frames with right checksums: the boot ends, and a success is true.
#[test]
fn rewritten_frames_never_deliver_other_octets_unnoticed() {
    for seed in 0..24 {
        let plan = Plan {
            images: firmware(&[100_000, 3_000, 2_001]),
            expect: true,
            link: LinkConfig::with_delay(Duration::from_millis(1)),
            settings: "probe off\nretry 1\nstall_ms 500\nattempt_ms 20000\n".into(),
            seed,
            ..far()
        };
        let attack = Attack {
            seed,
            rewritten: 3,
            injected: 3,
        };
        let boot = Sim::new(&plan).attacked(attack).run();
        if let Err(what) = boot.check(&plan) {
            panic!("seed {seed}: {what}\n{}", boot.console);
        }
    }
}

/// Requests that are lost on their way cost new connections, and not the second after which TCP would repeat them.
#[test]
fn lost_requests_cost_no_second() {
    let plan = Plan {
        images: firmware(&[2_400_001, 3_000, 2_001]),
        ..far()
    };
    let transfer = |boot: &Boot| {
        boot.assert_booted(&plan);
        assert_eq!(boot.resumes(0), 0);
        boot.outcome.report.images[0].transfer
    };
    let calm = transfer(&boot(&plan, |_| ()));
    // Whatever the station sends within a round trip.
    let silence = Instant::from_millis(600);
    let whole = plan.link;
    let lossy = LinkConfig { loss: 1.0, ..whole };
    let disturbed = Sim::new(&plan)
        .at(silence, move |world| {
            world.link.set_config_from(Side::Client, lossy);
        })
        .at(silence + Duration::from_millis(20), move |world| {
            world.link.set_config_from(Side::Client, whole);
        })
        .run();
    let cost = transfer(&disturbed).as_micros() as i64 - calm.as_micros() as i64;
    assert!((100_000..900_000).contains(&cost), "{cost} µs");
}
