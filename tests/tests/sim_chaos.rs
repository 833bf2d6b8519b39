//! A thousand boots over bad links, of odd images, from servers with accidents: each ends in the right
//! octets, or in a named error when the server is hopeless.
//!
//! Everything of a boot follows from its seed. One boot again, with its console:
//!
//! ```text
//! NETBOOT_SEED=n cargo test -p e2e --test sim_chaos a_thousand
//! NETBOOT_SEED=n cargo test -p e2e --test sim_chaos https
//! ```
//!
//! `NETBOOT_PCAP=file` beside it captures what passed over the link. `NETBOOT_BOOTS=n` makes it n boots
//! instead of the thousand, and of the two hundred over HTTPS.

use e2e::{Boot, Chance, Sim, watch};
use image_server::config::{EtagKind, Framing};
use image_server::{
    Content, DhcpFault, HttpFault, Rule, ServerConfig, TftpFault, TlsFault, UbpFault,
};
use netboot_core::{Coded, Duration, Instant};
use netboot_tls::channel::{LARGE_RECORDS, SMALL_RECORDS};
use netsim::LinkConfig;
use recovery_model::DeviceConfig;
use std::fmt::Write as _;
use test_pki::{Flaw, Pki};
use testbed::plan::{FIRMWARE_SIZES, Pointer, SERVER, firmware};
use testbed::{Https, Plan, Protocol};

/// Boots by default.
const BOOTS: u64 = 1_000;
/// How one boot is run again.
const AGAIN: &str = "NETBOOT_SEED=n cargo test -p e2e --test sim_chaos a_thousand";
/// Boots over HTTPS.
const HTTPS_BOOTS: u64 = 200;
/// How one of them is run again.
const HTTPS_AGAIN: &str = "NETBOOT_SEED=n cargo test -p e2e --test sim_chaos https";
/// Boots by the UDP boot protocol.
const UBP_BOOTS: u64 = 200;
/// How one of them is run again.
const UBP_AGAIN: &str = "NETBOOT_SEED=n cargo test -p e2e --test sim_chaos udp";
/// Total deadline where the server is hopeless.
const HOPELESS_MS: u64 = 90_000;

/// What carries the images.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// TFTP or HTTP.
    Plain,
    /// HTTP over TLS. A seed means the same boot, but for this.
    Https,
    /// The UDP boot protocol. A seed means the same boot, but for this.
    Ubp,
}

/// One boot, and what it may end in.
struct Case {
    plan: Plan,
    server: ServerConfig,
    device: DeviceConfig,
    hopeless: Option<&'static str>,
}

impl Case {
    fn new(kind: Kind, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let protocol = chance.pick(&[Protocol::Tftp, Protocol::Http]);
        let mut plan = Plan {
            protocol: match kind {
                Kind::Plain => protocol,
                Kind::Https => Protocol::Https,
                Kind::Ubp => Protocol::Ubp,
            },
            pointer: chance.pick(&[Pointer::Directory, Pointer::Toc, Pointer::FlashImage]),
            images: firmware(&sizes(&mut chance)),
            link: link(&mut chance),
            expect: chance.percent(80),
            // What a released device has used of a wrong file can only be ended by a reset.
            can_reset: true,
            seed,
            ..Plan::default()
        };
        plan.device = device_text(&mut chance);
        plan.settings = settings_text(&mut chance);
        if kind == Kind::Https {
            plan.https = Some(https(&mut chance, seed));
        }
        let mut server = plan.server();
        habits(&mut chance, &mut server);
        if chance.percent(40) {
            accidents(&mut chance, &plan, &mut server);
        }
        let hopeless = chance
            .percent(10)
            .then(|| make_hopeless(&mut chance, &mut plan, &mut server));
        let device = testbed::host::device_config(&plan).expect("a readable device text");
        Self {
            plan,
            server,
            device,
            hopeless,
        }
    }

    fn boot(&self) -> Boot {
        let mut sim = Sim::new(&self.plan);
        sim.server = self.server.clone();
        sim.device = self.device;
        sim.run()
    }

    /// What there is to know of the boot beyond its console.
    fn story(&self) -> String {
        let Plan { link, images, .. } = &self.plan;
        let sizes: Vec<_> = images.iter().map(|image| image.bytes.len()).collect();
        let server = &self.server;
        format!(
            "sizes {sizes:?}\n{link:?}\n{:?}\n{:?}\n{:?}\n{}{}hopeless: {:?}\n",
            server.faults,
            server.http,
            server.tftp,
            self.plan.device,
            self.plan.settings,
            self.hopeless
        )
    }

