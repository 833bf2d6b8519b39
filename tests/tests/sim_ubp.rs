//! Whole boots by the UDP boot protocol.

use e2e::{Boot, Sim};
use image_server::{Content, HttpFault, Protocol as Server, Rule, ServerConfig, UbpFault};
use netboot_core::{Digest, Duration};
use netboot_verity::Tree;
use netsim::LinkConfig;
use testbed::plan::{FILE_NAMES, Family, Image, firmware};
use testbed::{Plan, Protocol};

/// Octets of image 0.
const SIZE: usize = 60_000;
/// The other name of the image server, and the name of the file there.
const MIRROR: &str = "mirror.lab";
const OTHER: &str = "other/place.bin";

const NO_ANSWER: u32 = 0x0010_0004;
const BUSY: u32 = 0x0010_0006;
const WRONG_BLOCKS: u32 = 0x0010_0008;
const NOT_FOUND: u32 = 0x0010_0021;
const WRONG_HEAD: u32 = 0x000d_0003;
const DIGEST: u32 = 0x0007_0003;

fn digest(image: &Image) -> Digest {
    Tree::of(&image.bytes).digest()
}

/// A boot whose image 0 has a second place, by a scheme and a name.
fn plan(second: &str) -> Plan {
    Plan {
        protocol: Protocol::Ubp,
        images: firmware(&[SIZE, 3_000, 2_001]),
        settings: format!(
            "probe off\nretry continue\nsettle_ms 20\ndefault 0 {second}://{MIRROR}/{OTHER}\n"
        ),
        ..Plan::default()
    }
}

/// The same with the verity digest of each image in the settings.
fn known(second: &str) -> Plan {
    let mut plan = plan(second);
    for (index, image) in plan.images.iter().enumerate() {
        plan.settings += &format!("verity {index} {}\n", digest(image));
    }
    plan
}

fn packed(image: &Image) -> Content {
    let tree = Tree::of(&image.bytes);
    let packed = tree.pack(&image.bytes).unwrap();
    Content::Bytes(packed.into())
}

/// Boots from a server that has image 0 under both of its names.
fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    let other = Content::Bytes(plan.images[0].bytes.clone());
    Sim::new(plan)
        .server(|server| {
            server.lease.dns = vec![server.ip];
            server.dns.insert(MIRROR.into(), server.ip);
            server.files.insert(OTHER.into(), other);
            change(server);
        })
        .run()
}

/// Octets and outcome of each transfer of a file, as the client told the server.
fn told(boot: &Boot, name: &str) -> Vec<(u64, bool)> {
    let served = boot.served(Server::Ubp, name);
    let told = served.iter().map(|one| (one.octets, one.complete));
    told.collect()
}

#[test]
fn it_boots_and_every_octet_is_proved() {
    let plan = known("tftp");
    let boot = boot(&plan, |_| ());
    boot.assert_booted(&plan);
    for (index, image) in plan.images.iter().enumerate() {
        let line = format!(" verity={} expected=true", digest(image));
        assert!(boot.console.contains(&line), "{}", boot.console);
        assert_eq!(boot.outcome.report.images[index].sha256, None);
        let octets = image.bytes.len() as u64;
        assert_eq!(told(&boot, FILE_NAMES[index]), [(octets, true)]);
    }
}

#[test]
fn it_boots_without_a_digest_and_with_a_sha256() {
    let mut plan = plan("tftp");
    for expect in [false, true] {
        plan.expect = expect;
        let boot = boot(&plan, |_| ());
        boot.assert_booted(&plan);
        assert!(boot.outcome.report.images[0].sha256.is_some());
    }
    // The server has another file: the SHA-256 says so, as with any protocol.
    let boot = boot(&plan, |server| {
        server.faults.ubp.add(
            Rule::new(UbpFault::Replace(Content::Pattern {
                size: SIZE as u64,
                seed: 1,
            }))
            .named(FILE_NAMES[0]),
        );
    });
    let codes = boot.attempts_failed();
    assert!(codes.contains(&DIGEST), "{codes:x?}");
}

