//! Time that nobody has to wait: from power-on to the lease, to the first octet, and from image to image. The link takes 10 ms one
//! way, so times are counted in round trips of 20 ms.

use e2e::{Boot, Sim};
use image_server::{Protocol as Carrier, ProxyConfig, ServerConfig};
use netboot_core::{Duration, Instant};
use netsim::LinkConfig;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use testbed::plan::{FILE_NAMES, SERVER, firmware};
use testbed::{Plan, Protocol};

const BOTH: [Protocol; 2] = [Protocol::Tftp, Protocol::Http];
const SIZES: [usize; 3] = [20_000, 3_000, 2_001];
const RTT: u64 = 20_000;
/// Polls, and the device's own steps, µs.
const SLACK: u64 = 2_000;
/// How long the device verifies an image.
const VERIFIES: Duration = Duration::from_millis(200);

fn plan(protocol: Protocol) -> Plan {
    Plan {
        protocol,
        images: firmware(&SIZES),
        settings: "probe off\n".into(),
        link: LinkConfig::with_delay(Duration::from_millis(10)),
        ..Plan::default()
    }
}

/// A boot of a device that takes its time.
fn verifying(plan: &Plan) -> Sim<'_> {
    Sim::new(plan).device(|device| device.verify_time = VERIFIES)
}

/// µs at which the console says `event` of image `index`, the first time that `when` holds of its line.
fn told(boot: &Boot, event: &str, index: usize, when: impl Fn(&str) -> bool) -> u64 {
    let (event, index) = (format!("@{event} t="), format!(" index={index} "));
    let mut lines = boot.console.lines();
    let line = lines
        .find(|line| line.starts_with(&event) && format!("{line} ").contains(&index) && when(line));
    let time = line.and_then(|line| line.strip_prefix(&event)?.split(' ').next()?.parse().ok());
    time.unwrap_or_else(|| panic!("no {event} of{index}\n{}", boot.console))
}

/// µs from the device's request of image `index` to the first octet of it in the device.
fn waited(boot: &Boot, index: usize) -> u64 {
    let octets = |line: &str| !line.contains(" octets=0 ");
    told(boot, "delivered", index, octets) - told(boot, "requested", index, |_| true)
}

fn leased(boot: &Boot) -> u64 {
    let report = &boot.outcome.report;
    let at = report.configured.expect("a lease");
    at.since(report.started).as_micros()
}

#[track_caller]
fn assert_takes(what: &str, micros: u64, expected: u64) {
    let range = expected..=expected + SLACK;
    assert!(
        range.contains(&micros),
        "{what}: {micros} µs, not {expected}"
    );
}

/// DHCP says nothing of images.
fn no_pointer(server: &mut ServerConfig) {
    server.lease.boot_file = None;
    server.lease.next_server = None;
}

/// Two exchanges, and nothing else, unless boot information is needed and the first offer has none.
#[test]
fn a_lease_takes_two_round_trips() {
    let pointed = plan(Protocol::Tftp);
    let boot = Sim::new(&pointed).run();
    boot.assert_booted(&pointed);
    assert_takes("lease", leased(&boot), 2 * RTT);

    let places = |count| -> String {
        let names = FILE_NAMES.iter().enumerate().take(count);
        names
            .map(|(index, name)| format!("default {index} tftp://{SERVER}/{name}\n"))
            .collect()
    };
    let mut known = plan(Protocol::Tftp);
    known.settings += &places(3);
    let boot = Sim::new(&known).server(no_pointer).run();
    boot.assert_booted(&known);
    assert_takes("lease", leased(&boot), 2 * RTT);

    // One place is missing: whoever knows it may answer later than the first.
    let mut unknown = plan(Protocol::Tftp);
    unknown.settings += &places(2);
    let boot = Sim::new(&unknown).server(no_pointer).run();
    assert_takes("lease", leased(&boot), 2 * RTT + 300_000);
}

/// TFTP: request and answer, acknowledgment and first block. HTTP: connection, request. The server's hardware address is known
/// from DHCP.
#[test]
fn the_first_octet_comes_two_round_trips_after_the_lease() {
    for protocol in BOTH {
        let plan = plan(protocol);
        let boot = Sim::new(&plan).run();
        boot.assert_booted(&plan);
        let first = told(&boot, "delivered", 0, |line| !line.contains(" octets=0 "));
        let configured = boot.outcome.report.configured.unwrap();
        let micros = first - configured.as_micros();
        assert_takes(protocol.scheme(), micros, 2 * RTT);
    }
}

/// A capture that a test keeps a hand on.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Write for Capture {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Capture {
    /// µs, and the frame, of all that was sent.
    fn frames(&self) -> Vec<(u64, Vec<u8>)> {
        let octets = self.0.lock().expect("nobody panicked");
        let mut rest = octets.get(24..).unwrap_or_default();
        let mut frames = Vec::new();
        while let Some((head, after)) = rest.split_first_chunk::<16>() {
            let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
            let (frame, after) = after.split_at(word(8) as usize);
            let micros = u64::from(word(0)) * 1_000_000 + u64::from(word(4));
            frames.push((micros, frame.to_vec()));
            rest = after;
        }
        frames
    }
}