    fn check(&self, boot: &Boot) -> Result<(), String> {
        boot.check(&self.plan)?;
        let report = &boot.outcome.report;
        match (&report.error, self.hopeless) {
            (None, None) => Ok(()),
            (Some(error), None) => Err(format!(
                "no boot from a good server: {:#010x} {error}",
                error.code()
            )),
            (None, Some(what)) => Err(format!("booted from a hopeless server: {what}")),
            (Some(_), Some(_)) if boot.took() > Duration::from_millis(HOPELESS_MS + 1_000) => {
                Err(format!("took {}, too long", boot.took()))
            }
            (Some(_), Some(_)) => Ok(()),
        }
    }
}

fn sizes(chance: &mut Chance) -> [usize; 3] {
    if chance.percent(4) {
        return FIRMWARE_SIZES;
    }
    chance.sizes()
}

fn link(chance: &mut Chance) -> LinkConfig {
    if chance.percent(10) {
        return LinkConfig::PERFECT;
    }
    LinkConfig {
        delay: Duration::from_micros(chance.pick(&[0, 50, 500, 5_000, 40_000])),
        jitter: Duration::from_micros(chance.pick(&[0, 0, 100, 3_000, 20_000])),
        loss: chance.fraction(0.06),
        duplicate: chance.fraction(0.05),
        reorder: chance.fraction(0.05),
        corrupt: chance.fraction(0.03),
        bandwidth_bps: chance.pick(&[None, None, Some(2_000_000), Some(100_000_000)]),
        queue_limit: chance.pick(&[None, Some(24), Some(100)]),
        ring_limit: chance.pick(&[None, Some(16), Some(32)]),
    }
}

fn device_text(chance: &mut Chance) -> String {
    let personality = chance.pick(&["documented", "rom-2.1.0", "rom-2.1.2"]);
    let core = chance.pick(&["v1p4", "v1p5"]);
    let rate = chance.pick(&[0, 30_000, 500_000, 8_000_000]);
    let verify = chance.between(0, 300);
    format!("personality {personality}\ncore {core}\nrate {rate}\nverify_ms {verify}\n")
}

fn settings_text(chance: &mut Chance) -> String {
    let mut text = String::new();
    if chance.percent(50) {
        let blksize = chance.pick(&[64, 512, 1_000, 1_024, 1_428]);
        writeln!(text, "blksize {blksize}").expect("a string");
    }
    if chance.percent(50) {
        writeln!(text, "windowsize {}", chance.pick(&[1, 2, 4, 7, 40])).expect("a string");
    }
    if chance.percent(50) {
        text.push_str("probe off\n");
    }
    text
}

/// What differs from server to server, without anything being wrong.
fn habits(chance: &mut Chance, server: &mut ServerConfig) {
    let http = &mut server.http;
    http.framing = chance.pick(&[
        Framing::Length,
        Framing::Length,
        Framing::Chunked,
        Framing::Close,
    ]);
    http.chunk = chance.pick(&[1, 7, 1_000, 4_000, 100_000]);
    http.etag = chance.pick(&[
        EtagKind::Strong,
        EtagKind::Strong,
        EtagKind::Weak,
        EtagKind::None,
    ]);
    http.ranges = chance.percent(80);
    http.keep_alive = chance.percent(80);
    http.max_requests = chance.pick(&[None, None, Some(1), Some(2)]);
    let tftp = &mut server.tftp;
    tftp.options = chance.percent(85);
    tftp.tsize = chance.percent(80);
    tftp.max_blksize = chance.pick(&[0, 512, 1_024, 1_468]);
    tftp.max_windowsize = chance.pick(&[0, 1, 8, 64]);
    if chance.percent(10) {
        server.faults.dhcp.always(DhcpFault::SplitOptions);
    }
    if chance.percent(10) {
        server.faults.dhcp.always(DhcpFault::Padded);
    }
}

/// Both ends of TLS: a certification authority, and records of a size that both can live with.
fn https(chance: &mut Chance, seed: u64) -> Https {
    let pki = match chance.percent(50) {
        true => Pki::new(seed),
        false => Pki::with_intermediate(seed),
    };
    let mutual = chance.percent(25);
    let (records, max_fragment) = chance.pick(&[
        (LARGE_RECORDS, None),
        (LARGE_RECORDS, Some(100)),
        (SMALL_RECORDS, Some(4_096)),
        (SMALL_RECORDS, Some(1_000)),
    ]);
    Https {
        mutual,
        client: mutual || chance.percent(25),
        records,
        max_fragment,
        ..Https::new(pki)
    }
}

