//! Whole boots whose source fails in mid-image, at a device that does as released ROMs do: it never begins an image anew.
//!
//! The tables cover breaks at the edges of the first burst and of the image, what comes after the break, the speed of looks at
//! the device, and the speed of its registers. Whatever happens, the device activates nothing but a whole file, never a mixture,
//! and a boot that fails ends with its cause.

use e2e::{Boot, Sim};
use image_server::{Content, HttpFault, Rule, ServerConfig, TftpFault};
use netboot_app::{AppError, Outcome};
use netboot_core::{Blame, Coded, Digest, Duration};
use recovery_model::{ResetAt, padded_sha256};
use testbed::plan::{FILE_NAMES, Image, SERVER, firmware};
use testbed::{Plan, Protocol};

const BOTH: [Protocol; 2] = [Protocol::Tftp, Protocol::Http];

/// Size in octets of the image whose source fails. It has a tail of 3.
const SIZE: usize = 9_003;
/// Octets after which the source fails.
const BREAKS: [usize; 8] = [0, 1, 255, 256, 257, 8_000, SIZE / 2, SIZE - 1];
/// The first burst: from here on the device has used octets.
const BURST: usize = 256;
/// Time between two looks at the device in us.
const POLLS: [u64; 4] = [1, 500, 3_000, 50_000];
/// Time of an access to a register of the device in us.
const ACCESSES: [u64; 4] = [0, 1, 30, 1_000];

const DIGEST: u32 = 0x0007_0003;
const REFUSED: u32 = 0x0006_0015;
const SIZE_CHANGED: u32 = 0x0005_0012;
const CONTENT_CHANGED: u32 = 0x0005_0013;

/// What follows the break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The same server has the same file again.
    SameServer,
    /// The first server is gone; another place has the same file.
    OtherPlace,
    /// The first server is gone; the same file comes by another protocol.
    OtherProtocol,
    /// The first server is gone; another place has another file of the same size.
    OtherFile,
    /// The first server is gone; another place has a longer file.
    LongerFile,
}

/// One line of a table.
#[derive(Clone, Copy, Debug)]
struct Case {
    protocol: Protocol,
    /// Index of the image whose source fails.
    index: usize,
    /// Octets after which it fails.
    after: usize,
    next: Next,
    /// Whether the boot application knows the digest.
    expect: bool,
    poll: u64,
    access: u64,
}

const fn other(protocol: Protocol) -> Protocol {
    match protocol {
        Protocol::Tftp => Protocol::Http,
        _ => Protocol::Tftp,
    }
}

impl Case {
    /// A file of the same size as the right one, or a longer one.
    fn wrong(self) -> Image {
        let size = SIZE
            + if self.next == Next::LongerFile {
                900
            } else {
                0
            };
        Image::pseudo_random("wrong", size, 99)
    }

    fn plan(self) -> Plan {
        let sizes = [0, 1, 2].map(|index| match index == self.index {
            true => SIZE,
            false => 300 + index,
        });
        let name = FILE_NAMES[self.index];
        let scheme = match self.next {
            Next::OtherProtocol => other(self.protocol),
            _ => self.protocol,
        }
        .scheme();
        let place = match self.next {
            Next::SameServer => String::new(),
            Next::OtherProtocol => format!("default {} {scheme}://{SERVER}/{name}\n", self.index),
            _ => format!("default {} {scheme}://{SERVER}/mirror/{name}\n", self.index),
        };
        // Blocks that end where the source fails.
        let blksize = match self.after {
            after @ 255..=257 => after,
            8_000 => 1_000,
            after if after == SIZE / 2 || after == SIZE - 1 => 643,
            _ => 512,
        };
        Plan {
            protocol: self.protocol,
            images: firmware(&sizes),
            expect: self.expect,
            settings: format!(
                "probe off\nretry 2\nsettle_ms 20\nblksize {blksize}\nwindowsize 4\n{place}"
            ),
            poll: Some(Duration::from_micros(self.poll)),
            ..Plan::default()
        }
    }

