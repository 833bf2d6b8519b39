//! How often and how long the boot application tries, where it looks, and what it says of a table of
//! contents that is wrong.

use e2e::{Boot, Sim};
use image_server::{
    Content, DhcpFault, HttpFault, Protocol as Server, Rule, ServerConfig, TftpFault,
};
use netboot_app::toc::{FILENAME, RawEntry, RawHeader, VERSION, checksum};
use netboot_core::{Blame, Duration};
use recovery_model::Stuck;
use std::fmt::Write as _;
use testbed::plan::{FILE_NAMES, Pointer, firmware};
use testbed::{Plan, Protocol};
use zerocopy::IntoBytes;

const SIZES: [usize; 3] = [20_000, 3_000, 2_001];

const DEADLINE: u32 = 0x0005_000E;
const NO_SOURCE: u32 = 0x0007_0001;
const TOTAL: u32 = 0x0007_0005;

fn plan(protocol: Protocol, policy: &str) -> Plan {
    Plan {
        protocol,
        images: firmware(&SIZES),
        settings: format!("probe off\n{policy}"),
        ..Plan::default()
    }
}

fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    Sim::new(plan).server(change).run()
}

/// When the attempts at image 0 began, in seconds.
fn attempts(boot: &Boot) -> Vec<u64> {
    boot.console
        .lines()
        .filter_map(|line| line.strip_prefix("@fetching t="))
        .filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok())
        .map(|micros| micros / 1_000_000)
        .collect()
}

fn missing(server: &mut ServerConfig) {
    server.files.remove(FILE_NAMES[0]);
}

#[test]
fn continue_tries_once() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let plan = plan(protocol, "retry continue\n");
        let boot = boot(&plan, missing);
        assert_eq!(attempts(&boot), [0]);
        assert_eq!(boot.attempts_failed().len(), 1);
        assert!(boot.took() < Duration::from_secs(1));
    }
}

#[test]
fn retry_tries_so_often_with_waits_that_grow_at_random() {
    let plan = plan(Protocol::Http, "retry 6\n");
    let boot = boot(&plan, missing);
    boot.assert_failed(&plan, 0x0003_0016, Blame::Configuration);
    let at = attempts(&boot);
    assert_eq!(at.len(), 7);
    let waits: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut most = 3;
    for wait in &waits {
        // Whole seconds of two times: a second more or less.
        assert!((1..=most + 1).contains(wait), "{waits:?}");
        most = (wait * 3 + 3).min(16);
    }
    assert_eq!(boot.retries(0), 6);
    assert_eq!(boot.served(Server::Http, FILE_NAMES[0]).len(), 7);
}

#[test]
fn retry_forever_ends_with_the_total_deadline_and_the_true_cause() {
    let plan = plan(Protocol::Http, "retry forever\ntotal_ms 100000\n");
    let boot = boot(&plan, missing);
    boot.assert_failed(&plan, 0x0003_0016, Blame::Configuration);
    let took = boot.took().as_secs();
    // No attempt begins that could not begin before the deadline.
    assert!((84..=100).contains(&took), "{took} s");
}

#[test]
fn retry_forever_outlasts_a_long_outage() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let plan = plan(protocol, "retry forever\n");
        let boot = boot(&plan, |server| {
            let http = Rule::new(HttpFault::Status(404, None)).times(20);
            server.faults.http.add(http);
            let tftp = Rule::new(TftpFault::Error(1, "not yet".into())).times(20);
            server.faults.tftp.add(tftp);
        });
        boot.assert_booted(&plan);
        assert_eq!(boot.retries(0), 20);
    }
}