/// What goes wrong with TLS for a while: at a handshake, or in a body.
fn tls_accident(chance: &mut Chance, somewhere: u64, skip: u32, server: &mut ServerConfig) {
    let flaw = chance.pick(&Flaw::ALL);
    let flawed = Pki::new(1).flawed(&[&SERVER.to_string()], flaw);
    let handshake = [
        TlsFault::Silent,
        TlsFault::Delay(Duration::from_secs(3)),
        TlsFault::Garbage(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        TlsFault::Garbage(vec![21, 3, 3, 0, 2, 2, 80]),
        TlsFault::Close,
        TlsFault::Reset,
        TlsFault::Identity(Box::new(flawed.expect("an identity"))),
    ];
    let raw = |octets: &[u8]| vec![HttpFault::TlsRawAfter(somewhere, octets.to_vec())];
    let body = [
        vec![HttpFault::TlsCutAfter(somewhere)],
        HttpFault::forged_close_notify(somewhere).to_vec(),
        raw(&[0x47; 40]),
        raw(&[&[23, 3, 3, 0, 30][..], &[7; 30]].concat()),
        raw(&[22, 3, 3, 0, 4, 0, 0, 0, 0]),
    ];
    if chance.percent(50) {
        let rule = Rule::new(chance.pick(&handshake)).after(skip);
        server.faults.tls.add(rule.times(1));
        return;
    }
    for fault in chance.pick(&body) {
        server
            .faults
            .http
            .add(Rule::new(fault).after(skip).times(1));
    }
}

/// What goes wrong for a while.
fn accidents(chance: &mut Chance, plan: &Plan, server: &mut ServerConfig) {
    let somewhere = chance.between(0, 30_000);
    let dhcp = [
        DhcpFault::Silent,
        DhcpFault::Nak,
        DhcpFault::WrongXid,
        DhcpFault::NoServerId,
        DhcpFault::Duplicate,
        DhcpFault::Delay(Duration::from_millis(700)),
    ];
    let tftp = [
        TftpFault::NoAnswer,
        TftpFault::ForeignTid,
        TftpFault::Truncate(somewhere),
        TftpFault::RefuseOptions,
        TftpFault::IgnoreOptions,
        TftpFault::Error(0, "out of order".into()),
        TftpFault::ErrorAfter(somewhere, 0, "lost it".into()),
        TftpFault::DieAfter(somewhere),
        TftpFault::DuplicateData,
        TftpFault::Slow(Duration::from_millis(300)),
        TftpFault::LoseBlock(chance.between(1, 20)),
        TftpFault::Burst(60, 1_000),
        TftpFault::UnknownOpcode,
        TftpFault::MalformedOack,
        TftpFault::LargerBlksize,
    ];
    let http = [
        HttpFault::NeverAnswer,
        HttpFault::Delay(Duration::from_secs(3)),
        HttpFault::ResetAfter(somewhere),
        HttpFault::CloseAfter(somewhere),
        HttpFault::StallAfter(somewhere),
        HttpFault::Drip(chance.between(20_000, 400_000)),
        HttpFault::IgnoreRange,
        HttpFault::Status(503, Some(2)),
        HttpFault::Status(500, None),
        HttpFault::GarbageHead,
        HttpFault::HugeHead(50_000),
        HttpFault::Interim(3),
        HttpFault::BadChunk,
        HttpFault::Http10,
        HttpFault::SilentClose,
        HttpFault::Trailing(b"nobody asked for this".to_vec()),
        HttpFault::Burst(60, 1_000),
    ];
    for _ in 0..chance.between(1, 3) {
        let skip = chance.between(0, 3) as u32;
        match plan.protocol {
            Protocol::Tftp => {
                let rule = Rule::new(chance.pick(&tftp)).after(skip);
                server.faults.tftp.add(rule.times(1));
            }
            Protocol::Http => {
                let rule = Rule::new(chance.pick(&http)).after(skip);
                server.faults.http.add(rule.times(1));
            }
            Protocol::Https if chance.percent(60) => {
                let rule = Rule::new(chance.pick(&http)).after(skip);
                server.faults.http.add(rule.times(1));
            }
            Protocol::Https => tls_accident(chance, somewhere, skip, server),
            Protocol::Ubp => {
                let ubp = [
                    UbpFault::NoAnswer,
                    UbpFault::Busy(somewhere as u32 / 10),
                    UbpFault::Error(3),
                    UbpFault::DieAfter(somewhere / 1024),
                    UbpFault::Damage(somewhere as u32 / 1024),
                    UbpFault::Forge,
                ];
                let rule = Rule::new(chance.pick(&ubp)).after(skip);
                server.faults.ubp.add(rule.times(1));
            }
        }
    }
    if chance.percent(30) {
        server.faults.dhcp.once(chance.pick(&dhcp));
    }
    // Wrong octets once: only who knows what to expect can find out before the device does.
    if plan.expect && chance.percent(30) {
        server.faults.tftp.once(TftpFault::Corrupt(0));
        server.faults.http.once(HttpFault::Corrupt(0));
    }
}

/// Makes a boot impossible, and the policy one that sees it soon.
fn make_hopeless(chance: &mut Chance, plan: &mut Plan, server: &mut ServerConfig) -> &'static str {
    write!(
        plan.settings,
        "retry {}\nattempt_ms 60000\ntotal_ms {HOPELESS_MS}\n",
        chance.pick(&["continue", "1", "3", "forever"])
    )
    .expect("a string");
    let faults = &mut server.faults;
    match chance.between(0, 6) {
        0 => {
            faults.dhcp.always(DhcpFault::Silent);
            "DHCP is silent"
        }
        1 => {
            server.files.clear();
            "no files"
        }
        2 => {
            faults.tftp.always(TftpFault::NoAnswer);
            faults.http.always(HttpFault::NeverAnswer);
            faults.ubp.always(UbpFault::NoAnswer);
            "never answers"
        }
        3 => {
            // Before DHCP's own probe time is over, whatever the link.
            faults.dies_at = Some(Instant::from_micros(chance.between(0, 200_000)));
            // A perfect link delivers all of it in no time; then the server has to be dead at once.
            faults.dhcp.always(DhcpFault::Silent);
            "dies"
        }
        4 => {
            faults.tftp.always(TftpFault::DieAfter(0));
            faults.http.always(HttpFault::ResetAfter(0));
            faults.ubp.always(UbpFault::DieAfter(0));
            "dies in every transfer"
        }
        5 => {
            let other = Content::Pattern {
                size: chance.between(1, 5_000),
                seed: plan.seed,
            };
            plan.expect = true;
            faults.tftp.always(TftpFault::Replace(other.clone()));
            faults.http.always(HttpFault::Replace(other.clone()));
            faults.ubp.always(UbpFault::Replace(other));
            "other files"
        }
        _ => {
            server.lease.boot_file = None;
            "no pointer"
        }
    }
}