#[test]
fn a_name_that_is_a_digest_brings_that_file_and_no_other() {
    let mut plan = plan("tftp");
    let name = digest(&plan.images[0]);
    plan.settings =
        format!("probe off\nsettle_ms 20\ndefault 0 ubp://{MIRROR}/{name}\norder default dhcp\n");
    let named = boot(&plan, |_| ());
    named.assert_booted(&plan);
    assert_eq!(
        told(&named, OTHER).len() + told(&named, FILE_NAMES[0]).len(),
        1
    );
    // A server that has another file under this name is not believed; the image comes from the next place.
    let boot = boot(&plan, |server| {
        let lie = Content::Pattern {
            size: SIZE as u64,
            seed: 1,
        };
        server
            .faults
            .ubp
            .add(Rule::new(UbpFault::Replace(lie)).times(1));
    });
    boot.assert_booted(&plan);
    assert!(
        boot.attempts_failed().contains(&NOT_FOUND),
        "{:x?}",
        boot.attempts_failed()
    );
}

#[test]
fn a_server_that_dies_costs_no_octet_twice_over_ubp() {
    for second in ["ubp", "http"] {
        let plan = known(second);
        let boot = boot(&plan, |server| {
            let faults = &mut server.faults.ubp;
            faults.add(Rule::new(UbpFault::DieAfter(30)).named(FILE_NAMES[0]));
            let gone = Rule::new(UbpFault::NoAnswer);
            faults.add(gone.named(FILE_NAMES[0]).after(1));
            if second == "http" {
                server.files.insert(OTHER.into(), packed(&plan.images[0]));
            }
        });
        boot.assert_booted(&plan);
        let first: u64 = told(&boot, FILE_NAMES[0])
            .iter()
            .map(|(octets, _)| octets)
            .sum();
        assert!(first > 20_000, "{second}: {first}");
        if second == "ubp" {
            let rest = told(&boot, OTHER);
            assert_eq!(rest.len(), 1, "{rest:?}");
            // At most the octets of one block that was partly delivered come again.
            assert!(first + rest[0].0 < SIZE as u64 + 1024, "{first} {rest:?}");
        }
    }
}

/// The server falls silent in the middle and comes back with another file of the same size under the same name. The board does not go on with that.
#[test]
fn a_file_that_is_another_after_a_break_is_not_gone_on_with() {
    for is_known in [true, false] {
        let plan = match is_known {
            true => known("ubp"),
            false => plan("ubp"),
        };
        let boot = boot(&plan, |server| {
            let faults = &mut server.faults.ubp;
            faults.add(Rule::new(UbpFault::DieAfter(30)).named(FILE_NAMES[0]));
            let other = Content::Pattern {
                size: SIZE as u64,
                seed: 1,
            };
            let other = Rule::new(UbpFault::Replace(other));
            faults.add(other.named(FILE_NAMES[0]).after(1));
        });
        boot.assert_booted(&plan);
        assert_eq!(boot.attempts_failed(), [WRONG_HEAD]);
    }
}

#[test]
fn an_image_that_came_in_part_by_http_goes_on_by_ubp() {
    let mut plan = known("ubp");
    plan.protocol = Protocol::Http;
    let boot = boot(&plan, |server| {
        for image in &plan.images {
            server.files.insert(image.name.clone(), packed(image));
        }
        let faults = &mut server.faults.http;
        faults.add(Rule::new(HttpFault::CloseAfter(30_000)).named(FILE_NAMES[0]));
        let gone = Rule::new(HttpFault::NeverAnswer);
        faults.add(gone.named(FILE_NAMES[0]).after(1));
    });
    boot.assert_booted(&plan);
    let rest = told(&boot, OTHER);
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert!(rest[0].1 && rest[0].0 < SIZE as u64 - 20_000, "{rest:?}");
}