/// A transfer that goes on, but too slowly, ends by the deadline of the attempt, to the moment.
#[test]
fn the_deadline_of_an_attempt_holds() {
    let plan = plan(Protocol::Http, "retry continue\nattempt_ms 5000\n");
    let slow = boot(&plan, |server| {
        server.faults.http.always(HttpFault::Drip(100))
    });
    slow.assert_failed(&plan, DEADLINE, Blame::Network);
    assert_eq!(slow.took().as_millis(), 5_000);

    let plan = Plan {
        protocol: Protocol::Tftp,
        ..plan
    };
    let slow = boot(&plan, |server| {
        server
            .faults
            .tftp
            .always(TftpFault::Slow(Duration::from_secs(4)));
    });
    slow.assert_failed(&plan, DEADLINE, Blame::Network);
    assert_eq!(slow.took().as_millis(), 5_000);
}

/// Wherever the boot is, the total deadline ends it to the moment.
#[test]
fn the_total_deadline_holds_everywhere() {
    let policy = "retry forever\ntotal_ms 12000\nattempt_ms 60000\ndhcp_ms 60000\n";
    let plan = plan(Protocol::Http, policy);
    let toc = Plan {
        pointer: Pointer::Toc,
        ..plan.clone()
    };
    let ends = |plan: &Plan, boot: Boot| {
        boot.assert_failed(plan, TOTAL, Blame::Network);
        assert_eq!(boot.took().as_millis(), 12_000, "{}", boot.console);
    };
    ends(
        &plan,
        boot(&plan, |server| server.faults.dhcp.always(DhcpFault::Silent)),
    );
    ends(
        &toc,
        boot(&toc, |server| {
            server.faults.http.always(HttpFault::Drip(10))
        }),
    );
    ends(
        &plan,
        boot(&plan, |server| {
            server.faults.http.always(HttpFault::Drip(100))
        }),
    );
    for stuck in [
        Stuck::Startup,
        Stuck::Asking(0),
        Stuck::Activating(0),
        Stuck::Verifying(1),
    ] {
        let boot = Sim::new(&plan)
            .device(|device| device.faults.stuck = Some(stuck))
            .run();
        ends(&plan, boot);
    }
}

#[test]
fn dhcp_is_tried_again_by_policy() {
    let plan = plan(Protocol::Tftp, "retry 3\ndhcp_ms 2000\n");
    let boot = boot(&plan, |server| {
        let rule = Rule::new(DhcpFault::Silent).times(5);
        server.faults.dhcp.add(rule);
    });
    boot.assert_booted(&plan);
    assert!(
        boot.attempts_failed()
            .iter()
            .all(|code| *code == 0x0004_0002)
    );
    assert!((1..=3).contains(&boot.attempts_failed().len()));
}

/// Settings that name a place for each image, by `protocol`.
fn defaults(protocol: Protocol) -> String {
    let mut text = String::new();
    for (index, name) in FILE_NAMES.iter().enumerate() {
        writeln!(
            text,
            "default {index} {}://10.0.2.2/spare/{name}",
            protocol.scheme()
        )
        .expect("a string");
    }
    text
}

/// The files again, in the directory that only the defaults name.
fn spare(server: &mut ServerConfig) {
    for name in FILE_NAMES {
        let file = server.files.get(name).cloned().expect("the file");
        server.files.insert(format!("spare/{name}"), file);
    }
}

fn pointing_to(pointer: &str) -> impl FnOnce(&mut ServerConfig) {
    let pointer = pointer.to_string();
    move |server| {
        spare(server);
        server.lease.boot_file = Some(pointer);
    }
}

#[test]
fn defaults_serve_where_the_pointer_fails() {
    for policy in ["retry continue\n", "retry 1\n", "retry forever\n"] {
        for pointer in [
            "http://10.0.2.2/nowhere/",
            "tftp://10.0.2.2/nowhere/",
            "http://10.0.2.2/nowhere.toc",
            "tftp://10.0.2.2/nowhere.toc",
            "http://10.0.2.66/",
            "http://images.example/boot.toc",
            "http://[fe80::1]/boot.toc",
            "https://10.0.2.2/boot.toc",
            "ftp://10.0.2.2/boot.toc",
            "http://",
            "http://300.1.2.3/",
        ] {
            let mut plan = plan(Protocol::Http, policy);
            plan.settings += &defaults(Protocol::Tftp);
            let boot = boot(&plan, pointing_to(pointer));
            boot.assert_booted(&plan);
            let uri = boot.outcome.report.images[0]
                .uri
                .as_ref()
                .unwrap()
                .to_string();
            assert_eq!(uri, "tftp://10.0.2.2/spare/caliptra-fw.bin", "{pointer}");
        }
    }
}