    /// Lets the first source fail after so many octets, and prepares what follows.
    fn prepare(self, plan: &Plan, server: &mut ServerConfig) {
        let name = FILE_NAMES[self.index];
        let after = self.after as u64;
        let broken = TftpFault::ErrorAfter(after, 0, "broken".into());
        let tftp = &mut server.faults.tftp;
        let http = &mut server.faults.http;
        match self.protocol {
            Protocol::Tftp => tftp.add(Rule::new(broken).named(name).times(1)),
            _ => http.add(Rule::new(HttpFault::CloseAfter(after)).named(name).times(1)),
        }
        if self.next == Next::SameServer {
            return;
        }
        let gone = TftpFault::Error(1, "gone".into());
        match self.protocol {
            Protocol::Tftp => tftp.add(Rule::new(gone).named(name).after(1)),
            _ => http.add(Rule::new(HttpFault::Status(404, None)).named(name).after(1)),
        }
        let content = match self.next {
            Next::OtherFile | Next::LongerFile => self.wrong().bytes,
            _ => plan.images[self.index].bytes.clone(),
        };
        let mirror = format!("mirror/{name}");
        server.files.insert(mirror, Content::Bytes(content));
    }

    fn boot(self) -> (Plan, Boot) {
        let plan = self.plan();
        let boot = Sim::new(&plan)
            .server(|server| self.prepare(&plan, server))
            .access(Duration::from_micros(self.access))
            .run();
        self.assert_no_mixture(&plan, &boot);
        (plan, boot)
    }

    /// What the device was told to activate is a file, from its first octet to its last.
    fn assert_no_mixture(self, plan: &Plan, boot: &Boot) {
        boot.check(plan)
            .unwrap_or_else(|what| panic!("{self:?}: {what}\n{}", boot.console));
        for (image, got) in plan.images.iter().zip(&boot.outcome.images) {
            let files = [image.padded_sha256(), self.verified(&self.wrong())];
            let whole = got.sha256.is_some_and(|sha256| files.contains(&sha256));
            assert!(
                !got.activated || whole,
                "{self:?}: a mixture\n{}",
                boot.console
            );
        }
    }

    /// What the device hashes of a file in place of the image: of images 0 and 1 no more than the size that they should have.
    fn verified(self, image: &Image) -> Digest {
        let len = match self.index {
            2 => image.bytes.len(),
            _ => image.bytes.len().min(SIZE.next_multiple_of(4)),
        };
        padded_sha256(&image.bytes[..len])
    }

    fn assert_booted(self) {
        let (plan, boot) = self.boot();
        assert_eq!(boot.error(), None, "{self:?}\n{}", boot.console);
        boot.assert_booted(&plan);
        // The device noticed a pause and nothing else.
        assert_eq!(boot.outcome.tally.resets, 0);
        assert_eq!(boot.outcome.tally.activations, 3);
        // The source did fail, and something followed it.
        assert!(boot.faults.http.hits() + boot.faults.tftp.hits() > 0);
        let again = boot.resumes(self.index) + boot.retries(self.index);
        assert!(again > 0, "{self:?}\n{}", boot.console);
        let uri = boot.outcome.report.images[self.index].uri.as_ref();
        let uri = uri.expect("a source").as_str();
        let scheme = match self.next {
            Next::OtherProtocol => other(self.protocol),
            _ => self.protocol,
        };
        assert!(uri.starts_with(scheme.scheme()), "{self:?}: {uri}");
        let mirror = self.next == Next::OtherPlace;
        assert_eq!(uri.contains("mirror"), mirror, "{self:?}: {uri}");
    }

    /// The boot ended with this cause, and image and device are left alone.
    fn assert_failed(self, code: u32) {
        let (_, boot) = self.boot();
        let console = &boot.console;
        let error = boot.error().expect("an error");
        let found = (error.code(), error.blame());
        assert_eq!(found, (code, Blame::Server), "{self:?}: {error}\n{console}");
        let got = &boot.outcome.images[self.index];
        assert!(!got.activated, "{self:?}\n{console}");
        if code != DIGEST {
            // The device has the bursts before the break, and nothing after it.
            let bursts = delivered(self) / BURST * BURST;
            assert_eq!(got.octets as usize, bursts, "{self:?}\n{console}");
        }
        assert!(boot.outcome.report.reset_required, "{self:?}\n{console}");
        assert_eq!(boot.outcome.tally.refusals, 0);
        let told = boot.outcome.report.images.last().unwrap();
        assert_eq!(told.outcome, Outcome::NotActivated);
        // The waits between the rounds, and no wait for a device that has nothing to say.
        assert!(
            boot.took() < Duration::from_secs(30),
            "{self:?}: {}",
            boot.took()
        );
    }
}

