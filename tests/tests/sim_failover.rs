//! Whole boots whose sources are slow, wrong or gone: another source takes over, and what was delivered stays delivered.

use e2e::{Boot, Sim};
use image_server::{Content, HttpFault, Rule, ServerConfig, TftpFault};
use netboot_core::{Blame, Duration, Instant};
use testbed::plan::{FILE_NAMES, Image, firmware};
use testbed::{Plan, Protocol};

const TOO_SLOW: u32 = 0x0005_001c;
const DIGEST: u32 = 0x0007_0003;
const REFUSED: u32 = 0x0006_0015;

/// Octets of image 0.
const SIZE: usize = 60_000;
/// The other name of the image server.
const MIRROR: &str = "mirror.lab";

/// A boot by this protocol, with a second place for image 0 under another name of the server.
fn plan(protocol: Protocol, mirror: &str) -> Plan {
    let mut plan = Plan {
        protocol,
        images: firmware(&[SIZE, 3_000, 2_001]),
        settings: "probe off\nretry 3\nsettle_ms 20\n".into(),
        expect: true,
        ..Plan::default()
    };
    let scheme = protocol.scheme();
    plan.settings += &format!("default 0 {scheme}://{MIRROR}/{mirror}\n");
    plan
}

fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    Sim::new(plan)
        .server(|server| {
            server.lease.dns = vec![server.ip];
            server.dns.insert(MIRROR.into(), server.ip);
            change(server);
        })
        .run()
}

/// Octets of image 0 that went over the wire by HTTP, for all requests.
fn octets(boot: &Boot) -> u64 {
    let served = boot.served(image_server::Protocol::Http, FILE_NAMES[0]);
    let files = served.iter().filter(|served| served.status < 300);
    files.map(|served| served.octets).sum()
}

#[test]
fn the_mirror_of_a_dead_server_sends_the_rest_alone() {
    let plan = plan(Protocol::Http, FILE_NAMES[0]);
    for after in [1, 256, 20_000, SIZE as u64 - 1] {
        let boot = boot(&plan, |server| {
            let http = &mut server.faults.http;
            let of = |fault| Rule::new(fault).named(FILE_NAMES[0]);
            http.add(of(HttpFault::CloseAfter(after)).times(1));
            // The first server is gone when the station comes back to it.
            http.add(of(HttpFault::Status(404, None)).after(1).times(1));
        });
        boot.assert_booted(&plan);
        let uri = boot.outcome.report.images[0].uri.as_ref().unwrap();
        assert!(uri.as_str().contains(MIRROR), "{uri}");
        assert_eq!(octets(&boot), SIZE as u64, "{after}: {}", boot.console);
    }
}

#[test]
fn a_mirror_that_ignores_ranges_sends_all_of_it_and_nothing_is_delivered_twice() {
    let plan = plan(Protocol::Http, FILE_NAMES[0]);
    let boot = boot(&plan, |server| {
        let http = &mut server.faults.http;
        let of = |fault| Rule::new(fault).named(FILE_NAMES[0]);
        http.add(of(HttpFault::CloseAfter(20_000)).times(1));
        http.add(of(HttpFault::Status(404, None)).after(1).times(1));
        http.add(of(HttpFault::IgnoreRange).after(2));
    });
    boot.assert_booted(&plan);
    assert_eq!(octets(&boot), SIZE as u64 + 20_000, "{}", boot.console);
}

/// The mirror says that its file is the same, and sends only the rest. But it is another file: the whole is not what was expected, and is not
/// activated.
#[test]
fn a_mirror_that_lies_about_its_file_gets_nothing_activated() {
    let mut plan = plan(Protocol::Http, FILE_NAMES[0]);
    plan.settings = plan.settings.replace("retry 3", "retry continue");
    let boot = boot(&plan, |server| {
        let http = &mut server.faults.http;
        let of = |fault| Rule::new(fault).named(FILE_NAMES[0]);
        http.add(of(HttpFault::CloseAfter(20_000)).times(1));
        http.add(of(HttpFault::Status(404, None)).after(1).times(1));
        http.add(of(HttpFault::Corrupt(40_000)).after(2));
    });
    boot.assert_failed(&plan, DIGEST, Blame::Server);
    assert!(!boot.outcome.images[0].activated);
}

/// A server that tells another size for the rest: the whole file is asked for, and refused because it is another.
#[test]
fn a_mirror_with_a_file_of_another_size_is_refused() {
    const SIZE_CHANGED: u32 = 0x0005_0012;
    let mut plan = plan(Protocol::Http, FILE_NAMES[0]);
    plan.settings = plan.settings.replace("retry 3", "retry continue");
    plan.expect = false;
    let longer = Image::pseudo_random("longer", SIZE + 100, 9).bytes;
    let boot = boot(&plan, |server| {
        let http = &mut server.faults.http;
        let of = |fault| Rule::new(fault).named(FILE_NAMES[0]);
        http.add(of(HttpFault::CloseAfter(20_000)).times(1));
        http.add(of(HttpFault::Status(404, None)).after(1).times(1));
        http.add(of(HttpFault::Replace(Content::Bytes(longer))).after(2));
    });
    boot.assert_failed(&plan, SIZE_CHANGED, Blame::Server);
}