#[test]
fn defaults_serve_where_there_is_no_pointer() {
    let mut plan = plan(Protocol::Http, "retry continue\n");
    let without = boot(&plan, |server| server.lease.boot_file = None);
    without.assert_failed(&plan, NO_SOURCE, Blame::Configuration);
    plan.settings += &defaults(Protocol::Http);
    let with = boot(&plan, |server| {
        spare(server);
        server.lease.boot_file = None;
    });
    with.assert_booted(&plan);
    assert_eq!(with.attempts_failed(), Vec::<u32>::new());
}

/// The pointer is preferred, and a default is only for the image that the pointer does not have.
#[test]
fn a_default_for_one_image_is_used_for_that_one() {
    let mut plan = plan(Protocol::Http, "retry continue\n");
    plan.settings += "default 1 tftp://10.0.2.2/spare/soc-manifest.bin\n";
    let boot = boot(&plan, |server| {
        spare(server);
        server.files.remove(FILE_NAMES[1]);
    });
    boot.assert_booted(&plan);
    let schemes: Vec<_> = boot
        .outcome
        .report
        .images
        .iter()
        .map(|image| image.uri.as_ref().unwrap().scheme().as_str())
        .collect();
    assert_eq!(schemes, ["http", "tftp", "http"]);
    assert_eq!(
        (boot.retries(0), boot.retries(1), boot.retries(2)),
        (0, 1, 0)
    );
}

/// A table that cannot be read at first, and a default for one image only: the table is looked for again
/// as long as the policy allows, or the other images would never be found.
#[test]
fn a_table_that_comes_back_is_read() {
    let mut plan = plan(Protocol::Http, "retry forever\n");
    plan.pointer = Pointer::Toc;
    plan.settings += "default 2 tftp://10.0.2.2/spare/mcu-runtime.bin\n";
    let boot = boot(&plan, |server| {
        spare(server);
        let rule = Rule::new(HttpFault::Status(404, None))
            .named("boot.toc")
            .times(8);
        server.faults.http.add(rule);
    });
    boot.assert_booted(&plan);
}

/// An empty file is nobody's image: the next place is tried.
#[test]
fn an_empty_file_leads_to_the_default() {
    let mut plan = plan(Protocol::Http, "retry continue\n");
    plan.settings += &defaults(Protocol::Http);
    let boot = boot(&plan, |server| {
        spare(server);
        server
            .files
            .insert(FILE_NAMES[1].into(), Content::Bytes([].as_slice().into()));
    });
    boot.assert_booted(&plan);
    assert_eq!(boot.attempts_failed(), [0x0006_0010]);
}

/// A table of contents that can be made wrong.
#[derive(Clone)]
struct Table {
    header: RawHeader,
    entries: Vec<RawEntry>,
}

impl Table {
    /// The right one for the images of `plan`.
    fn new(plan: &Plan) -> Self {
        let entries = plan.images.iter().zip(0u32..).map(|(image, index)| {
            let mut filename = [0; FILENAME];
            filename[..image.name.len()].copy_from_slice(image.name.as_bytes());
            RawEntry {
                identifier: index.into(),
                offset: 0.into(),
                size: (image.bytes.len() as u32).into(),
                filename,
                image_checksum: checksum(&image.bytes).into(),
                info_checksum: 0.into(),
            }
        });
        let entries: Vec<_> = entries.collect();
        Self {
            header: RawHeader {
                version: VERSION.into(),
                image_count: (entries.len() as u16).into(),
                payload_offset: 0.into(),
                header_checksum: 0.into(),
            },
            entries,
        }
    }