/// Every protocol, image and break; speeds take turns.
fn cases(next: Next) -> impl Iterator<Item = Case> {
    let lines = BOTH.into_iter().flat_map(move |protocol| {
        (0..3).flat_map(move |index| BREAKS.map(|after| (protocol, index, after)))
    });
    lines
        .enumerate()
        .map(move |(line, (protocol, index, after))| Case {
            protocol,
            index,
            after,
            next,
            expect: true,
            poll: POLLS[line % POLLS.len()],
            access: ACCESSES[line / POLLS.len() % ACCESSES.len()],
        })
}

#[test]
fn the_same_server_again() {
    cases(Next::SameServer).for_each(Case::assert_booted);
}

#[test]
fn another_place() {
    cases(Next::OtherPlace).for_each(Case::assert_booted);
}

#[test]
fn another_protocol() {
    cases(Next::OtherProtocol).for_each(Case::assert_booted);
}

#[test]
fn every_speed_of_looks_and_registers() {
    for after in [BURST - 1, BURST + 1] {
        for protocol in BOTH {
            for poll in POLLS {
                for access in ACCESSES {
                    for next in [Next::SameServer, Next::OtherProtocol] {
                        let case = Case {
                            protocol,
                            index: 1,
                            after,
                            next,
                            expect: true,
                            poll,
                            access,
                        };
                        case.assert_booted();
                    }
                }
            }
        }
    }
}

/// The file at the other place is another one. It is refused as soon as the device has used the first; until then it is delivered
/// whole, and judged as a whole.
#[test]
fn another_file_is_refused_unless_nothing_was_used() {
    for case in cases(Next::OtherFile) {
        match delivered(case) {
            BURST.. => case.assert_failed(CONTENT_CHANGED),
            _ => case.assert_failed(DIGEST),
        }
    }
}

#[test]
fn a_longer_file_is_refused_even_without_a_digest() {
    for case in cases(Next::LongerFile) {
        if delivered(case) >= BURST {
            let case = Case {
                expect: false,
                ..case
            };
            case.assert_failed(SIZE_CHANGED);
        }
    }
}

/// Octets of the first file that reached the device. TFTP sends whole blocks, of which the table has none of one octet.
fn delivered(case: Case) -> usize {
    match (case.protocol, case.after) {
        (Protocol::Tftp, 1) => 512,
        (_, after) => after,
    }
}

/// Without a digest the device itself judges the other file: it is whole, and it is wrong.
#[test]
fn another_file_in_place_of_an_unused_one_is_judged_by_the_device() {
    for case in cases(Next::OtherFile).filter(|case| delivered(*case) < BURST) {
        let case = Case {
            expect: false,
            ..case
        };
        let (_, boot) = case.boot();
        let found = boot.error().map(|error| (error.code(), error.blame()));
        assert_eq!(found, Some((REFUSED, Blame::Server)), "{case:?}");
        let got = &boot.outcome.images[case.index];
        assert!(got.activated && !got.verified, "{case:?}");
        assert_eq!(got.sha256, Some(case.wrong().padded_sha256()), "{case:?}");
    }
}

/// Lets the server's copy of one image be wrong in one bit, so often.
fn corrupt(server: &mut ServerConfig, index: usize, times: Option<u32>) {
    let middle = SIZE as u64 / 2;
    let mut http = Rule::new(HttpFault::Corrupt(middle)).named(FILE_NAMES[index]);
    let mut tftp = Rule::new(TftpFault::Corrupt(middle)).named(FILE_NAMES[index]);
    if let Some(times) = times {
        http = http.times(times);
        tftp = tftp.times(times);
    }
    server.faults.http.add(http);
    server.faults.tftp.add(tftp);
}