/// The server of the images is asked for its hardware address as soon as its name is resolved, whoever was asked before.
#[test]
fn two_neighbours_are_asked_for_without_a_pause() {
    let dns = Ipv4Addr::new(10, 0, 2, 3);
    let images = Ipv4Addr::new(10, 0, 2, 77);
    for protocol in BOTH {
        let mut plan = plan(protocol);
        plan.settings += "retry continue\ntotal_ms 5000\n";
        let capture = Capture::default();
        let out = capture.clone();
        let boot = Sim::new(&plan)
            .server(|server| {
                server.proxy = Some(ProxyConfig {
                    ip: dns,
                    ..ProxyConfig::default()
                });
                server.lease.dns = vec![dns];
                let name = "images.example";
                server.lease.boot_file = Some(format!("{}://{name}/", protocol.scheme()));
                server.dns.insert(name.into(), images);
            })
            .at(Instant::ZERO, move |world| {
                world.link.capture(Box::new(out))
            })
            .run();
        // Nobody is there; what counts is when somebody was looked for.
        assert!(boot.error().is_some());
        let frames = capture.frames();
        let asked = |target: Ipv4Addr| {
            let request = |frame: &[u8]| {
                frame[12..14] == [8, 6] && frame[21] == 1 && frame[38..42] == target.octets()
            };
            let found = frames.iter().find(|(_, frame)| request(frame));
            found.map(|(at, _)| *at).expect("an ARP request")
        };
        let query = frames.iter().find(|(_, frame)| {
            frame[12..14] == [8, 0] && frame[23] == 17 && frame[36..38] == 53u16.to_be_bytes()
        });
        let (query, _) = query.expect("a DNS query");
        let micros = asked(images) - query;
        assert_takes(protocol.scheme(), micros, RTT);
    }
}

/// What the device asks for is open by then: with TFTP the server waits for the first acknowledgment, with HTTP octets are there.
#[test]
fn the_next_image_is_opened_while_the_device_verifies() {
    for (protocol, rest) in [(Protocol::Tftp, RTT), (Protocol::Http, 0)] {
        let plan = plan(protocol);
        let boot = verifying(&plan).run();
        boot.assert_booted(&plan);
        for index in [1, 2] {
            assert_takes(protocol.scheme(), waited(&boot, index), rest);
            assert_eq!(boot.retries(index), 0);
            assert_eq!(boot.resumes(index), 0);
        }
        // Each file was asked for once, and in the order of the images.
        let carrier = match protocol {
            Protocol::Tftp => Carrier::Tftp,
            _ => Carrier::Http,
        };
        let names: Vec<_> = boot
            .served
            .iter()
            .filter(|served| served.protocol == carrier)
            .map(|served| served.name.as_str())
            .collect();
        assert_eq!(names, FILE_NAMES, "{}", boot.console);
        // Whoever looks on sees nothing of it.
        let events: Vec<_> = boot
            .console
            .lines()
            .filter_map(|line| line.split(' ').next())
            .filter(|event| ["@requested", "@fetching", "@opened"].contains(event))
            .collect();
        assert_eq!(events, ["@requested", "@fetching", "@opened"].repeat(3));
    }
}

/// A device that takes longer than an open transfer is kept for: it is opened anew.
#[test]
fn a_transfer_that_waited_too_long_is_opened_anew() {
    for (protocol, rest) in [(Protocol::Tftp, 2 * RTT), (Protocol::Http, 2 * RTT)] {
        let mut plan = plan(protocol);
        plan.settings += "settle_ms 12000\n";
        let sim = Sim::new(&plan).device(|device| device.verify_time = Duration::from_secs(8));
        let boot = sim.run();
        boot.assert_booted(&plan);
        for index in [1, 2] {
            assert_takes(protocol.scheme(), waited(&boot, index), rest);
            assert_eq!(boot.retries(index) + boot.resumes(index), 0);
        }
    }
}

/// The device is satisfied with two images where the third was opened already; and a file that is not there is nobody's failure
/// until it is asked for.
#[test]
fn a_wrong_guess_is_harmless() {
    for protocol in BOTH {
        for has_third in [true, false] {
            let mut plan = plan(protocol);
            plan.images.truncate(2);
            plan.device = "personality documented\n".into();
            let third = firmware(&SIZES).remove(2);
            let boot = verifying(&plan)
                .server(|server| {
                    if has_third {
                        let content = image_server::Content::Bytes(third.bytes.clone());
                        server.files.insert(third.name.clone(), content);
                    }
                })
                .run();
            boot.assert_booted(&plan);
            assert!(boot.attempts_failed().is_empty(), "{}", boot.console);
            assert_eq!(boot.outcome.report.images.len(), 2);
        }
    }
}

/// The server is gone while the device verifies the first image, and comes back when it is done.
#[test]
fn a_server_that_is_gone_meanwhile_is_asked_again() {
    for protocol in BOTH {
        let plan = plan(protocol);
        let reference = verifying(&plan).run();
        let activated = told(&reference, "activated", 0, |_| true);
        let requested = told(&reference, "requested", 1, |_| true);
        let boot = verifying(&plan)
            .at(Instant::from_micros(activated - 100), |world| {
                world.link.set_down(true);
            })
            .at(Instant::from_micros(requested), |world| {
                world.link.set_down(false);
            })
            .run();
        boot.assert_booted(&plan);
        assert!(boot.attempts_failed().is_empty(), "{}", boot.console);
        assert_eq!(boot.outcome.report.images.len(), 3);
    }
}