    /// The file, with all checksums right.
    fn sealed(mut self) -> Vec<u8> {
        self.header.header_checksum = checksum(&self.header.as_bytes()[..8]).into();
        let mut file = self.header.as_bytes().to_vec();
        for mut entry in self.entries {
            entry.info_checksum = checksum(&entry.as_bytes()[..80]).into();
            file.extend_from_slice(entry.as_bytes());
        }
        file
    }
}

fn named(name: &[u8]) -> [u8; FILENAME] {
    let mut filename = [0; FILENAME];
    filename[..name.len()].copy_from_slice(name);
    filename
}

#[test]
fn what_is_wrong_with_a_table_is_said() {
    type Change = fn(&mut Table);
    let changes: [(&str, Change, u32, Blame); 16] = [
        (
            "no image",
            |toc| toc.header.image_count = 0.into(),
            0x0008_0002,
            Blame::Configuration,
        ),
        (
            "257 images",
            |toc| toc.header.image_count = 257.into(),
            0x0008_0002,
            Blame::Configuration,
        ),
        (
            "65535 images",
            |toc| toc.header.image_count = 65_535.into(),
            0x0008_0002,
            Blame::Configuration,
        ),
        (
            "more than there are",
            |toc| toc.header.image_count = 4.into(),
            0x0008_0006,
            Blame::Configuration,
        ),
        (
            "text behind the name",
            |toc| toc.entries[0].filename[40] = b'x',
            0x0008_0004,
            Blame::Configuration,
        ),
        (
            "no ASCII",
            |toc| toc.entries[0].filename = named("Müller".as_bytes()),
            0x0008_0004,
            Blame::Configuration,
        ),
        (
            "a control character",
            |toc| toc.entries[0].filename = named(b"a\x1b[2Jb"),
            0x0008_0004,
            Blame::Configuration,
        ),
        (
            "a blank",
            |toc| toc.entries[0].filename = named(b"fw v2.bin"),
            0x0001_0002,
            Blame::Configuration,
        ),
        (
            "no file",
            |toc| toc.entries[0].filename = named(b"nowhere.bin"),
            0x0003_0016,
            Blame::Configuration,
        ),
        (
            "a name to its end",
            |toc| toc.entries[0].filename = [b'a'; FILENAME],
            0x0003_0016,
            Blame::Configuration,
        ),
        (
            "twice",
            |toc| toc.entries[1].identifier = 0.into(),
            0x0008_0005,
            Blame::Configuration,
        ),
        (
            "other identifiers",
            |toc| toc.entries[0].identifier = 7.into(),
            NO_SOURCE,
            Blame::Configuration,
        ),
        (
            "a wrong size",
            |toc| toc.entries[0].size = 19_999.into(),
            0x0007_0002,
            Blame::Server,
        ),
        (
            "a wrong checksum",
            |toc| toc.entries[0].image_checksum = 5.into(),
            0x0007_0004,
            Blame::Server,
        ),
        (
            "behind the end",
            |toc| toc.entries[0].filename = named(b""),
            0x0005_0011,
            Blame::Configuration,
        ),
        (
            "empty",
            |toc| {
                toc.entries[0].filename = named(b"");
                toc.entries[0].size = 0.into();
            },
            0x0006_0010,
            Blame::Configuration,
        ),
    ];
    for (what, change, code, blame) in changes {
        println!("{what}");
        let mut plan = plan(Protocol::Http, "retry continue\n");
        plan.pointer = Pointer::Toc;
        let mut table = Table::new(&plan);
        change(&mut table);
        let boot = boot(&plan, |server| {
            server
                .files
                .insert("boot.toc".into(), table.sealed().into());
        });
        boot.assert_failed(&plan, code, blame);
        assert!(!boot.outcome.images[0].activated, "{what}");
    }
}