#[test]
fn a_wrong_block_reaches_no_device_and_the_next_place_has_it() {
    let plan = known("ubp");
    let boot = boot(&plan, |server| {
        server
            .faults
            .ubp
            .add(Rule::new(UbpFault::Damage(40)).named(FILE_NAMES[0]));
    });
    boot.assert_booted(&plan);
    assert!(
        boot.attempts_failed().contains(&WRONG_BLOCKS),
        "{:x?}",
        boot.attempts_failed()
    );
    assert!(boot.outcome.report.images[0].octets == SIZE as u64);
}

#[test]
fn who_forges_on_the_link_delays_nothing() {
    let plan = known("tftp");
    let boot = boot(&plan, |server| {
        server.faults.ubp.always(UbpFault::Forge);
    });
    boot.assert_booted(&plan);
    assert_eq!(told(&boot, FILE_NAMES[0]), [(SIZE as u64, true)]);
}

/// Somebody who sees each message knows nonces and cookies, and can keep a board from a server. It costs the board a bounded time and no wrong octet, and
/// the boot ends by the next place.
#[test]
fn who_sees_and_forges_on_the_link_costs_a_bounded_time() {
    for (fault, code, most) in [
        (UbpFault::Hijack, WRONG_HEAD, 1_000),
        (UbpFault::Busy(60_000), BUSY, 160_000),
    ] {
        let plan = known("http");
        let boot = boot(&plan, |server| {
            server
                .faults
                .ubp
                .add(Rule::new(fault.clone()).named(FILE_NAMES[0]));
            server.files.insert(OTHER.into(), packed(&plan.images[0]));
        });
        boot.assert_booted(&plan);
        assert_eq!(boot.attempts_failed(), [code]);
        let took = boot.took();
        assert!(took < Duration::from_millis(most), "{fault:?}: {took}");
    }
}

#[test]
fn each_refusal_has_its_number_and_the_next_place_is_tried() {
    let lie = Content::Pattern { size: 9, seed: 1 };
    for (fault, code) in [
        (UbpFault::NoAnswer, NO_ANSWER),
        (UbpFault::Error(1), NOT_FOUND),
        (UbpFault::Replace(lie), WRONG_HEAD),
    ] {
        let plan = known("http");
        let boot = boot(&plan, |server| {
            let rule = Rule::new(fault.clone()).named(FILE_NAMES[0]);
            server.faults.ubp.add(rule);
            server.files.insert(OTHER.into(), packed(&plan.images[0]));
        });
        boot.assert_booted(&plan);
        assert!(
            boot.attempts_failed().contains(&code),
            "{fault:?}: {:x?}",
            boot.attempts_failed()
        );
    }
}

#[test]
fn a_busy_server_is_asked_again() {
    let plan = known("tftp");
    let boot = boot(&plan, |server| {
        let rule = Rule::new(UbpFault::Busy(300)).named(FILE_NAMES[0]).times(3);
        server.faults.ubp.add(rule);
    });
    boot.assert_booted(&plan);
    assert!(boot.took() > Duration::from_millis(900), "{}", boot.took());
}

#[test]
fn it_boots_over_ipv6() {
    let mut plan = known("tftp");
    plan.family = Family::Ipv6;
    let boot = boot(&plan, |_| ());
    boot.assert_booted(&plan);
}

#[test]
fn a_bad_link_delays_and_nothing_else() {
    let mut plan = known("tftp");
    for loss in [0.01, 0.05, 0.2] {
        plan.link = LinkConfig {
            loss,
            ..LinkConfig::with_delay(Duration::from_millis(2))
        };
        boot(&plan, |_| ()).assert_booted(&plan);
    }
}

#[test]
fn a_slow_device_stops_the_server_and_no_block_comes_twice() {
    let mut plan = known("tftp");
    plan.device += "rate 20000\n";
    let boot = boot(&plan, |_| ());
    boot.assert_booted(&plan);
    assert_eq!(told(&boot, FILE_NAMES[0]), [(SIZE as u64, true)]);
}