/// A whole file with the wrong digest: the boot ends with that, at once, and says that the device has to be reset.
#[test]
fn a_wrong_digest_is_the_cause() {
    for (line, protocol) in BOTH.into_iter().cycle().take(24).enumerate() {
        let case = Case {
            protocol,
            index: line % 3,
            after: SIZE,
            next: Next::SameServer,
            expect: true,
            poll: POLLS[line % POLLS.len()],
            access: ACCESSES[line / POLLS.len() % ACCESSES.len()],
        };
        let plan = case.plan();
        let boot = Sim::new(&plan)
            .server(|server| corrupt(server, case.index, None))
            .access(Duration::from_micros(case.access))
            .run();
        boot.assert_failed(&plan, DIGEST, Blame::Server);
        assert!(!boot.outcome.images[case.index].activated);
        assert!(boot.outcome.report.reset_required);
        assert_eq!(boot.retries(case.index), 0, "nothing can mend it");
        let limit = Duration::from_secs(1) + Duration::from_micros(case.access * 4 * SIZE as u64);
        assert!(boot.took() < limit, "{case:?}: {}", boot.took());
    }
}

/// A platform that can reset its device mends what no source can.
#[test]
fn a_reset_begins_anew() {
    for protocol in BOTH {
        for (index, name) in FILE_NAMES.into_iter().enumerate() {
            let case = Case {
                protocol,
                index,
                after: 8_000,
                next: Next::OtherFile,
                expect: true,
                poll: 500,
                access: 0,
            };
            let mut plan = case.plan();
            plan.can_reset = true;

            // One delivery is wrong, the next is right.
            let once = Sim::new(&plan)
                .server(|server| corrupt(server, index, Some(1)))
                .run();
            once.assert_booted(&plan);
            assert_eq!(once.outcome.tally.resets, 1);
            // The place with the wrong file comes last after the reset, and the other place has no file.
            let failed = once.attempts_failed();
            assert!(matches!(failed[..], [DIGEST, _]), "{failed:x?}");
            assert!(!once.outcome.report.reset_required);

            // Every delivery is wrong: the policy bounds the resets, and the cause is the status.
            let always = Sim::new(&plan)
                .server(|server| corrupt(server, index, None))
                .run();
            always.assert_failed(&plan, DIGEST, Blame::Server);
            assert_eq!(always.outcome.tally.resets, 2);
            assert!(always.outcome.report.reset_required);
            assert!(!always.outcome.images[index].activated);

            // The device holds part of a file that is gone; after the reset it gets the other one.
            let settings = plan.settings.replace("retry 2", "retry continue");
            let gone = Plan {
                settings,
                expect: false,
                ..plan.clone()
            };
            let right = gone.images[index].bytes.clone();
            let boot = Sim::new(&gone)
                .server(|server| {
                    case.prepare(&gone, server);
                    // What was begun is the wrong one, and the right one is at the other place.
                    let mirror = format!("mirror/{name}");
                    server.files.insert(mirror, Content::Bytes(right));
                    let wrong = Content::Bytes(case.wrong().bytes);
                    server.files.insert(name.into(), wrong);
                })
                .run();
            boot.assert_booted(&gone);
            assert_eq!(boot.outcome.tally.resets, 1);
            assert_eq!(boot.outcome.tally.refusals, 0);
        }
    }
}

/// A device that was reset by somebody else in mid-image is begun anew, where the platform can make sure that it is fresh.
#[test]
fn a_device_that_resets_itself_is_begun_anew() {
    for protocol in BOTH {
        for index in 0..3 {
            for after in [0, 256, 4_096] {
                let mut plan = Case {
                    protocol,
                    index,
                    after: SIZE,
                    next: Next::SameServer,
                    expect: true,
                    poll: 500,
                    access: 1,
                }
                .plan();
                plan.device = "rate 1000000\n".into();
                let run = |plan: &Plan| {
                    Sim::new(plan)
                        .device(|device| {
                            device.faults.reset = Some(ResetAt {
                                index: index as u8,
                                after,
                            });
                        })
                        .run()
                };
                let left = run(&plan);
                left.check(&plan).unwrap();
                assert!(matches!(left.error(), Some(AppError::Recovery(_))));
                plan.can_reset = true;
                let boot = run(&plan);
                boot.assert_booted(&plan);
                assert_eq!(boot.outcome.tally.resets, 1);
            }
        }
    }
}