#[test]
fn a_table_that_was_damaged_on_the_way_is_noticed() {
    for (what, at, code) in [
        ("first entry", 12, 0x0008_0003),
        ("last entry", 12 + 2 * 84 + 30, 0x0008_0003),
    ] {
        let mut plan = plan(Protocol::Tftp, "retry continue\n");
        plan.pointer = Pointer::Toc;
        let mut file = Table::new(&plan).sealed();
        file[at] ^= 0x04;
        let boot = boot(&plan, |server| {
            server.files.insert("boot.toc".into(), file.into());
        });
        boot.assert_failed(&plan, code, Blame::Configuration);
        println!("{what}: {}", boot.error().unwrap());
    }
}

#[test]
fn a_table_that_is_cut_short_is_noticed() {
    for length in [13, 95, 96, 97, 12 + 3 * 84 - 1] {
        let mut plan = plan(Protocol::Tftp, "retry continue\n");
        plan.pointer = Pointer::Toc;
        let mut file = Table::new(&plan).sealed();
        file.truncate(length);
        let boot = boot(&plan, |server| {
            server.files.insert("boot.toc".into(), file.into());
        });
        boot.assert_failed(&plan, 0x0008_0006, Blame::Configuration);
    }
}

/// What is no table is some other boot file, beside which the images lie.
#[test]
fn another_boot_file_points_to_its_directory() {
    let old = {
        let mut table = Table::new(&plan(Protocol::Tftp, ""));
        table.header.version = 2.into();
        table.sealed()
    };
    for file in [b"".to_vec(), b"#!ipxe\n".to_vec(), vec![0; 5_000], old] {
        let mut plan = plan(Protocol::Tftp, "retry continue\n");
        plan.pointer = Pointer::Toc;
        let boot = boot(&plan, |server| {
            server.files.insert("boot.toc".into(), file.into());
        });
        boot.assert_booted(&plan);
    }
}

/// More entries than a device has images, most of them for others.
#[test]
fn a_table_for_many_is_read_to_its_end() {
    let mut plan = plan(Protocol::Http, "retry continue\n");
    plan.pointer = Pointer::Toc;
    let mut table = Table::new(&plan);
    let mut other = table.entries[0];
    other.filename = [0xFF; FILENAME];
    for identifier in 0x1000..0x1000 + 253 {
        other.identifier = identifier.into();
        table.entries.insert(1, other);
    }
    table.header.image_count = 256.into();
    let boot = boot(&plan, |server| {
        server
            .files
            .insert("boot.toc".into(), table.sealed().into());
    });
    boot.assert_booted(&plan);
}

/// The report tells the truth about each image, also of those that took several attempts.
#[test]
fn the_report_adds_up() {
    let plan = plan(Protocol::Http, "retry 3\n");
    let boot = boot(&plan, |server| {
        let first = Rule::new(HttpFault::Status(404, None))
            .named(FILE_NAMES[0])
            .times(2);
        server.faults.http.add(first);
        let second = Rule::new(HttpFault::ResetAfter(1_000))
            .named(FILE_NAMES[1])
            .times(1);
        server.faults.http.add(second);
        let slow = Rule::new(HttpFault::Drip(1_000)).named(FILE_NAMES[2]);
        server.faults.http.add(slow);
    });
    boot.assert_booted(&plan);
    let report = &boot.outcome.report;
    assert_eq!((boot.retries(0), boot.resumes(0)), (2, 0));
    assert_eq!((boot.retries(1), boot.resumes(1)), (0, 1));
    assert_eq!((boot.retries(2), boot.resumes(2)), (0, 0));
    let [first, second, third] = &report.images[..] else {
        panic!("{} images", report.images.len());
    };
    assert!(first.duration >= Duration::from_secs(3) && first.transfer < Duration::from_secs(1));
    assert!(second.duration < Duration::from_secs(2));
    // Head and body come at 1,000 octets a second.
    assert!(
        (800..=1_100).contains(&third.throughput()),
        "{}",
        third.throughput()
    );
    let together = first.duration + second.duration + third.duration;
    assert!(together <= boot.took());
    assert_eq!(report.status(), 0);
}