/// Runs one seed; the error says all that is to be known.
fn run(kind: Kind, seed: u64) -> Result<Boot, String> {
    let case = Case::new(kind, seed);
    let boot = case.boot();
    match case.check(&boot) {
        Ok(()) => Ok(boot),
        Err(what) => Err(format!("{what}\n{}{}", boot.console, case.story())),
    }
}

fn plain(seed: u64) -> Result<Boot, String> {
    run(Kind::Plain, seed)
}

fn secure(seed: u64) -> Result<Boot, String> {
    run(Kind::Https, seed)
}

fn by_ubp(seed: u64) -> Result<Boot, String> {
    run(Kind::Ubp, seed)
}

/// Runs the seeds below `count`, or the one that the environment names.
fn boots(count: u64, again: &str, run: fn(u64) -> Result<Boot, String>) {
    if let Some(seed) = watch::number("NETBOOT_SEED") {
        let boot = run(seed).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        println!("{}", boot.console);
        return;
    }
    let boots = watch::number("NETBOOT_BOOTS").unwrap_or(count);
    let ends = watch::each(boots, again, move |seed| {
        run(seed).map(|boot| boot.outcome.report.error.is_none())
    });
    let booted = ends.iter().filter(|booted| **booted).count() as u64;
    let failed = boots - booted;
    println!("{booted} booted, {failed} ended in a named error");
    assert!(booted > boots / 2 && (boots < 100 || failed > 0));
}

#[test]
fn a_thousand_boots() {
    boots(BOOTS, AGAIN, plain);
}

#[test]
fn two_hundred_boots_over_https() {
    boots(HTTPS_BOOTS, HTTPS_AGAIN, secure);
}

#[test]
fn two_hundred_boots_by_the_udp_boot_protocol() {
    boots(UBP_BOOTS, UBP_AGAIN, by_ubp);
}

#[test]
fn a_seed_gives_the_same_boot_again() {
    for (seed, run) in [
        (3, plain as fn(u64) -> _),
        (14, plain),
        (159, plain),
        (26, secure),
        (5, by_ubp),
    ] {
        let first = run(seed).expect("a good end");
        let again = run(seed).expect("a good end");
        assert_eq!(first.console, again.console);
        assert_eq!(first.link, again.link);
    }
}

/// Seeds beyond the first thousand that found something: a corrupt ARP reply that was believed for a
/// minute, servers' sockets confused by a SYN that came twice, and time-outs that doubled for ever while
/// the end of each TFTP window was lost.
#[test]
fn seeds_that_found_something() {
    for seed in [1_669, 1_804, 3_632, 4_134, 4_856, 7_818, 8_804] {
        plain(seed).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
    }
}