/// A server that sends an octet now and then is not silent. The image goes on from the mirror long before the deadline of the attempt.
#[test]
fn a_server_that_drips_is_given_up_for_its_mirror() {
    for (protocol, mirror) in [
        (Protocol::Http, FILE_NAMES[0]),
        (Protocol::Http, "other/place.bin"),
        (Protocol::Tftp, "other/place.bin"),
    ] {
        let mut plan = plan(protocol, mirror);
        plan.settings += "blksize 512\nwindowsize 1\n";
        let boot = boot(&plan, |server| {
            let image = plan.images[0].bytes.clone();
            server
                .files
                .insert("other/place.bin".into(), Content::Bytes(image));
            let http = Rule::new(HttpFault::Drip(30)).named(FILE_NAMES[0]).times(1);
            server.faults.http.add(http);
            let slow = TftpFault::Slow(Duration::from_secs(9));
            let slow = Rule::new(slow).named(FILE_NAMES[0]);
            server.faults.tftp.add(slow);
        });
        boot.assert_booted(&plan);
        let failed = boot.attempts_failed();
        assert_eq!(failed.first(), Some(&TOO_SLOW), "{}", boot.console);
        let uri = boot.outcome.report.images[0].uri.as_ref().unwrap();
        assert!(uri.as_str().contains(MIRROR), "{uri}");
        assert!(boot.took() < Duration::from_secs(45), "{}", boot.took());
    }
}

/// The station's own device may be slow for as long as it likes: nobody is blamed for that.
#[test]
fn a_slow_device_makes_no_server_slow() {
    let mut plan = plan(Protocol::Http, FILE_NAMES[0]);
    plan.images = firmware(&[6_000, 300, 301]);
    plan.settings += "slow 4000 2000\n";
    let boot = Sim::new(&plan).access(Duration::from_millis(3)).run();
    boot.assert_booted(&plan);
    assert!(boot.took() > Duration::from_secs(4), "{}", boot.took());
    assert!(boot.attempts_failed().is_empty(), "{}", boot.console);
}

/// A place with a wrong image comes after the others when the boot begins anew, whoever has found out that the image is wrong.
#[test]
fn a_place_that_served_a_wrong_image_comes_last_after_a_reset() {
    for (expect, cause) in [(true, DIGEST), (false, REFUSED)] {
        for protocol in [Protocol::Http, Protocol::Tftp] {
            let mut plan = plan(protocol, "other/place.bin");
            plan.can_reset = true;
            plan.expect = expect;
            let boot = boot(&plan, |server| {
                let image = plan.images[0].bytes.clone();
                server
                    .files
                    .insert("other/place.bin".into(), Content::Bytes(image));
                let http = Rule::new(HttpFault::Corrupt(30_000)).named(FILE_NAMES[0]);
                server.faults.http.add(http);
                let tftp = Rule::new(TftpFault::Corrupt(30_000)).named(FILE_NAMES[0]);
                server.faults.tftp.add(tftp);
            });
            boot.assert_booted(&plan);
            assert_eq!(boot.outcome.tally.resets, 1, "{}", boot.console);
            let failed = boot.attempts_failed();
            assert!(failed.iter().all(|code| *code == cause), "{failed:x?}");
            let uri = boot.outcome.report.images[0].uri.as_ref().unwrap();
            assert!(uri.as_str().contains(MIRROR), "{uri}");
        }
    }
}

/// When the first discover went out.
fn first_question(boot: &Boot) -> Instant {
    let served = boot.served.iter();
    let mut asked = served.filter(|served| served.name.contains("discover"));
    asked.next().expect("a discover").at
}

#[test]
fn stations_that_start_together_do_not_ask_together() {
    let mut asked = Vec::new();
    for seed in 1..=8 {
        let mut plan = plan(Protocol::Tftp, FILE_NAMES[0]);
        plan.settings += "spread_ms 4000\n";
        plan.seed = seed;
        let boot = boot(&plan, |_| {});
        boot.assert_booted(&plan);
        asked.push(first_question(&boot).as_millis());
    }
    assert!(asked.iter().all(|at| *at < 4_100), "{asked:?}");
    let mut seconds: Vec<_> = asked.iter().map(|at| at / 1000).collect();
    seconds.sort_unstable();
    seconds.dedup();
    assert!(seconds.len() > 2, "{asked:?}");
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked.len(), 8);
}

#[test]
fn stations_whose_server_went_away_do_not_come_back_together() {
    let mut took = Vec::new();
    for seed in 1..=8 {
        let mut plan = plan(Protocol::Http, FILE_NAMES[0]);
        plan.settings = "probe off\nretry 3\nsettle_ms 20\n".into();
        plan.seed = seed;
        let boot = boot(&plan, |server| {
            let down = Rule::new(HttpFault::Status(404, None)).named(FILE_NAMES[0]);
            server.faults.http.add(down.times(2));
        });
        boot.assert_booted(&plan);
        assert_eq!(boot.retries(0), 2);
        took.push(boot.took().as_millis());
    }
    // The waits are 1 to 3 s and 1 to 9 s.
    assert!(
        took.iter().all(|took| (2_000..12_500).contains(took)),
        "{took:?}"
    );
    let (least, most) = (took.iter().min().unwrap(), took.iter().max().unwrap());
    assert!(most - least > 2_000, "{took:?}");
}
